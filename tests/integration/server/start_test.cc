// How the server starts, or refuses to and says why.
#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <sys/stat.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "tests/conformance/harness/world.h"
#include "tests/support/status_matchers.h"

namespace bits::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using v1::Job;

// Why a bitsd does not start; OK if it does.
absl::Status TryStart(BitsdProcess::Options options) {
  options.start_timeout = absl::Seconds(20);
  return BitsdProcess::Start(std::move(options)).status();
}

void ExpectRefusal(const absl::Status& status, const std::string& text) {
  ASSERT_FALSE(status.ok());
  const std::string message(status.message());
  EXPECT_THAT(message, HasSubstr("before it listened"));
  EXPECT_THAT(message, HasSubstr(text));
}

std::string RootIn(const TempDir& dir) {
  std::filesystem::create_directory(dir / "root");
  return dir / "root";
}

TEST(Start, StateBeneathARootIsRefused) {
  const TempDir dir;
  std::filesystem::create_directory(dir / "state");
  std::filesystem::create_directory_symlink(dir.path(), dir / "link");
  for (const std::string& root : {dir.path(), dir / "link", dir / "state", std::string("/")}) {
    ExpectRefusal(
        TryStart({.state_dir = dir / "state", .roots = {root}, .log_path = dir / "log"}),
        "must not lie beneath the root");
  }
}

TEST(Start, SecondServerOnTheSameStateDirectoryIsRefused) {
  TestBitsd& bitsd = SharedWorld().bitsd;
  const TempDir dir;
  const absl::Status status = TryStart({.state_dir = bitsd.state_dir(),
                                        .roots = {bitsd.root()},
                                        .log_path = dir / "log"});
  ExpectRefusal(status, bitsd.state_dir());
  // The first is none the worse for it.
  BITS_EXPECT_ACCEPTED(bitsd.List({}));
}

TEST(Start, SecondServerAtTheSameAddressIsRefused) {
  TestBitsd& bitsd = SharedWorld().bitsd;
  const TempDir dir;
  const absl::Status status = TryStart({.state_dir = dir / "state",
                                        .roots = {RootIn(dir)},
                                        .listen = bitsd.process().address(),
                                        .log_path = dir / "log"});
  ExpectRefusal(status, "cannot listen at " + bitsd.process().address());
  EXPECT_THAT(ReadFileOr(dir / "log", "-"), Not(HasSubstr("chttp2"))) << "gRPC's own words";
}

TEST(Start, AddressThatOthersCanReachIsRefusedWithoutInsecure) {
  const TempDir dir;
  for (const std::string listen : {"0.0.0.0:0", "[::]:0"}) {
    const absl::Status status = TryStart({.state_dir = dir / "state",
                                          .roots = {RootIn(dir)},
                                          .listen = listen,
                                          .log_path = dir / "log"});
    ExpectRefusal(status, "--insecure");
  }
}

// Else whoever reaches the server would be whom they like.
TEST(Start, DevelopmentPrincipalsAreRefusedWhereOthersCanReach) {
  const TempDir dir;
  const absl::Status status = TryStart({.state_dir = dir / "state",
                                        .roots = {RootIn(dir)},
                                        .flags = {"--development_principals", "--insecure"},
                                        .listen = "0.0.0.0:0",
                                        .log_path = dir / "log"});
  ExpectRefusal(status, "--development_principals");
}

TEST(Start, AddressThatOthersCanReachIsTakenWithInsecure) {
  TestBitsd bitsd({.flags = {"--insecure"}, .listen = "0.0.0.0:0"});
  BITS_EXPECT_ACCEPTED(bitsd.List({}));
  EXPECT_THAT(bitsd.process().Log(), HasSubstr("insecure"));
}

TEST(Start, WrongFlagOrConfigurationIsRefusedAndNamed) {
  const TempDir dir;
  const auto options = [&](const std::string& flag) {
    return BitsdProcess::Options{.state_dir = dir / "state",
                                 .roots = {RootIn(dir)},
                                 .flags = {flag},
                                 .log_path = dir / "log"};
  };
  ExpectRefusal(TryStart(options("--no_such_flag=1")), "--no_such_flag");
  ExpectRefusal(TryStart(options("--config=" + (dir / "missing"))), dir / "missing");
  WriteFile(dir / "config", "policy { background_slots: 0x }\nno_such_field: 1");
  ExpectRefusal(TryStart(options("--config=" + (dir / "config"))), "line 1");
  WriteFile(dir / "config", "policy { events_kept: 1 }");
  ExpectRefusal(TryStart(options("--config=" + (dir / "config"))), "policy.events_kept");
}

TEST(Start, UnixSocketServesAndIsTakenOverFromADeadServer) {
  const TempDir dir;
  const std::string listen = "unix:" + (dir / "socket");
  TestBitsd bitsd({.listen = listen});
  EXPECT_EQ(bitsd.process().address(), listen);
  const std::string job = bitsd.Create({.start = false});
  struct stat info {};
  ASSERT_EQ(::stat((dir / "socket").c_str(), &info), 0);
  EXPECT_TRUE(S_ISSOCK(info.st_mode));
  EXPECT_EQ(info.st_mode & 07, 0u) << "open to everybody";
  bitsd.Kill();
  bitsd.Restart();
  BITS_EXPECT_ACCEPTED(bitsd.Get(job));
}

TEST(Start, SeveralAddressesServeTheSame) {
  const TempDir dir;
  const std::string other = "unix:" + (dir / "socket");
  TestBitsd bitsd({.flags = {"--listen=" + other}});
  const std::string job = bitsd.Create({.start = false});
  const auto channel = grpc::CreateChannel(other, grpc::InsecureChannelCredentials());
  v1::GetJobRequest request;
  request.set_name(job);
  BITS_EXPECT_ACCEPTED(TestBitsd::Call<Job>([&](auto* c, auto* r) {
    return v1::JobService::NewStub(channel)->GetJob(c, request, r);
  }));
  // The bound addresses are told to scripts.
  EXPECT_EQ(ReadFileOr(bitsd.state_dir() + "/listen.addr", "-"),
            absl::StrCat(bitsd.process().address(), "\n", other, "\n"));
}

TEST(Start, WithoutRootsIsRefused) {
  const TempDir dir;
  auto bitsd = BitsdProcess::Start({.state_dir = dir / "state", .log_path = dir / "log"});
  ASSERT_FALSE(bitsd.ok());
  EXPECT_THAT(std::string(bitsd.status().message()), HasSubstr("at least one root"));
}

TEST(Stop, IsCleanAndQuickWithTransfersWatchesAndCallsUnderWay) {
  World world;
  for (int i = 0; i < 20; ++i) BITS_ASSERT_OK(world.JobIn(Job::STATE_TRANSFERRING));
  std::vector<std::unique_ptr<Watch>> watches;
  for (int i = 0; i < 20; ++i) {
    watches.push_back(std::make_unique<Watch>(&world.bitsd.jobs()));
    BITS_ASSERT_OK(watches.back()->AwaitEvent([](const v1::JobEvent&) { return true; }));
  }
  BITS_EXPECT_OK(world.bitsd.process().Stop(absl::Seconds(10)));
}

TEST(Stop, DoesNotWaitForWhoWatchesHealthNorForIdleConnections) {
  TestBitsd bitsd;
  std::vector<std::shared_ptr<grpc::Channel>> idle;
  for (int i = 0; i < 5; ++i) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    idle.push_back(grpc::CreateCustomChannel(bitsd.process().address(),
                                             grpc::InsecureChannelCredentials(), arguments));
    const auto stub = v1::JobService::NewStub(idle.back());
    BITS_ASSERT_ACCEPTED(TestBitsd::Call<v1::ListJobsResponse>(
        [&](auto* c, auto* r) { return stub->ListJobs(c, {}, r); }));
  }
  grpc::ClientContext context;
  const auto health = grpc::health::v1::Health::NewStub(idle[0]);
  const auto reader = health->Watch(&context, grpc::health::v1::HealthCheckRequest());
  grpc::health::v1::HealthCheckResponse response;
  ASSERT_TRUE(reader->Read(&response));
  BITS_EXPECT_OK(bitsd.process().Stop(absl::Seconds(3)));
  context.TryCancel();
  (void)reader->Finish();
}

TEST(Stop, AfterwardsCallsAreUnavailable) {
  TestBitsd bitsd;
  BITS_ASSERT_OK(bitsd.Stop());
  EXPECT_EQ(bitsd.List({}).status.error_code(), grpc::StatusCode::UNAVAILABLE);
}

}  // namespace
}  // namespace bits::testing

// The server: addresses, health, reflection, channelz, start and end.
#include <gmock/gmock.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/byte_buffer.h>
#include <gtest/gtest.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "server/rpc/listen_address.h"
#include "tests/component/call_details.h"
#include "tests/component/rpc_world.h"
#include "tests/component/watcher.h"
#include "tests/support/listener.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace bits::testing {
namespace {

using grpc::StatusCode;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

// Calls a method of which there is no stub: bytes in, bytes out.
grpc::Status CallRaw(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                     const std::string& request, std::string* response) {
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + seconds(30));
  const grpc::Slice slice(request);
  const grpc::ByteBuffer out(&slice, 1);
  grpc::ByteBuffer in;
  Mutex mutex;
  CondVar changed;
  bool done = false;
  grpc::Status status;
  stub.UnaryCall(&context, method, {}, &out, &in, [&](grpc::Status s) {
    MutexLock lock(mutex);
    status = std::move(s);
    done = true;
    changed.SignalAll();
  });
  MutexLock lock(mutex);
  changed.Wait(mutex, [&] { return done; });
  std::vector<grpc::Slice> slices;
  if (status.ok() && in.Dump(&slices).ok()) {
    for (const grpc::Slice& part : slices) {
      response->append(reinterpret_cast<const char*>(part.begin()), part.size());
    }
  }
  return status;
}

// grpc.health.v1.Health/Check by hand: 1 is SERVING, 2 NOT_SERVING; 0 an error.
int Health(const std::shared_ptr<grpc::Channel>& channel, const std::string& service) {
  std::string request;
  if (!service.empty()) {
    request = '\x0a';
    request += static_cast<char>(service.size());
    request += service;
  }
  std::string response;
  const grpc::Status status = CallRaw(channel, "/grpc.health.v1.Health/Check", request, &response);
  if (!status.ok() || response.size() != 2) return 0;
  return response[1];
}

StatusCode CodeOf(const std::shared_ptr<grpc::Channel>& channel, const std::string& method) {
  std::string response;
  return CallRaw(channel, method, "", &response).error_code();
}

constexpr char kTopChannels[] = "/grpc.channelz.v1.Channelz/GetTopChannels";

TEST(ServerTest, HealthFollowsTheServersLife) {
  WorldOptions options;
  options.serving = false;
  options.server.admin_listen = "127.0.0.1:0";
  RpcWorld world(options);
  const auto admin = ConnectTo(world.server->admin_address());
  for (const char* service : {"", "bits.v1.JobService", "bits.v1.ErrorService"}) {
    EXPECT_EQ(Health(world.channel, service), 2) << service;
    EXPECT_EQ(Health(admin, service), 2) << service;
  }
  v1::Job job;
  EXPECT_THAT(world.jobs->GetJob(world.Context().get(), {}, &job),
              IsRefusal(StatusCode::UNAVAILABLE, "STARTING"));
  Watcher early(world.jobs.get(), {});
  EXPECT_EQ(early.NextShort(), "END");
  EXPECT_THAT(early.Status(), IsRefusal(StatusCode::UNAVAILABLE, "STARTING"));

  world.server->SetServing(true);
  for (const char* service : {"", "bits.v1.JobService", "bits.v1.ErrorService"}) {
    EXPECT_EQ(Health(world.channel, service), 1) << service;
    EXPECT_EQ(Health(admin, service), 1) << service;
  }
  world.CreateJob("job");
  world.server->SetServing(false);
  EXPECT_EQ(Health(world.channel, ""), 2);
  world.CreateJob("job2");  // health only
}

TEST(ServerTest, ReflectionWhereServicesAreAndChannelzForAdministrators) {
  WorldOptions options;
  options.server.admin_listen = "127.0.0.1:0";
  RpcWorld world(options);
  const auto admin = ConnectTo(world.server->admin_address());
  // Unary to a streaming method is not how one does it; it is there, or not.
  constexpr char kReflection[] = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";
  EXPECT_EQ(CodeOf(admin, kReflection), StatusCode::UNIMPLEMENTED);
  EXPECT_NE(CodeOf(world.channel, kReflection), StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(CodeOf(admin, kTopChannels), StatusCode::OK);
  EXPECT_EQ(CodeOf(world.channel, kTopChannels), StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(CodeOf(admin, "/bits.v1.JobService/GetJob"), StatusCode::UNIMPLEMENTED);
}

absl::Status StartAt(RpcWorld& world, const std::vector<std::string>& addresses,
                     bool insecure = false, const std::string& admin = "") {
  rpc::ServerOptions options;
  options.listen = addresses;
  options.insecure = insecure;
  options.admin_listen = admin;
  auto server = rpc::Server::Start(
      options, {&world.application->jobs(), &world.application->policies(), &world.store,
                &world.application->hub(), &world.reads, &world.replies, &world.contents,
                &world.authenticator, world.token_key});
  return server.status();
}

TEST(ServerTest, AddressesThatOthersCanReachNeedInsecure) {
  RpcWorld world;
  for (const char* address : {"0.0.0.0:0", "[::]:0", "example.com:0"}) {
    const absl::Status status = StartAt(world, {address});
    EXPECT_THAT(status, HasCode(absl::StatusCode::kInvalidArgument)) << address;
    EXPECT_THAT(std::string(status.message()), HasSubstr("--insecure"));
  }
  EXPECT_THAT(StartAt(world, {"127.0.0.1:0"}, false, "0.0.0.0:0"),
              HasCode(absl::StatusCode::kInvalidArgument));
  BITS_EXPECT_OK(StartAt(world, {"0.0.0.0:0"}, /*insecure=*/true));
  EXPECT_THAT(StartAt(world, {"nonsense"}), HasCode(absl::StatusCode::kInvalidArgument));
}

TEST(ServerTest, LocalhostIsNoAddressThatOthersCanReach) {
  addrinfo* found = nullptr;
  if (::getaddrinfo("localhost", nullptr, nullptr, &found) != 0) {
    GTEST_SKIP() << "this machine does not know localhost (no /etc/hosts)";
  }
  ::freeaddrinfo(found);
  RpcWorld world;
  BITS_EXPECT_OK(StartAt(world, {"localhost:0"}));
}

TEST(ServerTest, ATakenPortIsSaidSo) {
  RpcWorld world;
  const auto taken = ListenOnLoopback();
  BITS_ASSERT_OK(taken);
  const absl::Status status = StartAt(world, {"127.0.0.1:" + std::to_string(taken->port)});
  EXPECT_THAT(status, HasCode(absl::StatusCode::kUnavailable));
  EXPECT_THAT(std::string(status.message()), HasSubstr("in use"));
  // Our own too: two servers never share a port.
  EXPECT_THAT(StartAt(world, {world.server->addresses().front()}),
              HasCode(absl::StatusCode::kUnavailable));
}

TEST(ServerTest, OfSeveralAddressesTheOneThatFailedIsNamed) {
  RpcWorld world;
  const auto taken = ListenOnLoopback();
  BITS_ASSERT_OK(taken);
  const std::string bad = "127.0.0.1:" + std::to_string(taken->port);
  EXPECT_EQ(std::string(StartAt(world, {"127.0.0.1:0", bad, "[::1]:0"}).message()),
            "cannot listen at " + bad + ": Address already in use");
}

TEST(ServerTest, AnAddressGivenTwiceIsRefused) {
  RpcWorld world;
  const TempDir dir;
  for (const std::string& twice : {"unix:" + dir / "s", std::string("127.0.0.1:1")}) {
    EXPECT_EQ(std::string(StartAt(world, {twice, twice}).message()),
              "the address " + twice + " is given twice");
  }
}

TEST(ServerTest, SeveralAddresses) {
  TempDir dir;
  WorldOptions options;
  options.server.listen = {"127.0.0.1:0", "unix:" + dir / "s", "127.0.0.1:0"};
  RpcWorld world(options);
  ASSERT_EQ(world.server->addresses().size(), 3u);
  for (const std::string& address : world.server->addresses()) {
    EXPECT_THAT(address, Not(HasSubstr(":0")));
    EXPECT_EQ(Health(ConnectTo(address), ""), 1) << address;
  }
}

TEST(ServerTest, AUnixSocketIsTheGroupsAndGoesWithTheServer) {
  TempDir dir;
  const std::string path = dir / "s";
  WorldOptions options;
  options.server.listen = {"unix:" + path};
  struct stat found {};
  {
    RpcWorld world(options);
    ASSERT_EQ(::stat(path.c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777, 0660u);
    world.CreateJob("job");
    const absl::Status second = StartAt(world, {"unix:" + path});
    EXPECT_THAT(std::string(second.message()), HasSubstr("another process listens"));
    EXPECT_EQ(Health(world.channel, ""), 1);
  }
  EXPECT_NE(::stat(path.c_str(), &found), 0);
}

TEST(ServerTest, AStaleUnixSocketIsReplaced) {
  TempDir dir;
  const std::string path = dir / "s";
  {
    const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    ASSERT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  }
  WorldOptions options;
  options.server.listen = {"unix:" + path};
  RpcWorld world(options);
  world.CreateJob("job");
}

TEST(ServerTest, InProcess) {
  RpcWorld world;
  const auto stub = v1::JobService::NewStub(world.server->InProcessChannel());
  v1::ListJobsResponse response;
  EXPECT_GRPC_OK(stub->ListJobs(world.Context().get(), {}, &response));
}

TEST(DrainTest, EndsWatchesAndLetsCallsFinish) {
  RpcWorld world;
  const v1::Job job = world.CreateJob("job");
  Watcher watcher(world.jobs.get(), {});
  watcher.Until("SNAPSHOT_END");
  world.reads.Hold();
  std::thread caller([&] { world.GetJob(job.name()); });
  world.reads.WaitForHeld(1);
  std::thread drainer([&] { world.server->Drain(std::chrono::system_clock::now() + seconds(60)); });
  // The watch ends at once, the call is waited for.
  EXPECT_EQ(watcher.NextShort(), "END");
  EXPECT_THAT(watcher.Status(), IsRefusal(StatusCode::UNAVAILABLE, "DRAINING"));
  world.reads.Release();
  caller.join();
  drainer.join();
}

TEST(DrainTest, CancelsWhatIsUnderWayAtTheDeadline) {
  RpcWorld world;
  const v1::Job job = world.CreateJob("job");
  world.reads.Hold();
  std::thread caller([&] {
    v1::GetJobRequest request;
    request.set_name(job.name());
    v1::Job got;
    EXPECT_FALSE(world.jobs->GetJob(world.Context().get(), request, &got).ok());
  });
  world.reads.WaitForHeld(1);
  const auto start = std::chrono::steady_clock::now();
  world.server->Drain(std::chrono::system_clock::now() + milliseconds(100));
  EXPECT_GE(std::chrono::steady_clock::now() - start, milliseconds(90));
  caller.join();
}

TEST(DrainTest, NothingIsAnsweredAfterwards) {
  RpcWorld world;
  world.server->Drain(std::chrono::system_clock::now() + seconds(30));
  world.server->SetServing(true);  // too late
  v1::ListJobsResponse response;
  EXPECT_EQ(world.jobs->ListJobs(world.Context().get(), {}, &response).error_code(),
            StatusCode::UNAVAILABLE);
}

}  // namespace
}  // namespace bits::testing

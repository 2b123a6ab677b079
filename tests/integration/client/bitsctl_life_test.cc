// The commands other than transfer, through the life of a job.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "bits/v1/error_service.pb.h"
#include "bits/v1/event.pb.h"
#include "bits/v1/job_service.pb.h"
#include "tests/integration/client/bitsctl_run.h"

namespace bits::testing {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::SizeIs;

using BitsctlLifeTest = BitsctlTest;

TEST_F(BitsctlLifeTest, FromCreateToComplete) {
  origin_->Put("/1", std::string("one"));
  origin_->Put("/2", std::string("two"));
  const Ran created = Run({"create", "nightly run", "--file=" + origin_->Url("/1?a=b") + "=1",
                           "--priority=high", "--label=team=web", "--description=all of it"});
  ASSERT_EQ(created.code, 0) << created.err;
  ASSERT_THAT(created.out, MatchesRegex("[0-9a-f-]{36}\n"));
  const std::string id = created.out.substr(0, 36);
  EXPECT_EQ(OnlyJob().state(), v1::Job::STATE_SUSPENDED);

  EXPECT_EQ(Run({"add", id, origin_->Url("/2"), "sub/2"}).code, 0);
  EXPECT_THAT(Run({"list"}).out,
              AllOf(HasSubstr(id.substr(0, 8)), HasSubstr("nightly run"), HasSubstr("SUSPENDED"),
                    HasSubstr("HIGH"), HasSubstr("0/2")));
  EXPECT_THAT(Run({"list", "--filter=labels.team = \"web\" AND priority = PRIORITY_HIGH"}).out,
              HasSubstr("nightly run"));
  EXPECT_EQ(Run({"list", "--filter=labels.team = \"other\""}).out, "");

  EXPECT_EQ(
      Run({"set", "nightly run", "--priority=low", "--label=more=1", "--retry-delay=1m"}).code, 0);
  const auto job = RunForJson<v1::Job>({"info", id.substr(0, 6)});
  EXPECT_EQ(job.priority(), v1::Job::PRIORITY_LOW);
  EXPECT_THAT(job.labels(), SizeIs(2));
  EXPECT_EQ(job.minimum_retry_delay().seconds(), 60);

  const auto monitor = Start({"monitor", id, "--json"});
  EXPECT_EQ(Run({"resume", id}).code, 0);
  // Until it is TRANSFERRED; then it waits for its owner.
  while (OnlyJob().state() != v1::Job::STATE_TRANSFERRED) {
  }
  EXPECT_EQ(Local("1"), "(none)");
  EXPECT_THAT(Run({"info", id}).out, HasSubstr("waits for its owner to complete it"));
  EXPECT_EQ(Run({"complete", id}).code, 0);
  EXPECT_EQ(Local("1"), "one");
  EXPECT_EQ(Local("sub/2"), "two");

  const Ran watched = monitor->Wait();
  EXPECT_EQ(watched.code, 0) << watched.err;
  std::vector<v1::Job::State> states;
  std::istringstream lines(watched.out);
  for (std::string line; std::getline(lines, line);) {
    v1::JobEvent event;
    EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(line, &event).ok()) << line;
    if (event.has_job()) states.push_back(event.job().state());
  }
  EXPECT_THAT(states,
              AllOf(Contains(v1::Job::STATE_TRANSFERRED), Contains(v1::Job::STATE_ACKNOWLEDGED)));

  EXPECT_EQ(Run({"list"}).out, "");
  EXPECT_EQ(OnlyJob(true).state(), v1::Job::STATE_ACKNOWLEDGED);
  const auto files = RunForJson<v1::ListFilesResponse>({"files", id});
  ASSERT_THAT(files.files(), SizeIs(2));
  EXPECT_TRUE(files.files(1).progress().completed());
  EXPECT_EQ(Run({"resume", id}).code, 2);
}

TEST_F(BitsctlLifeTest, SuspendKeepsWhatIsThere) {
  const std::string content = MakeContent(8'000'000, 5);
  Behavior behavior;
  behavior.stall_after = 6'000'000;
  origin_->Put("/a", content, behavior);
  ASSERT_EQ(Run({"create", "big", "--start", "--file=" + origin_->Url("/a") + "=a"}).code, 0);
  ASSERT_TRUE(origin_->WaitForBytes("/a", 6'000'000, absl::Seconds(30)));
  EXPECT_EQ(Run({"suspend", "big"}).code, 0);
  EXPECT_EQ(OnlyJob().state(), v1::Job::STATE_SUSPENDED);
  origin_->Release();
  const Ran ran = Run({"transfer", "--resume", "big"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(Local("a"), content);
}

TEST_F(BitsctlLifeTest, CompleteOfApart) {
  origin_->Put("/1", std::string("one"));
  Behavior behavior;
  behavior.stall_before_head = true;
  origin_->Put("/2", std::string("two"), behavior);
  ASSERT_EQ(Run({"create", "both", "--start", "--file=" + origin_->Url("/1") + "=1",
                 "--file=" + origin_->Url("/2") + "=2"})
                .code,
            0);
  while (OnlyJob().progress().files_transferred() != 1) {
  }
  const Ran ran = Run({"complete", "both"});
  EXPECT_EQ(ran.code, 4) << ran.err;
  EXPECT_EQ(Local("1"), "one");
  EXPECT_EQ(Local("2"), "(none)");
}

TEST_F(BitsctlLifeTest, AmbiguousAndUnknownNames) {
  ASSERT_EQ(Run({"create", "same"}).code, 0);
  ASSERT_EQ(Run({"create", "same"}).code, 0);
  const Ran ambiguous = Run({"info", "same"});
  EXPECT_EQ(ambiguous.code, 2);
  EXPECT_THAT(ambiguous.err, HasSubstr("several jobs are called \"same\""));
  EXPECT_EQ(Run({"info", "nobody"}).code, 2);
  EXPECT_THAT(Run({"info", "00000000-0000-4000-8000-000000000000"}).err,
              HasSubstr("BG_E_NOT_FOUND, 0x80200001"));
}

TEST_F(BitsctlLifeTest, RefusalsSayWhy) {
  ASSERT_EQ(Run({"create", "empty"}).code, 0);
  const Ran resumed = Run({"resume", "empty"});
  EXPECT_EQ(resumed.code, 2);
  EXPECT_THAT(resumed.err, HasSubstr("BG_E_EMPTY, 0x80200003"));
  const Ran unnamed = Run({"create", ""});
  EXPECT_EQ(unnamed.code, 2);
  EXPECT_THAT(unnamed.err, HasSubstr("display_name"));
  EXPECT_THAT(Run({"list", "--filter=nonsense = 1"}).err, HasSubstr("filter"));
}

TEST_F(BitsctlLifeTest, DescribesCodes) {
  EXPECT_THAT(Run({"describe", "0x80190194"}).out, HasSubstr("BG_E_HTTP_ERROR_404"));
  EXPECT_EQ(RunForJson<v1::DescribeErrorResponse>({"describe", "2149580815"}).code(),
            "BG_E_ERROR_INFORMATION_UNAVAILABLE");
  EXPECT_EQ(Run({"describe", "0x12345678"}).code, 2);
}

TEST_F(BitsctlLifeTest, NobodyThere) {
  ASSERT_TRUE(bitsd_->Stop().ok());
  const Ran ran = Run({"list", "--wait=0"});
  EXPECT_EQ(ran.code, 5);
  EXPECT_THAT(ran.err, HasSubstr("no bitsd answers at " + bitsd_->address()));
}

TEST_F(BitsctlLifeTest, WaitsForAServerThatStarts) {
  ASSERT_TRUE(bitsd_->Stop().ok());
  const auto running = Start({"list", "--wait=60s"});
  ASSERT_TRUE(bitsd_->Restart().ok());
  EXPECT_EQ(running->Wait().code, 0);
}

TEST_F(BitsctlLifeTest, OverAUnixSocket) {
  TempDir state;
  BitsdProcess::Options options;
  options.state_dir = state.path();
  options.roots = {root_.path()};
  options.listen = "unix:" + (state / "socket");
  auto bitsd = BitsdProcess::Start(std::move(options));
  ASSERT_TRUE(bitsd.ok()) << bitsd.status();
  const Ran ran = Run({"--server=unix:" + (state / "socket"), "create", "there"});
  EXPECT_EQ(ran.code, 0) << ran.err;
}

}  // namespace
}  // namespace bits::testing

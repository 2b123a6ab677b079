#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>


#include "client/cli/monitor_board.h"
#include "tests/unit/client/cli_fixture.h"

namespace bits::testing {
namespace {

using cli::ExitCode;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

v1::JobEvent Event(v1::JobEvent::Type type, const v1::Job& job) {
  v1::JobEvent event;
  event.set_type(type);
  *event.mutable_job() = job;
  event.set_cursor("c");
  return event;
}

v1::JobEvent SnapshotEnd() {
  v1::JobEvent event;
  event.set_type(v1::JobEvent::TYPE_SNAPSHOT_END);
  event.set_cursor("c");
  return event;
}

class MonitorTest : public CliTest {
 protected:
  MonitorTest() {
    handlers_.list_jobs = [](const auto&, auto&) { return grpc::Status::OK; };
    handlers_.get_job = [](const v1::GetJobRequest& request, v1::Job& job) {
      job = MakeJob(1, v1::Job::STATE_ACKNOWLEDGED);
      job.set_name(request.name());
      job.set_result(v1::Job::RESULT_OK);
      return grpc::Status::OK;
    };
    handlers_.watch_jobs = [this](const v1::WatchJobsRequest& request, FakeWatch& writer) {
      watched_ = request;
      for (const auto& event : events_) writer.Write(event);
      return writer.WaitUntilCancelled();
    };
  }

  std::vector<v1::JobEvent> events_;
  v1::WatchJobsRequest watched_;
};

TEST_F(MonitorTest, OfAllJobsGoesOnUntilInterrupted) {
  events_ = {Event(v1::JobEvent::TYPE_SNAPSHOT, MakeJob(1, v1::Job::STATE_QUEUED)), SnapshotEnd(),
             Event(v1::JobEvent::TYPE_STATE_CHANGED, MakeJob(1, v1::Job::STATE_ACKNOWLEDGED))};
  on_output_ = [this](const std::string& text) {
    if (text.find("ACKNOWLEDGED") != std::string::npos) interrupts_->Raise();
  };
  Serve();
  const auto ran = Run({"monitor", "--filter=type = TYPE_DOWNLOAD"});
  EXPECT_EQ(ran.code, ExitCode::kInterrupted);
  EXPECT_THAT(ran.out, AllOf(HasSubstr("00010000  a.iso  QUEUED\n"),
                             HasSubstr("00010000  a.iso  ACKNOWLEDGED\n")));
  EXPECT_EQ(watched_.filter(),
            "(type = TYPE_DOWNLOAD) AND state != STATE_ACKNOWLEDGED AND state != STATE_CANCELLED");
  Run({"monitor", "--final"});
  EXPECT_EQ(watched_.filter(), "");
}

TEST_F(MonitorTest, OfSomeJobsEndsWithTheLast) {
  auto cancelled = MakeJob(2, v1::Job::STATE_CANCELLED);
  events_ = {Event(v1::JobEvent::TYPE_SNAPSHOT, MakeJob(1, v1::Job::STATE_QUEUED)),
             Event(v1::JobEvent::TYPE_SNAPSHOT, MakeJob(2, v1::Job::STATE_QUEUED)),
             Event(v1::JobEvent::TYPE_SNAPSHOT, MakeJob(3, v1::Job::STATE_QUEUED, "other")),
             SnapshotEnd(),
             Event(v1::JobEvent::TYPE_STATE_CHANGED, cancelled),
             Event(v1::JobEvent::TYPE_STATE_CHANGED, MakeJob(1, v1::Job::STATE_ACKNOWLEDGED))};
  Serve();
  const auto ran = Run({"monitor", IdOf(1), IdOf(2)});
  EXPECT_EQ(ran.code, ExitCode::kIncomplete);
  EXPECT_THAT(ran.out, AllOf(HasSubstr("CANCELLED"), Not(HasSubstr("other"))));
}

TEST_F(MonitorTest, JobsThatHaveEndedAlreadyAreAskedFor) {
  events_ = {SnapshotEnd()};
  Serve();
  const auto ran = Run({"monitor", IdOf(1)});
  EXPECT_EQ(ran.code, ExitCode::kOk);
  EXPECT_THAT(ran.out, HasSubstr("ACKNOWLEDGED"));
}

TEST_F(MonitorTest, JsonIsAnEventALine) {
  events_ = {Event(v1::JobEvent::TYPE_SNAPSHOT, MakeJob(1, v1::Job::STATE_QUEUED)), SnapshotEnd(),
             Event(v1::JobEvent::TYPE_STATE_CHANGED, MakeJob(1, v1::Job::STATE_ACKNOWLEDGED))};
  Serve();
  std::istringstream lines(Run({"monitor", "--json", IdOf(1)}).out);
  std::vector<v1::JobEvent::Type> types;
  for (std::string line; std::getline(lines, line);) {
    v1::JobEvent event;
    EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(line, &event).ok()) << line;
    types.push_back(event.type());
  }
  EXPECT_THAT(types, ElementsAre(v1::JobEvent::TYPE_SNAPSHOT, v1::JobEvent::TYPE_SNAPSHOT_END,
                                 v1::JobEvent::TYPE_STATE_CHANGED));
}

TEST_F(MonitorTest, NobodyThereIsSaidAtOnce) {
  EXPECT_EQ(Run({"--server=unix:/nonexistent/socket", "--wait=0", "monitor"}).code,
            ExitCode::kUnreachable);
}

class MonitorBoardTest : public ::testing::Test {
 protected:
  std::ostringstream out_;
  cli::Terminal terminal_{out_};
  cli::MonitorBoard board_{terminal_};
};

TEST_F(MonitorBoardTest, WhatMovesComesFirst) {
  board_.Put(MakeJob(1, v1::Job::STATE_SUSPENDED, "idle"), false);
  board_.Put(MakeJob(2, v1::Job::STATE_ERROR, "broken"), false);
  board_.Put(MakeJob(3, v1::Job::STATE_TRANSFERRING, "moving"), false);
  const auto lines = board_.Lines(80, 24);
  ASSERT_THAT(lines, SizeIs(4));
  EXPECT_THAT(lines[1], HasSubstr("moving"));
  EXPECT_THAT(lines[2], HasSubstr("broken"));
  EXPECT_THAT(lines[3], HasSubstr("idle"));
}

TEST_F(MonitorBoardTest, WhatDoesNotFitIsCounted) {
  for (int i = 0; i < 50; ++i) board_.Put(MakeJob(i, v1::Job::STATE_QUEUED), false);
  const auto lines = board_.Lines(30, 12);
  EXPECT_THAT(lines, SizeIs(12));
  EXPECT_EQ(lines.back(), "and 40 more");
  for (const auto& line : lines) EXPECT_LE(line.size(), 30U);
}

TEST_F(MonitorBoardTest, ColoursDoNotCountAndAreNotCut) {
  terminal_.colour = true;
  board_.Put(MakeJob(1, v1::Job::STATE_ERROR), false);
  const auto line = board_.Lines(19, 24)[1];
  EXPECT_EQ(line, "00010000  a.iso  \x1b[31mER\x1b[0m");
}

TEST_F(MonitorBoardTest, FinalJobsStayOnlyWhereTheyAreWaitedFor) {
  board_.Put(MakeJob(1, v1::Job::STATE_QUEUED), false);
  board_.Put(MakeJob(1, v1::Job::STATE_CANCELLED), false);
  EXPECT_THAT(board_.Lines(80, 24), SizeIs(1));
  board_.Put(MakeJob(1, v1::Job::STATE_CANCELLED), true);
  EXPECT_THAT(board_.Lines(80, 24), SizeIs(2));
}

TEST_F(MonitorBoardTest, DrawsOverWhatItDrew) {
  board_.Put(MakeJob(1, v1::Job::STATE_QUEUED), false);
  board_.Draw();
  EXPECT_THAT(out_.str(), Not(HasSubstr("A\r")));
  out_.str("");
  board_.Draw();
  EXPECT_THAT(out_.str(), StartsWith("\x1b[2A\r"));
}

TEST(EventLineTest, TellsWhatHappened) {
  std::ostringstream out;
  const cli::Terminal terminal{out};
  auto event = Event(v1::JobEvent::TYPE_STATE_CHANGED, MakeJob(1, v1::Job::STATE_ERROR));
  event.mutable_event_time()->set_seconds(1'700'000'000);
  event.mutable_error()->set_code("BG_E_HTTP_ERROR_404");
  event.mutable_error()->set_hresult(0x80190194);
  event.mutable_error()->set_description("Not found.");
  EXPECT_EQ(cli::EventLine(event, absl::UTCTimeZone(), terminal),
            "22:13:20  00010000  a.iso  ERROR  BG_E_HTTP_ERROR_404 (0x80190194): Not found.");
  event.clear_error();
  event.set_type(v1::JobEvent::TYPE_FILE_RESTARTED);
  event.set_file("jobs/x/files/3");
  EXPECT_EQ(cli::EventLine(event, absl::UTCTimeZone(), terminal),
            "22:13:20  00010000  a.iso  file 3 was started over");
  EXPECT_EQ(cli::EventLine(SnapshotEnd(), absl::UTCTimeZone(), terminal), "");
}

}  // namespace
}  // namespace bits::testing

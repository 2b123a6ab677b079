#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include "client/cli/progress_display.h"
#include "tests/unit/client/cli_fixture.h"

namespace bits::testing {
namespace {

using cli::ExitCode;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

v1::Job InState(v1::Job::State state) { return MakeJob(1, state); }

v1::JobEvent EventOf(v1::JobEvent::Type type, const v1::Job& job) {
  v1::JobEvent event;
  event.set_type(type);
  *event.mutable_job() = job;
  event.set_cursor(type == v1::JobEvent::TYPE_SNAPSHOT ? "" : "c");
  return event;
}

v1::JobEvent Changed(v1::Job::State state) {
  return EventOf(v1::JobEvent::TYPE_STATE_CHANGED, InState(state));
}

v1::JobEvent EndOfSnapshot() {
  v1::JobEvent event;
  event.set_type(v1::JobEvent::TYPE_SNAPSHOT_END);
  event.set_cursor("c0");
  return event;
}

v1::Error NotThere() {
  v1::Error error;
  error.set_code("BG_E_HTTP_ERROR_404");
  error.set_hresult(0x80190194);
  error.set_context(v1::ERROR_CONTEXT_REMOTE_FILE);
  error.set_description("The file does not exist on the server.");
  error.set_file("jobs/" + IdOf(1) + "/files/1");
  return error;
}

// Creates job 1; the watch gives the snapshot, then what the test scripts, then holds.
class TransferTest : public CliTest {
 protected:
  // A handler may still be at work on what is of this class.
  ~TransferTest() override { server_ = nullptr; }
  TransferTest() {
    handlers_.create_job = [this](const v1::CreateJobRequest& request, v1::Job& job) {
      created_ = request;
      job = InState(v1::Job::STATE_QUEUED);
      return grpc::Status::OK;
    };
    handlers_.watch_jobs = [this](const v1::WatchJobsRequest& request, FakeWatch& writer) {
      watched_ = request;
      if (in_snapshot_) {
        writer.Write(EventOf(v1::JobEvent::TYPE_SNAPSHOT, InState(v1::Job::STATE_QUEUED)));
      }
      writer.Write(EndOfSnapshot());
      for (const auto& event : events_) writer.Write(event);
      if (on_written_) on_written_();
      return writer.WaitUntilCancelled();
    };
    handlers_.complete_job = [this](const v1::CompleteJobRequest&, v1::Job& job) {
      ++completions_;
      job = InState(v1::Job::STATE_ACKNOWLEDGED);
      job.set_result(v1::Job::RESULT_OK);
      job.mutable_progress()->set_files_transferred(1);
      job.mutable_progress()->set_bytes_transferred(10'485'760);
      *job.mutable_transfer_completion_time() = job.create_time();
      job.mutable_transfer_completion_time()->set_seconds(job.create_time().seconds() + 72);
      return grpc::Status::OK;
    };
    handlers_.list_files = [](const v1::ListFilesRequest&, v1::ListFilesResponse& response) {
      response.add_files()->set_local_name("out/a.iso");
      return grpc::Status::OK;
    };
  }

  v1::CreateJobRequest created_;
  v1::WatchJobsRequest watched_;
  bool in_snapshot_ = true;
  std::vector<v1::JobEvent> events_;
  std::function<void()> on_written_;
  int completions_ = 0;
};

TEST_F(TransferTest, CreatesShowsCompletes) {
  auto moving = InState(v1::Job::STATE_TRANSFERRING);
  moving.mutable_progress()->set_bytes_total(10'485'760);
  moving.mutable_progress()->set_bytes_transferred(5'242'880);
  events_ = {Changed(v1::Job::STATE_TRANSFERRING), EventOf(v1::JobEvent::TYPE_PROGRESS, moving),
             Changed(v1::Job::STATE_TRANSFERRED)};
  Serve();
  const auto ran = Run({"transfer", "http://a/a.iso", "out/a.iso"});
  EXPECT_EQ(ran.code, ExitCode::kOk) << ran.err;
  EXPECT_EQ(ran.out, "Saved out/a.iso: 10 MiB in 1m 12s\n");
  EXPECT_THAT(ran.err, AllOf(HasSubstr("Job " + IdOf(1) + "\n"), HasSubstr("a.iso: QUEUED"),
                             HasSubstr("a.iso: TRANSFERRING, 50%, 5.0 MiB of 10 MiB"),
                             Not(HasSubstr("\x1b")), Not(HasSubstr("\r"))));
  EXPECT_EQ(created_.job().display_name(), "a.iso");
  EXPECT_EQ(created_.job().priority(), v1::Job::PRIORITY_FOREGROUND);
  EXPECT_TRUE(created_.start());
  EXPECT_EQ(watched_.filter(), "create_time = \"2023-11-14T22:13:21Z\"");
  EXPECT_EQ(completions_, 1);
}

TEST_F(TransferTest, DrawsABarOnATerminalAndLeavesNothingOfIt) {
  interactive_ = true;
  auto moving = InState(v1::Job::STATE_TRANSFERRING);
  moving.mutable_progress()->set_bytes_total(10'485'760);
  moving.mutable_progress()->set_bytes_transferred(5'242'880);
  events_ = {EventOf(v1::JobEvent::TYPE_STATE_CHANGED, moving),
             Changed(v1::Job::STATE_TRANSFERRED)};
  Serve();
  const auto ran = Run({"transfer", "http://a/a.iso"});
  EXPECT_EQ(ran.code, ExitCode::kOk) << ran.err;
  EXPECT_THAT(ran.err,
              AllOf(HasSubstr("a.iso ["), HasSubstr("50%"), ::testing::EndsWith("\r\x1b[K")));
}

TEST_F(TransferTest, QuietShowsNothingButTheResult) {
  events_ = {Changed(v1::Job::STATE_TRANSFERRED)};
  Serve();
  const auto ran = Run({"transfer", "--quiet", "http://a/a.iso"});
  EXPECT_EQ(ran.err, "");
  EXPECT_THAT(ran.out, HasSubstr("Saved"));
}

TEST_F(TransferTest, AnErrorIsToldWithAdviceAndTheJobLeft) {
  auto event = Changed(v1::Job::STATE_ERROR);
  *event.mutable_error() = NotThere();
  events_ = {event};
  Serve();
  const auto ran = Run({"transfer", "http://a/a.iso", "--name=nightly"});
  EXPECT_EQ(ran.code, ExitCode::kJobError);
  EXPECT_THAT(ran.err,
              AllOf(HasSubstr("BG_E_HTTP_ERROR_404 (0x80190194)"), HasSubstr("REMOTE_FILE"),
                    HasSubstr("The file does not exist on the server."),
                    HasSubstr("bitsctl set-remote " + IdOf(1) + " 1 URL"),
                    HasSubstr("bitsctl transfer --resume " + IdOf(1)),
                    HasSubstr("bitsctl cancel " + IdOf(1))));
  EXPECT_EQ(ran.out, "");
  EXPECT_EQ(completions_, 0);
  EXPECT_EQ(created_.job().display_name(), "nightly");
}

TEST_F(TransferTest, AnErrorInJsonIsTheJobAndTheError) {
  auto event = Changed(v1::Job::STATE_ERROR);
  *event.mutable_error() = NotThere();
  events_ = {event};
  Serve();
  const auto ran = Run({"transfer", "--json", "http://a/a.iso"});
  EXPECT_EQ(ran.code, ExitCode::kJobError);
  v1::Job job;
  v1::Error error;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(ran.out, &job).ok()) << ran.out;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(ran.err, &error).ok()) << ran.err;
  EXPECT_EQ(job.state(), v1::Job::STATE_ERROR);
  EXPECT_EQ(error.code(), "BG_E_HTTP_ERROR_404");
}

TEST_F(TransferTest, WaitsThroughATransientErrorAndSaysUntilWhen) {
  auto event = Changed(v1::Job::STATE_TRANSIENT_ERROR);
  *event.mutable_error() = NotThere();
  event.mutable_error()->set_code("BG_E_HTTP_ERROR_503");
  event.mutable_error()->set_transient(true);
  event.mutable_error()->mutable_retry_time()->set_seconds(1'700'000'600);
  events_ = {event, Changed(v1::Job::STATE_QUEUED), Changed(v1::Job::STATE_TRANSFERRED)};
  Serve();
  const auto ran = Run({"transfer", "http://a/a.iso"});
  EXPECT_EQ(ran.code, ExitCode::kOk);
  EXPECT_THAT(ran.err, HasSubstr("Trouble: BG_E_HTTP_ERROR_503"));
  EXPECT_THAT(ran.err, AllOf(HasSubstr("next try at 2023-11-1"),
                             HasSubstr("or now by `bitsctl resume " + IdOf(1) + "`")));
}

TEST_F(TransferTest, SaysWhenAFileIsFetchedAnew) {
  auto restarted = EventOf(v1::JobEvent::TYPE_FILE_RESTARTED, InState(v1::Job::STATE_TRANSFERRING));
  restarted.set_file("jobs/" + IdOf(1) + "/files/1");
  events_ = {restarted, Changed(v1::Job::STATE_TRANSFERRED)};
  Serve();
  EXPECT_THAT(Run({"transfer", "http://a/a.iso"}).err, HasSubstr("File 1 is fetched anew"));
}

TEST_F(TransferTest, AnInterruptionLeavesTheJobRunning) {
  on_written_ = [this] { interrupts_->Raise(); };
  Serve();
  const auto ran = Run({"transfer", "http://a/a.iso"});
  EXPECT_EQ(ran.code, ExitCode::kInterrupted);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("The job goes on without bitsctl."),
                             HasSubstr("bitsctl transfer --resume " + IdOf(1)),
                             HasSubstr("bitsctl cancel " + IdOf(1))));
  EXPECT_EQ(completions_, 0);
}

TEST_F(TransferTest, AnInterruptionWhileTheJobIsMadeIsNotLost) {
  handlers_.create_job = [this](const v1::CreateJobRequest&, v1::Job& job) {
    interrupts_->Raise();
    job = InState(v1::Job::STATE_QUEUED);
    return grpc::Status::OK;
  };
  Serve();
  const auto ran = Run({"transfer", "http://a/a.iso"});
  EXPECT_EQ(ran.code, ExitCode::kInterrupted);
  EXPECT_THAT(ran.err, HasSubstr(IdOf(1)));
}

TEST_F(TransferTest, CancelledByAnother) {
  events_ = {Changed(v1::Job::STATE_CANCELLED)};
  Serve();
  const auto ran = Run({"transfer", "http://a/a.iso"});
  EXPECT_EQ(ran.code, ExitCode::kIncomplete);
  EXPECT_THAT(ran.err, HasSubstr("cancelled"));
}

TEST_F(TransferTest, CompletedByAnotherIsSaved) {
  events_ = {Changed(v1::Job::STATE_TRANSFERRED)};
  handlers_.complete_job = [](const auto&, auto&) {
    return Refusal(grpc::StatusCode::FAILED_PRECONDITION, "BG_E_INVALID_STATE", "It is final.");
  };
  handlers_.get_job = [](const auto&, v1::Job& job) {
    job = InState(v1::Job::STATE_ACKNOWLEDGED);
    job.set_result(v1::Job::RESULT_OK);
    return grpc::Status::OK;
  };
  Serve();
  EXPECT_EQ(Run({"transfer", "http://a/a.iso"}).code, ExitCode::kOk);
}

TEST_F(TransferTest, ACompletionThatFailsSaysTheBytesAreThere) {
  events_ = {Changed(v1::Job::STATE_TRANSFERRED)};
  handlers_.complete_job = [](const auto&, auto&) {
    return Refusal(grpc::StatusCode::PERMISSION_DENIED, "E_ACCESSDENIED", "May not write there.");
  };
  handlers_.get_job = [](const auto&, v1::Job& job) {
    job = InState(v1::Job::STATE_TRANSFERRED);
    return grpc::Status::OK;
  };
  Serve();
  const auto ran = Run({"transfer", "http://a/a.iso"});
  EXPECT_EQ(ran.code, ExitCode::kRefused);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("E_ACCESSDENIED"), HasSubstr("transfer --resume")));
}

TEST_F(TransferTest, AJobThatEndedBeforeTheWatchBeganIsAskedFor) {
  in_snapshot_ = false;
  handlers_.get_job = [](const auto&, v1::Job& job) {
    job = InState(v1::Job::STATE_CANCELLED);
    return grpc::Status::OK;
  };
  Serve();
  EXPECT_EQ(Run({"transfer", "http://a/a.iso"}).code, ExitCode::kIncomplete);
}

TEST_F(TransferTest, OtherJobsOfTheSameMomentAreNotOurs) {
  events_ = {EventOf(v1::JobEvent::TYPE_STATE_CHANGED, MakeJob(2, v1::Job::STATE_ERROR)),
             Changed(v1::Job::STATE_TRANSFERRED)};
  Serve();
  EXPECT_EQ(Run({"transfer", "http://a/a.iso"}).code, ExitCode::kOk);
}

TEST_F(TransferTest, ResumeTakesUpAJobThatIsThere) {
  int resumes = 0;
  handlers_.get_job = [](const auto&, v1::Job& job) {
    job = InState(v1::Job::STATE_ERROR);
    return grpc::Status::OK;
  };
  handlers_.resume_job = [&resumes](const auto&, v1::Job& job) {
    ++resumes;
    job = InState(v1::Job::STATE_QUEUED);
    return grpc::Status::OK;
  };
  events_ = {Changed(v1::Job::STATE_TRANSFERRED)};
  Serve();
  const auto ran = Run({"transfer", "--resume", IdOf(1)});
  EXPECT_EQ(ran.code, ExitCode::kOk) << ran.err;
  EXPECT_EQ(resumes, 1);
  EXPECT_EQ(completions_, 1);
}

TEST_F(TransferTest, SeveralFiles) {
  events_ = {Changed(v1::Job::STATE_TRANSFERRED)};
  handlers_.list_files = [](const auto&, v1::ListFilesResponse& response) {
    response.add_files();
    response.add_files();
    return grpc::Status::OK;
  };
  Serve();
  const auto ran = Run({"transfer", "http://a/1", "one", "http://a/2", "two",
                        "--checksum=crc32c:00000001", "--checksum=crc32c:00000002"});
  EXPECT_EQ(ran.code, ExitCode::kOk);
  ASSERT_THAT(created_.files(), SizeIs(2));
  EXPECT_EQ(created_.files(1).local_name(), "two");
  EXPECT_EQ(created_.files(1).checksum().hex(), "00000002");
}

class ProgressDisplayTest : public ::testing::Test {
 protected:
  v1::Job At(std::uint64_t bytes) {
    v1::Job job = InState(v1::Job::STATE_TRANSFERRING);
    job.mutable_progress()->set_bytes_total(1'000);
    job.mutable_progress()->set_bytes_transferred(bytes);
    return job;
  }
  std::vector<std::string> Lines() const {
    std::vector<std::string> lines;
    std::istringstream text(out_.str());
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
  }

  std::ostringstream out_;
  cli::Terminal terminal_{out_};
  std::chrono::steady_clock::time_point now_{};
  cli::ProgressDisplay display_{terminal_, "a", "retry", [this] { return now_; }};
};

TEST_F(ProgressDisplayTest, ALogGetsALineForEachTenPercentOrTenSeconds) {
  for (std::uint64_t bytes = 0; bytes <= 1'000; bytes += 10) display_.OnJob(At(bytes));
  EXPECT_THAT(Lines(), SizeIs(11));
  now_ += std::chrono::seconds(9);
  display_.OnJob(At(1'000));
  EXPECT_THAT(Lines(), SizeIs(11));
  now_ += std::chrono::seconds(1);
  display_.OnJob(At(1'000));
  EXPECT_THAT(Lines(), SizeIs(12));
}

TEST_F(ProgressDisplayTest, ALogGetsALineForEachStateAndSaysWhyItWaits) {
  display_.OnJob(InState(v1::Job::STATE_QUEUED));
  display_.OnJob(InState(v1::Job::STATE_QUEUED));
  v1::Job waiting = InState(v1::Job::STATE_SUSPENDED);
  waiting.mutable_wait()->set_reason(v1::Wait::REASON_SUSPENDED);
  display_.OnJob(waiting);
  EXPECT_THAT(Lines(), ElementsAre("a: QUEUED", "a: SUSPENDED: waits for its owner to resume it"));
}

TEST_F(ProgressDisplayTest, SaysOnceThatTheServerIsAway) {
  display_.OnJob(At(0));
  for (int i = 0; i < 5; ++i) {
    display_.OnReconnect(absl::UnavailableError(""), std::chrono::milliseconds(100));
  }
  display_.OnReconnect(absl::ResourceExhaustedError(""), std::chrono::milliseconds(0));
  EXPECT_THAT(Lines(), SizeIs(2));
  display_.OnJob(At(10));
  display_.OnReconnect(absl::UnavailableError(""), std::chrono::milliseconds(100));
  EXPECT_THAT(Lines(), SizeIs(3));
}

}  // namespace
}  // namespace bits::testing

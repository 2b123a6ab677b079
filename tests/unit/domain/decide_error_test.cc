// The error: when it is made, what it tells, how long it is kept, what is counted
// (bits.md 2.1 to 2.3, design.md "The error").
#include <gtest/gtest.h>

#include <string>

#include "server/domain/decide.h"
#include "server/domain/error_code.h"
#include "server/domain/retry.h"
#include "tests/unit/domain/world.h"

namespace bits::domain {
namespace {

using S = JobState;

// Makes a queued job transfer.
void BeginTransfer(World& w) {
  w.Must(Start{});
  w.Must(BytesArrived{});
}

TEST(DecideError, IsMadeOnEnteringError) {
  World w = World::In(S::kConnecting);
  w.file(2).remote_name = "https://user:secret@origin.test/a/b?token=secret";
  w.now += absl::Seconds(10);
  Failure failure = FatalFailure();
  failure.detail = "the page is gone";
  const Decision d = w.Must(FailWith(failure), 2);
  ASSERT_EQ(w.job.state, S::kError);
  ASSERT_TRUE(w.job.error.has_value());
  const Error& error = *w.job.error;
  EXPECT_EQ(error.hresult, 0x80190194u);
  EXPECT_EQ(SymbolOf(error.hresult), "BG_E_HTTP_ERROR_404");
  EXPECT_EQ(error.context, ErrorContext::kRemoteFile);
  EXPECT_EQ(error.detail, "the page is gone");
  EXPECT_EQ(error.file, 2u);
  EXPECT_EQ(error.remote_name.find("secret"), std::string::npos) << error.remote_name;
  EXPECT_NE(error.remote_name.find("origin.test/a/b"), std::string::npos) << error.remote_name;
  EXPECT_EQ(error.local_name, "file2");
  EXPECT_EQ(error.protocol, "https");
  EXPECT_EQ(error.http_status, 404u);
  EXPECT_FALSE(error.transient);
  EXPECT_EQ(error.attempt, 1u);
  EXPECT_EQ(error.occur_time, w.now);
  EXPECT_FALSE(error.retry_time.has_value());
  EXPECT_EQ(d.error, w.job.error) << "the history gets the same";
  EXPECT_TRUE(d.files.empty()) << "nothing of the file changed";
  EXPECT_FALSE(w.job.stalled_since.has_value());
}

TEST(DecideError, IsMadeOnEnteringTransientError) {
  World w = World::In(S::kTransferring);
  w.now += absl::Seconds(10);
  const Decision d = w.Must(FailWith(TransientFailure()), 1);
  ASSERT_EQ(w.job.state, S::kTransientError);
  EXPECT_EQ(w.job.error->hresult, FromHttpStatus(503));
  EXPECT_TRUE(w.job.error->transient);
  EXPECT_EQ(w.job.error->retry_time, w.now + kDefaultMinimumRetryDelay);
  EXPECT_EQ(w.job.retry_time, w.job.error->retry_time);
  EXPECT_EQ(w.job.stalled_since, w.now);
  EXPECT_EQ(d.error, w.job.error);
}

TEST(DecideError, ProtocolIsOneOfThreeInAnyCase) {
  const std::pair<const char*, const char*> kCases[] = {
      {"HTTP://origin.test/x", "http"},
      {"https://origin.test/x", "https"},
      {"file:///root/x", "file"},
      {"ftp://origin.test/x", ""},
      {"no scheme", ""},
  };
  for (const auto& [remote_name, protocol] : kCases) {
    World w = World::In(S::kConnecting);
    w.file(1).remote_name = remote_name;
    w.Must(FailWith(FatalFailure()), 1);
    EXPECT_EQ(w.job.error->protocol, protocol) << remote_name;
  }
}

TEST(DecideError, NoRefusedCallMakesOne) {
  World w = World::In(S::kAcknowledged);
  const Job before = w.job;
  EXPECT_FALSE(w.Do(Resume{}).ok());
  EXPECT_FALSE(w.Do(Cancel{}).ok());
  EXPECT_EQ(w.job, before);
  World empty(0);
  EXPECT_FALSE(empty.Do(Resume{}).ok());
  EXPECT_FALSE(empty.job.error.has_value());
  EXPECT_EQ(empty.job.state, S::kSuspended);
}

TEST(DecideError, IsKeptUntilTransferring) {
  for (const Failure& failure : {FatalFailure(), TransientFailure()}) {
    World w = World::In(S::kConnecting);
    w.Must(FailWith(failure), 1);
    const Error error = *w.job.error;
    w.Must(SetRemoteName{"http://mirror.test/1"}, 1);
    EXPECT_EQ(w.job.error, error) << "a later name does not change what happened";
    w.Must(Resume{});
    ASSERT_EQ(w.job.state, S::kQueued);
    EXPECT_EQ(w.job.error, error);
    w.Must(Suspend{});
    ASSERT_EQ(w.job.state, S::kSuspended);
    EXPECT_EQ(w.job.error, error);
    w.Must(Resume{});
    w.Must(Start{});
    ASSERT_EQ(w.job.state, S::kConnecting);
    EXPECT_EQ(w.job.error, error);
    w.Must(Requeue{});
    EXPECT_EQ(w.job.error, error) << "the server was restarted";
    w.Must(Start{});
    w.Must(BytesArrived{});
    ASSERT_EQ(w.job.state, S::kTransferring);
    EXPECT_FALSE(w.job.error.has_value());
  }
}

TEST(DecideError, IsGoneInTransferredToo) {
  World w(1);
  w.Must(Resume{});
  w.Must(Start{});
  w.Must(FailWith(ConnectFailure()), 1);
  w.Must(RetryDue{});
  w.Must(Start{});
  ASSERT_TRUE(w.job.error.has_value());
  w.Transferred(1, 0);  // an empty file: CONNECTING -> TRANSFERRED
  ASSERT_EQ(w.job.state, S::kTransferred);
  EXPECT_FALSE(w.job.error.has_value());
}

TEST(DecideError, LateBytesDoNotTakeItAway) {
  for (const Failure& failure : {FatalFailure(), TransientFailure()}) {
    World w = World::In(S::kTransferring);
    w.Must(FailWith(failure), 1);
    const Error error = *w.job.error;
    const S state = w.job.state;
    w.Checkpointed(2, 50, 200);
    w.Transferred(2, 200);
    EXPECT_EQ(w.job.error, error);
    EXPECT_EQ(w.job.state, state);
    EXPECT_FALSE(w.Do(BytesArrived{})->changed);
  }
}

TEST(DecideError, StaysWithAFinalJob) {
  World w = World::In(S::kError);
  const Error error = *w.job.error;
  w.Must(Cancel{});
  w.Must(CleanedUp{});
  EXPECT_EQ(w.job.error, error);
}

TEST(DecideError, ANewOneReplacesIt) {
  World w = World::In(S::kTransientError);
  w.Must(RetryDue{});
  w.Must(Start{});
  w.now += absl::Seconds(1);
  w.Must(FailWith(FatalFailure()), 2);
  EXPECT_EQ(w.job.error->hresult, FromHttpStatus(404));
  EXPECT_EQ(w.job.error->file, 2u);
  EXPECT_EQ(w.job.error->attempt, 2u);
}

TEST(DecideError, NoProgressKeepsTheLastCode) {
  World w = World::In(S::kTransientError);
  w.now = *w.job.stalled_since + w.job.no_progress_timeout;
  const Error before = *w.job.error;
  const uint32_t count = w.job.error_count;
  const Decision d = w.Must(NoProgress{});
  ASSERT_EQ(w.job.state, S::kError);
  Error expected = before;
  expected.transient = false;
  expected.retry_time.reset();
  EXPECT_EQ(w.job.error, expected);
  EXPECT_FALSE(d.error.has_value()) << "no new error happened";
  EXPECT_EQ(w.job.error_count, count);
  EXPECT_FALSE(w.job.retry_time.has_value());
}

TEST(DecideError, MaximumDownloadTimeIsOneOfItsOwn) {
  World w = World::In(S::kTransferring);
  w.now += w.job.maximum_download_time;
  w.Must(MaximumDownloadTime{});
  ASSERT_EQ(w.job.state, S::kError);
  EXPECT_EQ(w.job.error->hresult, kMaxDownloadTimeout);
  EXPECT_EQ(w.job.error->context, ErrorContext::kGeneralQueueManager);
  EXPECT_EQ(w.job.error->file, 0u);
  EXPECT_FALSE(w.job.error->transient);
  EXPECT_EQ(w.job.error_count, 1u);
}

TEST(DecideError, NoProgressTimeoutOfZeroMakesEveryErrorFatal) {
  World w = World::In(S::kSuspended);
  Update update;
  update.no_progress_timeout = absl::ZeroDuration();
  w.Must(update);
  w.Must(Resume{});
  BeginTransfer(w);
  w.Must(FailWith(TransientFailure()), 1);
  EXPECT_EQ(w.job.state, S::kError);
  EXPECT_FALSE(w.job.error->transient);
  EXPECT_EQ(w.job.error->hresult, FromHttpStatus(503));
}

TEST(DecideError, ADelayBeyondTheNoProgressTimeoutIsNeverRetried) {
  World w = World::In(S::kSuspended);
  Update update;
  update.no_progress_timeout = absl::Seconds(599);
  w.Must(update);
  w.Must(Resume{});
  BeginTransfer(w);
  w.Must(FailWith(TransientFailure()), 1);
  EXPECT_EQ(w.job.state, S::kError);
}

TEST(DecideError, TransientOnesTurnFatalOnceTheTimeoutIsUsedUp) {
  World w = World::In(S::kTransientError);
  const absl::Time first = *w.job.stalled_since;
  w.now = first + kDefaultNoProgressTimeout - absl::Seconds(1);
  w.Must(RetryDue{});
  w.Must(Start{});
  w.Must(FailWith(ConnectFailure()), 1);
  ASSERT_EQ(w.job.state, S::kTransientError);
  EXPECT_EQ(w.job.stalled_since, first) << "counted from the first";
  w.Must(RetryDue{});
  w.Must(Start{});
  w.now = first + kDefaultNoProgressTimeout;
  w.Must(FailWith(ConnectFailure()), 1);
  EXPECT_EQ(w.job.state, S::kError);
  EXPECT_EQ(w.job.error->hresult, kCannotConnect) << "the last attempt's code";
  EXPECT_FALSE(w.job.error->transient);
}

TEST(DecideError, OnlyNewBytesAreProgress) {
  World w = World::In(S::kTransferring);
  w.Checkpointed(1, 80, 100);
  w.Must(FailWith(TransientFailure()), 1);
  const absl::Time first = *w.job.stalled_since;
  w.now += absl::Hours(1);
  w.Must(RetryDue{});
  w.Must(Start{});
  w.Must(BytesArrived{});
  EXPECT_EQ(w.job.stalled_since, first) << "an answer alone is none";
  w.Must(FileRestarted{}, 1);
  w.Checkpointed(1, 80, 100);
  EXPECT_EQ(w.job.stalled_since, first) << "these bytes were here before";
  w.Checkpointed(1, 81, 100);
  EXPECT_FALSE(w.job.stalled_since.has_value());
  w.now += absl::Hours(1);
  w.Must(FailWith(TransientFailure()), 1);
  EXPECT_EQ(w.job.stalled_since, w.now) << "counted anew";
}

TEST(DecideError, ResumeGivesAFailedJobItsFullTimeAgain) {
  World w = World::In(S::kTransientError);
  const absl::Time first = *w.job.stalled_since;
  w.Must(Resume{});
  EXPECT_EQ(w.job.stalled_since, first) << "ending the wait is no progress";
  EXPECT_FALSE(w.job.retry_time.has_value());
  w.Must(Start{});
  w.Must(FailWith(FatalFailure()), 1);
  ASSERT_EQ(w.job.state, S::kError);
  w.Must(Resume{});
  EXPECT_FALSE(w.job.stalled_since.has_value());
}

TEST(DecideError, RetryAfterIsHeededWithinBounds) {
  const struct {
    std::optional<absl::Duration> asked;
    absl::Duration waits;
  } kCases[] = {
      {std::nullopt, absl::Seconds(600)},       {absl::Seconds(1), absl::Seconds(600)},
      {absl::Seconds(601), absl::Seconds(601)}, {absl::Hours(24), absl::Hours(24)},
      {absl::Hours(1000), absl::Hours(24)},     {absl::InfiniteDuration(), absl::Hours(24)},
      {-absl::Seconds(5), absl::Seconds(600)},
  };
  for (const auto& c : kCases) {
    World w = World::In(S::kConnecting);
    Failure failure = TransientFailure();
    failure.retry_after = c.asked;
    w.Must(FailWith(failure), 1);
    EXPECT_EQ(*w.job.retry_time - w.now, c.waits);
  }
}

TEST(DecideError, FailedValidationStartsTheFileOver) {
  World w = World::In(S::kTransferring);
  w.Checkpointed(1, 100, 100);
  Failure failure;
  failure.hresult = kValidationFailed;
  failure.context = ErrorContext::kLocalFile;
  const Decision d = w.Must(FailWith(failure), 1);
  EXPECT_EQ(w.job.state, S::kError);
  EXPECT_EQ(w.file(1).bytes_transferred, 0u);
  EXPECT_EQ(w.file(1).restarts, 1u);
  EXPECT_EQ(w.file(1).validators, Validators());
  ASSERT_EQ(d.files.size(), 1u);
  ExpectConsistent(w);
}

// GetErrorCount: +1 on TRANSFERRING -> TRANSIENT_ERROR or ERROR and on each failed retry.
class DecideErrorCount : public testing::Test {
 protected:
  static uint32_t CountAfter(S state, const Failure& failure) {
    World w = World::In(state);
    w.Must(FailWith(failure), 1);
    return w.job.error_count;
  }
};

TEST_F(DecideErrorCount, CountsWhatInterruptsATransfer) {
  EXPECT_EQ(CountAfter(S::kTransferring, FatalFailure()), 1u);
  EXPECT_EQ(CountAfter(S::kTransferring, TransientFailure()), 1u);
  EXPECT_EQ(CountAfter(S::kTransferring, ConnectFailure()), 1u);
}

TEST_F(DecideErrorCount, CountsAnswersButNotFailuresToConnect) {
  EXPECT_EQ(CountAfter(S::kConnecting, FatalFailure()), 1u);
  EXPECT_EQ(CountAfter(S::kConnecting, TransientFailure()), 1u);
  EXPECT_EQ(CountAfter(S::kConnecting, ConnectFailure()), 0u);
}

TEST_F(DecideErrorCount, CountsEachFailedRetryAndIsNeverReset) {
  World w = World::In(S::kConnecting);
  for (uint32_t retries = 0; retries < 4; ++retries) {
    w.Must(FailWith(ConnectFailure()), 1);
    EXPECT_EQ(w.job.error_count, retries);
    w.Must(RetryDue{});
    w.Must(Start{});
  }
  w.Transferred(1, 1);
  w.Transferred(2, 1);
  ASSERT_EQ(w.job.state, S::kTransferred);
  EXPECT_EQ(w.job.error_count, 3u);
  EXPECT_EQ(w.job.attempt_count, 5u);
}

TEST_F(DecideErrorCount, LeavesOutNetworkDiskLockAndBandwidthPolicy) {
  for (Hresult code : {0x80200010u, 0x8020000Du, 0x8020003Eu}) {
    Failure failure;
    failure.hresult = code;
    failure.context = ErrorContext::kGeneralTransport;
    EXPECT_EQ(CountAfter(S::kTransferring, failure), 0u) << SymbolOf(code);
  }
}

TEST_F(DecideErrorCount, TheTimeLimitCountsAsAnyOther) {
  World connecting = World::In(S::kConnecting);
  connecting.Must(MaximumDownloadTime{});
  EXPECT_EQ(connecting.job.error_count, 0u);
}

}  // namespace
}  // namespace bits::domain

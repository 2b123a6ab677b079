// Whole courses of events: creation, verbs, Complete and Cancel, the stopwatch.
#include <gtest/gtest.h>

#include "server/domain/decide.h"
#include "server/domain/error_code.h"
#include "tests/unit/domain/world.h"

namespace bits::domain {
namespace {

using S = JobState;

TEST(DecideCreate, MakesASuspendedJob) {
  Job seed;
  seed.id = "id";
  seed.owner = "alice";
  seed.minimum_retry_delay = absl::Seconds(1);
  const absl::StatusOr<Decision> d = DecideCreate(seed, {NewFile("a")}, false, StartTime());
  ASSERT_TRUE(d.ok());
  EXPECT_TRUE(d->changed);
  EXPECT_EQ(d->changes, std::vector<ChangeKind>{ChangeKind::kCreated});
  EXPECT_EQ(d->effects, kNoEffects);
  EXPECT_EQ(d->job.state, S::kSuspended);
  EXPECT_EQ(d->job.create_time, StartTime());
  EXPECT_EQ(d->job.update_time, StartTime());
  EXPECT_EQ(d->job.activity_time, StartTime());
  EXPECT_EQ(d->job.minimum_retry_delay, absl::Seconds(5)) << "raised";
  EXPECT_EQ(d->job.no_progress_timeout, absl::Seconds(1'209'600));
  EXPECT_EQ(d->job.maximum_download_time, absl::Seconds(7'776'000));
  ASSERT_EQ(d->files.size(), 1u);
  EXPECT_EQ(d->files[0].ordinal, 1u);
  EXPECT_FALSE(d->error.has_value());
}

TEST(DecideCreate, StartsAtOnceIfAsked) {
  const absl::StatusOr<Decision> d =
      DecideCreate(Job(), {NewFile("a"), NewFile("b")}, true, StartTime());
  ASSERT_TRUE(d.ok());
  EXPECT_EQ(d->job.state, S::kQueued);
  EXPECT_EQ(d->job.queue_time, StartTime());
  EXPECT_TRUE(d->effects & kSchedule);
  EXPECT_EQ(d->files.size(), 2u);
  EXPECT_EQ(d->changes, std::vector<ChangeKind>{ChangeKind::kCreated}) << "one event";
}

TEST(DecideCreate, DoesNotStartWithoutFiles) {
  EXPECT_EQ(ReasonOf(DecideCreate(Job(), {}, true, StartTime())), "BG_E_EMPTY");
  EXPECT_TRUE(DecideCreate(Job(), {}, false, StartTime()).ok());
}

TEST(DecideFlow, SuspendAndResumeKeepWhatIsHere) {
  World w = World::In(S::kTransferring);
  w.Checkpointed(1, 40, 100);
  w.now += absl::Seconds(1);
  const Decision stop = w.Must(Suspend{});
  EXPECT_EQ(stop.effects, kStopFiles | kSchedule);
  EXPECT_EQ(w.job.state, S::kSuspended);
  EXPECT_EQ(w.file(1).bytes_transferred, 40u);
  w.now += absl::Seconds(1);
  w.Must(Resume{});
  EXPECT_EQ(w.job.state, S::kQueued);
  EXPECT_EQ(w.job.queue_time, w.now);
  EXPECT_EQ(w.file(1).validators.etag, "\"v1\"");
  ExpectConsistent(w);
}

TEST(DecideFlow, ResumeEndsTheWaitForARetry) {
  World w = World::In(S::kTransientError);
  w.Must(Resume{});
  EXPECT_EQ(w.job.state, S::kQueued);
  EXPECT_FALSE(w.job.retry_time.has_value());
}

TEST(DecideFlow, AFileAddedToATransferredJobWaitsForResume) {
  World w = World::In(S::kTransferred);
  EXPECT_FALSE(w.Do(Resume{})->changed) << "nothing new: a no-op";
  w.Must(AddFiles{{NewFile("more")}});
  EXPECT_EQ(w.job.state, S::kTransferred);
  w.Must(Resume{});
  EXPECT_EQ(w.job.state, S::kQueued);
  w.Must(Start{});
  EXPECT_EQ(w.job.state, S::kConnecting);
  w.Transferred(3, 1);
  EXPECT_EQ(w.job.state, S::kTransferred);
}

TEST(DecideFlow, AddAndUpdateReachAJobThatRuns) {
  World w = World::In(S::kTransferring);
  EXPECT_EQ(w.Must(AddFiles{{NewFile("more")}}).effects, kStartFiles);
  Update update;
  update.max_parallel_files = 8;
  EXPECT_EQ(w.Must(update).effects, kSchedule | kStartFiles);
  EXPECT_EQ(w.job.options.max_parallel_files, 8u);
  EXPECT_EQ(w.Must(SetRemoteName{"http://mirror.test/1"}, 1).effects, kRestartFile);
  EXPECT_EQ(w.file(1).remote_name, "http://mirror.test/1");
  w.Transferred(1, 5);
  EXPECT_EQ(w.Must(SetRemoteName{"http://mirror.test/2"}, 1).effects, kNoEffects)
      << "all of it is here";
}

TEST(DecideFlow, ANewPriorityIsSeenByTheScheduler) {
  World w = World::In(S::kQueued);
  Update update;
  update.priority = Priority::kForeground;
  EXPECT_EQ(w.Must(update).effects, kSchedule);
}

TEST(DecideFlow, UpdateWritesWhatIsGivenAndNothingElse) {
  World w;
  w.now += absl::Seconds(1);
  Update update;
  update.display_name = "name";
  update.description = "text";
  update.priority = Priority::kForeground;
  update.minimum_retry_delay = absl::Seconds(4);
  update.no_progress_timeout = absl::Seconds(2);
  update.maximum_download_time = absl::Seconds(3);
  update.labels.emplace();
  (*update.labels)["a"] = "b";
  update.max_parallel_files = 1;
  update.require_ranges = true;
  w.Must(update);
  EXPECT_EQ(w.job.display_name, "name");
  EXPECT_EQ(w.job.description, "text");
  EXPECT_EQ(w.job.priority, Priority::kForeground);
  EXPECT_EQ(w.job.minimum_retry_delay, kLeastRetryDelay) << "clamped";
  EXPECT_EQ(w.job.no_progress_timeout, absl::Seconds(2));
  EXPECT_EQ(w.job.maximum_download_time, absl::Seconds(3));
  EXPECT_EQ(w.job.labels.at("a"), "b");
  EXPECT_EQ(w.job.options, (TransferOptions{1, true}));
  EXPECT_EQ(w.job.activity_time, w.now);
  Job before = w.job;
  w.now += absl::Seconds(1);
  Update one;
  one.description = "other";
  w.Must(one);
  before.description = "other";
  before.update_time = before.activity_time = w.now;
  EXPECT_EQ(w.job, before);
}

TEST(DecideFlow, CompletePublishesThenAcknowledges) {
  World w = World::In(S::kTransferred);
  const Decision begin = w.Must(Complete{});
  EXPECT_TRUE(begin.effects & kPublish);
  EXPECT_EQ(w.job.state, S::kTransferred);
  EXPECT_EQ(w.job.pending, Pending::kPublish);
  w.Must(FilePublished{}, 1);
  EXPECT_TRUE(w.file(1).completed);
  EXPECT_FALSE(w.Do(FilePublished{}, 1)->changed) << "is not counted twice";
  w.Must(FilePublished{}, 2);
  EXPECT_EQ(w.job.progress.files_completed, 2u);
  w.now += absl::Seconds(1);
  w.Must(Published{});
  EXPECT_EQ(w.job.state, S::kAcknowledged);
  EXPECT_EQ(w.job.pending, Pending::kNone);
  EXPECT_EQ(w.job.result, JobResult::kOk);
  EXPECT_EQ(w.job.final_time, w.now);
  ExpectConsistent(w);
}

TEST(DecideFlow, CompleteBeforeTheEndIsPartial) {
  for (S state : kStates) {
    if (IsFinal(state) || state == S::kTransferred) continue;
    World w = World::In(state);
    w.Transferred(1, 10);
    const Decision begin = w.Must(Complete{});
    EXPECT_TRUE(begin.effects & kStopFiles);
    w.Must(FilePublished{}, 1);
    EXPECT_FALSE(w.Do(FilePublished{}, 2)->changed) << "it is not all here";
    w.Must(Published{});
    EXPECT_EQ(w.job.state, S::kAcknowledged);
    EXPECT_EQ(w.job.result, JobResult::kPartialComplete);
    EXPECT_EQ(w.job.progress.files_completed, 1u);
    ExpectConsistent(w);
  }
}

TEST(DecideFlow, TheLastFileMayArriveWhileCompleting) {
  World w = World::In(S::kTransferring);
  w.Transferred(1, 10);
  w.Must(Complete{});
  w.Transferred(2, 10);
  w.Must(FilePublished{}, 1);
  w.Must(FilePublished{}, 2);
  w.Must(Published{});
  EXPECT_EQ(w.job.result, JobResult::kOk);
}

TEST(DecideFlow, TemporariesThatStayAreTold) {
  World completed = World::In(S::kTransferred);
  completed.Must(Complete{});
  completed.Must(Published{true});
  EXPECT_EQ(completed.job.state, S::kAcknowledged);
  EXPECT_EQ(completed.job.result, JobResult::kUnableToDeleteFiles);
  World cancelled = World::In(S::kQueued);
  cancelled.Must(Cancel{});
  cancelled.Must(CleanedUp{true});
  EXPECT_EQ(cancelled.job.state, S::kCancelled);
  EXPECT_EQ(cancelled.job.result, JobResult::kUnableToDeleteFiles);
}

TEST(DecideFlow, AFailedRenameLeavesATransferredJobAsItWas) {
  World w = World::In(S::kTransferred);
  w.Must(Complete{});
  w.Must(FilePublished{}, 1);
  w.Must(PublishFailed{});
  EXPECT_EQ(w.job.state, S::kTransferred);
  EXPECT_EQ(w.job.pending, Pending::kNone);
  EXPECT_EQ(w.job.result, JobResult::kNone);
  EXPECT_TRUE(w.file(1).completed);
  EXPECT_FALSE(w.job.error.has_value()) << "a failed call makes no error";
  EXPECT_FALSE(w.Do(Published{})->changed) << "that work is over";
  w.Must(Complete{});
  w.Must(FilePublished{}, 2);
  w.Must(Published{});
  EXPECT_EQ(w.job.result, JobResult::kOk);
  ExpectConsistent(w);
}

// A job that completes itself, with one of its two files there.
World AutoCompleting() {
  World w = World::In(S::kTransferring);
  w.job.auto_complete = true;
  w.Transferred(1, 10);
  EXPECT_EQ(w.job.pending, Pending::kNone);
  return w;
}

TEST(AutoComplete, BeginsWithTheLastFileInTheSameDecision) {
  World w = AutoCompleting();
  const Decision d = w.Transferred(2, 20);
  EXPECT_EQ(w.job.state, S::kTransferred);
  EXPECT_EQ(w.job.pending, Pending::kPublish);
  EXPECT_TRUE(d.effects & kPublish);
  EXPECT_TRUE(d.effects & kSchedule);
  EXPECT_EQ(ReasonOf(w.Do(Complete{})), "BG_E_INVALID_STATE");
  EXPECT_EQ(ReasonOf(w.Do(SetValidationState{false}, 1)), "BG_E_INVALID_STATE");
  w.Must(FilePublished{}, 1);
  w.Must(FilePublished{}, 2);
  w.Must(Published{});
  EXPECT_EQ(w.job.state, S::kAcknowledged);
  EXPECT_EQ(w.job.result, JobResult::kOk);
  ExpectConsistent(w);
}

TEST(AutoComplete, AlsoWhereTheNextTurnHasNothingLeftToFetch) {
  World w = AutoCompleting();
  w.Must(Suspend{});
  w.Transferred(2, 20);  // late
  EXPECT_EQ(w.job.state, S::kSuspended);
  EXPECT_EQ(w.job.pending, Pending::kNone);
  w.Must(Resume{});
  EXPECT_TRUE(w.Must(Start{}).effects & kPublish);
  EXPECT_EQ(w.job.state, S::kTransferred);
}

TEST(AutoComplete, ThatFailsTellsTheHistoryAndWaitsForTheOwner) {
  World w = AutoCompleting();
  w.Transferred(2, 20);
  Failure failure;
  failure.hresult = kAccessDenied;
  failure.context = ErrorContext::kLocalFile;
  const Decision d = w.Must(PublishFailed{failure}, 2);
  EXPECT_EQ(w.job.state, S::kTransferred);
  EXPECT_EQ(w.job.pending, Pending::kNone);
  EXPECT_FALSE(w.job.error.has_value()) << "there is none in TRANSFERRED";
  ASSERT_TRUE(d.error.has_value());
  EXPECT_EQ(d.error->hresult, kAccessDenied);
  EXPECT_EQ(d.error->file, 2u);
  EXPECT_EQ(d.error->local_name, "file2");
  EXPECT_EQ(d.changes, std::vector<ChangeKind>{ChangeKind::kModified});
  EXPECT_TRUE(w.job.completion_failed);
  // What the caller of CompleteJob is told is in no history.
  w.Must(Complete{});
  EXPECT_FALSE(w.Must(PublishFailed{failure}, 2).error.has_value());
}

TEST(AutoComplete, FilesAddedAfterAFailureAreFetchedFirst) {
  World w = AutoCompleting();
  w.Transferred(2, 20);
  w.Must(PublishFailed{});
  w.Must(AddFiles{{NewFile("file3")}});
  EXPECT_TRUE(w.job.completion_failed);
  w.Must(Resume{});
  EXPECT_FALSE(w.job.completion_failed);
  w.Must(Start{});
  w.Transferred(3, 30);
  EXPECT_EQ(w.job.pending, Pending::kPublish);
}

TEST(AutoComplete, TurnedOnInTransferredCompletesAtOnce) {
  Update on;
  on.auto_complete = true;
  World w = World::In(S::kTransferred);
  EXPECT_TRUE(w.Must(on).effects & kPublish);
  EXPECT_EQ(w.job.pending, Pending::kPublish);
  World more = World::In(S::kTransferred);
  more.Must(AddFiles{{NewFile("file3")}});
  EXPECT_FALSE(more.Must(on).effects & kPublish) << "there is more to come";
  World failed = World::In(S::kError);
  EXPECT_FALSE(failed.Must(on).effects & kPublish);
}

TEST(AutoComplete, DoesNotBeginTwiceWhereTheOwnerIsQuicker) {
  World w = AutoCompleting();
  w.Must(Complete{});
  const Decision d = w.Transferred(2, 20);  // late
  EXPECT_FALSE(d.effects & kPublish);
  EXPECT_FALSE(w.Must(PublishFailed{}).error.has_value()) << "the owner is told";
}

TEST(DecideFlow, AFailedRenameParksAJobThatRan) {
  for (S state : {S::kQueued, S::kConnecting, S::kTransferring, S::kTransientError}) {
    World w = World::In(state);
    w.Transferred(1, 10);
    w.Must(Complete{});
    w.Must(PublishFailed{});
    EXPECT_EQ(w.job.state, S::kSuspended) << StateName(state);
    ExpectConsistent(w);
    w.Must(Resume{});
    EXPECT_EQ(w.job.state, S::kQueued);
  }
}

TEST(DecideFlow, CancelCleansUpAndIsFinal) {
  for (S state : kStates) {
    if (IsFinal(state)) continue;
    World w = World::In(state);
    w.now += absl::Seconds(2);
    const Decision d = w.Must(Cancel{});
    EXPECT_EQ(d.effects, kStopFiles | kCleanup | kSchedule);
    EXPECT_EQ(w.job.state, S::kCancelled);
    EXPECT_EQ(w.job.pending, Pending::kCleanup);
    EXPECT_EQ(w.job.final_time, w.now);
    EXPECT_EQ(ReasonOf(w.Do(Cancel{})), "BG_E_INVALID_STATE") << "a second time";
    w.Must(CleanedUp{});
    EXPECT_EQ(w.job.pending, Pending::kNone);
    EXPECT_EQ(w.job.result, JobResult::kOk);
    ExpectConsistent(w);
    EXPECT_FALSE(w.Do(CleanedUp{true})->changed) << "the result stands";
  }
}

TEST(DecideFlow, InactivityIsACancelThatNobodyAskedFor) {
  World w = World::In(S::kError);
  const absl::Time active = w.job.activity_time;
  w.now += absl::Hours(90 * 24);
  const Decision d = w.Must(Inactivity{});
  EXPECT_EQ(w.job.state, S::kCancelled);
  EXPECT_EQ(d.effects, kStopFiles | kCleanup | kSchedule);
  EXPECT_EQ(w.job.pending, Pending::kCleanup);
  EXPECT_EQ(w.job.activity_time, active);
}

TEST(DecideFlow, ForgetDeletesOnlyFinalJobs) {
  for (S state : kStates) {
    World w = World::In(state);
    const absl::StatusOr<Decision> d = w.Do(Forget{});
    ASSERT_TRUE(d.ok());
    EXPECT_EQ(d->changed, IsFinal(state));
    EXPECT_EQ(d->effects, IsFinal(state) ? kDelete : kNoEffects);
    if (IsFinal(state)) {
      EXPECT_EQ(d->changes, std::vector<ChangeKind>{ChangeKind::kDeleted});
    }
  }
}

// MaximumDownloadTime counts CONNECTING and TRANSFERRING, and Resume sets it to zero.
TEST(DecideFlow, TheStopwatchRunsWhileAJobIsActive) {
  World w = World::In(S::kQueued);
  w.now += absl::Hours(1);  // does not count
  w.Must(Start{});
  EXPECT_EQ(w.job.active_since, w.now);
  w.now += absl::Seconds(10);
  w.Must(BytesArrived{});
  EXPECT_EQ(w.job.active_since, w.now - absl::Seconds(10)) << "one stretch";
  w.now += absl::Seconds(10);
  w.Must(FailWith(TransientFailure()), 1);
  EXPECT_EQ(w.job.active_time, absl::Seconds(20));
  EXPECT_FALSE(w.job.active_since.has_value());
  w.now += absl::Hours(1);  // nor does this
  w.Must(RetryDue{});
  EXPECT_EQ(w.job.active_time, absl::Seconds(20)) << "a retry is no Resume";
  w.Must(Start{});
  w.now += absl::Seconds(5);
  w.Must(Requeue{});
  EXPECT_EQ(w.job.active_time, absl::Seconds(25));
  w.Must(Start{});
  w.now += absl::Seconds(5);
  w.Must(Suspend{});
  EXPECT_EQ(w.job.active_time, absl::Seconds(30));
  w.Must(Resume{});
  EXPECT_EQ(w.job.active_time, absl::ZeroDuration());
}

TEST(DecideFlow, EveryTurnIsAnAttempt) {
  World w = World::In(S::kQueued);
  for (uint32_t i = 1; i <= 3; ++i) {
    w.Must(Start{});
    EXPECT_EQ(w.job.attempt_count, i);
    EXPECT_FALSE(w.Do(Start{})->changed) << "it has its turn";
    w.now += absl::Seconds(1);
    const absl::Time place = w.job.queue_time;
    const bool slice_over = i == 2;
    w.Must(Requeue{.slice_over = slice_over});
    EXPECT_EQ(w.job.queue_time, slice_over ? w.now : place)
        << "to the end of the queue after a whole slice, else to its place in it";
  }
}

}  // namespace
}  // namespace bits::domain

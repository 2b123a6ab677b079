// When a job may run, and until when.
#include "server/domain/timing.h"

#include <gtest/gtest.h>

#include "server/base/error_info.h"
#include "server/domain/error_code.h"
#include "tests/unit/domain/world.h"

namespace bits::domain {
namespace {

using S = JobState;

Update At(std::optional<absl::Time> not_before, std::optional<absl::Time> deadline = {}) {
  Update update;
  update.timing = TimingUpdate{not_before, deadline};
  return update;
}

// The field that a refusal names, or "".
std::string Wrong(const Timing& before, const Timing& after) {
  const absl::Status status = CheckTiming(before, after, StartTime());
  if (status.ok()) return "";
  EXPECT_EQ(GetReason(status), "E_INVALIDARG");
  const auto violations = GetFieldViolations(status);
  return violations.size() == 1 ? violations[0].field : "no field";
}

TEST(CheckTiming, WhatMayBeSet) {
  const absl::Time now = StartTime();
  const absl::Time never = absl::InfiniteFuture();
  const Timing none;
  EXPECT_EQ(Wrong(none, none), "");
  EXPECT_EQ(Wrong(none, {now + absl::Seconds(1), now + absl::Seconds(2)}), "");
  EXPECT_EQ(Wrong(none, {now - absl::Hours(1), never}), "") << "which holds nothing back";
  EXPECT_EQ(Wrong(none, {now + kFarthestAhead, never}), "");
  EXPECT_EQ(Wrong(none, {now + kFarthestAhead + absl::Nanoseconds(1), never}),
            "job.not_before_time");
  EXPECT_EQ(Wrong(none, {none.not_before, now}), "job.deadline");
  EXPECT_EQ(Wrong(none, {none.not_before, now + kFarthestAhead + absl::Seconds(1)}),
            "job.deadline");
  EXPECT_EQ(Wrong(none, {now + absl::Seconds(2), now + absl::Seconds(2)}), "job.deadline");
  EXPECT_EQ(Wrong({none.not_before, now + absl::Seconds(2)},
                  {now + absl::Seconds(2), now + absl::Seconds(2)}),
            "job.not_before_time");
  const Timing past = {now - absl::Seconds(9), now - absl::Seconds(5)};
  EXPECT_EQ(Wrong(past, past), "") << "what was read may be written back";
  EXPECT_EQ(Wrong(past, {none.not_before, past.deadline}), "");
  EXPECT_EQ(Wrong(past, {past.not_before, never}), "");
}

TEST(NotBeforeTime, JobThatIsQueuedEarlierWaitsAndTakesItsPlaceThen) {
  World w;
  w.job.timing.not_before = w.now + absl::Seconds(60);
  w.Must(Resume{});
  EXPECT_TRUE(w.job.deferred);
  EXPECT_FALSE(w.Do(Resume{})->changed) << "Resume does not override it";
  EXPECT_FALSE(w.Do(Start{})->changed);
  w.now += absl::Seconds(60);
  const Decision d = w.Must(NotBefore{});
  EXPECT_EQ(w.job.state, S::kQueued);
  EXPECT_FALSE(w.job.deferred);
  EXPECT_EQ(w.job.queue_time, w.now);
  EXPECT_EQ(d.effects, kSchedule);
  EXPECT_EQ(d.changes, std::vector<ChangeKind>{ChangeKind::kModified});
  w.Must(Start{});
}

TEST(NotBeforeTime, ChangedItTakesEffectAtOnce) {
  World w = World::In(S::kQueued);
  const absl::Time place = w.job.queue_time;
  w.now += absl::Seconds(1);
  w.Must(At(w.now + absl::Seconds(60)));
  EXPECT_TRUE(w.job.deferred);
  EXPECT_EQ(w.job.queue_time, place);
  w.now += absl::Seconds(1);
  EXPECT_EQ(w.Must(At(w.now)).effects, kSchedule);
  EXPECT_FALSE(w.job.deferred);
  EXPECT_EQ(w.job.queue_time, w.now);
  w.Must(At(w.now + absl::Seconds(60)));
  w.Must(At(absl::InfinitePast()));
  EXPECT_FALSE(w.job.deferred);
}

TEST(NotBeforeTime, TurnThatTheJobHasGoesOnTheNextOneWaits) {
  for (S state : {S::kConnecting, S::kTransferring, S::kTransientError}) {
    World w = World::In(state);
    w.Must(At(w.now + absl::Hours(1)));
    EXPECT_EQ(w.job.state, state);
    EXPECT_FALSE(w.job.deferred);
    if (state == S::kTransientError) {
      w.Must(RetryDue{});
    } else {
      w.Must(Requeue{});
    }
    EXPECT_TRUE(w.job.deferred) << StateName(state);
    EXPECT_FALSE(w.job.stalled_since.has_value());
    w.Must(Suspend{});
    EXPECT_FALSE(w.job.deferred);
  }
}

TEST(DeadlineTime, StopsWithTimeoutAndKeepsWhatIsThere) {
  World w = World::In(S::kTransferring);
  w.Checkpointed(1, 10, 20);
  w.now += absl::Seconds(5);
  w.Must(Deadline{});
  EXPECT_EQ(w.job.state, S::kError);
  EXPECT_EQ(w.job.error->hresult, kTimeout);
  EXPECT_EQ(w.job.error->context, ErrorContext::kGeneralQueueManager);
  EXPECT_EQ(w.job.error->file, 0u);
  EXPECT_FALSE(w.job.error->transient);
  EXPECT_EQ(w.job.error_count, 1u);
  EXPECT_EQ(w.file(1).bytes_transferred, 10u);
}

TEST(DeadlineTime, OfOneThatWaitsCountsAsNoInterruption) {
  for (S state : {S::kQueued, S::kTransientError}) {
    World w = World::In(state);
    const uint32_t errors = w.job.error_count;
    w.Must(Deadline{});
    EXPECT_EQ(w.job.state, S::kError);
    EXPECT_EQ(w.job.error_count, errors) << StateName(state);
    EXPECT_FALSE(w.job.retry_time.has_value());
  }
}

TEST(DeadlineTime, AfterItResumeIsRefusedUntilItIsChanged) {
  World w = World::In(S::kError);
  w.job.timing.deadline = w.now;
  EXPECT_EQ(ReasonOf(w.Do(Resume{})), "ERROR_TIMEOUT");
  EXPECT_EQ(ReasonOf(w.Do(At({}, w.now - absl::Seconds(1)))), "E_INVALIDARG");
  w.Must(At({}, w.now + absl::Seconds(1)));
  w.Must(Resume{});
  World done = World::In(S::kTransferred);
  done.job.timing.deadline = done.now;
  EXPECT_TRUE(done.Do(Resume{}).ok()) << "there is nothing left to do";
  done.Must(Complete{});
}

TEST(DeadlineTime, NewJobCannotHaveOneThatHasPassed) {
  Job job;
  job.timing.deadline = StartTime();
  EXPECT_EQ(ReasonOf(DecideCreate(job, {NewFile("a")}, false, StartTime())), "E_INVALIDARG");
}

}  // namespace
}  // namespace bits::domain

#include "server/domain/timers.h"

#include <gtest/gtest.h>

#include "tests/unit/domain/world.h"

namespace bits::domain {
namespace {

using S = JobState;
using E = EventKind;

// "RetryDue in 600 s", seen from the world's time; "none".
std::string Next(const World& w, const TimerPolicy& policy = {}) {
  const std::optional<Timer> timer = NextTimer(w.job, policy);
  if (!timer.has_value()) return "none";
  return std::string(EventName(KindOf(timer->event))) + " in " +
         std::to_string(absl::ToInt64Seconds(timer->time - w.now)) + " s";
}

constexpr const char* kInactivityIn90Days = "Inactivity in 7776000 s";

TEST(Timers, DefaultsAreThoseOfBits) {
  EXPECT_EQ(TimerPolicy().job_inactivity_timeout, absl::Hours(90 * 24));
  EXPECT_EQ(TimerPolicy().tombstone_retention, absl::Hours(7 * 24));
}

TEST(Timers, OfEachState) {
  EXPECT_EQ(Next(World::In(S::kSuspended)), kInactivityIn90Days);
  EXPECT_EQ(Next(World::In(S::kQueued)), kInactivityIn90Days);
  EXPECT_EQ(Next(World::In(S::kError)), kInactivityIn90Days);
  EXPECT_EQ(Next(World::In(S::kTransferred)), kInactivityIn90Days);
  EXPECT_EQ(Next(World::In(S::kTransientError)), "RetryDue in 600 s");
  EXPECT_EQ(Next(World::In(S::kAcknowledged)), "Forget in 604800 s");
  EXPECT_EQ(Next(World::In(S::kCancelled)), "Forget in 604800 s");
  // Both take 90 days by default; the time limit is the one that tells the owner.
  EXPECT_EQ(Next(World::In(S::kConnecting)), "MaximumDownloadTime in 7776000 s");
  EXPECT_EQ(Next(World::In(S::kTransferring)), "MaximumDownloadTime in 7776000 s");
}

TEST(Timers, InactivityCountsFromProgressAndFromTheOwnersChanges) {
  World w = World::In(S::kSuspended);
  const absl::Time start = w.now;
  w.now += absl::Hours(24);
  EXPECT_EQ(NextTimer(w.job, {})->time, start + absl::Hours(90 * 24));
  Update update;
  update.description = "new";
  w.Must(update);
  EXPECT_EQ(Next(w), kInactivityIn90Days);
  w.now += absl::Hours(24);
  w.Checkpointed(1, 10, 20);
  EXPECT_EQ(Next(w), kInactivityIn90Days);
}

TEST(Timers, PolicySetsInactivityAndRetention) {
  TimerPolicy policy;
  policy.job_inactivity_timeout = absl::Hours(24);
  policy.tombstone_retention = absl::Seconds(10);
  EXPECT_EQ(Next(World::In(S::kSuspended), policy), "Inactivity in 86400 s");
  EXPECT_EQ(Next(World::In(S::kTransferring), policy), "Inactivity in 86400 s");
  EXPECT_EQ(Next(World::In(S::kCancelled), policy), "Forget in 10 s");
  policy.job_inactivity_timeout = policy.tombstone_retention = absl::InfiniteDuration();
  EXPECT_EQ(Next(World::In(S::kSuspended), policy), "none");
  EXPECT_EQ(Next(World::In(S::kCancelled), policy), "none");
  EXPECT_FALSE(ExpireTime(World::In(S::kSuspended).job, policy).has_value());
  EXPECT_FALSE(ExpireTime(World::In(S::kCancelled).job, policy).has_value());
}

TEST(Timers, NoProgressBeatsALaterRetry) {
  World w = World::In(S::kTransientError);
  w.job.no_progress_timeout = absl::Seconds(599);  // set while it waits
  EXPECT_EQ(Next(w), "NoProgress in 599 s");
  w.job.no_progress_timeout = absl::Seconds(600);
  EXPECT_EQ(Next(w), "RetryDue in 600 s") << "a last retry";
  w.job.no_progress_timeout = absl::ZeroDuration();
  EXPECT_EQ(Next(w), "NoProgress in 0 s");
}

TEST(Timers, NoProgressOnlyEndsAWaitForARetry) {
  World w = World::In(S::kTransientError);
  w.Must(RetryDue{});
  ASSERT_TRUE(w.job.stalled_since.has_value());
  EXPECT_EQ(Next(w), kInactivityIn90Days);
  w.Must(Start{});
  EXPECT_EQ(Next(w), "MaximumDownloadTime in 7776000 s");
}

TEST(Timers, MaximumDownloadTimeGoesOnWhereItStopped) {
  World w = World::In(S::kTransferring);
  w.job.maximum_download_time = absl::Seconds(100);
  w.now += absl::Seconds(30);
  EXPECT_EQ(Next(w), "MaximumDownloadTime in 70 s");
  w.Must(Requeue{});
  EXPECT_EQ(Next(w).find("MaximumDownloadTime"), std::string::npos) << "it stands still";
  w.now += absl::Seconds(500);
  w.Must(Start{});
  EXPECT_EQ(Next(w), "MaximumDownloadTime in 70 s");
  w.job.maximum_download_time = absl::Seconds(20);  // less than was used
  EXPECT_EQ(Next(w), "MaximumDownloadTime in -10 s");
  w.job.maximum_download_time = absl::ZeroDuration();
  EXPECT_EQ(Next(w).find("MaximumDownloadTime"), std::string::npos) << "0: no limit";
}

TEST(Timers, DeferredJobComesBackAndIsNotInactiveMeanwhile) {
  World w = World::In(S::kSuspended);
  w.job.timing.not_before = w.now + absl::Hours(200 * 24);
  EXPECT_EQ(Next(w), kInactivityIn90Days) << "it is not resumed yet";
  w.Must(Resume{});
  EXPECT_EQ(Next(w), "NotBefore in 17280000 s");
  EXPECT_EQ(ExpireTime(w.job, {}), w.job.timing.not_before + absl::Hours(90 * 24));
  w.now = w.job.timing.not_before;
  w.Must(NotBefore{});
  EXPECT_EQ(Next(w), kInactivityIn90Days);
}

TEST(Timers, DeadlineHoldsForJobsThatRunOrWantTo) {
  for (S state : kStates) {
    World w = World::In(state);
    w.job.timing.deadline = w.now + absl::Seconds(9);
    const bool holds = IsActive(state) || state == S::kQueued || state == S::kTransientError;
    EXPECT_EQ(Next(w) == "Deadline in 9 s", holds) << StateName(state);
  }
}

TEST(Timers, NoneWhileFilesArePublishedOrDeleted) {
  for (S state : kStates) {
    World w = World::In(state);
    if (IsFinal(state)) continue;
    World completing = w;
    completing.Must(Complete{});
    EXPECT_EQ(Next(completing), "none") << StateName(state);
    w.Must(Cancel{});
    EXPECT_EQ(Next(w), "none") << StateName(state);
    EXPECT_EQ(ExpireTime(w.job, {}), w.now + absl::Hours(7 * 24));
  }
}

TEST(Timers, ExpireTime) {
  for (S state : kStates) {
    World w = World::In(state);
    EXPECT_EQ(ExpireTime(w.job, {}),
              w.now + (IsFinal(state) ? absl::Hours(7 * 24) : absl::Hours(90 * 24)))
        << StateName(state);
  }
}

// Whatever fires must do something, or it would fire for ever.
TEST(Timers, EachMeansSomethingInItsState) {
  for (S state : kStates) {
    for (absl::Duration inactivity : {absl::Hours(90 * 24), absl::Seconds(1)}) {
      TimerPolicy policy;
      policy.job_inactivity_timeout = inactivity;
      World w = World::In(state);
      const std::optional<Timer> timer = NextTimer(w.job, policy);
      ASSERT_TRUE(timer.has_value());
      w.now = timer->time;
      w.Must(timer->event);
      if (KindOf(timer->event) == E::kForget) continue;
      EXPECT_NE(w.job.state, state);
    }
  }
}

}  // namespace
}  // namespace bits::domain

// How the plan of domain/turns.h is carried out: which jobs begin, which are put back, and when the
// scheduler looks again.
#include "server/app/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/app/world.h"

namespace bits::app::testing {
namespace {

using domain::JobId;
using domain::JobState;
using domain::Priority;

constexpr absl::Duration kTimeSlice = absl::Minutes(5);  // the default

class SchedulerTest : public ::testing::Test {
 protected:
  JobId Create(const std::string& owner, Priority priority = Priority::kNormal) {
    w_.alice = {owner, true};
    domain::Job properties;
    properties.priority = priority;
    const JobId id = w_.Create(1, "d" + std::to_string(++created_), properties);
    w_.clock.Advance(absl::Seconds(1));
    return id;
  }
  bool Active(const JobId& id) { return domain::IsActive(w_.State(id)); }
  // A turn that was ended has come to its end.
  void Stopped(const JobId& id) { w_.engine->StopAllAsked(id); }

  World w_{1};
  int created_ = 0;
};

TEST_F(SchedulerTest, HigherPriorityTakesTheSlotAndTheOtherKeepsItsPlace) {
  const JobId low = Create("a", Priority::kLow);
  w_.Turn();
  const absl::Time place = w_.Get(low).queue_time;
  const JobId low2 = Create("a", Priority::kLow);
  const JobId high = Create("a", Priority::kHigh);
  w_.Turn();
  EXPECT_EQ(w_.State(low), JobState::kQueued);
  EXPECT_EQ(w_.Get(low).queue_time, place);
  EXPECT_TRUE(Active(high));
  w_.engine->Transferred(high, 1, 1);
  // Its transfers have not ended yet: the slot goes to the next meanwhile.
  w_.Turn();
  EXPECT_EQ(w_.State(low), JobState::kQueued);
  EXPECT_TRUE(Active(low2));
  Stopped(low);
  w_.engine->Transferred(low2, 1, 1);
  w_.Turn();
  EXPECT_TRUE(Active(low));
}

TEST_F(SchedulerTest, ErrorOfAHigherOneDoesNotBlock) {
  const JobId high = Create("a", Priority::kHigh);
  const JobId low = Create("a", Priority::kLow);
  w_.Turn();
  domain::Failure failure;
  failure.hresult = 0x80200010;
  w_.engine->Failed(high, 1, failure);
  ASSERT_EQ(w_.State(high), JobState::kTransientError);
  w_.Turn();
  EXPECT_TRUE(Active(low));
  // When it is due again it comes first again.
  w_.clock.Advance(absl::Minutes(10));
  w_.app->timers().RunOnce();
  w_.Turn();
  EXPECT_TRUE(Active(high));
  EXPECT_EQ(w_.State(low), JobState::kQueued);
}

TEST_F(SchedulerTest, SliceEndsInTimeAndTheTurnGoesRound) {
  const JobId a1 = Create("a");
  const JobId a2 = Create("a");
  const JobId b1 = Create("b");
  const std::vector<JobId> order = {a1, b1, a2, b1, a1};
  w_.Turn();
  for (size_t i = 0; i < order.size(); ++i) {
    for (const JobId& id : {a1, a2, b1}) {
      EXPECT_EQ(Active(id), id == order[i]) << "turn " << i;
      Stopped(id);
    }
    // Not before its time, and then without being poked.
    const absl::Time end = *w_.Get(order[i]).active_since + kTimeSlice;
    w_.Turn();
    ASSERT_EQ(w_.app->scheduler().next_look(), end);
    w_.clock.Advance(end - w_.clock.Now());
    w_.Turn();
  }
}

TEST_F(SchedulerTest, NobodyLooksAgainWhereNobodyWaits) {
  Create("a");
  w_.Turn();
  EXPECT_EQ(w_.app->scheduler().next_look(), absl::InfiniteFuture());
}

TEST_F(SchedulerTest, PolicyIsHeededAtOnce) {
  const JobId low = Create("a", Priority::kLow);
  const JobId normal = Create("a");
  w_.app->scheduler().SetPolicy({2, kTimeSlice});
  w_.Turn();
  EXPECT_TRUE(Active(low) && Active(normal));
  w_.app->scheduler().SetPolicy({1, kTimeSlice});
  w_.Turn();
  EXPECT_EQ(w_.State(low), JobState::kQueued);
  EXPECT_TRUE(Active(normal));
  w_.app->scheduler().SetPolicy({0, kTimeSlice});
  w_.Turn();
  EXPECT_EQ(w_.State(normal), JobState::kQueued);
}

TEST_F(SchedulerTest, ManyForegroundJobsAllBegin) {
  std::vector<JobId> ids;
  for (int i = 0; i < 600; ++i) ids.push_back(Create(i % 40 == 0 ? "b" : "a", Priority::kForeground));
  w_.Turn();
  for (const JobId& id : ids) EXPECT_TRUE(Active(id));
}

TEST_F(SchedulerTest, DeferredJobTakesNoTurnFromOthersAndGetsItsOwnInTime) {
  domain::Job properties;
  properties.priority = Priority::kHigh;
  properties.timing.not_before = w_.clock.Now() + absl::Minutes(1);
  const JobId deferred = w_.Create(1, "later", properties);
  properties.priority = Priority::kForeground;
  const JobId foreground = w_.Create(1, "later2", properties);
  const JobId low = Create("alice", Priority::kLow);
  w_.Turn();
  EXPECT_TRUE(Active(low));
  EXPECT_EQ(w_.State(deferred), JobState::kQueued);
  EXPECT_EQ(w_.State(foreground), JobState::kQueued);
  EXPECT_EQ(w_.app->scheduler().next_look(), absl::InfiniteFuture()) << "its timer says when";
  w_.clock.Advance(properties.timing.not_before - w_.clock.Now());
  w_.app->timers().RunOnce();
  w_.Turn();
  EXPECT_TRUE(Active(deferred) && Active(foreground));
  EXPECT_EQ(w_.State(low), JobState::kQueued);
}

TEST_F(SchedulerTest, JobThatIsBeingCompletedHoldsNoSlot) {
  const JobId first = Create("a");
  const JobId second = Create("a");
  w_.Turn();
  (void)w_.Do(&JobManager::CompleteJob, first);  // its files are stopped, then published
  w_.Turn();
  EXPECT_TRUE(Active(second));
}

}  // namespace
}  // namespace bits::app::testing

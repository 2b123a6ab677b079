// The bandwidth policy as the application keeps it, on a clock of the test's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/base/error_info.h"
#include "server/domain/decide.h"
#include "server/domain/error_code.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/app/world.h"

namespace bits::app::testing {
namespace {

using domain::Job;
using domain::JobId;
using domain::JobState;
using domain::Priority;

domain::RateLimits BackgroundOf(domain::Rate rate) {
  domain::RateLimits limits;
  limits.background = rate;
  return limits;
}

class RatesTest : public ::testing::Test {
 protected:
  void Set(const std::string& field, std::optional<domain::PolicyValue> value) {
    Answer<PolicyView> answer;
    PolicyChange change;
    change.fields[field] = std::move(value);
    w_.app->policies().Update({"root", true}, change, answer.Callback());
    BITS_ASSERT_OK(answer.value());
    Look();
  }
  // What the threads would do, until nothing changes any more.
  absl::Time Look() {
    absl::Time next;
    for (int i = 0; i < 4; ++i) next = w_.app->rates().RunOnce();
    w_.Turn();
    return next;
  }
  JobId Start(Priority priority, const std::string& name) {
    Job job;
    job.priority = priority;
    const JobId id = w_.Create(1, name, job);
    w_.Turn();
    return id;
  }
  void BytesArrive(const JobId& id) { w_.engine->At(id, 1).observer->OnBytesArrive(); }

  World w_{8};
};

TEST_F(RatesTest, LimitsReachTheEngineAtOnce) {
  Set("rate_limits", BackgroundOf(5000));
  EXPECT_EQ(w_.engine->limits(), BackgroundOf(5000));
  Set("rate_limits", std::nullopt);
  EXPECT_EQ(w_.engine->limits(), domain::RateLimits());
}

TEST_F(RatesTest, JobsOwnLimitReachesTheEngineWhenItBeginsAndWhenItIsChanged) {
  Job job;
  job.options.max_bytes_per_second = 7000;
  const JobId id = w_.Create(1, "own", job);
  w_.Turn();
  EXPECT_EQ(w_.engine->At(id, 1).spec.max_bytes_per_second, 7000u);
  EXPECT_EQ(w_.engine->At(id, 1).spec.priority, Priority::kNormal);
  domain::Update update;
  update.max_bytes_per_second = 9000;
  update.priority = Priority::kLow;
  Answer<Job> answer;
  w_.app->jobs().UpdateJob(w_.alice, id, update, {}, answer.Callback());
  BITS_ASSERT_OK(answer.value());
  EXPECT_EQ(w_.engine->RateOf(id), std::pair(Priority::kLow, domain::Rate{9000}));
}

TEST_F(RatesTest, ZeroStopsActiveJobsHoldsQueuedOnesAndLeavesForegroundAlone) {
  const JobId foreground = Start(Priority::kForeground, "f");
  const JobId active = Start(Priority::kNormal, "n");
  BytesArrive(active);
  Set("rate_limits", BackgroundOf(0));
  w_.engine->StopAllAsked(active);
  const JobId queued = Start(Priority::kHigh, "h");
  Look();
  EXPECT_EQ(w_.State(foreground), JobState::kConnecting);
  EXPECT_EQ(w_.State(queued), JobState::kQueued);
  const Job stopped = w_.Get(active);
  EXPECT_EQ(stopped.state, JobState::kTransientError);
  ASSERT_TRUE(stopped.error.has_value());
  EXPECT_EQ(stopped.error->hresult, domain::kBlockedByPolicy);
  EXPECT_EQ(stopped.error->retry_time, std::nullopt);
  EXPECT_EQ(stopped.error_count, 0u);
  EXPECT_EQ(stopped.retry_time, std::nullopt);
  EXPECT_EQ(stopped.stalled_since, std::nullopt);

  Set("rate_limits", std::nullopt);
  EXPECT_EQ(w_.State(active), JobState::kConnecting);
  EXPECT_EQ(w_.State(queued), JobState::kConnecting);
}

TEST_F(RatesTest, NoRetryTimerAndNoNoProgressTimeoutEndsTheStop) {
  const JobId id = Start(Priority::kNormal, "n");
  Set("rate_limits", BackgroundOf(0));
  w_.engine->StopAllAsked(id);
  w_.clock.Advance(absl::Hours(20 * 24));
  EXPECT_GT(w_.app->timers().RunOnce(), w_.clock.Now());
  Look();
  EXPECT_EQ(w_.State(id), JobState::kTransientError);
}

TEST_F(RatesTest, ZeroOfAPriorityStopsThatOneOnly) {
  const JobId high = Start(Priority::kHigh, "h");
  const JobId low = Start(Priority::kLow, "l");
  domain::RateLimits limits;
  limits.priority[static_cast<size_t>(Priority::kLow)] = 0;
  Set("rate_limits", limits);
  w_.engine->StopAllAsked(low);
  EXPECT_EQ(w_.State(high), JobState::kConnecting);
  EXPECT_EQ(w_.State(low), JobState::kTransientError);
  // Another priority lets it go on; and stops the other.
  const auto set = [&](const JobId& id, Priority priority) {
    domain::Update update;
    update.priority = priority;
    Answer<Job> answer;
    w_.app->jobs().UpdateJob(w_.alice, id, update, {}, answer.Callback());
    Look();
  };
  set(low, Priority::kNormal);
  EXPECT_EQ(w_.State(low), JobState::kConnecting);
  set(high, Priority::kLow);
  EXPECT_EQ(w_.State(high), JobState::kTransientError);
}

TEST_F(RatesTest, ResumeOfAStoppedJobQueuesItToWait) {
  const JobId id = Start(Priority::kNormal, "n");
  Set("rate_limits", BackgroundOf(0));
  w_.engine->StopAllAsked(id);
  w_.Do(&JobManager::ResumeJob, id);
  Look();
  EXPECT_EQ(w_.State(id), JobState::kQueued);
  EXPECT_EQ(w_.Get(id).error->hresult, domain::kBlockedByPolicy);
  Set("rate_limits", std::nullopt);
  EXPECT_EQ(w_.State(id), JobState::kConnecting);
}

TEST_F(RatesTest, TimetableOfADayStopsAndStartsJobs) {
  // 2027-01-15 08:00:00 UTC, a Friday.
  w_.clock.Advance(absl::FromCivil(absl::CivilHour(2027, 1, 15, 6), absl::UTCTimeZone()) -
                   w_.clock.Now());
  const JobId id = Start(Priority::kNormal, "n");
  Set("work_rate_limits", BackgroundOf(0));
  Set("work_hours", std::vector<domain::WeeklyHours>{{1, 5, 8 * 60, 17 * 60}});
  Set("maintenance_hours", std::vector<domain::WeeklyHours>{{5, 5, 12 * 60, 13 * 60}});
  std::vector<std::string> day;
  const absl::Time end = w_.clock.Now() + absl::Hours(24);
  while (w_.clock.Now() < end) {
    const absl::Time next = Look();
    w_.engine->StopAllAsked(id);
    Look();
    const Job job = w_.Get(id);
    day.push_back(absl::FormatTime("%H:%M ", w_.clock.Now(), absl::UTCTimeZone()) +
                  std::string(StateName(job.state)));
    if (job.state == JobState::kTransientError) {
      EXPECT_EQ(job.error->retry_time, next);
    }
    w_.clock.Advance(next - w_.clock.Now());
  }
  EXPECT_THAT(
      day, ::testing::ElementsAre("06:00 CONNECTING", "08:00 TRANSIENT_ERROR", "12:00 CONNECTING",
                                  "13:00 TRANSIENT_ERROR", "17:00 CONNECTING"));
  EXPECT_EQ(w_.Get(id).error_count, 0u);
}

TEST_F(RatesTest, RestartAfterTheWindowLetsStoppedJobsGoOn) {
  const JobId id = Start(Priority::kNormal, "n");
  Set("rate_limits", BackgroundOf(0));
  w_.engine->StopAllAsked(id);
  w_.Restart();
  Look();
  EXPECT_EQ(w_.State(id), JobState::kTransientError);
  w_.policy["rate_limits"] = domain::RateLimits();
  Set("rate_limits", std::nullopt);
  EXPECT_EQ(w_.State(id), JobState::kConnecting);
}

TEST_F(RatesTest, JobThatIsStartedAnewWhileTheServerWasDownIsFreeAtItsStart) {
  const JobId id = Start(Priority::kNormal, "n");
  w_.policy["rate_limits"] = BackgroundOf(0);
  w_.Restart();
  Look();
  EXPECT_EQ(w_.State(id), JobState::kQueued) << "it had no turn to be stopped in";
  w_.policy.erase("rate_limits");
  w_.Restart();
  Look();
  EXPECT_EQ(w_.State(id), JobState::kConnecting);
}

}  // namespace
}  // namespace bits::app::testing

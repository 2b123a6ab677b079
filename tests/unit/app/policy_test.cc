// The policy as the application keeps it, and what follows from a change.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/base/error_info.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/app/world.h"

namespace bits::app::testing {
namespace {

using ::bits::testing::HasCode;
using ::bits::testing::HasReason;
using domain::JobState;

const Principal kRoot{"root", true};

absl::StatusOr<PolicyView> Write(World& w, const std::string& field,
                                 std::optional<domain::PolicyValue> value,
                                 std::optional<uint64_t> version = {},
                                 const Principal& by = kRoot) {
  Answer<PolicyView> answer;
  PolicyChange change;
  change.fields[field] = value;
  change.version = version;
  w.app->policies().Update(by, change, answer.Callback());
  return answer.value();
}

absl::StatusOr<domain::Job> TryCreate(World& w, const Principal& by, uint32_t files = 0,
                                      domain::Job job = {}) {
  static int made = 0;
  job.display_name = "x";
  std::vector<NewFile> names;
  for (uint32_t n = 0; n < files; ++n) {
    names.push_back({"http://origin/x", "policy/" + std::to_string(++made), {}});
  }
  Answer<domain::Job> answer;
  w.app->jobs().CreateJob(by, job, names, false, {}, answer.Callback());
  return answer.value();
}

TEST(PolicyManagerTest, IsAnAdministrators) {
  World w;
  EXPECT_THAT(w.app->policies().Get(w.alice), HasReason("E_ACCESSDENIED"));
  EXPECT_THAT(Write(w, "max_jobs", uint64_t{1}, {}, w.alice), HasReason("E_ACCESSDENIED"));
  EXPECT_EQ(w.app->policies().Get(kRoot)->policy.max_jobs, domain::Policy().max_jobs);
}

TEST(PolicyManagerTest, WhatIsWrittenWinsIsKeptAndGoesBackToTheFile) {
  World w(3);
  EXPECT_EQ(w.app->policies().Get(kRoot)->policy.background_slots, 3u);
  const auto written = Write(w, "background_slots", uint64_t{5});
  BITS_ASSERT_OK(written);
  EXPECT_EQ(written->policy.background_slots, 5u);
  EXPECT_EQ(written->version, 1u);
  w.Restart();
  EXPECT_EQ(w.app->policies().Get(kRoot)->policy.background_slots, 5u);
  EXPECT_EQ(Write(w, "background_slots", std::nullopt)->policy.background_slots, 3u);
  w.Restart();
  EXPECT_EQ(w.app->policies().Get(kRoot)->policy.background_slots, 3u);
}

TEST(PolicyManagerTest, EtagOfAnEarlierPolicyIsRefused) {
  World w;
  const uint64_t version = w.app->policies().Get(kRoot)->version;
  BITS_ASSERT_OK(Write(w, "max_jobs", uint64_t{10}, version));
  EXPECT_THAT(Write(w, "max_jobs", uint64_t{20}, version), HasReason("ETAG_MISMATCH"));
  EXPECT_EQ(w.app->policies().current()->max_jobs, 10u);
}

TEST(PolicyManagerTest, MoreSlotsAreUsedAtOnce) {
  World w(1);
  domain::Job normal;
  const domain::JobId first = w.Create(1, "a", normal);
  const domain::JobId second = w.Create(1, "b", normal);
  w.Turn();
  EXPECT_EQ(w.State(first), JobState::kConnecting);
  EXPECT_EQ(w.State(second), JobState::kQueued);
  BITS_ASSERT_OK(Write(w, "background_slots", uint64_t{2}));
  w.app->rates().RunOnce();
  w.Turn();
  EXPECT_EQ(w.State(second), JobState::kConnecting);
}

TEST(LimitsTest, JobsOfAnOwnerAndInAll) {
  World w;
  BITS_ASSERT_OK(Write(w, "max_jobs_per_owner", uint64_t{2}));
  BITS_ASSERT_OK(Write(w, "max_jobs", uint64_t{4}));
  const Principal bob{"bob", false};
  const auto first = TryCreate(w, w.alice);
  BITS_ASSERT_OK(first);
  BITS_ASSERT_OK(TryCreate(w, w.alice));
  EXPECT_THAT(TryCreate(w, w.alice), HasReason("BG_E_TOO_MANY_JOBS_PER_USER"));
  BITS_ASSERT_OK(TryCreate(w, bob));
  BITS_ASSERT_OK(TryCreate(w, kRoot));
  EXPECT_THAT(TryCreate(w, bob), HasReason("BG_E_TOO_MANY_JOBS_PER_MACHINE"));
  BITS_EXPECT_OK(TryCreate(w, kRoot));  // not limited
  w.Do(&JobManager::CancelJob, first->id);
  w.executor.RunAll();
  BITS_EXPECT_OK(Write(w, "max_jobs", std::nullopt));
  BITS_EXPECT_OK(TryCreate(w, w.alice));  // a final job does not count
  EXPECT_THAT(TryCreate(w, w.alice), HasReason("BG_E_TOO_MANY_JOBS_PER_USER"));
}

TEST(LimitsTest, FilesOfAJob) {
  World w;
  BITS_ASSERT_OK(Write(w, "max_files_per_job", uint64_t{2}));
  EXPECT_THAT(TryCreate(w, w.alice, 3), HasReason("BG_E_TOO_MANY_FILES_IN_JOB"));
  const auto job = TryCreate(w, w.alice, 1);
  BITS_ASSERT_OK(job);
  const auto add = [&](const Principal& by, const std::string& name) {
    Answer<AddFilesOutcome> answer;
    w.app->jobs().AddFiles(by, job->id, {{"http://origin/x", name, {}}}, {}, answer.Callback());
    return answer.value().status();
  };
  BITS_EXPECT_OK(add(w.alice, "policy/b"));
  EXPECT_THAT(add(w.alice, "policy/c"), HasReason("BG_E_TOO_MANY_FILES_IN_JOB"));
  EXPECT_EQ(w.Get(job->id).progress.files_total, 2u);
  BITS_EXPECT_OK(add(kRoot, "policy/c"));
}

TEST(LimitsTest, LongestMaximumDownloadTime) {
  World w;
  BITS_ASSERT_OK(Write(w, "longest_maximum_download_time", absl::Hours(1)));
  domain::Job asks;
  asks.maximum_download_time = absl::Hours(2);
  EXPECT_THAT(TryCreate(w, w.alice, 0, asks), HasCode(absl::StatusCode::kInvalidArgument));
  BITS_EXPECT_OK(TryCreate(w, kRoot, 0, asks));
  asks.maximum_download_time = absl::Hours(1);
  const auto job = TryCreate(w, w.alice, 0, asks);
  BITS_ASSERT_OK(job);
  domain::Update update;
  update.maximum_download_time = absl::ZeroDuration();
  Answer<domain::Job> answer;
  w.app->jobs().UpdateJob(w.alice, job->id, update, {}, answer.Callback());
  EXPECT_THAT(answer.value(), HasCode(absl::StatusCode::kInvalidArgument));
}

// Runs the timers until there is nothing left to do now.
void RunTimers(World& w) {
  while (w.app->timers().RunOnce() <= w.clock.Now()) {
  }
}

TEST(RetimingTest, ShorterTimeoutCancelsAJobThatWasTimedByTheLongerOne) {
  World w;
  const auto job = TryCreate(w, w.alice);
  BITS_ASSERT_OK(job);
  RunTimers(w);
  w.clock.Advance(absl::Hours(2));
  RunTimers(w);
  EXPECT_EQ(w.State(job->id), JobState::kSuspended);
  BITS_ASSERT_OK(Write(w, "job_inactivity_timeout", absl::Hours(1)));
  RunTimers(w);
  EXPECT_EQ(w.State(job->id), JobState::kCancelled);
}

TEST(RetimingTest, IsTakenUpAfterARestartAndDoneOnce) {
  World w;
  const auto job = TryCreate(w, w.alice);
  RunTimers(w);
  EXPECT_FALSE(w.app->policies().NeedsRetiming());
  w.clock.Advance(absl::Hours(2));
  BITS_ASSERT_OK(Write(w, "job_inactivity_timeout", absl::Hours(1)));
  EXPECT_TRUE(w.app->policies().NeedsRetiming());
  w.Restart();
  EXPECT_TRUE(w.app->policies().NeedsRetiming());
  RunTimers(w);
  EXPECT_EQ(w.State(job->id), JobState::kCancelled);
  EXPECT_FALSE(w.app->policies().NeedsRetiming());
}

TEST(RetimingTest, FileThatSaysLessThanBeforeIsAChangeToo) {
  World w;
  const auto job = TryCreate(w, w.alice);
  RunTimers(w);
  w.clock.Advance(absl::Hours(2));
  w.policy["job_inactivity_timeout"] = absl::Hours(1);
  w.Restart();
  RunTimers(w);
  EXPECT_EQ(w.State(job->id), JobState::kCancelled);
}

}  // namespace
}  // namespace bits::app::testing

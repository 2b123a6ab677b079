#include "server/domain/policy.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "server/base/error_info.h"

namespace bits::domain {
namespace {

using Fields = PolicySettings;

TEST(PolicyTest, DefaultsAreWithinTheirBoundsAndBitsWhereItHasThem) {
  const Policy policy;
  EXPECT_EQ(policy.max_ranges_per_file, 500u);
  EXPECT_EQ(policy.job_inactivity_timeout, absl::Hours(90 * 24));
  EXPECT_EQ(policy.default_maximum_download_time, absl::Seconds(7'776'000));
  std::set<std::string_view> names;
  for (const PolicyField& field : PolicyFields()) {
    EXPECT_TRUE(names.insert(field.name).second) << field.name;
    EXPECT_TRUE(CheckPolicyValue(field, ValueOf(policy, field), "").ok()) << field.name;
    EXPECT_EQ(FindPolicyField(field.name), &field);
  }
  EXPECT_EQ(FindPolicyField("no_such"), nullptr);
  EXPECT_EQ(ResolvePolicy({}, {}), policy);
}

TEST(PolicyTest, WrittenWinsOverTheFileAndTheFileOverTheDefault) {
  const Fields file = {{"max_jobs", uint64_t{10}}, {"max_files_per_job", uint64_t{20}}};
  const Fields written = {{"max_jobs", uint64_t{11}}, {"tombstone_retention", absl::Seconds(3)}};
  const Policy policy = ResolvePolicy(file, written);
  EXPECT_EQ(policy.max_jobs, 11u);
  EXPECT_EQ(policy.max_files_per_job, 20u);
  EXPECT_EQ(policy.timers().tombstone_retention, absl::Seconds(3));
  EXPECT_EQ(policy.max_jobs_per_owner, Policy().max_jobs_per_owner);
  EXPECT_EQ(ResolvePolicy(file, {}).max_jobs, 10u);
}

TEST(PolicyTest, EveryFieldIsSetAndBounded) {
  for (const PolicyField& field : PolicyFields()) {
    const bool bounded = std::holds_alternative<uint64_t>(field.least) ||
                         std::holds_alternative<absl::Duration>(field.least);
    if (!bounded) continue;
    for (const PolicyValue& value : {field.least, field.most}) {
      EXPECT_TRUE(CheckPolicyValue(field, value, "").ok()) << field.name;
      EXPECT_EQ(ValueOf(ResolvePolicy({}, {{std::string(field.name), value}}), field), value)
          << field.name;
    }
    PolicyValue beyond = field.most;
    if (auto* number = std::get_if<uint64_t>(&beyond)) ++*number;
    if (auto* length = std::get_if<absl::Duration>(&beyond)) *length += absl::Nanoseconds(1);
    const absl::Status refused = CheckPolicyValue(field, beyond, "policy.");
    EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument) << field.name;
    ASSERT_EQ(GetFieldViolations(refused).size(), 1u);
    EXPECT_EQ(GetFieldViolations(refused)[0].field, "policy." + std::string(field.name));
    // From a record: as if absent.
    EXPECT_EQ(ResolvePolicy({}, {{std::string(field.name), beyond}}), Policy()) << field.name;
  }
}

TEST(PolicyTest, RatesAndHoursHaveRulesOfTheirOwn) {
  const PolicyField& limits = *FindPolicyField("rate_limits");
  RateLimits wrong;
  wrong.server = 1;
  EXPECT_FALSE(CheckPolicyValue(limits, wrong, "").ok());
  EXPECT_FALSE(CheckPolicyValue(limits, uint64_t{1}, "").ok());
  EXPECT_EQ(ResolvePolicy({}, {{"rate_limits", wrong}}), Policy());
  wrong.server = kLeastRate;
  EXPECT_TRUE(CheckPolicyValue(limits, wrong, "").ok());
  EXPECT_EQ(ResolvePolicy({}, {{"rate_limits", wrong}}).timetable().general, wrong);
  const std::vector<WeeklyHours> hours = {{0, 6, 0, 0}};
  EXPECT_FALSE(CheckPolicyValue(*FindPolicyField("work_hours"), hours, "").ok());
}

TEST(PolicyTest, WhatTheRatesStopHasNoTurns) {
  Policy policy;
  EXPECT_EQ(policy.turns().stopped, (std::array<bool, 4>{}));
  policy.rates.limits.background = 0;
  EXPECT_EQ(policy.turns().stopped, (std::array<bool, 4>{false, true, true, true}));
}

TEST(PolicyTest, ValueOfAnotherTypeOrOfNoKnownFieldHasNoEffect) {
  EXPECT_EQ(ResolvePolicy({{"max_jobs", absl::Seconds(1)}}, {{"of_a_newer", uint64_t{1}}}),
            Policy());
}

TEST(PolicyTest, CountsAreRefusedWithTheirCodes) {
  Policy policy;
  policy.max_jobs_per_owner = 2;
  policy.max_jobs = 5;
  EXPECT_TRUE(CheckJobCount(policy, {1, 4}).ok());
  const absl::Status owner = CheckJobCount(policy, {2, 4});
  EXPECT_EQ(owner.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(GetReason(owner), "BG_E_TOO_MANY_JOBS_PER_USER");
  EXPECT_EQ(GetReason(CheckJobCount(policy, {0, 5})), "BG_E_TOO_MANY_JOBS_PER_MACHINE");
  policy.max_files_per_job = 3;
  EXPECT_TRUE(CheckFileCount(policy, 3).ok());
  EXPECT_EQ(GetReason(CheckFileCount(policy, 4)), "BG_E_TOO_MANY_FILES_IN_JOB");
  EXPECT_TRUE(CheckRangeCount(policy, 500, "files[0].ranges").ok());
  EXPECT_EQ(GetReason(CheckRangeCount(policy, 501, "files[0].ranges")),
            "BG_E_TOO_MANY_RANGES_IN_FILE");
}

TEST(PolicyTest, LongestMaximumDownloadTimeHoldsForNoLimitAndForTheDefault) {
  Policy policy;
  EXPECT_TRUE(CheckMaximumDownloadTime(policy, absl::ZeroDuration()).ok());
  EXPECT_EQ(DefaultMaximumDownloadTime(policy), absl::Hours(90 * 24));
  policy.longest_maximum_download_time = absl::Hours(1);
  EXPECT_TRUE(CheckMaximumDownloadTime(policy, absl::Hours(1)).ok());
  EXPECT_FALSE(CheckMaximumDownloadTime(policy, absl::Hours(1) + absl::Seconds(1)).ok());
  EXPECT_FALSE(CheckMaximumDownloadTime(policy, absl::ZeroDuration()).ok());
  EXPECT_EQ(DefaultMaximumDownloadTime(policy), absl::Hours(1));
  policy.default_maximum_download_time = absl::Minutes(1);
  EXPECT_EQ(DefaultMaximumDownloadTime(policy), absl::Minutes(1));
}

}  // namespace
}  // namespace bits::domain

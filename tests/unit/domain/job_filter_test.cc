#include "server/domain/job_filter.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "tests/unit/domain/world.h"

namespace bits::domain {
namespace {

using F = FilterField;
using O = FilterOp;

Job SampleJob() {
  Job job;
  job.state = JobState::kError;
  job.type = JobType::kDownload;
  job.priority = Priority::kHigh;
  job.owner = "alice";
  job.display_name = "nightly build";
  job.labels = {{"team", "blue"}, {"empty", ""}};
  job.create_time = StartTime();
  job.update_time = StartTime() + absl::Seconds(5);
  job.error_count = 3;
  return job;
}

template <typename T>
JobFilter Is(F field, O op, T value) {
  JobFilter filter;
  filter.kind = JobFilter::Kind::kComparison;
  filter.comparison.field = field;
  filter.comparison.op = op;
  if constexpr (std::is_convertible_v<T, std::string>) {
    filter.comparison.value = std::string(value);
  } else if constexpr (std::is_same_v<T, absl::Time>) {
    filter.comparison.value = value;
  } else {
    filter.comparison.value = static_cast<int64_t>(value);
  }
  return filter;
}

JobFilter Label(std::string key, O op, std::string value = "") {
  JobFilter filter = Is(F::kLabel, op, std::move(value));
  filter.comparison.label_key = std::move(key);
  return filter;
}

JobFilter Wild(JobFilter filter, bool prefix, bool suffix) {
  filter.comparison.any_prefix = prefix;
  filter.comparison.any_suffix = suffix;
  return filter;
}

JobFilter All(JobFilter::Kind kind, std::vector<JobFilter> operands) {
  JobFilter filter;
  filter.kind = kind;
  filter.operands = std::move(operands);
  return filter;
}

bool Matches(const JobFilter& filter) { return domain::Matches(filter, SampleJob()); }

const JobFilter kYes = Is(F::kErrorCount, O::kEqual, 3);
const JobFilter kNo = Is(F::kErrorCount, O::kEqual, 4);

TEST(JobFilter, TheEmptyOneMatchesEveryJob) {
  EXPECT_TRUE(Matches(JobFilter()));
  EXPECT_TRUE(domain::Matches(JobFilter(), Job()));
}

TEST(JobFilter, Enums) {
  EXPECT_TRUE(Matches(Is(F::kState, O::kEqual, JobState::kError)));
  EXPECT_FALSE(Matches(Is(F::kState, O::kEqual, JobState::kQueued)));
  EXPECT_TRUE(Matches(Is(F::kState, O::kNotEqual, JobState::kQueued)));
  EXPECT_TRUE(Matches(Is(F::kType, O::kEqual, JobType::kDownload)));
  EXPECT_FALSE(Matches(Is(F::kType, O::kEqual, JobType::kUpload)));
  EXPECT_TRUE(Matches(Is(F::kPriority, O::kEqual, Priority::kHigh)));
  EXPECT_FALSE(Matches(Is(F::kPriority, O::kNotEqual, Priority::kHigh)));
}

TEST(JobFilter, NumbersAndTimesInOrder) {
  const struct {
    O op;
    bool less, equal, greater;  // of what the job has, compared with the literal
  } kCases[] = {
      {O::kEqual, false, true, false},   {O::kNotEqual, true, false, true},
      {O::kLess, true, false, false},    {O::kLessEqual, true, true, false},
      {O::kGreater, false, false, true}, {O::kGreaterEqual, false, true, true},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(Matches(Is(F::kErrorCount, c.op, 4)), c.less);
    EXPECT_EQ(Matches(Is(F::kErrorCount, c.op, 3)), c.equal);
    EXPECT_EQ(Matches(Is(F::kErrorCount, c.op, 2)), c.greater);
    EXPECT_EQ(Matches(Is(F::kCreateTime, c.op, StartTime() + absl::Seconds(1))), c.less);
    EXPECT_EQ(Matches(Is(F::kCreateTime, c.op, StartTime())), c.equal);
    EXPECT_EQ(Matches(Is(F::kCreateTime, c.op, StartTime() - absl::Seconds(1))), c.greater);
    EXPECT_EQ(Matches(Is(F::kUpdateTime, c.op, StartTime() + absl::Seconds(5))), c.equal);
  }
}

TEST(JobFilter, Texts) {
  EXPECT_TRUE(Matches(Is(F::kOwner, O::kEqual, "alice")));
  EXPECT_FALSE(Matches(Is(F::kOwner, O::kEqual, "Alice")));
  EXPECT_FALSE(Matches(Is(F::kOwner, O::kEqual, "ali")));
  EXPECT_TRUE(Matches(Is(F::kOwner, O::kNotEqual, "ali")));
  EXPECT_TRUE(Matches(Is(F::kDisplayName, O::kEqual, "nightly build")));
}

TEST(JobFilter, Wildcards) {
  const struct {
    const char* literal;
    bool whole, begins, ends, contains;
  } kCases[] = {
      {"nightly build", true, true, true, true},
      {"nightly", false, true, false, true},
      {"build", false, false, true, true},
      {"ly bu", false, false, false, true},
      {"weekly", false, false, false, false},
      {"", false, true, true, true},
      {"nightly build!", false, false, false, false},
  };
  for (const auto& c : kCases) {
    for (O op : {O::kEqual, O::kNotEqual}) {
      const bool equal = op == O::kEqual;
      const JobFilter filter = Is(F::kDisplayName, op, c.literal);
      EXPECT_EQ(Matches(filter), c.whole == equal) << c.literal;
      EXPECT_EQ(Matches(Wild(filter, false, true)), c.begins == equal) << c.literal;
      EXPECT_EQ(Matches(Wild(filter, true, false)), c.ends == equal) << c.literal;
      EXPECT_EQ(Matches(Wild(filter, true, true)), c.contains == equal) << c.literal;
    }
  }
}

TEST(JobFilter, Labels) {
  EXPECT_TRUE(Matches(Label("team", O::kEqual, "blue")));
  EXPECT_FALSE(Matches(Label("team", O::kEqual, "red")));
  EXPECT_TRUE(Matches(Label("team", O::kNotEqual, "red")));
  EXPECT_FALSE(Matches(Label("team", O::kNotEqual, "blue")));
  EXPECT_TRUE(Matches(Wild(Label("team", O::kEqual, "bl"), false, true)));
  EXPECT_TRUE(Matches(Label("team", O::kHas)));
  EXPECT_TRUE(Matches(Label("empty", O::kHas)));
  EXPECT_TRUE(Matches(Label("empty", O::kEqual, "")));
}

TEST(JobFilter, AnAbsentLabelEqualsNothingAndDiffersFromEverything) {
  EXPECT_FALSE(Matches(Label("none", O::kHas)));
  EXPECT_FALSE(Matches(Label("none", O::kEqual, "")));
  EXPECT_FALSE(Matches(Wild(Label("none", O::kEqual, ""), true, true)));
  EXPECT_TRUE(Matches(Label("none", O::kNotEqual, "")));
  EXPECT_TRUE(Matches(Label("none", O::kNotEqual, "x")));
  EXPECT_FALSE(Matches(Label("none", O::kGreater, "")));
}

TEST(JobFilter, AndOrNot) {
  using K = JobFilter::Kind;
  EXPECT_TRUE(Matches(All(K::kAnd, {kYes, kYes})));
  EXPECT_FALSE(Matches(All(K::kAnd, {kYes, kNo})));
  EXPECT_TRUE(Matches(All(K::kOr, {kNo, kYes})));
  EXPECT_FALSE(Matches(All(K::kOr, {kNo, kNo})));
  EXPECT_FALSE(Matches(All(K::kNot, {kYes})));
  EXPECT_TRUE(Matches(All(K::kNot, {kNo})));
  EXPECT_TRUE(Matches(All(K::kAnd, {kYes, All(K::kNot, {All(K::kOr, {kNo, kNo})})})));
  EXPECT_TRUE(Matches(All(K::kAnd, {kYes}))) << "one operand";
  EXPECT_FALSE(Matches(All(K::kOr, {kNo})));
}

TEST(JobFilter, AValueOfTheWrongKindMatchesNothing) {
  EXPECT_FALSE(Matches(Is(F::kState, O::kEqual, "ERROR")));
  EXPECT_FALSE(Matches(Is(F::kOwner, O::kNotEqual, 1)));
  EXPECT_FALSE(Matches(Is(F::kCreateTime, O::kGreater, 0)));
  EXPECT_FALSE(Matches(Is(F::kOwner, O::kHas, "alice"))) << "has is for labels";
}

}  // namespace
}  // namespace bits::domain

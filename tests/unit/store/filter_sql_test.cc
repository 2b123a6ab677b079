#include "server/store/sqlite/filter_sql.h"

#include <gtest/gtest.h>

#include "tests/contract/samples.h"

// That conditions mean what domain::Matches says is in tests/contract.
namespace bits::store {
namespace {

using domain::FilterField;
using domain::FilterOp;
using domain::JobFilter;

JobFilter Compare(FilterField field, FilterOp op,
                  std::variant<int64_t, std::string, absl::Time> value) {
  JobFilter filter;
  filter.kind = JobFilter::Kind::kComparison;
  filter.comparison.field = field;
  filter.comparison.op = op;
  filter.comparison.value = std::move(value);
  return filter;
}

JobFilter StateIs(int64_t state) { return Compare(FilterField::kState, FilterOp::kEqual, state); }

JobFilter Join(JobFilter::Kind kind, std::vector<JobFilter> operands) {
  JobFilter filter;
  filter.kind = kind;
  filter.operands = std::move(operands);
  return filter;
}

TEST(FilterSql, HasNoLiteralInItsText) {
  const std::string evil = "'; DROP TABLE jobs; --\"?1";
  for (const FilterField field :
       {FilterField::kOwner, FilterField::kDisplayName, FilterField::kLabel}) {
    JobFilter filter = Compare(field, FilterOp::kEqual, evil);
    filter.comparison.label_key = evil;
    const FilterSql sql = CompileFilter(filter, 4);
    EXPECT_EQ(sql.condition.find("DROP"), std::string::npos);
    EXPECT_NE(sql.condition.find("?4"), std::string::npos);
    EXPECT_EQ(sql.parameters.size(), field == FilterField::kLabel ? 2u : 1u);
  }
}

TEST(FilterSql, HasAParameterForEachPlaceAndNoMore) {
  testing::Samples samples(6);
  for (int i = 0; i < 500; ++i) {
    const FilterSql sql = CompileFilter(samples.Filter(5), 4);
    const int count = static_cast<int>(sql.parameters.size());
    for (int p = 0; p <= count; ++p) {
      const std::string name = "?" + std::to_string(4 + p);
      bool found = false;
      for (size_t at = sql.condition.find(name); at != std::string::npos;
           at = sql.condition.find(name, at + 1)) {
        const size_t end = at + name.size();
        found |=
            end == sql.condition.size() || sql.condition[end] < '0' || sql.condition[end] > '9';
      }
      EXPECT_EQ(found, p < count) << name << " in " << sql.condition;
    }
  }
}

TEST(PossibleStates, LeaveOutNoJobThatMatches) {
  testing::Samples samples(7);
  int narrowed = 0;
  for (int i = 0; i < 3000; ++i) {
    const JobFilter filter = samples.Filter(4);
    const uint32_t states = PossibleStates(filter);
    if (states != (1u << domain::kJobStateCount) - 1) ++narrowed;
    for (int n = 0; n < 10; ++n) {
      const domain::Job job = samples.Job();
      if (domain::Matches(filter, job)) {
        EXPECT_NE(states & (1u << static_cast<int>(job.state)), 0u);
      }
    }
  }
  EXPECT_GT(narrowed, 100);
}

TEST(PossibleStates, AreNarrowWhereTheFilterIs) {
  EXPECT_EQ(PossibleStates(JobFilter()), 0x1ffu);
  EXPECT_EQ(PossibleStates(StateIs(4)), 1u << 4);
  EXPECT_EQ(PossibleStates(StateIs(77)), 0u);
  EXPECT_EQ(PossibleStates(Join(JobFilter::Kind::kNot, {StateIs(4)})), 0x1ffu & ~(1u << 4));
  EXPECT_EQ(PossibleStates(Join(JobFilter::Kind::kOr, {StateIs(4), StateIs(5)})), 3u << 4);
  EXPECT_EQ(PossibleStates(Join(JobFilter::Kind::kAnd, {StateIs(4), StateIs(5)})), 0u);
  const JobFilter other = Compare(FilterField::kOwner, FilterOp::kEqual, std::string("x"));
  EXPECT_EQ(PossibleStates(Join(JobFilter::Kind::kAnd, {StateIs(4), other})), 1u << 4);
  // Not (state = 4 and owner = x) holds in state 4 too.
  EXPECT_EQ(PossibleStates(
                Join(JobFilter::Kind::kNot, {Join(JobFilter::Kind::kAnd, {StateIs(4), other})})),
            0x1ffu);
}

TEST(OnlyOwner, IsSeenWhereItIsPlain) {
  const JobFilter owner = Compare(FilterField::kOwner, FilterOp::kEqual, std::string("x"));
  EXPECT_EQ(OnlyOwner(owner), "x");
  EXPECT_EQ(OnlyOwner(Join(JobFilter::Kind::kAnd, {StateIs(4), owner})), "x");
  EXPECT_EQ(OnlyOwner(Join(JobFilter::Kind::kOr, {StateIs(4), owner})), std::nullopt);
  EXPECT_EQ(OnlyOwner(Join(JobFilter::Kind::kNot, {owner})), std::nullopt);
  EXPECT_EQ(OnlyOwner(JobFilter()), std::nullopt);
  JobFilter begins = owner;
  begins.comparison.any_suffix = true;
  EXPECT_EQ(OnlyOwner(begins), std::nullopt);
}

}  // namespace
}  // namespace bits::store

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "client/cli/units.h"
#include "tests/unit/client/cli_fixture.h"

namespace bits::testing {
namespace {

using cli::ExitCode;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(ParseRateTest, WhatIsOneAndWhatIsNot) {
  const std::pair<const char*, std::uint64_t> rates[] = {
      {"0", 0},           {"1500", 1'500},        {"200k", 200'000},
      {"1.5M", 1'500'000}, {"2Mi/s", 2 << 20},     {"1G", 1'000'000'000},
      {"1ki", 1'024},     {"1024Gi", 1ULL << 40}};
  for (const auto& [text, expected] : rates) {
    const auto rate = cli::ParseRate(text);
    ASSERT_TRUE(rate.ok()) << text;
    EXPECT_EQ(*rate, expected) << text;
  }
  for (const char* text : {"", "k", "-1", "1e9", "1i", "1.2.3", "fast", "2000Gi", "1K"}) {
    EXPECT_FALSE(cli::ParseRate(text).ok()) << text;
  }
}

class PolicyCommandTest : public CliTest {
 protected:
  PolicyCommandTest() {
    policy_.set_name("policy");
    policy_.set_etag("\"3\"");
    policy_.set_max_jobs(10);
    policy_.mutable_tombstone_retention()->set_seconds(7 * 86'400);
    policy_.mutable_rate_limits()->set_background(5'000);
    policy_.mutable_rate_limits()->set_server(9'000);
    policy_.mutable_written_fields()->add_paths("max_jobs");
    policy_.mutable_file_fields()->add_paths("tombstone_retention");
    handlers_.get_policy = [this](const v1::GetPolicyRequest&, v1::Policy& policy) {
      policy = policy_;
      return grpc::Status::OK;
    };
    handlers_.update_policy = [this](const v1::UpdatePolicyRequest& request, v1::Policy& policy) {
      requests_.push_back(request);
      if (requests_.size() <= aborts_) {
        return Refusal(grpc::StatusCode::ABORTED, "ETAG_MISMATCH", "read it again");
      }
      policy = request.policy();
      return grpc::Status::OK;
    };
    Serve();
  }

  v1::Policy policy_;
  std::vector<v1::UpdatePolicyRequest> requests_;
  std::size_t aborts_ = 0;
};

TEST_F(PolicyCommandTest, GetShowsValuesAndWhoDecidedThem) {
  const Ran all = Run({"policy", "get"});
  EXPECT_EQ(all.code, ExitCode::kOk) << all.err;
  EXPECT_THAT(all.out, AllOf(HasSubstr("max_jobs = 10  (set)\n"),
                             HasSubstr("tombstone_retention = 7d  (file)\n"),
                             HasSubstr("rate_limits = { server: 9000 background: 5000 }  (default)\n"),
                             Not(HasSubstr("etag"))));
  EXPECT_EQ(Run({"policy", "get", "max_jobs"}).out, "max_jobs = 10  (set)\n");
  EXPECT_EQ(Run({"policy", "get", "no_such"}).code, ExitCode::kUsage);
  EXPECT_THAT(Run({"policy", "get", "--json"}).out, HasSubstr("\"maxJobs\":10"));
}

TEST_F(PolicyCommandTest, SetWritesFieldsAndPartsAndKeepsTheOtherParts) {
  const Ran ran = Run({"policy", "set", "max_jobs=20", "tombstone_retention=1d",
                       "rate_limits.background=2M", "events_kept="});
  EXPECT_EQ(ran.code, ExitCode::kOk) << ran.err;
  ASSERT_EQ(requests_.size(), 1u);
  const v1::Policy& policy = requests_[0].policy();
  EXPECT_THAT(requests_[0].update_mask().paths(),
              ElementsAre("events_kept", "max_jobs", "rate_limits", "tombstone_retention"));
  EXPECT_EQ(policy.etag(), "\"3\"");
  EXPECT_EQ(policy.max_jobs(), 20u);
  EXPECT_EQ(policy.tombstone_retention().seconds(), 86'400);
  EXPECT_EQ(policy.rate_limits().background(), 2'000'000u);
  EXPECT_EQ(policy.rate_limits().server(), 9'000u);
  EXPECT_FALSE(policy.has_events_kept());
}

TEST_F(PolicyCommandTest, SetTakesATextProtoWhichReplaces) {
  const Ran ran = Run({"policy", "set", "rate_limits.low=0", "--text",
                       "rate_limits { high: 4096 } work_hours { first_day: DAY_MONDAY last_day:"
                       " DAY_FRIDAY start: \"08:00\" end: \"17:00\" }"});
  EXPECT_EQ(ran.code, ExitCode::kOk) << ran.err;
  ASSERT_EQ(requests_.size(), 1u);
  EXPECT_EQ(requests_[0].policy().rate_limits().ShortDebugString(), "high: 4096 low: 0");
  EXPECT_EQ(requests_[0].policy().work_hours_size(), 1);
  EXPECT_THAT(requests_[0].update_mask().paths(), ElementsAre("rate_limits", "work_hours"));
}

TEST_F(PolicyCommandTest, SetReadsAgainWhenSomebodyCameBetween) {
  aborts_ = 2;
  EXPECT_EQ(Run({"policy", "set", "max_jobs=20"}).code, ExitCode::kOk);
  EXPECT_EQ(requests_.size(), 3u);
}

TEST_F(PolicyCommandTest, WrongWordsAreUsageAndAskNothing) {
  const std::vector<std::vector<std::string>> wrong = {
      {"policy"},
      {"policy", "drop"},
      {"policy", "set"},
      {"policy", "set", "max_jobs"},
      {"policy", "set", "max_jobs=many"},
      {"policy", "set", "etag=1"},
      {"policy", "set", "rate_limits=5"},
      {"policy", "set", "rate_limits.no=5"},
      {"policy", "set", "tombstone_retention=soon"},
      {"policy", "set", "--text", "no_such: 1"}};
  for (const auto& words : wrong) EXPECT_EQ(Run(words).code, ExitCode::kUsage) << words.back();
  EXPECT_TRUE(requests_.empty());
}

}  // namespace
}  // namespace bits::testing

#include "server/store/health.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace bits::store {
namespace {

using ::testing::ElementsAre;

class HealthTest : public ::testing::Test {
 protected:
  HealthTest() {
    health_.SetListener([this](absl::Status status) {
      EXPECT_EQ(health_.Get(), status) << "the listener may ask";
      heard_.push_back(std::move(status));
    });
  }

  const absl::Status full_ = absl::UnavailableError("full");
  const absl::Status broken_ = absl::UnavailableError("broken");
  Health health_;
  std::vector<absl::Status> heard_;
};

TEST_F(HealthTest, IsOkAtFirst) {
  EXPECT_EQ(health_.Get(), absl::OkStatus());
  health_.Recover();
  EXPECT_TRUE(heard_.empty());
}

TEST_F(HealthTest, FailsAndRecovers) {
  health_.Fail(full_);
  health_.Fail(full_);  // no change: nobody hears of it
  EXPECT_EQ(health_.Get(), full_);
  health_.Recover();
  EXPECT_THAT(heard_, ElementsAre(full_, absl::OkStatus()));
}

TEST_F(HealthTest, StaysBroken) {
  health_.Fail(full_);
  health_.Break(broken_);
  health_.Recover();
  health_.Fail(full_);
  EXPECT_EQ(health_.Get(), broken_);
  EXPECT_THAT(heard_, ElementsAre(full_, broken_));
}

}  // namespace
}  // namespace bits::store

#include "server/platform/system_clock.h"

#include <gtest/gtest.h>

#include "absl/time/clock.h"

namespace bits::platform {
namespace {

TEST(SystemClockTest, IsTheWallTimeAndNeverGoesBack) {
  const SystemClock clock;
  absl::Time before = clock.Now();
  EXPECT_LT(absl::AbsDuration(before - absl::Now()), absl::Seconds(1));
  for (int i = 0; i < 1000; ++i) {
    const absl::Time now = clock.Now();
    EXPECT_GE(now, before);
    before = now;
  }
}

}  // namespace
}  // namespace bits::platform

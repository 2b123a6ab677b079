// SIGTERM in the midst of a transfer: a clean end, and next to nothing fetched again.
#include <gtest/gtest.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "tests/fault/torture/torture.h"
#include "tests/support/status_matchers.h"

namespace bits::testing {
namespace {

TEST(Drain, EndsCleanlyAndLosesNothing) {
  const uint64_t size = 16 * kMiB;
  const int drains = FullTorture() ? 10 : 3;
  Resource resource;
  resource.body = std::make_shared<std::string>(MakeContent(size, 1));
  Torture torture(resource, 20'000'000, {.config = "drain_timeout { seconds: 10 }"});
  for (int left = drains; left > 0; --left) {
    ASSERT_TRUE(
        torture.origin().WaitForBytes(torture.path(), torture.Moment(size, left), kPatience));
    BITS_ASSERT_OK(torture.bitsd().process().Stop(absl::Seconds(10)));
    torture.Restart();
  }
  EXPECT_TRUE(torture.Finish() == *resource.body);
  const std::vector<uint64_t> again = torture.FetchedAgain();
  std::printf("fetched again: %s\n", InMiB(again).c_str());
  for (uint64_t bytes : again) EXPECT_LT(bytes, kMiB);
  EXPECT_EQ(torture.bitsd().GetFile(torture.job())->restarts(), 0u);
  EXPECT_EQ(torture.bitsd().ListErrors(torture.job())->total_count(), 0u);
}

}  // namespace
}  // namespace bits::testing

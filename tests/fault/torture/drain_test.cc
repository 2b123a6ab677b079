// SIGTERM in the midst of a transfer: a clean end, and next to nothing fetched again.
#include <gtest/gtest.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
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

// What waits for a disk that does not answer is left behind, and keeps nobody from ending.
TEST(Drain, EndsThoughADiskDoesNotAnswer) {
  const uint64_t size = 16 * kMiB;
  World world({.config = "drain_timeout { seconds: 1 }",
               .environment = {{"LD_PRELOAD", BITS_STUCK_SYNC}, {"STUCK_SYNC", "/root/"}}});
  const std::string job =
      world.bitsd.Fetch(world.Serve(MakeContent(size, 1), {.stall_after = size / 2}));
  BITS_ASSERT_OK(world.bitsd.watch().Await(job, v1::Job::STATE_TRANSFERRING));
  const absl::Time begin = absl::Now();
  BITS_EXPECT_OK(world.bitsd.process().Stop(absl::Seconds(60)));
  std::printf("ended after %.1f s\n", absl::ToDoubleSeconds(absl::Now() - begin));
  EXPECT_NE(world.bitsd.process().Log().find("disk does not answer"), std::string::npos);
}

}  // namespace
}  // namespace bits::testing

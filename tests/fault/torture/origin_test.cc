// Kills, and an origin that does its worst besides.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <utility>

#include "absl/time/clock.h"
#include "tests/fault/torture/torture.h"
#include "tests/support/status_matchers.h"

namespace bits::testing {
namespace {

using v1::Job;

constexpr uint64_t kRate = 20'000'000;

int Kills() { return FullTorture() ? 20 : 4; }

Resource WithBehavior(uint64_t size, Behavior behavior) {
  Resource resource;
  resource.body = std::make_shared<std::string>(MakeContent(size, 1));
  resource.behavior = std::move(behavior);
  return resource;
}

TEST(Origin, ThatIgnoresRangeGivesTheWholeFileInTheEnd) {
  const uint64_t size = 8 * kMiB;
  const Resource resource = WithBehavior(size, {.ignore_range = true});
  Torture torture(resource, kRate);
  torture.KillAtRandom(size, Kills());
  EXPECT_TRUE(torture.Finish() == *resource.body);
}

TEST(Origin, ThatAnswersTheWholeFileToIfRangeGivesItInTheEnd) {
  const uint64_t size = 8 * kMiB;
  const Resource resource = WithBehavior(size, {.refuse_if_range = true});
  Torture torture(resource, kRate);
  torture.KillAtRandom(size, Kills());
  EXPECT_TRUE(torture.Finish() == *resource.body);
}

TEST(Origin, ThatPromisesMoreThanItGivesIsNeverBelieved) {
  const uint64_t size = 2 * kMiB;
  const Resource resource = WithBehavior(size, {.length_lie = 100'000});
  Torture torture(resource, kRate);
  torture.KillAtRandom(size, 2);
  for (int i = 0; i < 3; ++i) {
    BITS_ASSERT_OK(torture.bitsd().Await(torture.job(), Job::STATE_TRANSIENT_ERROR));
    BITS_ASSERT_ACCEPTED(torture.bitsd().Resume(torture.job()));
  }
  for (const auto state : torture.bitsd().watch().StatesOf(torture.job())) {
    EXPECT_NE(state, Job::STATE_TRANSFERRED);
  }
  torture.origin().Change(torture.path(), [](Resource& r) { r.behavior.length_lie = 0; });
  EXPECT_TRUE(torture.Finish(true) == *resource.body);
}

TEST(Origin, ThatPromisesLessThanItGivesIsFoundOutByTheChecksum) {
  const Resource resource = [] {
    Resource r;
    r.body = std::make_shared<std::string>("123456789");
    r.behavior.length_lie = -2;
    return r;
  }();
  JobSpec spec;
  spec.files.push_back({});
  spec.files[0].checksum.emplace();
  spec.files[0].checksum->set_algorithm(v1::Checksum::ALGORITHM_CRC32C);
  spec.files[0].checksum->set_hex("e3069283");
  Torture torture(resource, 0, {}, spec);
  BITS_ASSERT_OK(torture.bitsd().Await(torture.job(), Job::STATE_ERROR));
  EXPECT_EQ(torture.bitsd().GetError(torture.job())->code(), "BG_E_VALIDATION_FAILED");
  torture.origin().Change(torture.path(), [](Resource& r) { r.behavior.length_lie = 0; });
  torture.Restart();
  BITS_ASSERT_ACCEPTED(torture.bitsd().Resume(torture.job()));
  BITS_ASSERT_OK(torture.bitsd().Await(torture.job(), Job::STATE_TRANSFERRED));
}

TEST(Origin, ThatCutsEveryConnectionCostsNothingTwice) {
  const uint64_t size = (FullTorture() ? 200 : 12) * kMiB;
  const Resource resource = WithBehavior(size, {.cut_after = kMiB});
  Torture torture(resource, 0);
  EXPECT_TRUE(torture.Finish(true) == *resource.body);
  EXPECT_EQ(torture.BytesSent(), size);
  EXPECT_EQ(torture.Fetches().size(), size / kMiB);
}

TEST(Origin, ThatCutsEveryConnectionWithKillsBetween) {
  // Two connections for each kill at the most, and something is left at the end.
  const uint64_t size = (2 * static_cast<uint64_t>(Kills()) + 2) * kMiB;
  const Resource resource = WithBehavior(size, {.cut_after = kMiB});
  Torture torture(resource, 0);
  for (int i = 0; i < Kills(); ++i) {
    // Somewhere within the next megabyte, be it before or after the job is resumed.
    const uint64_t stretch = std::uniform_int_distribution<uint64_t>(1, kMiB)(torture.random());
    BITS_ASSERT_OK(torture.bitsd().Await(torture.job(), Job::STATE_TRANSIENT_ERROR));
    const uint64_t before = torture.BytesSent();
    BITS_ASSERT_ACCEPTED(torture.bitsd().Resume(torture.job()));
    torture.KillAt(before + stretch);
    torture.Restart();
  }
  EXPECT_TRUE(torture.Finish(true) == *resource.body);
  for (uint64_t bytes : torture.FetchedAgain()) EXPECT_LE(bytes, kMiB);
}

TEST(Origin, ThatCutsTheConnectionIsTriedAgainByItself) {
  const uint64_t size = 2 * kMiB;
  const Resource resource = WithBehavior(size, {.cut_after = kMiB});
  Torture torture(resource, 0, {}, {.retry_delay = absl::Seconds(5)});
  EXPECT_TRUE(torture.Finish() == *resource.body);
  EXPECT_EQ(torture.BytesSent(), size);
}

TEST(Origin, ThatStallsIsGivenUpAndGoneOnFromWhereItStood) {
  const uint64_t size = 4 * kMiB;
  const Resource resource = WithBehavior(size, {.stall_after = kMiB});
  Torture torture(resource, 0, {.config = "transfer { stall_timeout { seconds: 1 } }"});
  torture.KillAt(kMiB);  // in the midst of a stall
  torture.Restart();
  EXPECT_TRUE(torture.Finish(true) == *resource.body);
  // But for the kill nothing is fetched twice.
  EXPECT_LE(torture.BytesSent(), size + kMiB);
}

TEST(Origin, ThatIsBusyIsAskedAgainWhenItSaid) {
  const uint64_t size = 2 * kMiB;
  const Resource resource = WithBehavior(
      size, {.status = 503, .headers = {{"Retry-After", "6"}}});
  Torture torture(resource, 0, {}, {.retry_delay = absl::Seconds(5)});
  BITS_ASSERT_OK(torture.bitsd().Await(torture.job(), Job::STATE_TRANSIENT_ERROR));
  const absl::Time answered = TimeOf(torture.bitsd().GetError(torture.job())->occur_time());
  torture.origin().Change(torture.path(), [](Resource& r) { r.behavior = {}; });
  torture.bitsd().Kill();  // the wait outlives the server
  torture.Restart();
  ASSERT_TRUE(torture.origin().WaitForRequests(torture.path(), 2, kPatience));
  EXPECT_GE(absl::Now() - answered, absl::Seconds(6));
  EXPECT_TRUE(torture.Finish() == *resource.body);
}

}  // namespace
}  // namespace bits::testing

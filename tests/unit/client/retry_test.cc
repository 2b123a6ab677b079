#include "client/src/retry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "google/rpc/error_details.pb.h"

namespace bits::client_internal {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::Le;
using ::testing::SizeIs;

// Time that passes only by sleeping and by what the test says a try takes.
struct FakeClock {
  TimePoint now{};
  std::vector<Milliseconds> sleeps;
  double uniform = 0.0;

  RetryClock Get() {
    return {[this] { return now; },
            [this](Milliseconds wait) {
              sleeps.push_back(wait);
              now += wait;
              return false;
            },
            [this] { return uniform; }};
  }
};

absl::Status Unavailable() { return absl::UnavailableError("away"); }

absl::Status UnavailableFor(int seconds) {
  google::rpc::RetryInfo info;
  info.mutable_retry_delay()->set_seconds(seconds);
  absl::Status status = Unavailable();
  status.SetPayload("type.googleapis.com/google.rpc.RetryInfo",
                    absl::Cord(info.SerializeAsString()));
  return status;
}

constexpr Milliseconds kLong{3'600'000};

RetryOptions Options() {
  RetryOptions options;
  options.initial_backoff = Milliseconds(100);
  options.max_backoff = Milliseconds(1'000);
  options.max_elapsed = Milliseconds(10'000);
  return options;
}

TEST(RetryTest, AnAnswerIsNotTriedAgain) {
  for (int code = 0; code <= 16; ++code) {
    if (code == static_cast<int>(absl::StatusCode::kUnavailable)) continue;
    FakeClock clock;
    int tries = 0;
    const absl::Status answer(static_cast<absl::StatusCode>(code), code == 0 ? "" : "so be it");
    const absl::Status status = RetryUnavailable(Options(), clock.Get(), kLong, [&](Milliseconds) {
      ++tries;
      return answer;
    });
    EXPECT_EQ(status, answer);
    EXPECT_EQ(tries, 1) << status;
    EXPECT_THAT(clock.sleeps, SizeIs(0));
  }
}

TEST(RetryTest, UnavailableIsTriedUntilThereIsAnAnswer) {
  FakeClock clock;
  int tries = 0;
  const absl::Status status = RetryUnavailable(Options(), clock.Get(), kLong, [&](Milliseconds) {
    return ++tries < 4 ? Unavailable() : absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(tries, 4);
}

TEST(RetryTest, WaitsGrowToTheirBound) {
  FakeClock clock;
  int tries = 0;
  RetryUnavailable(Options(), clock.Get(), kLong, [&](Milliseconds) {
    return ++tries < 8 ? Unavailable() : absl::OkStatus();
  }).IgnoreError();
  // With the least luck: half of 100, 200, 400, 800, 1000, 1000, 1000.
  EXPECT_THAT(clock.sleeps,
              ElementsAre(Milliseconds(50), Milliseconds(100), Milliseconds(200), Milliseconds(400),
                          Milliseconds(500), Milliseconds(500), Milliseconds(500)));
}

TEST(RetryTest, JitterStaysInTheUpperHalf) {
  const RetryClock real = RealRetryClock(nullptr);
  RetryOptions options = Options();
  options.multiplier = 1;
  Backoff backoff(options, real.uniform);
  std::vector<Milliseconds> waits;
  for (int i = 0; i < 1'000; ++i) waits.push_back(backoff.Next(Unavailable()));
  EXPECT_THAT(waits, Each(AllOf(Ge(Milliseconds(50)), Le(Milliseconds(100)))));
  EXPECT_NE(*std::min_element(waits.begin(), waits.end()),
            *std::max_element(waits.begin(), waits.end()));
}

TEST(RetryTest, GivesUpAfterMaxElapsedWithTheLastStatus) {
  FakeClock clock;
  int tries = 0;
  const absl::Status status = RetryUnavailable(Options(), clock.Get(), kLong, [&](Milliseconds) {
    return absl::UnavailableError(std::to_string(++tries));
  });
  EXPECT_EQ(status, absl::UnavailableError(std::to_string(tries)));
  EXPECT_GT(tries, 5);
  EXPECT_LT(clock.now - TimePoint{}, Milliseconds(10'000));
}

TEST(RetryTest, MaxElapsedZeroMeansOneTry) {
  FakeClock clock;
  RetryOptions options = Options();
  options.max_elapsed = Milliseconds(0);
  int tries = 0;
  EXPECT_EQ(RetryUnavailable(options, clock.Get(), kLong,
                             [&](Milliseconds) {
                               ++tries;
                               return Unavailable();
                             }),
            Unavailable());
  EXPECT_EQ(tries, 1);
}

TEST(RetryTest, NoTryBeginsAfterTheDeadlineAndEachKnowsWhatIsLeft) {
  FakeClock clock;
  std::vector<Milliseconds> left;
  const absl::Status status =
      RetryUnavailable(Options(), clock.Get(), Milliseconds(1'000), [&](Milliseconds remaining) {
        left.push_back(remaining);
        clock.now += Milliseconds(300);  // what the try took
        return Unavailable();
      });
  EXPECT_EQ(status, Unavailable());
  // 300 + 50, 300 + 100, then 250 are left, the try takes 300.
  EXPECT_THAT(left, ElementsAre(Milliseconds(1'000), Milliseconds(650), Milliseconds(250)));
}

TEST(RetryTest, RetryInfoIsTheLeastWait) {
  FakeClock clock;
  int tries = 0;
  RetryUnavailable(Options(), clock.Get(), kLong, [&](Milliseconds) {
    return ++tries < 2 ? UnavailableFor(3) : absl::OkStatus();
  }).IgnoreError();
  EXPECT_THAT(clock.sleeps, ElementsAre(Milliseconds(3'000)));
}

TEST(RetryTest, ARetryInfoBeyondTheBoundIsNotWaitedFor) {
  FakeClock clock;
  const absl::Status status = RetryUnavailable(Options(), clock.Get(), kLong,
                                               [&](Milliseconds) { return UnavailableFor(60); });
  EXPECT_EQ(status, UnavailableFor(60));
  EXPECT_THAT(clock.sleeps, SizeIs(0));
}

TEST(RetryTest, ResetMakesTheNextWaitAFirstOne) {
  Backoff backoff(Options(), [] { return 0.0; });
  EXPECT_EQ(backoff.Next(Unavailable()), Milliseconds(50));
  EXPECT_EQ(backoff.Next(Unavailable()), Milliseconds(100));
  backoff.Reset();
  EXPECT_EQ(backoff.Next(Unavailable()), Milliseconds(50));
}

}  // namespace
}  // namespace bits::client_internal

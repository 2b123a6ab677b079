// Limits on the rate, with real bytes. What is asserted is what holds on a machine of any load:
// that no more comes than the limit allows in the time that passed. What was measured is printed.
#include <algorithm>
#include <cstdio>

#include "absl/time/clock.h"
#include "tests/integration/transfer/engine_fixture.h"

namespace bits::transfer {
namespace {

using domain::Priority;
using testing::MakeContent;

constexpr domain::Rate kMega = 1'000'000;
// A bucket's depth, and what was granted and not yet taken.
constexpr double kBurstSeconds = 0.3;
constexpr size_t kPiece = 16 * 1024;

class RateTest : public EngineTest {
 protected:
  using Observers = std::vector<std::shared_ptr<RecordingObserver>>;

  RateTest() {
    options_.checkpoint_most = absl::Milliseconds(200);
    origin_->Put("/f", MakeContent(size_t{64} << 20, 1));
  }

  void Limit(std::optional<domain::Rate> server) {
    domain::RateLimits limits;
    limits.server = server;
    engine().SetRateLimits(limits);
  }
  Observers BeginMany(int count, Priority priority = Priority::kNormal) {
    Observers observers;
    for (int i = 0; i < count; ++i) {
      app::TransferSpec spec = Spec(origin_->Url("/f"), std::to_string(++begun_));
      spec.job = "job" + std::to_string(begun_);
      spec.priority = priority;
      observers.push_back(Begin(spec));
      ids_.push_back(last_id());
    }
    for (const auto& observer : observers) EXPECT_TRUE(observer->WaitForProgress(1));
    return observers;
  }
  static uint64_t Sum(const Observers& observers) {
    uint64_t sum = 0;
    for (const auto& observer : observers) sum += observer->progress();
    return sum;
  }
  // Waits until so much more has come, and says how fast; expects that to be no faster than
  // `limit`.
  double Measure(const std::string& what, const Observers& observers, uint64_t bytes,
                 domain::Rate limit) {
    const uint64_t before = Sum(observers);
    const absl::Time begin = absl::Now();
    RecordingObserver& first = *observers.front();
    while (Sum(observers) < before + bytes) {
      if (!first.WaitForProgress(first.progress() + 1)) break;  // it has ended
    }
    EXPECT_GE(Sum(observers), before + bytes) << what;
    const uint64_t came = Sum(observers) - before;
    const double seconds = absl::ToDoubleSeconds(absl::Now() - begin);
    const double rate = static_cast<double>(came) / seconds;
    std::printf("%s: %.0f bytes/s in %.1f s, %.1f %% of the limit\n", what.c_str(), rate, seconds,
                100 * rate / static_cast<double>(limit));
    // Progress is told four times a second: what came before the first look may count too.
    const double allowed = static_cast<double>(limit) * (seconds + kBurstSeconds + 0.25) +
                           static_cast<double>(observers.size() * kPiece);
    EXPECT_LE(static_cast<double>(came), allowed) << what;
    return rate;
  }
  void StopAll() {
    for (const auto id : ids_) engine().Stop(id);
  }

  std::vector<app::TransferEngine::TransferId> ids_;

 private:
  int begun_ = 0;
};

TEST_F(RateTest, OneTransfer) {
  Limit(2 * kMega);
  const Observers one = BeginMany(1);
  Measure("one transfer at 2 MB/s", one, 4 * kMega, 2 * kMega);
  std::printf("the origin's socket took %.0f bytes more than were counted\n",
              static_cast<double>(origin_->BytesSent("/f") - Sum(one)));
  StopAll();
}

TEST_F(RateTest, AHundredShareIt) {
  Limit(4 * kMega);
  const Observers all = BeginMany(100);
  Measure("a hundred at 4 MB/s", all, 8 * kMega, 4 * kMega);
  uint64_t least = all.front()->progress();
  uint64_t most = least;
  for (const auto& observer : all) {
    least = std::min(least, observer->progress());
    most = std::max(most, observer->progress());
  }
  std::printf("between them: %.0f to %.0f bytes each\n", static_cast<double>(least),
              static_cast<double>(most));
  std::printf("the origin's sockets took %.0f bytes more than were counted\n",
              static_cast<double>(origin_->BytesSent("/f") - Sum(all)));
  StopAll();
}

TEST_F(RateTest, ChangeHoldsForWhatIsUnderWay) {
  Limit(kMega);
  const Observers one = BeginMany(1);
  Measure("at 1 MB/s", one, kMega / 2, kMega);
  Limit(8 * kMega);
  Measure("then at 8 MB/s", one, 4 * kMega, 8 * kMega);
  Limit(kMega / 2);
  // What was told of the time before the change.
  ASSERT_TRUE(one.front()->WaitForProgress(one.front()->progress() + 1));
  ASSERT_TRUE(one.front()->WaitForProgress(one.front()->progress() + 1));
  Measure("then at 0.5 MB/s", one, kMega / 2, kMega / 2);
  Limit(std::nullopt);
  EXPECT_EQ(one.front()->Wait(), End::kTransferred);
}

TEST_F(RateTest, BackgroundIsHeldAndForegroundIsNot) {
  domain::RateLimits limits;
  limits.background = kMega / 2;
  engine().SetRateLimits(limits);
  const Observers background = BeginMany(1);
  const Observers foreground = BeginMany(1, Priority::kForeground);
  EXPECT_EQ(foreground.front()->Wait(), End::kTransferred);
  Measure("background at 0.5 MB/s", background, kMega / 2, kMega / 2);
  StopAll();
}

TEST_F(RateTest, CopiesObeyToo) {
  testing::WriteFile(dir_ / "source", MakeContent(size_t{8} << 20, 1));
  Limit(2 * kMega);
  app::TransferSpec spec = Spec("file://" + (dir_ / "source"), "copy");
  const Observers one = {Begin(spec)};
  ASSERT_TRUE(one.front()->WaitForProgress(1));
  Measure("a copy at 2 MB/s", one, 2 * kMega, 2 * kMega);
  Limit(std::nullopt);
  EXPECT_EQ(one.front()->Wait(), End::kTransferred);
  EXPECT_EQ(TemporaryContent("copy"), MakeContent(size_t{8} << 20, 1));
}

TEST_F(RateTest, LimitOfAHostHoldsWhereARedirectLeads) {
  domain::RateLimits limits;
  limits.hosts["localhost"] = kMega;
  engine().SetRateLimits(limits);
  const std::string there = "http://localhost:" + std::to_string(origin_->port()) + "/f";
  origin_->Put("/r", "", {.status = 302, .headers = {{"Location", there}}});
  const Observers one = {Begin(Spec(origin_->Url("/r")))};
  ASSERT_TRUE(one.front()->WaitForProgress(1));
  Measure("redirected to a host at 1 MB/s", one, kMega, kMega);
  engine().SetRateLimits(domain::RateLimits());
  EXPECT_EQ(one.front()->Wait(), End::kTransferred);
}

// Waiting for the limit is no silence of the origin's.
TEST_F(RateTest, LowLimitIsNoStall) {
  options_.stall_timeout = absl::Seconds(1);
  Limit(domain::kLeastRate);
  const Observers one = BeginMany(1);
  absl::SleepFor(absl::Seconds(3));
  EXPECT_EQ(one.front()->Wait(absl::ZeroDuration()), End::kNone);
  Limit(std::nullopt);
  EXPECT_EQ(one.front()->Wait(), End::kTransferred);
}

TEST_F(RateTest, ContentIsWholeWhereItWasHeld) {
  const std::string content = MakeContent(3'000'000, 2);
  origin_->Put("/g", content);
  Limit(6 * kMega);
  std::vector<std::shared_ptr<RecordingObserver>> all;
  for (int i = 0; i < 5; ++i) all.push_back(Begin(Spec(origin_->Url("/g"), std::to_string(i))));
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(all[static_cast<size_t>(i)]->Wait(), End::kTransferred);
    EXPECT_EQ(TemporaryContent(std::to_string(i)), content);
  }
}

}  // namespace
}  // namespace bits::transfer

#include "server/transfer/rate_limiter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <map>
#include <string>

namespace bits::transfer {
namespace {

using domain::Priority;
using domain::Rate;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr size_t kPiece = 16 * 1024;
constexpr Rate kMega = 1'000'000;

// Transfers whose origins are as fast as they are said to be, on a clock of the test's.
class Simulation {
 public:
  void Limit(const domain::RateLimits& limits) { limiter_.SetLimits(limits, now_); }
  RateLimiter& limiter() { return limiter_; }
  RateLimiter::Time now() const { return now_; }

  // `origin`: bytes per second that it can give; 0: as many as are taken.
  void Start(uint64_t id, RateLimiter::Flow flow, Rate origin = 0) {
    limiter_.Add(id, flow, now_);
    sources_[id] = {origin, static_cast<double>(kPiece), 0, true};
  }
  void End(uint64_t id) {
    limiter_.Remove(id);
    sources_.erase(id);
  }

  // Runs; the bytes that each got in this time.
  std::map<uint64_t, double> Run(std::chrono::nanoseconds length) {
    for (auto& [id, s] : sources_) s.got = 0;
    const RateLimiter::Time end = now_ + length;
    while (now_ < end) {
      now_ += milliseconds(1);
      for (auto& [id, s] : sources_) {
        if (s.origin != 0) s.there += static_cast<double>(s.origin) / 1000;
      }
      const auto next = limiter_.next_grant();
      if (next.has_value() && *next <= now_) {
        for (const uint64_t id : limiter_.Grant(now_)) sources_[id].may_try = true;
      }
      for (auto& [id, s] : sources_) Deliver(id, s);
    }
    std::map<uint64_t, double> got;
    for (const auto& [id, s] : sources_) got[id] = s.got;
    return got;
  }

 private:
  struct Source {
    Rate origin = 0;
    double there = 0;
    double got = 0;
    bool may_try = true;
  };
  void Deliver(uint64_t id, Source& s) {
    constexpr int kMost = 256;  // a millisecond of an origin without a limit
    for (int i = 0; i < kMost && s.may_try; ++i) {
      if (s.origin != 0 && s.there < kPiece) return;
      if (!limiter_.Take(id, kPiece, now_)) {
        s.may_try = false;
        return;
      }
      if (s.origin != 0) s.there -= kPiece;
      s.got += kPiece;
    }
  }

  RateLimiter limiter_;
  RateLimiter::Time now_{seconds(1000)};
  std::map<uint64_t, Source> sources_;
};

RateLimiter::Flow Of(const std::string& job, Priority priority = Priority::kNormal, Rate rate = 0,
                     const std::string& host = "") {
  return {job, priority, rate, host};
}

domain::RateLimits Server(Rate rate) {
  domain::RateLimits limits;
  limits.server = rate;
  return limits;
}

double Sum(const std::map<uint64_t, double>& got) {
  double sum = 0;
  for (const auto& [id, bytes] : got) sum += bytes;
  return sum;
}

MATCHER_P2(IsWithin, share, of, "") {
  *result_listener << "is " << arg / static_cast<double>(of) << " of it";
  return std::abs(arg - static_cast<double>(of)) <= share * static_cast<double>(of);
}

TEST(RateLimiterTest, WithoutLimitsNobodyWaits) {
  Simulation s;
  s.Start(1, Of("a"));
  EXPECT_GT(s.Run(seconds(1))[1], 1e9);
  EXPECT_EQ(s.limiter().ShareOf(1), std::nullopt);
  EXPECT_EQ(s.limiter().next_grant(), std::nullopt);
}

TEST(RateLimiterTest, OneTransferKeepsToTheLimit) {
  for (const Rate rate : {100'000u, 1'000'000u, 100'000'000u}) {
    Simulation s;
    s.Limit(Server(rate));
    s.Start(1, Of("a"));
    EXPECT_THAT(s.Run(seconds(10))[1], IsWithin(0.02, rate * 10));
  }
}

TEST(RateLimiterTest, LimitBelowAPieceASecondIsKeptToOverTime) {
  Simulation s;
  s.Limit(Server(domain::kLeastRate));
  s.Start(1, Of("a"));
  s.Start(2, Of("b"));
  EXPECT_THAT(Sum(s.Run(seconds(320))), IsWithin(0.1, domain::kLeastRate * 320));
}

TEST(RateLimiterTest, AHundredJobsShareAlike) {
  Simulation s;
  s.Limit(Server(10 * kMega));
  for (uint64_t id = 1; id <= 100; ++id) s.Start(id, Of("job" + std::to_string(id)));
  const auto got = s.Run(seconds(10));
  EXPECT_THAT(Sum(got), IsWithin(0.03, 100 * kMega));
  for (const auto& [id, bytes] : got) EXPECT_THAT(bytes, IsWithin(0.05, kMega)) << id;
}

TEST(RateLimiterTest, JobsShareAlikeHoweverManyFilesTheyHave) {
  Simulation s;
  s.Limit(Server(4 * kMega));
  s.Start(1, Of("one"));
  for (uint64_t id = 2; id <= 10; ++id) s.Start(id, Of("many"));
  const auto got = s.Run(seconds(10));
  EXPECT_THAT(got.at(1), IsWithin(0.05, 20 * kMega));
  EXPECT_THAT(got.at(5), IsWithin(0.1, 20 * kMega / 9));
}

TEST(RateLimiterTest, WhatASlowOriginLeavesTheOthersHave) {
  Simulation s;
  s.Limit(Server(3 * kMega));
  s.Start(1, Of("slow"), 200'000);
  s.Start(2, Of("b"));
  s.Start(3, Of("c"));
  const auto got = s.Run(seconds(10));
  EXPECT_THAT(got.at(1), IsWithin(0.05, 2 * kMega));
  EXPECT_THAT(got.at(2), IsWithin(0.05, 14 * kMega));
  EXPECT_THAT(got.at(3), IsWithin(0.05, 14 * kMega));
}

// Max-min over limits that cut across each other: each gets all it may where it is held, and
// the rest is shared alike.
TEST(RateLimiterTest, LimitsOfJobHostPriorityAndServerHoldAtOnce) {
  Simulation s;
  domain::RateLimits limits = Server(10 * kMega);
  limits.hosts["slow.example"] = kMega;
  limits.priority[static_cast<size_t>(Priority::kLow)] = 2 * kMega;
  s.Limit(limits);
  s.Start(1, Of("own", Priority::kNormal, kMega / 2));
  s.Start(2, Of("h1", Priority::kNormal, 0, "slow.example"));
  s.Start(3, Of("h2", Priority::kHigh, 0, "slow.example"));
  s.Start(4, Of("l1", Priority::kLow));
  s.Start(5, Of("l2", Priority::kLow, 0, "fast.example"));
  s.Start(6, Of("n1"));
  s.Start(7, Of("n2", Priority::kForeground, 0, "fast.example"));
  const auto got = s.Run(seconds(10));
  EXPECT_THAT(got.at(1), IsWithin(0.05, 5 * kMega));
  EXPECT_THAT(got.at(2), IsWithin(0.05, 5 * kMega));
  EXPECT_THAT(got.at(3), IsWithin(0.05, 5 * kMega));
  EXPECT_THAT(got.at(4), IsWithin(0.05, 10 * kMega));
  EXPECT_THAT(got.at(5), IsWithin(0.05, 10 * kMega));
  EXPECT_THAT(got.at(6), IsWithin(0.05, 65 * kMega / 2));
  EXPECT_THAT(got.at(7), IsWithin(0.05, 65 * kMega / 2));
}

TEST(RateLimiterTest, BackgroundLimitDoesNotHoldForeground) {
  Simulation s;
  domain::RateLimits limits;
  limits.background = kMega;
  s.Limit(limits);
  s.Start(1, Of("f", Priority::kForeground), 5 * kMega);
  s.Start(2, Of("h", Priority::kHigh));
  s.Start(3, Of("l", Priority::kLow));
  const auto got = s.Run(seconds(10));
  EXPECT_THAT(got.at(1), IsWithin(0.02, 50 * kMega));
  EXPECT_THAT(got.at(2), IsWithin(0.05, 5 * kMega));
  EXPECT_THAT(got.at(3), IsWithin(0.05, 5 * kMega));
}

TEST(RateLimiterTest, ChangeHoldsAtOnceBothWays) {
  Simulation s;
  s.Limit(Server(10 * kMega));
  s.Start(1, Of("a"));
  s.Run(seconds(2));
  s.Limit(Server(kMega));
  EXPECT_THAT(s.Run(seconds(1))[1], IsWithin(0.3, kMega));
  s.Limit(Server(10 * kMega));
  EXPECT_THAT(s.Run(seconds(1))[1], IsWithin(0.05, 10 * kMega));
  s.limiter().SetJob("a", Priority::kNormal, kMega, s.now());
  EXPECT_THAT(s.Run(seconds(2))[1], IsWithin(0.2, 2 * kMega));
  s.limiter().SetJob("a", Priority::kNormal, 0, s.now());
  s.Limit(domain::RateLimits());
  EXPECT_GT(s.Run(seconds(1))[1], 1e9);
}

TEST(RateLimiterTest, ZeroStopsUntilItIsLifted) {
  Simulation s;
  domain::RateLimits limits;
  limits.priority[static_cast<size_t>(Priority::kNormal)] = 0;
  s.Limit(limits);
  s.Start(1, Of("a"));
  EXPECT_EQ(s.Run(seconds(5))[1], 0);
  EXPECT_EQ(s.limiter().next_grant(), std::nullopt) << "there is nothing to wake up for";
  s.limiter().SetJob("a", Priority::kHigh, 0, s.now());
  EXPECT_GT(s.Run(seconds(1))[1], 0);
}

TEST(RateLimiterTest, WhoCouldNotTakeForLongDoesNotCatchUp) {
  Simulation s;
  s.Limit(Server(2 * kMega));
  s.Start(1, Of("held", Priority::kNormal, 10'000));
  s.Start(2, Of("free"));
  s.Run(seconds(60));
  s.limiter().SetJob("held", Priority::kNormal, 0, s.now());
  const auto got = s.Run(seconds(2));
  EXPECT_THAT(got.at(2), IsWithin(0.2, 2 * kMega));
}

TEST(RateLimiterTest, IdleTimeIsNotSavedUp) {
  Simulation s;
  s.Limit(Server(kMega));
  s.Start(1, Of("a"));
  s.Run(seconds(1));
  s.End(1);
  s.Run(seconds(60));
  s.Start(2, Of("b"));
  EXPECT_LE(s.Run(seconds(1))[2], 1.3 * kMega);
}

TEST(RateLimiterTest, WhatAnEndedTransferWasGrantedOthersGet) {
  Simulation s;
  s.Limit(Server(kMega));
  double sum = 0;
  s.Start(1, Of("stays"));
  for (uint64_t id = 2; id < 102; ++id) {
    s.Start(id, Of("short" + std::to_string(id)));
    sum += Sum(s.Run(milliseconds(100)));
    s.End(id);
  }
  EXPECT_THAT(sum, IsWithin(0.05, 10 * kMega));
}

TEST(RateLimiterTest, GivenBackIsTakenAgain) {
  Simulation s;
  s.Limit(Server(kMega));
  s.Start(1, Of("a"));
  s.Run(seconds(1));
  RateLimiter& limiter = s.limiter();
  RateLimiter::Time now = s.now();
  while (!limiter.Take(1, kPiece, now)) {
    now = std::max(now, *limiter.next_grant());
    limiter.Grant(now);
  }
  limiter.GiveBack(1, kPiece);
  EXPECT_TRUE(limiter.Take(1, kPiece, now));
}

// The first piece of a body may be a byte: it must not be granted a rate's worth byte by byte.
TEST(RateLimiterTest, PiecesAreNoSmallerThanTheRateWants) {
  constexpr uint64_t kFlows = 12;
  for (const Rate rate : {domain::kLeastRate, 20 * kMega, 125 * kMega, domain::kMostRate}) {
    RateLimiter limiter;
    RateLimiter::Time now{seconds(1000)};
    limiter.SetLimits(Server(rate), now);
    for (uint64_t id = 1; id <= kFlows; ++id) {
      limiter.Add(id, Of("job" + std::to_string(id)), now);
    }
    now += seconds(1);
    for (uint64_t id = 1; id <= kFlows; ++id) EXPECT_FALSE(limiter.Take(id, 1, now));
    now += milliseconds(250);
    EXPECT_THAT(limiter.Grant(now), ::testing::SizeIs(kFlows)) << rate;
    EXPECT_GE(limiter.pieces_granted(), kFlows);
    EXPECT_LE(limiter.pieces_granted(), kFlows * 65) << rate;
    for (uint64_t id = 1; id <= kFlows; ++id) EXPECT_TRUE(limiter.Take(id, 1, now));
  }
}

TEST(RateLimiterTest, AFlowThatMovesIsHeldToTheLimitOfItsNewHost) {
  Simulation s;
  domain::RateLimits limits;
  limits.hosts["slow.example"] = kMega;
  limits.hosts["slower.example"] = kMega / 10;
  s.Limit(limits);
  s.Start(1, Of("a", Priority::kNormal, 0, "slow.example"));
  s.Start(2, Of("b", Priority::kNormal, 0, "slow.example"));
  EXPECT_THAT(s.Run(seconds(5)).at(1), IsWithin(0.1, 5 * kMega / 2));
  s.limiter().SetHost(1, "slower.example", s.now());
  EXPECT_EQ(s.limiter().ShareOf(1), kMega / 10);
  auto got = s.Run(seconds(10));
  EXPECT_THAT(got.at(1), IsWithin(0.15, kMega));
  EXPECT_THAT(got.at(2), IsWithin(0.1, 10 * kMega)) << "the one that is left has the whole limit";
  s.limiter().SetHost(1, "free.example", s.now());
  s.limiter().SetHost(99, "free.example", s.now());
  EXPECT_EQ(s.limiter().ShareOf(1), std::nullopt);
  EXPECT_GT(s.Run(seconds(1)).at(1), 1e9);
}

TEST(RateLimiterTest, ShareGoesByHowManyShare) {
  Simulation s;
  domain::RateLimits limits = Server(8 * kMega);
  limits.per_host = kMega;
  s.Limit(limits);
  for (uint64_t id = 1; id <= 4; ++id) {
    s.Start(id, Of("j" + std::to_string(id), Priority::kNormal, 0, id == 1 ? "a" : "b"));
  }
  EXPECT_EQ(s.limiter().ShareOf(1), kMega);
  EXPECT_EQ(s.limiter().ShareOf(2), kMega / 3);
  s.limiter().Remove(3);
  s.limiter().SetJob("j4", Priority::kLow, 10'000, s.now());
  EXPECT_EQ(s.limiter().ShareOf(2), kMega / 2);
  EXPECT_EQ(s.limiter().ShareOf(4), 10'000u);
  EXPECT_EQ(s.limiter().ShareOf(3), std::nullopt);
}

}  // namespace
}  // namespace bits::transfer

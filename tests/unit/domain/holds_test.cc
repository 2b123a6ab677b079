#include "server/domain/holds.h"

#include <gtest/gtest.h>

#include <string>

#include "server/domain/error_code.h"

namespace bits::domain {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1'800'000'000);
const HoldPolicy kPolicy = {absl::Seconds(1), absl::Seconds(60)};
const std::string kKey = "origin.test:80";

TEST(HoldsTest, HostsOfRemoteNames) {
  EXPECT_EQ(HostOf("http://Origin.Test/a?b#c"), "origin.test:80");
  EXPECT_EQ(HostOf("HTTPS://origin.test"), "origin.test:443");
  EXPECT_EQ(HostOf("https://user:p@ss@origin.test:8443/x"), "origin.test:8443");
  EXPECT_EQ(HostOf("http://[2001:DB8::1]/x"), "[2001:db8::1]:80");
  EXPECT_EQ(HostOf("http://[2001:db8::1]:81?x"), "[2001:db8::1]:81");
  EXPECT_EQ(HostOf("http://origin.test:/x@y:z"), "origin.test:80");
  EXPECT_EQ(HostOf("file:///a/b"), "");
  EXPECT_EQ(HostOf("nonsense"), "");
}

TEST(HoldsTest, WhichFailuresAreTheHostsAndWhichTheDestinations) {
  Failure failure;
  failure.context = ErrorContext::kRemoteFile;
  failure.contact = Contact::kFailed;
  for (const Hresult code : {kNameNotResolved, kCannotConnect, kConnectTimeout, kConnectionError}) {
    failure.hresult = code;
    EXPECT_TRUE(IsHostFailure(failure)) << SymbolOf(code);
    EXPECT_FALSE(IsHostAnswer(failure));
  }
  failure.hresult = kSecureFailure;  // it is there, and we do not trust it
  EXPECT_FALSE(IsHostFailure(failure));
  failure.hresult = kConnectionError;
  failure.contact = Contact::kMade;  // it cut the connection
  EXPECT_TRUE(IsConnectionFailure(failure));
  EXPECT_FALSE(IsHostFailure(failure));
  EXPECT_TRUE(IsHostAnswer(failure));
  failure = Failure();
  failure.hresult = FromHttpStatus(404);
  failure.http_status = 404;
  EXPECT_TRUE(IsHostAnswer(failure));
  failure = Failure();
  failure.hresult = kDiskFull;
  failure.context = ErrorContext::kLocalFile;
  EXPECT_TRUE(IsDestinationFailure(failure));
  EXPECT_FALSE(IsHostAnswer(failure));
  failure.hresult = kWriteProtect;
  EXPECT_TRUE(IsDestinationFailure(failure));
  failure.hresult = kAccessDenied;  // of one file
  EXPECT_FALSE(IsDestinationFailure(failure));
  failure.hresult = kDiskFull;
  failure.context = ErrorContext::kRemoteFile;  // of a file:// source
  EXPECT_FALSE(IsDestinationFailure(failure));
}

// A job whose files are of two dead hosts: neither hold waits for it for good.
TEST(HoldsTest, OneJobMayBeTheProbeOfSeveral) {
  const std::string other = "other.test:80";
  for (const bool one_fails_first : {false, true}) {
    Holds holds;
    absl::Time now = kStart;
    holds.OnFailure(kKey, "a", now, kPolicy);
    holds.OnFailure(other, "a", now, kPolicy);
    now += absl::Seconds(2);
    ASSERT_TRUE(holds.OnStart(kKey, "b"));
    ASSERT_TRUE(holds.OnStart(other, "b"));
    if (one_fails_first) holds.OnFailure(kKey, "b", now, kPolicy);
    holds.OnTurnEnded("b", now);
    now += absl::Seconds(2);
    EXPECT_TRUE(holds.MayStart(kKey, now));
    EXPECT_TRUE(holds.MayStart(other, now));
  }
}

TEST(HoldsTest, OneProbeAtATimeAtIntervalsThatDoubleUpToABound) {
  Holds holds;
  absl::Time now = kStart;
  EXPECT_TRUE(holds.MayStart(kKey, now));
  EXPECT_TRUE(holds.OnFailure(kKey, "a", now, kPolicy));
  EXPECT_FALSE(holds.OnFailure(kKey, "b", now, kPolicy)) << "was under way when it began";
  for (const int seconds : {1, 2, 4, 8, 16, 32, 60, 60}) {
    EXPECT_FALSE(holds.MayStart(kKey, now));
    EXPECT_EQ(holds.HeldUntil(kKey, now), now + absl::Seconds(seconds));
    EXPECT_EQ(holds.NextProbe(now), now + absl::Seconds(seconds));
    now += absl::Seconds(seconds) - absl::Nanoseconds(1);
    EXPECT_FALSE(holds.MayStart(kKey, now));
    now += absl::Nanoseconds(1);
    EXPECT_TRUE(holds.MayStart(kKey, now));
    EXPECT_EQ(holds.NextProbe(now), absl::InfiniteFuture()) << "it is due: nobody has to be woken";
    EXPECT_TRUE(holds.OnStart(kKey, "probe"));
    EXPECT_FALSE(holds.MayStart(kKey, now)) << "one at a time";
    EXPECT_FALSE(holds.OnStart(kKey, "other"));
    EXPECT_TRUE(holds.MayGoOn(kKey, "probe"));
    EXPECT_FALSE(holds.MayGoOn(kKey, "other"));
    EXPECT_EQ(holds.HeldUntil(kKey, now), now);
    EXPECT_FALSE(holds.OnFailure(kKey, "other", now, kPolicy));
    EXPECT_FALSE(holds.OnFailure(kKey, "probe", now, kPolicy));
  }
}

TEST(HoldsTest, AnyAnswerEndsTheHoldWhoeverHearsIt) {
  Holds holds;
  holds.OnFailure(kKey, "a", kStart, kPolicy);
  EXPECT_FALSE(holds.OnAnswer("other.test:80"));
  EXPECT_TRUE(holds.OnAnswer(kKey));
  EXPECT_FALSE(holds.OnAnswer(kKey)) << "ended already";
  EXPECT_TRUE(holds.MayStart(kKey, kStart));
  EXPECT_EQ(holds.HeldUntil(kKey, kStart), std::nullopt);
  EXPECT_TRUE(holds.empty());
  // The next one begins from the beginning.
  EXPECT_TRUE(holds.OnFailure(kKey, "a", kStart, kPolicy));
  EXPECT_EQ(holds.HeldUntil(kKey, kStart), kStart + absl::Seconds(1));
}

TEST(HoldsTest, FailuresThatBeganBeforeTheHoldSayNothingOfIt) {
  Holds holds;
  holds.OnFailure(kKey, "a", kStart, kPolicy);
  EXPECT_FALSE(holds.OnAnswerTo(kKey, "b"));
  ASSERT_TRUE(holds.OnStart(kKey, "probe"));
  EXPECT_FALSE(holds.OnAnswerTo(kKey, "b"));
  EXPECT_TRUE(holds.OnAnswerTo(kKey, "probe"));
  EXPECT_TRUE(holds.empty());
}

TEST(HoldsTest, ProbeThatFindsOutNothingIsFollowedByAnother) {
  Holds holds;
  holds.OnFailure(kKey, "a", kStart, kPolicy);
  const absl::Time now = kStart + absl::Seconds(1);
  ASSERT_TRUE(holds.OnStart(kKey, "probe"));
  holds.OnTurnEnded("other", now);
  EXPECT_FALSE(holds.MayStart(kKey, now));
  holds.OnTurnEnded("probe", now);  // suspended, say
  EXPECT_EQ(holds.HeldUntil(kKey, now), now + absl::Seconds(1));
  EXPECT_TRUE(holds.MayStart(kKey, now + absl::Seconds(1)));
}

TEST(HoldsTest, OwnersMayAskForAProbeButNotForAStorm) {
  Holds holds;
  absl::Time now = kStart;
  holds.OnFailure(kKey, "a", now, kPolicy);
  for (int i = 0; i < 6; ++i) {
    now = *holds.HeldUntil(kKey, now);
    holds.OnStart(kKey, "a");
    holds.OnFailure(kKey, "a", now, kPolicy);
  }
  ASSERT_EQ(holds.HeldUntil(kKey, now), now + absl::Seconds(60));
  holds.ProbeNow(kKey, now);
  EXPECT_EQ(holds.HeldUntil(kKey, now), now + absl::Seconds(1));
  now += absl::Seconds(30);
  holds.ProbeNow("other.test:80", now);
  holds.ProbeNow(kKey, now);
  EXPECT_TRUE(holds.MayStart(kKey, now));
}

TEST(HoldsTest, WhatHasNoKeyIsNeverHeld) {
  Holds holds;
  EXPECT_FALSE(holds.OnFailure("", "a", kStart, kPolicy));
  EXPECT_TRUE(holds.empty());
}

TEST(HoldsTest, OfTooManyTheOneLongestDueIsForgotten) {
  Holds holds;
  absl::Time now = kStart;
  for (size_t i = 0; i < kMostHolds; ++i) {
    holds.OnFailure("h" + std::to_string(i), "a", now, kPolicy);
    now += absl::Microseconds(1);
  }
  EXPECT_EQ(holds.size(), kMostHolds);
  ASSERT_TRUE(holds.OnStart("h0", "probe"));
  now += absl::Hours(1);
  EXPECT_TRUE(holds.OnFailure("new", "a", now, kPolicy));
  EXPECT_EQ(holds.size(), kMostHolds);
  EXPECT_TRUE(holds.HeldUntil("h0", now).has_value()) << "it is probed just now";
  EXPECT_FALSE(holds.HeldUntil("h1", now).has_value());
  EXPECT_TRUE(holds.HeldUntil("h2", now).has_value());
  EXPECT_TRUE(holds.HeldUntil("new", now).has_value());
}

TEST(HoldsTest, NextProbeIsTheFirstThatIsNotDueYet) {
  Holds holds;
  holds.OnFailure("a", "1", kStart, kPolicy);
  holds.OnFailure("b", "1", kStart + absl::Seconds(5), kPolicy);
  EXPECT_EQ(holds.NextProbe(kStart), kStart + absl::Seconds(1));
  EXPECT_EQ(holds.NextProbe(kStart + absl::Seconds(1)), kStart + absl::Seconds(6));
  holds.OnStart("b", "2");
  EXPECT_EQ(holds.NextProbe(kStart + absl::Seconds(1)), absl::InfiniteFuture());
  holds.OnTurnEnded("2", kStart + absl::Seconds(8));
  EXPECT_EQ(holds.NextProbe(kStart + absl::Seconds(8)), kStart + absl::Seconds(9));
  holds.OnAnswer("b");
  EXPECT_EQ(holds.NextProbe(kStart), kStart + absl::Seconds(1));
}

}  // namespace
}  // namespace bits::domain

#include "server/transfer/http_date.h"

#include <gtest/gtest.h>

namespace bits::transfer {
namespace {

const absl::Time kNow = absl::FromCivil(absl::CivilSecond(2026, 3, 1), absl::UTCTimeZone());
const absl::Time kExample =
    absl::FromCivil(absl::CivilSecond(1994, 11, 6, 8, 49, 37), absl::UTCTimeZone());

TEST(HttpDateTest, TheThreeForms) {
  EXPECT_EQ(ParseHttpDate("Sun, 06 Nov 1994 08:49:37 GMT", kNow), kExample);
  EXPECT_EQ(ParseHttpDate("Sunday, 06-Nov-94 08:49:37 GMT", kNow), kExample);
  EXPECT_EQ(ParseHttpDate("Sun Nov  6 08:49:37 1994", kNow), kExample);
  EXPECT_EQ(ParseHttpDate("Wed, 21 Oct 2015 07:28:00 GMT", kNow),
            absl::FromUnixSeconds(1445412480));
  EXPECT_EQ(ParseHttpDate("Thu, 31 Dec 2026 23:59:60 GMT", kNow),
            absl::FromCivil(absl::CivilSecond(2026, 12, 31, 23, 59, 59), absl::UTCTimeZone()));
}

TEST(HttpDateTest, TwoDigitYearsAreNear) {
  const auto year = [](std::string_view text) {
    return absl::ToCivilYear(*ParseHttpDate(text, kNow), absl::UTCTimeZone()).year();
  };
  EXPECT_EQ(year("Sunday, 06-Nov-25 08:49:37 GMT"), 2025);
  EXPECT_EQ(year("Sunday, 06-Nov-76 08:49:37 GMT"), 2076);
  EXPECT_EQ(year("Sunday, 06-Nov-77 08:49:37 GMT"), 1977);
  EXPECT_EQ(year("Sunday, 06-Nov-00 08:49:37 GMT"), 2000);
}

TEST(HttpDateTest, WhatIsNone) {
  for (std::string_view text :
       {"", " ", "0", "Sun", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 CET",
        "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 31 Jun 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT", "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT ", "xSun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov -994 08:49:37 GMT", "Sun Nov 06 08:49:37 1994 GMT", "2015-10-21T07:28:00Z"}) {
    EXPECT_EQ(ParseHttpDate(text, kNow), std::nullopt) << text;
  }
}

TEST(HttpDateTest, RoundTrip) {
  EXPECT_EQ(FormatHttpDate(kExample), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(FormatHttpDate(kExample + absl::Milliseconds(999)), "Sun, 06 Nov 1994 08:49:37 GMT");
  for (int64_t day = 0; day < 20000; day += 17) {
    const absl::Time time = absl::FromUnixSeconds(day * 86400 + day);
    EXPECT_EQ(ParseHttpDate(FormatHttpDate(time), kNow), time);
  }
}

TEST(RetryAfterTest, SecondsAndDates) {
  EXPECT_EQ(ParseRetryAfter("0", kNow), absl::ZeroDuration());
  EXPECT_EQ(ParseRetryAfter("120", kNow), absl::Seconds(120));
  EXPECT_EQ(ParseRetryAfter("99999999999999999999999999", kNow), absl::Seconds(1'000'000'000));
  EXPECT_EQ(ParseRetryAfter("Sun, 01 Mar 2026 00:02:00 GMT", kNow), absl::Minutes(2));
  EXPECT_EQ(ParseRetryAfter("Sun, 06 Nov 1994 08:49:37 GMT", kNow), absl::ZeroDuration());
  for (std::string_view text : {"", "-1", "+1", "1.5", "1s", "soon", " 1"}) {
    EXPECT_EQ(ParseRetryAfter(text, kNow), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace bits::transfer

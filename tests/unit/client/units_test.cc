#include "client/cli/units.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bits::cli {
namespace {

using ::testing::HasSubstr;

TEST(ParseDurationTest, WhatIsOne) {
  const std::pair<const char*, absl::Duration> durations[] = {
      {"0", absl::ZeroDuration()},
      {"90", absl::Seconds(90)},
      {"90s", absl::Seconds(90)},
      {"10m", absl::Minutes(10)},
      {"1h30m", absl::Minutes(90)},
      {"14d", absl::Hours(14 * 24)},
      {"2w", absl::Hours(14 * 24)},
      {"250ms", absl::Milliseconds(250)},
      {"1m1ms", absl::Minutes(1) + absl::Milliseconds(1)},
      {"36500d", absl::Hours(36'500 * 24)}};
  for (const auto& [text, expected] : durations) {
    const auto parsed = ParseDuration(text);
    ASSERT_TRUE(parsed.ok()) << text << ": " << parsed.status();
    EXPECT_EQ(*parsed, expected) << text;
  }
}

TEST(ParseDurationTest, WhatIsNot) {
  for (const char* text : {"", "s", "-5", "-5s", "1.5h", "10 m", "10x", "m10", "5m30", "1h 30m",
                           "999999999999999999999s", "40000d", "9223372036854775807w"}) {
    const auto parsed = ParseDuration(text);
    EXPECT_FALSE(parsed.ok()) << text;
    EXPECT_THAT(std::string(parsed.status().message()), HasSubstr("1h30m")) << text;
  }
}

TEST(DurationTextTest, TwoLargestUnits) {
  EXPECT_EQ(DurationText(absl::ZeroDuration()), "0s");
  EXPECT_EQ(DurationText(-absl::Seconds(3)), "0s");
  EXPECT_EQ(DurationText(absl::Seconds(59)), "59s");
  EXPECT_EQ(DurationText(absl::Seconds(600)), "10m");
  EXPECT_EQ(DurationText(absl::Seconds(552)), "9m 12s");
  EXPECT_EQ(DurationText(absl::Hours(14 * 24)), "14d");
  EXPECT_EQ(DurationText(absl::Hours(24) + absl::Seconds(1)), "1d");
  EXPECT_EQ(DurationText(absl::Hours(26) + absl::Minutes(59)), "1d 2h");
}

TEST(ClockTextTest, AsOnAClock) {
  EXPECT_EQ(ClockText(absl::Seconds(0)), "0:00");
  EXPECT_EQ(ClockText(absl::Seconds(44)), "0:44");
  EXPECT_EQ(ClockText(absl::Seconds(723)), "12:03");
  EXPECT_EQ(ClockText(absl::Seconds(3'723)), "1:02:03");
  EXPECT_EQ(ClockText(absl::Hours(99)), "99:00:00");
  EXPECT_EQ(ClockText(absl::Hours(100)), "4d");
}

TEST(BytesTextTest, ThreeDigitsOrSo) {
  const std::pair<std::uint64_t, const char*> sizes[] = {{0, "0 B"},
                                                         {999, "999 B"},
                                                         {1'000, "1.0 KiB"},
                                                         {1'023, "1.0 KiB"},
                                                         {1'536, "1.5 KiB"},
                                                         {10'188, "9.9 KiB"},
                                                         {10'200, "10 KiB"},
                                                         {1'022'976, "999 KiB"},
                                                         {1'023'488, "1.0 MiB"},
                                                         {1ULL << 30, "1.0 GiB"},
                                                         {2'899'102'924ULL, "2.7 GiB"},
                                                         {UINT64_MAX, "16 EiB"}};
  for (const auto& [bytes, text] : sizes) EXPECT_EQ(BytesText(bytes), text) << bytes;
}

TEST(RateTextTest, BoundsWhatIsNonsense) {
  EXPECT_EQ(RateText(0), "0 B/s");
  EXPECT_EQ(RateText(36'175'872), "34 MiB/s");
  EXPECT_EQ(RateText(-5), "0 B/s");
  EXPECT_EQ(RateText(1e300), "888 PiB/s");
}

TEST(TimeTextTest, NothingForATimeThatIsNotSet) {
  google::protobuf::Timestamp time;
  EXPECT_EQ(TimeText(time, absl::UTCTimeZone()), "");
  time.set_seconds(1'700'000'000);
  EXPECT_EQ(TimeText(time, absl::UTCTimeZone()), "2023-11-14 22:13:20 UTC");
}

TEST(ToProtoTest, AndBack) {
  const auto proto = ToProto(absl::Milliseconds(1'500));
  EXPECT_EQ(proto.seconds(), 1);
  EXPECT_EQ(proto.nanos(), 500'000'000);
  EXPECT_EQ(ToDuration(proto), absl::Milliseconds(1'500));
}

}  // namespace
}  // namespace bits::cli

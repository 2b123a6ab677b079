#include "server/domain/bandwidth.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace bits::domain {
namespace {

constexpr uint8_t kSunday = 0;
constexpr uint8_t kMonday = 1;
constexpr uint8_t kFriday = 5;
constexpr uint8_t kSaturday = 6;

constexpr uint16_t At(int hour, int minute = 0) {
  return static_cast<uint16_t>(hour * 60 + minute);
}

RateLimits Background(Rate rate) {
  RateLimits limits;
  limits.background = rate;
  return limits;
}

absl::TimeZone Berlin() {
  absl::TimeZone zone;
  EXPECT_TRUE(absl::LoadTimeZone("Europe/Berlin", &zone)) << "tzdata is not installed";
  return zone;
}

// Work from Monday to Friday 08:00-17:00, maintenance on Sunday from 22:00 to 02:00.
BandwidthTimetable Office() {
  BandwidthTimetable timetable;
  timetable.general = Background(10'000);
  timetable.work_hours = {{kMonday, kFriday, At(8), At(17)}};
  timetable.work = Background(2'000);
  timetable.maintenance_hours = {{kSunday, kSunday, At(22), At(2)}};
  timetable.maintenance = RateLimits();
  return timetable;
}

// Every change from `from` on, for `length`, as the clock of the zone shows it: what a server sees that
// looks when it was told to.
std::vector<std::string> Changes(const BandwidthTimetable& timetable, absl::TimeZone zone,
                                 absl::Time from, absl::Duration length) {
  static const char* const kNames[] = {"general", "work", "maintenance"};
  std::vector<std::string> changes;
  absl::Time now = from;
  HoursKind last = HoursKind::kGeneral;
  while (now < from + length) {
    const RatesInForce rates = FindRates(timetable, zone, now);
    if (changes.empty() || rates.hours != last) {
      changes.push_back(absl::StrCat(absl::FormatTime("%a %H:%M %Ez", now, zone), " ",
                                     kNames[static_cast<int>(rates.hours)]));
      last = rates.hours;
    }
    EXPECT_GT(rates.until, now);
    EXPECT_LE(rates.until - now, absl::Hours(8 * 24));
    // Nothing changes before it.
    EXPECT_EQ(FindRates(timetable, zone, rates.until - absl::Nanoseconds(1)).limits, rates.limits);
    now = rates.until;
  }
  return changes;
}

using Lines = std::vector<std::string>;

TEST(BandwidthTest, WithoutHoursTheGeneralLimitsHoldForEver) {
  BandwidthTimetable timetable;
  timetable.general = Background(0);
  const RatesInForce rates = FindRates(timetable, absl::UTCTimeZone(), absl::UnixEpoch());
  EXPECT_EQ(rates.limits, Background(0));
  EXPECT_EQ(rates.until, absl::InfiniteFuture());
}

TEST(BandwidthTest, AWeekOfTheTimetable) {
  // 2026-06-07 is a Sunday.
  const absl::Time sunday =
      absl::FromCivil(absl::CivilDay(2026, 6, 7), Berlin()) + absl::Hours(12);
  EXPECT_EQ(Changes(Office(), Berlin(), sunday, absl::Hours(7 * 24)),
            (Lines{"Sun 12:00 +02:00 general", "Sun 22:00 +02:00 maintenance",
                   "Mon 02:00 +02:00 general", "Mon 08:00 +02:00 work", "Mon 17:00 +02:00 general",
                   "Tue 08:00 +02:00 work", "Tue 17:00 +02:00 general", "Wed 08:00 +02:00 work",
                   "Wed 17:00 +02:00 general", "Thu 08:00 +02:00 work", "Thu 17:00 +02:00 general",
                   "Fri 08:00 +02:00 work", "Fri 17:00 +02:00 general"}));
}

TEST(BandwidthTest, MaintenanceSupersedesWork) {
  BandwidthTimetable timetable = Office();
  timetable.maintenance_hours = {{kMonday, kMonday, At(9), At(10)}};
  const absl::Time monday = absl::FromCivil(absl::CivilDay(2026, 6, 8), Berlin());
  EXPECT_EQ(Changes(timetable, Berlin(), monday, absl::Hours(24)),
            (Lines{"Mon 00:00 +02:00 general", "Mon 08:00 +02:00 work",
                   "Mon 09:00 +02:00 maintenance", "Mon 10:00 +02:00 work",
                   "Mon 17:00 +02:00 general"}));
}

TEST(BandwidthTest, DaysAndHoursGoOverTheEndOfTheWeekAndOfTheDay) {
  BandwidthTimetable timetable = Office();
  timetable.maintenance_hours.clear();
  timetable.work_hours = {{kSaturday, kSunday, At(23), At(1)}};
  const absl::Time friday = absl::FromCivil(absl::CivilDay(2026, 6, 5), absl::UTCTimeZone());
  EXPECT_EQ(Changes(timetable, absl::UTCTimeZone(), friday, absl::Hours(7 * 24)),
            (Lines{"Fri 00:00 +00:00 general", "Sat 23:00 +00:00 work", "Sun 01:00 +00:00 general",
                   "Sun 23:00 +00:00 work", "Mon 01:00 +00:00 general"}));
  // The whole week, but for the boundaries at which nothing changes.
  timetable.work_hours = {{kSunday, kSaturday, 0, At(24)}};
  EXPECT_EQ(Changes(timetable, Berlin(), friday, absl::Hours(10 * 24)).size(), 1u);
}

// 2026-03-29: 02:00 becomes 03:00. What begins at 02:30 begins at the jump; what ends then ends then.
TEST(BandwidthTest, HourThatIsLeftOut) {
  BandwidthTimetable timetable;
  timetable.work = Background(2'000);
  timetable.work_hours = {{kSunday, kSunday, At(2, 30), At(4)}};
  const absl::Time midnight = absl::FromCivil(absl::CivilDay(2026, 3, 29), Berlin());
  EXPECT_EQ(Changes(timetable, Berlin(), midnight, absl::Hours(20)),
            (Lines{"Sun 00:00 +01:00 general", "Sun 03:00 +02:00 work",
                   "Sun 04:00 +02:00 general"}));
  timetable.work_hours = {{kSunday, kSunday, At(1), At(2, 30)}};
  EXPECT_EQ(Changes(timetable, Berlin(), midnight, absl::Hours(20)),
            (Lines{"Sun 00:00 +01:00 general", "Sun 01:00 +01:00 work",
                   "Sun 03:00 +02:00 general"}));
  // Both in it: there is nothing.
  timetable.work_hours = {{kSunday, kSunday, At(2, 10), At(2, 50)}};
  EXPECT_EQ(Changes(timetable, Berlin(), midnight, absl::Hours(20)).size(), 1u);
}

// 2026-10-25: 03:00 becomes 02:00. What happens at 02:30 happens the first time.
TEST(BandwidthTest, HourThatComesTwice) {
  BandwidthTimetable timetable;
  timetable.work = Background(2'000);
  timetable.work_hours = {{kSunday, kSunday, At(2, 30), At(4)}};
  const absl::Time midnight = absl::FromCivil(absl::CivilDay(2026, 10, 25), Berlin());
  EXPECT_EQ(Changes(timetable, Berlin(), midnight, absl::Hours(20)),
            (Lines{"Sun 00:00 +02:00 general", "Sun 02:30 +02:00 work",
                   "Sun 04:00 +01:00 general"}));
  timetable.work_hours = {{kSunday, kSunday, At(1), At(2, 30)}};
  EXPECT_EQ(Changes(timetable, Berlin(), midnight, absl::Hours(20)),
            (Lines{"Sun 00:00 +02:00 general", "Sun 01:00 +02:00 work",
                   "Sun 02:30 +02:00 general"}));
}

TEST(BandwidthTest, WeekWithAChangeOfTheClockKeepsToTheClock) {
  for (const absl::CivilDay monday : {absl::CivilDay(2026, 3, 23), absl::CivilDay(2026, 10, 19)}) {
    int work = 0;
    for (const std::string& change :
         Changes(Office(), Berlin(), absl::FromCivil(monday, Berlin()), absl::Hours(14 * 24))) {
      if (change.find("work") == std::string::npos) continue;
      ++work;
      EXPECT_EQ(change.substr(4, 5), "08:00") << change;
    }
    EXPECT_EQ(work, 10);
  }
}

TEST(BandwidthTest, ZeroStopsJobsBelowForeground) {
  RateLimits limits = Background(0);
  EXPECT_FALSE(StopsJobs(limits, Priority::kForeground));
  EXPECT_TRUE(StopsJobs(limits, Priority::kHigh));
  EXPECT_TRUE(StopsJobs(limits, Priority::kLow));
  limits = RateLimits();
  limits.priority[static_cast<size_t>(Priority::kNormal)] = 0;
  EXPECT_FALSE(StopsJobs(limits, Priority::kHigh));
  EXPECT_TRUE(StopsJobs(limits, Priority::kNormal));
  EXPECT_FALSE(StopsJobs(RateLimits(), Priority::kLow));
}

TEST(BandwidthTest, LowestLimitIsTheOneThatHolds) {
  RateLimits limits;
  EXPECT_EQ(LowestRate(limits, Priority::kNormal, 0), std::nullopt);
  limits.server = 9'000;
  limits.background = 8'000;
  limits.priority[static_cast<size_t>(Priority::kLow)] = 7'000;
  EXPECT_EQ(LowestRate(limits, Priority::kForeground, 0),
            (EffectiveRate{9'000, RateSource::kServer}));
  EXPECT_EQ(LowestRate(limits, Priority::kNormal, 0),
            (EffectiveRate{8'000, RateSource::kBackground}));
  EXPECT_EQ(LowestRate(limits, Priority::kLow, 0), (EffectiveRate{7'000, RateSource::kPriority}));
  EXPECT_EQ(LowestRate(limits, Priority::kLow, 6'000), (EffectiveRate{6'000, RateSource::kJob}));
}

TEST(BandwidthTest, WhatIsNotAllowedIsNamed) {
  EXPECT_EQ(FaultOf(RateLimits()), std::nullopt);
  EXPECT_EQ(FaultOf(Background(0)), std::nullopt);
  EXPECT_EQ(FaultOf(Background(kLeastRate - 1))->substr(0, 10), "background");
  RateLimits limits;
  limits.server = 0;
  EXPECT_EQ(FaultOf(limits)->substr(0, 6), "server");
  limits = {};
  limits.priority[0] = 0;
  EXPECT_EQ(FaultOf(limits)->substr(0, 10), "foreground");
  limits = {};
  limits.per_host = kMostRate + 1;
  EXPECT_EQ(FaultOf(limits)->substr(0, 8), "per_host");
  limits = {};
  limits.hosts["Example.com"] = kLeastRate;
  EXPECT_NE(FaultOf(limits), std::nullopt);
  EXPECT_EQ(FaultOf(std::vector<WeeklyHours>{{0, 6, 0, At(24)}}), std::nullopt);
  for (const WeeklyHours& wrong : {WeeklyHours{7, 0, 0, 1}, WeeklyHours{0, 7, 0, 1},
                                   WeeklyHours{0, 0, At(24), 1}, WeeklyHours{0, 0, 0, 0},
                                   WeeklyHours{0, 0, 60, 60}, WeeklyHours{0, 0, 0, At(24, 1)}}) {
    EXPECT_NE(FaultOf(std::vector<WeeklyHours>{wrong}), std::nullopt);
  }
}

}  // namespace
}  // namespace bits::domain

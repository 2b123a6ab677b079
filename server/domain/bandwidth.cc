#include "server/domain/bandwidth.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "server/base/strings.h"

namespace bits::domain {
namespace {

constexpr int kDays = 7;
constexpr uint16_t kMinutes = 24 * 60;

// The moment at which the zone's clock first shows the minute, or passes it.
absl::Time MomentOf(absl::CivilDay day, uint16_t minute, absl::TimeZone zone) {
  const absl::TimeZone::TimeInfo info = zone.At(absl::CivilMinute(day) + minute);
  return info.kind == absl::TimeZone::TimeInfo::SKIPPED ? info.trans : info.pre;
}

bool HasDay(const WeeklyHours& hours, absl::CivilDay day) {
  // absl counts from Monday, BITS from Sunday.
  const int weekday = (static_cast<int>(absl::GetWeekday(day)) + 1) % kDays;
  if (hours.first_day <= hours.last_day) {
    return hours.first_day <= weekday && weekday <= hours.last_day;
  }
  return weekday >= hours.first_day || weekday <= hours.last_day;
}

// Whether now lies in the hours. Brings `next` forward to the first boundary after now.
bool Within(const std::vector<WeeklyHours>& all, absl::TimeZone zone, absl::Time now,
            absl::Time& next) {
  const absl::CivilDay today = absl::ToCivilDay(now, zone);
  bool within = false;
  for (const WeeklyHours& hours : all) {
    for (int offset = -1; offset <= kDays; ++offset) {
      const absl::CivilDay day = today + offset;
      if (!HasDay(hours, day)) continue;
      const absl::Time begin = MomentOf(day, hours.start, zone);
      const absl::Time end = MomentOf(hours.end > hours.start ? day : day + 1, hours.end, zone);
      within = within || (begin <= now && now < end);
      for (const absl::Time boundary : {begin, end}) {
        if (boundary > now) next = std::min(next, boundary);
      }
    }
  }
  return within;
}

std::optional<std::string> FaultOf(std::string_view name, const std::optional<Rate>& rate,
                                   bool zero_allowed) {
  if (!rate.has_value() || (*rate == 0 && zero_allowed)) return std::nullopt;
  if (*rate >= kLeastRate && *rate <= kMostRate) return std::nullopt;
  return absl::StrCat(Av(name), " must be ", zero_allowed ? "0 or " : "", kLeastRate, " to ",
                      kMostRate, " bytes per second");
}

bool IsHostName(std::string_view name) {
  return !name.empty() && name.size() <= 253 &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-_:[]") ==
             std::string_view::npos;
}

}  // namespace

RatesInForce FindRates(const BandwidthTimetable& timetable, absl::TimeZone zone, absl::Time now) {
  RatesInForce rates;
  const bool maintenance = Within(timetable.maintenance_hours, zone, now, rates.until);
  const bool work = Within(timetable.work_hours, zone, now, rates.until);
  rates.hours = maintenance ? HoursKind::kMaintenance
                : work      ? HoursKind::kWork
                            : HoursKind::kGeneral;
  rates.limits = maintenance ? timetable.maintenance : work ? timetable.work : timetable.general;
  return rates;
}

bool StopsJobs(const RateLimits& limits, Priority priority) {
  if (priority == Priority::kForeground) return false;
  return limits.background == Rate{0} || limits.priority[static_cast<size_t>(priority)] == Rate{0};
}

std::optional<EffectiveRate> LowestRate(const RateLimits& limits, Priority priority, Rate of_job) {
  std::optional<EffectiveRate> lowest;
  const auto offer = [&](std::optional<Rate> rate, RateSource source) {
    if (rate.has_value() && (!lowest.has_value() || *rate < lowest->rate)) {
      lowest = EffectiveRate{*rate, source};
    }
  };
  if (of_job != 0) offer(of_job, RateSource::kJob);
  offer(limits.priority[static_cast<size_t>(priority)], RateSource::kPriority);
  if (priority != Priority::kForeground) offer(limits.background, RateSource::kBackground);
  offer(limits.server, RateSource::kServer);
  return lowest;
}

std::optional<std::string> FaultOf(const RateLimits& limits) {
  static constexpr std::string_view kNames[] = {"foreground", "high", "normal", "low"};
  if (auto fault = FaultOf("server", limits.server, false)) return fault;
  if (auto fault = FaultOf("background", limits.background, true)) return fault;
  for (size_t i = 0; i < limits.priority.size(); ++i) {
    if (auto fault = FaultOf(kNames[i], limits.priority[i], i != 0)) return fault;
  }
  if (auto fault = FaultOf("per_host", limits.per_host, false)) return fault;
  if (limits.hosts.size() > kMostNamedHosts) {
    return absl::StrCat("hosts must be at most ", kMostNamedHosts);
  }
  for (const auto& [host, rate] : limits.hosts) {
    if (!IsHostName(host)) return "hosts must be named in lower case, without a port";
    if (auto fault = FaultOf(absl::StrCat("hosts[", host, "]"), rate, false)) return fault;
  }
  return std::nullopt;
}

std::optional<std::string> FaultOf(const std::vector<WeeklyHours>& hours) {
  if (hours.size() > kMostWeeklyHours) return absl::StrCat("must be at most ", kMostWeeklyHours);
  for (const WeeklyHours& h : hours) {
    if (h.first_day >= kDays || h.last_day >= kDays) return "days must be named";
    if (h.start >= kMinutes || h.end == 0 || h.end > kMinutes) {
      return "times must be HH:MM, start from 00:00 to 23:59, end from 00:01 to 24:00";
    }
    if (h.start == h.end) return "must not end when they start; a whole day ends at 24:00";
  }
  return std::nullopt;
}

}  // namespace bits::domain

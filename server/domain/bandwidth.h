// How fast transfers may be, and when: BITS's MaxInternetBandwidth, EnableBandwidthLimits and
// EnableMaintenanceLimits. Pure; any thread.
#ifndef BITS_SERVER_DOMAIN_BANDWIDTH_H_
#define BITS_SERVER_DOMAIN_BANDWIDTH_H_

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "server/domain/job.h"

namespace bits::domain {

// In bytes per second. A limit is kLeastRate to kMostRate; where 0 is allowed it stops jobs.
using Rate = uint64_t;
inline constexpr Rate kLeastRate = 1024;
inline constexpr Rate kMostRate = uint64_t{1} << 40;
inline constexpr size_t kMostNamedHosts = 1000;
inline constexpr size_t kMostWeeklyHours = 100;

// Nullopt: no limit.
struct RateLimits {
  std::optional<Rate> server;                   // all transfers together
  std::optional<Rate> background;               // those below FOREGROUND together; may be 0
  std::array<std::optional<Rate>, 4> priority;  // those of each; may be 0 below FOREGROUND
  std::optional<Rate> per_host;                 // those from any one host
  std::map<std::string, Rate> hosts;  // from these, by name in lower case, in place of per_host

  bool operator==(const RateLimits&) const = default;
};

// From `start` to `end` on each day from first_day to last_day (0 is Sunday, as in BITS; the last
// may lie before the first: over the week's end). An end that is not after the start is on the next
// day.
struct WeeklyHours {
  uint8_t first_day = 0;
  uint8_t last_day = 0;
  uint16_t start = 0;  // minutes after midnight, 0 to 1439
  uint16_t end = 0;    // 1 to 1440; not equal to start

  bool operator==(const WeeklyHours&) const = default;
};

// When which limits are in force: maintenance's in maintenance hours (they supersede), work's in
// work hours, the general ones in all others.
struct BandwidthTimetable {
  RateLimits general;
  std::vector<WeeklyHours> work_hours;
  RateLimits work;
  std::vector<WeeklyHours> maintenance_hours;
  RateLimits maintenance;

  bool operator==(const BandwidthTimetable&) const = default;
};

enum class HoursKind : uint8_t { kGeneral, kWork, kMaintenance };

struct RatesInForce {
  RateLimits limits;
  HoursKind hours = HoursKind::kGeneral;
  absl::Time until = absl::InfiniteFuture();  // when others may be in force; look again then

  bool operator==(const RatesInForce&) const = default;
};

// The hours are those of the zone's wall clock. Where its clock is put forward, an hour that it
// leaves out begins and ends what it would at the moment of the jump; where it is put back, what
// happens at an hour that comes twice happens the first time.
RatesInForce FindRates(const BandwidthTimetable& timetable, absl::TimeZone zone, absl::Time now);

// Whether jobs of the priority may not run at all. Never FOREGROUND ones.
bool StopsJobs(const RateLimits& limits, Priority priority);

enum class RateSource : uint8_t { kJob, kPriority, kBackground, kServer };
struct EffectiveRate {
  Rate rate = 0;
  RateSource source = RateSource::kJob;
  bool operator==(const EffectiveRate&) const = default;
};
// The lowest of the limits that hold a job of this priority, whose own is `of_job` (0: none).
// Hosts' are left out: they are its files'. Nullopt: none.
std::optional<EffectiveRate> LowestRate(const RateLimits& limits, Priority priority, Rate of_job);

// What is wrong, naming the part: "background must be ..."; nullopt: nothing.
std::optional<std::string> FaultOf(const RateLimits& limits);
std::optional<std::string> FaultOf(const std::vector<WeeklyHours>& hours);

}  // namespace bits::domain

#endif  // BITS_SERVER_DOMAIN_BANDWIDTH_H_

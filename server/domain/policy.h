// What an administrator may decide for all jobs: BITS's group policies. Pure; any thread.
#ifndef BITS_SERVER_DOMAIN_POLICY_H_
#define BITS_SERVER_DOMAIN_POLICY_H_

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/domain/bandwidth.h"
#include "server/domain/holds.h"
#include "server/domain/job.h"
#include "server/domain/timers.h"
#include "server/domain/turns.h"

namespace bits::domain {

// What is in force. The defaults are BITS's, but for counts and slots, which are a server's.
// proto/bits/v1/policy.proto says what each means.
struct Policy {
  uint32_t max_jobs_per_owner = 100'000;
  uint32_t max_jobs = 2'000'000;
  uint32_t max_files_per_job = 100'000;
  uint32_t max_ranges_per_file = 500;
  absl::Duration job_inactivity_timeout = TimerPolicy().job_inactivity_timeout;
  absl::Duration default_maximum_download_time = kDefaultMaximumDownloadTime;
  absl::Duration longest_maximum_download_time = absl::ZeroDuration();
  uint32_t background_slots = TurnPolicy().background_slots;
  absl::Duration time_slice = TurnPolicy().time_slice;
  absl::Duration probe_interval = HoldPolicy().least_probe_interval;
  absl::Duration maximum_probe_interval = HoldPolicy().most_probe_interval;
  absl::Duration tombstone_retention = TimerPolicy().tombstone_retention;
  uint64_t events_kept = 100'000;
  RateLimits rate_limits;
  std::string time_zone = "UTC";  // of the tz database
  std::vector<WeeklyHours> work_hours;
  RateLimits work_rate_limits;
  std::vector<WeeklyHours> maintenance_hours;
  RateLimits maintenance_rate_limits;

  HoldPolicy holds() const;
  // What the rate limits and the hours come to now. Not a field: time decides it as well.
  RatesInForce rates;

  TurnPolicy turns() const;
  BandwidthTimetable timetable() const {
    return {rate_limits, work_hours, work_rate_limits, maintenance_hours, maintenance_rate_limits};
  }
  TimerPolicy timers() const { return {job_inactivity_timeout, tombstone_retention}; }
  bool operator==(const Policy&) const = default;
};

// A value of some field: numbers of any width are uint64_t.
using PolicyValue =
    std::variant<uint64_t, absl::Duration, RateLimits, std::string, std::vector<WeeklyHours>>;

// Those fields that somebody has decided (the file, or UpdatePolicy), by name. A name that is
// unknown, of a newer bitsd's record, is kept and has no effect.
using PolicySettings = std::map<std::string, PolicyValue, std::less<>>;

// One field of Policy, by its name in the proto, with its bounds. What is neither a number nor a
// duration has none, but rules of its own (FaultOf in bandwidth.h); whether there is such a time zone
// is not the domain's to know.
struct PolicyField {
  std::string_view name;
  std::variant<uint32_t Policy::*, uint64_t Policy::*, absl::Duration Policy::*,
               RateLimits Policy::*, std::string Policy::*, std::vector<WeeklyHours> Policy::*>
      member;
  PolicyValue least;
  PolicyValue most = {};
};
// All of them, in the order of the proto.
std::span<const PolicyField> PolicyFields();
// Null if there is none.
const PolicyField* FindPolicyField(std::string_view name);

// INVALID_ARGUMENT, with the rule, if the value is out of bounds or not of the field's type; the
// refusal names the field `prefix` + name.
absl::Status CheckPolicyValue(const PolicyField& field, const PolicyValue& value,
                              std::string_view prefix);

// What `written` says, else `file`, else the default. Values that are not allowed (a newer
// bitsd's record) are as if absent.
Policy ResolvePolicy(const PolicySettings& file, const PolicySettings& written);
// The field's value.
PolicyValue ValueOf(const Policy& policy, const PolicyField& field);

// Live jobs: all but ACKNOWLEDGED and CANCELLED.
struct LiveJobs {
  uint64_t of_owner = 0;
  uint64_t in_all = 0;
  bool operator==(const LiveJobs&) const = default;
};

// Whether one job more may be created: RESOURCE_EXHAUSTED, with BG_E_TOO_MANY_JOBS_PER_USER or
// BG_E_TOO_MANY_JOBS_PER_MACHINE.
absl::Status CheckJobCount(const Policy& policy, const LiveJobs& live);
// Whether a job may have so many files: FAILED_PRECONDITION, BG_E_TOO_MANY_FILES_IN_JOB.
absl::Status CheckFileCount(const Policy& policy, uint64_t files);
// Whether a file may have so many ranges: INVALID_ARGUMENT on `field`, BG_E_TOO_MANY_RANGES_IN_FILE.
absl::Status CheckRangeCount(const Policy& policy, uint64_t ranges, std::string_view field);
// Whether a job may ask for this: INVALID_ARGUMENT on job.maximum_download_time.
absl::Status CheckMaximumDownloadTime(const Policy& policy, absl::Duration time);
// That of a job which does not say.
absl::Duration DefaultMaximumDownloadTime(const Policy& policy);

}  // namespace bits::domain

#endif  // BITS_SERVER_DOMAIN_POLICY_H_

// When a job next needs attention although nobody asks for it. Pure; any thread.
#ifndef BITS_SERVER_DOMAIN_TIMERS_H_
#define BITS_SERVER_DOMAIN_TIMERS_H_

#include <optional>

#include "absl/time/time.h"
#include "server/domain/event.h"
#include "server/domain/job.h"

namespace bits::domain {

// What the operator may set; the defaults are BITS's and design.md's.
struct TimerPolicy {
  absl::Duration job_inactivity_timeout = absl::Hours(90 * 24);  // JobInactivityTimeout
  absl::Duration tombstone_retention = absl::Hours(7 * 24);
  bool operator==(const TimerPolicy&) const = default;
};

struct Timer {
  absl::Time time;
  Event event;
};

// The timer that fires first: RetryDue, NoProgress, MaximumDownloadTime, NotBefore,
// Deadline, Inactivity of a live job, Forget of a final one. Nullopt: none (a job whose files are being published
// or deleted).
std::optional<Timer> NextTimer(const Job& job, const TimerPolicy& policy);

// Job.expire_time of the API.
std::optional<absl::Time> ExpireTime(const Job& job, const TimerPolicy& policy);

}  // namespace bits::domain

#endif  // BITS_SERVER_DOMAIN_TIMERS_H_

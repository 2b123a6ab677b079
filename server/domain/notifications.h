// Which changes of a job make notifications, and what becomes of one that cannot be delivered. Pure;
// any thread.
#ifndef BITS_SERVER_DOMAIN_NOTIFICATIONS_H_
#define BITS_SERVER_DOMAIN_NOTIFICATIONS_H_

#include <cstdint>
#include <optional>

#include "absl/time/time.h"
#include "server/domain/decide.h"
#include "server/domain/error.h"
#include "server/domain/job.h"

namespace bits::domain {

// Which of BITS's callbacks the change is, the job being as it is after it, if its flags ask for
// that one; else kNone. Progress is none: it is not kept, and watchers see it.
NotifyFlag NotificationOf(ChangeKind change, const Job& job);

// BITS: who registers after the event is told of it all the same. The notification of the state that
// the job was in before and is in still, if only now there is somebody to tell, somebody else, or
// the flags ask for it.
NotifyFlag LateNotification(const Job& before, const Job& after);

// How many of a job may wait or be given up, before this one is not made. So the owner learns how a
// job ended in spite of a flood of smaller news.
uint32_t MostKept(NotifyFlag notification);

// How often and when it is tried again.
struct DeliveryPolicy {
  uint32_t max_tries = 20;                        // 1 or more
  absl::Duration first_delay = absl::Seconds(5);  // doubles with each try
  absl::Duration longest_delay = absl::Hours(1);
};

// When one that has failed so many times (1 or more) is tried next: jitter, 0 to 1, takes up to half
// of the delay away. What the receiver asked for by Retry-After is heeded up to the longest delay.
// Nullopt: never, it is given up. So is one whose receiver says that it is gone for good (410).
std::optional<absl::Time> NextTry(const DeliveryPolicy& policy, const Failure& failure,
                                  uint32_t tries, double jitter, absl::Time now);

// The same where the last that failed was a command line: BITS runs it again after the job's
// MinimumRetryDelay, unless the job was completed or cancelled.
std::optional<absl::Time> NextRun(const DeliveryPolicy& policy, const Job& job, uint32_t tries,
                                  absl::Time now);

}  // namespace bits::domain

#endif  // BITS_SERVER_DOMAIN_NOTIFICATIONS_H_

// Transient or fatal, and when to try again. Pure; any thread.
#ifndef BITS_SERVER_DOMAIN_RETRY_H_
#define BITS_SERVER_DOMAIN_RETRY_H_

#include <cstdint>

#include "absl/time/time.h"
#include "server/domain/error.h"
#include "server/domain/job.h"

namespace bits::domain {

// The most that an origin's Retry-After can ask for.
inline constexpr absl::Duration kLongestRetryAfter = absl::Hours(24);

// BITS's table for HTTP statuses (reference: handling server application errors), with
// 425 and 429 transient too, and 308 as 307.
bool IsTransientHttpStatus(uint32_t status);

// Whether waiting alone may mend it.
bool IsTransient(const Failure& failure);

// When the next attempt is due if `failure` happens at `now`: after the job's
// minimum_retry_delay, or the origin's Retry-After if that is longer (at most
// kLongestRetryAfter).
absl::Time RetryTime(const Job& job, const Failure& failure, absl::Time now);

// Whether the job may try again by itself after `failure` at `now`: it is transient, the
// no-progress timeout is neither 0 nor used up, nor shorter than the retry delay; and the job
// asks by GET.
bool MayRetry(const Job& job, const Failure& failure, absl::Time now);

}  // namespace bits::domain

#endif  // BITS_SERVER_DOMAIN_RETRY_H_

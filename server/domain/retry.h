// Transient or fatal, and when to try again. Pure; any thread.
#ifndef BITS_SERVER_DOMAIN_RETRY_H_
#define BITS_SERVER_DOMAIN_RETRY_H_

#include <cstdint>

#include "absl/status/status.h"
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

// How long the job waits after this failure: its minimum_retry_delay; or, where its RetryOptions have
// the waits grow, a length between that and the lesser of maximum_delay and minimum_retry_delay *
// multiplier^n, n being the number of the wait since the last progress. Which one follows from the
// job's id and attempt_count: it is the same each time, and evenly spread over the jobs.
absl::Duration RetryDelay(const Job& job);

// OK, or the refusal that names the field.
absl::Status CheckRetryOptions(const RetryOptions& options, absl::Duration minimum_retry_delay);

// When the next attempt is due if `failure` happens at `now`: after RetryDelay(), or the origin's Retry-After if that is longer (at most
// kLongestRetryAfter).
absl::Time RetryTime(const Job& job, const Failure& failure, absl::Time now);

// Whether the job may try again by itself after `failure` at `now`: it is transient, the
// no-progress timeout is neither 0 nor used up, nor shorter than minimum_retry_delay; and the job
// asks by GET. `another`: another failure of the same try is transient (domain/mirrors.h), which will do.
bool MayRetry(const Job& job, const Failure& failure, absl::Time now, bool another = false);

}  // namespace bits::domain

#endif  // BITS_SERVER_DOMAIN_RETRY_H_

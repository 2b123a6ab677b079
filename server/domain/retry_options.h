// How the waits between a job's tries grow. Pure values; any thread. What they come to: retry.h.
#ifndef BITS_SERVER_DOMAIN_RETRY_OPTIONS_H_
#define BITS_SERVER_DOMAIN_RETRY_OPTIONS_H_

#include "absl/time/time.h"

namespace bits::domain {

inline constexpr double kDefaultRetryMultiplier = 2;
inline constexpr double kMostRetryMultiplier = 10;

struct RetryOptions {
  // Zero: every wait is the job's minimum_retry_delay, as in BITS. Else not less than that.
  absl::Duration maximum_delay = absl::ZeroDuration();
  double multiplier = kDefaultRetryMultiplier;  // 1 or more
  bool operator==(const RetryOptions&) const = default;
};

}  // namespace bits::domain

#endif  // BITS_SERVER_DOMAIN_RETRY_OPTIONS_H_

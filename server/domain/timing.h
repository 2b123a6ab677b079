// When a job may run, and until when. BITS has neither. Pure; any thread.
#ifndef BITS_SERVER_DOMAIN_TIMING_H_
#define BITS_SERVER_DOMAIN_TIMING_H_

#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace bits::domain {

// The most that either may lie ahead when it is set.
inline constexpr absl::Duration kFarthestAhead = absl::Hours(365 * 24);

struct Timing {
  // Until then the job gets no turn. InfinitePast: it need not wait.
  absl::Time not_before = absl::InfinitePast();
  // A job that runs or wants to, and is not TRANSFERRED by then, fails with ERROR_TIMEOUT; none is
  // resumed later. InfiniteFuture: there is none.
  absl::Time deadline = absl::InfiniteFuture();
  bool operator==(const Timing&) const = default;
};

// What UpdateJob writes of it; absent ones stay.
struct TimingUpdate {
  std::optional<absl::Time> not_before;
  std::optional<absl::Time> deadline;
};

Timing After(const Timing& before, const TimingUpdate& update);

// OK, or INVALID_ARGUMENT that names the field and the rule. `before` is what the job had: that
// stays, also where it could not be set any more; of a new job: Timing().
absl::Status CheckTiming(const Timing& before, const Timing& after, absl::Time now);

}  // namespace bits::domain

#endif  // BITS_SERVER_DOMAIN_TIMING_H_

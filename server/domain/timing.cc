#include "server/domain/timing.h"

#include "server/base/error_info.h"

namespace bits::domain {

Timing After(const Timing& before, const TimingUpdate& update) {
  return {update.not_before.value_or(before.not_before), update.deadline.value_or(before.deadline)};
}

absl::Status CheckTiming(const Timing& before, const Timing& after, absl::Time now) {
  constexpr const char* kNotBefore = "job.not_before_time";
  constexpr const char* kDeadline = "job.deadline";
  constexpr const char* kTooFar = "must be at most 1 year (365 days) ahead";
  if (after == before) return absl::OkStatus();
  if (after.not_before != before.not_before && after.not_before > now + kFarthestAhead) {
    return InvalidField(kNotBefore, kTooFar);
  }
  if (after.deadline != before.deadline && after.deadline != absl::InfiniteFuture()) {
    if (after.deadline <= now) return InvalidField(kDeadline, "must be in the future");
    if (after.deadline > now + kFarthestAhead) return InvalidField(kDeadline, kTooFar);
  }
  if (after.deadline <= after.not_before) {
    if (after.deadline != before.deadline) {
      return InvalidField(kDeadline, "must be after not_before_time");
    }
    return InvalidField(kNotBefore, "must be before the deadline");
  }
  return absl::OkStatus();
}

}  // namespace bits::domain

#include "server/platform/system_clock.h"

#include <ctime>

#include "absl/time/clock.h"

namespace bits::platform {
namespace {

absl::Duration SinceBoot() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return absl::DurationFromTimespec(now);
}

}  // namespace

SystemClock::SystemClock() : offset_(absl::Now() - SinceBoot()) {}

absl::Time SystemClock::Now() const { return offset_ + SinceBoot(); }

}  // namespace bits::platform

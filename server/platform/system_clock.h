// The time of this machine.
#ifndef BITS_SERVER_PLATFORM_SYSTEM_CLOCK_H_
#define BITS_SERVER_PLATFORM_SYSTEM_CLOCK_H_

#include "absl/time/time.h"
#include "server/app/ports/clock.h"

namespace bits::platform {

// Counts from the wall time at its construction by CLOCK_BOOTTIME, so make one early and keep it.
class SystemClock final : public app::Clock {
 public:
  SystemClock();
  absl::Time Now() const override;

 private:
  const absl::Time offset_;  // the wall time when the machine was started, as we see it
};

}  // namespace bits::platform

#endif  // BITS_SERVER_PLATFORM_SYSTEM_CLOCK_H_

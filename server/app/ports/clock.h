// The time, as all of bitsd sees it.
#ifndef BITS_SERVER_APP_PORTS_CLOCK_H_
#define BITS_SERVER_APP_PORTS_CLOCK_H_

#include "absl/time/time.h"

namespace bits::app {

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  // The wall time when the process started, plus what has passed since on a clock that
  // nobody sets (and that counts sleep). So moving the wall clock moves no timer until
  // the next start, as in BITS. Never goes back within a process.
  virtual absl::Time Now() const = 0;
};

}  // namespace bits::app

#endif  // BITS_SERVER_APP_PORTS_CLOCK_H_

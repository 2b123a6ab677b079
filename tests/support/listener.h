// Sockets on the loopback interface.
#ifndef BITS_TESTS_SUPPORT_LISTENER_H_
#define BITS_TESTS_SUPPORT_LISTENER_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "server/base/unique_fd.h"

namespace bits::testing {

struct Listener {
  UniqueFd fd;
  uint16_t port = 0;
};

// Listens on a free port of 127.0.0.1.
absl::StatusOr<Listener> ListenOnLoopback();

// Blocks until connected.
absl::StatusOr<UniqueFd> ConnectToLoopback(uint16_t port);

// A port on which nobody listens, held so that nobody will while `fd` is open: who
// connects is refused.
absl::StatusOr<Listener> ReserveDeadPort();

}  // namespace bits::testing

#endif  // BITS_TESTS_SUPPORT_LISTENER_H_

#include "tests/support/listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

#include "server/base/status_macros.h"

namespace bits::testing {
namespace {

sockaddr_in Loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

const sockaddr* Generic(const sockaddr_in& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

}  // namespace

absl::StatusOr<Listener> ReserveDeadPort() {
  Listener listener;
  listener.fd.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!listener.fd) return absl::ErrnoToStatus(errno, "socket");
  sockaddr_in address = Loopback(0);
  if (::bind(listener.fd.get(), Generic(address), sizeof(address)) != 0) {
    return absl::ErrnoToStatus(errno, "bind");
  }
  socklen_t size = sizeof(address);
  if (::getsockname(listener.fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return absl::ErrnoToStatus(errno, "getsockname");
  }
  listener.port = ntohs(address.sin_port);
  return listener;
}

absl::StatusOr<Listener> ListenOnLoopback() {
  BITS_ASSIGN_OR_RETURN(Listener listener, ReserveDeadPort());
  if (::listen(listener.fd.get(), SOMAXCONN) != 0) return absl::ErrnoToStatus(errno, "listen");
  return listener;
}

absl::StatusOr<UniqueFd> ConnectToLoopback(uint16_t port) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return absl::ErrnoToStatus(errno, "socket");
  const sockaddr_in address = Loopback(port);
  if (::connect(fd.get(), Generic(address), sizeof(address)) != 0) {
    return absl::ErrnoToStatus(errno, "connect");
  }
  return fd;
}

}  // namespace bits::testing

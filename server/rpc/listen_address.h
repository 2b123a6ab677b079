// Where the server listens.
#ifndef BITS_SERVER_RPC_LISTEN_ADDRESS_H_
#define BITS_SERVER_RPC_LISTEN_ADDRESS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace bits::rpc {

struct ListenAddress {
  std::string host;   // of TCP, without brackets
  uint16_t port = 0;  // 0: one that is free
  std::string path;   // of a unix socket; then host is empty

  bool is_unix() const { return !path.empty(); }
  // As it is written, and as gRPC takes it: `127.0.0.1:7878`, `[::1]:7878`, `unix:/run/b.sock`.
  std::string ToString() const;
};

// `HOST:PORT`, HOST a name, an IPv4 address or an IPv6 address in brackets, or `unix:PATH`.
// INVALID_ARGUMENT says what is wrong. Pure.
absl::StatusOr<ListenAddress> ParseListenAddress(std::string_view text);

// Whether only this machine can reach it: 127.0.0.0/8, ::1 (also as ::ffff:127.0.0.1) and the
// name localhost (RFC 6761). Every other name, 0.0.0.0 and :: can be reached from elsewhere.
// Pure.
bool IsLoopbackAddress(std::string_view host);

// Makes way for a unix socket: removes one at `path` that nobody answers at any more.
// FAILED_PRECONDITION if somebody does, or if what is there is no socket. Looks at the file system.
absl::Status RemoveStaleSocket(const std::string& path);

// Why gRPC, which does not say, could not listen there: tries it. nullopt if it can be done now.
// For the message only.
std::optional<std::string> WhyNotListening(const ListenAddress& address);

}  // namespace bits::rpc

#endif  // BITS_SERVER_RPC_LISTEN_ADDRESS_H_

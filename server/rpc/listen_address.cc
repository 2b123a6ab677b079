#include "server/rpc/listen_address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "server/base/strings.h"
#include "server/base/unique_fd.h"

namespace bits::rpc {
namespace {

constexpr std::string_view kUnix = "unix:";

std::string Errno() { return std::strerror(errno); }  // NOLINT(concurrency-mt-unsafe)

bool IsNameCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.' || c == '_';
}

bool IsIpv6(const std::string& text) {
  in6_addr address;
  return inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

std::optional<sockaddr_un> UnixAddress(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return std::nullopt;
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

}  // namespace

std::string ListenAddress::ToString() const {
  if (is_unix()) return std::string(kUnix) + path;
  const bool ipv6 = host.find(':') != std::string::npos;
  return (ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

absl::StatusOr<ListenAddress> ParseListenAddress(std::string_view text) {
  const auto wrong = [text](std::string_view why) {
    std::string message = "\"" + std::string(text) + "\" is no address to listen at: ";
    message.append(why).append("; give HOST:PORT or unix:PATH");
    return absl::InvalidArgumentError(message);
  };
  ListenAddress address;
  if (text.starts_with(kUnix)) {
    address.path = text.substr(kUnix.size());
    if (address.path.empty()) return wrong("the path is missing");
    if (!UnixAddress(address.path) || address.path.find('\0') != std::string::npos) {
      return wrong("the path is longer than 107 bytes");
    }
    return address;
  }
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong("the port is missing");
  const std::string_view port = text.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (port.empty() || error != std::errc() || end != port.data() + port.size()) {
    return wrong("the port must be a number from 0 to 65535");
  }
  std::string_view host = text.substr(0, colon);
  if (host.empty()) return wrong("the host is missing");
  if (host.front() == '[' && host.back() == ']') {
    address.host = host.substr(1, host.size() - 2);
    if (!IsIpv6(address.host)) return wrong("there must be an IPv6 address in brackets");
    return address;
  }
  if (host.find(':') != std::string_view::npos) return wrong("an IPv6 address needs brackets");
  if (!std::all_of(host.begin(), host.end(), IsNameCharacter)) {
    return wrong("the host must be a name or an address");
  }
  address.host = host;
  return address;
}

bool IsLoopbackAddress(std::string_view host) {
  if (absl::EqualsIgnoreCase(Av(host), "localhost")) return true;
  const std::string text(host);
  in_addr v4;
  if (inet_pton(AF_INET, text.c_str(), &v4) == 1) return ntohl(v4.s_addr) >> 24 == 127;
  in6_addr v6;
  if (inet_pton(AF_INET6, text.c_str(), &v6) != 1) return false;
  return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
}

absl::Status RemoveStaleSocket(const std::string& path) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) {
    if (errno == ENOENT) return absl::OkStatus();
    return absl::FailedPreconditionError("cannot look at " + path + ": " + Errno());
  }
  if (!S_ISSOCK(found.st_mode)) {
    return absl::FailedPreconditionError(path + " is there and is not a socket");
  }
  const std::optional<sockaddr_un> address = UnixAddress(path);
  if (!address) return absl::FailedPreconditionError(path + " is too long for a socket");
  const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (fd.get() < 0) return absl::FailedPreconditionError("cannot make a socket: " + Errno());
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof(*address)) == 0 ||
      errno == EAGAIN || errno == EINPROGRESS) {
    return absl::FailedPreconditionError("another process listens at " + path);
  }
  if (errno != ECONNREFUSED) {
    return absl::FailedPreconditionError("cannot tell who listens at " + path + ": " + Errno());
  }
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    return absl::FailedPreconditionError("cannot remove the stale socket " + path + ": " + Errno());
  }
  return absl::OkStatus();
}

std::optional<std::string> WhyNotListening(const ListenAddress& address) {
  if (address.is_unix()) {
    const std::optional<sockaddr_un> where = UnixAddress(address.path);
    const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (where && fd.get() >= 0 &&
        ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&*where), sizeof(*where)) == 0) {
      ::unlink(address.path.c_str());
      return std::nullopt;
    }
    return Errno();
  }
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* resolved = nullptr;
  const int failed =
      ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &resolved);
  if (failed != 0) return ::gai_strerror(failed);
  std::optional<std::string> why;
  for (const addrinfo* at = resolved; at != nullptr; at = at->ai_next) {
    const UniqueFd fd(::socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol));
    const int on = 1;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (fd.get() < 0 || ::bind(fd.get(), at->ai_addr, at->ai_addrlen) != 0 ||
        ::listen(fd.get(), 1) != 0) {
      why = Errno();
      break;
    }
  }
  ::freeaddrinfo(resolved);
  return why;
}

}  // namespace bits::rpc

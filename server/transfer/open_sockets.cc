#include "server/transfer/open_sockets.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <optional>

namespace bits::transfer {
namespace {

using Query = int (*)(int, sockaddr*, socklen_t*);

std::optional<uint16_t> PortBy(Query query, int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  if (query(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return std::nullopt;
  if (address.ss_family == AF_INET) {
    return ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
  }
  if (address.ss_family == AF_INET6) {
    return ntohs(reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port);
  }
  return std::nullopt;
}

uint32_t Key(int local_port, int remote_port) {
  return (static_cast<uint32_t>(local_port) << 16) | static_cast<uint32_t>(remote_port);
}

}  // namespace

void OpenSockets::Attach(CURL* easy) {
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, &OpenSockets::Open);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, this);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, &OpenSockets::Close);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, this);
}

bool OpenSockets::HasInput(int local_port, int remote_port) {
  NameNewOnes();
  const auto [begin, end] = by_ports_.equal_range(Key(local_port, remote_port));
  if (begin == end) return true;
  return std::any_of(begin, end, [](const auto& entry) {
    pollfd ready{entry.second, POLLIN, 0};
    return ::poll(&ready, 1, 0) != 0;
  });
}

void OpenSockets::LimitWindow(int local_port, int remote_port, size_t bytes) {
  NameNewOnes();
  const int clamp = static_cast<int>(std::min<size_t>(bytes, std::numeric_limits<int>::max()));
  const auto [begin, end] = by_ports_.equal_range(Key(local_port, remote_port));
  for (auto it = begin; it != end; ++it) {
    ::setsockopt(it->second, IPPROTO_TCP, TCP_WINDOW_CLAMP, &clamp, sizeof(clamp));
  }
}

curl_socket_t OpenSockets::Open(void* self, curlsocktype /*purpose*/, curl_sockaddr* address) {
  const int socket =
      ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  if (socket < 0) return CURL_SOCKET_BAD;
  static_cast<OpenSockets*>(self)->new_.push_back(socket);
  return socket;
}

int OpenSockets::Close(void* self, curl_socket_t socket) {
  auto* sockets = static_cast<OpenSockets*>(self);
  std::erase(sockets->new_, socket);
  if (const auto known = sockets->ports_.find(socket); known != sockets->ports_.end()) {
    const auto [begin, end] = sockets->by_ports_.equal_range(known->second);
    const auto entry = std::find_if(begin, end, [&](const auto& e) { return e.second == socket; });
    sockets->by_ports_.erase(entry);
    sockets->ports_.erase(known);
  }
  return ::close(socket);
}

void OpenSockets::NameNewOnes() {
  std::erase_if(new_, [this](curl_socket_t socket) {
    const std::optional<uint16_t> remote = PortBy(&::getpeername, socket);
    const std::optional<uint16_t> local = PortBy(&::getsockname, socket);
    if (!remote || !local) return false;  // it is still being connected
    ports_[socket] = Key(*local, *remote);
    by_ports_.emplace(Key(*local, *remote), socket);
    return true;
  });
}

}  // namespace bits::transfer

// The sockets of libcurl's connections, found by their ports: libcurl does not tell which it is
// about to use again.
#ifndef BITS_SERVER_TRANSFER_OPEN_SOCKETS_H_
#define BITS_SERVER_TRANSFER_OPEN_SOCKETS_H_

#include <curl/curl.h>

#include <cstdint>
#include <unordered_map>
#include <vector>

namespace bits::transfer {

// On the loop's thread. Outlives the connections.
class OpenSockets {
 public:
  // Has the sockets of the handle's connections opened and closed here.
  void Attach(CURL* easy);

  // Whether something has come on a connection between these ports (or on another between the same
  // ports of other addresses: that is rare, and does no harm). True if there is none.
  bool HasInput(int local_port, int remote_port);

  // How much the peer may send ahead of what is read, from now on (what it was allowed to send
  // before still comes). A window that was limited may be widened again. Does nothing if there is
  // no such connection.
  void LimitWindow(int local_port, int remote_port, size_t bytes);

 private:
  static curl_socket_t Open(void* self, curlsocktype purpose, curl_sockaddr* address);
  static int Close(void* self, curl_socket_t socket);
  // Looks up the ports of those that have been connected meanwhile.
  void NameNewOnes();

  std::vector<curl_socket_t> new_;  // their ports were not known yet
  std::unordered_multimap<uint32_t, curl_socket_t> by_ports_;
  std::unordered_map<curl_socket_t, uint32_t> ports_;
};

}  // namespace bits::transfer

#endif  // BITS_SERVER_TRANSFER_OPEN_SOCKETS_H_

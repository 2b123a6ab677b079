// One connection of a client, plain or TLS, and where they come from.
#ifndef BITS_SERVER_RECEIVE_TRANSPORT_H_
#define BITS_SERVER_RECEIVE_TRANSPORT_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "server/receive/io_loop.h"
#include "server/receive/options.h"

namespace bits::receive {

// All on the loop's thread. One Read and one Write at a time; what they are given lives until their
// `done`, which is never called from within the call.
class Transport {
 public:
  virtual ~Transport() = default;
  // False: there will be no connection.
  virtual void Handshake(std::function<void(bool)> done) = 0;
  // So many bytes, at most `size`; 0: there will be no more.
  virtual void Read(char* buffer, size_t size, std::function<void(size_t)> done) = 0;
  // All of it; false: the other side is gone.
  virtual void Write(std::string_view data, std::function<void(bool)> done) = 0;
  // Nothing more will be written; what comes can still be read.
  virtual void EndWriting() = 0;
  // What is under way ends as if the other side were gone.
  virtual void Close() = 0;

  virtual std::string PeerAddress() const = 0;      // without the port
  virtual std::string CertificateName() const = 0;  // the common name; empty: none was shown
  virtual bool secure() const = 0;
};

// Listens, from its making on; accepts when it is asked to.
class Acceptor {
 public:
  virtual ~Acceptor() = default;
  // Calls `accepted` for the next connection, on the loop. One at a time.
  virtual void Accept(std::function<void(std::shared_ptr<Transport>)> accepted) = 0;
  virtual void Close() = 0;  // on the loop
  // "http://127.0.0.1:8008", "https://[::1]:8443"
  virtual std::string address() const = 0;
};

// INVALID_ARGUMENT: a certificate, key or authority cannot be used; else what the system says.
absl::StatusOr<std::unique_ptr<Acceptor>> Listen(IoLoop& loop, const ListenOptions& options);

// Whether only this machine can reach an IP address; nullopt: it is none.
std::optional<bool> IsLoopback(const std::string& address);

}  // namespace bits::receive

#endif  // BITS_SERVER_RECEIVE_TRANSPORT_H_

// An HTTP/1.1 origin on the loopback interface that can be told to misbehave, and remembers
// what it was asked and what it sent.
#ifndef BITS_TESTS_SUPPORT_ORIGIN_SERVER_H_
#define BITS_TESTS_SUPPORT_ORIGIN_SERVER_H_

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/base/mutex.h"
#include "server/base/unique_fd.h"
#include "tests/support/origin_stream.h"

namespace bits::testing {

struct OriginRequest {
  std::string method;
  std::string target;                          // path and query
  std::map<std::string, std::string> headers;  // names in lower case
  uint64_t connection = 0;                     // from 1, in the order of their beginning
  std::string client_name;                     // of the certificate that the client showed
  uint64_t bytes_sent_before = 0;              // BytesSent of its path when it arrived
  // "" if it is not there.
  std::string Header(const std::string& lower_case_name) const;
};

// How a response departs from what it should be. What is not set is as it should be.
struct Behavior {
  enum class Framing { kContentLength, kChunked, kUntilClose };

  int status = 0;  // answers with this status and a few bytes of text
  std::vector<std::pair<std::string, std::string>> headers = {};  // added: Retry-After, Location ..
  std::string raw = {};  // sent in place of a response, and the connection closed

  bool ignore_range = false;                      // 200 and everything, whatever was asked
  bool ignore_if_range = false;                   // 206 though If-Range does not match
  bool refuse_if_range = false;                   // 200 whenever there is an If-Range
  bool accept_ranges = true;                      // say so in a header
  std::optional<std::string> content_range = {};  // in place of the right one
  std::optional<uint64_t> part_limit = {};        // a 206 holds at most so many bytes
  std::string content_encoding = {};              // claimed; the body is sent as it is

  Framing framing = Framing::kContentLength;
  int64_t length_lie = 0;  // added to Content-Length; the body is sent as it is
  bool close = false;      // Connection: close, and does

  uint64_t bytes_per_second = 0;             // 0: as fast as it goes
  std::optional<uint64_t> cut_after = {};    // bytes of the body, then the connection ends
  bool reset = false;                        // .. by RST, not FIN
  std::optional<uint64_t> stall_after = {};  // bytes of the body, then silence until Release()
  bool stall_before_head = false;            // silence until Release() in place of the head

  // Another behaviour in place of this one, for what the request says; nullopt: this one.
  std::function<std::optional<Behavior>(const OriginRequest&)> choose = {};
};

struct Resource {
  std::shared_ptr<const std::string> body = std::make_shared<std::string>();
  std::string etag = "\"v1\"";                                  // empty: none
  std::string last_modified = "Wed, 21 Oct 2015 07:28:00 GMT";  // empty: none
  Behavior behavior;
};

// Thread-safe. A thread for each connection. HEAD is understood.
class OriginServer {
 public:
  struct Options {
    bool tls = false;  // with a certificate that ca_pem() proves
    CertificateOptions certificate = {};
    bool ask_client_certificate = false;
    bool tls12_at_most = false;
  };

  static absl::StatusOr<std::unique_ptr<OriginServer>> Start(Options options);
  static absl::StatusOr<std::unique_ptr<OriginServer>> Start() { return Start(Options()); }
  ~OriginServer();  // ends all connections
  OriginServer(const OriginServer&) = delete;
  OriginServer& operator=(const OriginServer&) = delete;

  uint16_t port() const { return port_; }
  std::string Url(std::string_view path) const;  // path begins with '/'
  const std::string& ca_pem() const { return ca_pem_; }
  // The certificate's own revocation list, PEM.
  absl::StatusOr<std::string> RevocationList(bool revoked) const {
    return MakeRevocationList(certificate_, revoked);
  }

  // What stands at `path` from now on; a query is ignored. Responses under way go on with the old
  // body. What nobody put is 404.
  void Put(const std::string& path, Resource resource);
  void Put(const std::string& path, std::string body, Behavior behavior = {});
  void Change(const std::string& path, const std::function<void(Resource&)>& change);
  void Remove(const std::string& path);
  // How the next requests for `path` are answered, one each, before its own behavior.
  void Script(const std::string& path, std::vector<Behavior> behaviors);
  // Sends on every open connection what nobody asked for. It has arrived when this returns.
  void SendUnasked(std::string_view text);

  // In the order of arrival.
  std::vector<OriginRequest> Requests(const std::string& path) const;
  size_t RequestCount(const std::string& path) const;
  // Of bodies, as far as the socket took them.
  uint64_t BytesSent(const std::string& path) const;
  uint64_t connections() const;  // accepted so far
  bool WaitForRequests(const std::string& path, size_t count, absl::Duration timeout);
  bool WaitForBytes(const std::string& path, uint64_t bytes, absl::Duration timeout);

  // Lets all that stall go on, now and later.
  void Release();
  // Ends all connections, with RST.
  void CloseConnections();

 private:
  struct Connection {
    std::unique_ptr<OriginStream> stream;
    std::thread thread;
    bool done = false;
  };

  OriginServer() = default;
  void Accept();
  void Serve(OriginStream& stream, uint64_t connection);
  // Whether the connection may be used again.
  bool Answer(OriginStream& stream, const OriginRequest& request);
  bool SendBody(OriginStream& stream, const std::string& path, std::string_view body,
                const Behavior& behavior);
  // False if the connection is to end.
  bool WaitForRelease(OriginStream& stream);
  bool Pause(std::chrono::nanoseconds time);
  void CountBytes(const std::string& path, uint64_t bytes);

  UniqueFd listener_;
  UniqueFd stop_;      // readable: everything ends
  UniqueFd released_;  // readable: nothing stalls
  uint16_t port_ = 0;
  std::string ca_pem_;
  Certificate certificate_;
  std::shared_ptr<TlsServerContext> tls_;  // none: plain
  mutable Mutex mutex_;
  CondVar changed_;  // a request, bytes or a connection
  CondVar stopped_;
  bool stopping_ BITS_GUARDED_BY(mutex_) = false;
  std::map<std::string, Resource> resources_ BITS_GUARDED_BY(mutex_);
  std::map<std::string, std::deque<Behavior>> scripts_ BITS_GUARDED_BY(mutex_);
  std::map<std::string, std::vector<OriginRequest>> requests_ BITS_GUARDED_BY(mutex_);
  std::map<std::string, uint64_t> bytes_sent_ BITS_GUARDED_BY(mutex_);
  std::list<Connection> connections_ BITS_GUARDED_BY(mutex_);
  uint64_t accepted_ BITS_GUARDED_BY(mutex_) = 0;
  std::thread acceptor_;
};

// `size` bytes that no other seed gives, and no other offset either.
std::string MakeContent(size_t size, uint64_t seed);

}  // namespace bits::testing

#endif  // BITS_TESTS_SUPPORT_ORIGIN_SERVER_H_

// A client of the BITS upload protocol that does what it is told, right or wrong.
#ifndef BITS_TESTS_CONFORMANCE_HARNESS_UPLOAD_CLIENT_H_
#define BITS_TESTS_CONFORMANCE_HARNESS_UPLOAD_CLIENT_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/base/unique_fd.h"
#include "tests/conformance/harness/test_bitsd.h"

struct ssl_st;
struct ssl_ctx_st;

namespace bits::testing {

inline constexpr char kUploadProtocol[] = "{7df0354d-249b-430f-820d-3d2a9bef4931}";

struct UploadReply {
  int status = 0;                              // 0: the connection ended, or nothing came for a long time
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;

  // "" if it is not there.
  std::string Header(const std::string& lower_case_name) const;
  // Both names of the error's code say the same, and with the context are "0x8020001F 0x5".
  std::string Error() const;
  std::string session() const { return Header("bits-session-id"); }
  std::string received() const { return Header("bits-received-content-range"); }
};

using UploadHeaders = std::vector<std::pair<std::string, std::string>>;

// One connection to a receiver on 127.0.0.1. Blocking.
class UploadClient {
 public:
  struct Tls {
    bool use = false;
    std::string certificate_file = {};  // to be shown, with its key_file
    std::string key_file = {};
  };
  explicit UploadClient(uint16_t port) : UploadClient(port, Tls()) {}
  UploadClient(uint16_t port, const Tls& tls);
  ~UploadClient();
  UploadClient(const UploadClient&) = delete;
  UploadClient& operator=(const UploadClient&) = delete;

  bool Send(std::string_view bytes);
  // The next answer; 100 too. `head`: of a HEAD, which has no body.
  UploadReply Receive(bool head = false);
  // Sends and receives.
  UploadReply Ask(std::string_view bytes);
  // Whether the other side ends the connection, without another byte, within the time that is waited.
  bool AwaitEnd();
  // The end as it comes of a killed process: a reset.
  void Reset();

  // A packet with these headers besides Host, BITS-Packet-Type and Content-Length.
  UploadReply Packet(std::string_view type, const std::string& path,
                     const UploadHeaders& headers = {}, std::string_view body = {});
  UploadReply Create(const std::string& path);
  UploadReply Fragment(const std::string& path, const std::string& session, uint64_t first,
                       std::string_view data, uint64_t total);
  UploadReply Close(const std::string& path, const std::string& session);
  UploadReply Cancel(const std::string& path, const std::string& session);
  UploadReply Get(const std::string& path, const UploadHeaders& headers = {},
                  std::string_view method = "GET");

  // Goes along with every request.
  void SetHeader(const std::string& name, const std::string& value) { always_.emplace_back(name, value); }
  int fd() const { return fd_.get(); }

 private:
  UniqueFd fd_;
  ssl_ctx_st* context_ = nullptr;
  ssl_st* ssl_ = nullptr;
  std::string unread_;
  UploadHeaders always_;
  bool More();
};

std::string PacketText(std::string_view type, const std::string& path,
                       const UploadHeaders& headers, uint64_t content_length);
UploadHeaders FragmentHeaders(const std::string& session, uint64_t first, uint64_t size,
                              uint64_t total);

// Where the bitsd, in its present life, takes uploads: the port of its listener number `index`.
uint16_t ReceivePort(BitsdProcess& process, size_t index = 0);

}  // namespace bits::testing

#endif  // BITS_TESTS_CONFORMANCE_HARNESS_UPLOAD_CLIENT_H_

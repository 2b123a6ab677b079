#include "tests/conformance/harness/upload_client.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <csignal>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "server/base/strings.h"
#include "tests/support/listener.h"

namespace bits::testing {
namespace {

constexpr int kPatienceSeconds = 30;

}  // namespace

std::string UploadReply::Header(const std::string& lower_case_name) const {
  const auto it = headers.find(lower_case_name);
  return it == headers.end() ? "" : it->second;
}

std::string UploadReply::Error() const {
  const std::string code = Header("bits-error-code");
  if (code != Header("bits-error")) return "BITS-Error-Code and BITS-Error differ";
  return code.empty() ? "" : absl::StrCat(code, " ", Header("bits-error-context"));
}

UploadClient::UploadClient(uint16_t port, const Tls& tls) {
  std::signal(SIGPIPE, SIG_IGN);
  absl::StatusOr<UniqueFd> fd = ConnectToLoopback(port);
  if (!fd.ok()) return;
  fd_ = *std::move(fd);
  const timeval patience{kPatienceSeconds, 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  if (!tls.use) return;
  context_ = SSL_CTX_new(TLS_client_method());
  if (!tls.certificate_file.empty()) {
    SSL_CTX_use_certificate_chain_file(context_, tls.certificate_file.c_str());
    SSL_CTX_use_PrivateKey_file(context_, tls.key_file.c_str(), SSL_FILETYPE_PEM);
  }
  ssl_ = SSL_new(context_);
  SSL_set_fd(ssl_, fd_.get());
  if (SSL_connect(ssl_) != 1) fd_.reset();
}

UploadClient::~UploadClient() {
  if (ssl_ != nullptr) SSL_free(ssl_);
  if (context_ != nullptr) SSL_CTX_free(context_);
}

bool UploadClient::Send(std::string_view bytes) {
  while (fd_.valid() && !bytes.empty()) {
    const ssize_t n = ssl_ != nullptr
                          ? SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()))
                          : ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return fd_.valid();
}

bool UploadClient::More() {
  char buffer[65536];
  if (!fd_.valid()) return false;
  const ssize_t n = ssl_ != nullptr ? SSL_read(ssl_, buffer, sizeof(buffer))
                                    : ::recv(fd_.get(), buffer, sizeof(buffer), 0);
  if (n <= 0) return false;
  unread_.append(buffer, static_cast<size_t>(n));
  return true;
}

UploadReply UploadClient::Receive(bool head) {
  UploadReply reply;
  size_t end = std::string::npos;
  while ((end = unread_.find("\r\n\r\n")) == std::string::npos) {
    if (!More()) return reply;
  }
  const std::vector<std::string> lines = absl::StrSplit(unread_.substr(0, end), "\r\n");
  unread_.erase(0, end + 4);
  int status = 0;
  if (!absl::StartsWith(lines.front(), "HTTP/1.1 ") ||
      !absl::SimpleAtoi(lines.front().substr(9, 3), &status)) {
    return reply;
  }
  for (size_t i = 1; i < lines.size(); ++i) {
    const std::pair<std::string, std::string> field =
        absl::StrSplit(lines[i], absl::MaxSplits(':', 1));
    reply.headers[absl::AsciiStrToLower(field.first)] =
        std::string(absl::StripAsciiWhitespace(field.second));
  }
  size_t length = 0;
  (void)absl::SimpleAtoi(reply.Header("content-length"), &length);
  if (head || status == 100) length = 0;
  while (unread_.size() < length) {
    if (!More()) return reply;
  }
  reply.body = unread_.substr(0, length);
  unread_.erase(0, length);
  reply.status = status;
  return reply;
}

UploadReply UploadClient::Ask(std::string_view bytes) {
  return Send(bytes) ? Receive() : UploadReply();
}

bool UploadClient::AwaitEnd() {
  if (!unread_.empty() || !fd_.valid()) return false;
  char byte = 0;
  return ::recv(fd_.get(), &byte, 1, 0) == 0 || errno == ECONNRESET;
}

void UploadClient::Reset() {
  const linger now{1, 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  fd_.reset();
}

std::string PacketText(std::string_view type, const std::string& path,
                       const UploadHeaders& headers, uint64_t content_length) {
  std::string text = absl::StrCat("BITS_POST ", path, " HTTP/1.1\r\nHost: 127.0.0.1\r\n",
                                  "User-Agent: Microsoft BITS/7.8\r\nBITS-Packet-Type: ", Av(type),
                                  "\r\nContent-Length: ", content_length, "\r\n");
  for (const auto& [name, value] : headers) absl::StrAppend(&text, name, ": ", value, "\r\n");
  return text + "\r\n";
}

UploadHeaders FragmentHeaders(const std::string& session, uint64_t first, uint64_t size,
                              uint64_t total) {
  return {{"BITS-Session-Id", session},
          {"Content-Name", "leaf"},
          {"Content-Range", absl::StrCat("bytes ", first, "-", first + size - 1, "/", total)}};
}

UploadReply UploadClient::Packet(std::string_view type, const std::string& path,
                                 const UploadHeaders& headers, std::string_view body) {
  UploadHeaders all = headers;
  all.insert(all.end(), always_.begin(), always_.end());
  std::string text = PacketText(type, path, all, body.size());
  text += body;
  return Ask(text);
}

UploadReply UploadClient::Create(const std::string& path) {
  return Packet("Create-Session", path,
                {{"BITS-Supported-Protocols", kUploadProtocol}, {"Content-Name", "leaf"}});
}

UploadReply UploadClient::Fragment(const std::string& path, const std::string& session,
                                   uint64_t first, std::string_view data, uint64_t total) {
  return Packet("Fragment", path, FragmentHeaders(session, first, data.size(), total), data);
}

UploadReply UploadClient::Close(const std::string& path, const std::string& session) {
  return Packet("Close-Session", path, {{"BITS-Session-Id", session}});
}

UploadReply UploadClient::Cancel(const std::string& path, const std::string& session) {
  return Packet("Cancel-Session", path, {{"BITS-Session-Id", session}});
}

UploadReply UploadClient::Get(const std::string& path, const UploadHeaders& headers,
                              std::string_view method) {
  std::string text = absl::StrCat(Av(method), " ", path, " HTTP/1.1\r\nHost: 127.0.0.1\r\n");
  UploadHeaders all = headers;
  all.insert(all.end(), always_.begin(), always_.end());
  for (const auto& [name, value] : all) absl::StrAppend(&text, name, ": ", value, "\r\n");
  return Send(text + "\r\n") ? Receive(method == "HEAD") : UploadReply();
}

uint16_t ReceivePort(BitsdProcess& process, size_t index) {
  if (!process.WaitForLog(" serving", absl::Seconds(30))) ADD_FAILURE() << "bitsd does not serve";
  const std::string log = process.Log();
  // Of the last life: behind its first line.
  size_t at = log.rfind(" listening address=");
  for (size_t i = 0; i <= index && at != std::string::npos; ++i) {
    at = log.find("receiving uploads url=", at + 1);
  }
  if (at == std::string::npos) {
    ADD_FAILURE() << "bitsd receives nothing";
    return 1;
  }
  const size_t host = log.find("://", at) + 3;
  const size_t end = log.find(' ', host);
  const std::string address = log.substr(host, end - host);
  uint32_t port = 0;
  (void)absl::SimpleAtoi(address.substr(address.rfind(':') + 1), &port);
  return static_cast<uint16_t>(port);
}

}  // namespace bits::testing

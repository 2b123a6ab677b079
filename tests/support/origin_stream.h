// One connection of an OriginServer, plain or TLS.
#ifndef BITS_TESTS_SUPPORT_ORIGIN_STREAM_H_
#define BITS_TESTS_SUPPORT_ORIGIN_STREAM_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "server/base/unique_fd.h"

struct ssl_st;
struct ssl_ctx_st;

namespace bits::testing {

// A key and a certificate that it signs itself, both PEM.
struct Certificate {
  std::string key;
  std::string certificate;
};
// How a certificate differs from a good one.
struct CertificateOptions {
  std::string names = "IP:127.0.0.1,DNS:localhost";
  std::string common_name = "localhost";
  long begins = -3600;  // seconds from now
  long ends = 24 * 3600L;
  std::string usage = {};  // extendedKeyUsage: "clientAuth"; empty: any
};
// By default for 127.0.0.1 and localhost, from an hour ago for a day.
absl::StatusOr<Certificate> MakeCertificate(const CertificateOptions& options);
inline absl::StatusOr<Certificate> MakeCertificate() { return MakeCertificate({}); }
// Its revocation list, of itself and in PEM; with it in it or empty.
absl::StatusOr<std::string> MakeRevocationList(const Certificate& certificate, bool revoked);

class TlsServerContext {
 public:
  static absl::StatusOr<std::shared_ptr<TlsServerContext>> Make(const Certificate& certificate);
  // Asks for a client's certificate, and takes any or none.
  void AskForCertificate();
  void SetMaximumTls12();
  ~TlsServerContext();
  TlsServerContext(const TlsServerContext&) = delete;
  TlsServerContext& operator=(const TlsServerContext&) = delete;
  ssl_ctx_st* get() const { return context_; }

 private:
  explicit TlsServerContext(ssl_ctx_st* context) : context_(context) {}
  ssl_ctx_st* const context_;
};

// Blocking. One thread uses it; Shutdown may come from any other.
class OriginStream {
 public:
  // `tls`: null for a plain connection.
  OriginStream(UniqueFd fd, std::shared_ptr<TlsServerContext> tls);
  ~OriginStream();
  OriginStream(const OriginStream&) = delete;
  OriginStream& operator=(const OriginStream&) = delete;

  // The handshake, if it is TLS.
  bool Accept();
  // The common name in the certificate that the other side showed; empty if none.
  std::string PeerName() const;
  // Appends what comes next; false at the end.
  bool Read(std::string& to);
  // False if the other side went away. `taken` is what the socket took, of plain bytes.
  bool Write(std::string_view data, size_t* taken = nullptr);
  // An orderly end (close_notify and FIN), or by RST.
  void Close();
  void Reset();
  // Ends whatever blocks, from any thread; by RST.
  void Shutdown();
  // The less the socket buffers, the closer BytesSent is to what the other side has read.
  void LimitBuffer(int bytes);

  int fd() const { return fd_.get(); }

 private:
  UniqueFd fd_;
  std::shared_ptr<TlsServerContext> tls_;
  ssl_st* ssl_ = nullptr;
};

}  // namespace bits::testing

#endif  // BITS_TESTS_SUPPORT_ORIGIN_STREAM_H_

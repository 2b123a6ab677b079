#include "tests/support/origin_stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <array>

#include "server/base/status_macros.h"

namespace bits::testing {
namespace {

template <typename T, void (*Free)(T*)>
struct Deleter {
  void operator()(T* p) const { Free(p); }
};
void FreeBio(BIO* bio) { BIO_free(bio); }
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY, EVP_PKEY_free>>;
using Cert = std::unique_ptr<X509, Deleter<X509, X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Deleter<X509_EXTENSION, X509_EXTENSION_free>>;
using Bio = std::unique_ptr<BIO, Deleter<BIO, FreeBio>>;

std::string Content(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<size_t>(size)};
}

bool AddExtension(X509* cert, int nid, const char* value) {
  Extension extension(X509V3_EXT_conf_nid(nullptr, nullptr, nid, value));
  return extension != nullptr && X509_add_ext(cert, extension.get(), -1) == 1;
}

}  // namespace

absl::StatusOr<Certificate> MakeCertificate(const CertificateOptions& options) {
  Key key(EVP_EC_gen("P-256"));
  Cert cert(X509_new());
  if (key == nullptr || cert == nullptr) return absl::InternalError("no key");
  X509_set_version(cert.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(cert.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(cert.get()), options.begins);
  X509_gmtime_adj(X509_getm_notAfter(cert.get()), options.ends);
  X509_set_pubkey(cert.get(), key.get());
  X509_NAME* name = X509_get_subject_name(cert.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(options.common_name.c_str()), -1,
                             -1, 0);
  X509_set_issuer_name(cert.get(), name);
  Bio key_pem(BIO_new(BIO_s_mem()));
  Bio cert_pem(BIO_new(BIO_s_mem()));
  if (!AddExtension(cert.get(), NID_subject_alt_name, options.names.c_str()) ||
      !AddExtension(cert.get(), NID_basic_constraints, "critical,CA:TRUE") ||
      (!options.usage.empty() &&
       !AddExtension(cert.get(), NID_ext_key_usage, options.usage.c_str())) ||
      X509_sign(cert.get(), key.get(), EVP_sha256()) == 0 ||
      PEM_write_bio_PrivateKey(key_pem.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) !=
          1 ||
      PEM_write_bio_X509(cert_pem.get(), cert.get()) != 1) {
    return absl::InternalError("no certificate");
  }
  return Certificate{Content(key_pem.get()), Content(cert_pem.get())};
}

absl::StatusOr<std::string> MakeRevocationList(const Certificate& certificate, bool revoked) {
  Bio key_pem(BIO_new_mem_buf(certificate.key.data(), static_cast<int>(certificate.key.size())));
  Bio cert_pem(BIO_new_mem_buf(certificate.certificate.data(),
                               static_cast<int>(certificate.certificate.size())));
  Key key(PEM_read_bio_PrivateKey(key_pem.get(), nullptr, nullptr, nullptr));
  Cert cert(PEM_read_bio_X509(cert_pem.get(), nullptr, nullptr, nullptr));
  const std::unique_ptr<X509_CRL, decltype(&X509_CRL_free)> list(X509_CRL_new(), &X509_CRL_free);
  const std::unique_ptr<ASN1_TIME, decltype(&ASN1_TIME_free)> begin(X509_gmtime_adj(nullptr, -60),
                                                                    &ASN1_TIME_free);
  const std::unique_ptr<ASN1_TIME, decltype(&ASN1_TIME_free)> end(X509_gmtime_adj(nullptr, 3600),
                                                                  &ASN1_TIME_free);
  if (key == nullptr || cert == nullptr || list == nullptr) return absl::InternalError("no list");
  X509_CRL_set_version(list.get(), 1);
  X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(cert.get()));
  X509_CRL_set1_lastUpdate(list.get(), begin.get());
  X509_CRL_set1_nextUpdate(list.get(), end.get());
  if (revoked) {
    X509_REVOKED* entry = X509_REVOKED_new();
    X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(cert.get()));
    X509_REVOKED_set_revocationDate(entry, begin.get());
    X509_CRL_add0_revoked(list.get(), entry);
  }
  Bio pem(BIO_new(BIO_s_mem()));
  if (X509_CRL_sign(list.get(), key.get(), EVP_sha256()) == 0 ||
      PEM_write_bio_X509_CRL(pem.get(), list.get()) != 1) {
    return absl::InternalError("no list");
  }
  return Content(pem.get());
}

void TlsServerContext::AskForCertificate() {
  SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
  // Without it a client's session cannot be resumed, and the handshake fails.
  static constexpr unsigned char kContext[] = "origin";
  SSL_CTX_set_session_id_context(context_, kContext, sizeof(kContext) - 1);
}

void TlsServerContext::SetMaximumTls12() {
  SSL_CTX_set_max_proto_version(context_, TLS1_2_VERSION);
}

absl::StatusOr<std::shared_ptr<TlsServerContext>> TlsServerContext::Make(
    const Certificate& certificate) {
  std::shared_ptr<TlsServerContext> context(new TlsServerContext(SSL_CTX_new(TLS_server_method())));
  Bio key_pem(BIO_new_mem_buf(certificate.key.data(), static_cast<int>(certificate.key.size())));
  Bio cert_pem(BIO_new_mem_buf(certificate.certificate.data(),
                               static_cast<int>(certificate.certificate.size())));
  Key key(PEM_read_bio_PrivateKey(key_pem.get(), nullptr, nullptr, nullptr));
  Cert cert(PEM_read_bio_X509(cert_pem.get(), nullptr, nullptr, nullptr));
  if (key == nullptr || cert == nullptr ||
      SSL_CTX_use_certificate(context->get(), cert.get()) != 1 ||
      SSL_CTX_use_PrivateKey(context->get(), key.get()) != 1) {
    return absl::InvalidArgumentError("not a key and its certificate");
  }
  return context;
}

TlsServerContext::~TlsServerContext() { SSL_CTX_free(context_); }

OriginStream::OriginStream(UniqueFd fd, std::shared_ptr<TlsServerContext> tls)
    : fd_(std::move(fd)), tls_(std::move(tls)) {
  const int on = 1;
  ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

OriginStream::~OriginStream() { SSL_free(ssl_); }

bool OriginStream::Accept() {
  if (tls_ == nullptr) return true;
  ssl_ = SSL_new(tls_->get());
  SSL_set_fd(ssl_, fd_.get());
  return SSL_accept(ssl_) == 1;
}

std::string OriginStream::PeerName() const {
  if (ssl_ == nullptr) return "";
  const Cert cert(SSL_get1_peer_certificate(ssl_));
  if (cert == nullptr) return "";
  std::array<char, 256> name{};
  const int size = X509_NAME_get_text_by_NID(X509_get_subject_name(cert.get()), NID_commonName,
                                             name.data(), static_cast<int>(name.size()));
  return size > 0 ? std::string(name.data(), static_cast<size_t>(size)) : "";
}

bool OriginStream::Read(std::string& to) {
  std::array<char, 8192> buffer{};
  const ssize_t n = ssl_ != nullptr ? SSL_read(ssl_, buffer.data(), static_cast<int>(buffer.size()))
                                    : ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
  if (n <= 0) return false;
  to.append(buffer.data(), static_cast<size_t>(n));
  return true;
}

bool OriginStream::Write(std::string_view data, size_t* taken) {
  if (taken != nullptr) *taken = 0;
  while (!data.empty()) {
    const ssize_t n = ssl_ != nullptr ? SSL_write(ssl_, data.data(), static_cast<int>(data.size()))
                                      : ::send(fd_.get(), data.data(), data.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    data.remove_prefix(static_cast<size_t>(n));
    if (taken != nullptr) *taken += static_cast<size_t>(n);
  }
  return true;
}

void OriginStream::Close() {
  if (ssl_ != nullptr) SSL_shutdown(ssl_);
  ::shutdown(fd_.get(), SHUT_WR);
}

void OriginStream::Reset() {
  const linger now{1, 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

void OriginStream::Shutdown() {
  Reset();
  ::shutdown(fd_.get(), SHUT_RDWR);
}

void OriginStream::LimitBuffer(int bytes) {
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

}  // namespace bits::testing

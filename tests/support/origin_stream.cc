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

absl::StatusOr<Certificate> MakeCertificate() {
  Key key(EVP_EC_gen("P-256"));
  Cert cert(X509_new());
  if (key == nullptr || cert == nullptr) return absl::InternalError("no key");
  X509_set_version(cert.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(cert.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(cert.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(cert.get()), 24 * 3600L);
  X509_set_pubkey(cert.get(), key.get());
  X509_NAME* name = X509_get_subject_name(cert.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
  X509_set_issuer_name(cert.get(), name);
  Bio key_pem(BIO_new(BIO_s_mem()));
  Bio cert_pem(BIO_new(BIO_s_mem()));
  if (!AddExtension(cert.get(), NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost") ||
      !AddExtension(cert.get(), NID_basic_constraints, "critical,CA:TRUE") ||
      X509_sign(cert.get(), key.get(), EVP_sha256()) == 0 ||
      PEM_write_bio_PrivateKey(key_pem.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) !=
          1 ||
      PEM_write_bio_X509(cert_pem.get(), cert.get()) != 1) {
    return absl::InternalError("no certificate");
  }
  return Certificate{Content(key_pem.get()), Content(cert_pem.get())};
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

#include "server/transfer/tls_checks.h"

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <cstdint>

#include "server/transfer/close_notify.h"

namespace bits::transfer {
namespace {

// Bits, so that nothing has to outlive what OpenSSL does with them.
constexpr uintptr_t kIgnoreDate = 1;
constexpr uintptr_t kIgnoreAuthority = 2;
constexpr uintptr_t kIgnoreUsage = 4;

int FlagsIndex() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

bool Tolerated(int error, uintptr_t flags) {
  switch (error) {
    case X509_V_ERR_CERT_NOT_YET_VALID:
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return (flags & kIgnoreDate) != 0;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_UNTRUSTED:
      return (flags & kIgnoreAuthority) != 0;
    case X509_V_ERR_INVALID_PURPOSE:
      return (flags & kIgnoreUsage) != 0;
    default:
      return false;
  }
}

// Called for each thing that is wrong, and for each certificate that is right.
int OnCertificate(int ok, X509_STORE_CTX* store) {
  if (ok == 1) return 1;
  const auto* ssl = static_cast<const SSL*>(
      X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  const auto flags =
      reinterpret_cast<uintptr_t>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), FlagsIndex()));
  if (!Tolerated(X509_STORE_CTX_get_error(store), flags)) return 0;
  X509_STORE_CTX_set_error(store, X509_V_OK);  // libcurl asks what was the last
  return 1;
}

CURLcode OnContext(CURL* easy, void* ssl_context, void* of_tls) {
  const auto& tls = *static_cast<const domain::TlsOptions*>(of_tls);
  uintptr_t flags = 0;
  if (tls.ignore_date) flags |= kIgnoreDate;
  if (tls.ignore_unknown_authority) flags |= kIgnoreAuthority;
  if (tls.ignore_wrong_usage) flags |= kIgnoreUsage;
  auto* context = static_cast<SSL_CTX*>(ssl_context);
  if (flags != 0) {
    // NOLINTNEXTLINE(performance-no-int-to-ptr): a number, never a pointer.
    if (SSL_CTX_set_ex_data(context, FlagsIndex(), reinterpret_cast<void*>(flags)) != 1) {
      return CURLE_OUT_OF_MEMORY;
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, &OnCertificate);
  }
  return WatchForCloseNotify(easy, ssl_context, nullptr);
}

}  // namespace

bool OverlooksFaults(const domain::TlsOptions& tls) {
  return tls.ignore_date || tls.ignore_unknown_authority || tls.ignore_wrong_usage;
}

void SetTlsChecks(CURL* easy, const domain::TlsOptions& tls, const std::string& crl_file) {
  curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, &OnContext);
  curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, const_cast<domain::TlsOptions*>(&tls));
  if (tls.ignore_common_name) curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
  if (tls.check_revocation) {
    if (crl_file.empty()) {
      curl_easy_setopt(easy, CURLOPT_SSL_VERIFYSTATUS, 1L);
    } else {
      curl_easy_setopt(easy, CURLOPT_CRLFILE, crl_file.c_str());
      curl_easy_setopt(easy, CURLOPT_PROXY_CRLFILE, crl_file.c_str());
    }
  }
  switch (tls.minimum_version) {
    case domain::TlsVersion::kDefault:
    case domain::TlsVersion::kTls12:
      curl_easy_setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
      break;
    case domain::TlsVersion::kTls13:
      curl_easy_setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_3));
      break;
  }
}

}  // namespace bits::transfer

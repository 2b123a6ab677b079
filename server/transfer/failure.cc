#include "server/transfer/failure.h"

#include <curl/curl.h>

#include <utility>

#include "server/app/ports/file_system.h"
#include "server/base/strings.h"
#include "server/domain/error_code.h"

namespace bits::transfer {
namespace {

domain::Hresult HresultOfCurl(int curl_code, long os_error) {
  switch (curl_code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return domain::kNameNotResolved;
    case CURLE_COULDNT_CONNECT:
    case CURLE_PROXY:
    case CURLE_INTERFACE_FAILED:
      return domain::kCannotConnect;
    case CURLE_OPERATION_TIMEDOUT:
      return domain::kConnectTimeout;
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_NO_CONNECTION_AVAILABLE:
    case CURLE_SEND_FAIL_REWIND:
      return domain::kConnectionError;
    case CURLE_SSL_CONNECT_ERROR:
      // The handshake: refused for its content, or only cut off.
      return os_error == 0 ? domain::kSecureFailure : domain::kConnectionError;
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CLIENTCERT:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_USE_SSL_FAILED:
      return domain::kSecureFailure;
    case CURLE_URL_MALFORMAT:
      return domain::kInvalidUrl;
    case CURLE_UNSUPPORTED_PROTOCOL:  // the scheme is checked before: this is HTTP/0.9
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_OUT_OF_MEMORY:  // so libcurl calls a line of the head that is too long
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_HTTP3:
      return domain::kInvalidHttpResponse;
    case CURLE_BAD_CONTENT_ENCODING:
      return domain::kInvalidServerResponse;
    case CURLE_TOO_MANY_REDIRECTS:
      return domain::kRedirectFailed;
    default:
      return domain::kUnexpected;
  }
}

}  // namespace

domain::Failure RemoteFailure(domain::Hresult hresult, std::string detail, uint32_t http_status) {
  domain::Failure failure;
  failure.hresult = hresult;
  failure.context = domain::ErrorContext::kRemoteFile;
  failure.http_status = http_status;
  failure.detail = std::move(detail);
  return failure;
}

domain::Failure LocalFailure(const absl::Status& status) {
  domain::Failure failure;
  failure.hresult = app::HresultOf(status);
  failure.context = domain::ErrorContext::kLocalFile;
  failure.detail = Sv(status.message());
  return failure;
}

domain::Failure SourceFailure(const absl::Status& status) {
  domain::Failure failure = LocalFailure(status);
  failure.context = domain::ErrorContext::kRemoteFile;
  return failure;
}

domain::Failure CurlFailure(int curl_code, long os_error, std::string text, uint32_t http_status) {
  return RemoteFailure(HresultOfCurl(curl_code, os_error), std::move(text), http_status);
}

}  // namespace bits::transfer

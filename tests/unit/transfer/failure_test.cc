#include "server/transfer/failure.h"

#include <curl/curl.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "server/base/error_info.h"
#include "server/domain/error_code.h"

namespace bits::transfer {
namespace {

std::string OfCurl(int code, long os_error = 0) {
  const domain::Failure failure = CurlFailure(code, os_error, "text", 0);
  EXPECT_EQ(failure.context, domain::ErrorContext::kRemoteFile);
  EXPECT_EQ(failure.detail, "text");
  return domain::SymbolOf(failure.hresult);
}

TEST(FailureTest, OfLibcurl) {
  EXPECT_EQ(OfCurl(CURLE_COULDNT_RESOLVE_HOST), "ERROR_WINHTTP_NAME_NOT_RESOLVED");
  EXPECT_EQ(OfCurl(CURLE_COULDNT_RESOLVE_PROXY), "ERROR_WINHTTP_NAME_NOT_RESOLVED");
  EXPECT_EQ(OfCurl(CURLE_COULDNT_CONNECT), "ERROR_WINHTTP_CANNOT_CONNECT");
  EXPECT_EQ(OfCurl(CURLE_OPERATION_TIMEDOUT), "ERROR_WINHTTP_TIMEOUT");
  for (int code : {CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE, CURLE_RECV_ERROR, CURLE_SEND_ERROR}) {
    EXPECT_EQ(OfCurl(code), "ERROR_WINHTTP_CONNECTION_ERROR") << code;
  }
  for (int code : {CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION,
                   CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CIPHER, CURLE_SSL_ISSUER_ERROR}) {
    EXPECT_EQ(OfCurl(code), "ERROR_WINHTTP_SECURE_FAILURE") << code;
  }
  EXPECT_EQ(OfCurl(CURLE_SSL_CONNECT_ERROR, ECONNRESET), "ERROR_WINHTTP_CONNECTION_ERROR");
  EXPECT_EQ(OfCurl(CURLE_URL_MALFORMAT), "ERROR_WINHTTP_INVALID_URL");
  EXPECT_EQ(OfCurl(CURLE_WEIRD_SERVER_REPLY), "ERROR_WINHTTP_INVALID_SERVER_RESPONSE");
  EXPECT_EQ(OfCurl(CURLE_UNSUPPORTED_PROTOCOL), "ERROR_WINHTTP_INVALID_SERVER_RESPONSE");
  EXPECT_EQ(OfCurl(CURLE_BAD_CONTENT_ENCODING), "BG_E_INVALID_SERVER_RESPONSE");
  EXPECT_EQ(OfCurl(CURLE_OUT_OF_MEMORY), "ERROR_WINHTTP_INVALID_SERVER_RESPONSE");
  EXPECT_EQ(OfCurl(CURLE_BAD_FUNCTION_ARGUMENT), "E_UNEXPECTED");
}

TEST(FailureTest, OfFiles) {
  const absl::Status status = MakeRefusal(absl::StatusCode::kResourceExhausted, "ERROR_DISK_FULL",
                                          "no room", {{"hresult", "0x80070070"}});
  domain::Failure failure = LocalFailure(status);
  EXPECT_EQ(failure.hresult, domain::kDiskFull);
  EXPECT_EQ(failure.context, domain::ErrorContext::kLocalFile);
  EXPECT_EQ(failure.detail, "no room");
  failure = SourceFailure(status);
  EXPECT_EQ(failure.hresult, domain::kDiskFull);
  EXPECT_EQ(failure.context, domain::ErrorContext::kRemoteFile);
  EXPECT_EQ(LocalFailure(absl::InternalError("bare")).hresult, domain::kIoDevice);
}

}  // namespace
}  // namespace bits::transfer

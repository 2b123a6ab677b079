#include "server/domain/http_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bits::domain {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(HttpOptions, HeadersThatAreTheTransfersOwn) {
  for (const char* name : {"Range", "IF-MATCH", "if-range", "Host", "te", "Proxy-Connection",
                           "Content-Length", "User-Agent", "expect"}) {
    EXPECT_TRUE(HeaderFault({name, "x"})) << name;
  }
  for (const char* name : {"X-Range", "Authorization", "Cookie", "Accept", "Referer", "Iff"}) {
    EXPECT_FALSE(HeaderFault({name, "x"})) << name;
  }
  EXPECT_FALSE(HeaderFault({"X", "tab\t and \xc3\xa9"}));
  EXPECT_TRUE(HeaderFault({"X", "a\x7f"}));
}

TEST(HttpOptions, SecretHeadersAreTakenOutWithTheirValues) {
  HttpOptions options;
  options.headers = {{"X-A", "1"}, {"authorization", "2"}, {"COOKIE", "3"}};
  EXPECT_THAT(TakeSecretHeaders(options),
              ElementsAre(HttpHeader{"authorization", "2"}, HttpHeader{"COOKIE", "3"}));
  EXPECT_THAT(options.headers, ElementsAre(HttpHeader{"X-A", "1"}));
  EXPECT_THAT(options.secret_headers, ElementsAre("authorization", "COOKIE"));
}

TEST(HttpOptions, WriteOnlyMakesAllOfThemSecretLaterOnesToo) {
  HttpOptions options;
  options.headers = {HttpHeader{"X-A", "1"}};
  HttpUpdate update;
  update.headers_write_only = true;
  Apply(update, options);
  EXPECT_THAT(options.headers, IsEmpty());
  EXPECT_THAT(options.secret_headers, ElementsAre("X-A"));
  HttpUpdate other;
  other.headers = std::vector{HttpHeader{"X-B", "2"}};
  Apply(other, options);
  EXPECT_THAT(options.headers, IsEmpty());
  EXPECT_THAT(options.secret_headers, ElementsAre("X-B"));
}

TEST(HttpOptions, UpdateWritesWhatItHasAndNothingElse) {
  HttpOptions options;
  options.user_agent = "mine";
  options.tls.ignore_date = true;
  HttpUpdate update;
  update.redirects = RedirectPolicy::kReport;
  update.minimum_version = TlsVersion::kTls13;
  Apply(update, options);
  HttpOptions expected;
  expected.user_agent = "mine";
  expected.tls.ignore_date = true;
  expected.tls.minimum_version = TlsVersion::kTls13;
  expected.redirects = RedirectPolicy::kReport;
  EXPECT_EQ(options, expected);
}

TEST(HttpOptions, NamesOfCertificatesLeadNowhereElse) {
  for (const char* name : {"a/b", "..", ".a", "a b", "a\n", "\xc3\xa9"}) {
    EXPECT_TRUE(CertificateNameFault(name)) << name;
  }
  for (const char* name : {"", "a", "A-1_b.c"}) EXPECT_FALSE(CertificateNameFault(name)) << name;
}

}  // namespace
}  // namespace bits::domain

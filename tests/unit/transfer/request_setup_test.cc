#include "server/transfer/request_setup.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "server/domain/error_code.h"

namespace bits::transfer {
namespace {

using domain::AuthScheme;
using domain::AuthTarget;
using domain::ProxyUsage;

constexpr long kBasic = static_cast<long>(CURLAUTH_BASIC);
constexpr long kDigest = static_cast<long>(CURLAUTH_DIGEST);

Url UrlOf(const std::string& text) { return std::get<Url>(ParseUrl(text)); }

// With credentials for the proxy: a request is private if they are part of it, and for nothing else
// here.
class RequestSetupTest : public ::testing::Test {
 protected:
  RequestSetupTest() {
    options_.proxy = "";
    for (const AuthScheme scheme : {AuthScheme::kBasic, AuthScheme::kDigest}) {
      app::SetCredentials({{AuthTarget::kProxy, scheme}, Secret("user"), Secret("password")},
                          request_.secrets);
    }
  }
  RequestSetup& setup() {
    if (setup_ == nullptr) {
      setup_ = std::make_unique<RequestSetup>(
          &options_, std::make_shared<app::RequestOptions>(request_), UrlOf("http://origin/x"));
    }
    return *setup_;
  }
  void Override(const std::string& list, const std::string& bypass = "") {
    request_.proxy = {ProxyUsage::kOverride, list, bypass};
  }
  // Whether a request for the URL shows the proxy's credentials.
  bool Shows(const std::string& url) {
    const CurlEasy easy(curl_easy_init());
    setup().Apply(easy.get(), UrlOf(url), "", nullptr);
    return setup().is_private();
  }

  EngineOptions options_;
  app::RequestOptions request_;

 private:
  std::unique_ptr<RequestSetup> setup_;
};

TEST_F(RequestSetupTest, ProxyThatAskedIsShownCredentialsOnce) {
  Override("http://p:1");
  EXPECT_FALSE(Shows("http://origin/x"));
  EXPECT_TRUE(setup().AnswerProxy(UrlOf("http://origin/x"), false, kBasic));
  EXPECT_TRUE(Shows("http://origin/x"));
  EXPECT_TRUE(Shows("http://elsewhere/x")) << "it is the same one";
  EXPECT_FALSE(setup().AnswerProxy(UrlOf("http://origin/x"), false, kBasic)) << "refused";
}

TEST_F(RequestSetupTest, AnotherProxyMustAskItself) {
  Override("http=http://p:1 http=http://q:1 https=http://r:1");
  EXPECT_FALSE(Shows("http://origin/x"));
  EXPECT_TRUE(setup().AnswerProxy(UrlOf("http://origin/x"), false, kBasic));
  EXPECT_TRUE(Shows("http://origin/x"));
  EXPECT_FALSE(Shows("https://origin/x")) << "a redirect leads to the other scheme's";
  EXPECT_TRUE(setup().AnswerProxy(UrlOf("https://origin/x"), true, kBasic));
  EXPECT_TRUE(Shows("https://origin/x"));
  EXPECT_FALSE(Shows("http://origin/x"));
  EXPECT_TRUE(setup().AnswerProxy(UrlOf("http://origin/x"), false, kBasic));
  EXPECT_TRUE(Shows("http://origin/x"));
  EXPECT_TRUE(setup().TryNextProxy());
  EXPECT_FALSE(Shows("http://origin/x")) << "the next of the list";
}

TEST_F(RequestSetupTest, OriginThatAsksLikeAProxyIsNotAnswered) {
  const Url http = UrlOf("http://origin/x");
  const Url https = UrlOf("https://origin/x");
  EXPECT_FALSE(Shows(http.text));
  EXPECT_FALSE(setup().AnswerProxy(http, false, kBasic)) << "there is no proxy";
}

TEST_F(RequestSetupTest, OriginBehindATunnelIsNotAnswered) {
  Override("http://p:1");
  EXPECT_FALSE(Shows("https://origin/x"));
  EXPECT_FALSE(setup().AnswerProxy(UrlOf("https://origin/x"), false, kBasic));
  EXPECT_TRUE(setup().AnswerProxy(UrlOf("https://origin/x"), true, kBasic));
}

TEST_F(RequestSetupTest, OriginBehindSocksOrPastTheListIsNotAnswered) {
  Override("socks5://p:1", "past");
  EXPECT_FALSE(Shows("http://origin/x"));
  EXPECT_FALSE(setup().AnswerProxy(UrlOf("http://origin/x"), false, kBasic));
  EXPECT_FALSE(Shows("http://past/x"));
  EXPECT_FALSE(setup().AnswerProxy(UrlOf("http://past/x"), false, kBasic));
}

TEST_F(RequestSetupTest, WhoAskedOfTheEnvironmentsIsAskedAnewForAnotherHost) {
  options_.proxy.reset();
  EXPECT_FALSE(Shows("http://origin/x"));
  EXPECT_TRUE(setup().AnswerProxy(UrlOf("http://origin/x"), false, kBasic));
  EXPECT_TRUE(Shows("http://origin/y"));
  EXPECT_FALSE(Shows("http://elsewhere/x")) << "the environment may have none for the first";
}

TEST_F(RequestSetupTest, NextProxyIsOneOfThoseThatFitTheUrl) {
  Override("http=http://p:1 http=http://q:1 https=http://r:1 https=http://s:1 https=http://t:1");
  Shows("http://origin/x");
  EXPECT_TRUE(setup().TryNextProxy());
  EXPECT_FALSE(setup().TryNextProxy());
  Shows("https://origin/x");  // from the first of its own again
  EXPECT_TRUE(setup().TryNextProxy());
  EXPECT_TRUE(setup().TryNextProxy());
  EXPECT_FALSE(setup().TryNextProxy());
}

TEST_F(RequestSetupTest, SchemesThatTakeSeveralRequestsAnswerThemselves) {
  Override("http://p:1");
  EXPECT_FALSE(Shows("http://origin/x"));
  EXPECT_FALSE(setup().AnswersItself(407));
  EXPECT_TRUE(setup().AnswerProxy(UrlOf("http://origin/x"), false, kDigest));
  EXPECT_TRUE(Shows("http://origin/x"));
  EXPECT_TRUE(setup().AnswersItself(407));
  EXPECT_FALSE(setup().AnswersItself(401));
}

TEST_F(RequestSetupTest, ExemptionsOfCertificatesDoNotGoWithATlsProxy) {
  Override("http=http://p:1 https=https://q:1");
  EXPECT_FALSE(setup().Fault().has_value());
  for (bool domain::TlsOptions::*ignores :
       {&domain::TlsOptions::ignore_date, &domain::TlsOptions::ignore_unknown_authority,
        &domain::TlsOptions::ignore_wrong_usage}) {
    app::RequestOptions request = request_;
    request.http.tls.*ignores = true;
    const RequestSetup refused(&options_, std::make_shared<app::RequestOptions>(request),
                               UrlOf("http://origin/x"));
    ASSERT_TRUE(refused.Fault().has_value());
    EXPECT_EQ(refused.Fault()->hresult, domain::kInvalidProxyInfo);
    request.proxy.list = "http://p:1";
    const RequestSetup plain(&options_, std::make_shared<app::RequestOptions>(request),
                             UrlOf("http://origin/x"));
    EXPECT_FALSE(plain.Fault().has_value());
    EngineOptions configured;
    configured.proxy = "HTTPS://q:1";
    request.proxy = {};
    const RequestSetup preconfigured(
        &configured, std::make_shared<app::RequestOptions>(request), UrlOf("http://origin/x"));
    EXPECT_TRUE(preconfigured.Fault().has_value());
  }
}

}  // namespace
}  // namespace bits::transfer

// Schemes that take several requests, between two of which the network fails.
#include <memory>
#include <string>

#include "tests/integration/transfer/engine_fixture.h"

namespace bits::transfer {
namespace {

class AuthTest : public EngineTest {};

std::shared_ptr<const app::RequestOptions> WithDigest(domain::AuthTarget target) {
  auto request = std::make_shared<app::RequestOptions>();
  app::SetCredentials({{target, domain::AuthScheme::kDigest}, Secret("user"), Secret("password")},
                      request->secrets);
  return request;
}

// Whoever has no credentials is asked for them; then comes `then`.
testing::Behavior AsksForDigest(int status, const std::string& asks, const std::string& answer,
                                const testing::Behavior& then) {
  testing::Behavior behavior;
  behavior.choose = [=](const testing::OriginRequest& request) {
    if (!request.Header(answer).empty()) return then;
    return testing::Behavior{.status = status,
                             .headers = {{asks, "Digest realm=\"r\", nonce=\"n\", qop=\"auth\""}}};
  };
  return behavior;
}

TEST_F(AuthTest, NetworkThatFailsOnceCredentialsWereShownIsNoRefusal) {
  origin_->Put("/f", "content", AsksForDigest(401, "WWW-Authenticate", "authorization",
                                              {.stall_before_head = true}));
  app::TransferSpec spec = Spec();
  spec.request = WithDigest(domain::AuthTarget::kServer);
  auto observer = Begin(spec);
  // It asks without, then twice for Digest; and again when the connection ends.
  for (size_t n = 3; observer->Wait(absl::ZeroDuration()) == End::kNone;) {
    if (!origin_->WaitForRequests("/f", n, absl::Milliseconds(50))) continue;
    origin_->CloseConnections();
    n = origin_->RequestCount("/f") + 1;
  }
  EXPECT_EQ(observer->Wait(), End::kFailed);
  EXPECT_EQ(observer->failure().hresult, domain::kConnectionError) << observer->failure().detail;
  EXPECT_EQ(observer->failure().http_status, 0u);
}

TEST_F(AuthTest, SilenceOnceCredentialsWereShownIsNoRefusal) {
  options_.stall_timeout = absl::Milliseconds(500);
  origin_->Put("/f", "content", AsksForDigest(401, "WWW-Authenticate", "authorization",
                                              {.stall_before_head = true}));
  app::TransferSpec spec = Spec();
  spec.request = WithDigest(domain::AuthTarget::kServer);
  auto observer = ExpectFailed(spec, domain::kConnectTimeout);
  EXPECT_EQ(observer->failure().http_status, 0u);
}

TEST_F(AuthTest, CredentialsThatAreRefusedAre) {
  origin_->Put("/f", "content",
               AsksForDigest(401, "WWW-Authenticate", "authorization", {.status = 401}));
  app::TransferSpec spec = Spec();
  spec.request = WithDigest(domain::AuthTarget::kServer);
  ExpectFailed(spec, domain::FromHttpStatus(401));
}

TEST_F(AuthTest, SilenceOfAProxyOnceCredentialsWereShownIsNoRefusal) {
  options_.stall_timeout = absl::Milliseconds(500);
  options_.proxy = origin_->Url("");
  const auto asks = [](const testing::Behavior& then) {
    return AsksForDigest(407, "Proxy-Authenticate", "proxy-authorization", then);
  };
  origin_->Put("http://origin.example/f", "content", asks({.stall_before_head = true}));
  origin_->Put("origin.example:443", "", asks({.stall_before_head = true}));
  app::TransferSpec spec = Spec("http://origin.example/f");
  spec.request = WithDigest(domain::AuthTarget::kProxy);
  ExpectFailed(spec, domain::kConnectTimeout);
  spec.file.remote_name = "https://origin.example/f";
  ExpectFailed(spec, domain::kConnectTimeout);
  origin_->Put("origin.example:443", "", asks({.status = 407}));
  ExpectFailed(spec, domain::FromHttpStatus(407));
}

TEST_F(AuthTest, RefusalWhoseBodyNeverEndsIsOne) {
  options_.stall_timeout = absl::Milliseconds(500);
  origin_->Put("/f", "content",
               AsksForDigest(401, "WWW-Authenticate", "authorization",
                             {.status = 401, .stall_after = 1}));
  app::TransferSpec spec = Spec();
  spec.request = WithDigest(domain::AuthTarget::kServer);
  ExpectFailed(spec, domain::FromHttpStatus(401));
}

}  // namespace
}  // namespace bits::transfer

#include "server/transfer/webhook_signature.h"

#include <gtest/gtest.h>

#include "server/domain/notification_options.h"

namespace bits::transfer {
namespace {

// The example that Standard Webhooks and its libraries publish.
TEST(WebhookSignature, IsThatOfThePublishedExample) {
  const auto key = domain::WebhookKey(Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
  ASSERT_TRUE(key.has_value());
  EXPECT_EQ(WebhookSignature(*key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
                             R"({"test": 2432232314})"),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

TEST(WebhookSignature, DependsOnEverything) {
  const Secret key(std::string(24, 'k'));
  const std::string signature = WebhookSignature(key, "id", 1, "body");
  EXPECT_NE(signature, WebhookSignature(Secret(std::string(24, 'l')), "id", 1, "body"));
  EXPECT_NE(signature, WebhookSignature(key, "ie", 1, "body"));
  EXPECT_NE(signature, WebhookSignature(key, "id", 2, "body"));
  EXPECT_NE(signature, WebhookSignature(key, "id", 1, "bodz"));
  EXPECT_EQ(signature, WebhookSignature(key, "id", 1, "body"));
}

}  // namespace
}  // namespace bits::transfer

// How a webhook proves whom it is of: Standard Webhooks, the symmetric kind. Pure; any thread.
#ifndef BITS_SERVER_TRANSFER_WEBHOOK_SIGNATURE_H_
#define BITS_SERVER_TRANSFER_WEBHOOK_SIGNATURE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "server/base/secret.h"

namespace bits::transfer {

// The value of webhook-signature: "v1," and the HMAC-SHA256 of id, timestamp (seconds since the
// epoch) and body in base64.
std::string WebhookSignature(const Secret& key, std::string_view id, int64_t timestamp,
                             std::string_view body);

}  // namespace bits::transfer

#endif  // BITS_SERVER_TRANSFER_WEBHOOK_SIGNATURE_H_

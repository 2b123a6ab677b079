#include "server/transfer/webhook_signature.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "server/base/strings.h"

namespace bits::transfer {

std::string WebhookSignature(const Secret& key, std::string_view id, int64_t timestamp,
                             std::string_view body) {
  const std::string content = absl::StrCat(Av(id), ".", timestamp, ".", Av(body));
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  const std::string& bytes = key.Reveal();
  HMAC(EVP_sha256(), bytes.data(), static_cast<int>(bytes.size()),
       reinterpret_cast<const unsigned char*>(content.data()), content.size(), digest.data(),
       &size);
  const std::string_view text(reinterpret_cast<const char*>(digest.data()), size);
  return absl::StrCat("v1,", absl::Base64Escape(Av(text)));
}

}  // namespace bits::transfer

#include "server/rpc/sealed_token.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <cstdlib>
#include <utility>

#include "absl/strings/escaping.h"
#include "server/base/error_info.h"
#include "server/base/strings.h"

namespace bits::rpc {
namespace {

constexpr char kVersion = 1;
constexpr size_t kHeadSize = 10;  // Version, purpose, eight bytes of the number.
constexpr size_t kCodeSize = 16;

std::string Encode(std::string_view bytes) { return absl::WebSafeBase64Escape(Av(bytes)); }

}  // namespace

TokenSealer::TokenSealer(std::string key) : key_(std::move(key)) {}

std::string TokenSealer::NewKey() {
  unsigned char key[32];
  // Fails only where the kernel gives no randomness: there is no going on without.
  if (RAND_bytes(key, sizeof(key)) != 1) std::abort();
  return std::string(reinterpret_cast<const char*>(key), sizeof(key));
}

std::string TokenSealer::SealPage(uint64_t position, std::string_view binding) const {
  return Seal(Purpose::kPage, position, binding);
}

absl::StatusOr<uint64_t> TokenSealer::OpenPage(std::string_view token,
                                               std::string_view binding) const {
  if (token.empty()) return 0;
  if (std::optional<uint64_t> position = Open(Purpose::kPage, token, binding)) return *position;
  return InvalidField("page_token",
                      "must be the next_page_token of a request that is else the same");
}

std::string TokenSealer::SealCursor(uint64_t revision) const {
  return Seal(Purpose::kCursor, revision, {});
}

absl::StatusOr<uint64_t> TokenSealer::OpenCursor(std::string_view token) const {
  if (std::optional<uint64_t> revision = Open(Purpose::kCursor, token, {})) return *revision;
  return InvalidField("cursor", "must be the cursor of an event of this server's state");
}

std::string TokenSealer::Seal(Purpose purpose, uint64_t value, std::string_view binding) const {
  std::string token = {kVersion, static_cast<char>(purpose)};
  for (int shift = 56; shift >= 0; shift -= 8) token.push_back(static_cast<char>(value >> shift));
  token += Code(token, binding);
  return Encode(token);
}

std::optional<uint64_t> TokenSealer::Open(Purpose purpose, std::string_view token,
                                          std::string_view binding) const {
  std::string bytes;
  if (!absl::WebSafeBase64Unescape(Av(token), &bytes) || bytes.size() != kHeadSize + kCodeSize ||
      Encode(bytes) != token) {
    return std::nullopt;
  }
  const std::string_view head = std::string_view(bytes).substr(0, kHeadSize);
  const std::string code = Code(head, binding);
  if (CRYPTO_memcmp(code.data(), bytes.data() + kHeadSize, kCodeSize) != 0) return std::nullopt;
  if (head[0] != kVersion || head[1] != static_cast<char>(purpose)) return std::nullopt;
  uint64_t value = 0;
  for (const char c : head.substr(2)) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

std::string TokenSealer::Code(std::string_view head, std::string_view binding) const {
  std::string input(head);
  input += binding;
  unsigned char code[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
       reinterpret_cast<const unsigned char*>(input.data()), input.size(), code, &size);
  return std::string(reinterpret_cast<const char*>(code), kCodeSize);
}

}  // namespace bits::rpc

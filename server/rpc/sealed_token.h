// Page tokens and cursors: numbers that a client carries for us and cannot make, alter or
// use elsewhere. Pure; any thread.
#ifndef BITS_SERVER_RPC_SEALED_TOKEN_H_
#define BITS_SERVER_RPC_SEALED_TOKEN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace bits::rpc {

// 35 characters of [A-Za-z0-9_-]: version, purpose, the number, and an HMAC-SHA256 (its
// first 128 bits) over those and the binding.
class TokenSealer {
 public:
  // The key is kept with the state: a token of another state directory is refused, which
  // is what makes its revision mean something. At least 16 random bytes; NewKey() makes one.
  explicit TokenSealer(std::string key);
  // 32 random bytes.
  static std::string NewKey();

  // `binding`: what must be the same when the token comes back (request_digest.h).
  std::string SealPage(uint64_t position, std::string_view binding) const;
  // INVALID_ARGUMENT on `page_token` if it was not sealed for that binding. Empty: 0.
  absl::StatusOr<uint64_t> OpenPage(std::string_view token, std::string_view binding) const;

  std::string SealCursor(uint64_t revision) const;
  // INVALID_ARGUMENT on `cursor` if it is none of this state's.
  absl::StatusOr<uint64_t> OpenCursor(std::string_view token) const;

 private:
  enum class Purpose : char { kPage = 'p', kCursor = 'c' };

  std::string Seal(Purpose purpose, uint64_t value, std::string_view binding) const;
  std::optional<uint64_t> Open(Purpose purpose, std::string_view token,
                               std::string_view binding) const;
  // Of the first bytes of a token.
  std::string Code(std::string_view head, std::string_view binding) const;

  const std::string key_;
};

}  // namespace bits::rpc

#endif  // BITS_SERVER_RPC_SEALED_TOKEN_H_

// Which credentials a job has: BITS's BG_AUTH_CREDENTIALS without what is secret of them. Plain
// values; any thread.
#ifndef BITS_SERVER_DOMAIN_CREDENTIALS_H_
#define BITS_SERVER_DOMAIN_CREDENTIALS_H_

#include <compare>
#include <cstddef>
#include <cstdint>

namespace bits::domain {

inline constexpr size_t kUserNameCharacters = 300;
inline constexpr size_t kPasswordCharacters = 65'536;

// BG_AUTH_TARGET; the numbers are BITS's, and stored.
enum class AuthTarget : uint8_t { kServer = 1, kProxy = 2 };

// BG_AUTH_SCHEME; the numbers are BITS's, and stored. kBearer is ours. 4 is Negotiate and 5
// Passport, which no job can have.
enum class AuthScheme : uint8_t { kBasic = 1, kDigest = 2, kNtlm = 3, kBearer = 6 };

// A job has one user name and password for each at most.
struct CredentialSlot {
  AuthTarget target = AuthTarget::kServer;
  AuthScheme scheme = AuthScheme::kBasic;
  auto operator<=>(const CredentialSlot&) const = default;
};

}  // namespace bits::domain

#endif  // BITS_SERVER_DOMAIN_CREDENTIALS_H_

#include "server/receive/passwords.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <array>
#include <cstdlib>
#include <memory>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "server/base/strings.h"

namespace bits::receive {
namespace {

std::string RandomKey() {
  std::string key(32, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(key.data()), static_cast<int>(key.size())) != 1) {
    std::abort();  // no randomness: nothing could be kept from being guessed
  }
  return key;
}

bool SameBytes(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

// Empty if it cannot be told.
std::string Crypt(const std::string& password, const std::string& setting) {
  const auto data = std::make_unique<crypt_data>();
  const char* const hash = ::crypt_r(password.c_str(), setting.c_str(), data.get());
  std::string found = hash == nullptr || *hash == '*' ? "" : hash;
  OPENSSL_cleanse(data.get(), sizeof(*data));
  return found;
}

}  // namespace

std::optional<BasicCredentials> ParseBasic(std::string_view authorization) {
  constexpr std::string_view kScheme = "Basic ";
  if (!absl::StartsWithIgnoreCase(Av(authorization), Av(kScheme))) return std::nullopt;
  std::string decoded;
  if (!absl::Base64Unescape(
          absl::StripAsciiWhitespace(Av(authorization.substr(kScheme.size()))), &decoded)) {
    return std::nullopt;
  }
  const size_t colon = decoded.find(':');
  if (colon == std::string::npos || decoded.find('\0') != std::string::npos) {
    WipeText(decoded);
    return std::nullopt;
  }
  BasicCredentials credentials{decoded.substr(0, colon), Secret(decoded.substr(colon + 1))};
  WipeText(decoded);
  return credentials;
}

bool IsPasswordHash(const std::string& hash) {
  // A hash is its own setting. DES and the like, which have no $, are of another age.
  return hash.starts_with('$') && crypt_checksalt(hash.c_str()) == CRYPT_SALT_OK &&
         Crypt("", hash).size() == hash.size();
}

Passwords::Passwords() : key_(RandomKey()) {}

std::string Passwords::DigestOf(const User& user, const Secret& password) const {
  std::string text = user.password_hash + '\0' + password.Reveal();
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &size);
  WipeText(text);
  return {reinterpret_cast<const char*>(digest.data()), size};
}

bool Passwords::TryEnter() {
  if (under_way_.fetch_add(1) < kMostUnderWay) return true;
  --under_way_;
  return false;
}

const User* Passwords::UserOf(const std::vector<User>& users, const BasicCredentials& credentials) {
  const User* found = nullptr;
  for (const User& user : users) {
    if (user.name == credentials.user) found = &user;
  }
  return found;
}

bool Passwords::IsKnown(const std::vector<User>& users, const BasicCredentials& credentials) {
  const User* const user = UserOf(users, credentials);
  if (user == nullptr) return false;
  const std::string digest = DigestOf(*user, credentials.password);
  MutexLock lock(mutex_);
  const auto it = known_.find(user->password_hash);
  return it != known_.end() && SameBytes(it->second, digest);
}

bool Passwords::Check(const std::vector<User>& users, const BasicCredentials& credentials) {
  if (IsKnown(users, credentials)) return true;
  const User* const found = UserOf(users, credentials);
  // An unknown user costs as much as a known one.
  const User& tried = found != nullptr ? *found : users.front();
  const std::string hash = Crypt(credentials.password.Reveal(), tried.password_hash);
  if (!SameBytes(hash, tried.password_hash) || found == nullptr) return false;
  const std::string digest = DigestOf(*found, credentials.password);
  MutexLock lock(mutex_);
  known_[found->password_hash] = digest;
  return true;
}

}  // namespace bits::receive

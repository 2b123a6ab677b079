#include "server/platform/secret_box.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "server/base/error_info.h"
#include "server/base/status_macros.h"
#include "server/base/strings.h"
#include "server/base/unique_fd.h"

namespace bits::platform {
namespace {

// A version, the key's id, the nonce, what was sealed, the tag.
constexpr char kSealVersion = 1;
constexpr size_t kKeyBytes = 32;
constexpr size_t kIdBytes = 8;
constexpr size_t kNonceBytes = 12;
constexpr size_t kTagBytes = 16;
constexpr size_t kHeadBytes = 1 + kIdBytes + kNonceBytes;
constexpr size_t kMostKeyFileBytes = 256;

struct CipherDeleter {
  void operator()(EVP_CIPHER_CTX* cipher) const { EVP_CIPHER_CTX_free(cipher); }
};
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, CipherDeleter>;

const unsigned char* BytesOf(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* BytesOf(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

absl::Status WrongKeyFile(const std::string& path, std::string_view rule) {
  return InvalidField("secrets_key_file", absl::StrCat(path, ": ", Av(rule)));
}

std::optional<Secret> KeyFromText(const Secret& file) {
  std::string_view text = file.Reveal();
  if (text.size() == kKeyBytes) return file;
  while (!text.empty() && std::string_view(" \t\r\n").find(text.back()) != std::string_view::npos) {
    text.remove_suffix(1);
  }
  std::string bytes;
  const bool hexadecimal =
      text.size() == 2 * kKeyBytes &&
      text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
  if (hexadecimal) {
    bytes = absl::HexStringToBytes(Av(text));
  } else if (!absl::Base64Unescape(Av(text), &bytes)) {
    bytes.clear();
  }
  Secret key(std::move(bytes));
  if (key.Reveal().size() != kKeyBytes) return std::nullopt;
  return key;
}

}  // namespace

SecretBox::Key SecretBox::MakeKey(Secret bytes) {
  Secret labelled(absl::StrCat("bitsd secrets key id", bytes.Reveal()));
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(BytesOf(labelled.Reveal()), labelled.Reveal().size(), digest.data());
  return {std::string(reinterpret_cast<const char*>(digest.data()), kIdBytes), std::move(bytes)};
}

absl::StatusOr<Secret> SecretBox::ReadKey(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat stat {};
  if (!file || ::fstat(file.get(), &stat) != 0) {
    return WrongKeyFile(path, absl::StrCat("cannot be read: ", std::strerror(errno)));
  }
  if (!S_ISREG(stat.st_mode)) return WrongKeyFile(path, "is no file");
  if ((stat.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return WrongKeyFile(path, "is open to others than its owner (chmod 600)");
  }
  std::string text(kMostKeyFileBytes, '\0');
  const ssize_t size = ::read(file.get(), text.data(), text.size());
  text.resize(size > 0 ? static_cast<size_t>(size) : 0);
  if (std::optional<Secret> key = KeyFromText(Secret(std::move(text)))) return *std::move(key);
  return WrongKeyFile(path, "must hold 32 bytes, or 64 hexadecimal digits, or their base64");
}

absl::StatusOr<std::unique_ptr<SecretBox>> SecretBox::Open(
    const std::vector<std::string>& key_files) {
  std::vector<Key> keys;
  for (const std::string& path : key_files) {
    BITS_ASSIGN_OR_RETURN(Secret key, ReadKey(path));
    keys.push_back(MakeKey(std::move(key)));
  }
  const bool durable = !keys.empty();
  if (!durable) {
    std::string bytes(kKeyBytes, '\0');
    if (RAND_priv_bytes(BytesOf(bytes), static_cast<int>(bytes.size())) != 1) {
      return absl::InternalError("no random numbers");
    }
    keys.push_back(MakeKey(Secret(std::move(bytes))));
  }
  return std::unique_ptr<SecretBox>(new SecretBox(std::move(keys), durable));
}

absl::StatusOr<std::string> SecretBox::Seal(const Secret& secret, std::string_view context) const {
  const Key& key = keys_.front();
  const std::string& text = secret.Reveal();
  std::string sealed(kHeadBytes + text.size() + kTagBytes, '\0');
  sealed[0] = kSealVersion;
  sealed.replace(1, kIdBytes, key.id);
  unsigned char* const nonce = BytesOf(sealed) + 1 + kIdBytes;
  unsigned char* const body = BytesOf(sealed) + kHeadBytes;
  const Cipher cipher(EVP_CIPHER_CTX_new());
  int size = 0;
  const bool done =
      cipher != nullptr && RAND_bytes(nonce, kNonceBytes) == 1 &&
      EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, BytesOf(key.bytes.Reveal()),
                         nonce) == 1 &&
      EVP_EncryptUpdate(cipher.get(), nullptr, &size, BytesOf(context),
                        static_cast<int>(context.size())) == 1 &&
      EVP_EncryptUpdate(cipher.get(), body, &size, BytesOf(text),
                        static_cast<int>(text.size())) == 1 &&
      EVP_EncryptFinal_ex(cipher.get(), body + size, &size) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes, body + text.size()) == 1;
  if (!done) return absl::InternalError("cannot seal");
  return sealed;
}

absl::StatusOr<Secret> SecretBox::Open(std::string_view sealed, std::string_view context) const {
  if (sealed.size() < kHeadBytes + kTagBytes || sealed[0] != kSealVersion) {
    return absl::DataLossError("this was not sealed");
  }
  const std::string_view id = sealed.substr(1, kIdBytes);
  const unsigned char* const nonce = BytesOf(sealed) + 1 + kIdBytes;
  const std::string_view body =
      sealed.substr(kHeadBytes, sealed.size() - kHeadBytes - kTagBytes);
  std::string tag(sealed.substr(sealed.size() - kTagBytes));
  for (const Key& key : keys_) {
    if (key.id != id) continue;
    std::string text(body.size(), '\0');
    const Cipher cipher(EVP_CIPHER_CTX_new());
    int size = 0;
    const bool whole =
        cipher != nullptr &&
        EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, BytesOf(key.bytes.Reveal()),
                           nonce) == 1 &&
        EVP_DecryptUpdate(cipher.get(), nullptr, &size, BytesOf(context),
                          static_cast<int>(context.size())) == 1 &&
        EVP_DecryptUpdate(cipher.get(), BytesOf(text), &size, BytesOf(body),
                          static_cast<int>(body.size())) == 1 &&
        EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, tag.data()) == 1 &&
        EVP_DecryptFinal_ex(cipher.get(), BytesOf(text) + size, &size) == 1;
    Secret opened(std::move(text));
    if (whole) return opened;
    return absl::DataLossError("this is not what was sealed");
  }
  return absl::NotFoundError("the key that this was sealed with is not here");
}

}  // namespace bits::platform

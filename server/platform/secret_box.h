// Seals secrets with keys that the operator keeps, or with one that dies with the process.
#ifndef BITS_SERVER_PLATFORM_SECRET_BOX_H_
#define BITS_SERVER_PLATFORM_SECRET_BOX_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "server/app/ports/secret_sealer.h"
#include "server/base/secret.h"

namespace bits::platform {

// AES-256-GCM. What is sealed names its key, so that keys can be changed: the first one seals, all
// of them open.
class SecretBox final : public app::SecretSealer {
 public:
  // Without files: a key of this process alone. INVALID_ARGUMENT names the file and the rule: it is
  // not readable, open to others than its owner, or holds no key of 32 bytes (as they are, in
  // hexadecimal or in base64).
  static absl::StatusOr<std::unique_ptr<SecretBox>> Open(const std::vector<std::string>& key_files);

  absl::StatusOr<std::string> Seal(const Secret& secret, std::string_view context) const override;
  absl::StatusOr<Secret> Open(std::string_view sealed, std::string_view context) const override;
  bool durable() const override { return durable_; }

 private:
  struct Key {
    std::string id;  // tells keys apart, and nothing of them
    Secret bytes;
  };
  SecretBox(std::vector<Key> keys, bool durable) : keys_(std::move(keys)), durable_(durable) {}
  static Key MakeKey(Secret bytes);
  static absl::StatusOr<Secret> ReadKey(const std::string& path);

  const std::vector<Key> keys_;
  const bool durable_;
};

}  // namespace bits::platform

#endif  // BITS_SERVER_PLATFORM_SECRET_BOX_H_

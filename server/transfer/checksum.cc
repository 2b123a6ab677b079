#include "server/transfer/checksum.h"

#include <openssl/evp.h>

#include <array>
#include <cstdint>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_format.h"
#include "server/transfer/crc32c.h"

namespace bits::transfer {
namespace {

class EvpDigest final : public Digest {
 public:
  static std::unique_ptr<Digest> Make(const EVP_MD* type) {
    Context context(EVP_MD_CTX_new());
    if (context == nullptr || EVP_DigestInit_ex(context.get(), type, nullptr) != 1) {
      return nullptr;
    }
    return std::unique_ptr<Digest>(new EvpDigest(std::move(context)));
  }

  void Update(std::string_view data) override {
    EVP_DigestUpdate(context_.get(), data.data(), data.size());
  }

  std::string Finish() override {
    std::array<char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(digest.data()), &size);
    return absl::BytesToHexString(absl::string_view(digest.data(), size));
  }

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  using Context = std::unique_ptr<EVP_MD_CTX, Free>;

  explicit EvpDigest(Context context) : context_(std::move(context)) {}
  Context context_;
};

class Crc32cDigest final : public Digest {
 public:
  void Update(std::string_view data) override { crc_ = ExtendCrc32c(crc_, data); }
  std::string Finish() override { return absl::StrFormat("%08x", crc_); }

 private:
  uint32_t crc_ = 0;
};

}  // namespace

std::unique_ptr<Digest> MakeDigest(domain::ChecksumAlgorithm algorithm) {
  switch (algorithm) {
    case domain::ChecksumAlgorithm::kSha256:
      return EvpDigest::Make(EVP_sha256());
    case domain::ChecksumAlgorithm::kSha512:
      return EvpDigest::Make(EVP_sha512());
    case domain::ChecksumAlgorithm::kMd5:
      return EvpDigest::Make(EVP_md5());
    case domain::ChecksumAlgorithm::kCrc32c:
      return std::make_unique<Crc32cDigest>();
  }
  return nullptr;
}

std::string Fingerprint(std::string_view text) {
  constexpr size_t kEnough = 32;
  const std::unique_ptr<Digest> digest = MakeDigest(domain::ChecksumAlgorithm::kSha256);
  digest->Update(text);
  return digest->Finish().substr(0, kEnough);
}

std::string_view AlgorithmName(domain::ChecksumAlgorithm algorithm) {
  switch (algorithm) {
    case domain::ChecksumAlgorithm::kSha256:
      return "sha256";
    case domain::ChecksumAlgorithm::kSha512:
      return "sha512";
    case domain::ChecksumAlgorithm::kMd5:
      return "md5";
    case domain::ChecksumAlgorithm::kCrc32c:
      return "crc32c";
  }
  return "unknown";
}

}  // namespace bits::transfer

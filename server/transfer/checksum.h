// The checksums that may be given with a file.
#ifndef BITS_SERVER_TRANSFER_CHECKSUM_H_
#define BITS_SERVER_TRANSFER_CHECKSUM_H_

#include <memory>
#include <string>
#include <string_view>

#include "server/domain/job.h"

namespace bits::transfer {

// One thread at a time.
class Digest {
 public:
  virtual ~Digest() = default;
  virtual void Update(std::string_view data) = 0;
  // Lower-case hexadecimal digits; crc32c: the number, most significant digit first. Once.
  virtual std::string Finish() = 0;
};

// Null if OpenSSL refuses the algorithm (MD5 where only FIPS algorithms are allowed).
std::unique_ptr<Digest> MakeDigest(domain::ChecksumAlgorithm algorithm);

// Tells texts apart without telling what is in them: 32 hexadecimal digits.
std::string Fingerprint(std::string_view text);

// "sha256", "sha512", "md5", "crc32c".
std::string_view AlgorithmName(domain::ChecksumAlgorithm algorithm);

}  // namespace bits::transfer

#endif  // BITS_SERVER_TRANSFER_CHECKSUM_H_

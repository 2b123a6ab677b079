// Checksum files, as they are published beside what they are of. Pure, for any bytes whatever; any
// thread.
#ifndef BITS_SERVER_TRANSFER_SIDECAR_H_
#define BITS_SERVER_TRANSFER_SIDECAR_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "server/domain/job.h"

namespace bits::transfer {

// What is longer is none.
inline constexpr size_t kLongestSidecar = size_t{64} * 1024;

// The last component of a URL's path, decoded; empty if there is none.
std::string LeafOf(std::string_view url);

struct SidecarDigest {
  std::string hex;    // in lower case; empty: `fault` says why
  std::string fault;  // for a person; repeats nothing of the text
};
// The digest that `text` gives for the file that is called `leaf`. Lines may be
//   HEX                    alone
//   HEX  NAME, HEX *NAME   as sha256sum and its like write them, escaped names too
//   SHA256 (NAME) = HEX    as BSD, openssl and sha256sum --tag do
// and anything else, which is passed over, as are digests of other algorithms. It is that of the
// line whose NAME ends with `leaf` (a whole component), or the only one.
SidecarDigest DigestIn(std::string_view text, domain::ChecksumAlgorithm algorithm,
                       std::string_view leaf);

}  // namespace bits::transfer

#endif  // BITS_SERVER_TRANSFER_SIDECAR_H_

#ifndef BITS_SERVER_DOMAIN_FILE_KIND_H_
#define BITS_SERVER_DOMAIN_FILE_KIND_H_

#include <cstdint>

namespace bits::domain {

// What stands at a path; a symbolic link is kOther.
enum class FileKind : uint8_t { kNothing, kRegular, kDirectory, kOther };

}  // namespace bits::domain

#endif  // BITS_SERVER_DOMAIN_FILE_KIND_H_

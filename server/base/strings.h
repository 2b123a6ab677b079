// Debian's absl::string_view is a type of its own, not std::string_view. Inside
// we use std::string_view; these two convert where abseil is called.

#ifndef BITS_SERVER_BASE_STRINGS_H_
#define BITS_SERVER_BASE_STRINGS_H_

#include <string_view>

#include "absl/strings/string_view.h"

namespace bits {

constexpr std::string_view Sv(absl::string_view s) { return {s.data(), s.size()}; }
constexpr absl::string_view Av(std::string_view s) { return {s.data(), s.size()}; }

}  // namespace bits

#endif  // BITS_SERVER_BASE_STRINGS_H_

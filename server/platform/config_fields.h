// Fields of the configuration, checked. For the readers of its parts.
#ifndef BITS_SERVER_PLATFORM_CONFIG_FIELDS_H_
#define BITS_SERVER_PLATFORM_CONFIG_FIELDS_H_

#include <google/protobuf/duration.pb.h>

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "server/base/error_info.h"

namespace bits::platform {

inline absl::Status Wrong(std::string_view field, std::string_view rule) {
  return InvalidField(field, rule);
}

inline absl::Status SetDuration(std::string_view field, const google::protobuf::Duration& proto,
                                absl::Duration least, absl::Duration most, absl::Duration& out) {
  const absl::Duration value = absl::Seconds(proto.seconds()) + absl::Nanoseconds(proto.nanos());
  if (value < least || value > most) {
    return Wrong(field, absl::StrCat("must be between ", absl::FormatDuration(least), " and ",
                                     absl::FormatDuration(most)));
  }
  out = value;
  return absl::OkStatus();
}

template <typename T>
absl::Status SetNumber(std::string_view field, uint64_t value, uint64_t least, uint64_t most,
                       T& out) {
  if (value == 0) return absl::OkStatus();  // not given
  if (value < least || value > most) {
    return Wrong(field, absl::StrCat("must be between ", least, " and ", most));
  }
  out = static_cast<T>(value);
  return absl::OkStatus();
}

}  // namespace bits::platform

#endif  // BITS_SERVER_PLATFORM_CONFIG_FIELDS_H_

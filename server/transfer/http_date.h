// Dates as HTTP writes them (RFC 9110, 5.6.7). Pure.
#ifndef BITS_SERVER_TRANSFER_HTTP_DATE_H_
#define BITS_SERVER_TRANSFER_HTTP_DATE_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"

namespace bits::transfer {

// Any of the three forms; nullopt for everything else. Two-digit years are those within fifty
// years of `now`.
std::optional<absl::Time> ParseHttpDate(std::string_view text, absl::Time now);

// "Sun, 06 Nov 1994 08:49:37 GMT"; fractions of a second are cut off.
std::string FormatHttpDate(absl::Time time);

// Retry-After: seconds, or a date, in the past of which there is nothing to wait. nullopt if it is
// neither.
std::optional<absl::Duration> ParseRetryAfter(std::string_view text, absl::Time now);

}  // namespace bits::transfer

#endif  // BITS_SERVER_TRANSFER_HTTP_DATE_H_

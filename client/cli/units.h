// Durations, sizes and times as people write and read them. Pure.
#ifndef BITS_CLIENT_CLI_UNITS_H_
#define BITS_CLIENT_CLI_UNITS_H_

#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include <cstdint>
#include <string>

namespace bits::cli {

// "90", "90s", "1h30m", "14d", "250ms": whole numbers with a unit each out of w, d,
// h, m, s and ms; a number alone is seconds. At most 100 years.
absl::StatusOr<absl::Duration> ParseDuration(const std::string& text);

// "0", "200k", "1.5M", "2Gi", with or without "/s": bytes a second, in decimal units, or in binary ones
// with an i. At most 2^40.
absl::StatusOr<std::uint64_t> ParseRate(const std::string& text);

// "0", "200k", "1.5M", "20Gi", "1T": bytes, as in ParseRate. At most 2^53.
absl::StatusOr<std::uint64_t> ParseSize(const std::string& text);

// The two largest units: "14d", "1h 30m", "0s".
std::string DurationText(absl::Duration duration);
// As on a clock: "0:44", "12:03", "1:02:03".
std::string ClockText(absl::Duration duration);
// "0 B", "999 B", "1.5 KiB", "117 MiB", "2.7 GiB": three digits or so.
std::string BytesText(std::uint64_t bytes);
// BytesText with "/s".
std::string RateText(double bytes_per_second);
// "2025-11-22 12:29:03 UTC" in `zone`; "" for a time that is not set (0).
std::string TimeText(const google::protobuf::Timestamp& time, absl::TimeZone zone);

absl::Time ToTime(const google::protobuf::Timestamp& time);
absl::Duration ToDuration(const google::protobuf::Duration& duration);
google::protobuf::Duration ToProto(absl::Duration duration);

}  // namespace bits::cli

#endif  // BITS_CLIENT_CLI_UNITS_H_

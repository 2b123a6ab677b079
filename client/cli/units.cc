#include "client/cli/units.h"

#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

namespace bits::cli {
namespace {

constexpr std::int64_t kMostMilliseconds = 100LL * 366 * 86'400 * 1'000;

// Milliseconds of the unit that stands at `text[at]`, and its length; 0 if there is none.
std::pair<std::int64_t, std::size_t> UnitAt(const std::string& text, std::size_t at) {
  constexpr std::pair<const char*, std::int64_t> kUnits[] = {
      {"ms", 1},          {"w", 7 * 86'400'000LL}, {"d", 86'400'000LL},
      {"h", 3'600'000LL}, {"m", 60'000LL},         {"s", 1'000LL}};
  for (const auto& [name, milliseconds] : kUnits) {
    const std::string unit = name;
    if (text.compare(at, unit.size(), unit) == 0) return {milliseconds, unit.size()};
  }
  return {0, 0};
}

}  // namespace

absl::StatusOr<absl::Duration> ParseDuration(const std::string& text) {
  const auto wrong = [&text] {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text, "\" is not a duration: give such as 90s, 10m, 1h30m or 14d"));
  };
  std::int64_t total = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t begin = at;
    std::int64_t number = 0;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
      number = number * 10 + (text[at++] - '0');
      if (number > kMostMilliseconds) return wrong();
    }
    if (at == begin) return wrong();
    if (at == text.size() && begin == 0) return absl::Seconds(number);
    const auto [milliseconds, length] = UnitAt(text, at);
    if (milliseconds == 0 || number > kMostMilliseconds / milliseconds) return wrong();
    at += length;
    total += number * milliseconds;
    if (total > kMostMilliseconds) return wrong();
  }
  if (text.empty()) return wrong();
  return absl::Milliseconds(total);
}

namespace {

// nullopt: it is no number of bytes, or more than `most`.
std::optional<std::uint64_t> ParseBytes(std::string rest, double most) {
  double unit = 1;
  const bool binary = absl::EndsWith(rest, "i");
  if (binary) rest.pop_back();
  const double step = binary ? 1'024 : 1'000;
  const std::size_t power = rest.empty() ? std::string::npos : std::string("kMGT").find(rest.back());
  if (power != std::string::npos) {
    for (std::size_t i = 0; i <= power; ++i) unit *= step;
    rest.pop_back();
  } else if (binary) {
    return std::nullopt;
  }
  double number = 0;
  const bool plain = !rest.empty() && rest.find_first_not_of("0123456789.") == std::string::npos;
  if (!plain || !absl::SimpleAtod(rest, &number) || number * unit > most) return std::nullopt;
  return static_cast<std::uint64_t>(std::llround(number * unit));
}

}  // namespace

absl::StatusOr<std::uint64_t> ParseRate(const std::string& text) {
  constexpr double kMost = 1'099'511'627'776;
  std::string rest = text;
  if (absl::EndsWith(rest, "/s")) rest.resize(rest.size() - 2);
  if (const auto rate = ParseBytes(std::move(rest), kMost)) return *rate;
  return absl::InvalidArgumentError(
      absl::StrCat("\"", text, "\" is not a rate: give such as 200k, 1.5M or 2Gi bytes a second"));
}

absl::StatusOr<std::uint64_t> ParseSize(const std::string& text) {
  constexpr double kMost = 9'007'199'254'740'992;
  if (const auto size = ParseBytes(text, kMost)) return *size;
  return absl::InvalidArgumentError(
      absl::StrCat("\"", text, "\" is not a size: give such as 200k, 1.5M or 2Gi bytes"));
}

std::string DurationText(absl::Duration duration) {
  std::int64_t seconds = std::max<std::int64_t>(0, absl::ToInt64Seconds(duration));
  constexpr std::pair<std::int64_t, const char*> kUnits[] = {
      {86'400, "d"}, {3'600, "h"}, {60, "m"}, {1, "s"}};
  std::string text;
  int parts = 0;
  for (const auto& [size, name] : kUnits) {
    const std::int64_t count = seconds / size;
    seconds %= size;
    if (parts > 0) ++parts;
    if (count > 0) {
      absl::StrAppend(&text, text.empty() ? "" : " ", count, name);
      if (parts == 0) parts = 1;
    }
    if (parts == 2) break;
  }
  return text.empty() ? "0s" : text;
}

std::string ClockText(absl::Duration duration) {
  const std::int64_t seconds = std::max<std::int64_t>(0, absl::ToInt64Seconds(duration));
  const std::int64_t hours = seconds / 3'600;
  if (hours >= 100) return absl::StrCat(hours / 24, "d");
  if (hours > 0) return absl::StrFormat("%d:%02d:%02d", hours, seconds / 60 % 60, seconds % 60);
  return absl::StrFormat("%d:%02d", seconds / 60, seconds % 60);
}

std::string BytesText(std::uint64_t bytes) {
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1'000) return absl::StrCat(bytes, " B");
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  // 1000 and not 1024, so that never more than three digits stand before the unit.
  while (value >= 999.5 && unit + 1 < std::size(kUnits)) {
    value /= 1'024;
    ++unit;
  }
  return value < 9.95 ? absl::StrFormat("%.1f %s", value, kUnits[unit])
                      : absl::StrFormat("%.0f %s", value, kUnits[unit]);
}

std::string RateText(double bytes_per_second) {
  const double bounded = std::clamp(bytes_per_second, 0.0, 1e18);
  return absl::StrCat(BytesText(static_cast<std::uint64_t>(std::llround(bounded))), "/s");
}

std::string TimeText(const google::protobuf::Timestamp& time, absl::TimeZone zone) {
  if (time.seconds() == 0 && time.nanos() == 0) return "";
  return absl::FormatTime("%Y-%m-%d %H:%M:%S %Z", ToTime(time), zone);
}

absl::Time ToTime(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

absl::Duration ToDuration(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

google::protobuf::Duration ToProto(absl::Duration duration) {
  google::protobuf::Duration proto;
  proto.set_seconds(absl::IDivDuration(duration, absl::Seconds(1), &duration));
  proto.set_nanos(static_cast<std::int32_t>(absl::ToInt64Nanoseconds(duration)));
  return proto;
}

}  // namespace bits::cli

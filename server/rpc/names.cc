#include "server/rpc/names.h"

#include <charconv>

#include "absl/strings/ascii.h"
#include "server/base/error_info.h"

namespace bits::rpc {
namespace {

constexpr std::string_view kJobs = "jobs/";
constexpr std::string_view kFiles = "/files/";
constexpr std::string_view kNotifications = "/notifications/";
constexpr size_t kUuidLength = 36;

// A decimal number without sign, blanks and leading zeros.
template <typename Number>
std::optional<Number> ParseNumber(std::string_view text) {
  if (text.empty() || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// Takes `jobs/{job}` off the front of the name.
std::optional<domain::JobId> TakeJob(std::string_view& name) {
  if (!name.starts_with(kJobs)) return std::nullopt;
  const std::string_view id = name.substr(kJobs.size(), kUuidLength);
  if (!IsUuid(id)) return std::nullopt;
  name.remove_prefix(kJobs.size() + kUuidLength);
  return CanonicalUuid(id);
}

}  // namespace

bool IsUuid(std::string_view text) {
  if (text.size() != kUuidLength) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !absl::ascii_isxdigit(static_cast<unsigned char>(text[i]))) {
      return false;
    }
  }
  return true;
}

std::string CanonicalUuid(std::string_view uuid) {
  std::string canonical(uuid);
  absl::AsciiStrToLower(&canonical);
  return canonical;
}

std::string JobName(const domain::JobId& id) { return std::string(kJobs) + id; }

std::string FileName(const domain::JobId& id, uint32_t ordinal) {
  return JobName(id).append(kFiles).append(std::to_string(ordinal));
}

std::string NotificationName(const domain::JobId& id, uint64_t number) {
  return JobName(id).append(kNotifications).append(std::to_string(number));
}

absl::StatusOr<domain::JobId> ParseJobName(std::string_view name, std::string_view field) {
  std::optional<domain::JobId> id = TakeJob(name);
  if (!id || !name.empty()) return InvalidField(field, "must be jobs/{job}, {job} being a UUID");
  return *std::move(id);
}

absl::StatusOr<FileId> ParseFileName(std::string_view name, std::string_view field) {
  std::optional<domain::JobId> id = TakeJob(name);
  if (id && name.starts_with(kFiles)) {
    name.remove_prefix(kFiles.size());
    const std::optional<uint32_t> ordinal = ParseNumber<uint32_t>(name);
    if (ordinal && *ordinal > 0) return FileId{*std::move(id), *ordinal};
  }
  return InvalidField(field,
                      "must be jobs/{job}/files/{file}, {job} being a UUID and {file} a number "
                      "from 1");
}

absl::StatusOr<NotificationId> ParseNotificationName(std::string_view name,
                                                     std::string_view field) {
  std::optional<domain::JobId> id = TakeJob(name);
  if (id && name.starts_with(kNotifications)) {
    name.remove_prefix(kNotifications.size());
    const std::optional<uint64_t> number = ParseNumber<uint64_t>(name);
    // More than a store can hold is none.
    if (number && *number > 0 && *number >> 63 == 0) return NotificationId{*std::move(id), *number};
  }
  return InvalidField(field,
                      "must be jobs/{job}/notifications/{notification}, {job} being a UUID and "
                      "{notification} a number from 1");
}

std::string FormatEtag(uint64_t revision) { return '"' + std::to_string(revision) + '"'; }

std::optional<uint64_t> ParseEtag(std::string_view etag) {
  if (etag.empty()) return std::nullopt;
  if (etag.size() < 3 || etag.front() != '"' || etag.back() != '"') return 0;
  return ParseNumber<uint64_t>(etag.substr(1, etag.size() - 2)).value_or(0);
}

}  // namespace bits::rpc

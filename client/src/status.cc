#include "bits/status.h"

#include <absl/strings/cord.h>
#include <absl/types/optional.h>

#include <cstdlib>

#include "google/rpc/error_details.pb.h"

namespace bits {
inline namespace client_0 {
namespace {

template <typename Detail>
std::optional<Detail> GetDetail(const absl::Status& status) {
  const auto payload =
      status.GetPayload("type.googleapis.com/" + Detail::descriptor()->full_name());
  Detail detail;
  if (!payload || !detail.ParseFromString(std::string(*payload))) return std::nullopt;
  return detail;
}

}  // namespace

std::optional<ErrorInfo> GetErrorInfo(const absl::Status& status) {
  const auto detail = GetDetail<google::rpc::ErrorInfo>(status);
  if (!detail) return std::nullopt;
  return ErrorInfo{
      detail->reason(), detail->domain(), {detail->metadata().begin(), detail->metadata().end()}};
}

std::string GetErrorReason(const absl::Status& status) {
  const auto info = GetErrorInfo(status);
  return info ? info->reason : std::string();
}

std::optional<std::uint32_t> GetHresult(const absl::Status& status) {
  const auto info = GetErrorInfo(status);
  if (!info) return std::nullopt;
  const auto found = info->metadata.find("hresult");
  if (found == info->metadata.end()) return std::nullopt;
  char* end = nullptr;
  const std::uint64_t value = std::strtoull(found->second.c_str(), &end, 0);
  if (end == found->second.c_str() || *end != '\0' || value > UINT32_MAX) return std::nullopt;
  return static_cast<std::uint32_t>(value);
}

std::vector<FieldViolation> GetFieldViolations(const absl::Status& status) {
  std::vector<FieldViolation> result;
  if (const auto detail = GetDetail<google::rpc::BadRequest>(status)) {
    for (const auto& violation : detail->field_violations()) {
      result.push_back({violation.field(), violation.description()});
    }
  }
  return result;
}

std::optional<std::chrono::milliseconds> GetRetryDelay(const absl::Status& status) {
  const auto detail = GetDetail<google::rpc::RetryInfo>(status);
  if (!detail || !detail->has_retry_delay()) return std::nullopt;
  const auto& delay = detail->retry_delay();
  // Outside a year either way the number is nonsense, and would overflow below.
  if (delay.seconds() < 0 || delay.seconds() > std::int64_t{366} * 86'400) return std::nullopt;
  return std::chrono::milliseconds(delay.seconds() * 1'000 + delay.nanos() / 1'000'000);
}

}  // namespace client_0
}  // namespace bits

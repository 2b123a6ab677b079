#include "server/rpc/validate_timing.h"

#include <algorithm>
#include <cmath>

#include "server/base/error_info.h"
#include "server/base/status_macros.h"
#include "server/rpc/validate.h"

namespace bits::rpc {
namespace {

constexpr std::string_view kNotBeforePath = "not_before_time";
constexpr std::string_view kDeadlinePath = "deadline";
constexpr std::string_view kRetryPath = "retry_options";

// Whether the mask names the path; without a mask: whether the field is populated.
bool SelectsPath(const v1::UpdateJobRequest& request, std::string_view path, bool populated) {
  const auto& paths = request.update_mask().paths();
  if (paths.empty()) return populated;
  return std::any_of(paths.begin(), paths.end(),
                     [path](const std::string& named) { return named == "*" || named == path; });
}

}  // namespace

absl::StatusOr<absl::Time> TimeFrom(const google::protobuf::Timestamp& time,
                                    std::string_view field) {
  constexpr int64_t kFirst = -62135596800;  // 0001-01-01T00:00:00Z
  constexpr int64_t kLast = 253402300799;   // 9999-12-31T23:59:59Z
  if (time.nanos() < 0 || time.nanos() > 999'999'999) {
    return InvalidField(field, "nanos must be 0 to 999,999,999");
  }
  if (time.seconds() < kFirst || time.seconds() > kLast) {
    return InvalidField(field, "must be of the years 1 to 9999");
  }
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

absl::StatusOr<domain::Timing> TimingFrom(const v1::Job& job) {
  domain::Timing timing;
  if (job.has_not_before_time()) {
    BITS_ASSIGN_OR_RETURN(timing.not_before,
                          TimeFrom(job.not_before_time(), "job.not_before_time"));
  }
  if (job.has_deadline()) {
    BITS_ASSIGN_OR_RETURN(timing.deadline, TimeFrom(job.deadline(), "job.deadline"));
  }
  return timing;
}

absl::StatusOr<domain::RetryOptions> RetryOptionsFrom(const v1::Job& job) {
  const v1::RetryOptions& from = job.retry_options();
  domain::RetryOptions to;
  BITS_ASSIGN_OR_RETURN(to.maximum_delay, DurationFrom(from.maximum_retry_delay(),
                                                       "job.retry_options.maximum_retry_delay"));
  if (from.multiplier() == 0) return to;
  // Also what is no number.
  if (std::isnan(from.multiplier()) || from.multiplier() < 1 ||
      from.multiplier() > domain::kMostRetryMultiplier) {
    return InvalidField("job.retry_options.multiplier", "must be 1 to 10, or 0 for the default");
  }
  if (to.maximum_delay == absl::ZeroDuration()) {
    return InvalidField("job.retry_options.maximum_retry_delay",
                        "is required where there is a multiplier");
  }
  to.multiplier = from.multiplier();
  return to;
}

bool IsTimingPath(std::string_view path) {
  return path == kNotBeforePath || path == kDeadlinePath || path == kRetryPath;
}

absl::StatusOr<std::optional<domain::RetryOptions>> RetryOptionsUpdateFrom(
    const v1::UpdateJobRequest& request) {
  if (!SelectsPath(request, kRetryPath, request.job().has_retry_options())) return std::nullopt;
  return RetryOptionsFrom(request.job());
}

absl::StatusOr<std::optional<domain::TimingUpdate>> TimingUpdateFrom(
    const v1::UpdateJobRequest& request) {
  const v1::Job& job = request.job();
  const bool not_before = SelectsPath(request, kNotBeforePath, job.has_not_before_time());
  const bool deadline = SelectsPath(request, kDeadlinePath, job.has_deadline());
  if (!not_before && !deadline) return std::nullopt;
  BITS_ASSIGN_OR_RETURN(const domain::Timing all, TimingFrom(job));
  domain::TimingUpdate update;
  if (not_before) update.not_before = all.not_before;
  if (deadline) update.deadline = all.deadline;
  return update;
}

}  // namespace bits::rpc

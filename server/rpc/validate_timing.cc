#include "server/rpc/validate_timing.h"

#include <algorithm>

#include "server/base/error_info.h"
#include "server/base/status_macros.h"

namespace bits::rpc {
namespace {

constexpr std::string_view kNotBeforePath = "not_before_time";
constexpr std::string_view kDeadlinePath = "deadline";

// Whether the mask names the path; without a mask: whether the field is populated.
bool SelectsTime(const v1::UpdateJobRequest& request, std::string_view path, bool populated) {
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

bool IsTimingPath(std::string_view path) { return path == kNotBeforePath || path == kDeadlinePath; }

absl::StatusOr<std::optional<domain::TimingUpdate>> TimingUpdateFrom(
    const v1::UpdateJobRequest& request) {
  const v1::Job& job = request.job();
  const bool not_before = SelectsTime(request, kNotBeforePath, job.has_not_before_time());
  const bool deadline = SelectsTime(request, kDeadlinePath, job.has_deadline());
  if (!not_before && !deadline) return std::nullopt;
  BITS_ASSIGN_OR_RETURN(const domain::Timing all, TimingFrom(job));
  domain::TimingUpdate update;
  if (not_before) update.not_before = all.not_before;
  if (deadline) update.deadline = all.deadline;
  return update;
}

}  // namespace bits::rpc

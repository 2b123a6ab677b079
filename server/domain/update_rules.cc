#include "server/domain/update_rules.h"

#include <string_view>

#include "server/base/error_info.h"
#include "server/domain/retry.h"

namespace bits::domain {
namespace {

absl::Status Refuse(std::string_view reason, std::string_view message) {
  return MakeRefusal(absl::StatusCode::kFailedPrecondition, reason, message);
}

absl::Status NotWithMethod() {
  return Refuse("BG_E_NOT_SUPPORTED_WITH_CUSTOM_HTTP_METHOD",
                "priority: a job with a method other than GET is PRIORITY_FOREGROUND.");
}

}  // namespace

absl::Status CheckUpdate(const Job& job, const Update& update, absl::Time now) {
  const HttpOptions& before = job.http;
  HttpOptions after = before;
  if (update.http.has_value()) {
    if (before.headers_write_only && update.http->headers_write_only == false) {
      return Refuse("BG_E_READ_ONLY_PROPERTY",
                    "http_options.headers_write_only: once true, it stays so.");
    }
    if (update.http->method.has_value()) after.method = *update.http->method;
    const bool changes = HasCustomMethod(before) != HasCustomMethod(after) ||
                         (HasCustomMethod(after) && before.method != after.method);
    if (changes && WasResumed(job)) {
      return Refuse("BG_E_READ_ONLY_PROPERTY_AFTER_RESUME",
                    "http_options.method: cannot change once the job was resumed.");
    }
  }
  const bool other_priority =
      update.priority.has_value() && *update.priority != Priority::kForeground;
  if (HasCustomMethod(after) && other_priority) return NotWithMethod();
  if (update.retry.has_value() || update.minimum_retry_delay.has_value()) {
    absl::Status fits =
        CheckRetryOptions(update.retry.value_or(job.retry),
                          update.minimum_retry_delay.value_or(job.minimum_retry_delay));
    if (!fits.ok()) return fits;
  }
  if (!update.timing.has_value()) return absl::OkStatus();
  return CheckTiming(job.timing, After(job.timing, *update.timing), now);
}

absl::Status CheckNew(Job& job, bool priority_given) {
  absl::Status fits = CheckRetryOptions(job.retry, job.minimum_retry_delay);
  if (!fits.ok()) return fits;
  if (!HasCustomMethod(job.http)) return absl::OkStatus();
  if (priority_given && job.priority != Priority::kForeground) return NotWithMethod();
  job.priority = Priority::kForeground;
  return absl::OkStatus();
}

}  // namespace bits::domain

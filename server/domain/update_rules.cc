#include "server/domain/update_rules.h"

#include <string_view>

#include "absl/strings/str_cat.h"
#include "server/base/error_info.h"
#include "server/base/strings.h"
#include "server/domain/retry.h"

namespace bits::domain {
namespace {

absl::Status Refuse(std::string_view reason, std::string_view message) {
  return MakeRefusal(absl::StatusCode::kFailedPrecondition, reason, message);
}

constexpr std::string_view kNotWithMethod = "BG_E_NOT_SUPPORTED_WITH_CUSTOM_HTTP_METHOD";

absl::Status NotWithMethod() {
  return Refuse(kNotWithMethod,
                "priority: a job with a method other than GET is PRIORITY_FOREGROUND.");
}

absl::Status ReadOnlyAfterResume(std::string_view property) {
  return Refuse("BG_E_READ_ONLY_PROPERTY_AFTER_RESUME",
                absl::StrCat(Av(property), ": cannot change once the job was resumed."));
}

constexpr std::string_view kDynamicField = "job.transfer_options.dynamic_content";

// What dynamic content cannot be with.
absl::Status CheckDynamic(const TransferOptions& options, const HttpOptions& http,
                          bool has_ranges, bool has_mirrors) {
  if (!options.dynamic_content) return absl::OkStatus();
  if (options.require_ranges) {
    return InvalidField(kDynamicField, "cannot be true together with require_ranges");
  }
  if (has_ranges) return InvalidField(kDynamicField, "cannot be true: a file of the job has ranges");
  if (has_mirrors) {
    return InvalidField(kDynamicField, "cannot be true: a file of the job has mirrors");
  }
  if (HasCustomMethod(http)) {
    return Refuse(kNotWithMethod,
                  "transfer_options.dynamic_content: not with a method other than GET.");
  }
  return absl::OkStatus();
}

absl::Status CheckTransferOptions(const Job& job, const Update& update, const HttpOptions& http) {
  TransferOptions after = job.options;
  after.require_ranges = update.require_ranges.value_or(after.require_ranges);
  after.dynamic_content = update.dynamic_content.value_or(after.dynamic_content);
  if (WasResumed(job) && after.dynamic_content != job.options.dynamic_content) {
    return ReadOnlyAfterResume("transfer_options.dynamic_content");
  }
  after.high_performance = update.high_performance.value_or(after.high_performance);
  if (job.progress.files_total > 0 && after.high_performance != job.options.high_performance) {
    return Refuse("BG_E_READ_ONLY_PROPERTY_AFTER_ADDFILE",
                  "transfer_options.high_performance: cannot change once the job has files.");
  }
  if (WasResumed(job) &&
      update.max_download_size.value_or(job.options.max_download_size) !=
          job.options.max_download_size) {
    return ReadOnlyAfterResume("transfer_options.max_download_size");
  }
  return CheckDynamic(after, http, job.has_ranges, job.has_mirrors);
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
    if (HasCustomMethod(after) && job.has_mirrors) {
      return Refuse(kNotWithMethod,
                    "http_options.method: must be GET, as a file of the job has mirrors.");
    }
    if (changes && WasResumed(job)) {
      return ReadOnlyAfterResume("http_options.method");
    }
  }
  const bool other_priority =
      update.priority.has_value() && *update.priority != Priority::kForeground;
  if (HasCustomMethod(after) && other_priority) return NotWithMethod();
  absl::Status options = CheckTransferOptions(job, update, after);
  if (!options.ok()) return options;
  if (update.retry.has_value() || update.minimum_retry_delay.has_value()) {
    absl::Status fits =
        CheckRetryOptions(update.retry.value_or(job.retry),
                          update.minimum_retry_delay.value_or(job.minimum_retry_delay));
    if (!fits.ok()) return fits;
  }
  if (!update.timing.has_value()) return absl::OkStatus();
  return CheckTiming(job.timing, After(job.timing, *update.timing), now);
}

absl::Status CheckAddFiles(const Job& job, const AddFiles& added) {
  const bool custom = HasCustomMethod(job.http);
  if (!job.options.dynamic_content && !custom) return absl::OkStatus();
  constexpr std::string_view kNotDynamic = "must be none in a job with dynamic_content";
  for (size_t i = 0; i < added.files.size(); ++i) {
    const bool has_mirrors = !added.files[i].mirrors.names.empty();
    if (has_mirrors && custom) {
      return Refuse(kNotWithMethod, absl::StrCat("files[", i, "].mirrors: not in a job with a ",
                                                 "method other than GET."));
    }
    if (!job.options.dynamic_content) continue;
    if (!added.files[i].ranges.empty()) {
      return InvalidField(absl::StrCat("files[", i, "].ranges"), kNotDynamic);
    }
    if (has_mirrors) return InvalidField(absl::StrCat("files[", i, "].mirrors"), kNotDynamic);
  }
  return absl::OkStatus();
}

absl::Status CheckNew(Job& job, bool priority_given) {
  absl::Status fits = CheckRetryOptions(job.retry, job.minimum_retry_delay);
  if (!fits.ok()) return fits;
  absl::Status dynamic = CheckDynamic(job.options, job.http, false, false);
  if (!dynamic.ok()) return dynamic;
  if (!HasCustomMethod(job.http)) return absl::OkStatus();
  if (priority_given && job.priority != Priority::kForeground) return NotWithMethod();
  job.priority = Priority::kForeground;
  return absl::OkStatus();
}

}  // namespace bits::domain

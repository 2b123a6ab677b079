#include "server/rpc/validate.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "server/base/error_info.h"
#include "server/base/status_macros.h"
#include "server/rpc/convert.h"
#include "server/rpc/names.h"
#include "server/rpc/utf8.h"
#include "server/rpc/validate_http.h"
#include "server/rpc/validate_notifications.h"
#include "server/rpc/validate_timing.h"
#include "server/domain/update_rules.h"

namespace bits::rpc {
namespace {

constexpr std::string_view kTooLong = "BG_E_STRING_TOO_LONG";

// BITS: CreateJob refuses a name that is too long with E_INVALIDARG, SetDisplayName with
// BG_E_STRING_TOO_LONG.
absl::StatusOr<std::string> DisplayNameFrom(const std::string& name, std::string_view too_long) {
  constexpr std::string_view kField = "job.display_name";
  if (name.empty()) return InvalidField(kField, "is required: 1 to 256 characters");
  const std::optional<size_t> characters = CountCharacters(name);
  if (!characters) return InvalidField(kField, "must be UTF-8");
  if (*characters > kDisplayNameCharacters) {
    return InvalidField(kField, "must be at most 256 characters", too_long);
  }
  return name;
}

absl::StatusOr<std::string> DescriptionFrom(const std::string& description) {
  constexpr std::string_view kField = "job.description";
  const std::optional<size_t> characters = CountCharacters(description);
  if (!characters) return InvalidField(kField, "must be UTF-8");
  if (*characters > kDescriptionCharacters) {
    return InvalidField(kField, "must be at most 1,024 characters", kTooLong);
  }
  return description;
}

absl::StatusOr<domain::Priority> NewPriorityFrom(v1::Job::Priority priority) {
  if (priority == v1::Job::PRIORITY_UNSPECIFIED) return domain::Priority::kNormal;
  if (const auto known = PriorityFrom(priority)) return *known;
  return InvalidField("job.priority", "must be a value of Job.Priority");
}

absl::StatusOr<domain::JobType> NewTypeFrom(v1::Job::Type type) {
  if (type == v1::Job::TYPE_UNSPECIFIED) return domain::JobType::kDownload;
  const auto known = TypeFrom(type);
  if (!known) return InvalidField("job.type", "must be a value of Job.Type");
  if (*known != domain::JobType::kDownload) {
    return MakeRefusal(absl::StatusCode::kUnimplemented, "E_NOTIMPL",
                       "job.type: only TYPE_DOWNLOAD is there so far");
  }
  return *known;
}

absl::StatusOr<absl::Duration> RetryDelayFrom(const v1::Job& job) {
  if (!job.has_minimum_retry_delay()) return domain::kDefaultMinimumRetryDelay;
  BITS_ASSIGN_OR_RETURN(const absl::Duration delay,
                        DurationFrom(job.minimum_retry_delay(), "job.minimum_retry_delay"));
  return std::max(delay, domain::kLeastRetryDelay);  // BITS raises it without a word.
}

absl::StatusOr<absl::Duration> NoProgressFrom(const v1::Job& job) {
  if (!job.has_no_progress_timeout()) return domain::kDefaultNoProgressTimeout;
  return DurationFrom(job.no_progress_timeout(), "job.no_progress_timeout");
}

absl::StatusOr<absl::Duration> DownloadTimeFrom(const v1::Job& job, const domain::Policy& policy) {
  if (!job.has_maximum_download_time()) return domain::DefaultMaximumDownloadTime(policy);
  return DurationFrom(job.maximum_download_time(), "job.maximum_download_time");
}

absl::StatusOr<absl::Duration> NotificationIntervalFrom(const v1::Job& job) {
  if (!job.has_minimum_notification_interval()) return domain::kDefaultNotificationInterval;
  return DurationFrom(job.minimum_notification_interval(), "job.minimum_notification_interval");
}

absl::StatusOr<std::map<std::string, std::string>> LabelsFrom(const v1::Job& job) {
  constexpr std::string_view kField = "job.labels";
  if (job.labels().size() > kLabelsPerJob) return InvalidField(kField, "must be at most 64");
  std::map<std::string, std::string> labels;
  for (const auto& [key, value] : job.labels()) {
    if (!IsLabelKey(key)) {
      return InvalidField(kField, "each key must be 1 to 63 characters of [a-z0-9._/-]");
    }
    const std::string field = std::string(kField) + "[\"" + key + "\"]";
    if (value.size() > kLabelValueBytes) return InvalidField(field, "must be at most 256 bytes");
    if (!CountCharacters(value)) return InvalidField(field, "must be UTF-8");
    labels.emplace(key, value);
  }
  return labels;
}

absl::StatusOr<uint32_t> ParallelFilesFrom(const v1::Job& job) {
  const uint32_t files = job.transfer_options().max_parallel_files();
  if (files > domain::kMaximumParallelFiles) {
    return InvalidField("job.transfer_options.max_parallel_files",
                        "must be 1 to 64, or 0 for the default");
  }
  return files;
}

absl::StatusOr<uint64_t> RateFrom(const v1::Job& job) {
  const uint64_t rate = job.transfer_options().max_bytes_per_second();
  if (rate != 0 && (rate < domain::kLeastRate || rate > domain::kMostRate)) {
    return InvalidField("job.transfer_options.max_bytes_per_second",
                        "must be 1,024 to 1,099,511,627,776, or 0 for no limit");
  }
  return rate;
}

// The properties that UpdateJob can write.
struct Selection {
  bool display_name = false;
  bool description = false;
  bool priority = false;
  bool minimum_retry_delay = false;
  bool no_progress_timeout = false;
  bool maximum_download_time = false;
  bool labels = false;
  bool max_parallel_files = false;
  bool require_ranges = false;
  bool max_bytes_per_second = false;
  bool auto_complete = false;
  bool dynamic_content = false;
  bool high_performance = false;
  bool max_download_size = false;
  bool notification_interval = false;
};

Selection Everything() {
  return {true, true, true, true, true, true, true, true,
          true, true, true, true, true, true, true};
}

Selection Populated(const v1::Job& job) {
  return {!job.display_name().empty(),
          !job.description().empty(),
          job.priority() != v1::Job::PRIORITY_UNSPECIFIED,
          job.has_minimum_retry_delay(),
          job.has_no_progress_timeout(),
          job.has_maximum_download_time(),
          !job.labels().empty(),
          job.transfer_options().max_parallel_files() != 0,
          job.transfer_options().require_ranges(),
          job.transfer_options().max_bytes_per_second() != 0,
          job.auto_complete(),
          job.transfer_options().dynamic_content(),
          job.transfer_options().high_performance(),
          job.transfer_options().max_download_size() != 0,
          job.has_minimum_notification_interval()};
}

// False: there is no such path, or it cannot be written.
bool Select(std::string_view path, Selection& to) {
  static constexpr std::pair<std::string_view, bool Selection::*> kPaths[] = {
      {"display_name", &Selection::display_name},
      {"description", &Selection::description},
      {"priority", &Selection::priority},
      {"minimum_retry_delay", &Selection::minimum_retry_delay},
      {"no_progress_timeout", &Selection::no_progress_timeout},
      {"maximum_download_time", &Selection::maximum_download_time},
      {"labels", &Selection::labels},
      {"auto_complete", &Selection::auto_complete},
      {"transfer_options", &Selection::max_parallel_files},
      {"transfer_options", &Selection::require_ranges},
      {"transfer_options", &Selection::max_bytes_per_second},
      {"transfer_options", &Selection::dynamic_content},
      {"transfer_options", &Selection::high_performance},
      {"transfer_options", &Selection::max_download_size},
      {"transfer_options.high_performance", &Selection::high_performance},
      {"transfer_options.dynamic_content", &Selection::dynamic_content},
      {"transfer_options.max_download_size", &Selection::max_download_size},
      {"minimum_notification_interval", &Selection::notification_interval},
      {"transfer_options.max_parallel_files", &Selection::max_parallel_files},
      {"transfer_options.require_ranges", &Selection::require_ranges},
      {"transfer_options.max_bytes_per_second", &Selection::max_bytes_per_second},
  };
  bool found = false;
  for (const auto& [known, member] : kPaths) {
    if (known != path) continue;
    to.*member = true;
    found = true;
  }
  return found;
}

absl::StatusOr<Selection> SelectionFrom(const v1::UpdateJobRequest& request) {
  const auto& paths = request.update_mask().paths();
  if (paths.empty()) return Populated(request.job());
  if (paths.size() == 1 && paths[0] == "*") return Everything();
  Selection selection;
  for (const std::string& path : paths) {
    if (Select(path, selection) || IsHttpPath(path) || IsTimingPath(path) ||
        IsNotificationPath(path)) {
      continue;
    }
    return InvalidField("update_mask", path == "*"
                                           ? "`*` must stand alone"
                                           : "`" + path + "` is not a path that can be written");
  }
  return selection;
}

}  // namespace

bool IsLabelKey(std::string_view key) {
  return !key.empty() && key.size() <= kLabelKeyCharacters &&
         key.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789._/-") ==
             std::string_view::npos;
}

absl::StatusOr<absl::Duration> DurationFrom(const google::protobuf::Duration& duration,
                                            std::string_view field) {
  const int64_t seconds = duration.seconds();
  const int32_t nanos = duration.nanos();
  if (seconds < 0 || nanos < 0) return InvalidField(field, "must not be negative");
  if (nanos > 999'999'999) return InvalidField(field, "nanos must be at most 999,999,999");
  // Compared as seconds first: a number beyond all bounds must not overflow.
  if (seconds > absl::ToInt64Seconds(kLongestDuration) ||
      absl::Seconds(seconds) + absl::Nanoseconds(nanos) > kLongestDuration) {
    return InvalidField(field, "must be at most 1 year (31,536,000 s)");
  }
  return absl::Seconds(seconds) + absl::Nanoseconds(nanos);
}

absl::StatusOr<domain::Job> NewJobFrom(const v1::CreateJobRequest& request,
                                       const domain::Policy& policy) {
  const v1::Job& from = request.job();
  domain::Job job;
  BITS_ASSIGN_OR_RETURN(job.type, NewTypeFrom(from.type()));
  BITS_ASSIGN_OR_RETURN(job.display_name, DisplayNameFrom(from.display_name(), "E_INVALIDARG"));
  BITS_ASSIGN_OR_RETURN(job.description, DescriptionFrom(from.description()));
  BITS_ASSIGN_OR_RETURN(job.priority, NewPriorityFrom(from.priority()));
  BITS_ASSIGN_OR_RETURN(job.minimum_retry_delay, RetryDelayFrom(from));
  BITS_ASSIGN_OR_RETURN(job.no_progress_timeout, NoProgressFrom(from));
  BITS_ASSIGN_OR_RETURN(job.maximum_download_time, DownloadTimeFrom(from, policy));
  BITS_ASSIGN_OR_RETURN(job.labels, LabelsFrom(from));
  BITS_ASSIGN_OR_RETURN(job.options.max_parallel_files, ParallelFilesFrom(from));
  job.options.require_ranges = from.transfer_options().require_ranges();
  BITS_ASSIGN_OR_RETURN(job.options.max_bytes_per_second, RateFrom(from));
  job.options.dynamic_content = from.transfer_options().dynamic_content();
  job.options.high_performance = from.transfer_options().high_performance();
  job.options.max_download_size = from.transfer_options().max_download_size();
  BITS_ASSIGN_OR_RETURN(job.notification_interval, NotificationIntervalFrom(from));
  BITS_ASSIGN_OR_RETURN(job.http, HttpOptionsFrom(from));
  BITS_ASSIGN_OR_RETURN(job.proxy, ProxyFrom(from));
  BITS_ASSIGN_OR_RETURN(job.timing, TimingFrom(from));
  BITS_ASSIGN_OR_RETURN(job.retry, RetryOptionsFrom(from));
  job.auto_complete = from.auto_complete();
  BITS_ASSIGN_OR_RETURN(job.notifications, NotificationsFrom(from));
  BITS_RETURN_IF_ERROR(
      domain::CheckNew(job, from.priority() != v1::Job::PRIORITY_UNSPECIFIED));
  return job;
}

absl::StatusOr<domain::Update> UpdateFrom(const v1::UpdateJobRequest& request,
                                          const domain::Policy& policy) {
  const v1::Job& from = request.job();
  BITS_ASSIGN_OR_RETURN(const Selection selection, SelectionFrom(request));
  domain::Update update;
  if (selection.display_name) {
    BITS_ASSIGN_OR_RETURN(update.display_name, DisplayNameFrom(from.display_name(), kTooLong));
  }
  if (selection.description) {
    BITS_ASSIGN_OR_RETURN(update.description, DescriptionFrom(from.description()));
  }
  if (selection.priority) {
    BITS_ASSIGN_OR_RETURN(update.priority, NewPriorityFrom(from.priority()));
  }
  if (selection.minimum_retry_delay) {
    BITS_ASSIGN_OR_RETURN(update.minimum_retry_delay, RetryDelayFrom(from));
  }
  if (selection.no_progress_timeout) {
    BITS_ASSIGN_OR_RETURN(update.no_progress_timeout, NoProgressFrom(from));
  }
  if (selection.maximum_download_time) {
    BITS_ASSIGN_OR_RETURN(update.maximum_download_time, DownloadTimeFrom(from, policy));
  }
  if (selection.labels) {
    BITS_ASSIGN_OR_RETURN(update.labels, LabelsFrom(from));
  }
  if (selection.max_parallel_files) {
    BITS_ASSIGN_OR_RETURN(update.max_parallel_files, ParallelFilesFrom(from));
  }
  if (selection.require_ranges) update.require_ranges = from.transfer_options().require_ranges();
  if (selection.max_bytes_per_second) {
    BITS_ASSIGN_OR_RETURN(update.max_bytes_per_second, RateFrom(from));
  }
  if (selection.dynamic_content) {
    update.dynamic_content = from.transfer_options().dynamic_content();
  }
  if (selection.high_performance) {
    update.high_performance = from.transfer_options().high_performance();
  }
  if (selection.max_download_size) {
    update.max_download_size = from.transfer_options().max_download_size();
  }
  if (selection.notification_interval) {
    BITS_ASSIGN_OR_RETURN(update.notification_interval, NotificationIntervalFrom(from));
  }
  BITS_ASSIGN_OR_RETURN(update.http, HttpUpdateFrom(request));
  BITS_ASSIGN_OR_RETURN(update.notifications, NotificationUpdateFrom(request));
  if (SelectsProxy(request)) {
    BITS_ASSIGN_OR_RETURN(update.proxy, ProxyFrom(from));
  }
  BITS_ASSIGN_OR_RETURN(update.timing, TimingUpdateFrom(request));
  BITS_ASSIGN_OR_RETURN(update.retry, RetryOptionsUpdateFrom(request));
  if (selection.auto_complete) update.auto_complete = from.auto_complete();
  return update;
}

absl::StatusOr<uint32_t> PageSizeFrom(int32_t page_size) {
  if (page_size < 0) return InvalidField("page_size", "must not be negative");
  if (page_size == 0) return kDefaultPageSize;
  return std::min(static_cast<uint32_t>(page_size), kMaximumPageSize);
}

absl::Status CheckRequestId(std::string_view request_id) {
  if (request_id.empty() || IsUuid(request_id)) return absl::OkStatus();
  return InvalidField("request_id", "must be a UUID or empty");
}

}  // namespace bits::rpc

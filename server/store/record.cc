#include "server/store/record.h"

#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

#include "server/store/job_id.h"
#include "server/store/record.pb.h"
#include "server/store/record_http.h"
#include "server/store/record_notifications.h"

namespace bits::store {
namespace {

constexpr int64_t kInfinite = std::numeric_limits<int64_t>::max();
constexpr int64_t kMinusInfinite = std::numeric_limits<int64_t>::min();

void ToRecord(absl::Time time, v1::Time& to) {
  if (time == absl::InfiniteFuture()) return to.set_seconds(kInfinite);
  if (time == absl::InfinitePast()) return to.set_seconds(kMinusInfinite);
  const int64_t seconds = absl::ToUnixSeconds(time);  // rounds down
  to.set_seconds(seconds);
  to.set_nanos(
      static_cast<uint32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
}

absl::Time FromRecord(const v1::Time& from) {
  if (from.seconds() == kInfinite) return absl::InfiniteFuture();
  if (from.seconds() == kMinusInfinite) return absl::InfinitePast();
  return absl::FromUnixSeconds(from.seconds()) + absl::Nanoseconds(from.nanos());
}

void ToRecord(absl::Duration duration, v1::Duration& to) {
  if (duration == absl::InfiniteDuration()) return to.set_seconds(kInfinite);
  if (duration == -absl::InfiniteDuration()) return to.set_seconds(kMinusInfinite);
  const int64_t seconds = absl::ToInt64Seconds(duration);  // rounds towards zero
  to.set_seconds(seconds);
  to.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(duration - absl::Seconds(seconds))));
}

absl::Duration FromRecord(const v1::Duration& from) {
  if (from.seconds() == kInfinite) return absl::InfiniteDuration();
  if (from.seconds() == kMinusInfinite) return -absl::InfiniteDuration();
  return absl::Seconds(from.seconds()) + absl::Nanoseconds(from.nanos());
}

// Calls `mutable_field` only where there is a time to write.
template <typename MutableField>
void ToRecord(const std::optional<absl::Time>& time, MutableField mutable_field) {
  if (time.has_value()) ToRecord(*time, *mutable_field());
}

std::optional<absl::Time> FromRecord(bool has, const v1::Time& from) {
  return has ? std::optional<absl::Time>(FromRecord(from)) : std::nullopt;
}

// False if the number is none of the enum's, whose largest is `last`.
void ToRecord(const domain::RateLimits& limits, v1::RateLimits& to) {
  if (limits.server) to.set_server(*limits.server);
  if (limits.background) to.set_background(*limits.background);
  if (limits.priority[0]) to.set_foreground(*limits.priority[0]);
  if (limits.priority[1]) to.set_high(*limits.priority[1]);
  if (limits.priority[2]) to.set_normal(*limits.priority[2]);
  if (limits.priority[3]) to.set_low(*limits.priority[3]);
  if (limits.per_host) to.set_per_host(*limits.per_host);
  to.mutable_hosts()->insert(limits.hosts.begin(), limits.hosts.end());
}

domain::RateLimits FromRecord(const v1::RateLimits& from) {
  domain::RateLimits to;
  if (from.has_server()) to.server = from.server();
  if (from.has_background()) to.background = from.background();
  if (from.has_foreground()) to.priority[0] = from.foreground();
  if (from.has_high()) to.priority[1] = from.high();
  if (from.has_normal()) to.priority[2] = from.normal();
  if (from.has_low()) to.priority[3] = from.low();
  if (from.has_per_host()) to.per_host = from.per_host();
  to.hosts.insert(from.hosts().begin(), from.hosts().end());
  return to;
}

void ToRecord(const std::vector<domain::WeeklyHours>& all, v1::WeeklyHoursList& to) {
  for (const domain::WeeklyHours& hours : all) {
    v1::WeeklyHours& added = *to.add_hours();
    added.set_first_day(hours.first_day);
    added.set_last_day(hours.last_day);
    added.set_start(hours.start);
    added.set_end(hours.end);
  }
}

std::vector<domain::WeeklyHours> FromRecord(const v1::WeeklyHoursList& from) {
  std::vector<domain::WeeklyHours> to;
  for (const v1::WeeklyHours& hours : from.hours()) {
    to.push_back({static_cast<uint8_t>(hours.first_day()), static_cast<uint8_t>(hours.last_day()),
                  static_cast<uint16_t>(hours.start()), static_cast<uint16_t>(hours.end())});
  }
  return to;
}

void ToRecord(const domain::PolicyValue& value, v1::PolicySetting& to) {
  if (const auto* number = std::get_if<uint64_t>(&value)) {
    to.set_number(*number);
  } else if (const auto* duration = std::get_if<absl::Duration>(&value)) {
    ToRecord(*duration, *to.mutable_duration());
  } else if (const auto* limits = std::get_if<domain::RateLimits>(&value)) {
    ToRecord(*limits, *to.mutable_rate_limits());
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    to.set_text(*text);
  } else {
    ToRecord(std::get<std::vector<domain::WeeklyHours>>(value), *to.mutable_hours());
  }
}

void ToRecord(const app::PolicyRecord& policy, v1::PolicyRecord& to) {
  for (const auto& [name, value] : policy.settings) {
    v1::PolicySetting& setting = *to.add_settings();
    setting.set_name(name);
    ToRecord(value, setting);
  }
  to.set_version(policy.version);
  if (!policy.timers.has_value()) return;
  ToRecord(policy.timers->job_inactivity_timeout, *to.mutable_job_inactivity_timeout());
  ToRecord(policy.timers->tombstone_retention, *to.mutable_tombstone_retention());
}

bool FromRecord(v1::PolicyRecord&& from, app::PolicyRecord& to) {
  for (const v1::PolicySetting& setting : from.settings()) {
    switch (setting.value_case()) {
      case v1::PolicySetting::kNumber:
        to.settings[setting.name()] = setting.number();
        break;
      case v1::PolicySetting::kDuration:
        to.settings[setting.name()] = FromRecord(setting.duration());
        break;
      case v1::PolicySetting::kRateLimits:
        to.settings[setting.name()] = FromRecord(setting.rate_limits());
        break;
      case v1::PolicySetting::kText:
        to.settings[setting.name()] = setting.text();
        break;
      case v1::PolicySetting::kHours:
        to.settings[setting.name()] = FromRecord(setting.hours());
        break;
      case v1::PolicySetting::VALUE_NOT_SET:
        break;
    }
  }
  to.version = from.version();
  if (from.has_job_inactivity_timeout()) {
    to.timers = domain::TimerPolicy{FromRecord(from.job_inactivity_timeout()),
                                    FromRecord(from.tombstone_retention())};
  }
  return true;
}

template <typename Enum>
bool ToEnum(uint32_t number, Enum last, Enum& to) {
  if (number > static_cast<uint32_t>(last)) return false;
  to = static_cast<Enum>(number);
  return true;
}

void ToRecord(const domain::Error& error, v1::ErrorRecord& to) {
  to.set_hresult(error.hresult);
  to.set_context(static_cast<uint32_t>(error.context));
  to.set_detail(error.detail);
  to.set_file(error.file);
  to.set_remote_name(error.remote_name);
  to.set_local_name(error.local_name);
  to.set_protocol(error.protocol);
  to.set_http_status(error.http_status);
  to.set_transient(error.transient);
  to.set_attempt(error.attempt);
  ToRecord(error.occur_time, *to.mutable_occur_time());
  ToRecord(error.retry_time, [&to] { return to.mutable_retry_time(); });
}

bool FromRecord(v1::ErrorRecord&& from, domain::Error& to) {
  to.hresult = from.hresult();
  to.detail = std::move(*from.mutable_detail());
  to.file = from.file();
  to.remote_name = std::move(*from.mutable_remote_name());
  to.local_name = std::move(*from.mutable_local_name());
  to.protocol = std::move(*from.mutable_protocol());
  to.http_status = from.http_status();
  to.transient = from.transient();
  to.attempt = from.attempt();
  to.occur_time = FromRecord(from.occur_time());
  to.retry_time = FromRecord(from.has_retry_time(), from.retry_time());
  return ToEnum(from.context(), domain::ErrorContext::kServerCertificateCallback, to.context);
}

void ToRecord(const domain::JobProgress& progress, v1::JobProgress& to) {
  to.set_bytes_total(progress.bytes_total);
  to.set_files_unsized(progress.files_unsized);
  to.set_bytes_transferred(progress.bytes_transferred);
  to.set_files_total(progress.files_total);
  to.set_files_transferred(progress.files_transferred);
  to.set_files_completed(progress.files_completed);
}

domain::JobProgress FromRecord(const v1::JobProgress& from) {
  domain::JobProgress to;
  to.bytes_total = from.bytes_total();
  to.files_unsized = from.files_unsized();
  to.bytes_transferred = from.bytes_transferred();
  to.files_total = from.files_total();
  to.files_transferred = from.files_transferred();
  to.files_completed = from.files_completed();
  return to;
}

void ToRecord(const domain::Job& job, v1::JobRecord& to) {
  if (std::optional<std::string> id = PackJobId(job.id)) to.set_id(*std::move(id));
  to.set_owner(job.owner);
  to.set_type(static_cast<uint32_t>(job.type));
  to.set_state(static_cast<uint32_t>(job.state));
  to.set_priority(static_cast<uint32_t>(job.priority));
  to.set_display_name(job.display_name);
  to.set_description(job.description);
  for (const auto& [key, value] : job.labels) {
    v1::Label& label = *to.add_labels();
    label.set_key(key);
    label.set_value(value);
  }

  ToRecord(job.create_time, *to.mutable_create_time());
  ToRecord(job.update_time, *to.mutable_update_time());
  ToRecord(job.activity_time, *to.mutable_activity_time());
  ToRecord(job.transfer_completion_time, [&to] { return to.mutable_transfer_completion_time(); });
  ToRecord(job.minimum_retry_delay, *to.mutable_minimum_retry_delay());
  ToRecord(job.no_progress_timeout, *to.mutable_no_progress_timeout());
  ToRecord(job.maximum_download_time, *to.mutable_maximum_download_time());
  to.mutable_options()->set_max_parallel_files(job.options.max_parallel_files);
  to.mutable_options()->set_require_ranges(job.options.require_ranges);
  to.mutable_options()->set_max_bytes_per_second(job.options.max_bytes_per_second);
  to.mutable_options()->set_dynamic_content(job.options.dynamic_content);
  to.mutable_options()->set_high_performance(job.options.high_performance);
  to.mutable_options()->set_max_download_size(job.options.max_download_size);
  to.set_has_ranges(job.has_ranges);
  to.set_has_mirrors(job.has_mirrors);
  to.set_completion_failed(job.completion_failed);
  if (job.notification_interval != domain::kDefaultNotificationInterval) {
    ToRecord(job.notification_interval, *to.mutable_notification_interval());
  }

  ToRecord(job.progress, *to.mutable_progress());
  to.set_error_count(job.error_count);
  to.set_attempt_count(job.attempt_count);
  if (job.error.has_value()) ToRecord(*job.error, *to.mutable_error());
  to.set_result(static_cast<uint32_t>(job.result));
  to.set_pending(static_cast<uint32_t>(job.pending));

  ToRecord(job.queue_time, *to.mutable_queue_time());
  ToRecord(job.stalled_since, [&to] { return to.mutable_stalled_since(); });
  ToRecord(job.retry_time, [&to] { return to.mutable_retry_time(); });
  ToRecord(job.active_time, *to.mutable_active_time());
  ToRecord(job.active_since, [&to] { return to.mutable_active_since(); });
  ToRecord(job.final_time, [&to] { return to.mutable_final_time(); });

  to.set_host(job.host);
  to.set_destination(job.destination);
  to.set_host_failed(job.host_failed);
  const domain::Timing& timing = job.timing;
  if (timing.not_before != absl::InfinitePast()) ToRecord(timing.not_before, *to.mutable_not_before());
  if (timing.deadline != absl::InfiniteFuture()) ToRecord(timing.deadline, *to.mutable_deadline());
  to.set_deferred(job.deferred);
  to.set_auto_complete(job.auto_complete);
  to.set_unasked(job.unasked);
  to.set_retry_count(job.retry_count);
  if (job.retry != domain::RetryOptions()) {
    ToRecord(job.retry.maximum_delay, *to.mutable_retry()->mutable_maximum_delay());
    to.mutable_retry()->set_multiplier(job.retry.multiplier);
  }

  to.set_version(job.version);
  to.set_revision(job.revision);
  HttpToRecord(job, to);
  NotificationsToRecord(job, to);
}

bool FromRecord(v1::JobRecord&& from, domain::Job& to) {
  if (!from.id().empty()) {
    std::optional<domain::JobId> id = UnpackJobId(from.id());
    if (!id.has_value()) return false;
    to.id = *std::move(id);
  }
  to.owner = std::move(*from.mutable_owner());
  to.display_name = std::move(*from.mutable_display_name());
  to.description = std::move(*from.mutable_description());
  for (v1::Label& label : *from.mutable_labels()) {
    to.labels.emplace(std::move(*label.mutable_key()), std::move(*label.mutable_value()));
  }

  to.create_time = FromRecord(from.create_time());
  to.update_time = FromRecord(from.update_time());
  to.activity_time = FromRecord(from.activity_time());
  to.transfer_completion_time =
      FromRecord(from.has_transfer_completion_time(), from.transfer_completion_time());
  to.minimum_retry_delay = FromRecord(from.minimum_retry_delay());
  to.no_progress_timeout = FromRecord(from.no_progress_timeout());
  to.maximum_download_time = FromRecord(from.maximum_download_time());
  to.options.max_parallel_files = from.options().max_parallel_files();
  to.options.require_ranges = from.options().require_ranges();
  to.options.max_bytes_per_second = from.options().max_bytes_per_second();
  to.options.dynamic_content = from.options().dynamic_content();
  to.options.high_performance = from.options().high_performance();
  to.options.max_download_size = from.options().max_download_size();
  to.has_ranges = from.has_ranges();
  to.has_mirrors = from.has_mirrors();
  to.completion_failed = from.completion_failed();
  if (from.has_notification_interval()) {
    to.notification_interval = FromRecord(from.notification_interval());
  }

  to.progress = FromRecord(from.progress());
  to.error_count = from.error_count();
  to.attempt_count = from.attempt_count();
  if (from.has_error() && !FromRecord(std::move(*from.mutable_error()), to.error.emplace())) {
    return false;
  }

  to.queue_time = FromRecord(from.queue_time());
  to.stalled_since = FromRecord(from.has_stalled_since(), from.stalled_since());
  to.retry_time = FromRecord(from.has_retry_time(), from.retry_time());
  to.active_time = FromRecord(from.active_time());
  to.active_since = FromRecord(from.has_active_since(), from.active_since());
  to.final_time = FromRecord(from.has_final_time(), from.final_time());

  to.host = std::move(*from.mutable_host());
  to.destination = std::move(*from.mutable_destination());
  to.host_failed = from.host_failed();
  if (from.has_not_before()) to.timing.not_before = FromRecord(from.not_before());
  if (from.has_deadline()) to.timing.deadline = FromRecord(from.deadline());
  to.deferred = from.deferred();
  to.auto_complete = from.auto_complete();
  to.unasked = from.unasked();
  to.retry_count = from.retry_count();
  if (from.has_retry()) {
    to.retry = {FromRecord(from.retry().maximum_delay()), from.retry().multiplier()};
  }

  to.version = from.version();
  to.revision = from.revision();
  return HttpFromRecord(from, to) && NotificationsFromRecord(from, to) &&
         ToEnum(from.type(), domain::JobType::kUploadReply, to.type) &&
         ToEnum(from.state(), domain::JobState::kCancelled, to.state) &&
         ToEnum(from.priority(), domain::Priority::kLow, to.priority) &&
         ToEnum(from.result(), domain::JobResult::kUnableToDeleteFiles, to.result) &&
         ToEnum(from.pending(), domain::Pending::kCleanup, to.pending);
}

void ToRecord(const domain::File& file, v1::FileRecord& to) {
  to.set_ordinal(file.ordinal);
  to.set_remote_name(file.remote_name);
  to.set_local_name(file.local_name);
  to.set_path(file.path);
  to.set_temporary_path(file.temporary_path);
  if (file.checksum.has_value()) {
    to.mutable_checksum()->set_algorithm(static_cast<uint32_t>(file.checksum->algorithm));
    to.mutable_checksum()->set_hex(file.checksum->hex);
    to.mutable_checksum()->set_uri(file.checksum->uri);
  }
  if (file.bytes_total.has_value()) to.set_bytes_total(*file.bytes_total);
  to.set_bytes_transferred(file.bytes_transferred);
  to.set_bytes_furthest(file.bytes_furthest);
  to.set_transferred(file.transferred);
  to.set_completed(file.completed);
  to.set_etag(file.validators.etag);
  to.set_last_modified_header(file.validators.last_modified);
  to.set_resource(file.validators.resource);
  to.set_temporary_identity(file.temporary_identity);
  for (const domain::FileRange& range : file.ranges) {
    v1::FileRange& record = *to.add_ranges();
    record.set_offset(range.offset);
    if (range.length.has_value()) record.set_length(*range.length);
  }
  to.set_validation(static_cast<uint32_t>(file.validation));
  if (file.validators.remote_size.has_value()) to.set_remote_size(*file.validators.remote_size);
  ToRecord(file.last_modified, [&to] { return to.mutable_last_modified(); });
  to.set_restarts(file.restarts);
  to.set_response_headers(file.response_headers);
  to.set_given_name(file.given_name);
  for (const std::string& mirror : file.mirrors.names) to.add_mirrors(mirror);
  to.set_source(file.mirrors.source);
  to.set_failed_sources(file.mirrors.failed);
  to.set_transient_source(file.mirrors.transient);
  to.set_bytes_source(file.validators.source);
  to.set_bytes_joined(file.validators.joined);
}

bool FromRecord(v1::FileRecord&& from, domain::File& to) {
  to.ordinal = from.ordinal();
  to.remote_name = std::move(*from.mutable_remote_name());
  to.local_name = std::move(*from.mutable_local_name());
  to.path = std::move(*from.mutable_path());
  to.temporary_path = std::move(*from.mutable_temporary_path());
  if (from.has_checksum()) {
    domain::Checksum& checksum = to.checksum.emplace();
    checksum.hex = std::move(*from.mutable_checksum()->mutable_hex());
    checksum.uri = std::move(*from.mutable_checksum()->mutable_uri());
    if (!ToEnum(from.checksum().algorithm(), domain::ChecksumAlgorithm::kCrc32c,
                checksum.algorithm)) {
      return false;
    }
  }
  if (from.has_bytes_total()) to.bytes_total = from.bytes_total();
  to.bytes_transferred = from.bytes_transferred();
  to.bytes_furthest = from.bytes_furthest();
  to.transferred = from.transferred();
  to.completed = from.completed();
  to.validators.etag = std::move(*from.mutable_etag());
  to.validators.last_modified = std::move(*from.mutable_last_modified_header());
  to.validators.resource = std::move(*from.mutable_resource());
  to.temporary_identity = std::move(*from.mutable_temporary_identity());
  for (const v1::FileRange& record : from.ranges()) {
    domain::FileRange& range = to.ranges.emplace_back();
    range.offset = record.offset();
    if (record.has_length()) range.length = record.length();
  }
  if (from.has_remote_size()) to.validators.remote_size = from.remote_size();
  to.last_modified = FromRecord(from.has_last_modified(), from.last_modified());
  to.restarts = from.restarts();
  to.response_headers = std::move(*from.mutable_response_headers());
  to.given_name = std::move(*from.mutable_given_name());
  for (std::string& mirror : *from.mutable_mirrors()) {
    to.mirrors.names.push_back(std::move(mirror));
  }
  to.mirrors.source = from.source();
  to.mirrors.failed = from.failed_sources();
  to.mirrors.transient = from.transient_source();
  to.validators.source = from.bytes_source();
  to.validators.joined = from.bytes_joined();
  return to.mirrors.source <= to.mirrors.names.size() &&
         ToEnum(from.validation(), domain::Validation::kInvalid, to.validation);
}

void ToRecord(const app::EventRecord& event, v1::EventRecord& to) {
  to.set_revision(event.revision);
  to.set_kind(static_cast<uint32_t>(event.kind));
  ToRecord(event.time, *to.mutable_time());
  ToRecord(event.job, *to.mutable_job());
  to.set_file(event.file);
  if (event.error.has_value()) ToRecord(*event.error, *to.mutable_error());
}

bool FromRecord(v1::EventRecord&& from, app::EventRecord& to) {
  to.revision = from.revision();
  to.time = FromRecord(from.time());
  to.file = from.file();
  if (from.has_error() && !FromRecord(std::move(*from.mutable_error()), to.error.emplace())) {
    return false;
  }
  return FromRecord(std::move(*from.mutable_job()), to.job) &&
         ToEnum(from.kind(), domain::ChangeKind::kDeleted, to.kind);
}

void ToRecord(const app::NotificationRecord& notification, v1::NotificationRecord& to) {
  to.set_number(notification.number);
  to.set_flag(static_cast<uint32_t>(notification.flag));
  ToRecord(notification.event, *to.mutable_event());
  to.set_given_up(notification.given_up);
  to.set_tries(notification.tries);
  ToRecord(notification.next_try, *to.mutable_next_try());
  if (notification.error.has_value()) ToRecord(*notification.error, *to.mutable_error());
}

bool FromRecord(v1::NotificationRecord&& from, app::NotificationRecord& to) {
  to.number = from.number();
  to.given_up = from.given_up();
  to.tries = from.tries();
  to.next_try = FromRecord(from.next_try());
  if (from.has_error() && !FromRecord(std::move(*from.mutable_error()), to.error.emplace())) {
    return false;
  }
  return FromRecord(std::move(*from.mutable_event()), to.event) &&
         ToEnum(from.flag(), domain::NotifyFlag::kFileTransferred, to.flag);
}

void ToRecord(const app::RequestRecord& request, v1::RequestRecord& to) {
  to.set_fingerprint(request.fingerprint);
  if (std::optional<std::string> id = PackJobId(request.job)) to.set_job(*std::move(id));
  to.set_first_file(request.first_file);
  to.set_file_count(request.file_count);
  ToRecord(request.time, *to.mutable_time());
}

bool FromRecord(v1::RequestRecord&& from, app::RequestRecord& to) {
  to.fingerprint = std::move(*from.mutable_fingerprint());
  if (!from.job().empty()) {
    std::optional<domain::JobId> id = UnpackJobId(from.job());
    if (!id.has_value()) return false;
    to.job = *std::move(id);
  }
  to.first_file = from.first_file();
  to.file_count = from.file_count();
  to.time = FromRecord(from.time());
  return true;
}

template <typename Record, typename Value>
std::string Encode(const Value& value) {
  Record record;
  ToRecord(value, record);
  return record.SerializeAsString();
}

template <typename Record, typename Value>
absl::StatusOr<Value> Decode(std::string_view bytes) {
  Record record;
  Value value;
  if (!record.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) ||
      !FromRecord(std::move(record), value)) {
    return absl::UnavailableError("the store holds a record that cannot be read");
  }
  return value;
}

}  // namespace

std::string EncodeJob(const domain::Job& job) { return Encode<v1::JobRecord>(job); }
std::string EncodeFile(const domain::File& file) { return Encode<v1::FileRecord>(file); }
std::string EncodeError(const domain::Error& error) { return Encode<v1::ErrorRecord>(error); }
std::string EncodeEvent(const app::EventRecord& event) { return Encode<v1::EventRecord>(event); }
std::string EncodeNotification(const app::NotificationRecord& notification) {
  return Encode<v1::NotificationRecord>(notification);
}
std::string EncodeRequest(const app::RequestRecord& request) {
  return Encode<v1::RequestRecord>(request);
}
std::string EncodePolicy(const app::PolicyRecord& policy) {
  return Encode<v1::PolicyRecord>(policy);
}

absl::StatusOr<domain::Job> DecodeJob(std::string_view record) {
  return Decode<v1::JobRecord, domain::Job>(record);
}
absl::StatusOr<domain::File> DecodeFile(std::string_view record) {
  return Decode<v1::FileRecord, domain::File>(record);
}
absl::StatusOr<domain::Error> DecodeError(std::string_view record) {
  return Decode<v1::ErrorRecord, domain::Error>(record);
}
absl::StatusOr<app::EventRecord> DecodeEvent(std::string_view record) {
  return Decode<v1::EventRecord, app::EventRecord>(record);
}
absl::StatusOr<app::NotificationRecord> DecodeNotification(std::string_view record) {
  return Decode<v1::NotificationRecord, app::NotificationRecord>(record);
}
absl::StatusOr<app::RequestRecord> DecodeRequest(std::string_view record) {
  return Decode<v1::RequestRecord, app::RequestRecord>(record);
}
absl::StatusOr<app::PolicyRecord> DecodePolicy(std::string_view record) {
  return Decode<v1::PolicyRecord, app::PolicyRecord>(record);
}

}  // namespace bits::store

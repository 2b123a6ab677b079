#include "server/rpc/convert.h"

#include <algorithm>
#include <string>

#include "server/domain/bandwidth.h"
#include "server/domain/decide.h"
#include "server/domain/error_code.h"
#include "server/domain/notifications.h"
#include "server/domain/timers.h"
#include "server/rpc/convert_http.h"
#include "server/rpc/convert_notifications.h"
#include "server/rpc/names.h"
#include "server/rpc/utf8.h"

namespace bits::rpc {
namespace {

constexpr size_t kDescriptionBytes = 1024;

v1::Job::Type TypeOf(domain::JobType type) {
  switch (type) {
    case domain::JobType::kDownload:
      return v1::Job::TYPE_DOWNLOAD;
    case domain::JobType::kUpload:
      return v1::Job::TYPE_UPLOAD;
    case domain::JobType::kUploadReply:
      return v1::Job::TYPE_UPLOAD_REPLY;
  }
  return v1::Job::TYPE_UNSPECIFIED;
}

v1::Job::Priority PriorityOf(domain::Priority priority) {
  switch (priority) {
    case domain::Priority::kForeground:
      return v1::Job::PRIORITY_FOREGROUND;
    case domain::Priority::kHigh:
      return v1::Job::PRIORITY_HIGH;
    case domain::Priority::kNormal:
      return v1::Job::PRIORITY_NORMAL;
    case domain::Priority::kLow:
      return v1::Job::PRIORITY_LOW;
  }
  return v1::Job::PRIORITY_UNSPECIFIED;
}

v1::Job::Result ResultOf(domain::JobResult result) {
  switch (result) {
    case domain::JobResult::kNone:
      return v1::Job::RESULT_UNSPECIFIED;
    case domain::JobResult::kOk:
      return v1::Job::RESULT_OK;
    case domain::JobResult::kPartialComplete:
      return v1::Job::RESULT_PARTIAL_COMPLETE;
    case domain::JobResult::kUnableToDeleteFiles:
      return v1::Job::RESULT_UNABLE_TO_DELETE_FILES;
  }
  return v1::Job::RESULT_UNSPECIFIED;
}

v1::Checksum::Algorithm AlgorithmOf(domain::ChecksumAlgorithm algorithm) {
  switch (algorithm) {
    case domain::ChecksumAlgorithm::kSha256:
      return v1::Checksum::ALGORITHM_SHA256;
    case domain::ChecksumAlgorithm::kSha512:
      return v1::Checksum::ALGORITHM_SHA512;
    case domain::ChecksumAlgorithm::kMd5:
      return v1::Checksum::ALGORITHM_MD5;
    case domain::ChecksumAlgorithm::kCrc32c:
      return v1::Checksum::ALGORITHM_CRC32C;
  }
  return v1::Checksum::ALGORITHM_UNSPECIFIED;
}

v1::JobEvent::Type EventTypeOf(domain::ChangeKind kind) {
  switch (kind) {
    case domain::ChangeKind::kCreated:
      return v1::JobEvent::TYPE_CREATED;
    case domain::ChangeKind::kStateChanged:
      return v1::JobEvent::TYPE_STATE_CHANGED;
    case domain::ChangeKind::kModified:
      return v1::JobEvent::TYPE_MODIFIED;
    case domain::ChangeKind::kProgress:
      return v1::JobEvent::TYPE_PROGRESS;
    case domain::ChangeKind::kFileTransferred:
      return v1::JobEvent::TYPE_FILE_TRANSFERRED;
    case domain::ChangeKind::kFileRestarted:
      return v1::JobEvent::TYPE_FILE_RESTARTED;
    case domain::ChangeKind::kDeleted:
      return v1::JobEvent::TYPE_DELETED;
  }
  return v1::JobEvent::TYPE_UNSPECIFIED;
}

// Why the job is not moving; REASON_UNSPECIFIED: it is, or it is final, or it is being
// completed.
v1::Wait::Reason WaitReasonOf(const domain::Job& job, const domain::Policy& policy) {
  if (job.pending != domain::Pending::kNone) return v1::Wait::REASON_UNSPECIFIED;
  switch (job.state) {
    case domain::JobState::kQueued:
      if (job.deferred) return v1::Wait::REASON_NOT_BEFORE;
      if (domain::StopsJobs(policy.rates.limits, job.priority)) return v1::Wait::REASON_POLICY;
      if (!job.held) return v1::Wait::REASON_SLOT;
      return job.held->by_host ? v1::Wait::REASON_HOST : v1::Wait::REASON_DESTINATION;
    case domain::JobState::kSuspended:
      return v1::Wait::REASON_SUSPENDED;
    case domain::JobState::kError:
      return v1::Wait::REASON_ERROR;
    case domain::JobState::kTransientError:
      return domain::IsBlockedByPolicy(job) ? v1::Wait::REASON_POLICY : v1::Wait::REASON_RETRY;
    case domain::JobState::kTransferred:
      return job.auto_complete && job.completion_failed ? v1::Wait::REASON_COMPLETION_FAILED
                                                        : v1::Wait::REASON_COMPLETE;
    case domain::JobState::kConnecting:
    case domain::JobState::kTransferring:
    case domain::JobState::kAcknowledged:
    case domain::JobState::kCancelled:
      break;
  }
  return v1::Wait::REASON_UNSPECIFIED;
}

v1::EffectiveRate::Source SourceOf(domain::RateSource source) {
  switch (source) {
    case domain::RateSource::kJob:
      return v1::EffectiveRate::SOURCE_JOB;
    case domain::RateSource::kPriority:
      return v1::EffectiveRate::SOURCE_PRIORITY;
    case domain::RateSource::kBackground:
      return v1::EffectiveRate::SOURCE_BACKGROUND;
    case domain::RateSource::kServer:
      return v1::EffectiveRate::SOURCE_SERVER;
  }
  return v1::EffectiveRate::SOURCE_UNSPECIFIED;
}

void FillRate(const domain::Job& job, const domain::RatesInForce& rates, v1::Job* to) {
  const auto lowest =
      domain::LowestRate(rates.limits, job.priority, job.options.max_bytes_per_second);
  if (!lowest.has_value()) return;
  to->mutable_effective_rate()->set_bytes_per_second(lowest->rate);
  to->mutable_effective_rate()->set_source(SourceOf(lowest->source));
  if (rates.until != absl::InfiniteFuture()) {
    ToProto(rates.until, to->mutable_effective_rate()->mutable_until());
  }
}

void FillProgress(const domain::JobProgress& progress, v1::JobProgress* to) {
  if (progress.files_unsized == 0) to->set_bytes_total(progress.bytes_total);
  to->set_bytes_transferred(progress.bytes_transferred);
  to->set_files_total(progress.files_total);
  to->set_files_transferred(progress.files_transferred);
}

}  // namespace

void ToProto(const domain::Job& job, const domain::Policy& policy, v1::Job* to) {
  to->Clear();
  to->set_name(JobName(job.id));
  to->set_display_name(job.display_name);
  to->set_description(job.description);
  to->set_type(TypeOf(job.type));
  to->set_state(ToProto(job.state));
  to->set_priority(PriorityOf(job.priority));
  to->set_owner(job.owner);
  FillProgress(job.progress, to->mutable_progress());
  ToProto(job.create_time, to->mutable_create_time());
  ToProto(job.update_time, to->mutable_update_time());
  if (job.transfer_completion_time) {
    ToProto(*job.transfer_completion_time, to->mutable_transfer_completion_time());
  }
  if (const std::optional<absl::Time> expires = domain::ExpireTime(job, policy.timers())) {
    ToProto(*expires, to->mutable_expire_time());
  }
  ToProto(job.minimum_retry_delay, to->mutable_minimum_retry_delay());
  ToProto(job.no_progress_timeout, to->mutable_no_progress_timeout());
  ToProto(job.maximum_download_time, to->mutable_maximum_download_time());
  to->set_error_count(job.error_count);
  if (const v1::Wait::Reason reason = WaitReasonOf(job, policy); reason != v1::Wait::REASON_UNSPECIFIED) {
    to->mutable_wait()->set_reason(reason);
    if (reason == v1::Wait::REASON_RETRY && job.retry_time) {
      ToProto(*job.retry_time, to->mutable_wait()->mutable_until());
    }
    if (reason == v1::Wait::REASON_NOT_BEFORE) {
      ToProto(job.timing.not_before, to->mutable_wait()->mutable_until());
    }
    if (reason == v1::Wait::REASON_HOST || reason == v1::Wait::REASON_DESTINATION) {
      ToProto(job.held->until, to->mutable_wait()->mutable_until());
    }
    if (reason == v1::Wait::REASON_POLICY && policy.rates.until != absl::InfiniteFuture()) {
      ToProto(policy.rates.until, to->mutable_wait()->mutable_until());
    }
  }
  to->set_result(ResultOf(job.result));
  to->mutable_labels()->insert(job.labels.begin(), job.labels.end());
  to->set_etag(FormatEtag(job.revision));
  to->mutable_transfer_options()->set_max_parallel_files(job.options.max_parallel_files);
  to->mutable_transfer_options()->set_require_ranges(job.options.require_ranges);
  to->mutable_transfer_options()->set_max_bytes_per_second(job.options.max_bytes_per_second);
  to->mutable_transfer_options()->set_dynamic_content(job.options.dynamic_content);
  to->mutable_transfer_options()->set_high_performance(job.options.high_performance);
  to->mutable_transfer_options()->set_max_download_size(job.options.max_download_size);
  ToProto(job.notification_interval, to->mutable_minimum_notification_interval());
  to->set_attempt_count(job.attempt_count);
  FillHttp(job, to);
  if (job.timing.not_before != absl::InfinitePast()) {
    ToProto(job.timing.not_before, to->mutable_not_before_time());
  }
  to->set_auto_complete(job.auto_complete);
  if (job.retry != domain::RetryOptions()) {
    ToProto(job.retry.maximum_delay, to->mutable_retry_options()->mutable_maximum_retry_delay());
    to->mutable_retry_options()->set_multiplier(job.retry.multiplier);
  }
  if (job.timing.deadline != absl::InfiniteFuture()) {
    ToProto(job.timing.deadline, to->mutable_deadline());
  }
  FillNotifications(job.notifications, to->mutable_notifications());
  if (!domain::IsFinal(job.state)) FillRate(job, policy.rates, to);
}

void ToProto(const domain::JobId& job, const domain::File& file, v1::File* to) {
  to->Clear();
  to->set_name(FileName(job, file.ordinal));
  to->set_remote_name(file.remote_name);
  to->set_local_name(file.local_name);
  v1::FileProgress* progress = to->mutable_progress();
  if (file.bytes_total) progress->set_bytes_total(*file.bytes_total);
  progress->set_bytes_transferred(file.bytes_transferred);
  progress->set_completed(file.completed);
  if (!file.completed) to->set_temporary_name(file.temporary_path);
  to->set_path(file.path);
  to->set_validation_state(static_cast<v1::File::ValidationState>(file.validation));
  if (file.checksum) {
    to->mutable_checksum()->set_algorithm(AlgorithmOf(file.checksum->algorithm));
    to->mutable_checksum()->set_hex(file.checksum->hex);
    to->mutable_checksum()->set_uri(file.checksum->uri);
  }
  for (const domain::FileRange& range : file.ranges) {
    v1::FileRange* filled = to->add_ranges();
    filled->set_offset(range.offset);
    if (range.length) filled->set_length(*range.length);
  }
  for (const std::string& mirror : file.mirrors.names) to->add_mirrors(mirror);
  const uint32_t source = file.transferred ? file.validators.source : file.mirrors.source;
  to->set_mirror(source == domain::kNoSource ? 0 : source);
  if (file.last_modified) ToProto(*file.last_modified, to->mutable_last_modified());
  // An origin may send any bytes; a proto string holds UTF-8 only.
  to->set_remote_etag(CleanUtf8(file.validators.etag, file.validators.etag.size() + 3));
  to->set_restarts(file.restarts);
  FillResponseHeaders(file.response_headers, to);
}

void ToProto(const domain::JobId& job, const domain::Error& error, v1::Error* to,
             domain::Language language) {
  to->Clear();
  to->set_hresult(error.hresult);
  to->set_code(domain::SymbolOf(error.hresult));
  to->set_context(static_cast<v1::ErrorContext>(error.context));
  const bool german = language == domain::Language::kGerman;
  std::string description = domain::DescriptionOf(error.hresult, language)
                                .value_or(german ? "Unbekannter Fehler." : "Unknown error.");
  if (!error.detail.empty()) description.append(" (").append(error.detail).append(")");
  to->set_description(CleanUtf8(description, kDescriptionBytes));
  to->set_context_description(std::string(domain::ContextDescription(error.context, language)));
  if (error.file != 0) to->set_file(FileName(job, error.file));
  to->set_remote_name(error.remote_name);
  to->set_local_name(error.local_name);
  to->set_protocol(error.protocol);
  to->set_http_status(error.http_status);
  to->set_transient(error.transient);
  to->set_attempt(error.attempt);
  ToProto(error.occur_time, to->mutable_occur_time());
  if (error.retry_time) ToProto(*error.retry_time, to->mutable_retry_time());
}

void ToProto(const domain::JobId& job, const app::ErrorHistory& history,
             v1::ListErrorsResponse* to) {
  to->Clear();
  for (const domain::Error& error : history.errors) ToProto(job, error, to->add_errors());
  for (const auto& [hresult, count] : history.counts) {
    v1::ErrorCount* filled = to->add_counts();
    filled->set_hresult(hresult);
    filled->set_code(domain::SymbolOf(hresult));
    filled->set_count(count);
  }
  to->set_total_count(history.total);
}

void ToProto(const app::EventRecord& event, const domain::Policy& policy, v1::JobEvent* to) {
  to->Clear();
  to->set_type(EventTypeOf(event.kind));
  ToProto(event.job, policy, to->mutable_job());
  HideFromEvents(to->mutable_job());
  const bool of_file = event.kind == domain::ChangeKind::kFileTransferred ||
                       event.kind == domain::ChangeKind::kFileRestarted;
  if (of_file && event.file != 0) to->set_file(FileName(event.job.id, event.file));
  if (event.error) ToProto(event.job.id, *event.error, to->mutable_error());
  ToProto(event.time, to->mutable_event_time());
  to->set_notify_flag(ToProto(domain::NotificationOf(event.kind, event.job)));
}

void ToProto(absl::Time time, google::protobuf::Timestamp* to) {
  constexpr int64_t kFirst = -62135596800;            // 0001-01-01T00:00:00Z
  constexpr int64_t kLast = 253402300799;             // 9999-12-31T23:59:59Z
  const int64_t seconds = absl::ToUnixSeconds(time);  // Rounds towards the past.
  to->set_seconds(std::clamp(seconds, kFirst, kLast));
  to->set_nanos(seconds == to->seconds() ? static_cast<int32_t>(absl::ToInt64Nanoseconds(
                                               time - absl::FromUnixSeconds(seconds)))
                                         : 0);
}

void ToProto(absl::Duration duration, google::protobuf::Duration* to) {
  constexpr int64_t kMost = 315576000000;  // 10,000 years
  absl::Duration rest;
  const int64_t seconds = absl::IDivDuration(duration, absl::Seconds(1), &rest);
  to->set_seconds(std::clamp(seconds, -kMost, kMost));
  to->set_nanos(seconds == to->seconds() ? static_cast<int32_t>(absl::ToInt64Nanoseconds(rest))
                                         : 0);
}

v1::Job::State ToProto(domain::JobState state) {
  // BITS counts from 0, the proto from 1.
  return static_cast<v1::Job::State>(static_cast<int>(state) + 1);
}

std::optional<domain::JobState> StateFrom(v1::Job::State state) {
  const int number = static_cast<int>(state) - 1;
  if (number < 0 || number >= domain::kJobStateCount) return std::nullopt;
  return static_cast<domain::JobState>(number);
}

std::optional<domain::JobType> TypeFrom(v1::Job::Type type) {
  switch (type) {
    case v1::Job::TYPE_DOWNLOAD:
      return domain::JobType::kDownload;
    case v1::Job::TYPE_UPLOAD:
      return domain::JobType::kUpload;
    case v1::Job::TYPE_UPLOAD_REPLY:
      return domain::JobType::kUploadReply;
    default:
      return std::nullopt;
  }
}

std::optional<domain::Priority> PriorityFrom(v1::Job::Priority priority) {
  switch (priority) {
    case v1::Job::PRIORITY_FOREGROUND:
      return domain::Priority::kForeground;
    case v1::Job::PRIORITY_HIGH:
      return domain::Priority::kHigh;
    case v1::Job::PRIORITY_NORMAL:
      return domain::Priority::kNormal;
    case v1::Job::PRIORITY_LOW:
      return domain::Priority::kLow;
    default:
      return std::nullopt;
  }
}

std::optional<domain::ChecksumAlgorithm> AlgorithmFrom(v1::Checksum::Algorithm algorithm) {
  switch (algorithm) {
    case v1::Checksum::ALGORITHM_SHA256:
      return domain::ChecksumAlgorithm::kSha256;
    case v1::Checksum::ALGORITHM_SHA512:
      return domain::ChecksumAlgorithm::kSha512;
    case v1::Checksum::ALGORITHM_MD5:
      return domain::ChecksumAlgorithm::kMd5;
    case v1::Checksum::ALGORITHM_CRC32C:
      return domain::ChecksumAlgorithm::kCrc32c;
    default:
      return std::nullopt;
  }
}

}  // namespace bits::rpc

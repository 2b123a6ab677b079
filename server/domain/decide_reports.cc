// What the reports of transfers, of timers and of the work on files do to a job.
#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "server/base/redact.h"
#include "server/domain/decision_maker.h"
#include "server/domain/error_code.h"
#include "server/domain/holds.h"
#include "server/domain/retry.h"

namespace bits::domain {
namespace {

std::string Protocol(const std::string& remote_name) {
  const std::string scheme = absl::AsciiStrToLower(remote_name.substr(0, remote_name.find(':')));
  return scheme == "http" || scheme == "https" || scheme == "file" ? scheme : "";
}

}  // namespace

void Maker::Apply(const Start& e) {
  Changed();
  // A wait for its turn is none without progress.
  if (job().stalled_since.has_value() && !e.probe) {
    absl::Time& since = *job().stalled_since;
    since += std::max(now_ - std::max(before_.queue_time, since), absl::ZeroDuration());
  }
}

void Maker::Apply(const BytesArrived&) { Changed(); }

void Maker::Apply(const Checkpoint& e) {
  if (!file_.has_value() || file_->transferred) return;
  Changed();
  Record(e);
}

void Maker::Apply(const FileRestarted&) {
  if (!file_.has_value() || file_->transferred) return;
  Changed();
  StartOver();
}

void Maker::Apply(const FileTransferred& e) {
  if (!file_.has_value() || file_->transferred) return;
  Changed();
  Checkpoint last = e.last;
  last.bytes_total = last.bytes_transferred;
  Record(last);
  Progressed();
  file_->transferred = true;
  file_->validation = Validation::kNone;
  file_->mirrors.failed = 0;
  file_->mirrors.transient = false;
  file_->temporary_identity = e.temporary_identity;
  ++job().progress.files_transferred;
  // The next one's may be another.
  if (HostFor(job(), SourceName(*file_)) == job().host || !file_->mirrors.names.empty()) {
    job().host = "";
  }
}

void Maker::Apply(const Fail& e) {
  Changed();
  if (file_.has_value()) {
    if (const auto next = SourceAfter(before_, *file_, e.source, e.failure)) return TurnToSource(*next, e);
  }
  Job& j = job();
  const bool another = file_.has_value() && MayAnotherBeRetried(*file_, e.failure);
  const bool retry = MayRetry(before_, e.failure, now_, another);
  const bool retrying = before_.stalled_since.has_value();
  if (Counts(e.failure)) ++j.error_count;
  Error error = ErrorOf(e.failure);
  error.transient = retry;
  if (e.failure.hresult == kBlockedByPolicy) {
    // No fault of the job's, and no try of its own: it is told when the policy changes.
    if (e.failure.retry_after.has_value()) error.retry_time = now_ + *e.failure.retry_after;
  } else if (retry) {
    error.retry_time = j.retry_time = RetryTime(before_, e.failure, now_);
    if (!retrying) j.stalled_since = now_;
    ++j.retry_count;
  }
  j.host_failed = IsConnectionFailure(e.failure) && !e.failure.of_sidecar;
  if (file_.has_value()) {
    j.host = HostFor(j, file_->remote_name);
    NameFile(error, e.source);
    TakeFailure(e.failure);
    if (!file_->mirrors.names.empty()) {
      file_changed_ = true;
      if (AnotherSourceMayMend(e.failure) && AllFailed(file_->mirrors, e.source)) {
        absl::StrAppend(&error.detail, error.detail.empty() ? "" : "; ", "all ",
                        file_->mirrors.names.size() + 1, " sources of the file have failed");
      }
      BeginRound(*file_);
      j.host.clear();  // any of several: which are held is found out in the turn
    }
  }
  Keep(std::move(error));
}

void Maker::TurnToSource(uint32_t next, const Fail& e) {
  file_changed_ = true;
  // For the history alone.
  Error error = ErrorOf(e.failure);
  error.transient = true;
  NameFile(error, e.source);
  d_.error = std::move(error);
  TakeFailure(e.failure);
  TurnTo(file_->mirrors, next, e.source, IsTransient(e.failure));
}

void Maker::TakeFailure(const Failure& failure) {
  if (!failure.response_headers.empty() || !failure.final_name.empty()) {
    file_changed_ = true;
    file_->response_headers = failure.response_headers;
    FollowTo(failure.final_name);
  }
  const bool is_wrong = failure.hresult == kValidationFailed && !failure.of_sidecar;
  if (is_wrong && !file_->transferred) StartOver();
}

void Maker::Apply(const Requeue& e) {
  Changed();
  if (e.after_restart) turn_end_ = std::min(before_.update_time, now_);
  keeps_place_ = !e.slice_over;
  if (!e.host.empty()) job().host = e.host;
  if (!e.destination.empty()) job().destination = e.destination;
}

void Maker::Apply(const RetryDue&) {
  Changed();
  job().retry_time.reset();
}

void Maker::Apply(const NoProgress&) {
  Changed();
  job().retry_time.reset();
  if (job().error.has_value()) {  // the last attempt's code stays; it is fatal now
    job().error->transient = false;
    job().error->retry_time.reset();
  }
}

void Maker::Apply(const MaximumDownloadTime&) {
  Changed();
  Failure failure;
  failure.hresult = kMaxDownloadTimeout;
  failure.context = ErrorContext::kGeneralQueueManager;
  if (Counts(failure)) ++job().error_count;
  Keep(ErrorOf(failure));
}

void Maker::Apply(const Deadline&) {
  Changed();
  job().retry_time.reset();
  Failure failure;
  failure.hresult = kTimeout;
  failure.context = ErrorContext::kGeneralQueueManager;
  failure.detail = "the deadline of the job has passed";
  // What waits is not interrupted.
  if (IsActive(before_.state) && Counts(failure)) ++job().error_count;
  Keep(ErrorOf(failure));
}

void Maker::Apply(const NotBefore&) {
  Changed();
  job().deferred = false;
  job().queue_time = now_;
  job().activity_time = now_;
}

void Maker::TooLarge() {
  Failure failure;
  failure.hresult = kMaxDownloadSizeReached;
  failure.context = ErrorContext::kRemoteFile;
  failure.detail = absl::StrCat("the files of the job come to more than the ",
                                before_.options.max_download_size, " bytes that it may fetch");
  ++job().error_count;
  job().host_failed = false;
  Error error = ErrorOf(failure);
  NameFile(error, file_->mirrors.source);
  Keep(std::move(error));
}

void Maker::Apply(const Inactivity&) { Changed(); }

void Maker::Apply(const Forget&) { Changed(); }

void Maker::Apply(const FilePublished&) {
  if (!file_.has_value() || !file_->transferred || file_->completed) return;
  Changed();
  file_->completed = true;
  file_changed_ = true;
  ++job().progress.files_completed;
}

void Maker::Apply(const FileLost&) {
  if (!file_.has_value() || !file_->transferred || file_->completed) return;
  Changed();
  StartOver();
  file_->transferred = false;
  file_->temporary_identity.clear();
  --job().progress.files_transferred;
}

// A report on work that is not under way (any more) comes too late.
void Maker::Apply(const Published& e) {
  if (before_.pending != Pending::kPublish) return;
  Changed();
  job().pending = Pending::kNone;
  job().unasked = false;
  job().result = e.temporaries_left            ? JobResult::kUnableToDeleteFiles
                 : AllFilesTransferred(before_) ? JobResult::kOk
                                                : JobResult::kPartialComplete;
}

void Maker::Apply(const PublishFailed& e) {
  if (before_.pending != Pending::kPublish) return;
  Changed();
  job().pending = Pending::kNone;
  job().unasked = false;
  if (!before_.unasked) return;  // the caller of CompleteJob is told
  // For the history alone: the job is TRANSFERRED, and waits for its owner.
  job().completion_failed = true;
  d_.error = ErrorOf(e.failure);
  if (file_.has_value()) NameFile(*d_.error, file_->mirrors.source);
}

void Maker::Apply(const CleanedUp& e) {
  if (before_.pending != Pending::kCleanup) return;
  Changed();
  job().pending = Pending::kNone;
  job().result = e.temporaries_left ? JobResult::kUnableToDeleteFiles : JobResult::kOk;
}

void Maker::Record(const Checkpoint& e) {
  file_changed_ = true;
  SetTotal(e.bytes_total.has_value() ? e.bytes_total : file_->bytes_total);
  const uint64_t bytes = file_->bytes_total.has_value()
                             ? std::min(e.bytes_transferred, *file_->bytes_total)
                             : e.bytes_transferred;
  SetBytes(bytes);
  file_->validators = e.validators;
  if (!e.digest.empty() && file_->checksum.has_value()) file_->checksum->hex = e.digest;
  file_->last_modified = e.last_modified;
  if (!e.response_headers.empty()) file_->response_headers = e.response_headers;
  // Else it was mended since.
  const bool is_asked = file_->remote_name == e.asked_name || file_->remote_name == e.final_name;
  if (is_asked && !file_->mirrors.names.empty()) file_->mirrors.source = e.validators.source;
  if (file_->remote_name == e.asked_name) FollowTo(e.final_name);
  if (bytes > file_->bytes_furthest) {
    file_->bytes_furthest = bytes;
    Progressed();
  }
}

void Maker::FollowTo(const std::string& final_name) {
  if (final_name.empty() || final_name == file_->remote_name) return;
  if (file_->given_name.empty()) file_->given_name = file_->remote_name;
  file_->remote_name = final_name;
}

void Maker::StartOver() {
  file_changed_ = true;
  ++file_->restarts;
  SetBytes(0);
  SetTotal(std::nullopt);
  file_->validators = {};
  file_->last_modified.reset();
  if (file_->checksum.has_value() && !file_->checksum->uri.empty()) file_->checksum->hex.clear();
}

void Maker::SetBytes(uint64_t bytes) {
  job().progress.bytes_transferred += bytes - file_->bytes_transferred;
  file_->bytes_transferred = bytes;
}

void Maker::SetTotal(std::optional<uint64_t> total) {
  JobProgress& p = job().progress;
  if (file_->bytes_total.has_value()) {
    p.bytes_total -= *file_->bytes_total;
  } else {
    --p.files_unsized;
  }
  if (total.has_value()) {
    p.bytes_total += *total;
  } else {
    ++p.files_unsized;
  }
  file_->bytes_total = total;
}

void Maker::Progressed() {
  NotStalled();
  job().host_failed = false;
  job().activity_time = now_;
}

Error Maker::ErrorOf(const Failure& failure) const {
  Error error;
  error.hresult = failure.hresult;
  error.context = failure.context;
  error.detail = failure.detail;
  error.http_status = failure.http_status;
  error.attempt = before_.attempt_count;
  error.occur_time = now_;
  return error;
}

void Maker::NameFile(Error& error, uint32_t source) const {
  const std::string& name = SourceName(*file_, source);
  error.file = file_->ordinal;
  error.remote_name = RedactUrl(name);
  error.local_name = file_->local_name;
  error.protocol = Protocol(name);
}

void Maker::Keep(Error error) {
  job().error = error;
  d_.error = std::move(error);
}

bool Maker::Counts(const Failure& failure) const {
  switch (failure.hresult) {
    case 0x80200010:  // BG_E_NETWORK_DISCONNECTED
    case 0x8020000D:  // BG_E_DESTINATION_LOCKED
    case kBlockedByPolicy:
      return false;
    default:
      return before_.state == JobState::kTransferring || failure.http_status != 0 ||
             before_.stalled_since.has_value();
  }
}

}  // namespace bits::domain

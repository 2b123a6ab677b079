#include "tests/unit/domain/reference_model.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "server/domain/error_code.h"

namespace bits::domain {

using S = JobState;

namespace {
const char* const kNothing = "nothing";
const char* const kChanged = "";
const char* const kWrongState = "BG_E_INVALID_STATE";

// Of the failures that the tests throw.
bool IsPassing(Hresult code) {
  return code == FromHttpStatus(503) || code == FromHttpStatus(429) || code == kCannotConnect ||
         code == 0x80200010 || code == 0x8020003E;
}
}  // namespace

ReferenceModel::ReferenceModel(int files, absl::Time now)
    : now_(now), files_(static_cast<size_t>(files)), activity_(now), queued_(now) {}

bool ReferenceModel::AllWhole() const {
  return std::all_of(files_.begin(), files_.end(), [](const ModelFile& f) { return f.whole; });
}

bool ReferenceModel::TooMuch() const {
  uint64_t sizes = 0;
  uint64_t here = 0;
  for (const ModelFile& file : files_) {
    sizes += file.size.value_or(0);
    here += file.here;
  }
  return most_ != 0 && (sizes > most_ || here > most_);
}

ReferenceModel::Answer ReferenceModel::Overflow(uint32_t ordinal) {
  Failure failure;
  failure.hresult = kMaxDownloadSizeReached;
  ++errors_;
  Break(failure, ordinal, false);
  return kChanged;
}

bool ReferenceModel::MayRetry(const Failure& failure) const {
  if (failure.hresult == 0x8020003E) return true;
  if (!IsPassing(failure.hresult) || patience_ == absl::ZeroDuration()) return false;
  if (std::max(delay_, absl::Seconds(5)) > patience_) return false;
  return !stalled_ || now_ < *stalled_ + patience_;
}

void ReferenceModel::Count(const Failure& failure) {
  const bool counted = failure.hresult != 0x80200010 && failure.hresult != 0x8020003E;
  const bool interrupted = state_ == S::kTransferring || failure.http_status != 0;
  if (counted && (interrupted || stalled_)) ++errors_;
}

ReferenceModel::Answer ReferenceModel::Step(const Event& event, uint32_t ordinal, absl::Time now) {
  now_ = now;
  switch (KindOf(event)) {
    case EventKind::kResume:
    case EventKind::kSuspend:
    case EventKind::kCancel:
    case EventKind::kComplete:
    case EventKind::kAddFiles:
    case EventKind::kUpdate:
    case EventKind::kSetRemoteName:
    case EventKind::kTakeOwnership:
    case EventKind::kSetValidationState:
      return Over() || publishing_ ? kWrongState : Verb(event, ordinal);
    case EventKind::kStart:
    case EventKind::kBytesArrived:
    case EventKind::kFail:
    case EventKind::kRequeue:
      return Over() || publishing_ ? kNothing : OfTransfer(event, ordinal);
    case EventKind::kCheckpoint:
    case EventKind::kFileRestarted:
    case EventKind::kFileTransferred:
      return Over() || state_ == S::kTransferred ? kNothing : OfTransfer(event, ordinal);
    case EventKind::kRetryDue:
    case EventKind::kNoProgress:
    case EventKind::kMaximumDownloadTime:
    case EventKind::kDeadline:
    case EventKind::kNotBefore:
    case EventKind::kInactivity:
    case EventKind::kForget:
      return publishing_ ? kNothing : OfTimer(event);
    default:
      return OfFiles(event, ordinal);
  }
}

ReferenceModel::Answer ReferenceModel::Verb(const Event& event, uint32_t ordinal) {
  if (std::holds_alternative<Resume>(event)) {
    if (state_ == S::kQueued || Running()) return kNothing;
    if (state_ == S::kTransferred && AllWhole()) return kNothing;
    if (state_ == S::kSuspended && files_.empty()) return "BG_E_EMPTY";
    if (now_ >= deadline_) return "ERROR_TIMEOUT";
    Owner();
    resumed_ = true;
    used_ = absl::ZeroDuration();
    if (state_ != S::kTransientError) {
      Unstall();
      host_failed_ = false;
    }
    Go(S::kQueued);
    return kChanged;
  }
  if (std::holds_alternative<Suspend>(event)) {
    if (Stopped()) return kNothing;
    Owner();
    Go(S::kSuspended);
    return kChanged;
  }
  if (const auto* add = std::get_if<AddFiles>(&event)) {
    if (add->files.empty()) return kNothing;
    files_.resize(files_.size() + add->files.size());
  } else if (const auto* update = std::get_if<Update>(&event)) {
    if (update->max_download_size && *update->max_download_size != most_ && resumed_) {
      return "BG_E_READ_ONLY_PROPERTY_AFTER_RESUME";
    }
    if (update->timing) {
      if (const Answer wrong = Times(*update->timing); !wrong.empty()) return wrong;
    }
    if (update->max_download_size) most_ = *update->max_download_size;
    if (update->auto_complete) {
      if (*update->auto_complete && !auto_ && state_ == S::kTransferred && AllWhole()) {
        publishing_ = unasked_ = true;
      }
      auto_ = *update->auto_complete;
    }
    if (update->minimum_retry_delay) delay_ = *update->minimum_retry_delay;
    if (update->no_progress_timeout) patience_ = *update->no_progress_timeout;
  } else if (std::holds_alternative<SetRemoteName>(event)) {
    if (ordinal == 0) return kNothing;
    host_failed_ = false;
  } else if (const auto* said = std::get_if<SetValidationState>(&event)) {
    if (ordinal == 0) return kNothing;
    ModelFile& file = files_[ordinal - 1];
    if (!file.whole) return "E_PENDING";
    if (file.published) return kWrongState;
    if (!said->valid) {
      file.whole = false;
      Failure failure;
      failure.hresult = kValidationFailed;
      Break(failure, ordinal, false);
    }
  } else if (std::holds_alternative<Complete>(event)) {
    publishing_ = true;
  } else if (!std::holds_alternative<TakeOwnership>(event)) {
    Go(S::kCancelled);
    cleaning_ = true;
  }
  Owner();
  return kChanged;
}

ReferenceModel::Answer ReferenceModel::OfTransfer(const Event& event, uint32_t ordinal) {
  if (std::holds_alternative<Start>(event)) {
    if (state_ != S::kQueued || deferred_) return kNothing;
    const absl::Time waiting = stalled_ ? std::max(*stalled_, queued_) : now_;
    if (!std::get<Start>(event).probe && waiting < now_) *stalled_ += now_ - waiting;
    Go(AllWhole() ? S::kTransferred : S::kConnecting);
    return kChanged;
  }
  if (std::holds_alternative<BytesArrived>(event)) {
    if (state_ != S::kConnecting) return kNothing;
    Go(S::kTransferring);
    return kChanged;
  }
  if (const auto* fail = std::get_if<Fail>(&event)) {
    if (!Running()) return kNothing;
    Break(fail->failure, ordinal, MayRetry(fail->failure));
    return kChanged;
  }
  if (const auto* requeue = std::get_if<Requeue>(&event)) {
    if (!Running()) return kNothing;
    const absl::Time place = queued_;
    Go(S::kQueued);
    if (!requeue->slice_over) queued_ = place;
    return kChanged;
  }
  if (ordinal == 0 || files_[ordinal - 1].whole) return kNothing;
  ModelFile& file = files_[ordinal - 1];
  if (std::holds_alternative<FileRestarted>(event)) {
    StartOver(file);
    return kChanged;
  }
  if (const auto* at = std::get_if<Checkpoint>(&event)) {
    Durable(file, *at);
    if (Running() && TooMuch()) return Overflow(ordinal);
  } else {
    Checkpoint last = std::get<FileTransferred>(event).last;
    last.bytes_total = last.bytes_transferred;
    Durable(file, last);
    file.whole = true;
    Unstall();
    host_failed_ = false;
    activity_ = now_;
    if (Running() && TooMuch()) return Overflow(ordinal);
    if (Running() && AllWhole()) {
      Go(S::kTransferred);
      return kChanged;
    }
  }
  if (state_ == S::kConnecting) Go(S::kTransferring);
  return kChanged;
}

ReferenceModel::Answer ReferenceModel::OfTimer(const Event& event) {
  if (std::holds_alternative<Forget>(event)) return Over() ? kChanged : kNothing;
  if (Over()) return kNothing;
  if (std::holds_alternative<Inactivity>(event)) {
    Go(S::kCancelled);
    cleaning_ = true;
    return kChanged;
  }
  if (std::holds_alternative<NotBefore>(event)) {
    if (!deferred_) return kNothing;
    deferred_ = false;
    queued_ = activity_ = now_;
    return kChanged;
  }
  if (std::holds_alternative<Deadline>(event)) {
    if (Stopped()) return kNothing;
    Failure failure;
    failure.hresult = kTimeout;
    const bool host_failed = host_failed_;
    const uint32_t errors = errors_;
    const bool ran = Running();
    Break(failure, 0, false);
    host_failed_ = host_failed;
    if (!ran) errors_ = errors;
    return kChanged;
  }
  if (std::holds_alternative<MaximumDownloadTime>(event)) {
    if (!Running()) return kNothing;
    Failure failure;
    failure.hresult = kMaxDownloadTimeout;
    Break(failure, 0, false);
    return kChanged;
  }
  const bool waits_for_host = state_ == S::kQueued && host_failed_ && stalled_.has_value();
  const bool gives_up = std::holds_alternative<NoProgress>(event) && waits_for_host;
  if (state_ != S::kTransientError && !gives_up) return kNothing;
  if (std::holds_alternative<RetryDue>(event)) {
    Go(S::kQueued);
    return kChanged;
  }
  error_->transient = false;
  error_->retry.reset();
  Go(S::kError);
  return kChanged;
}

ReferenceModel::Answer ReferenceModel::OfFiles(const Event& event, uint32_t ordinal) {
  if (const auto* cleaned = std::get_if<CleanedUp>(&event)) {
    if (!cleaning_) return kNothing;
    cleaning_ = false;
    result_ = cleaned->temporaries_left ? JobResult::kUnableToDeleteFiles : JobResult::kOk;
    return kChanged;
  }
  if (std::holds_alternative<FilePublished>(event) || std::holds_alternative<FileLost>(event)) {
    if (Over() || ordinal == 0) return kNothing;
    ModelFile& file = files_[ordinal - 1];
    if (!file.whole || file.published) return kNothing;
    if (std::holds_alternative<FilePublished>(event)) {
      file.published = true;
    } else {
      file.whole = false;
      StartOver(file);
    }
    return kChanged;
  }
  if (!publishing_) return kNothing;
  publishing_ = unasked_ = false;
  if (const auto* published = std::get_if<Published>(&event)) {
    result_ = AllWhole() ? JobResult::kOk : JobResult::kPartialComplete;
    if (published->temporaries_left) result_ = JobResult::kUnableToDeleteFiles;
    Go(S::kAcknowledged);
  } else if (!Stopped()) {
    Go(S::kSuspended);
  }
  return kChanged;
}

ReferenceModel::Answer ReferenceModel::Times(const TimingUpdate& update) {
  const absl::Time not_before = update.not_before.value_or(not_before_);
  const absl::Time deadline = update.deadline.value_or(deadline_);
  const bool changed = not_before != not_before_ || deadline != deadline_;
  if (changed && (not_before >= deadline || (deadline != deadline_ && deadline <= now_))) {
    return "E_INVALIDARG";
  }
  not_before_ = not_before;
  deadline_ = deadline;
  if (state_ == S::kQueued) Queue();
  return "";
}

void ReferenceModel::Queue() {
  if (now_ < not_before_) {
    deferred_ = true;
    Unstall();
    host_failed_ = false;
  } else if (deferred_) {
    deferred_ = false;
    queued_ = now_;
  }
}

void ReferenceModel::Go(JobState to) {
  const bool ran = Running();
  const bool blocked = state_ == S::kTransientError && error_ && error_->code == 0x8020003E;
  if (blocked && stalled_ && now_ > error_->time) *stalled_ += now_ - error_->time;
  state_ = to;
  retry_.reset();
  if (ran && !Running()) {
    if (now_ > *clock_) used_ += now_ - *clock_;
    clock_.reset();
  }
  if (!ran && Running()) {
    clock_ = now_;
    ++attempts_;
  }
  if (to == S::kQueued) {
    queued_ = now_;
    Queue();
  } else {
    deferred_ = false;
  }
  if (to == S::kTransferring || to == S::kTransferred) error_.reset();
  if (to == S::kTransferring) host_failed_ = false;
  if (to == S::kTransferred) completed_ = now_;
  if (to == S::kTransferred && auto_ && !publishing_) publishing_ = unasked_ = true;
  if (to == S::kTransferred || Over()) Unstall();
  if (Over()) ended_ = now_;
}

void ReferenceModel::Durable(ModelFile& file, const Checkpoint& at) {
  if (at.bytes_total) file.size = at.bytes_total;
  file.here = file.size ? std::min(at.bytes_transferred, *file.size) : at.bytes_transferred;
  if (file.here <= file.furthest) return;
  file.furthest = file.here;
  Unstall();
  host_failed_ = false;
  activity_ = now_;
}

void ReferenceModel::StartOver(ModelFile& file) {
  file.here = 0;
  file.size.reset();
  ++file.restarts;
}

void ReferenceModel::Break(const Failure& failure, uint32_t ordinal, bool retry) {
  if (failure.hresult != kMaxDownloadSizeReached) Count(failure);
  if (failure.hresult != kMaxDownloadTimeout) host_failed_ = failure.hresult == kCannotConnect;
  Go(retry ? S::kTransientError : S::kError);
  error_ = ModelError{failure.hresult, ordinal, attempts_, retry, now_, std::nullopt};
  if (failure.hresult == 0x8020003E) {
    if (failure.retry_after) error_->retry = now_ + *failure.retry_after;
  } else if (retry) {
    absl::Duration wait = std::max(delay_, absl::Seconds(5));
    if (failure.retry_after) wait = std::max(wait, std::min(*failure.retry_after, absl::Hours(24)));
    retry_ = error_->retry = now_ + wait;
    if (!stalled_) stalled_ = now_;
    ++retries_;
  }
  if (failure.hresult == kValidationFailed && ordinal != 0 && !files_[ordinal - 1].whole) {
    StartOver(files_[ordinal - 1]);
  }
}

std::string ReferenceModel::Difference(const Job& job, const std::vector<File>& files) const {
  if (job.state != state_) {
    return absl::StrCat("state ", static_cast<int>(job.state), " not ", static_cast<int>(state_));
  }
  if (job.error.has_value() != error_.has_value()) {
    return error_ ? "the error is gone" : "there is an error";
  }
  if (error_) {
    const Error& e = *job.error;
    if (e.hresult != error_->code || e.file != error_->file || e.attempt != error_->attempt ||
        e.transient != error_->transient || e.occur_time != error_->time ||
        e.retry_time != error_->retry) {
      return "the error is another";
    }
  }
  if (job.error_count != errors_)
    return absl::StrCat("error_count ", job.error_count, " not ", errors_);
  if (job.attempt_count != attempts_) return "attempt_count";
  if (job.stalled_since != stalled_) return "stalled_since";
  if (job.retry_time != retry_) return "retry_time";
  if (job.transfer_completion_time != completed_) return "transfer_completion_time";
  if (job.final_time != ended_) return "final_time";
  if (job.active_since != clock_ || job.active_time != used_) return "the stopwatch";
  if (job.activity_time != activity_) return "activity_time";
  if (job.queue_time != queued_) return "queue_time";
  if (job.deferred != deferred_) return "deferred";
  if (job.unasked != unasked_) return "unasked";
  if (job.retry_count != retries_) return "retry_count";
  if (job.timing.not_before != not_before_ || job.timing.deadline != deadline_) return "timing";
  if (job.host_failed != host_failed_) return "host_failed";
  if (job.result != result_) return "result";
  const Pending pending = publishing_ ? Pending::kPublish
                          : cleaning_ ? Pending::kCleanup
                                      : Pending::kNone;
  if (job.pending != pending) return "pending";
  if (files.size() != files_.size()) return "the number of files";
  for (size_t i = 0; i < files_.size(); ++i) {
    const File& f = files[i];
    const ModelFile& m = files_[i];
    if (f.bytes_total != m.size || f.bytes_transferred != m.here ||
        f.bytes_furthest != m.furthest || f.transferred != m.whole || f.completed != m.published ||
        f.restarts != m.restarts || f.ordinal != i + 1) {
      return absl::StrCat("file ", i + 1);
    }
  }
  return "";
}

}  // namespace bits::domain

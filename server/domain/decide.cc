#include "server/domain/decide.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "server/base/error_info.h"
#include "server/base/redact.h"
#include "server/base/strings.h"
#include "server/domain/error_code.h"
#include "server/domain/holds.h"
#include "server/domain/retry.h"
#include "server/domain/update_rules.h"

namespace bits::domain {
namespace {

// Verbs wait for no one: while a job's files are being published they are refused, and what
// comes late from the transfer can only add what is already on disk.
enum class WhilePending { kAllow, kRefuse, kIgnore };
WhilePending GateWhilePublishing(EventKind kind) {
  switch (kind) {
    case EventKind::kResume:
    case EventKind::kSuspend:
    case EventKind::kCancel:
    case EventKind::kComplete:
    case EventKind::kAddFiles:
    case EventKind::kUpdate:
    case EventKind::kSetRemoteName:
    case EventKind::kTakeOwnership:
    case EventKind::kSetValidationState:
      return WhilePending::kRefuse;
    case EventKind::kCheckpoint:
    case EventKind::kFileRestarted:
    case EventKind::kFileTransferred:
    case EventKind::kFilePublished:
    case EventKind::kFileLost:
    case EventKind::kPublished:
    case EventKind::kPublishFailed:
      return WhilePending::kAllow;
    default:
      return WhilePending::kIgnore;
  }
}

absl::Status Refusal(const Job& job, EventKind kind, Hresult why) {
  std::string message;
  if (why == kEmpty) {
    message = "The job has no files: add some before resuming it.";
  } else if (job.pending == Pending::kPublish) {
    message = absl::StrCat("The job is being completed: ", Av(EventName(kind)),
                           " is not possible now.");
  } else {
    message = absl::StrCat("The job is ", Av(StateName(job.state)), ": ", Av(EventName(kind)),
                           " is not possible any more.");
  }
  return MakeRefusal(absl::StatusCode::kFailedPrecondition, SymbolOf(why), message,
                     {{"state", std::string(StateName(job.state))}});
}

// The decision while it is being made.
class Maker {
 public:
  Maker(const Job& job, const File* file, absl::Time now) : before_(job), now_(now) {
    d_.job = job;
    if (file != nullptr) file_ = *file;
  }

  Decision Take(const Rule& rule, const Event& event) {
    d_.effects = rule.effects;
    std::visit([this](const auto& e) { Apply(e); }, event);
    if (!d_.changed) return Unchanged();
    if (rule.verdict == Verdict::kMove && rule.to != before_.state) Enter(rule.to);
    NoteChanges(KindOf(event));
    d_.job.update_time = now_;
    if (file_.has_value() && file_changed_) d_.files.push_back(*file_);
    return std::move(d_);
  }

 private:
  Decision Unchanged() const {
    Decision d;
    d.job = before_;
    return d;
  }
  void Changed() { d_.changed = true; }
  void OwnerActed() {
    Changed();
    job().activity_time = now_;
  }
  Job& job() { return d_.job; }
  // What it was held or failed for may not be what it needs any more.
  void HostIsAnother() {
    job().host = "";
    job().host_failed = false;
  }

  void Apply(const Resume&) {
    OwnerActed();
    job().active_time = absl::ZeroDuration();
    job().resumed = true;
    job().retry_time.reset();
    if (before_.state != JobState::kTransientError) {
      job().stalled_since.reset();
      job().host_failed = false;
    }
  }
  void Apply(const Suspend&) {
    OwnerActed();
    job().retry_time.reset();
  }
  void Apply(const Cancel&) { OwnerActed(); }
  void Apply(const Complete&) {
    OwnerActed();
    job().pending = Pending::kPublish;
  }
  void Apply(const AddFiles& e) {
    if (e.files.empty()) return;
    OwnerActed();
    if (job().progress.files_total == 0) {
      job().host = HostOf(e.files.front().remote_name);
      job().destination = e.destination;
    }
    for (File file : e.files) {
      file.ordinal = ++job().progress.files_total;
      ++job().progress.files_unsized;
      d_.files.push_back(std::move(file));
    }
  }
  void Apply(const Update& e) {
    Job& j = job();
    if (e.display_name) j.display_name = *e.display_name;
    if (e.description) j.description = *e.description;
    if (e.priority) j.priority = *e.priority;
    if (e.minimum_retry_delay) {
      j.minimum_retry_delay = std::max(*e.minimum_retry_delay, kLeastRetryDelay);
    }
    if (e.no_progress_timeout) j.no_progress_timeout = *e.no_progress_timeout;
    if (e.maximum_download_time) j.maximum_download_time = *e.maximum_download_time;
    if (e.labels) j.labels = *e.labels;
    if (e.max_parallel_files) j.options.max_parallel_files = *e.max_parallel_files;
    if (e.require_ranges) j.options.require_ranges = *e.require_ranges;
    if (e.http) domain::Apply(*e.http, j.http);
    if (HasCustomMethod(j.http)) j.priority = Priority::kForeground;
    if (e.proxy) j.proxy = *e.proxy;
    if (e.credentials) j.credentials = *e.credentials;
    if (e.secrets_volatile) j.secrets_volatile = *e.secrets_volatile;
    if (e.max_bytes_per_second) j.options.max_bytes_per_second = *e.max_bytes_per_second;
    OwnerActed();
  }
  void Apply(const SetRemoteName& e) {
    if (!e.files.empty()) {
      OwnerActed();
      d_.files = e.files;
      HostIsAnother();
      return;
    }
    if (!file_.has_value()) return;
    OwnerActed();
    file_->remote_name = e.remote_name;
    file_changed_ = true;
    HostIsAnother();
    if (file_->transferred) d_.effects &= static_cast<uint8_t>(~kRestartFile);
  }

  void Apply(const TakeOwnership& e) {
    OwnerActed();
    job().owner = e.owner;
    // What the former owner alone knew.
    job().credentials.clear();
    job().secrets_volatile = false;
    job().http.headers.clear();
    job().http.secret_headers.clear();
    job().http.tls.client_certificate.clear();
  }

  void Apply(const SetValidationState& e) {
    if (!file_.has_value()) return;
    OwnerActed();
    file_changed_ = true;
    file_->validation = e.valid ? Validation::kValid : Validation::kInvalid;
    if (e.valid) return;
    Failure failure;
    failure.hresult = kValidationFailed;
    failure.context = ErrorContext::kLocalFile;
    failure.detail = "the owner of the job says that the content is not valid";
    if (Counts(failure)) ++job().error_count;
    Error error = ErrorOf(failure);
    NameFile(error);
    job().retry_time.reset();
    job().host_failed = false;
    StartOver();
    file_->transferred = false;
    file_->temporary_identity.clear();
    --job().progress.files_transferred;
    Keep(std::move(error));
  }

  void Apply(const Start&) { Changed(); }
  void Apply(const BytesArrived&) { Changed(); }
  void Apply(const Checkpoint& e) {
    if (!file_.has_value() || file_->transferred) return;
    Changed();
    Record(e);
  }
  void Apply(const FileRestarted&) {
    if (!file_.has_value() || file_->transferred) return;
    Changed();
    StartOver();
  }
  void Apply(const FileTransferred& e) {
    if (!file_.has_value() || file_->transferred) return;
    Changed();
    Checkpoint last = e.last;
    last.bytes_total = last.bytes_transferred;
    Record(last);
    Progressed();
    file_->transferred = true;
    file_->validation = Validation::kNone;
    file_->temporary_identity = e.temporary_identity;
    ++job().progress.files_transferred;
    if (HostOf(file_->remote_name) == job().host) job().host = "";  // the next one's may be another
  }
  void Apply(const Fail& e) {
    Changed();
    Job& j = job();
    const bool retry = MayRetry(before_, e.failure, now_);
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
    }
    j.host_failed = IsConnectionFailure(e.failure);
    if (file_.has_value()) {
      j.host = HostOf(file_->remote_name);
      NameFile(error);
      if (!e.failure.response_headers.empty() || !e.failure.final_name.empty()) {
        file_changed_ = true;
        file_->response_headers = e.failure.response_headers;
        if (!e.failure.final_name.empty()) file_->remote_name = e.failure.final_name;
      }
      if (e.failure.hresult == kValidationFailed && !file_->transferred) StartOver();
    }
    Keep(std::move(error));
  }
  void Apply(const Requeue& e) {
    Changed();
    if (e.after_restart) turn_end_ = std::min(before_.update_time, now_);
    keeps_place_ = !e.slice_over;
    if (!e.host.empty()) job().host = e.host;
    if (!e.destination.empty()) job().destination = e.destination;
  }

  void Apply(const RetryDue&) {
    Changed();
    job().retry_time.reset();
  }
  void Apply(const NoProgress&) {
    Changed();
    job().retry_time.reset();
    if (job().error.has_value()) {  // the last attempt's code stays; it is fatal now
      job().error->transient = false;
      job().error->retry_time.reset();
    }
  }
  void Apply(const MaximumDownloadTime&) {
    Changed();
    Failure failure;
    failure.hresult = kMaxDownloadTimeout;
    failure.context = ErrorContext::kGeneralQueueManager;
    if (Counts(failure)) ++job().error_count;
    Keep(ErrorOf(failure));
  }
  void Apply(const Inactivity&) { Changed(); }
  void Apply(const Forget&) { Changed(); }

  void Apply(const FilePublished&) {
    if (!file_.has_value() || !file_->transferred || file_->completed) return;
    Changed();
    file_->completed = true;
    file_changed_ = true;
    ++job().progress.files_completed;
  }
  void Apply(const FileLost&) {
    if (!file_.has_value() || !file_->transferred || file_->completed) return;
    Changed();
    StartOver();
    file_->transferred = false;
    file_->temporary_identity.clear();
    --job().progress.files_transferred;
  }
  // A report on work that is not under way (any more) comes too late.
  void Apply(const Published& e) {
    if (before_.pending != Pending::kPublish) return;
    Changed();
    job().pending = Pending::kNone;
    job().result = e.temporaries_left            ? JobResult::kUnableToDeleteFiles
                   : AllFilesTransferred(before_) ? JobResult::kOk
                                                  : JobResult::kPartialComplete;
  }
  void Apply(const PublishFailed&) {
    if (before_.pending != Pending::kPublish) return;
    Changed();
    job().pending = Pending::kNone;
  }
  void Apply(const CleanedUp& e) {
    if (before_.pending != Pending::kCleanup) return;
    Changed();
    job().pending = Pending::kNone;
    job().result = e.temporaries_left ? JobResult::kUnableToDeleteFiles : JobResult::kOk;
  }

  // What is durable of the file, and what is known of it.
  void Record(const Checkpoint& e) {
    file_changed_ = true;
    SetTotal(e.bytes_total.has_value() ? e.bytes_total : file_->bytes_total);
    const uint64_t bytes = file_->bytes_total.has_value()
                               ? std::min(e.bytes_transferred, *file_->bytes_total)
                               : e.bytes_transferred;
    SetBytes(bytes);
    file_->validators = e.validators;
    file_->last_modified = e.last_modified;
    if (!e.response_headers.empty()) file_->response_headers = e.response_headers;
    if (!e.final_name.empty() && file_->remote_name == e.asked_name) {
      file_->remote_name = e.final_name;
    }
    if (bytes > file_->bytes_furthest) {
      file_->bytes_furthest = bytes;
      Progressed();
    }
  }
  void StartOver() {
    file_changed_ = true;
    ++file_->restarts;
    SetBytes(0);
    SetTotal(std::nullopt);
    file_->validators = {};
    file_->last_modified.reset();
  }
  void SetBytes(uint64_t bytes) {
    job().progress.bytes_transferred += bytes - file_->bytes_transferred;
    file_->bytes_transferred = bytes;
  }
  void SetTotal(std::optional<uint64_t> total) {
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
  void Progressed() {
    job().stalled_since.reset();
    job().host_failed = false;
    job().activity_time = now_;
  }
  Error ErrorOf(const Failure& failure) const {
    Error error;
    error.hresult = failure.hresult;
    error.context = failure.context;
    error.detail = failure.detail;
    error.http_status = failure.http_status;
    error.attempt = before_.attempt_count;
    error.occur_time = now_;
    return error;
  }
  // Says of which file it is.
  void NameFile(Error& error) const {
    error.file = file_->ordinal;
    error.remote_name = RedactUrl(file_->remote_name);
    error.local_name = file_->local_name;
    error.protocol = Protocol(file_->remote_name);
  }
  void Keep(Error error) {
    job().error = error;
    d_.error = std::move(error);
  }

  // Whether error_count counts the failure: it interrupted a transfer, the origin answered,
  // or it was a retry; and it was none of those that BITS does not count.
  bool Counts(const Failure& failure) const {
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

  static std::string Protocol(const std::string& remote_name) {
    const std::string scheme = absl::AsciiStrToLower(remote_name.substr(0, remote_name.find(':')));
    return scheme == "http" || scheme == "https" || scheme == "file" ? scheme : "";
  }

  void Enter(JobState to) {
    Job& j = job();
    j.state = to;
    if (IsActive(before_.state) && !IsActive(to) && j.active_since.has_value()) {
      j.active_time += std::max(turn_end_ - *j.active_since, absl::ZeroDuration());
      j.active_since.reset();
    }
    // The time that the policy stopped it is none without progress.
    if (IsBlockedByPolicy(before_) && j.stalled_since.has_value()) {
      *j.stalled_since += std::max(now_ - before_.error->occur_time, absl::ZeroDuration());
    }
    switch (to) {
      case JobState::kQueued:
        if (!keeps_place_) j.queue_time = now_;
        break;
      case JobState::kConnecting:
        ++j.attempt_count;
        j.active_since = now_;
        break;
      case JobState::kTransferring:
        j.error.reset();
        j.host_failed = false;
        break;
      case JobState::kTransferred:
        j.error.reset();
        j.stalled_since.reset();
        j.transfer_completion_time = now_;
        break;
      case JobState::kAcknowledged:
      case JobState::kCancelled:
        j.final_time = now_;
        j.retry_time.reset();
        j.stalled_since.reset();
        // The secrets go with this.
        j.credentials.clear();
        j.http.secret_headers.clear();
        j.secrets_volatile = false;
        if ((d_.effects & kCleanup) != 0) j.pending = Pending::kCleanup;
        break;
      case JobState::kSuspended:
        j.retry_time.reset();
        break;
      case JobState::kError:
      case JobState::kTransientError:
        break;
    }
  }

  void NoteChanges(EventKind kind) {
    std::vector<ChangeKind>& changes = d_.changes;
    const bool moved = d_.job.state != before_.state;
    switch (kind) {
      case EventKind::kFileTransferred:
        changes.push_back(ChangeKind::kFileTransferred);
        break;
      case EventKind::kFileRestarted:
      case EventKind::kFileLost:
        changes.push_back(ChangeKind::kFileRestarted);
        break;
      case EventKind::kSetValidationState:
        changes.push_back(file_.has_value() && !file_->transferred ? ChangeKind::kFileRestarted
                                                                   : ChangeKind::kModified);
        break;
      case EventKind::kCheckpoint:
        if (!moved) changes.push_back(ChangeKind::kProgress);
        break;
      case EventKind::kAddFiles:
      case EventKind::kUpdate:
      case EventKind::kSetRemoteName:
      case EventKind::kTakeOwnership:
      case EventKind::kPublishFailed:
      case EventKind::kCleanedUp:
        if (!moved) changes.push_back(ChangeKind::kModified);
        break;
      case EventKind::kForget:
        changes.push_back(ChangeKind::kDeleted);
        break;
      default:
        break;
    }
    if (moved) changes.push_back(ChangeKind::kStateChanged);
  }

  const Job& before_;
  const absl::Time now_;
  absl::Time turn_end_ = now_;
  bool keeps_place_ = false;  // in the queue
  Decision d_;
  std::optional<File> file_;
  bool file_changed_ = false;
};

// Whether the last file that was missing is the one that the event brings.
bool WouldAllBeTransferred(const Job& job, const File* file, EventKind kind) {
  uint32_t there = job.progress.files_transferred;
  if (kind == EventKind::kFileTransferred && file != nullptr && !file->transferred) ++there;
  return there == job.progress.files_total;
}

bool Applies(Guard guard, const Job& job, const File* file, const Event& event, absl::Time now) {
  switch (guard) {
    case Guard::kAlways:
      return true;
    case Guard::kNoFiles:
      return job.progress.files_total == 0;
    case Guard::kAllTransferred:
      return WouldAllBeTransferred(job, file, KindOf(event));
    case Guard::kSaidInvalid:
      return file != nullptr && !std::get<SetValidationState>(event).valid;
    case Guard::kHostFailed:
      return job.host_failed && job.stalled_since.has_value();
    case Guard::kRetryable:
      return MayRetry(job, std::get<Fail>(event).failure, now);
  }
  return false;
}

}  // namespace

bool IsBlockedByPolicy(const Job& job) {
  return job.state == JobState::kTransientError && job.error.has_value() &&
         job.error->hresult == kBlockedByPolicy;
}

absl::StatusOr<Decision> Decide(const Job& job, const File* file, const Event& event,
                                absl::Time now) {
  const EventKind kind = KindOf(event);
  Decision unchanged;
  unchanged.job = job;
  if (job.pending == Pending::kPublish) {
    switch (GateWhilePublishing(kind)) {
      case WhilePending::kRefuse:
        return Refusal(job, kind, kInvalidState);
      case WhilePending::kIgnore:
        return unchanged;
      case WhilePending::kAllow:
        break;
    }
  }
  if (kind == EventKind::kSetValidationState && !IsFinal(job.state) && file != nullptr) {
    if (!file->transferred) {
      return MakeRefusal(absl::StatusCode::kFailedPrecondition, SymbolOf(kPending),
                         "The file's data are not there yet.",
                         {{"state", std::string(StateName(job.state))}});
    }
    if (file->completed) return Refusal(job, kind, kInvalidState);
  }
  for (const Rule& rule : RulesFor(job.state, kind)) {
    if (!Applies(rule.guard, job, file, event, now)) continue;
    const bool accepted = rule.verdict == Verdict::kMove || rule.verdict == Verdict::kStay;
    if (const auto* update = std::get_if<Update>(&event); update != nullptr && accepted) {
      if (absl::Status allowed = CheckUpdate(job, *update); !allowed.ok()) return allowed;
    }
    switch (rule.verdict) {
      case Verdict::kMove:
      case Verdict::kStay:
        return Maker(job, file, now).Take(rule, event);
      case Verdict::kNoop:
      case Verdict::kIgnore:
        return unchanged;
      case Verdict::kRefuse:
        return Refusal(job, kind, rule.refusal);
    }
  }
  return unchanged;  // not reached: the table is total
}

absl::StatusOr<Decision> DecideCreate(Job job, std::vector<File> files, bool start,
                                      absl::Time now) {
  job.state = JobState::kSuspended;
  job.create_time = job.update_time = job.activity_time = job.queue_time = now;
  job.minimum_retry_delay = std::max(job.minimum_retry_delay, kLeastRetryDelay);
  Decision d;
  d.job = std::move(job);
  if (!files.empty()) {
    absl::StatusOr<Decision> added = Decide(d.job, nullptr, AddFiles{std::move(files), d.job.destination}, now);
    if (!added.ok()) return added.status();
    d = *std::move(added);
  }
  if (start) {
    absl::StatusOr<Decision> resumed = Decide(d.job, nullptr, Resume{}, now);
    if (!resumed.ok()) return resumed.status();
    d.job = std::move(resumed->job);
    d.effects = resumed->effects;
  }
  d.changed = true;
  d.changes = {ChangeKind::kCreated};
  return d;
}

}  // namespace bits::domain

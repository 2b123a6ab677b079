#include "server/domain/decide.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/base/error_info.h"
#include "server/base/strings.h"
#include "server/domain/decision_maker.h"
#include "server/domain/error_code.h"
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
  } else if (why == kTimeout) {
    message = "The job's deadline has passed: change it before resuming the job.";
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

// Whether the last file that was missing is the one that the event brings.
bool WouldAllBeTransferred(const Job& job, const File* file, EventKind kind) {
  uint32_t there = job.progress.files_transferred;
  if (kind == EventKind::kFileTransferred && file != nullptr && !file->transferred) ++there;
  return there == job.progress.files_total;
}

// By what is known of its files' sizes, and by what is here.
bool WouldBeTooLarge(const Job& job, const File* file, const Event& event) {
  const uint64_t most = job.options.max_download_size;
  if (most == 0 || file == nullptr || file->transferred) return false;
  const auto* last = std::get_if<FileTransferred>(&event);
  const Checkpoint& at = last != nullptr ? last->last : std::get<Checkpoint>(event);
  std::optional<uint64_t> size = at.bytes_total.has_value() ? at.bytes_total : file->bytes_total;
  if (last != nullptr) size = at.bytes_transferred;
  const uint64_t here = std::min(at.bytes_transferred, size.value_or(at.bytes_transferred));
  const uint64_t known =
      job.progress.bytes_total - file->bytes_total.value_or(0) + size.value_or(0);
  return std::max(known, job.progress.bytes_transferred - file->bytes_transferred + here) > most;
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
    case Guard::kTooLarge:
      // One that is being completed keeps what it has.
      return job.pending != Pending::kPublish && WouldBeTooLarge(job, file, event);
    case Guard::kDeferred:
      return job.deferred;
    case Guard::kDeadlinePassed:
      return job.timing.deadline <= now;
    case Guard::kHostFailed:
      return job.host_failed && job.stalled_since.has_value();
    case Guard::kAnotherSource: {
      const auto& fail = std::get<Fail>(event);
      return file != nullptr && SourceAfter(job, *file, fail.source, fail.failure).has_value();
    }
    case Guard::kRetryable: {
      const Failure& failure = std::get<Fail>(event).failure;
      return MayRetry(job, failure, now, file != nullptr && MayAnotherBeRetried(*file, failure));
    }
  }
  return false;
}

}  // namespace

Decision Maker::Take(const Rule& rule, const Event& event) {
  d_.effects = rule.effects;
  std::visit([this](const auto& e) { Apply(e); }, event);
  if (!d_.changed) {
    Decision unchanged;
    unchanged.job = before_;
    return unchanged;
  }
  if (rule.guard == Guard::kTooLarge) TooLarge();
  if (rule.verdict == Verdict::kMove && rule.to != before_.state) Enter(rule.to);
  NoteChanges(KindOf(event));
  d_.job.update_time = now_;
  if (file_.has_value() && file_changed_) d_.files.push_back(*file_);
  return std::move(d_);
}

void Maker::Enter(JobState to) {
  Job& j = job();
  j.state = to;
  j.completion_failed = false;
  if (to != JobState::kQueued) j.deferred = false;
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
      DeferOrNot();
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
      NotStalled();
      j.transfer_completion_time = now_;
      CompleteItself();
      break;
    case JobState::kAcknowledged:
    case JobState::kCancelled:
      j.final_time = now_;
      j.retry_time.reset();
      NotStalled();
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

void Maker::CompleteItself() {
  if (!job().auto_complete || job().pending != Pending::kNone) return;
  job().pending = Pending::kPublish;
  job().unasked = true;
  d_.effects |= kPublish;
}

void Maker::NotStalled() {
  job().stalled_since.reset();
  job().retry_count = 0;
}

void Maker::DeferOrNot() {
  Job& j = job();
  const bool defer = j.timing.not_before > now_;
  if (defer && !j.deferred) {
    // While it waits for that it does not fail: none of the time counts.
    NotStalled();
    j.host_failed = false;
  }
  if (!defer && j.deferred) j.queue_time = now_;
  j.deferred = defer;
}

void Maker::NoteChanges(EventKind kind) {
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
    case EventKind::kFail:  // with another source it goes on
      if (!moved) changes.push_back(ChangeKind::kModified);
      break;
    case EventKind::kCheckpoint:
      if (!moved) changes.push_back(ChangeKind::kProgress);
      break;
    case EventKind::kAddFiles:
    case EventKind::kUpdate:
    case EventKind::kSetRemoteName:
    case EventKind::kTakeOwnership:
    case EventKind::kNotBefore:
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
      if (absl::Status allowed = CheckUpdate(job, *update, now); !allowed.ok()) return allowed;
    }
    if (const auto* add = std::get_if<AddFiles>(&event); add != nullptr && accepted) {
      if (absl::Status allowed = CheckAddFiles(job, *add); !allowed.ok()) return allowed;
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
  if (absl::Status sane = CheckTiming(Timing(), job.timing, now); !sane.ok()) return sane;
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

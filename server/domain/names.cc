#include "server/domain/event.h"
#include "server/domain/job.h"

namespace bits::domain {

std::string_view StateName(JobState state) {
  switch (state) {
    case JobState::kQueued:
      return "QUEUED";
    case JobState::kConnecting:
      return "CONNECTING";
    case JobState::kTransferring:
      return "TRANSFERRING";
    case JobState::kSuspended:
      return "SUSPENDED";
    case JobState::kError:
      return "ERROR";
    case JobState::kTransientError:
      return "TRANSIENT_ERROR";
    case JobState::kTransferred:
      return "TRANSFERRED";
    case JobState::kAcknowledged:
      return "ACKNOWLEDGED";
    case JobState::kCancelled:
      return "CANCELLED";
  }
  return "UNKNOWN";
}

std::string_view EventName(EventKind kind) {
  switch (kind) {
    case EventKind::kResume:
      return "Resume";
    case EventKind::kSuspend:
      return "Suspend";
    case EventKind::kCancel:
      return "Cancel";
    case EventKind::kComplete:
      return "Complete";
    case EventKind::kAddFiles:
      return "AddFiles";
    case EventKind::kUpdate:
      return "Update";
    case EventKind::kSetRemoteName:
      return "SetRemoteName";
    case EventKind::kTakeOwnership:
      return "TakeOwnership";
    case EventKind::kSetValidationState:
      return "SetValidationState";
    case EventKind::kStart:
      return "Start";
    case EventKind::kBytesArrived:
      return "BytesArrived";
    case EventKind::kCheckpoint:
      return "Checkpoint";
    case EventKind::kFileRestarted:
      return "FileRestarted";
    case EventKind::kFileTransferred:
      return "FileTransferred";
    case EventKind::kFail:
      return "Fail";
    case EventKind::kRequeue:
      return "Requeue";
    case EventKind::kRetryDue:
      return "RetryDue";
    case EventKind::kNoProgress:
      return "NoProgress";
    case EventKind::kMaximumDownloadTime:
      return "MaximumDownloadTime";
    case EventKind::kDeadline:
      return "Deadline";
    case EventKind::kNotBefore:
      return "NotBefore";
    case EventKind::kInactivity:
      return "Inactivity";
    case EventKind::kForget:
      return "Forget";
    case EventKind::kFilePublished:
      return "FilePublished";
    case EventKind::kFileLost:
      return "FileLost";
    case EventKind::kPublished:
      return "Published";
    case EventKind::kPublishFailed:
      return "PublishFailed";
    case EventKind::kCleanedUp:
      return "CleanedUp";
  }
  return "Unknown";
}

}  // namespace bits::domain

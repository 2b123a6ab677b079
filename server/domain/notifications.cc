#include "server/domain/notifications.h"

#include <algorithm>

namespace bits::domain {
namespace {

constexpr uint32_t kMostModifications = 100;
constexpr uint32_t kMostOfFiles = 10'000;
constexpr uint32_t kMostOfJobs = 11'000;

NotifyFlag OfState(JobState state) {
  switch (state) {
    case JobState::kTransferred:
      return NotifyFlag::kJobTransferred;
    case JobState::kError:
      return NotifyFlag::kJobError;
    default:
      return NotifyFlag::kJobModification;
  }
}

NotifyFlag OfChange(ChangeKind change, JobState state) {
  switch (change) {
    case ChangeKind::kStateChanged:
      return OfState(state);
    case ChangeKind::kModified:
    case ChangeKind::kFileRestarted:
      return NotifyFlag::kJobModification;
    case ChangeKind::kFileTransferred:
      return NotifyFlag::kFileTransferred;
    case ChangeKind::kCreated:
    case ChangeKind::kProgress:
    case ChangeKind::kDeleted:
      break;
  }
  return NotifyFlag::kNone;
}

}  // namespace

NotifyFlag NotificationOf(ChangeKind change, const Job& job) {
  const NotifyFlag notification = OfChange(change, job.state);
  return Asks(job.notifications.flags, notification) ? notification : NotifyFlag::kNone;
}

NotifyFlag LateNotification(const Job& before, const Job& after) {
  const NotifyFlag notification = OfState(after.state);
  if (before.state != after.state || notification == NotifyFlag::kJobModification) {
    return NotifyFlag::kNone;
  }
  const NotificationOptions& was = before.notifications;
  const NotificationOptions& is = after.notifications;
  if (!HasReceiver(is) || !Asks(is.flags, notification)) return NotifyFlag::kNone;
  // One that is taken away is no news for the other; a command line is run where there is no webhook.
  const bool same_webhook = is.webhook_uri.empty() || is.webhook_uri == was.webhook_uri;
  const bool same_command = is.command.program.empty() || is.command == was.command ||
                            !is.webhook_uri.empty();
  const bool told = HasReceiver(was) && same_webhook && same_command &&
                    Asks(was.flags, notification);
  return told ? NotifyFlag::kNone : notification;
}

uint32_t MostKept(NotifyFlag notification) {
  switch (notification) {
    case NotifyFlag::kJobModification:
      return kMostModifications;
    case NotifyFlag::kFileTransferred:
      return kMostOfFiles;
    default:
      return kMostOfJobs;
  }
}

std::optional<absl::Time> NextRun(const DeliveryPolicy& policy, const Job& job, uint32_t tries,
                                  absl::Time now) {
  if (IsFinal(job.state) || tries >= policy.max_tries) return std::nullopt;
  return now + job.minimum_retry_delay;
}

std::optional<absl::Time> NextTry(const DeliveryPolicy& policy, const Failure& failure,
                                  uint32_t tries, double jitter, absl::Time now) {
  constexpr uint32_t kGone = 410;
  constexpr uint32_t kMostDoublings = 30;
  if (failure.http_status == kGone || tries >= policy.max_tries) return std::nullopt;
  const uint32_t doublings = std::min(std::max<uint32_t>(tries, 1) - 1, kMostDoublings);
  absl::Duration delay =
      std::min(policy.first_delay * (int64_t{1} << doublings), policy.longest_delay);
  delay -= delay * std::clamp(jitter, 0.0, 1.0) / 2;
  const absl::Duration asked = failure.retry_after.value_or(absl::ZeroDuration());
  return now + std::max(delay, std::min(asked, policy.longest_delay));
}

}  // namespace bits::domain

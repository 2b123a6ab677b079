#include "server/domain/timers.h"

#include <algorithm>
#include <utility>

#include "server/domain/decide.h"

namespace bits::domain {
namespace {

constexpr absl::Duration kGraceInQueue = absl::Minutes(1);

// Of timers for the same moment the one offered first wins.
class Earliest {
 public:
  void Offer(absl::Time time, Event event) {
    if (time == absl::InfiniteFuture()) return;
    if (!timer_.has_value() || time < timer_->time) timer_ = Timer{time, std::move(event)};
  }
  std::optional<Timer> Take() { return std::move(timer_); }

 private:
  std::optional<Timer> timer_;
};

// A job that was told to wait is not inactive until it may run.
absl::Time InactiveSince(const Job& job) {
  return job.deferred ? std::max(job.activity_time, job.timing.not_before) : job.activity_time;
}

std::optional<absl::Time> Finite(absl::Time time) {
  return time == absl::InfiniteFuture() ? std::nullopt : std::optional(time);
}

}  // namespace

std::optional<Timer> NextTimer(const Job& job, const TimerPolicy& policy) {
  if (job.pending != Pending::kNone) return std::nullopt;
  Earliest next;
  if (IsFinal(job.state)) {
    if (job.final_time.has_value()) {
      next.Offer(*job.final_time + policy.tombstone_retention, Forget{});
    }
    return next.Take();
  }
  if (job.state == JobState::kTransientError && job.retry_time.has_value()) {
    // A retry delay as long as the no-progress timeout still has its one retry.
    next.Offer(*job.retry_time, RetryDue{});
  }
  if (job.stalled_since.has_value()) {
    const absl::Time end = *job.stalled_since + job.no_progress_timeout;
    if (job.state == JobState::kTransientError && !IsBlockedByPolicy(job)) {
      next.Offer(end, NoProgress{});
    }
    // It waits for its host. One that was queued just now still has its try.
    if (job.state == JobState::kQueued && job.host_failed) {
      next.Offer(std::max(end, job.queue_time + kGraceInQueue), NoProgress{});
    }
  }
  if (IsActive(job.state) && job.active_since.has_value() &&
      job.maximum_download_time > absl::ZeroDuration()) {
    next.Offer(*job.active_since + (job.maximum_download_time - job.active_time),
               MaximumDownloadTime{});
  }
  if (job.deferred) next.Offer(job.timing.not_before, NotBefore{});
  if (IsActive(job.state) || job.state == JobState::kQueued ||
      job.state == JobState::kTransientError) {
    next.Offer(job.timing.deadline, Deadline{});
  }
  next.Offer(InactiveSince(job) + policy.job_inactivity_timeout, Inactivity{});
  return next.Take();
}

std::optional<absl::Time> ExpireTime(const Job& job, const TimerPolicy& policy) {
  if (!IsFinal(job.state)) return Finite(InactiveSince(job) + policy.job_inactivity_timeout);
  if (!job.final_time.has_value()) return std::nullopt;
  return Finite(*job.final_time + policy.tombstone_retention);
}

}  // namespace bits::domain

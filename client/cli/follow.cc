#include "client/cli/follow.h"

#include <utility>

#include "client/cli/watch_queue.h"

namespace bits::cli {
namespace {

constexpr auto kFollowTick = std::chrono::milliseconds(500);

bool IsStopped(const v1::Job& job) {
  switch (job.state()) {
    case v1::Job::STATE_ERROR:
    case v1::Job::STATE_TRANSFERRED:
      // One that is completing itself waits for nobody.
      return !job.auto_complete() || job.has_wait();
    case v1::Job::STATE_ACKNOWLEDGED:
    case v1::Job::STATE_CANCELLED:
      return true;
    default:
      return false;
  }
}

class Follower {
 public:
  Follower(const Client& client, const v1::Job& job, FollowListener& listener)
      : client_(client), listener_(listener) {
    result_.job = job;
  }

  FollowResult Run(Interrupts& interrupts) {
    listener_.OnJob(result_.job);
    WatchOptions options;
    options.filter = FilterForJobs({result_.job});
    WatchQueue queue(client_, options, interrupts);
    while (!done_) {
      auto item = queue.Take(kFollowTick);
      std::visit([this](auto& what) { On(what); }, item);
    }
    return std::move(result_);
  }

 private:
  void On(WatchQueue::Tick&) { listener_.OnTick(); }
  void On(WatchQueue::Reconnect& item) { listener_.OnReconnect(item.why, item.delay); }
  void On(WatchQueue::Interrupted&) { End(FollowResult::End::kInterrupted); }
  void On(WatchQueue::End& item) { Fail(item.status); }

  void On(WatchEvent& item) {
    if (item.restarted) seen_in_snapshot_ = false;
    const v1::JobEvent& event = item.event;
    if (event.type() == v1::JobEvent::TYPE_SNAPSHOT_END && !seen_in_snapshot_) {
      // A final job may not be in the snapshot, but it can still be asked for.
      auto job = client_.GetJob(result_.job.name());
      if (absl::IsNotFound(job.status())) return End(FollowResult::End::kForgotten);
      if (!job.ok()) return Fail(job.status());
      return OnChange(*job, nullptr);
    }
    if (event.job().name() != result_.job.name()) return;
    if (event.type() == v1::JobEvent::TYPE_DELETED) return End(FollowResult::End::kForgotten);
    seen_in_snapshot_ = true;
    if (event.type() == v1::JobEvent::TYPE_FILE_RESTARTED) listener_.OnFileRestarted(event.file());
    OnChange(event.job(), event.has_error() ? &event.error() : nullptr);
  }

  void OnChange(const v1::Job& job, const v1::Error* error) {
    const bool entered = job.state() != result_.job.state() || error != nullptr;
    result_.job = job;
    listener_.OnJob(job);
    const bool transient = job.state() == v1::Job::STATE_TRANSIENT_ERROR;
    if (job.state() == v1::Job::STATE_ERROR || (transient && entered)) {
      const auto known =
          error != nullptr ? absl::StatusOr<v1::Error>(*error) : client_.GetError(job.name());
      if (known.ok() && transient) listener_.OnTransientError(*known);
      if (known.ok() && !transient) result_.error = *known;
    }
    if (IsStopped(job)) End(FollowResult::End::kStopped);
  }

  void End(FollowResult::End end) {
    result_.end = end;
    done_ = true;
  }

  void Fail(const absl::Status& status) {
    result_.status = status;
    End(FollowResult::End::kFailed);
  }

  const Client& client_;
  FollowListener& listener_;
  FollowResult result_;
  bool seen_in_snapshot_ = false;
  bool done_ = false;
};

}  // namespace

FollowResult FollowJob(const Client& client, const v1::Job& job, Interrupts& interrupts,
                       FollowListener& listener) {
  return Follower(client, job, listener).Run(interrupts);
}

}  // namespace bits::cli

#include "server/app/timer_service.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "server/base/executor.h"
#include "server/base/log.h"
#include "server/base/status_macros.h"
#include "server/domain/bandwidth.h"

namespace bits::app {
namespace {

constexpr uint32_t kJobsAtOnce = 256;
constexpr absl::Duration kRetryReadAfter = absl::Seconds(1);
constexpr absl::Duration kLongestWait = absl::Hours(1);
constexpr absl::Duration kLookAgainInQueue = absl::Minutes(10);

}  // namespace

void TimerService::Start() {
  thread_ = std::thread([this] { Loop(); });
}

void TimerService::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    wake_.SignalAll();
  }
  if (thread_.joinable()) thread_.join();
}

void TimerService::OnTimerSet(absl::Time time) {
  MutexLock lock(mutex_);
  if (time >= next_) return;
  next_ = time;
  wake_.Signal();
}

void TimerService::Loop() {
  SetThreadName("timers");
  while (true) {
    {
      MutexLock lock(mutex_);
      while (!stopping_ && clock_->Now() < next_) {
        const absl::Duration wait = std::min(next_ - clock_->Now(), kLongestWait);
        wake_.WaitFor(mutex_, absl::ToChronoMicroseconds(wait) + std::chrono::milliseconds(1));
      }
      if (stopping_) return;
      // One that is set while we look brings it forward again.
      next_ = absl::InfiniteFuture();
    }
    const absl::Time next = RunOnce();
    OnTimerSet(next);
  }
}

absl::Status TimerService::Fire(Step& step, const domain::JobId& id) const {
  absl::StatusOr<domain::Job> job = step.txn().GetJob(id);
  if (absl::IsNotFound(job.status())) return absl::OkStatus();
  BITS_RETURN_IF_ERROR(job.status());
  // One that waits for its turn, rather than for its host, uses up no time without progress.
  const bool waits_for_turn =
      job->state == domain::JobState::kQueued && job->host_failed &&
      (!holds_->IsHostHeld(job->host) ||
       domain::StopsJobs(step.policy().rates.limits, job->priority));
  domain::Job timed = *job;
  if (waits_for_turn) timed.host_failed = false;
  const std::optional<domain::Timer> timer = domain::NextTimer(timed, step.policy().timers());
  if (timer.has_value() && timer->time <= step.now()) {
    BITS_ASSIGN_OR_RETURN(const domain::Decision decision,
                          step.Apply(*job, nullptr, timer->event));
    if (decision.changed) return absl::OkStatus();
  }
  if (!waits_for_turn) return step.Touch(*job);
  const absl::Time again = step.now() + kLookAgainInQueue;
  return step.Touch(*job, timer.has_value() ? std::min(timer->time, again) : again);
}

absl::Time TimerService::RunOnce() {
  const absl::Time now = clock_->Now();
  absl::StatusOr<std::vector<domain::JobId>> due = store_->ListDue(now, kJobsAtOnce);
  if (!due.ok()) {
    BITS_LOG(kWarning, "cannot read the timers", {{"status", due.status()}});
    return now + kRetryReadAfter;
  }
  struct Progress {
    Mutex mutex;
    CondVar all;
    size_t left = 0;
    bool failed = false;
  };
  auto progress = std::make_shared<Progress>();
  progress->left = due->size();
  for (const domain::JobId& id : *due) {
    writer_->Run(
        [this, id](Step& step) { return Fire(step, id); },
        [progress](const absl::Status& status) {
          MutexLock lock(progress->mutex);
          progress->failed = progress->failed || !status.ok();
          if (--progress->left == 0) progress->all.SignalAll();
        });
  }
  bool failed = false;
  {
    MutexLock lock(progress->mutex);
    progress->all.Wait(progress->mutex, [&] {
      progress->mutex.AssertHeld();
      return progress->left == 0;
    });
    failed = progress->failed;
  }
  if (failed) return clock_->Now() + kRetryReadAfter;
  if (retimer_.Slice()) return clock_->Now();
  if (policies_->NeedsRetiming()) return clock_->Now() + kRetryReadAfter;
  absl::StatusOr<absl::Time> next = store_->NextTimer();
  return next.ok() ? *next : clock_->Now() + kRetryReadAfter;
}

}  // namespace bits::app

#include "server/app/scheduler.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "server/base/executor.h"
#include "server/base/log.h"

namespace bits::app {
namespace {

constexpr uint32_t kForegroundAtOnce = 256;  // granted at one look
constexpr auto kPauseAfterFailure = std::chrono::seconds(1);

QueueClass ClassOf(const domain::Job& job) {
  return job.priority == domain::Priority::kForeground ? QueueClass::kForeground
                                                       : QueueClass::kBackground;
}

}  // namespace

void Scheduler::Start() {
  thread_ = std::thread([this] { Loop(); });
}

void Scheduler::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    wake_.SignalAll();
  }
  if (thread_.joinable()) thread_.join();
}

void Scheduler::Poke() {
  MutexLock lock(mutex_);
  poked_ = true;
  wake_.Signal();
}

void Scheduler::OnCommitted(const domain::Job& job) {
  MutexLock lock(mutex_);
  if (domain::IsActive(job.state)) {
    active_[job.id] = ClassOf(job);
  } else {
    active_.erase(job.id);
  }
}

void Scheduler::Loop() {
  SetThreadName("scheduler");
  while (true) {
    {
      MutexLock lock(mutex_);
      if (failed_) {
        wake_.WaitFor(mutex_, kPauseAfterFailure, [this] {
          mutex_.AssertHeld();
          return stopping_;
        });
        failed_ = false;
        poked_ = true;
      }
      wake_.Wait(mutex_, [this] {
        mutex_.AssertHeld();
        return poked_ || stopping_;
      });
      if (stopping_) return;
      poked_ = false;
    }
    while (RunOnce()) {
      MutexLock lock(mutex_);
      if (stopping_) return;
    }
  }
}

uint32_t Scheduler::FreeSlots() {
  MutexLock lock(mutex_);
  if (stopping_ || failed_) return 0;
  size_t used = 0;
  for (const auto& [id, c] : active_) used += c == QueueClass::kBackground ? 1 : 0;
  for (const auto& [id, c] : starting_) {
    used += c == QueueClass::kBackground && !active_.contains(id) ? 1 : 0;
  }
  return used < background_slots_ ? static_cast<uint32_t>(background_slots_ - used) : 0;
}

bool Scheduler::RunOnce() {
  const bool more_foreground = Grant(QueueClass::kForeground, kForegroundAtOnce);
  Grant(QueueClass::kBackground, FreeSlots());
  return more_foreground;
}

bool Scheduler::Grant(QueueClass queue_class, uint32_t free) {
  if (free == 0) return false;
  size_t passed_over = 0;
  {
    MutexLock lock(mutex_);
    if (stopping_ || failed_) return false;
    passed_over = starting_.size();
  }
  // Jobs that are being started, or whose last turn is not over yet, still stand in the queue.
  constexpr uint32_t kBusyAllowance = 64;
  const uint32_t limit = free + static_cast<uint32_t>(passed_over) + kBusyAllowance;
  absl::StatusOr<std::vector<domain::JobId>> queued = store_->ListQueued(queue_class, limit);
  if (!queued.ok()) {
    BITS_LOG(kWarning, "cannot read the queue", {{"status", queued.status()}});
    MutexLock lock(mutex_);
    failed_ = true;
    return false;
  }
  uint32_t granted = 0;
  for (const domain::JobId& id : *queued) {
    if (granted == free) break;
    if (runner_->IsBusy(id)) continue;  // Poke comes when its last turn is over
    {
      MutexLock lock(mutex_);
      if (stopping_) return false;
      if (active_.contains(id) || !starting_.emplace(id, queue_class).second) continue;
    }
    ++granted;
    writer_->Apply(id, 0, domain::Start{}, nullptr, [this, id](absl::StatusOr<domain::Job> job) {
      MutexLock lock(mutex_);
      starting_.erase(id);
      if (!job.ok() && !absl::IsNotFound(job.status())) failed_ = true;
      // A job with nothing left to fetch took no slot; one that failed gave it back.
      if (!job.ok() || !domain::IsActive(job->state)) poked_ = true;
      if (poked_ || failed_) wake_.Signal();
    });
  }
  return granted == free;
}

}  // namespace bits::app

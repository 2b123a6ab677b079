#include "server/transfer/strand.h"

#include <utility>

#include "server/base/log.h"

namespace bits::transfer {

void Strand::Post(std::function<void()> task) {
  {
    MutexLock lock(mutex_);
    tasks_.push_back(std::move(task));
    if (scheduled_) return;
    scheduled_ = true;
  }
  Schedule();
}

void Strand::Schedule() {
  const absl::Status status = executor_->TryPost([self = shared_from_this()] { self->Run(); });
  if (!status.ok()) BITS_LOG(kWarning, "file work is dropped", {{"status", status}});
}

// Does what is there, then lets others have the thread.
void Strand::Run() {
  std::deque<std::function<void()>> tasks;
  {
    MutexLock lock(mutex_);
    tasks.swap(tasks_);
  }
  for (std::function<void()>& task : tasks) {
    task();
    task = nullptr;
  }
  {
    MutexLock lock(mutex_);
    if (tasks_.empty()) {
      scheduled_ = false;
      return;
    }
  }
  Schedule();
}

}  // namespace bits::transfer

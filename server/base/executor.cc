#include "server/base/executor.h"

#include <pthread.h>

#include <algorithm>
#include <string>
#include <utility>

namespace bits {

void SetThreadName(std::string_view name) {
  constexpr size_t kLongest = 15;  // pthread_setname_np refuses more.
  pthread_setname_np(pthread_self(), std::string(name.substr(0, kLongest)).c_str());
}

ThreadPool::ThreadPool(Options options) : options_(std::move(options)) {
  MutexLock lock(join_mutex_);
  for (size_t i = 0; i < std::max<size_t>(options_.threads, 1); ++i) {
    threads_.emplace_back([this, i] { Run(i); });
  }
}

ThreadPool::~ThreadPool() { Shutdown(); }

absl::Status ThreadPool::TryPost(Task task) {
  {
    MutexLock lock(mutex_);
    if (stopping_) return absl::UnavailableError("shutting down");
    if (queue_.size() >= options_.queue_capacity) {
      return absl::ResourceExhaustedError("too much work is waiting");
    }
    queue_.push_back(std::move(task));
  }
  work_.Signal();
  return absl::OkStatus();
}

void ThreadPool::Drain() {
  MutexLock lock(mutex_);
  idle_.Wait(mutex_, [this] {
    mutex_.AssertHeld();
    return queue_.empty() && running_ == 0;
  });
}

void ThreadPool::Shutdown() {
  MutexLock join_lock(join_mutex_);
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  work_.SignalAll();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

size_t ThreadPool::queued() const {
  MutexLock lock(mutex_);
  return queue_.size();
}

void ThreadPool::Run(size_t index) {
  SetThreadName(options_.name + "-" + std::to_string(index));
  MutexLock lock(mutex_);
  while (true) {
    work_.Wait(mutex_, [this] {
      mutex_.AssertHeld();
      return !queue_.empty() || stopping_;
    });
    if (queue_.empty()) return;
    Task task = std::move(queue_.front());
    queue_.pop_front();
    ++running_;
    lock.Unlock();
    task();
    task = nullptr;  // What it captured dies outside the lock.
    lock.Lock();
    --running_;
    if (queue_.empty() && running_ == 0) idle_.SignalAll();
  }
}

}  // namespace bits

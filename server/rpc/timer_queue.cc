#include "server/rpc/timer_queue.h"

#include "server/base/executor.h"

namespace bits::rpc {

TimerQueue::TimerQueue() : thread_([this] { Run(); }) {}

TimerQueue::~TimerQueue() { Shutdown(); }

TimerQueue::TimerId TimerQueue::Add(Clock::time_point when, std::function<void()> task) {
  MutexLock lock(mutex_);
  const TimerId id = next_++;
  if (stopping_) return id;
  const auto [it, inserted] = tasks_.emplace(Key{when, id}, std::move(task));
  times_.emplace(id, when);
  if (it == tasks_.begin()) changed_.Signal();
  return id;
}

void TimerQueue::Cancel(TimerId id) {
  std::function<void()> dropped;  // What it captured dies outside the lock.
  MutexLock lock(mutex_);
  const auto time = times_.find(id);
  if (time == times_.end()) return;
  const auto task = tasks_.find(Key{time->second, id});
  dropped = std::move(task->second);
  tasks_.erase(task);
  times_.erase(time);
}

void TimerQueue::Shutdown() {
  std::map<Key, std::function<void()>> dropped;
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    dropped.swap(tasks_);
    times_.clear();
  }
  changed_.Signal();
  if (thread_.joinable()) thread_.join();
}

size_t TimerQueue::size() const {
  MutexLock lock(mutex_);
  return tasks_.size();
}

void TimerQueue::Run() {
  SetThreadName("rpc-timers");
  MutexLock lock(mutex_);
  while (!stopping_) {
    if (tasks_.empty()) {
      changed_.Wait(mutex_);
      continue;
    }
    const auto first = tasks_.begin();
    if (first->first.first > Clock::now()) {
      changed_.WaitUntil(mutex_, Clock::time_point(first->first.first));
      continue;
    }
    std::function<void()> task = std::move(first->second);
    times_.erase(first->first.second);
    tasks_.erase(first);
    lock.Unlock();
    task();
    task = nullptr;
    lock.Lock();
  }
}

}  // namespace bits::rpc

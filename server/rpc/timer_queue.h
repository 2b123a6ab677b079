// Runs things at a time, on one thread of its own.
#ifndef BITS_SERVER_RPC_TIMER_QUEUE_H_
#define BITS_SERVER_RPC_TIMER_QUEUE_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <thread>
#include <unordered_map>
#include <utility>

#include "server/base/mutex.h"

namespace bits::rpc {

// Thread-safe. A task runs once, on the queue's thread; it must not block, and may add and
// cancel. On the monotonic clock.
class TimerQueue {
 public:
  using Clock = std::chrono::steady_clock;
  using TimerId = uint64_t;  // never 0

  TimerQueue();
  // Shutdown(). Not from a task.
  ~TimerQueue();
  TimerQueue(const TimerQueue&) = delete;
  TimerQueue& operator=(const TimerQueue&) = delete;

  TimerId Add(Clock::time_point when, std::function<void()> task);
  // The task will not run, unless it has begun. Waits for nothing; unknown ids are ignored.
  void Cancel(TimerId id);
  // Drops what waits and joins the thread. What is added later never runs.
  void Shutdown();

  size_t size() const;

 private:
  using Key = std::pair<Clock::time_point, TimerId>;
  void Run();

  mutable Mutex mutex_;
  CondVar changed_;
  std::map<Key, std::function<void()>> tasks_ BITS_GUARDED_BY(mutex_);
  std::unordered_map<TimerId, Clock::time_point> times_ BITS_GUARDED_BY(mutex_);
  TimerId next_ BITS_GUARDED_BY(mutex_) = 1;
  bool stopping_ BITS_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace bits::rpc

#endif  // BITS_SERVER_RPC_TIMER_QUEUE_H_

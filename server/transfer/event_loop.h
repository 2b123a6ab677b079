// One thread that waits for descriptors, timers and tasks.
#ifndef BITS_SERVER_TRANSFER_EVENT_LOOP_H_
#define BITS_SERVER_TRANSFER_EVENT_LOOP_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "server/base/mutex.h"
#include "server/base/unique_fd.h"

namespace bits::transfer {

// Post and Stop may be called from any thread; all else on the thread that runs Run, or before it.
class EventLoop {
 public:
  using Clock = std::chrono::steady_clock;
  using Task = std::function<void()>;
  using TimerId = uint64_t;  // 0 is none
  // Called with EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP.
  using FdHandler = std::function<void(uint32_t events)>;

  static absl::StatusOr<std::unique_ptr<EventLoop>> Create();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Returns after Stop, when what was posted before it is done.
  void Run();
  void Stop();
  // Runs `task` on the loop soon, in the order of posting. What is posted after Stop may not run.
  void Post(Task task);

  // The time at the beginning of this turn of the loop.
  Clock::time_point now() const { return now_; }

  // Once, not before `delay` has passed; never from within this call.
  TimerId After(Clock::duration delay, Task task);
  // Unknown ids, and timers that have fired, are ignored.
  void CancelTimer(TimerId id);

  // Calls `handler` while `fd` is ready for `events` (level-triggered). For one that is watched
  // already only `events` change.
  void Watch(int fd, uint32_t events, FdHandler handler);
  // Before the descriptor is closed. The handler is not called again.
  void Unwatch(int fd);

 private:
  struct Watched {
    uint32_t generation = 0;  // tells events of this descriptor from those of an earlier one
    std::shared_ptr<FdHandler> handler;
  };

  EventLoop(UniqueFd epoll, UniqueFd wake);
  void RunTasks();
  void RunTimers();
  int Timeout() const;
  void Wait();

  const UniqueFd epoll_;
  const UniqueFd wake_;
  Clock::time_point now_ = Clock::now();
  std::map<std::pair<Clock::time_point, TimerId>, Task> timers_;
  std::unordered_map<TimerId, Clock::time_point> deadlines_;
  TimerId next_timer_ = 1;
  std::unordered_map<int, Watched> watched_;
  uint32_t next_generation_ = 1;

  Mutex mutex_;
  std::vector<Task> tasks_ BITS_GUARDED_BY(mutex_);
  bool waking_ BITS_GUARDED_BY(mutex_) = false;  // wake_ was written, and not yet read
  bool stopping_ BITS_GUARDED_BY(mutex_) = false;
};

}  // namespace bits::transfer

#endif  // BITS_SERVER_TRANSFER_EVENT_LOOP_H_

#include "server/transfer/event_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "server/base/log.h"

namespace bits::transfer {
namespace {

constexpr uint64_t kWake = 0;  // no descriptor's tag: generations begin with 1
constexpr uint64_t Tag(uint32_t generation, int fd) {
  return (uint64_t{generation} << 32) | static_cast<uint32_t>(fd);
}

}  // namespace

absl::StatusOr<std::unique_ptr<EventLoop>> EventLoop::Create() {
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return absl::ErrnoToStatus(errno, "epoll_create1");
  UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) return absl::ErrnoToStatus(errno, "eventfd");
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kWake;
  if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, wake.get(), &event) != 0) {
    return absl::ErrnoToStatus(errno, "epoll_ctl");
  }
  return std::unique_ptr<EventLoop>(new EventLoop(std::move(epoll), std::move(wake)));
}

EventLoop::EventLoop(UniqueFd epoll, UniqueFd wake)
    : epoll_(std::move(epoll)), wake_(std::move(wake)) {}

void EventLoop::Run() {
  while (true) {
    now_ = Clock::now();
    RunTimers();
    RunTasks();
    {
      MutexLock lock(mutex_);
      if (stopping_ && tasks_.empty()) return;
    }
    Wait();
  }
}

void EventLoop::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  Post([] {});
}

void EventLoop::Post(Task task) {
  {
    MutexLock lock(mutex_);
    tasks_.push_back(std::move(task));
    if (waking_) return;
    waking_ = true;
  }
  const uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof(one));
}

void EventLoop::RunTasks() {
  std::vector<Task> tasks;
  {
    MutexLock lock(mutex_);
    tasks.swap(tasks_);
  }
  for (Task& task : tasks) {
    task();
    task = nullptr;  // what it holds goes now, not with the batch
  }
}

EventLoop::TimerId EventLoop::After(Clock::duration delay, Task task) {
  const TimerId id = next_timer_++;
  const Clock::time_point deadline = Clock::now() + delay;
  timers_.emplace(std::pair(deadline, id), std::move(task));
  deadlines_.emplace(id, deadline);
  return id;
}

void EventLoop::CancelTimer(TimerId id) {
  auto it = deadlines_.find(id);
  if (it == deadlines_.end()) return;
  timers_.erase({it->second, id});
  deadlines_.erase(it);
}

void EventLoop::RunTimers() {
  // Those that are made meanwhile wait for the next turn.
  const TimerId end = next_timer_;
  auto it = timers_.begin();
  while (it != timers_.end() && it->first.first <= now_) {
    const auto key = it->first;
    if (key.second >= end) {
      ++it;
      continue;
    }
    Task task = std::move(it->second);
    deadlines_.erase(key.second);
    timers_.erase(it);
    task();
    it = timers_.begin();
  }
}

int EventLoop::Timeout() const {
  if (timers_.empty()) return -1;
  const auto left = timers_.begin()->first.first - Clock::now();
  const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(left).count();
  constexpr int64_t kLongest = 3'600'000;
  return static_cast<int>(std::clamp<int64_t>(milliseconds, 0, kLongest));
}

void EventLoop::Wait() {
  std::array<epoll_event, 256> events;
  const int count =
      ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), Timeout());
  now_ = Clock::now();
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events.at(static_cast<size_t>(i));
    if (event.data.u64 == kWake) {
      uint64_t value = 0;
      MutexLock lock(mutex_);
      (void)!::read(wake_.get(), &value, sizeof(value));
      waking_ = false;
      continue;
    }
    const int fd = static_cast<int>(event.data.u64 & 0xFFFFFFFF);
    auto it = watched_.find(fd);
    if (it == watched_.end() || Tag(it->second.generation, fd) != event.data.u64) continue;
    const std::shared_ptr<FdHandler> handler = it->second.handler;  // it may unwatch itself
    (*handler)(event.events);
  }
}

void EventLoop::Watch(int fd, uint32_t events, FdHandler handler) {
  epoll_event event{};
  event.events = events;
  auto it = watched_.find(fd);
  if (it != watched_.end()) {
    event.data.u64 = Tag(it->second.generation, fd);
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) == 0) return;
    watched_.erase(it);  // it was closed without our knowing, and is another now
  }
  const uint32_t generation = next_generation_++;
  if (next_generation_ == 0) next_generation_ = 1;
  event.data.u64 = Tag(generation, fd);
  int result = ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
  if (result != 0 && errno == EEXIST) {
    result = ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
  }
  if (result != 0) {
    BITS_LOG(kError, "cannot watch a socket", {{"errno", errno}});
    return;
  }
  watched_[fd] = {generation, std::make_shared<FdHandler>(std::move(handler))};
}

void EventLoop::Unwatch(int fd) {
  if (watched_.erase(fd) == 0) return;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

}  // namespace bits::transfer

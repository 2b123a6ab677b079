// std::mutex with clang's thread safety attributes. absl::Mutex is not used:
// TSan cannot see into the one that Debian compiled and reports races that are
// none.

#ifndef BITS_SERVER_BASE_MUTEX_H_
#define BITS_SERVER_BASE_MUTEX_H_

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "server/base/thread_annotations.h"

namespace bits {

class BITS_CAPABILITY("mutex") Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void Lock() BITS_ACQUIRE() { mutex_.lock(); }
  void Unlock() BITS_RELEASE() { mutex_.unlock(); }
  [[nodiscard]] bool TryLock() BITS_TRY_ACQUIRE(true) { return mutex_.try_lock(); }
  // Tells the analysis, not the machine, that the mutex is held: for the first
  // line of a lambda that runs under it.
  void AssertHeld() const BITS_ASSERT_CAPABILITY(this) {}

 private:
  friend class CondVar;
  std::mutex mutex_;
};

// Holds a mutex for as long as it lives, but for a stretch between Unlock() and
// Lock().
class BITS_SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) BITS_ACQUIRE(mutex) : mutex_(mutex) { mutex_.Lock(); }
  ~MutexLock() BITS_RELEASE() {
    if (held_) mutex_.Unlock();
  }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

  void Unlock() BITS_RELEASE() {
    mutex_.Unlock();
    held_ = false;
  }
  void Lock() BITS_ACQUIRE() {
    mutex_.Lock();
    held_ = true;
  }

 private:
  Mutex& mutex_;
  bool held_ = true;
};

// The mutex given to a wait is held by the caller before and after it. The
// predicate runs under it; inside a predicate that reads guarded members, call
// mutex.AssertHeld() first. Waits without a predicate may return early for no
// reason. Deadlines are on the monotonic clock.
class CondVar {
 public:
  using Clock = std::chrono::steady_clock;

  CondVar() = default;
  CondVar(const CondVar&) = delete;
  CondVar& operator=(const CondVar&) = delete;

  void Signal() { cv_.notify_one(); }
  void SignalAll() { cv_.notify_all(); }

  void Wait(Mutex& mutex) BITS_REQUIRES(mutex) {
    Adopted lock(mutex.mutex_);
    cv_.wait(lock.lock);
  }

  template <typename Predicate>
  void Wait(Mutex& mutex, Predicate predicate) BITS_REQUIRES(mutex) {
    Adopted lock(mutex.mutex_);
    cv_.wait(lock.lock, std::move(predicate));
  }

  // Gives false if the deadline came first.
  bool WaitUntil(Mutex& mutex, Clock::time_point deadline) BITS_REQUIRES(mutex) {
    Adopted lock(mutex.mutex_);
    return cv_.wait_until(lock.lock, deadline) == std::cv_status::no_timeout;
  }

  // Gives what the predicate gives at the end: false only after the deadline.
  template <typename Predicate>
  bool WaitUntil(Mutex& mutex, Clock::time_point deadline, Predicate predicate)
      BITS_REQUIRES(mutex) {
    Adopted lock(mutex.mutex_);
    return cv_.wait_until(lock.lock, deadline, std::move(predicate));
  }

  bool WaitFor(Mutex& mutex, Clock::duration timeout) BITS_REQUIRES(mutex) {
    return WaitUntil(mutex, Clock::now() + timeout);
  }

  template <typename Predicate>
  bool WaitFor(Mutex& mutex, Clock::duration timeout, Predicate predicate) BITS_REQUIRES(mutex) {
    return WaitUntil(mutex, Clock::now() + timeout, std::move(predicate));
  }

 private:
  // Lends a mutex that is held to a std::unique_lock and takes it back.
  struct Adopted {
    explicit Adopted(std::mutex& mutex) : lock(mutex, std::adopt_lock) {}
    ~Adopted() { lock.release(); }
    Adopted(const Adopted&) = delete;
    Adopted& operator=(const Adopted&) = delete;
    std::unique_lock<std::mutex> lock;
  };

  std::condition_variable cv_;
};

}  // namespace bits

#endif  // BITS_SERVER_BASE_MUTEX_H_

#include "server/base/mutex.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>
#include <vector>

namespace bits {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

class Counter {
 public:
  void Add() {
    MutexLock lock(mutex_);
    ++value_;
    changed_.SignalAll();
  }
  void WaitFor(int value) {
    MutexLock lock(mutex_);
    changed_.Wait(mutex_, [&] {
      mutex_.AssertHeld();
      return value_ >= value;
    });
  }
  int value() {
    MutexLock lock(mutex_);
    return value_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  int value_ BITS_GUARDED_BY(mutex_) = 0;
};

TEST(Mutex, ExcludesOtherThreads) {
  Counter counter;
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 10000; ++j) counter.Add();
    });
  }
  counter.WaitFor(40000);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counter.value(), 40000);
}

// What another thread sees of `mutex`.
bool IsHeld(Mutex& mutex) {
  bool held = true;
  std::thread([&] {
    if (mutex.TryLock()) {
      held = false;
      mutex.Unlock();
    }
  }).join();
  return held;
}

TEST(MutexLock, GivesUpTheMutexBetweenUnlockAndLock) {
  Mutex mutex;
  {
    MutexLock lock(mutex);
    EXPECT_TRUE(IsHeld(mutex));
    lock.Unlock();
    EXPECT_FALSE(IsHeld(mutex));
    lock.Lock();
    EXPECT_TRUE(IsHeld(mutex));
  }
  EXPECT_FALSE(IsHeld(mutex));
}

TEST(MutexLock, MayEndUnlocked) {
  Mutex mutex;
  {
    MutexLock lock(mutex);
    lock.Unlock();
  }
  EXPECT_FALSE(IsHeld(mutex));
}

TEST(CondVar, DeadlineInThePastGivesThePredicate) {
  Mutex mutex;
  CondVar cv;
  MutexLock lock(mutex);
  EXPECT_FALSE(cv.WaitUntil(mutex, CondVar::Clock::now(), [] { return false; }));
  EXPECT_TRUE(cv.WaitUntil(mutex, CondVar::Clock::now(), [] { return true; }));
  EXPECT_FALSE(cv.WaitUntil(mutex, CondVar::Clock::now()));
}

TEST(CondVar, WaitForLastsUntilTheDeadlineAndKeepsTheMutex) {
  Mutex mutex;
  CondVar cv;
  MutexLock lock(mutex);
  const auto start = CondVar::Clock::now();
  EXPECT_FALSE(cv.WaitFor(mutex, milliseconds(5), [] { return false; }));
  EXPECT_GE(CondVar::Clock::now() - start, milliseconds(5));
  EXPECT_TRUE(IsHeld(mutex));
}

TEST(CondVar, SignalEndsAWaitBeforeItsDeadline) {
  Mutex mutex;
  CondVar cv;
  bool ready = false;
  std::thread other([&] {
    MutexLock lock(mutex);
    ready = true;
    cv.Signal();
  });
  {
    MutexLock lock(mutex);
    EXPECT_TRUE(cv.WaitFor(mutex, hours(1), [&] { return ready; }));
    EXPECT_TRUE(IsHeld(mutex));
  }
  other.join();
}

}  // namespace
}  // namespace bits

#include "server/rpc/timer_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <vector>

#include "server/base/mutex.h"

namespace bits::rpc {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using ::testing::ElementsAre;

TEST(TimerQueueTest, RunsInTheOrderOfTime) {
  TimerQueue queue;
  const auto start = TimerQueue::Clock::now();
  Mutex mutex;
  std::vector<int> order;
  std::promise<void> done;
  const auto note = [&](int number) {
    return [&, number] {
      MutexLock lock(mutex);
      order.push_back(number);
      if (order.size() == 3) done.set_value();
    };
  };
  queue.Add(start + milliseconds(60), note(3));
  queue.Add(start + milliseconds(20), note(1));
  queue.Add(start + milliseconds(40), note(2));
  done.get_future().wait();
  EXPECT_GE(TimerQueue::Clock::now() - start, milliseconds(60));
  MutexLock lock(mutex);
  EXPECT_THAT(order, ElementsAre(1, 2, 3));
}

TEST(TimerQueueTest, WhatIsCancelledDoesNotRunAndIsLetGo) {
  TimerQueue queue;
  const auto start = TimerQueue::Clock::now();
  auto held = std::make_shared<int>(1);
  bool ran = false;
  const auto id = queue.Add(start + milliseconds(20), [&ran, held] { ran = true; });
  queue.Cancel(id);
  EXPECT_EQ(held.use_count(), 1);
  queue.Cancel(id);
  queue.Cancel(12345);
  std::promise<void> later;
  queue.Add(start + milliseconds(40), [&] { later.set_value(); });
  later.get_future().wait();
  EXPECT_FALSE(ran);
  EXPECT_EQ(queue.size(), 0u);
}

TEST(TimerQueueTest, ATaskMayAddAndCancel) {
  TimerQueue queue;
  std::promise<void> done;
  const auto never = queue.Add(TimerQueue::Clock::now() + hours(1), [] { FAIL(); });
  queue.Add(TimerQueue::Clock::now(), [&] {
    queue.Cancel(never);
    queue.Add(TimerQueue::Clock::now(), [&] { done.set_value(); });
  });
  done.get_future().wait();
  EXPECT_EQ(queue.size(), 0u);
}

TEST(TimerQueueTest, ShutdownDropsWhatWaits) {
  TimerQueue queue;
  auto held = std::make_shared<int>(1);
  queue.Add(TimerQueue::Clock::now() + hours(1), [held] { FAIL(); });
  queue.Shutdown();
  EXPECT_EQ(held.use_count(), 1);
  queue.Add(TimerQueue::Clock::now(), [held] { FAIL(); });
  EXPECT_EQ(held.use_count(), 1);
  queue.Shutdown();
}

}  // namespace
}  // namespace bits::rpc

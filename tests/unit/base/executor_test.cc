#include "server/base/executor.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <array>
#include <atomic>
#include <future>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace bits {
namespace {

// Holds one thread of a pool until it is told to go on.
class Blocker {
 public:
  explicit Blocker(ThreadPool& pool) {
    EXPECT_TRUE(pool.TryPost([state = state_] {
                      state->started.set_value();
                      state->gate.get_future().wait();
                    })
                    .ok());
    state_->started.get_future().wait();
  }
  void Release() { state_->gate.set_value(); }

 private:
  struct State {  // Shared, as the task outlives the blocker.
    std::promise<void> started;
    std::promise<void> gate;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

TEST(ThreadPool, RunsTasksInOrderOnItsOwnNamedThread) {
  ThreadPool pool({.name = "worker", .threads = 1});
  std::vector<int> order;
  std::string name;
  std::set<std::thread::id> ids;
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(pool.TryPost([&, i] {
                      order.push_back(i);
                      ids.insert(std::this_thread::get_id());
                      std::array<char, 16> text{};
                      pthread_getname_np(pthread_self(), text.data(), text.size());
                      name = text.data();
                    })
                    .ok());
  }
  pool.Drain();
  ASSERT_EQ(order.size(), 100U);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order[static_cast<size_t>(i)], i);
  EXPECT_EQ(ids.size(), 1U);
  EXPECT_FALSE(ids.contains(std::this_thread::get_id()));
  EXPECT_EQ(name, "worker-0");
}

TEST(ThreadPool, RunsAsManyAtOnceAsItHasThreads) {
  ThreadPool pool({.threads = 3});
  Blocker a(pool);
  Blocker b(pool);
  Blocker c(pool);  // Would wait for ever if it did not run beside the others.
  a.Release();
  b.Release();
  c.Release();
}

TEST(ThreadPool, RefusesWhenTheQueueIsFullAndTakesAgainLater) {
  ThreadPool pool({.threads = 1, .queue_capacity = 2});
  Blocker blocker(pool);
  EXPECT_TRUE(pool.TryPost([] {}).ok());
  EXPECT_TRUE(pool.TryPost([] {}).ok());
  EXPECT_EQ(pool.queued(), 2U);
  bool ran = false;
  EXPECT_EQ(pool.TryPost([&] { ran = true; }).code(), absl::StatusCode::kResourceExhausted);
  blocker.Release();
  pool.Drain();
  EXPECT_FALSE(ran);
  EXPECT_TRUE(pool.TryPost([&] { ran = true; }).ok());
  pool.Drain();
  EXPECT_TRUE(ran);
}

TEST(ThreadPool, ShutdownFinishesWhatWasAcceptedAndRefusesTheRest) {
  ThreadPool pool({.threads = 1});
  int ran = 0;
  Blocker blocker(pool);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(pool.TryPost([&] { ++ran; }).ok());
  blocker.Release();
  pool.Shutdown();
  EXPECT_EQ(ran, 10);
  EXPECT_EQ(pool.TryPost([&] { ++ran; }).code(), absl::StatusCode::kUnavailable);
  pool.Shutdown();
  EXPECT_EQ(ran, 10);
}

TEST(ThreadPool, ATaskMayPostAndDrainWaitsForWhatItPosted) {
  ThreadPool pool({.threads = 1});
  std::atomic<int> ran = 0;
  std::function<void(int)> chain = [&](int left) {
    ++ran;
    if (left == 0) return;
    ASSERT_TRUE(pool.TryPost([&, left] { chain(left - 1); }).ok());
  };
  ASSERT_TRUE(pool.TryPost([&] { chain(9); }).ok());
  pool.Drain();
  EXPECT_EQ(ran, 10);
}

TEST(ThreadPool, DestroysATaskBeforeItCountsAsDone) {
  ThreadPool pool({.threads = 1});
  auto held = std::make_shared<int>(1);
  ASSERT_TRUE(pool.TryPost([held] {}).ok());
  pool.Drain();
  EXPECT_EQ(held.use_count(), 1);
}

TEST(ThreadPool, ManyThreadsMayPost) {
  ThreadPool pool({.threads = 4, .queue_capacity = 100000});
  std::atomic<int> ran = 0;
  std::vector<std::thread> posters;
  posters.reserve(4);
  for (int i = 0; i < 4; ++i) {
    posters.emplace_back([&] {
      for (int j = 0; j < 1000; ++j) EXPECT_TRUE(pool.TryPost([&] { ++ran; }).ok());
    });
  }
  for (std::thread& poster : posters) poster.join();
  pool.Drain();
  EXPECT_EQ(ran, 4000);
}

}  // namespace
}  // namespace bits

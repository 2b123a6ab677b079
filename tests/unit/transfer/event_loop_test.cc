#include "server/transfer/event_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <thread>
#include <vector>

#include "server/base/unique_fd.h"

namespace bits::transfer {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe(ends.data()), 0);
    in.reset(ends[0]);
    out.reset(ends[1]);
  }
  void Write() { EXPECT_EQ(::write(out.get(), "x", 1), 1); }
  void Read() {
    char byte = 0;
    EXPECT_EQ(::read(in.get(), &byte, 1), 1);
  }
  UniqueFd in;
  UniqueFd out;
};

class EventLoopTest : public ::testing::Test {
 protected:
  std::unique_ptr<EventLoop> loop_ = EventLoop::Create().value();
};

TEST_F(EventLoopTest, RunsTasksInOrderFromAnyThread) {
  constexpr int kTasks = 1000;
  std::vector<int> done;
  std::thread poster([&] {
    for (int i = 0; i < kTasks; ++i) loop_->Post([&done, i] { done.push_back(i); });
    loop_->Stop();
  });
  loop_->Run();
  poster.join();
  ASSERT_EQ(done.size(), static_cast<size_t>(kTasks));
  for (int i = 0; i < kTasks; ++i) ASSERT_EQ(done[static_cast<size_t>(i)], i);
}

TEST_F(EventLoopTest, TimersFireInOrderAndOnce) {
  std::vector<int> fired;
  loop_->After(milliseconds(20), [&] { fired.push_back(20); });
  loop_->After(milliseconds(5), [&] { fired.push_back(5); });
  const EventLoop::TimerId cancelled = loop_->After(milliseconds(10), [&] { fired.push_back(10); });
  loop_->After(milliseconds(30), [&] {
    fired.push_back(30);
    loop_->Stop();
  });
  loop_->CancelTimer(cancelled);
  loop_->CancelTimer(cancelled);
  loop_->CancelTimer(0);
  const auto start = EventLoop::Clock::now();
  loop_->Run();
  EXPECT_GE(EventLoop::Clock::now() - start, milliseconds(30));
  EXPECT_THAT(fired, ElementsAre(5, 20, 30));
}

TEST_F(EventLoopTest, ATimerOfATimerWaitsForTheNextTurn) {
  int turns = 0;
  std::function<void()> again = [&] {
    if (++turns == 100) return loop_->Stop();
    loop_->After(milliseconds(0), again);
  };
  loop_->After(milliseconds(0), again);
  loop_->Run();
  EXPECT_EQ(turns, 100);
}

TEST_F(EventLoopTest, ATimerMayCancelAnother) {
  bool fired = false;
  EventLoop::TimerId second = 0;
  loop_->After(milliseconds(1), [&] { loop_->CancelTimer(second); });
  second = loop_->After(milliseconds(1), [&] { fired = true; });
  loop_->After(milliseconds(5), [&] { loop_->Stop(); });
  loop_->Run();
  EXPECT_FALSE(fired);
}

TEST_F(EventLoopTest, WatchesDescriptors) {
  Pipe pipe;
  int count = 0;
  loop_->Watch(pipe.in.get(), EPOLLIN, [&](uint32_t events) {
    EXPECT_EQ(events, static_cast<uint32_t>(EPOLLIN));
    pipe.Read();
    if (++count < 3) {
      pipe.Write();
    } else {
      loop_->Stop();
    }
  });
  pipe.Write();
  loop_->Run();
  EXPECT_EQ(count, 3);
}

TEST_F(EventLoopTest, AnUnwatchedDescriptorIsSilent) {
  Pipe a;
  Pipe b;
  int calls = 0;
  const auto handler = [&](Pipe& other) {
    return [&](uint32_t) {
      ++calls;
      loop_->Unwatch(other.in.get());
      loop_->Stop();
    };
  };
  // Both are ready at once, and either silences the other.
  loop_->Watch(a.in.get(), EPOLLIN, handler(b));
  loop_->Watch(b.in.get(), EPOLLIN, handler(a));
  a.Write();
  b.Write();
  loop_->Run();
  EXPECT_EQ(calls, 1);
}

TEST_F(EventLoopTest, ADescriptorMayUnwatchItselfAndComeAgain) {
  Pipe pipe;
  int first = 0;
  int second = 0;
  loop_->Watch(pipe.in.get(), EPOLLIN, [&](uint32_t) {
    ++first;
    loop_->Unwatch(pipe.in.get());
    loop_->Watch(pipe.in.get(), EPOLLIN, [&](uint32_t) {
      ++second;
      loop_->Stop();
    });
  });
  pipe.Write();
  loop_->Run();
  EXPECT_EQ(first, 1);
  EXPECT_EQ(second, 1);
}

TEST_F(EventLoopTest, EventsCanBeChanged) {
  Pipe pipe;
  int calls = 0;
  loop_->Watch(pipe.out.get(), 0, [&](uint32_t events) {
    ++calls;
    EXPECT_EQ(events, static_cast<uint32_t>(EPOLLOUT));
    loop_->Stop();
  });
  loop_->After(milliseconds(5), [&] {
    EXPECT_EQ(calls, 0);
    loop_->Watch(pipe.out.get(), EPOLLOUT, nullptr);
  });
  loop_->Run();
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace bits::transfer

// Many watchers, many changes, at once: each watcher sees every job's changes in order, and ends as
// it should. For TSan above all.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/component/call_details.h"
#include "tests/component/rpc_world.h"
#include "tests/component/watcher.h"

namespace bits::testing {
namespace {

using grpc::StatusCode;

constexpr int kJobs = 6;
constexpr int kChanges = 60;  // of each

std::vector<std::string> MakeJobs(RpcWorld& world) {
  std::vector<std::string> names;
  for (int i = 0; i < kJobs; ++i) names.push_back(world.CreateJob(std::to_string(i)).name());
  return names;
}

void ChangeAll(RpcWorld& world, const std::vector<std::string>& names, int first = 0) {
  std::vector<std::thread> writers;
  for (const std::string& name : names) {
    writers.emplace_back([&world, name, first] {
      for (int i = first; i < kChanges; ++i) world.Touch(name, std::to_string(i));
    });
  }
  for (std::thread& writer : writers) writer.join();
}

// Reads until every job has reached its last change; each change is one more than the one
// before, whatever the watch began with.
void Follow(Watcher& watcher) {
  std::map<std::string, int> last;
  int finished = 0;
  while (finished < kJobs) {
    const v1::JobEvent event = watcher.Next();
    ASSERT_NE(event.type(), v1::JobEvent::TYPE_UNSPECIFIED);
    if (!event.has_job()) continue;
    const std::string& text = event.job().description();
    const int change = text.empty() ? -1 : std::stoi(text);
    const auto seen = last.find(event.job().name());
    if (seen != last.end()) {
      ASSERT_EQ(change, seen->second + 1);
    }
    last[event.job().name()] = change;
    if (change == kChanges - 1) ++finished;
  }
}

TEST(WatchStressTest, EveryWatcherSeesEveryChangeInOrder) {
  WorldOptions options;
  options.application.watch_ring = 16;  // some fall behind and read the store
  options.server.watch.feed.batch = 5;
  RpcWorld world(options);
  const std::vector<std::string> names = MakeJobs(world);
  std::vector<std::thread> watchers;
  std::atomic<bool> stop = false;
  for (int i = 0; i < 6; ++i) {
    watchers.emplace_back([&world] {
      Watcher watcher(world.jobs.get(), {});
      Follow(watcher);
    });
  }
  // Others come and go.
  std::thread passers([&] {
    while (!stop) {
      Watcher watcher(world.jobs.get(), {});
      (void)watcher.NextShort();
    }
  });
  ChangeAll(world, names);
  for (std::thread& watcher : watchers) watcher.join();
  stop = true;
  passers.join();
}

TEST(WatchStressTest, ReconnectingLosesAndDoublesNothing) {
  WorldOptions options;
  options.application.watch_ring = 8;
  options.server.watch.feed.batch = 3;
  RpcWorld world(options);
  const std::vector<std::string> names = MakeJobs(world);
  std::string cursor;
  {
    Watcher watcher(world.jobs.get(), {});
    watcher.Until("SNAPSHOT_END");
    cursor = watcher.cursor();
  }
  std::thread follower([&] {
    std::map<std::string, int> last;
    int seen = 0;
    while (seen < kJobs * kChanges) {
      Watcher watcher(world.jobs.get(), WatchFrom(cursor));
      for (int i = 0; i < 7 && seen < kJobs * kChanges; ++i, ++seen) {
        const v1::JobEvent event = watcher.Next();
        ASSERT_EQ(event.type(), v1::JobEvent::TYPE_MODIFIED);
        const int change = std::stoi(event.job().description());
        const auto [before, first] = last.emplace(event.job().name(), -1);
        ASSERT_EQ(change, before->second + 1);
        before->second = change;
        cursor = event.cursor();
      }
    }
  });
  ChangeAll(world, names);
  follower.join();
}

TEST(WatchStressTest, DrainingEndsEveryWatchWhateverItDoes) {
  RpcWorld world;
  const std::vector<std::string> names = MakeJobs(world);
  std::vector<std::thread> watchers;
  std::atomic<int> started = 0;
  for (int i = 0; i < 8; ++i) {
    watchers.emplace_back([&world, &started, i] {
      Watcher watcher(world.jobs.get(), {});
      (void)watcher.NextShort();
      ++started;
      if (i % 4 == 0) return;  // goes by itself
      while (watcher.Next().type() != v1::JobEvent::TYPE_UNSPECIFIED) {
      }
      EXPECT_EQ(watcher.Status().error_code(), StatusCode::UNAVAILABLE);
    });
  }
  std::thread writer([&] {
    v1::UpdateJobRequest request;
    request.mutable_job()->set_name(names.front());
    request.mutable_job()->set_description("x");
    v1::Job job;
    while (world.jobs->UpdateJob(world.Context().get(), request, &job).ok()) {
    }
  });
  while (started < 8) std::this_thread::yield();
  world.server->Drain(std::chrono::system_clock::now() + std::chrono::seconds(30));
  for (std::thread& watcher : watchers) watcher.join();
  writer.join();
}

}  // namespace
}  // namespace bits::testing

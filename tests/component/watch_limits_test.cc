// Where a watch ends or says that nothing happens: expired cursors, slow readers, bookmarks, a
// store that fails.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "tests/component/call_details.h"
#include "tests/component/rpc_world.h"
#include "tests/component/watcher.h"

namespace bits::testing {
namespace {

using grpc::StatusCode;
using std::chrono::milliseconds;

TEST(WatchLimitsTest, AnExpiredCursor) {
  WorldOptions options;
  options.application.watch_ring = 4;
  RpcWorld world(options);
  world.store.SetEventsKept(10);  // fewer than the policy may say
  std::string cursor;
  {
    Watcher watcher(world.jobs.get(), {});
    EXPECT_EQ(watcher.NextShort(), "SNAPSHOT_END");
    cursor = watcher.cursor();
  }
  const v1::Job job = world.CreateJob("job");
  for (int i = 0; i < 20; ++i) world.Touch(job.name(), std::to_string(i));
  Watcher watcher(world.jobs.get(), WatchFrom(cursor));
  EXPECT_EQ(watcher.NextShort(), "END");
  const grpc::Status status = watcher.Status();
  EXPECT_THAT(status, IsRefusal(StatusCode::OUT_OF_RANGE, "CURSOR_EXPIRED"));
  // The oldest one that is kept is given, and works.
  Watcher oldest(world.jobs.get(), WatchFrom(DetailsOf(status).metadata.at("oldest_cursor")));
  for (int i = 10; i < 20; ++i) EXPECT_EQ(oldest.Next().job().description(), std::to_string(i));
}

// Of a state that was put back from a copy: as expired, so that the client begins anew.
TEST(WatchLimitsTest, ACursorAheadOfTheStore) {
  RpcWorld world;
  const rpc::TokenSealer tokens(world.token_key);
  Watcher watcher(world.jobs.get(), WatchFrom(tokens.SealCursor(1000)));
  EXPECT_EQ(watcher.NextShort(), "END");
  EXPECT_THAT(watcher.Status(), IsRefusal(StatusCode::OUT_OF_RANGE, "CURSOR_EXPIRED"));
}

TEST(WatchLimitsTest, BookmarksWhenIdle) {
  WorldOptions options;
  options.server.watch.bookmark_interval = milliseconds(30);
  RpcWorld world(options);
  Watcher watcher(world.jobs.get(), WatchFrom("", "state = STATE_ERROR"));
  EXPECT_EQ(watcher.NextShort(), "SNAPSHOT_END");
  const std::string start = watcher.cursor();
  EXPECT_EQ(watcher.NextShort(), "BOOKMARK");
  EXPECT_EQ(watcher.cursor(), start);
  // What the filter holds back moves the bookmark on.
  world.CreateJob("job");
  v1::JobEvent bookmark;
  do {
    bookmark = watcher.Next();
    ASSERT_EQ(bookmark.type(), v1::JobEvent::TYPE_BOOKMARK);
    EXPECT_FALSE(bookmark.has_job());
  } while (bookmark.cursor() == start);
  Watcher later(world.jobs.get(), WatchFrom(bookmark.cursor()));
  world.CreateJob("second");
  v1::JobEvent event;
  do {
    event = later.Next();
  } while (event.type() == v1::JobEvent::TYPE_BOOKMARK);
  EXPECT_EQ(Short(event), "CREATED second");
}

TEST(WatchLimitsTest, WhoReadsTooSlowlyIsEndedAndCanGoOn) {
  WorldOptions options;
  options.application.watch_ring = 4;
  options.server.watch.slow_consumer_timeout = milliseconds(100);
  options.server.watch.bookmark_interval = milliseconds(20);
  RpcWorld world(options);
  const v1::Job job = world.CreateJob("job");
  Watcher watcher(world.jobs.get(), {});
  watcher.Until("SNAPSHOT_END");
  // Nothing is read while more is written than the connection holds.
  v1::UpdateJobRequest request;
  request.mutable_job()->set_name(job.name());
  for (int i = 0; i < 60; ++i) {
    (*request.mutable_job()->mutable_labels())["label" + std::to_string(i)] = std::string(256, 'v');
  }
  constexpr int kChanges = 400;  // some 6 MB
  for (int i = 0; i < kChanges; ++i) {
    request.mutable_job()->set_description(std::to_string(i));
    v1::Job updated;
    ASSERT_GRPC_OK(world.jobs->UpdateJob(world.Context().get(), request, &updated));
  }
  // Blocked for longer than the timeout, its next events out of the ring.
  Watcher other(world.jobs.get(), {});
  other.Until("SNAPSHOT_END");
  for (int i = 0; i < 20; ++i) EXPECT_EQ(other.NextShort(), "BOOKMARK");

  std::string last;
  v1::JobEvent event;
  while ((event = watcher.Next()).type() != v1::JobEvent::TYPE_UNSPECIFIED) {
    last = event.job().description();
  }
  const grpc::Status status = watcher.Status();
  EXPECT_THAT(status, IsRefusal(StatusCode::RESOURCE_EXHAUSTED, "SLOW_CONSUMER"));
  EXPECT_TRUE(DetailsOf(status).has_retry_info);
  ASSERT_LT(std::stoi(last), kChanges - 1);
  // Nothing is lost.
  Watcher again(world.jobs.get(), WatchFrom(watcher.cursor()));
  for (int i = std::stoi(last) + 1; i < kChanges; ++i) {
    ASSERT_EQ(again.Next().job().description(), std::to_string(i));
  }
}

TEST(WatchLimitsTest, AReadThatFailsEndsTheWatchAsUnavailable) {
  RpcWorld world;
  world.CreateJob("job");
  world.reads.Hold();
  Watcher watcher(world.jobs.get(), {});
  world.reads.WaitForHeld(1);
  world.store.Close();
  world.reads.Release();
  EXPECT_EQ(watcher.NextShort(), "END");
  EXPECT_EQ(watcher.Status().error_code(), StatusCode::UNAVAILABLE);
}

TEST(WatchLimitsTest, AFullExecutorOnlyDelays) {
  RpcWorld world;
  world.CreateJob("job");
  world.reads.RefuseAll(true);
  Watcher watcher(world.jobs.get(), {});
  std::thread relief([&world] {
    // Long enough for it to be refused, or not: it comes right in both cases.
    std::this_thread::yield();
    world.reads.RefuseAll(false);
  });
  EXPECT_EQ(watcher.NextShort(), "SNAPSHOT job");
  relief.join();
}

TEST(WatchLimitsTest, WatchersAtRestReadNothing) {
  RpcWorld world;
  Watcher watcher(world.jobs.get(), {});
  EXPECT_EQ(watcher.NextShort(), "SNAPSHOT_END");
  world.reads.Hold();
  world.CreateJob("job");
  EXPECT_EQ(watcher.NextShort(), "CREATED job");  // out of the hub's memory
}

}  // namespace
}  // namespace bits::testing

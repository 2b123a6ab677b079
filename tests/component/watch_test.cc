// WatchJobs as a client sees it: snapshot, live events, cursors, filters, permission.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <thread>

#include "tests/component/call_details.h"
#include "tests/component/rpc_world.h"
#include "tests/component/watcher.h"

namespace bits::testing {
namespace {

using grpc::StatusCode;
using ::testing::ElementsAre;

TEST(WatchTest, SnapshotThenLive) {
  RpcWorld world;
  const v1::Job one = world.CreateJob("one");
  world.CreateJob("two");
  Watcher watcher(world.jobs.get(), {});
  const v1::JobEvent snapshot = watcher.Next();
  EXPECT_EQ(snapshot.type(), v1::JobEvent::TYPE_SNAPSHOT);
  EXPECT_EQ(snapshot.cursor(), "");
  EXPECT_FALSE(snapshot.has_event_time());
  EXPECT_EQ(snapshot.job().SerializeAsString(), one.SerializeAsString());
  EXPECT_EQ(watcher.NextShort(), "SNAPSHOT two");
  const v1::JobEvent end = watcher.Next();
  EXPECT_EQ(end.type(), v1::JobEvent::TYPE_SNAPSHOT_END);
  EXPECT_FALSE(end.has_job());
  EXPECT_NE(end.cursor(), "");

  const v1::Job touched = world.Touch(one.name());
  const v1::JobEvent modified = watcher.Next();
  EXPECT_EQ(modified.type(), v1::JobEvent::TYPE_MODIFIED);
  EXPECT_TRUE(modified.has_event_time());
  EXPECT_EQ(modified.job().SerializeAsString(), touched.SerializeAsString());
  world.CreateJob("three", /*start=*/true);
  EXPECT_EQ(watcher.NextShort(), "CREATED three");
  EXPECT_EQ(watcher.NextShort(), "STATE_CHANGED three CONNECTING");
}

TEST(WatchTest, ASnapshotOfManyPages) {
  WorldOptions options;
  options.server.watch.feed.batch = 7;
  RpcWorld world(options);
  for (int i = 0; i < 30; ++i) world.CreateJob("job");
  Watcher watcher(world.jobs.get(), {});
  EXPECT_EQ(watcher.Until("SNAPSHOT_END").size(), 31u);
}

TEST(WatchTest, GoesOnFromEveryCursor) {
  RpcWorld world;
  std::string cursor;
  {
    Watcher watcher(world.jobs.get(), {});
    EXPECT_EQ(watcher.NextShort(), "SNAPSHOT_END");
    cursor = watcher.cursor();
  }
  world.CreateJob("one");
  world.CreateJob("two");
  {
    Watcher watcher(world.jobs.get(), WatchFrom(cursor));
    EXPECT_EQ(watcher.NextShort(), "CREATED one");
    cursor = watcher.cursor();
  }
  Watcher watcher(world.jobs.get(), WatchFrom(cursor));
  EXPECT_EQ(watcher.NextShort(), "CREATED two");
  world.CreateJob("three");
  EXPECT_EQ(watcher.NextShort(), "CREATED three");
}

TEST(WatchTest, CatchesUpFromTheStoreInBatches) {
  WorldOptions options;
  options.application.watch_ring = 4;
  options.server.watch.feed.batch = 8;
  RpcWorld world(options);
  const v1::Job job = world.CreateJob("job");
  std::string cursor;
  {
    Watcher watcher(world.jobs.get(), {});
    watcher.Until("SNAPSHOT_END");
    cursor = watcher.cursor();
  }
  for (int i = 0; i < 100; ++i) world.Touch(job.name(), std::to_string(i));
  Watcher watcher(world.jobs.get(), WatchFrom(cursor));
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(watcher.Next().job().description(), std::to_string(i));
  }
  world.Touch(job.name(), "live");
  EXPECT_EQ(watcher.Next().job().description(), "live");
}

TEST(WatchTest, OwnersAndAdministrators) {
  RpcWorld world;
  world.CreateJob("annas");
  world.CreateJob("berts", false, "bert");
  v1::WatchJobsRequest everybody;
  everybody.set_all_owners(true);
  Watcher anna(world.jobs.get(), {});
  Watcher root(world.jobs.get(), everybody, "root");
  EXPECT_THAT(anna.Until("SNAPSHOT_END"), ElementsAre("SNAPSHOT annas", "SNAPSHOT_END"));
  EXPECT_THAT(root.Until("SNAPSHOT_END"),
              ElementsAre("SNAPSHOT annas", "SNAPSHOT berts", "SNAPSHOT_END"));
  world.CreateJob("berts2", false, "bert");
  world.CreateJob("annas2");
  EXPECT_EQ(anna.NextShort(), "CREATED annas2");
  EXPECT_EQ(root.NextShort(), "CREATED berts2");
  EXPECT_EQ(root.NextShort(), "CREATED annas2");

  for (const std::string& cursor : {std::string(), root.cursor()}) {
    v1::WatchJobsRequest request = WatchFrom(cursor);
    request.set_all_owners(true);
    Watcher bert(world.jobs.get(), request, "bert");
    EXPECT_EQ(bert.NextShort(), "END");
    EXPECT_THAT(bert.Status(), IsRefusal(StatusCode::PERMISSION_DENIED, "E_ACCESSDENIED"));
  }
  Watcher intruder(world.jobs.get(), {}, "intruder");
  EXPECT_EQ(intruder.NextShort(), "END");
  EXPECT_EQ(intruder.Status().error_code(), StatusCode::UNAUTHENTICATED);
}

TEST(WatchTest, FiltersAndTellsOfJobsThatLeave) {
  RpcWorld world;
  const v1::Job in = world.CreateJob("in", /*start=*/false);
  Watcher watcher(world.jobs.get(), WatchFrom("", "state = STATE_SUSPENDED"));
  EXPECT_THAT(watcher.Until("SNAPSHOT_END"), ElementsAre("SNAPSHOT in", "SNAPSHOT_END"));
  world.CreateJob("out", /*start=*/true);
  // "out" was never suspended: nothing of it is sent.
  v1::ResumeJobRequest resume;
  resume.set_name(in.name());
  v1::Job resumed;
  ASSERT_GRPC_OK(world.jobs->ResumeJob(world.Context().get(), resume, &resumed));
  EXPECT_EQ(watcher.NextShort(), "STATE_CHANGED in QUEUED");
  world.CreateJob("last");
  EXPECT_EQ(watcher.NextShort(), "CREATED last");  // not their further changes
}

// As ListJobs has it: a final job is not listed unless asked.
TEST(WatchTest, FinalJobsAreNotInTheSnapshot) {
  RpcWorld world;
  const v1::Job job = world.CreateJob("gone");
  v1::CancelJobRequest cancel;
  cancel.set_name(job.name());
  v1::Job cancelled;
  ASSERT_GRPC_OK(world.jobs->CancelJob(world.Context().get(), cancel, &cancelled));
  Watcher watcher(world.jobs.get(), {});
  EXPECT_EQ(watcher.NextShort(), "SNAPSHOT_END");
}

TEST(WatchTest, WrongFiltersAndCursors) {
  RpcWorld world;
  Watcher filter(world.jobs.get(), WatchFrom("", "colour = red"));
  EXPECT_EQ(filter.NextShort(), "END");
  EXPECT_THAT(filter.Status(), IsWrongField("filter"));
  Watcher garbage(world.jobs.get(), WatchFrom("garbage"));
  EXPECT_EQ(garbage.NextShort(), "END");
  EXPECT_THAT(garbage.Status(), IsWrongField("cursor"));
  const rpc::TokenSealer other(std::string(32, 'o'));
  Watcher foreign(world.jobs.get(), WatchFrom(other.SealCursor(0)));
  EXPECT_EQ(foreign.NextShort(), "END");
  EXPECT_THAT(foreign.Status(), IsWrongField("cursor"));
}

TEST(WatchTest, ProgressFlows) {
  RpcWorld world;
  const v1::Job job = world.CreateJob("job", /*start=*/true);
  Watcher watcher(world.jobs.get(), {});
  watcher.Until("SNAPSHOT_END");
  const auto observer = world.engine.At(RpcWorld::IdOf(job));
  ASSERT_NE(observer, nullptr);
  observer->OnBytesArrive();
  watcher.Until("STATE_CHANGED job TRANSFERRING");
  // Any one may be left out.
  std::atomic<bool> seen = false;
  std::thread origin([&] {
    for (uint64_t arrived = 10; !seen; ++arrived) {
      world.clock.Advance(absl::Seconds(1));
      observer->OnProgress(arrived, std::nullopt);
      std::this_thread::yield();
    }
  });
  v1::JobEvent event;
  do {
    event = watcher.Next();
  } while (Short(event) != "PROGRESS job" && Short(event) != "END");
  seen = true;
  origin.join();
  EXPECT_EQ(event.job().state(), v1::Job::STATE_TRANSFERRING);
  EXPECT_GE(event.job().progress().bytes_transferred(), 10u);
  // Its cursor goes on after the last event.
  Watcher later(world.jobs.get(), WatchFrom(event.cursor()));
  world.Touch(job.name());
  do {
    event = later.Next();
  } while (event.type() == v1::JobEvent::TYPE_PROGRESS);
  EXPECT_EQ(Short(event), "MODIFIED job");
}

// Also of a turn that was under way when the job was taken.
TEST(WatchTest, ProgressOfATakenJobIsItsNewOwners) {
  RpcWorld world;
  const v1::Job job = world.CreateJob("job", /*start=*/true);
  const auto observer = world.engine.At(RpcWorld::IdOf(job));
  ASSERT_NE(observer, nullptr);
  observer->OnBytesArrive();
  v1::TakeOwnershipRequest take;
  take.set_name(job.name());
  v1::Job taken;
  ASSERT_GRPC_OK(world.jobs->TakeOwnership(world.Context("root").get(), take, &taken));
  Watcher watcher(world.jobs.get(), {}, "root");
  watcher.Until("SNAPSHOT_END");
  std::atomic<bool> seen = false;
  std::thread origin([&] {
    for (uint64_t arrived = 10; !seen; ++arrived) {
      world.clock.Advance(absl::Seconds(1));
      observer->OnProgress(arrived, std::nullopt);
      std::this_thread::yield();
    }
  });
  v1::JobEvent event;
  do {
    event = watcher.Next();
  } while (Short(event) != "PROGRESS job" && Short(event) != "END");
  seen = true;
  origin.join();
  EXPECT_EQ(Short(event), "PROGRESS job");
  EXPECT_EQ(event.job().owner(), "root");
}

TEST(WatchTest, ACancelledWatchIsForgotten) {
  WorldOptions options;
  options.server.watch.max_watchers = 1;
  RpcWorld world(options);
  Watcher first(world.jobs.get(), {});
  EXPECT_EQ(first.NextShort(), "SNAPSHOT_END");
  {
    Watcher second(world.jobs.get(), {});
    EXPECT_EQ(second.NextShort(), "END");
    const grpc::Status status = second.Status();
    EXPECT_THAT(status, IsRefusal(StatusCode::RESOURCE_EXHAUSTED, "TOO_MANY_WATCHERS"));
    EXPECT_TRUE(DetailsOf(status).has_retry_info);
  }
  first.Cancel();
  EXPECT_EQ(first.NextShort(), "END");
  EXPECT_EQ(first.Status().error_code(), StatusCode::CANCELLED);
  // The server hears of it a moment later.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  std::string got;
  while (got != "SNAPSHOT_END" && std::chrono::steady_clock::now() < deadline) {
    Watcher third(world.jobs.get(), {});
    got = third.NextShort();
  }
  EXPECT_EQ(got, "SNAPSHOT_END");
}

}  // namespace
}  // namespace bits::testing

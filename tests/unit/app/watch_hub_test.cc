#include "server/app/watch_hub.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace bits::app {
namespace {

std::vector<EventRecord> One(Revision revision, const std::string& job,
                             domain::ChangeKind kind = domain::ChangeKind::kStateChanged,
                             uint64_t bytes = 0) {
  EventRecord event;
  event.revision = revision;
  event.kind = kind;
  event.job.id = job;
  event.job.state = domain::JobState::kTransferring;
  event.job.progress.bytes_transferred = bytes;
  return {event};
}

TEST(WatchHubTest, GivesWhatCameAfterTheCursorInOrder) {
  WatchHub hub(10, 100);
  for (Revision r = 11; r <= 15; ++r) hub.Publish(One(r, "a"));
  EXPECT_TRUE(hub.Read(15, 10).events.empty());
  const WatchHub::Batch batch = hub.Read(12, 2);
  ASSERT_EQ(batch.events.size(), 2u);
  EXPECT_EQ(batch.events[0]->revision, 13u);
  EXPECT_EQ(batch.events[1]->revision, 14u);
  EXPECT_FALSE(batch.behind);
}

TEST(WatchHubTest, SaysWhenTheRingNoLongerHasIt) {
  WatchHub hub(0, 3);
  for (Revision r = 1; r <= 5; ++r) hub.Publish(One(r, "a"));
  EXPECT_TRUE(hub.Read(1, 10).behind);
  EXPECT_FALSE(hub.Read(2, 10).behind);
  EXPECT_EQ(hub.Read(2, 10).events.size(), 3u);
}

TEST(WatchHubTest, ACursorBeforeTheStartIsBehind) {
  WatchHub hub(10, 3);
  EXPECT_TRUE(hub.Read(9, 10).behind);
  EXPECT_FALSE(hub.Read(10, 10).behind);
}

TEST(WatchHubTest, LatestProgressWins) {
  WatchHub hub(0, 3);
  const WatchHub::WatcherId id = hub.Add([] {});
  uint64_t position = 0;
  for (uint64_t n = 1; n <= 9; ++n) {
    hub.Publish(One(0, "a", domain::ChangeKind::kProgress, n));
  }
  hub.Publish(One(0, "b", domain::ChangeKind::kProgress, 5));
  const auto events = hub.ReadProgress(&position);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0]->job.progress.bytes_transferred, 9u);
  EXPECT_TRUE(hub.ReadProgress(&position).empty());
  hub.Remove(id);
}

TEST(WatchHubTest, AWatcherIsNotWokenAfterRemove) {
  WatchHub hub(0, 3);
  int woken = 0;
  const WatchHub::WatcherId id = hub.Add([&] { ++woken; });
  hub.Publish(One(1, "a"));
  EXPECT_EQ(woken, 1);
  hub.Remove(id);
  hub.Publish(One(2, "a"));
  EXPECT_EQ(woken, 1);
}

}  // namespace
}  // namespace bits::app

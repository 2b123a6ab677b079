#include "server/rpc/watch_feed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/rpc/filter.h"

namespace bits::rpc {
namespace {

using domain::ChangeKind;
using domain::JobState;
using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Step = WatchFeed::Step;

domain::Job Job(const std::string& name, app::Revision revision,
                JobState state = JobState::kQueued) {
  domain::Job job;
  job.id = name;
  job.display_name = name;
  job.owner = "local";
  job.state = state;
  job.revision = revision;
  job.create_time = absl::UnixEpoch();
  job.update_time = job.create_time;
  job.activity_time = job.create_time;
  job.queue_time = job.create_time;
  return job;
}

app::EventRecord Event(app::Revision revision, const std::string& name,
                       ChangeKind kind = ChangeKind::kModified,
                       JobState state = JobState::kQueued) {
  app::EventRecord event;
  event.revision = revision;
  event.kind = kind;
  event.job = Job(name, revision, state);
  return event;
}

// The revision is that of the last event before it.
app::EventRecord Progress(app::Revision revision, const std::string& name, uint64_t bytes) {
  app::EventRecord event = Event(revision, name, ChangeKind::kProgress, JobState::kTransferring);
  event.job.progress.bytes_transferred = bytes;
  return event;
}

class WatchFeedTest : public ::testing::Test {
 protected:
  void Start(WatchSpec spec = {}) {
    spec.principal = {"local", true};
    WatchFeed::Options options;
    options.batch = 3;
    feed_ = std::make_unique<WatchFeed>(spec, options, &hub_, &tokens_);
  }
  void StartAt(app::Revision cursor, const char* filter = "") {
    WatchSpec spec;
    spec.cursor = cursor;
    spec.filter = *ParseFilter(filter);
    Start(spec);
    EXPECT_EQ(Next(), "events?");
    feed_->OnEvents({});
  }
  void Publish(app::EventRecord event) {
    std::vector<app::EventRecord> events;
    events.push_back(std::move(event));
    hub_.Publish(std::move(events));
  }

  // The next step in a word: a message as "TYPE job@cursor", "jobs?", "events?", "idle".
  std::string Next() {
    v1::JobEvent message;
    switch (feed_->Next(now_, &message, &wake_at_)) {
      case Step::kReadJobs:
        return "jobs?";
      case Step::kReadEvents:
        return "events?";
      case Step::kIdle:
        return "idle";
      case Step::kMessage:
        break;
    }
    last_ = message;
    std::string shown = v1::JobEvent::Type_Name(message.type()).substr(5);
    if (message.has_job()) shown += " " + message.job().display_name();
    if (!message.cursor().empty()) {
      shown += "@" + std::to_string(*tokens_.OpenCursor(message.cursor()));
    }
    return shown;
  }
  std::vector<std::string> NextAll() {
    std::vector<std::string> all;
    while (all.size() < 100) {
      all.push_back(Next());
      if (all.back() == "idle" || all.back().ends_with("?")) return all;
    }
    return all;
  }

  app::WatchHub hub_{10, 4};
  TokenSealer tokens_{std::string(32, 'k')};
  std::unique_ptr<WatchFeed> feed_;
  WatchFeed::Instant now_ = WatchFeed::Instant() + std::chrono::hours(1);
  std::optional<WatchFeed::Instant> wake_at_;
  v1::JobEvent last_;
};

TEST_F(WatchFeedTest, SnapshotThenItsEndThenLive) {
  Start();
  EXPECT_FALSE(feed_->query().show_final);
  EXPECT_EQ(Next(), "jobs?");
  EXPECT_EQ(Next(), "jobs?");  // until they are given
  feed_->OnJobs({{Job("a", 1), Job("b", 2)}, 7, false});
  EXPECT_THAT(NextAll(), ElementsAre("SNAPSHOT a", "SNAPSHOT b", "jobs?"));
  EXPECT_EQ(feed_->query().after, 7u);
  feed_->OnJobs({{}, 8, false});  // empty, but not the end
  EXPECT_EQ(Next(), "jobs?");
  Publish(Event(11, "c", ChangeKind::kCreated));
  feed_->OnJobs({{Job("d", 3)}, 9, true});
  EXPECT_THAT(NextAll(), ElementsAre("SNAPSHOT d", "SNAPSHOT_END@10", "CREATED c@11", "idle"));
  EXPECT_EQ(feed_->cursor(), 11u);
}

TEST_F(WatchFeedTest, ASnapshotOfNothing) {
  Start();
  EXPECT_EQ(Next(), "jobs?");
  feed_->OnJobs({{}, 0, true});
  EXPECT_THAT(NextAll(), ElementsAre("SNAPSHOT_END@10", "idle"));
}

// What a job was before the snapshot came to it is not told after it.
TEST_F(WatchFeedTest, EventsOlderThanTheSnapshotsJobAreLeftOut) {
  Start();
  EXPECT_EQ(Next(), "jobs?");
  Publish(Event(11, "a"));
  Publish(Event(12, "b"));
  Publish(Event(13, "a"));
  feed_->OnJobs({{Job("a", 13), Job("b", 2)}, 2, true});
  Publish(Event(14, "a"));
  EXPECT_THAT(NextAll(), ElementsAre("SNAPSHOT a", "SNAPSHOT b", "SNAPSHOT_END@10", "MODIFIED b@12",
                                     "MODIFIED a@14", "idle"));
}

TEST_F(WatchFeedTest, FromACursorWhatCameAfterIt) {
  Publish(Event(11, "a"));
  Publish(Event(12, "b"));
  StartAt(11);
  EXPECT_THAT(NextAll(), ElementsAre("MODIFIED b@12", "idle"));
  EXPECT_THAT(NextAll(), ElementsAre("idle"));
}

TEST_F(WatchFeedTest, WhoIsBehindReadsTheStore) {
  for (app::Revision r = 11; r <= 20; ++r) Publish(Event(r, "a"));  // the ring keeps 4
  WatchSpec spec;
  spec.cursor = 12;
  Start(spec);
  EXPECT_TRUE(feed_->IsBehind());
  EXPECT_EQ(Next(), "events?");
  feed_->OnEvents({Event(13, "a"), Event(14, "b"), Event(15, "a")});
  EXPECT_THAT(NextAll(), ElementsAre("MODIFIED a@13", "MODIFIED b@14", "MODIFIED a@15", "events?"));
  // The store may be ahead of the hub; nothing comes twice.
  feed_->OnEvents({Event(16, "a"), Event(17, "a"), Event(18, "a")});
  EXPECT_THAT(NextAll(), ElementsAre("MODIFIED a@16", "MODIFIED a@17", "MODIFIED a@18",
                                     "MODIFIED a@19", "MODIFIED a@20", "idle"));
  EXPECT_FALSE(feed_->IsBehind());
}

TEST_F(WatchFeedTest, EventsTheStoreGaveBeforeTheHub) {
  StartAt(10);
  EXPECT_EQ(Next(), "idle");
  feed_->OnEvents({Event(11, "a")});
  EXPECT_EQ(Next(), "MODIFIED a@11");
  Publish(Event(11, "a"));
  EXPECT_EQ(Next(), "idle");
}

TEST_F(WatchFeedTest, TheFilterAndWhatLeavesIt) {
  WatchSpec spec;
  spec.filter = *ParseFilter("state = STATE_QUEUED");
  Start(spec);
  EXPECT_EQ(Next(), "jobs?");
  feed_->OnJobs({{Job("a", 1)}, 1, true});
  Publish(Event(11, "b", ChangeKind::kCreated, JobState::kSuspended));
  Publish(Event(12, "a", ChangeKind::kStateChanged, JobState::kConnecting));
  Publish(Event(13, "a", ChangeKind::kStateChanged, JobState::kTransferring));
  EXPECT_THAT(NextAll(),
              ElementsAre("SNAPSHOT a", "SNAPSHOT_END@10", "STATE_CHANGED a@12", "idle"));
  // What was not sent is passed all the same.
  EXPECT_EQ(feed_->cursor(), 13u);
}

TEST_F(WatchFeedTest, ABookmarkHasTheCursorOfAllThatWasPassed) {
  StartAt(10, "state = STATE_ERROR");
  Publish(Event(11, "b", ChangeKind::kCreated));
  EXPECT_EQ(Next(), "idle");
  v1::JobEvent bookmark;
  feed_->Bookmark(&bookmark);
  EXPECT_EQ(bookmark.type(), v1::JobEvent::TYPE_BOOKMARK);
  EXPECT_FALSE(bookmark.has_job());
  EXPECT_EQ(*tokens_.OpenCursor(bookmark.cursor()), 11u);
}

class WatchProgressTest : public WatchFeedTest {
 protected:
  // Publishes progress only while somebody watches.
  void SetUp() override {
    watcher_ = hub_.Add([] {});
  }
  void TearDown() override { hub_.Remove(watcher_); }
  app::WatchHub::WatcherId watcher_ = 0;
};

TEST_F(WatchProgressTest, TheLatestWinsFourTimesASecond) {
  StartAt(10);
  EXPECT_EQ(Next(), "idle");
  EXPECT_EQ(wake_at_, std::nullopt);  // nothing to wait for
  Publish(Progress(10, "a", 1));
  Publish(Progress(10, "a", 2));
  Publish(Progress(10, "b", 9));
  EXPECT_EQ(Next(), "idle");  // too early
  ASSERT_EQ(wake_at_, now_ + milliseconds(250));
  Publish(Progress(10, "a", 3));
  now_ = *wake_at_;
  EXPECT_EQ(Next(), "PROGRESS b@10");
  EXPECT_EQ(Next(), "PROGRESS a@10");
  EXPECT_EQ(last_.job().progress().bytes_transferred(), 3u);
  EXPECT_EQ(Next(), "idle");
  EXPECT_EQ(wake_at_, now_ + milliseconds(250));
  now_ = *wake_at_;
  EXPECT_EQ(Next(), "idle");
  EXPECT_EQ(wake_at_, std::nullopt);  // no polling
}

// The latest of what comes too early is sent once the job's interval is over.
TEST_F(WatchProgressTest, OfAJobComesNoMoreOftenThanItsInterval) {
  StartAt(10);
  const auto progress = [](uint64_t bytes) {
    app::EventRecord event = Progress(10, "a", bytes);
    event.job.notification_interval = absl::Milliseconds(900);
    return event;
  };
  Publish(progress(1));
  EXPECT_EQ(Next(), "PROGRESS a@10");
  const auto sent = now_;
  uint64_t bytes = 1;
  while (now_ < sent + milliseconds(900)) {
    EXPECT_EQ(Next(), "idle") << bytes;
    ASSERT_TRUE(wake_at_.has_value());
    now_ = *wake_at_;
    if (now_ < sent + milliseconds(500)) Publish(progress(++bytes));
  }
  EXPECT_EQ(Next(), "PROGRESS a@10") << "without news in between";
  EXPECT_EQ(last_.job().progress().bytes_transferred(), bytes);
  EXPECT_EQ(bytes, 2u);
}

// Also where the event came many looks before.
TEST_F(WatchProgressTest, ThatWaitedIsLeftOutWhenALaterEventWasSent) {
  StartAt(10);
  app::EventRecord progress = Progress(10, "a", 1);
  progress.job.notification_interval = absl::Hours(1);
  Publish(progress);
  EXPECT_EQ(Next(), "PROGRESS a@10");
  now_ += milliseconds(250);
  Publish(progress);
  EXPECT_EQ(Next(), "idle");
  Publish(Event(11, "a", ChangeKind::kStateChanged, JobState::kError));
  EXPECT_EQ(Next(), "STATE_CHANGED a@11");
  EXPECT_EQ(Next(), "idle");
  now_ += std::chrono::hours(2);
  EXPECT_EQ(Next(), "idle");
  now_ += milliseconds(250);
  EXPECT_EQ(Next(), "idle");
  EXPECT_EQ(wake_at_, std::nullopt);
}

TEST_F(WatchProgressTest, StandsBetweenTheEventsAroundIt) {
  StartAt(10);
  Publish(Event(11, "a", ChangeKind::kStateChanged, JobState::kTransferring));
  Publish(Progress(11, "a", 5));
  Publish(Event(12, "b"));
  EXPECT_THAT(NextAll(),
              ElementsAre("STATE_CHANGED a@11", "PROGRESS a@11", "MODIFIED b@12", "idle"));
}

// Read in batches of three: progress waits for the events before it.
TEST_F(WatchProgressTest, WaitsForAllEventsBeforeIt) {
  StartAt(10);
  for (app::Revision r = 11; r <= 14; ++r) {
    Publish(Event(r, "a", ChangeKind::kStateChanged, JobState::kTransferring));
  }
  Publish(Progress(14, "a", 5));
  EXPECT_THAT(NextAll(),
              ElementsAre("STATE_CHANGED a@11", "STATE_CHANGED a@12", "STATE_CHANGED a@13",
                          "STATE_CHANGED a@14", "PROGRESS a@14", "idle"));
}

// The state of a job never goes back because its progress comes late.
TEST_F(WatchProgressTest, IsLeftOutWhenALaterEventWasSent) {
  StartAt(10);
  EXPECT_EQ(Next(), "idle");
  Publish(Progress(10, "a", 5));
  Publish(Event(11, "a", ChangeKind::kFileTransferred, JobState::kTransferring));
  EXPECT_EQ(Next(), "FILE_TRANSFERRED a@11");
  now_ += milliseconds(250);
  EXPECT_EQ(Next(), "idle");
  Publish(Progress(11, "a", 6));
  now_ += milliseconds(250);
  EXPECT_EQ(Next(), "PROGRESS a@11");
}

// It was made before the event, but published long after it.
TEST_F(WatchProgressTest, IsLeftOutWhenItComesLate) {
  StartAt(10);
  Publish(Event(11, "a", ChangeKind::kFileTransferred, JobState::kTransferring));
  EXPECT_THAT(NextAll(), ElementsAre("FILE_TRANSFERRED a@11", "idle"));
  now_ += milliseconds(250);
  Publish(Progress(10, "a", 5));
  Publish(Progress(10, "b", 5));
  EXPECT_THAT(NextAll(), ElementsAre("PROGRESS b@11", "idle"));
}

TEST_F(WatchProgressTest, IsFilteredToo) {
  StartAt(10, "state = STATE_QUEUED");
  Publish(Event(11, "a", ChangeKind::kCreated, JobState::kTransferring));
  Publish(Progress(11, "a", 5));
  EXPECT_THAT(NextAll(), ElementsAre("idle"));
}

TEST_F(WatchProgressTest, ASnapshotHoldsWhatWasBeforeIt) {
  Publish(Progress(10, "a", 5));
  Start();
  EXPECT_EQ(Next(), "jobs?");
  Publish(Progress(10, "b", 6));
  feed_->OnJobs({{Job("a", 1)}, 1, true});
  EXPECT_THAT(NextAll(), ElementsAre("SNAPSHOT a", "SNAPSHOT_END@10", "PROGRESS b@10", "idle"));
}

}  // namespace
}  // namespace bits::rpc

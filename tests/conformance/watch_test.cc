// WatchJobs: BITS's callbacks without their losses.
#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/conformance/harness/world.h"
#include "tests/support/status_matchers.h"

namespace bits::testing {
namespace {

using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::Not;
using v1::Job;
using v1::JobEvent;

constexpr auto kAnyType = [](const JobEvent&) { return true; };

v1::WatchJobsRequest After(const std::string& cursor) {
  v1::WatchJobsRequest request;
  request.set_cursor(cursor);
  return request;
}

// Types and states of the events that are kept, for comparing two watches.
std::vector<std::string> Summary(const std::vector<JobEvent>& events) {
  std::vector<std::string> summary;
  for (const JobEvent& event : events) {
    if (event.type() == JobEvent::TYPE_PROGRESS || event.type() == JobEvent::TYPE_BOOKMARK) {
      continue;
    }
    summary.push_back(absl::StrCat(event.cursor(), " ", JobEvent::Type_Name(event.type()), " ",
                                   event.job().name(), " ",
                                   Job::State_Name(event.job().state()), " ", event.file()));
  }
  return summary;
}

void UpdateDescription(TestBitsd& bitsd, const std::string& job, const std::string& description) {
  v1::UpdateJobRequest request;
  request.mutable_job()->set_name(job);
  request.mutable_job()->set_description(description);
  EXPECT_THAT(bitsd.Update(request), Accepted());
}

TEST(WatchSnapshot, TellsEveryLiveJobThenItsEndThenWhatHappens) {
  World world;
  BITS_ASSERT_OK_AND_ASSIGN(const std::string first, world.JobIn(Job::STATE_SUSPENDED));
  BITS_ASSERT_OK_AND_ASSIGN(const std::string second, world.JobIn(Job::STATE_ERROR));
  BITS_ASSERT_OK_AND_ASSIGN(const std::string final_job, world.JobIn(Job::STATE_CANCELLED));
  Watch watch(&world.bitsd.jobs());
  BITS_ASSERT_OK(watch.AwaitEvent(
      [](const JobEvent& event) { return event.type() == JobEvent::TYPE_SNAPSHOT_END; }));
  const std::vector<JobEvent> events = watch.Events();
  ASSERT_EQ(events.size(), 3u) << ::testing::PrintToString(Summary(events));
  std::vector<std::string> jobs;
  for (int i : {0, 1}) {
    const JobEvent& event = events[static_cast<size_t>(i)];
    EXPECT_EQ(event.type(), JobEvent::TYPE_SNAPSHOT);
    EXPECT_EQ(event.cursor(), "");
    EXPECT_FALSE(event.has_event_time());
    jobs.push_back(event.job().name());
  }
  EXPECT_THAT(jobs, ::testing::UnorderedElementsAre(first, second));
  EXPECT_NE(events[2].cursor(), "");
  EXPECT_FALSE(events[2].has_job());
  // Live from here on.
  UpdateDescription(world.bitsd, first, "changed");
  BITS_ASSERT_OK_AND_ASSIGN(const JobEvent live, watch.AwaitEvent([](const JobEvent& event) {
    return event.type() == JobEvent::TYPE_MODIFIED;
  }));
  EXPECT_EQ(live.job().description(), "changed");
  EXPECT_TRUE(live.has_event_time());
  EXPECT_NE(live.cursor(), "");
}

TEST(WatchEvents, TellEveryStateInOrderAndEveryKindOfChange) {
  World& world = SharedWorld();
  Watch watch(&world.bitsd.jobs());
  BITS_ASSERT_OK(watch.AwaitEvent(
      [](const JobEvent& event) { return event.type() == JobEvent::TYPE_SNAPSHOT_END; }));
  const std::string path = world.Put(MakeContent(50'000, 1));
  world.origin->Script(path, {{.status = 503}, {.status = 404}});
  const std::string job = world.bitsd.Create({.files = {{world.Url(path)}}, .start = false});
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  BITS_ASSERT_OK(watch.Await(job, Job::STATE_TRANSIENT_ERROR));
  BITS_ASSERT_ACCEPTED(world.bitsd.Suspend(job));
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  BITS_ASSERT_OK(watch.Await(job, Job::STATE_ERROR));
  UpdateDescription(world.bitsd, job, "changed");
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  BITS_ASSERT_OK(watch.Await(job, Job::STATE_TRANSFERRED));
  BITS_ASSERT_ACCEPTED(world.bitsd.Complete(job));
  BITS_ASSERT_OK(watch.Await(job, Job::STATE_ACKNOWLEDGED));
  EXPECT_THAT(watch.StatesOf(job),
              ElementsAre(Job::STATE_SUSPENDED, Job::STATE_QUEUED, Job::STATE_CONNECTING,
                          Job::STATE_TRANSIENT_ERROR, Job::STATE_SUSPENDED, Job::STATE_QUEUED,
                          Job::STATE_CONNECTING, Job::STATE_ERROR, Job::STATE_QUEUED,
                          Job::STATE_CONNECTING, Job::STATE_TRANSFERRING, Job::STATE_TRANSFERRED,
                          Job::STATE_ACKNOWLEDGED));
  std::set<JobEvent::Type> types;
  std::set<std::string> cursors;
  for (const JobEvent& event : watch.EventsOf(job)) {
    types.insert(event.type());
    if (event.type() == JobEvent::TYPE_PROGRESS) continue;
    EXPECT_TRUE(cursors.insert(event.cursor()).second) << "a cursor twice";
  }
  EXPECT_THAT(types, Contains(JobEvent::TYPE_CREATED));
  EXPECT_THAT(types, Contains(JobEvent::TYPE_MODIFIED));
  EXPECT_THAT(types, Contains(JobEvent::TYPE_FILE_TRANSFERRED));
}

TEST(WatchEvents, ProgressGrowsAndCarriesACursor) {
  World& world = SharedWorld();
  const std::string job = world.bitsd.Fetch(
      world.Serve(MakeContent(4'000'000, 1), {.bytes_per_second = 4'000'000}));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  uint64_t last = 0;
  int events = 0;
  for (const JobEvent& event : world.bitsd.watch().EventsOf(job)) {
    if (event.type() != JobEvent::TYPE_PROGRESS) continue;
    ++events;
    EXPECT_NE(event.cursor(), "");
    EXPECT_GE(event.job().progress().bytes_transferred(), last);
    EXPECT_EQ(event.job().progress().bytes_total(), 4'000'000u);
    last = event.job().progress().bytes_transferred();
  }
  EXPECT_GE(events, 2);
}

TEST(WatchCursor, GoesOnRightAfterTheEventAlsoAfterTheServerWasKilled) {
  World world;
  Watch watch(&world.bitsd.jobs());
  const std::string job =
      world.bitsd.Create({.files = {{world.Serve("one")}, {world.Serve("two")}}, .start = false});
  UpdateDescription(world.bitsd, job, "changed");
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  BITS_ASSERT_OK(watch.Await(job, Job::STATE_TRANSFERRED));
  BITS_ASSERT_ACCEPTED(world.bitsd.Complete(job));
  BITS_ASSERT_OK(watch.Await(job, Job::STATE_ACKNOWLEDGED));
  std::vector<JobEvent> events = watch.Events();
  std::erase_if(events, [](const JobEvent& e) { return e.type() == JobEvent::TYPE_PROGRESS; });
  ASSERT_EQ(events.front().type(), JobEvent::TYPE_SNAPSHOT_END);
  ASSERT_GT(events.size(), 6u);

  for (const bool restarted : {false, true}) {
    if (restarted) {
      watch.CancelAndWait();
      world.bitsd.Kill();
      world.bitsd.Restart();
    }
    for (size_t i = 0; i + 1 < events.size(); ++i) {
      Watch again(&world.bitsd.jobs(), After(events[i].cursor()));
      BITS_ASSERT_OK(again.Await(job, Job::STATE_ACKNOWLEDGED));
      const std::vector<JobEvent> rest(events.begin() + static_cast<ptrdiff_t>(i) + 1,
                                       events.end());
      EXPECT_THAT(Summary(again.Events()), ElementsAreArray(Summary(rest)));
    }
  }
}

TEST(WatchCursor, OfAnotherServerOrNonsenseIsRefused) {
  TestBitsd one;
  TestBitsd other;
  one.Create({.start = false});
  for (const std::string& cursor : {one.watch().LastCursor(), std::string("nonsense")}) {
    ASSERT_NE(cursor, "");
    Watch watch(&other.jobs(), After(cursor));
    const std::optional<grpc::Status> end = watch.AwaitEnd();
    ASSERT_TRUE(end.has_value());
    EXPECT_THAT(*end, RefusedField("cursor", "E_INVALIDARG"));
  }
}

TEST(WatchCursor, IsExpiredOnceEventsAfterItAreNoLongerKept) {
  TestBitsd bitsd({.config = "policy { events_kept: 1000 }"});
  const std::string job = bitsd.Create({.start = false});
  const std::string early = bitsd.watch().LastCursor();
  ASSERT_NE(early, "");
  // Until the server says so; how soon it forgets is its own affair, within reason.
  std::optional<grpc::Status> end;
  for (int round = 0; round < 20 && !end; ++round) {
    for (int i = 0; i < 500; ++i) UpdateDescription(bitsd, job, absl::StrCat(round, " ", i));
    Watch watch(&bitsd.jobs(), After(early));
    if (!watch.AwaitEvent(kAnyType).ok()) end = watch.AwaitEnd();
  }
  ASSERT_TRUE(end.has_value()) << "10 times more events than are kept, and none is missing";
  EXPECT_THAT(*end, Refused(grpc::StatusCode::OUT_OF_RANGE, "CURSOR_EXPIRED"));
  const Refusal refusal = RefusalOf(*end);
  const auto oldest = refusal.metadata.find("oldest_cursor");
  ASSERT_NE(oldest, refusal.metadata.end());
  Watch watch(&bitsd.jobs(), After(oldest->second));
  BITS_EXPECT_OK(watch.AwaitEvent(kAnyType));
}

TEST(WatchBookmark, ComesWhenNothingHappensAndIsAPlaceToGoOnFrom) {
  TestBitsd bitsd({.config = "watch_bookmark_interval { nanos: 100000000 }"});
  const std::string job = bitsd.Create({.start = false});
  v1::WatchJobsRequest nothing;
  nothing.set_filter("display_name = nobody");
  Watch watch(&bitsd.jobs(), nothing);
  UpdateDescription(bitsd, job, "before the bookmark");
  BITS_ASSERT_OK_AND_ASSIGN(const JobEvent bookmark, watch.AwaitEvent([&](const JobEvent& event) {
    return event.type() == JobEvent::TYPE_BOOKMARK && event.cursor() == bitsd.watch().LastCursor();
  }));
  EXPECT_FALSE(bookmark.has_job());
  UpdateDescription(bitsd, job, "after the bookmark");
  Watch again(&bitsd.jobs(), After(bookmark.cursor()));
  BITS_ASSERT_OK_AND_ASSIGN(const JobEvent first, again.AwaitEvent(kAnyType));
  EXPECT_EQ(first.job().description(), "after the bookmark");
}

TEST(WatchFilter, OnlyMatchingJobsAndTheEventByWhichOneLeaves) {
  World& world = SharedWorld();
  v1::WatchJobsRequest request;
  request.set_filter("labels.watched = yes AND state = STATE_SUSPENDED");
  Watch watch(&world.bitsd.jobs(), request);
  const std::string other = world.bitsd.Create({.start = false});
  const std::string job = world.bitsd.Create({.files = {{world.ServeSilence()}},
                                              .start = false,
                                              .labels = {{"watched", "yes"}}});
  BITS_ASSERT_OK(watch.Await(job, Job::STATE_SUSPENDED));
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_CONNECTING));
  BITS_ASSERT_ACCEPTED(world.bitsd.Suspend(job));
  BITS_ASSERT_OK(watch.Await(job, Job::STATE_SUSPENDED));
  EXPECT_THAT(watch.StatesOf(job),
              ElementsAre(Job::STATE_SUSPENDED, Job::STATE_QUEUED, Job::STATE_SUSPENDED));
  EXPECT_TRUE(watch.EventsOf(other).empty());
}

TEST(WatchFilter, ThatIsWrongIsRefused) {
  v1::WatchJobsRequest request;
  request.set_filter("state = ");
  Watch watch(&SharedWorld().bitsd.jobs(), request);
  const std::optional<grpc::Status> end = watch.AwaitEnd();
  ASSERT_TRUE(end.has_value());
  EXPECT_THAT(*end, RefusedField("filter", "E_INVALIDARG"));
}

TEST(WatchEnd, AtTheStopOfTheServerItSaysDraining) {
  World world;
  Watch watch(&world.bitsd.jobs());
  BITS_ASSERT_OK_AND_ASSIGN(const std::string job, world.JobIn(Job::STATE_TRANSFERRING));
  BITS_ASSERT_OK(watch.Await(job, Job::STATE_TRANSFERRING));
  const std::string cursor = watch.LastCursor();
  BITS_EXPECT_OK(world.bitsd.Stop());
  const std::optional<grpc::Status> end = watch.AwaitEnd();
  ASSERT_TRUE(end.has_value());
  EXPECT_THAT(*end, Refused(grpc::StatusCode::UNAVAILABLE, "DRAINING"));
  // Nothing is lost on the way.
  watch.CancelAndWait();
  world.bitsd.Restart();
  Watch again(&world.bitsd.jobs(), After(cursor));
  BITS_EXPECT_OK(again.Await(job, Job::STATE_QUEUED));
  BITS_EXPECT_OK(again.Await(job, Job::STATE_TRANSFERRING));
}

TEST(WatchEnd, DeadlineAndCancellationAreHonoured) {
  TestBitsd bitsd;
  Watch with_deadline(&bitsd.jobs(), {}, absl::Milliseconds(300));
  const std::optional<grpc::Status> end = with_deadline.AwaitEnd();
  ASSERT_TRUE(end.has_value());
  EXPECT_EQ(end->error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  std::vector<std::unique_ptr<Watch>> watches;
  for (int i = 0; i < 50; ++i) watches.push_back(std::make_unique<Watch>(&bitsd.jobs()));
  for (const auto& watch : watches) BITS_EXPECT_OK(watch->AwaitEvent(kAnyType));
  watches.clear();
  // None of them is left to hold up the end.
  BITS_EXPECT_OK(bitsd.process().Stop(absl::Seconds(10)));
}

TEST(WatchMany, EachSeesTheSame) {
  World world;
  std::vector<std::unique_ptr<Watch>> watches;
  for (int i = 0; i < 20; ++i) {
    watches.push_back(std::make_unique<Watch>(&world.bitsd.jobs()));
    BITS_ASSERT_OK(watches.back()->AwaitEvent(kAnyType));
  }
  std::vector<std::string> jobs;
  for (int i = 0; i < 20; ++i) jobs.push_back(world.bitsd.Fetch(world.Serve("content")));
  for (const std::string& job : jobs) {
    for (const auto& watch : watches) BITS_ASSERT_OK(watch->Await(job, Job::STATE_TRANSFERRED));
  }
  for (const auto& watch : watches) {
    EXPECT_THAT(Summary(watch->Events()), ElementsAreArray(Summary(watches[0]->Events())));
  }
}

}  // namespace
}  // namespace bits::testing

// Whose turn it is: bits.md 1.1, 1.4 and design.md on foreground jobs, slots and the order of files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/conformance/harness/world.h"
#include "tests/support/listener.h"
#include "tests/support/status_matchers.h"

namespace bits::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using v1::Job;

constexpr char kOneSlot[] = "policy { background_slots: 1 }";

std::string Background(World& world, const std::string& url) {
  return world.bitsd.Create({.files = {{url}}, .priority = Job::PRIORITY_NORMAL});
}

// A background job that has the slot and keeps it.
std::string Holder(World& world, Job::Priority priority = Job::PRIORITY_NORMAL) {
  const std::string job =
      world.bitsd.Create({.files = {{world.ServeSilence()}}, .priority = priority});
  BITS_EXPECT_OK(world.bitsd.Await(job, Job::STATE_CONNECTING));
  return job;
}

// The jobs of which an event of the watch tells the state, in the order of the events.
std::vector<std::string> OrderOf(World& world, Job::State state) {
  std::vector<std::string> jobs;
  for (const v1::JobEvent& event : world.bitsd.watch().Events()) {
    if (TellsState(event) && event.job().state() == state) jobs.push_back(event.job().name());
  }
  return jobs;
}

TEST(BackgroundSlots, TheOthersWaitAndSayWhatFor) {
  World world({.config = kOneSlot});
  Holder(world);
  const std::string path = world.Put("content");
  const std::string job = Background(world, world.Url(path));
  const Reply<Job> waiting = world.bitsd.Get(job);
  EXPECT_EQ(waiting->state(), Job::STATE_QUEUED);
  EXPECT_EQ(waiting->wait().reason(), v1::Wait::REASON_SLOT);
  EXPECT_FALSE(waiting->wait().has_until());
  // One that runs at once is done, and the origin has not heard of the one that waits.
  BITS_ASSERT_OK(world.bitsd.Await(world.bitsd.Fetch(world.Serve("content")),
                                   Job::STATE_TRANSFERRED));
  EXPECT_EQ(world.origin->RequestCount(path), 0u);
}

TEST(BackgroundSlots, AreGivenByPriorityThenInTheOrderOfWaitingOneAtATime) {
  World world({.config = kOneSlot});
  const std::string holder = Holder(world, Job::PRIORITY_HIGH);
  const auto create = [&](Job::Priority priority) {
    return world.bitsd.Create({.files = {{world.Serve("content")}}, .priority = priority});
  };
  const std::string low = create(Job::PRIORITY_LOW);
  const std::string normal1 = create(Job::PRIORITY_NORMAL);
  const std::string high1 = create(Job::PRIORITY_HIGH);
  const std::string normal2 = create(Job::PRIORITY_NORMAL);
  const std::string high2 = create(Job::PRIORITY_HIGH);
  const std::vector<std::string> jobs = {high1, high2, normal1, normal2, low};
  BITS_ASSERT_ACCEPTED(world.bitsd.Cancel(holder));
  for (const std::string& job : jobs) {
    BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  }
  EXPECT_THAT(OrderOf(world, Job::STATE_TRANSFERRED), ElementsAreArray(jobs));
  // No job began before the one in front of it was done.
  int active = 0;
  for (const v1::JobEvent& event : world.bitsd.watch().Events()) {
    if (!TellsState(event) || event.job().name() == holder) continue;
    if (event.job().state() == Job::STATE_CONNECTING) ++active;
    if (event.job().state() == Job::STATE_TRANSFERRED) --active;
    EXPECT_LE(active, 1);
  }
}

TEST(Preemption, ArrivingHigherPriorityTakesTheSlotAndGivesItBack) {
  World world({.config = kOneSlot});
  const std::string path = world.Put(MakeContent(500'000, 1));
  world.origin->Script(path, {{.stall_after = 100'000}});
  const std::string low =
      world.bitsd.Create({.files = {{world.Url(path)}}, .priority = Job::PRIORITY_LOW});
  BITS_ASSERT_OK(world.bitsd.Await(low, Job::STATE_TRANSFERRING));
  // One of its own priority, and one below: neither has a claim.
  const std::string equal = world.bitsd.Create(
      {.files = {{world.Serve("content")}}, .priority = Job::PRIORITY_LOW});
  const std::string high = world.bitsd.Create(
      {.files = {{world.Serve("content")}}, .priority = Job::PRIORITY_HIGH});
  BITS_ASSERT_OK(world.bitsd.Await(high, Job::STATE_TRANSFERRED));
  // It kept its place, in front of the one that has waited since, and what it had fetched.
  BITS_ASSERT_OK(world.bitsd.Await(low, Job::STATE_TRANSFERRED));
  BITS_ASSERT_OK(world.bitsd.Await(equal, Job::STATE_TRANSFERRED));
  EXPECT_THAT(OrderOf(world, Job::STATE_TRANSFERRED), ElementsAre(high, low, equal));
  EXPECT_THAT(world.bitsd.watch().StatesOf(low),
              ElementsAre(Job::STATE_QUEUED, Job::STATE_CONNECTING, Job::STATE_TRANSFERRING,
                          Job::STATE_QUEUED, Job::STATE_CONNECTING, Job::STATE_TRANSFERRING, Job::STATE_TRANSFERRED));
  EXPECT_EQ(world.bitsd.Get(low)->error_count(), 0u);
  EXPECT_FALSE(world.bitsd.GetError(low).ok());
}

TEST(Preemption, PriorityThatIsRaisedTakesTheSlotToo) {
  World world({.config = kOneSlot});
  const std::string holder = Holder(world);
  const std::string job = Background(world, world.Serve("content"));
  v1::UpdateJobRequest request;
  request.mutable_job()->set_name(job);
  request.mutable_job()->set_priority(Job::PRIORITY_HIGH);
  BITS_ASSERT_ACCEPTED(world.bitsd.Update(request));
  BITS_EXPECT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  BITS_EXPECT_OK(world.bitsd.Await(holder, Job::STATE_CONNECTING));
}

TEST(TimeSlice, EndsWhenAnotherOfThePriorityWaits) {
  World world({.config = "policy { background_slots: 1 time_slice { seconds: 1 } }"});
  const std::string first = Holder(world);
  const std::string second = Background(world, world.ServeSilence());
  // Round and round, with nobody's help.
  for (int round = 0; round < 2; ++round) {
    BITS_ASSERT_OK(world.bitsd.Await(second, Job::STATE_CONNECTING));
    BITS_ASSERT_OK(world.bitsd.Await(first, Job::STATE_CONNECTING));
  }
  const std::vector<Job::State> states = world.bitsd.watch().StatesOf(first);
  ASSERT_GE(states.size(), 4u);
  EXPECT_EQ(states[1], Job::STATE_CONNECTING);
  EXPECT_EQ(states[2], Job::STATE_QUEUED);
  EXPECT_EQ(states[3], Job::STATE_CONNECTING);
  EXPECT_EQ(world.bitsd.Get(first)->error_count(), 0u);
}

TEST(BackgroundSlots, OrderOfWaitingSurvivesARestart) {
  World world({.config = kOneSlot});
  const std::string holder = Holder(world);
  std::vector<std::string> jobs;
  for (int i = 0; i < 5; ++i) jobs.push_back(Background(world, world.Serve("content")));
  v1::WatchJobsRequest request;
  request.set_cursor(world.bitsd.watch().LastCursor());
  world.bitsd.Kill();
  world.bitsd.Restart();
  Watch watch(&world.bitsd.jobs(), request);
  BITS_ASSERT_ACCEPTED(world.bitsd.Cancel(holder));
  for (const std::string& job : jobs) BITS_ASSERT_OK(watch.Await(job, Job::STATE_TRANSFERRED));
  std::vector<std::string> order;
  for (const v1::JobEvent& event : watch.Events()) {
    if (TellsState(event) && event.job().state() == Job::STATE_TRANSFERRED) {
      order.push_back(event.job().name());
    }
  }
  EXPECT_THAT(order, ElementsAreArray(jobs));
}

TEST(BackgroundSlots, SuspendTransientErrorAndErrorGiveTheSlotBack) {
  World world({.config = kOneSlot});
  const std::string holder = Holder(world);
  const std::string failing = Background(world, world.ServeStatus(404));
  const std::string retrying = Background(world, world.ServeStatus(503));
  const std::string last = Background(world, world.Serve("content"));
  BITS_ASSERT_ACCEPTED(world.bitsd.Suspend(holder));
  BITS_EXPECT_OK(world.bitsd.Await(failing, Job::STATE_ERROR));
  BITS_EXPECT_OK(world.bitsd.Await(retrying, Job::STATE_TRANSIENT_ERROR));
  BITS_EXPECT_OK(world.bitsd.Await(last, Job::STATE_TRANSFERRED));
}

TEST(BackgroundSlots, ResumedJobWaitsBehindTheOthers) {
  World world({.config = kOneSlot});
  const std::string holder = Holder(world);
  const std::string first = Background(world, world.Serve("content"));
  const std::string second = Background(world, world.Serve("content"));
  BITS_ASSERT_ACCEPTED(world.bitsd.Suspend(first));
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(first));
  BITS_ASSERT_ACCEPTED(world.bitsd.Cancel(holder));
  BITS_ASSERT_OK(world.bitsd.Await(first, Job::STATE_TRANSFERRED));
  EXPECT_THAT(OrderOf(world, Job::STATE_TRANSFERRED), ElementsAre(second, first));
}

TEST(Foreground, RunsAtOnceBesideFullSlots) {
  World world({.config = kOneSlot});
  Holder(world);
  const std::string job = world.bitsd.Fetch(world.Serve("content"));
  BITS_EXPECT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
}

TEST(Foreground, WaitingJobThatBecomesItRunsAtOnce) {
  World world({.config = kOneSlot});
  Holder(world);
  const std::string job = Background(world, world.Serve("content"));
  v1::UpdateJobRequest request;
  request.mutable_job()->set_name(job);
  request.mutable_job()->set_priority(Job::PRIORITY_FOREGROUND);
  BITS_ASSERT_ACCEPTED(world.bitsd.Update(request));
  BITS_EXPECT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
}

TEST(Hold, JobsOfAHostThatCannotBeReachedWaitAndSayWhatFor) {
  World world({.config = "policy { probe_interval { seconds: 3600 } }"});
  BITS_ASSERT_OK_AND_ASSIGN(const Listener dead, ReserveDeadPort());
  const std::string url = "http://127.0.0.1:" + std::to_string(dead.port) + "/x";
  const std::string failed = world.bitsd.Fetch(url);
  BITS_ASSERT_OK(world.bitsd.Await(failed, Job::STATE_TRANSIENT_ERROR));
  const std::string waits = world.bitsd.Fetch(url);  // FOREGROUND, too
  BITS_ASSERT_OK(world.bitsd.Await(world.bitsd.Fetch(world.Serve("content")),
                                   Job::STATE_TRANSFERRED));
  const Reply<Job> waiting = world.bitsd.Get(waits);
  EXPECT_EQ(waiting->state(), Job::STATE_QUEUED);
  EXPECT_EQ(waiting->attempt_count(), 0u);
  EXPECT_EQ(waiting->wait().reason(), v1::Wait::REASON_HOST);
  EXPECT_GT(TimeOf(waiting->wait().until()), absl::Now() + absl::Minutes(50));
  // Their owners need not wait for the probe: the one in front of the queue tries for both.
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(failed));
  BITS_ASSERT_OK(world.bitsd.Await(waits, Job::STATE_TRANSIENT_ERROR));
  EXPECT_EQ(world.bitsd.Get(failed)->attempt_count(), 1u);
}

TEST(Hold, MendedRemoteNameIsFetchedAtOnce) {
  World world({.config = "policy { probe_interval { seconds: 3600 } }"});
  BITS_ASSERT_OK_AND_ASSIGN(const Listener dead, ReserveDeadPort());
  const std::string url = "http://127.0.0.1:" + std::to_string(dead.port) + "/x";
  BITS_ASSERT_OK(world.bitsd.Await(world.bitsd.Fetch(url), Job::STATE_TRANSIENT_ERROR));
  const std::string job = world.bitsd.Fetch(url);
  BITS_ASSERT_ACCEPTED(world.bitsd.SetRemoteName(job, 1, world.Serve("content")));
  BITS_EXPECT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
}

TEST(MaximumParallelFiles, OneGivesBitsStrictOrder) {
  World world;
  JobSpec spec{.parallel_files = 1};
  std::vector<std::string> paths;
  for (int i = 0; i < 5; ++i) {
    // The earlier, the larger: side by side they would end the other way round.
    paths.push_back(world.Put(MakeContent(static_cast<size_t>(500'000 - i * 100'000), 1)));
    spec.files.push_back({world.Url(paths.back())});
  }
  world.origin->Script(paths[0], {{.stall_after = 1000}});
  const std::string job = world.bitsd.Create(spec);
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRING));
  EXPECT_EQ(world.origin->RequestCount(paths[1]), 0u);
  world.origin->Release();
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  std::vector<std::string> order;
  for (const v1::JobEvent& event : world.bitsd.watch().EventsOf(job)) {
    if (event.type() == v1::JobEvent::TYPE_FILE_TRANSFERRED) order.push_back(event.file());
  }
  EXPECT_THAT(order, ElementsAre(job + "/files/1", job + "/files/2", job + "/files/3",
                                 job + "/files/4", job + "/files/5"));
}

class ParallelFiles : public ::testing::TestWithParam<int> {};

TEST_P(ParallelFiles, AreSoManyAndNoMore) {
  World world;
  const int given = GetParam();
  const int expected = given == 0 ? 4 : given;  // the default
  JobSpec spec{.parallel_files = static_cast<uint32_t>(given)};
  std::vector<std::string> paths;
  for (int i = 0; i <= expected; ++i) {
    paths.push_back(world.Put("content", {.stall_before_head = true}));
    spec.files.push_back({world.Url(paths.back())});
  }
  const std::string job = world.bitsd.Create(spec);
  for (int i = 0; i < expected; ++i) {
    EXPECT_TRUE(world.origin->WaitForRequests(paths[static_cast<size_t>(i)], 1, kPatience)) << i;
  }
  // Another job is done meanwhile: there was time for one more.
  BITS_ASSERT_OK(world.bitsd.Await(world.bitsd.Fetch(world.Serve("content")),
                                   Job::STATE_TRANSFERRED));
  EXPECT_EQ(world.origin->RequestCount(paths.back()), 0u);
  world.origin->Release();
  BITS_EXPECT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
}

INSTANTIATE_TEST_SUITE_P(Of, ParallelFiles, ::testing::Values(0, 2, 64));

TEST(MaximumParallelFiles, MoreThanSixtyFourIsRefused) {
  World& world = SharedWorld();
  v1::CreateJobRequest request = world.bitsd.RequestFor({.start = false, .parallel_files = 65});
  EXPECT_THAT(world.bitsd.CreateJob(request),
              RefusedField("job.transfer_options.max_parallel_files", "E_INVALIDARG"));
}

TEST(ManyFiles, OfOneJobAllArrive) {
  World& world = SharedWorld();
  JobSpec spec;
  for (int i = 0; i < 300; ++i) {
    spec.files.push_back({world.Serve("content of " + std::to_string(i))});
  }
  const std::string job = world.bitsd.Create(spec);
  BITS_ASSERT_OK_AND_ASSIGN(const Job done, world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  EXPECT_EQ(done.progress().files_transferred(), 300u);
  EXPECT_EQ(done.progress().bytes_total(), done.progress().bytes_transferred());
  BITS_ASSERT_ACCEPTED(world.bitsd.Complete(job));
  const std::vector<std::string> paths = world.bitsd.PathsOf(job);
  for (size_t i = 0; i < paths.size(); ++i) {
    EXPECT_EQ(ReadFileOr(paths[i], "-"), "content of " + std::to_string(i));
  }
}

}  // namespace
}  // namespace bits::testing

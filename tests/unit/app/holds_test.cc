// Hosts and destinations that are out of order: who is passed over, who probes, who is told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "server/domain/error_code.h"
#include "tests/unit/app/world.h"

namespace bits::app::testing {
namespace {

using domain::JobId;
using domain::JobState;

domain::Failure Unreachable() {
  domain::Failure failure;
  failure.hresult = domain::kCannotConnect;
  failure.context = domain::ErrorContext::kRemoteFile;
  failure.contact = domain::Contact::kFailed;
  return failure;
}
domain::Failure Busy() {
  domain::Failure failure;
  failure.hresult = domain::FromHttpStatus(503);
  failure.context = domain::ErrorContext::kRemoteFile;
  failure.http_status = 503;
  failure.contact = domain::Contact::kMade;
  return failure;
}
domain::Failure DiskFull() {
  domain::Failure failure;
  failure.hresult = domain::kDiskFull;
  failure.context = domain::ErrorContext::kLocalFile;
  return failure;
}

class HoldBoardTest : public ::testing::Test {
 protected:
  JobId Create(const std::vector<std::string>& urls, domain::Job properties = {},
               const std::string& directory = "") {
    properties.display_name = "job";
    std::vector<NewFile> files;
    for (const std::string& url : urls) {
      files.push_back({url, directory + "f" + std::to_string(++created_), {}});
    }
    Answer<domain::Job> answer;
    w_.app->jobs().CreateJob(w_.alice, properties, files, true, {}, answer.Callback());
    EXPECT_TRUE(answer.value().ok()) << answer.value().status();
    w_.clock.Advance(absl::Milliseconds(1));
    return answer.value()->id;
  }
  bool Active(const JobId& id) { return domain::IsActive(w_.State(id)); }
  size_t ActiveOf(const std::vector<JobId>& ids) {
    size_t active = 0;
    for (const JobId& id : ids) active += Active(id) ? 1 : 0;
    return active;
  }
  void Wait(absl::Duration time) {
    w_.clock.Advance(time);
    w_.app->timers().RunOnce();
    w_.Turn();
  }

  World w_{4};
  int created_ = 0;
};

TEST_F(HoldBoardTest, OneFailureHoldsTheHostAndOthersGoOn) {
  const JobId first = Create({"http://dead.test/1"});
  w_.Turn();
  std::vector<JobId> waiting;
  for (int i = 0; i < 10; ++i) waiting.push_back(Create({"http://dead.test/x"}));
  w_.engine->Failed(first, 1, Unreachable());
  EXPECT_EQ(w_.State(first), JobState::kTransientError);
  const JobId other = Create({"http://dead.test:81/1"});
  w_.Turn();
  EXPECT_EQ(ActiveOf(waiting), 0u);
  EXPECT_TRUE(Active(other)) << "another port is another host";
  const domain::Job job = w_.Get(waiting[0]);
  ASSERT_TRUE(job.held.has_value());
  EXPECT_TRUE(job.held->by_host);
  EXPECT_LE(job.held->until, w_.clock.Now() + absl::Seconds(1));
  EXPECT_FALSE(w_.Get(other).held.has_value());
  EXPECT_EQ(w_.app->scheduler().next_look(), job.held->until);

  // The probes, one at a time, each after twice the time.
  for (const int seconds : {1, 2, 4}) {
    Wait(absl::Seconds(seconds));
    ASSERT_EQ(ActiveOf(waiting), 1u);
    EXPECT_TRUE(Active(waiting[0]));
    w_.engine->Failed(waiting[0], 1, Unreachable());
    waiting.erase(waiting.begin());
    w_.Turn();
    EXPECT_EQ(ActiveOf(waiting), 0u);
  }
}

TEST_F(HoldBoardTest, AnswerEndsTheHoldAndQueuesThoseThatFailedForIt) {
  const JobId first = Create({"http://dead.test/1"});
  const JobId second = Create({"http://dead.test/2"});
  const JobId busy = Create({"http://busy.test/3"});
  w_.Turn();
  const JobId probe = Create({"http://dead.test/4"});
  w_.engine->Failed(first, 1, Unreachable());
  w_.engine->Failed(second, 1, Unreachable());
  domain::Failure failure;
  failure.hresult = domain::FromHttpStatus(503);
  failure.http_status = 503;
  w_.engine->Failed(busy, 1, failure);
  w_.Turn();
  EXPECT_FALSE(Active(probe));
  Wait(absl::Seconds(1));
  ASSERT_TRUE(Active(probe));
  // An error of HTTP is an answer, too.
  failure.hresult = domain::FromHttpStatus(404);
  failure.http_status = 404;
  w_.engine->Failed(probe, 1, failure);
  EXPECT_EQ(w_.State(probe), JobState::kError);
  w_.Turn();
  EXPECT_TRUE(Active(first));
  EXPECT_TRUE(Active(second));
  EXPECT_EQ(w_.State(busy), JobState::kTransientError) << "it failed for another reason";
}

TEST_F(HoldBoardTest, RetryDueWaitsInTheQueueUntilItsNoProgressTimeoutIsUsedUp) {
  domain::Job properties;
  properties.no_progress_timeout = absl::Minutes(15);  // one retry, after ten
  const JobId job = Create({"http://dead.test/1"}, properties);
  w_.Turn();
  w_.engine->Failed(job, 1, Unreachable());
  const absl::Time stalled = w_.clock.Now();
  const JobId probe = Create({"http://dead.test/2"});
  Wait(absl::Seconds(1));
  ASSERT_TRUE(Active(probe));  // and it hangs
  Wait(absl::Minutes(10));
  EXPECT_EQ(w_.State(job), JobState::kQueued);
  EXPECT_TRUE(w_.Get(job).held.has_value());
  EXPECT_EQ(w_.app->timers().RunOnce(), stalled + absl::Minutes(15));
  Wait(absl::Minutes(5));
  EXPECT_EQ(w_.State(job), JobState::kError);
  EXPECT_EQ(w_.Get(job).error->hresult, domain::kCannotConnect);
  EXPECT_FALSE(w_.Get(job).error->transient);
}

TEST_F(HoldBoardTest, ForegroundJobsWaitTooAndResumeProbesAtOnce) {
  domain::Job foreground;
  foreground.priority = domain::Priority::kForeground;
  const JobId first = Create({"http://dead.test/1"}, foreground);
  w_.Turn();
  w_.engine->Failed(first, 1, Unreachable());
  const JobId second = Create({"http://dead.test/2"}, foreground);
  for (const int seconds : {1, 2, 4, 8}) {
    Wait(absl::Seconds(seconds));
    ASSERT_TRUE(Active(second));
    w_.engine->Failed(second, 1, Unreachable());
    EXPECT_TRUE(w_.Do(&JobManager::SuspendJob, second).value().ok());
    EXPECT_TRUE(w_.Do(&JobManager::ResumeJob, second).value().ok());
    w_.Turn();
    EXPECT_FALSE(Active(second)) << "not within a second";
    EXPECT_LE(w_.Get(second).held->until, w_.clock.Now() + absl::Seconds(1));
    Wait(absl::Seconds(1));
    ASSERT_TRUE(Active(second));
    w_.engine->Failed(second, 1, Unreachable());
    EXPECT_TRUE(w_.Do(&JobManager::ResumeJob, second).value().ok());
  }
}

TEST_F(HoldBoardTest, ProbeThatIsSuspendedMakesRoomForAnother) {
  const JobId first = Create({"http://dead.test/1"});
  w_.Turn();
  w_.engine->Failed(first, 1, Unreachable());
  const JobId a = Create({"http://dead.test/2"});
  const JobId b = Create({"http://dead.test/3"});
  Wait(absl::Seconds(1));
  ASSERT_TRUE(Active(a));
  EXPECT_TRUE(w_.Do(&JobManager::SuspendJob, a).value().ok());
  w_.Turn();
  EXPECT_FALSE(Active(b));
  Wait(absl::Seconds(1));
  EXPECT_TRUE(Active(b));
}

TEST_F(HoldBoardTest, JobOfSeveralHostsGivesWayWhenItComesToTheHeldOne) {
  domain::Job properties;
  properties.options.max_parallel_files = 1;
  const JobId job = Create({"http://good.test/1", "http://dead.test/2"}, properties);
  const JobId bad = Create({"http://dead.test/1"});
  w_.Turn();
  w_.engine->Failed(bad, 1, Unreachable());
  w_.engine->Transferred(job, 1, 1);
  // No attempt was made, and none failed.
  EXPECT_EQ(w_.State(job), JobState::kQueued);
  EXPECT_EQ(w_.Get(job).host, "dead.test:80");
  EXPECT_EQ(w_.Get(job).error_count, 0u);
  w_.Turn();
  EXPECT_FALSE(Active(job));
  EXPECT_TRUE(w_.Get(job).held.has_value());
  Wait(absl::Seconds(1));
  ASSERT_THAT(w_.engine->UnderWay(job), ::testing::ElementsAre(2));
  w_.engine->Transferred(job, 2, 1);
  EXPECT_EQ(w_.State(job), JobState::kTransferred);
}

TEST_F(HoldBoardTest, MendedRemoteNameIsNoLongerHeld) {
  const JobId job = Create({"http://dead.test/1"});
  w_.Turn();
  w_.engine->Failed(job, 1, Unreachable());
  Answer<domain::File> answer;
  w_.app->jobs().UpdateFile(w_.alice, job, 1, {"http://good.test/1", std::nullopt}, {},
                            answer.Callback());
  Wait(absl::Minutes(10));
  EXPECT_TRUE(Active(job));
}

TEST_F(HoldBoardTest, FullDestinationHoldsItsRootAlone) {
  const JobId first = Create({"http://a.test/1"});
  w_.Turn();
  w_.engine->Failed(first, 1, DiskFull());
  EXPECT_EQ(w_.State(first), JobState::kError);
  const JobId second = Create({"http://b.test/2"});
  const JobId third = Create({"http://c.test/3"});
  const JobId elsewhere = Create({"http://b.test/4"}, {}, "/other/");
  w_.Turn();
  EXPECT_FALSE(Active(second));
  EXPECT_TRUE(Active(elsewhere));
  ASSERT_TRUE(w_.Get(second).held.has_value());
  EXPECT_FALSE(w_.Get(second).held->by_host);
  Wait(absl::Seconds(1));
  ASSERT_TRUE(Active(second));
  EXPECT_FALSE(Active(third));
  w_.engine->At(second, 1).observer->OnCheckpoint({1, 2, {}, std::nullopt});
  w_.Turn();
  EXPECT_TRUE(Active(third));
  EXPECT_EQ(w_.State(first), JobState::kError) << "its owner is to resume it";
}

TEST_F(HoldBoardTest, ProbeThatIsSuspendedBeforeItsTurnMakesRoomForAnother) {
  const JobId first = Create({"http://dead.test/1"});
  w_.Turn();
  w_.engine->Failed(first, 1, Unreachable());
  const JobId a = Create({"http://dead.test/2"});
  const JobId b = Create({"http://dead.test/3"});
  w_.clock.Advance(absl::Seconds(1));
  // The second look at the clock is the plan's, when the queue has been read.
  w_.clock.AtCall(2, [&] { EXPECT_TRUE(w_.Do(&JobManager::SuspendJob, a).value().ok()); });
  w_.Turn();
  ASSERT_EQ(w_.State(a), JobState::kSuspended);
  Wait(absl::Seconds(1));
  EXPECT_TRUE(Active(b));
}

TEST_F(HoldBoardTest, ProbeWhoseRemoteNameIsMendedMakesRoomForAnother) {
  const JobId first = Create({"http://dead.test/1"});
  w_.Turn();
  w_.engine->Failed(first, 1, Unreachable());
  const JobId probe = Create({"http://dead.test/2"});
  const JobId other = Create({"http://dead.test/3"});
  Wait(absl::Seconds(1));
  ASSERT_TRUE(Active(probe));
  Answer<domain::File> answer;
  w_.app->jobs().UpdateFile(w_.alice, probe, 1, {"http://good.test/1", std::nullopt}, {},
                            answer.Callback());
  ASSERT_TRUE(answer.value().ok()) << answer.value().status();
  w_.engine->StopAllAsked(probe);
  Wait(absl::Seconds(1));
  EXPECT_TRUE(Active(probe));
  EXPECT_TRUE(Active(other));
}

TEST_F(HoldBoardTest, ProbeThatIsDueWhileTheSchedulerLooksIsLookedAtAgain) {
  const JobId first = Create({"http://dead.test/1"});
  w_.Turn();
  w_.engine->Failed(first, 1, Unreachable());
  const JobId probe = Create({"http://dead.test/2"});
  w_.clock.Advance(absl::Milliseconds(998));
  w_.clock.AtCall(2, [&] { w_.clock.Advance(absl::Seconds(1)); });
  w_.Turn();
  EXPECT_FALSE(Active(probe));
  EXPECT_LE(w_.app->scheduler().next_look(), w_.clock.Now());
}

TEST_F(HoldBoardTest, JobWithProxiesOfItsOwnNeitherHoldsNorIsHeld) {
  domain::Job properties;
  properties.proxy = {domain::ProxyUsage::kOverride, "proxy.test:3128", ""};
  const JobId by_proxy = Create({"http://shared.test/1"}, properties);
  const JobId direct = Create({"http://shared.test/2"});
  w_.Turn();
  w_.engine->Failed(by_proxy, 1, Unreachable());
  const JobId next = Create({"http://shared.test/3"});
  w_.Turn();
  EXPECT_TRUE(Active(next)) << "the way by that proxy is not the others'";
  w_.engine->Failed(direct, 1, Unreachable());
  EXPECT_TRUE(w_.Do(&JobManager::SuspendJob, next).value().ok());
  EXPECT_TRUE(w_.Do(&JobManager::ResumeJob, next).value().ok());
  EXPECT_TRUE(w_.Do(&JobManager::ResumeJob, by_proxy).value().ok());
  w_.Turn();
  EXPECT_TRUE(Active(by_proxy));
  EXPECT_FALSE(Active(next));
  w_.engine->At(by_proxy, 1).observer->OnBytesArrive();
  w_.Turn();
  EXPECT_FALSE(Active(next)) << "nor is that it is there by the proxy";
}

TEST_F(HoldBoardTest, QueuedJobWhoseHostIsBackHasAllTheTimeInTheWorld) {
  domain::Job properties;
  properties.no_progress_timeout = absl::Minutes(15);
  const JobId job = Create({"http://dead.test/1"}, properties);
  w_.Turn();
  w_.engine->Failed(job, 1, Unreachable());
  // All slots are taken by others when the host is back.
  domain::Job high;
  high.priority = domain::Priority::kHigh;
  std::vector<JobId> others;
  for (int i = 0; i < 4; ++i) others.push_back(Create({"http://dead.test/h"}, high));
  Wait(absl::Seconds(1));
  w_.engine->At(others[0], 1).observer->OnBytesArrive();
  w_.Turn();
  ASSERT_EQ(w_.State(job), JobState::kQueued);
  ASSERT_EQ(ActiveOf(others), 4u);
  for (int i = 0; i < 12; ++i) Wait(absl::Minutes(5));
  EXPECT_EQ(w_.State(job), JobState::kQueued);
  // Nor does the wait count when it has its turn at last.
  for (const JobId& other : others) w_.engine->Transferred(other, 1, 1);
  w_.Turn();
  ASSERT_TRUE(Active(job));
  w_.engine->Failed(job, 1, Unreachable());
  EXPECT_EQ(w_.State(job), JobState::kTransientError);
}

TEST_F(HoldBoardTest, ManyThatAreBackAreQueuedPageByPage) {
  std::vector<JobId> jobs;
  w_.policy["background_slots"] = uint64_t{10'000};
  w_.Restart();
  for (int i = 0; i < 600; ++i) jobs.push_back(Create({"http://dead.test/1"}));
  w_.Turn();
  ASSERT_EQ(ActiveOf(jobs), 600u);
  for (const JobId& job : jobs) w_.engine->Failed(job, 1, Unreachable());
  const JobId probe = Create({"http://dead.test/2"});
  Wait(absl::Seconds(1));
  ASSERT_TRUE(Active(probe));
  w_.engine->At(probe, 1).observer->OnBytesArrive();
  for (int i = 0; i < 5; ++i) w_.Turn();  // as each page pokes
  EXPECT_EQ(ActiveOf(jobs), 600u);
}

class MirrorTurnTest : public HoldBoardTest {
 protected:
  JobId CreateWith(const std::string& url, const std::vector<std::string>& mirrors) {
    domain::Job properties;
    properties.display_name = "job";
    NewFile file{url, "m" + std::to_string(++created_), {}};
    file.mirrors = mirrors;
    Answer<domain::Job> answer;
    w_.app->jobs().CreateJob(w_.alice, properties, {file}, true, {}, answer.Callback());
    EXPECT_TRUE(answer.value().ok()) << answer.value().status();
    return answer.value()->id;
  }
  std::string Asked(const JobId& id) {
    const FakeEngine::Try t = w_.engine->At(id, 1);
    return t.id == 0 ? "nobody" : domain::SourceName(t.spec.file);
  }
};

// The store commits at once here, so that the next source is asked before the failed try's report ends.
TEST_F(MirrorTurnTest, TheNextSourcesTryIsTheTurnsOwn) {
  const JobId id = CreateWith("http://a.test/1", {"http://b.test/1"});
  w_.Turn();
  ASSERT_EQ(Asked(id), "http://a.test/1");
  w_.engine->Failed(id, 1, Unreachable());
  ASSERT_EQ(Asked(id), "http://b.test/1");
  EXPECT_TRUE(Active(id));
  const auto suspended = w_.Do(&JobManager::SuspendJob, id);
  EXPECT_EQ(w_.engine->UnderWay(id, true), std::vector<uint32_t>{1}) << "it is asked to stop";
  w_.engine->StopAllAsked(id);
  EXPECT_EQ(w_.State(id), JobState::kSuspended);
}

TEST_F(MirrorTurnTest, AHeldMirrorIsPassedOverAndEndsTheRound) {
  const JobId other = Create({"http://b.test/x"});
  w_.Turn();
  w_.engine->Failed(other, 1, Unreachable());  // b is held
  const JobId id = CreateWith("http://a.test/1", {"http://b.test/1"});
  w_.Turn();
  ASSERT_EQ(Asked(id), "http://a.test/1");
  w_.engine->Failed(id, 1, Busy());
  EXPECT_EQ(Asked(id), "nobody");
  EXPECT_EQ(w_.State(id), JobState::kTransientError) << "it does not wait for b alone";
  w_.Do(&JobManager::ResumeJob, id);
  w_.Turn();
  EXPECT_EQ(Asked(id), "http://a.test/1");
}

TEST_F(MirrorTurnTest, AHeldSourceIsNotAskedWhileThereIsAnother) {
  const JobId other = Create({"http://a.test/x"});
  w_.Turn();
  w_.engine->Failed(other, 1, Unreachable());
  const JobId id = CreateWith("http://a.test/1", {"http://b.test/1"});
  w_.Turn();
  EXPECT_EQ(Asked(id), "http://b.test/1");
}

}  // namespace
}  // namespace bits::app::testing

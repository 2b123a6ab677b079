// The policy's record, and the counts that its limits need.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "server/base/status_macros.h"
#include "tests/contract/job_store_contract.h"
#include "tests/support/status_matchers.h"

namespace bits::testing {
namespace {

using app::PolicyRecord;
using app::Transaction;
using domain::JobState;
using domain::LiveJobs;

PolicyRecord SomePolicy() {
  PolicyRecord record;
  record.settings["max_jobs"] = uint64_t{7};
  record.settings["of_a_newer_version"] = absl::Nanoseconds(1'000'000'001);
  record.settings["zero"] = uint64_t{0};
  record.settings["text"] = std::string("any \xff text");
  domain::RateLimits limits;
  limits.server = 1;
  limits.background = 0;
  limits.priority = {2, 3, std::nullopt, 0};
  limits.per_host = 5;
  limits.hosts["example.com"] = 6;
  record.settings["limits"] = limits;
  record.settings["no_limits"] = domain::RateLimits();
  record.settings["hours"] = std::vector<domain::WeeklyHours>{{1, 5, 480, 1020}, {6, 0, 0, 1440}};
  record.version = 3;
  record.timers = domain::TimerPolicy{absl::InfiniteDuration(), absl::Milliseconds(1)};
  return record;
}

PolicyRecord PolicyOf(app::JobStore& store) {
  PolicyRecord record;
  BITS_EXPECT_OK(CommitAndWait(store, [&](Transaction& t) -> absl::Status {
    BITS_ASSIGN_OR_RETURN(record, t.GetPolicy());
    return absl::OkStatus();
  }));
  return record;
}

LiveJobs LiveJobsOf(app::JobStore& store, const std::string& owner) {
  LiveJobs live;
  BITS_EXPECT_OK(CommitAndWait(store, [&](Transaction& t) -> absl::Status {
    BITS_ASSIGN_OR_RETURN(live, t.CountLiveJobs(owner));
    return absl::OkStatus();
  }));
  return live;
}

TEST_P(JobStoreContract, PolicyIsReadAsItWasWritten) {
  EXPECT_EQ(PolicyOf(store()), PolicyRecord());
  const PolicyRecord written = SomePolicy();
  PolicyRecord within;
  BITS_ASSERT_OK(Commit([&](Transaction& t) -> absl::Status {
    BITS_RETURN_IF_ERROR(t.PutPolicy(written));
    BITS_ASSIGN_OR_RETURN(within, t.GetPolicy());
    return absl::OkStatus();
  }));
  EXPECT_EQ(within, written);
  EXPECT_EQ(PolicyOf(store()), written);
  PolicyRecord next = written;
  next.settings.erase("max_jobs");
  next.timers.reset();
  BITS_ASSERT_OK(Commit([&](Transaction& t) { return t.PutPolicy(next); }));
  EXPECT_EQ(PolicyOf(store()), next);
}

TEST_P(JobStoreContract, PolicyOfAFailedBodyIsNotKept) {
  BITS_ASSERT_OK(Commit([&](Transaction& t) { return t.PutPolicy(SomePolicy()); }));
  EXPECT_THAT(Commit([&](Transaction& t) -> absl::Status {
                BITS_RETURN_IF_ERROR(t.PutPolicy(PolicyRecord()));
                return absl::AbortedError("no");
              }),
              HasCode(absl::StatusCode::kAborted));
  EXPECT_EQ(PolicyOf(store()), SomePolicy());
}

TEST_P(DurableJobStoreContract, PolicyAndCountsAreThereAgain) {
  BITS_ASSERT_OK(Commit([&](Transaction& t) { return t.PutPolicy(SomePolicy()); }));
  InsertQueued();
  Open({});
  EXPECT_EQ(PolicyOf(store()), SomePolicy());
  EXPECT_EQ(LiveJobsOf(store(), "owner"), (LiveJobs{1, 1}));
}

TEST_P(JobStoreContract, LiveJobsAreCountedByOwnerAndInAll) {
  EXPECT_EQ(LiveJobsOf(store(), "owner"), LiveJobs());
  domain::Job first = InsertQueued();
  domain::Job second = InsertQueued();
  domain::Job other = QueuedJob(samples().Id(), "other", absl::UnixEpoch());
  Insert(other);
  domain::Job done = QueuedJob(samples().Id(), "other", absl::UnixEpoch());
  done.state = JobState::kCancelled;
  Insert(done);  // counts for nobody
  EXPECT_EQ(LiveJobsOf(store(), "owner"), (LiveJobs{2, 3}));
  EXPECT_EQ(LiveJobsOf(store(), "other"), (LiveJobs{1, 3}));

  first.state = JobState::kTransferred;
  Update(first);
  EXPECT_EQ(LiveJobsOf(store(), "owner"), (LiveJobs{2, 3}));
  first.state = JobState::kAcknowledged;
  Update(first);
  EXPECT_EQ(LiveJobsOf(store(), "owner"), (LiveJobs{1, 2}));
  second.owner = "other";
  Update(second);
  EXPECT_EQ(LiveJobsOf(store(), "owner"), (LiveJobs{0, 2}));
  EXPECT_EQ(LiveJobsOf(store(), "other"), (LiveJobs{2, 2}));
  second.state = JobState::kCancelled;
  second.owner = "owner";
  Update(second);
  EXPECT_EQ(LiveJobsOf(store(), "other"), (LiveJobs{1, 1}));
  BITS_ASSERT_OK(Commit([&](Transaction& t) -> absl::Status {
    BITS_RETURN_IF_ERROR(t.DeleteJob(other.id));
    return t.DeleteJob(done.id);
  }));
  EXPECT_EQ(LiveJobsOf(store(), "other"), LiveJobs());
}

TEST_P(JobStoreContract, CountsSeeTheTransactionsOwnWritesAndGoBackWithThem) {
  domain::Job kept = InsertQueued();
  domain::Job added = QueuedJob(samples().Id(), "owner", absl::UnixEpoch());
  LiveJobs within;
  EXPECT_THAT(Commit([&](Transaction& t) -> absl::Status {
                domain::Job copy = added;
                BITS_RETURN_IF_ERROR(t.InsertJob(copy, absl::InfiniteFuture()));
                domain::Job ended = kept;
                ended.state = JobState::kCancelled;
                BITS_RETURN_IF_ERROR(t.UpdateJob(ended, absl::InfiniteFuture()));
                copy.owner = "another";
                BITS_RETURN_IF_ERROR(t.UpdateJob(copy, absl::InfiniteFuture()));
                BITS_RETURN_IF_ERROR(t.DeleteJob(kept.id));
                BITS_ASSIGN_OR_RETURN(within, t.CountLiveJobs("another"));
                return absl::AbortedError("no");
              }),
              HasCode(absl::StatusCode::kAborted));
  EXPECT_EQ(within, (LiveJobs{1, 1}));
  EXPECT_EQ(LiveJobsOf(store(), "owner"), (LiveJobs{1, 1}));
  EXPECT_EQ(LiveJobsOf(store(), "another"), (LiveJobs{0, 1}));
}

TEST_P(JobStoreContract, CountsAgreeWithTheJobsWhateverHappened) {
  std::vector<domain::Job> jobs;
  for (int i = 0; i < 60; ++i) {
    jobs.push_back(samples().Job());
    Insert(jobs.back());
  }
  for (int i = 0; i < 120; ++i) {
    domain::Job& job = jobs[samples().Below(jobs.size())];
    const uint64_t version = job.version;
    const domain::JobId id = job.id;
    job = samples().Job();
    job.id = id;
    job.version = version;
    Update(job);
  }
  std::map<std::string, uint64_t> of_owner;
  uint64_t in_all = 0;
  for (const domain::Job& job : jobs) {
    of_owner.try_emplace(job.owner, 0);
    if (domain::IsFinal(job.state)) continue;
    ++of_owner[job.owner];
    ++in_all;
  }
  for (const auto& [owner, count] : of_owner) {
    EXPECT_EQ(LiveJobsOf(store(), owner), (LiveJobs{count, in_all})) << owner;
  }
}

TEST_P(JobStoreContract, EventsKeptCanBeChanged) {
  StoreLimits limits;
  limits.events_kept = 1000;
  Open(limits);
  AppendEvents(100);
  store().SetEventsKept(20);
  AppendEvents(20);
  const app::Revision last = *store().LastRevision();
  const app::Revision oldest = *store().OldestCursor();
  EXPECT_GE(last - oldest, 20u);
  EXPECT_LE(last - oldest, 40u);
}

}  // namespace
}  // namespace bits::testing

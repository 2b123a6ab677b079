// Lists of jobs: pages, filters, the queue, timers, what is unsettled.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "server/base/status_macros.h"
#include "tests/contract/job_store_contract.h"
#include "tests/support/status_matchers.h"

namespace bits::testing {
namespace {

using absl::StatusCode;
using app::QueueClass;
using app::Transaction;
using domain::JobFilter;
using domain::JobState;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::IsEmpty;

std::vector<domain::JobId> IdsOf(const std::vector<domain::Job>& jobs) {
  std::vector<domain::JobId> ids;
  for (const domain::Job& job : jobs) ids.push_back(job.id);
  return ids;
}

std::vector<domain::JobId> Ids(const absl::StatusOr<std::vector<domain::JobId>>& ids) {
  EXPECT_THAT(ids, IsOk());
  return ids.ok() ? *ids : std::vector<domain::JobId>();
}

JobFilter StateIs(JobState state) {
  JobFilter filter;
  filter.kind = JobFilter::Kind::kComparison;
  filter.comparison.value = static_cast<int64_t>(state);
  return filter;
}

JobFilter DisplayNameIs(const std::string& name) {
  JobFilter filter;
  filter.kind = JobFilter::Kind::kComparison;
  filter.comparison.field = domain::FilterField::kDisplayName;
  filter.comparison.value = name;
  return filter;
}

TEST_P(JobStoreContract, JobsAreListedInTheOrderOfCreationPageByPage) {
  std::vector<domain::JobId> ids;
  for (int i = 0; i < 25; ++i) ids.push_back(InsertQueued().id);
  app::JobQuery query;
  EXPECT_EQ(IdsOf(ListAll(query)), ids);
  for (const uint32_t limit : {1u, 7u, 24u, 25u, 26u}) {
    query.limit = limit;
    int pages = 0;
    EXPECT_EQ(IdsOf(ListAll(query, &pages)), ids);
    EXPECT_EQ(pages, static_cast<int>((ids.size() + limit - 1) / limit)) << limit;
  }
  query.limit = 0;
  const auto none = store().ListJobs(query);
  ASSERT_THAT(none, IsOk());
  EXPECT_THAT(none->jobs, IsEmpty());
  EXPECT_EQ(none->last, query.after);
  query.limit = 10;
  query.after = std::numeric_limits<uint64_t>::max();
  EXPECT_THAT(ListAll(query), IsEmpty());
}

TEST_P(JobStoreContract, JobCreatedWhileOnePagesComesAtTheEnd) {
  const domain::JobId first = InsertQueued().id;
  app::JobQuery query;
  const auto page = store().ListJobs(query);
  ASSERT_THAT(page, IsOk());
  EXPECT_TRUE(page->end);
  query.after = page->last;
  const domain::JobId second = InsertQueued().id;
  EXPECT_THAT(IdsOf(ListAll(query)), ElementsAre(second));
  // A number is not given again, though the job that had it is gone.
  query.after = store().ListJobs(query)->last;
  BITS_EXPECT_OK(Commit([&](Transaction& t) { return t.DeleteJob(second); }));
  if (durable()) Open({});
  const domain::Job third = QueuedJob(samples().Id(), "owner", absl::UnixEpoch());
  domain::Job inserted = third;
  Insert(inserted);
  EXPECT_THAT(IdsOf(ListAll(query)), ElementsAre(third.id));
}

TEST_P(JobStoreContract, ListIsOfAnOwnerAndWithoutFinalJobsUnlessAsked) {
  std::vector<std::pair<std::string, JobState>> made;
  std::vector<domain::JobId> ids;
  for (int state = 0; state < domain::kJobStateCount; ++state) {
    for (const char* owner : {"a", "b"}) {
      domain::Job job = QueuedJob(samples().Id(), owner, absl::UnixEpoch());
      job.state = static_cast<JobState>(state);
      Insert(job);
      ids.push_back(job.id);
      made.emplace_back(owner, job.state);
    }
  }
  for (const bool show_final : {false, true}) {
    for (const char* owner : {"", "a", "b", "c"}) {
      std::vector<domain::JobId> expected;
      for (size_t i = 0; i < ids.size(); ++i) {
        if (*owner != '\0' && made[i].first != owner) continue;
        if (!show_final && domain::IsFinal(made[i].second)) continue;
        expected.push_back(ids[i]);
      }
      app::JobQuery query;
      query.show_final = show_final;
      if (*owner != '\0') query.owner = owner;
      for (const uint32_t limit : {1u, 3u, 100u}) {
        query.limit = limit;
        EXPECT_EQ(IdsOf(ListAll(query)), expected) << owner << show_final << limit;
      }
    }
  }
}

TEST_P(JobStoreContract, ListFollowsChanges) {
  domain::Job job = InsertQueued();
  app::JobQuery queued;
  queued.filter = StateIs(JobState::kQueued);
  app::JobQuery named;
  named.filter = DisplayNameIs("other");
  EXPECT_THAT(IdsOf(ListAll(queued)), ElementsAre(job.id));
  EXPECT_THAT(ListAll(named), IsEmpty());
  job.state = JobState::kSuspended;
  job.display_name = "other";
  Update(job);
  EXPECT_THAT(ListAll(queued), IsEmpty());
  EXPECT_THAT(ListAll(named), ElementsAre(job));
  job.owner = "new owner";
  job.labels["k"] = "v";
  Update(job);
  named.owner = "owner";
  EXPECT_THAT(ListAll(named), IsEmpty());
  named.owner = "new owner";
  EXPECT_THAT(ListAll(named), ElementsAre(job));
}

TEST_P(JobStoreContract, RareMatchesGiveShortPagesNotLongWaits) {
  StoreLimits limits;
  limits.rows_per_page = 10;
  Open(limits);
  std::vector<domain::JobId> rare;
  for (int i = 0; i < 95; ++i) {
    domain::Job job = QueuedJob(samples().Id(), "owner", absl::UnixEpoch());
    if (i == 3 || i == 77) {
      job.display_name = "rare";
      rare.push_back(job.id);
    }
    Insert(job);
  }
  app::JobQuery query;
  query.filter = DisplayNameIs("rare");
  int pages = 0;
  EXPECT_EQ(IdsOf(ListAll(query, &pages)), rare);
  EXPECT_EQ(pages, 10);  // each of ten rows
  query.filter = DisplayNameIs("none");
  EXPECT_THAT(ListAll(query, &pages), IsEmpty());
  EXPECT_EQ(pages, 10);
}

TEST_P(JobStoreContract, FiltersMeanWhatTheDomainSays) {
  std::vector<domain::Job> jobs;
  BITS_EXPECT_OK(Commit([&](Transaction& t) -> absl::Status {
    jobs.clear();
    for (int i = 0; i < 300; ++i) {
      jobs.push_back(samples().Job());
      BITS_RETURN_IF_ERROR(t.InsertJob(jobs.back(), absl::InfiniteFuture()));
    }
    return absl::OkStatus();
  }));
  int found = 0;
  for (int i = 0; i < 600; ++i) {
    app::JobQuery query;
    query.filter = samples().Filter(4);
    query.show_final = samples().OneIn(2);
    if (samples().OneIn(4)) query.owner = jobs[samples().Below(jobs.size())].owner;
    query.limit = samples().OneIn(3) ? 40 : 1000;
    std::vector<domain::JobId> expected;
    for (const domain::Job& job : jobs) {
      if ((query.show_final || !domain::IsFinal(job.state)) &&
          (!query.owner.has_value() || job.owner == *query.owner) &&
          domain::Matches(query.filter, job)) {
        expected.push_back(job.id);
      }
    }
    found += static_cast<int>(expected.size());
    ASSERT_EQ(IdsOf(ListAll(query)), expected) << "filter number " << i;
  }
  EXPECT_GT(found, 5000) << "the filters are too narrow to show anything";
}

TEST_P(JobStoreContract, QueueGoesByWaitingThenCreation) {
  const absl::Time start = absl::FromUnixSeconds(1700000000);
  std::vector<std::pair<int64_t, domain::JobId>> background;
  std::vector<std::pair<int64_t, domain::JobId>> foreground;
  for (int i = 0; i < 60; ++i) {
    domain::Job job = QueuedJob(samples().Id(), "owner", start);
    const auto wait = static_cast<int64_t>(samples().Below(5));
    job.queue_time = start + absl::Nanoseconds(wait);
    job.priority = static_cast<domain::Priority>(samples().Below(4));
    if (samples().OneIn(4)) job.state = JobState::kSuspended;
    Insert(job);
    if (job.state != JobState::kQueued) continue;
    (job.priority == domain::Priority::kForeground ? foreground : background)
        .emplace_back(wait, job.id);
  }
  for (auto [queue_class, expected] : {std::pair(QueueClass::kForeground, &foreground),
                                       std::pair(QueueClass::kBackground, &background)}) {
    std::stable_sort(expected->begin(), expected->end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<domain::JobId> ids;
    for (const auto& [wait, id] : *expected) ids.push_back(id);
    EXPECT_THAT(Ids(store().ListQueued(queue_class, 1000)), ElementsAreArray(ids));
    ids.resize(3);
    EXPECT_THAT(Ids(store().ListQueued(queue_class, 3)), ElementsAreArray(ids));
  }
}

TEST_P(JobStoreContract, QueueFollowsChanges) {
  domain::Job a = InsertQueued(absl::FromUnixSeconds(1));
  domain::Job b = InsertQueued(absl::FromUnixSeconds(2));
  EXPECT_THAT(Ids(store().ListQueued(QueueClass::kBackground, 10)), ElementsAre(a.id, b.id));
  a.queue_time = absl::FromUnixSeconds(3);
  Update(a);
  EXPECT_THAT(Ids(store().ListQueued(QueueClass::kBackground, 10)), ElementsAre(b.id, a.id));
  b.priority = domain::Priority::kForeground;
  Update(b);
  EXPECT_THAT(Ids(store().ListQueued(QueueClass::kBackground, 10)), ElementsAre(a.id));
  EXPECT_THAT(Ids(store().ListQueued(QueueClass::kForeground, 10)), ElementsAre(b.id));
  b.state = JobState::kConnecting;
  Update(b);
  EXPECT_THAT(Ids(store().ListQueued(QueueClass::kForeground, 10)), IsEmpty());
  BITS_EXPECT_OK(Commit([&](Transaction& t) { return t.DeleteJob(a.id); }));
  EXPECT_THAT(Ids(store().ListQueued(QueueClass::kBackground, 10)), IsEmpty());
}

TEST_P(JobStoreContract, TimersAreDueEarliestFirst) {
  const absl::Time start = absl::FromUnixSeconds(1700000000);
  EXPECT_EQ(*store().NextTimer(), absl::InfiniteFuture());
  domain::Job never = QueuedJob(samples().Id(), "owner", start);
  Insert(never);
  EXPECT_EQ(*store().NextTimer(), absl::InfiniteFuture());
  domain::Job late = QueuedJob(samples().Id(), "owner", start);
  Insert(late, start + absl::Seconds(20));
  domain::Job early = QueuedJob(samples().Id(), "owner", start);
  Insert(early, start + absl::Seconds(10));
  EXPECT_EQ(*store().NextTimer(), start + absl::Seconds(10));
  const auto due = [&](absl::Duration after, uint32_t limit = 10) {
    return Ids(store().ListDue(start + after, limit));
  };
  EXPECT_THAT(due(absl::Seconds(10) - absl::Nanoseconds(1)), IsEmpty());
  EXPECT_THAT(due(absl::Seconds(10)), ElementsAre(early.id));
  EXPECT_THAT(due(absl::Seconds(30)), ElementsAre(early.id, late.id));
  EXPECT_THAT(due(absl::Seconds(30), 1), ElementsAre(early.id));
  EXPECT_THAT(due(absl::InfiniteDuration()), ElementsAre(early.id, late.id));
  Update(early, start + absl::Seconds(25));
  EXPECT_EQ(*store().NextTimer(), start + absl::Seconds(20));
  EXPECT_THAT(due(absl::Seconds(30)), ElementsAre(late.id, early.id));
  Update(late, absl::InfiniteFuture());
  EXPECT_THAT(due(absl::Seconds(30)), ElementsAre(early.id));
  Update(never, start);
  EXPECT_EQ(*store().NextTimer(), start);
  BITS_EXPECT_OK(Commit([&](Transaction& t) { return t.DeleteJob(never.id); }));
  EXPECT_EQ(*store().NextTimer(), start + absl::Seconds(25));
}

TEST_P(JobStoreContract, UnsettledJobsAreListedById) {
  std::vector<domain::JobId> expected;
  for (int i = 0; i < 80; ++i) {
    domain::Job job = samples().Job();
    if (samples().OneIn(2)) job.pending = domain::Pending::kNone;
    Insert(job);
    if (domain::IsActive(job.state) || job.pending != domain::Pending::kNone) {
      expected.push_back(job.id);
    }
  }
  std::sort(expected.begin(), expected.end());
  ASSERT_GT(expected.size(), 20u);
  ASSERT_LT(expected.size(), 80u);
  EXPECT_EQ(Ids(store().ListUnsettled("", 1000)), expected);
  std::vector<domain::JobId> paged;
  while (true) {
    const auto page = Ids(store().ListUnsettled(paged.empty() ? "" : paged.back(), 7));
    paged.insert(paged.end(), page.begin(), page.end());
    if (page.size() < 7) break;
  }
  EXPECT_EQ(paged, expected);
  domain::Job job = *store().GetJob(expected.front());
  job.state = JobState::kQueued;
  job.pending = domain::Pending::kNone;
  Update(job);
  expected.erase(expected.begin());
  EXPECT_EQ(Ids(store().ListUnsettled("", 1000)), expected);
  job.pending = domain::Pending::kPublish;
  Update(job);
  EXPECT_EQ(Ids(store().ListUnsettled("", 1)), std::vector<domain::JobId>{job.id});
}

}  // namespace
}  // namespace bits::testing

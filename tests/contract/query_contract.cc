// Lists of jobs: pages, filters, the queue, timers, what is unsettled.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "server/base/status_macros.h"
#include "tests/contract/job_store_contract.h"
#include "tests/support/status_matchers.h"

namespace bits::testing {
namespace {

using absl::StatusCode;
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

// Of a priority, all owners' from the first on; pass: what is passed over.
std::vector<domain::JobId> Queued(app::JobStore& store, domain::Priority priority,
                                  app::QueueQuery query = {.owners = 1000, .per_owner = 1000},
                                  const std::set<domain::JobId>& pass = {}) {
  query.priority = priority;
  const auto queued = store.ListQueued(
      query, [&](const domain::WaitingJob& job) { return pass.contains(job.id); });
  EXPECT_THAT(queued, IsOk());
  std::vector<domain::JobId> ids;
  for (const domain::WaitingJob& job : *queued) {
    EXPECT_EQ(job.priority, priority);
    ids.push_back(job.id);
  }
  return ids;
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

TEST_P(JobStoreContract, QueueGoesRoundByOwnerThenByWaitingThenCreation) {
  const absl::Time start = absl::FromUnixSeconds(1700000000);
  struct Place {
    std::string owner;
    int64_t wait;
    int created;
    auto operator<=>(const Place&) const = default;
  };
  std::array<std::map<Place, domain::JobId>, 4> queues;
  for (int i = 0; i < 200; ++i) {
    const std::string owner(1, static_cast<char>('a' + samples().Below(5)));
    domain::Job job = QueuedJob(samples().Id(), owner, start);
    const auto wait = static_cast<int64_t>(samples().Below(5));
    job.queue_time = start + absl::Nanoseconds(wait);
    job.priority = static_cast<domain::Priority>(samples().Below(4));
    if (samples().OneIn(4)) job.state = JobState::kSuspended;
    Insert(job);
    if (job.state == JobState::kQueued) {
      queues[static_cast<size_t>(job.priority)].emplace(Place{owner, wait, i}, job.id);
    }
  }
  int found = 0;
  for (size_t p = 0; p < 4; ++p) {
    for (const char* after : {"", "a", "b", "bb", "d", "e", "z"}) {
      for (const uint32_t owners : {1u, 3u, 1000u}) {
        for (const uint32_t per_owner : {1u, 2u, 1000u}) {
          std::set<domain::JobId> pass;
          for (const auto& [place, id] : queues[p]) {
            if (place.owner == "c" || samples().OneIn(3)) pass.insert(id);
          }
          std::vector<domain::JobId> expected;
          std::map<std::string, uint32_t> given;
          for (const bool wrapped : {false, true}) {
            for (const auto& [place, id] : queues[p]) {
              if ((place.owner <= after) != wrapped || pass.contains(id)) continue;
              if (!given.contains(place.owner) && given.size() == owners) continue;
              if (given[place.owner]++ < per_owner) expected.push_back(id);
            }
          }
          found += static_cast<int>(expected.size());
          ASSERT_EQ(Queued(store(), static_cast<domain::Priority>(p),
                           {.after_owner = after, .owners = owners, .per_owner = per_owner}, pass),
                    expected)
              << "after " << after << ", " << owners << " owners, " << per_owner << " each";
        }
      }
    }
  }
  EXPECT_GT(found, 1000);
}

TEST_P(JobStoreContract, QueueFollowsChanges) {
  const auto normal = [&] { return Queued(store(), domain::Priority::kNormal); };
  const auto foreground = [&] { return Queued(store(), domain::Priority::kForeground); };
  domain::Job a = InsertQueued(absl::FromUnixSeconds(1));
  domain::Job b = InsertQueued(absl::FromUnixSeconds(2));
  EXPECT_THAT(normal(), ElementsAre(a.id, b.id));
  a.queue_time = absl::FromUnixSeconds(3);
  Update(a);
  EXPECT_THAT(normal(), ElementsAre(b.id, a.id));
  b.priority = domain::Priority::kForeground;
  Update(b);
  EXPECT_THAT(normal(), ElementsAre(a.id));
  EXPECT_THAT(foreground(), ElementsAre(b.id));
  b.state = JobState::kConnecting;
  Update(b);
  EXPECT_THAT(foreground(), IsEmpty());
  BITS_EXPECT_OK(Commit([&](Transaction& t) { return t.DeleteJob(a.id); }));
  EXPECT_THAT(normal(), IsEmpty());
}

TEST_P(JobStoreContract, QueueIsFoundBehindThousandsThatArePassedOver) {
  const absl::Time start = absl::FromUnixSeconds(1700000000);
  BITS_EXPECT_OK(Commit([&](Transaction& t) -> absl::Status {
    for (int i = 0; i < 3000; ++i) {
      domain::Job job = QueuedJob(samples().Id(), "owner", start);
      job.host = "dead:" + std::to_string(i % 3);
      job.destination = i % 2 == 0 ? "/a" : "/b";
      BITS_RETURN_IF_ERROR(t.InsertJob(job, absl::InfiniteFuture()));
    }
    return absl::OkStatus();
  }));
  std::vector<domain::JobId> expected;
  for (int i = 0; i < 6; ++i) {
    domain::Job job = QueuedJob(samples().Id(), "owner", start + absl::Seconds(i));
    job.host = i % 2 == 0 ? "live:80" : "dead:1";  // the one by the host, the other by the root
    job.destination = "/c";
    Insert(job);
    expected.push_back(job.id);
  }
  domain::Job other = QueuedJob(samples().Id(), "zoe", start);
  Insert(other);
  const auto queued = [&](uint32_t per_owner) {
    std::vector<domain::JobId> ids;
    const auto found = store().ListQueued(
        {domain::Priority::kNormal, "", 10, per_owner}, [](const domain::WaitingJob& job) {
          return job.host.starts_with("dead") && job.destination != "/c";
        });
    EXPECT_THAT(found, IsOk());
    for (const domain::WaitingJob& job : *found) ids.push_back(job.id);
    return ids;
  };
  EXPECT_THAT(queued(1), ElementsAre(expected[0], other.id));
  expected.push_back(other.id);
  EXPECT_EQ(queued(100), expected);
}

TEST_P(JobStoreContract, DeferredJobsAreInNoQueueUntilTheyAreNot) {
  domain::Job job = QueuedJob(samples().Id(), "owner", absl::UnixEpoch());
  job.deferred = true;
  Insert(job);
  domain::Job other = QueuedJob(samples().Id(), "owner", absl::UnixEpoch());
  Insert(other);
  EXPECT_THAT(Queued(store(), domain::Priority::kNormal), ElementsAre(other.id));
  job = *store().GetJob(job.id);
  EXPECT_TRUE(job.deferred);
  job.deferred = false;
  Update(job);
  EXPECT_THAT(Queued(store(), domain::Priority::kNormal), ElementsAre(job.id, other.id));
  job.deferred = true;
  Update(job);
  EXPECT_THAT(Queued(store(), domain::Priority::kNormal), ElementsAre(other.id));
  // Nor are they found behind hundreds that are passed over.
  std::set<domain::JobId> pass = {other.id};
  for (int i = 0; i < 300; ++i) {
    domain::Job held = QueuedJob(samples().Id(), "owner", absl::UnixEpoch());
    Insert(held);
    pass.insert(held.id);
  }
  EXPECT_THAT(Queued(store(), domain::Priority::kNormal, {.owners = 10, .per_owner = 10}, pass),
              IsEmpty());
}

TEST_P(JobStoreContract, QueueIsFoundBehindHundredsOfHostsThatAreHeld) {
  const absl::Time start = absl::FromUnixSeconds(1700000000);
  BITS_EXPECT_OK(Commit([&](Transaction& t) -> absl::Status {
    for (int i = 0; i < 1000; ++i) {
      domain::Job job = QueuedJob(samples().Id(), "owner", start);
      job.host = "dead:" + std::to_string(i);
      job.destination = "/a";
      BITS_RETURN_IF_ERROR(t.InsertJob(job, absl::InfiniteFuture()));
    }
    return absl::OkStatus();
  }));
  domain::Job live = QueuedJob(samples().Id(), "owner", start + absl::Seconds(1));
  live.host = "live:80";
  live.destination = "/a";
  Insert(live);
  app::QueueQuery query{domain::Priority::kNormal, "", 10, 10};
  query.held = [](const std::string& host, const std::string&) {
    return host.starts_with("dead");
  };
  const auto found = store().ListQueued(
      query, [](const domain::WaitingJob& job) { return job.host.starts_with("dead"); });
  ASSERT_THAT(found, IsOk());
  ASSERT_EQ(found->size(), 1u);
  EXPECT_EQ(found->front().id, live.id);
}

TEST_P(JobStoreContract, ThoseWhoseHostFailedAreListedByHost) {
  std::vector<domain::JobId> expected;
  for (int i = 0; i < 40; ++i) {
    domain::Job job = QueuedJob(samples().Id(), "owner", absl::UnixEpoch());
    job.host = samples().OneIn(2) ? "a:80" : "b:80";
    job.host_failed = samples().OneIn(2);
    if (samples().OneIn(2)) job.state = JobState::kTransientError;
    Insert(job);
    if (job.host == "a:80" && job.host_failed && job.state == JobState::kTransientError) {
      expected.push_back(job.id);
    }
  }
  std::sort(expected.begin(), expected.end());
  ASSERT_GT(expected.size(), 1u);
  EXPECT_EQ(Ids(store().ListHostFailed("a:80", "", 100)), expected);
  EXPECT_THAT(Ids(store().ListHostFailed("a:80", "", 1)), ElementsAre(expected[0]));
  EXPECT_THAT(Ids(store().ListHostFailed("a:80", expected[0], 1)), ElementsAre(expected[1]));
  EXPECT_THAT(Ids(store().ListHostFailed("c:80", "", 100)), IsEmpty());
  domain::Job job = *store().GetJob(expected[0]);
  job.host_failed = false;
  Update(job);
  expected.erase(expected.begin());
  EXPECT_EQ(Ids(store().ListHostFailed("a:80", "", 100)), expected);
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

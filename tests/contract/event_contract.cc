// Revisions, events and cursors.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "server/base/status_macros.h"
#include "server/store/record.h"
#include "tests/contract/job_store_contract.h"
#include "tests/support/status_matchers.h"

namespace bits::testing {
namespace {

using absl::StatusCode;
using app::Transaction;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<app::Revision> RevisionsOf(
    const absl::StatusOr<std::vector<app::EventRecord>>& events) {
  std::vector<app::Revision> revisions;
  EXPECT_THAT(events, IsOk());
  if (!events.ok()) return revisions;
  for (const app::EventRecord& event : *events) revisions.push_back(event.revision);
  return revisions;
}

TEST_P(JobStoreContract, EmptyStoreHasNoEvents) {
  EXPECT_EQ(*store().LastRevision(), 0u);
  EXPECT_EQ(*store().OldestCursor(), 0u);
  EXPECT_THAT(RevisionsOf(store().ListEvents(0, 10)), IsEmpty());
  EXPECT_THAT(store().ListEvents(1, 10), HasCode(StatusCode::kOutOfRange));
}

TEST_P(JobStoreContract, EventsAreReadAsTheyWereAppended) {
  std::vector<app::EventRecord> events;
  for (int i = 0; i < 50; ++i) events.push_back(samples().Event());
  BITS_EXPECT_OK(Commit([&](Transaction& t) -> absl::Status {
    for (app::EventRecord& event : events) BITS_RETURN_IF_ERROR(t.AppendEvent(event));
    return absl::OkStatus();
  }));
  const auto read = store().ListEvents(0, 100);
  ASSERT_THAT(read, IsOk());
  ASSERT_EQ(read->size(), events.size());
  for (size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(events[i].revision, i + 1);
    EXPECT_EQ(events[i].job.revision, i + 1);
    const app::EventRecord& r = (*read)[i];
    EXPECT_EQ(r.revision, events[i].revision);
    EXPECT_EQ(r.kind, events[i].kind);
    EXPECT_EQ(r.time, events[i].time);
    EXPECT_EQ(r.job, events[i].job);
    EXPECT_EQ(r.file, events[i].file);
    EXPECT_EQ(r.error, events[i].error);
  }
}

TEST_P(JobStoreContract, EventsAreListedFromACursorOn) {
  AppendEvents(5);
  EXPECT_EQ(*store().LastRevision(), 5u);
  EXPECT_EQ(*store().OldestCursor(), 0u);
  EXPECT_THAT(RevisionsOf(store().ListEvents(0, 100)), ElementsAre(1, 2, 3, 4, 5));
  EXPECT_THAT(RevisionsOf(store().ListEvents(0, 2)), ElementsAre(1, 2));
  EXPECT_THAT(RevisionsOf(store().ListEvents(2, 2)), ElementsAre(3, 4));
  EXPECT_THAT(RevisionsOf(store().ListEvents(5, 2)), IsEmpty());
  EXPECT_THAT(RevisionsOf(store().ListEvents(3, 0)), IsEmpty());
  EXPECT_THAT(store().ListEvents(6, 2), HasCode(StatusCode::kOutOfRange));
}

TEST_P(JobStoreContract, ProgressIsNotKeptAndHasNoRevisionOfItsOwn) {
  app::EventRecord progress = samples().Event();
  progress.kind = domain::ChangeKind::kProgress;
  const app::Revision of_job = progress.job.revision;
  BITS_EXPECT_OK(Commit([&](Transaction& t) { return t.AppendEvent(progress); }));
  EXPECT_EQ(progress.revision, 0u);
  EXPECT_EQ(*store().LastRevision(), 0u);
  AppendEvents(2);
  app::EventRecord kept = samples().Event();
  BITS_EXPECT_OK(Commit([&](Transaction& t) -> absl::Status {
    BITS_RETURN_IF_ERROR(t.AppendEvent(progress));
    EXPECT_EQ(progress.revision, 2u);
    BITS_RETURN_IF_ERROR(t.AppendEvent(kept));
    EXPECT_EQ(kept.revision, 3u);
    BITS_RETURN_IF_ERROR(t.AppendEvent(progress));
    EXPECT_EQ(progress.revision, 3u);
    return absl::OkStatus();
  }));
  EXPECT_EQ(progress.job.revision, of_job);
  EXPECT_EQ(*store().LastRevision(), 3u);
  EXPECT_THAT(RevisionsOf(store().ListEvents(0, 100)), ElementsAre(1, 2, 3));
}

TEST_P(JobStoreContract, RolledBackEventGivesItsRevisionBack) {
  AppendEvents(1);
  app::EventRecord event = samples().Event();
  EXPECT_THAT(Commit([&](Transaction& t) -> absl::Status {
                BITS_RETURN_IF_ERROR(t.AppendEvent(event));
                EXPECT_EQ(event.revision, 2u);
                return absl::CancelledError("no");
              }),
              HasCode(StatusCode::kCancelled));
  EXPECT_EQ(*store().LastRevision(), 1u);
  AppendEvents(1);
  EXPECT_THAT(RevisionsOf(store().ListEvents(0, 100)), ElementsAre(1, 2));
}

TEST_P(JobStoreContract, OldEventsAreForgottenAndTheCursorSaysSo) {
  StoreLimits limits;
  limits.events_kept = 20;
  Open(limits);
  app::Revision oldest = 0;
  for (int i = 1; i <= 150; ++i) {
    AppendEvents(1);
    const app::Revision last = *store().LastRevision();
    EXPECT_EQ(last, static_cast<app::Revision>(i));
    const app::Revision now = *store().OldestCursor();
    EXPECT_GE(now, oldest) << "what is forgotten does not come back";
    oldest = now;
    EXPECT_GE(last - oldest, std::min<uint64_t>(last, limits.events_kept)) << "too few kept";
    EXPECT_LE(last - oldest, 2 * limits.events_kept) << "too many kept";
  }
  EXPECT_GT(oldest, 0u);
  EXPECT_THAT(store().ListEvents(oldest - 1, 1000), HasCode(StatusCode::kOutOfRange));
  EXPECT_THAT(store().ListEvents(0, 1000), HasCode(StatusCode::kOutOfRange));
  const auto kept = RevisionsOf(store().ListEvents(oldest, 1000));
  ASSERT_EQ(kept.size(), 150 - oldest);
  EXPECT_EQ(kept.front(), oldest + 1);
  EXPECT_EQ(kept.back(), 150u);
  if (!durable()) return;
  // The same after a restart, and fewer are kept when fewer are to be.
  Open(limits);
  EXPECT_EQ(*store().OldestCursor(), oldest);
  EXPECT_EQ(*store().LastRevision(), 150u);
  limits.events_kept = 1;
  Open(limits);
  AppendEvents(3);
  EXPECT_GE(*store().OldestCursor(), 151u);
  Open(limits);
  EXPECT_EQ(*store().LastRevision(), 153u);
  AppendEvents(1);
  EXPECT_EQ(*store().LastRevision(), 154u);
}

}  // namespace
}  // namespace bits::testing

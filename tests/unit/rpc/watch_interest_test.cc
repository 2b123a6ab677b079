#include "server/rpc/watch_interest.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "server/rpc/filter.h"

namespace bits::rpc {
namespace {

using domain::ChangeKind;
using domain::JobState;

app::EventRecord Event(const std::string& id, JobState state,
                       ChangeKind kind = ChangeKind::kStateChanged) {
  app::EventRecord event;
  event.kind = kind;
  event.job.id = id;
  event.job.owner = "anna";
  event.job.state = state;
  return event;
}

WatchInterest Interest(const char* filter, bool from_snapshot, size_t capacity = 100) {
  return WatchInterest(*ParseFilter(filter), std::nullopt, from_snapshot, capacity);
}

constexpr char kQueued[] = "state = STATE_QUEUED";

TEST(WatchInterestTest, WithoutFilterEverything) {
  WatchInterest interest = Interest("", false);
  EXPECT_TRUE(interest.Wants(Event("a", JobState::kQueued)));
  EXPECT_TRUE(interest.Wants(Event("a", JobState::kCancelled, ChangeKind::kDeleted)));
}

TEST(WatchInterestTest, OnlyTheOwners) {
  WatchInterest bert(*ParseFilter(""), "bert", false, 100);
  EXPECT_FALSE(bert.Wants(Event("a", JobState::kQueued)));
  WatchInterest anna(*ParseFilter(""), "anna", false, 100);
  EXPECT_TRUE(anna.Wants(Event("a", JobState::kQueued)));
  // Not even in doubt.
  WatchInterest filtered(*ParseFilter(kQueued), "bert", false, 100);
  EXPECT_FALSE(filtered.Wants(Event("a", JobState::kError)));
}

TEST(WatchInterestTest, AfterASnapshotExactlyWhatMatchesAndWhatLeaves) {
  WatchInterest interest = Interest(kQueued, true);
  interest.NoteSnapshot("in");
  EXPECT_TRUE(interest.Wants(Event("in", JobState::kConnecting)));  // leaves
  EXPECT_FALSE(interest.Wants(Event("in", JobState::kTransferring)));
  EXPECT_TRUE(interest.Wants(Event("in", JobState::kQueued)));  // comes back
  EXPECT_TRUE(interest.Wants(Event("in", JobState::kQueued, ChangeKind::kModified)));
  EXPECT_TRUE(interest.Wants(Event("in", JobState::kSuspended)));

  EXPECT_FALSE(interest.Wants(Event("out", JobState::kError)));
  EXPECT_TRUE(interest.Wants(Event("out", JobState::kQueued)));
  EXPECT_TRUE(interest.Wants(Event("out", JobState::kError)));
  EXPECT_FALSE(interest.Wants(Event("out", JobState::kQueued, ChangeKind::kDeleted)) &&
               interest.Wants(Event("out", JobState::kError)));
}

TEST(WatchInterestTest, ANewJobHasNothingToLeave) {
  WatchInterest interest = Interest(kQueued, false);
  EXPECT_FALSE(interest.Wants(Event("a", JobState::kSuspended, ChangeKind::kCreated)));
  EXPECT_FALSE(interest.Wants(Event("a", JobState::kSuspended, ChangeKind::kModified)));
  EXPECT_TRUE(interest.Wants(Event("b", JobState::kQueued, ChangeKind::kCreated)));
  EXPECT_TRUE(interest.Wants(Event("b", JobState::kConnecting)));
}

// From a cursor nothing is known: a job's first event is sent, lest its leaving be missed.
TEST(WatchInterestTest, InDoubtItIsSentOnce) {
  WatchInterest interest = Interest(kQueued, false);
  EXPECT_TRUE(interest.Wants(Event("a", JobState::kError)));
  EXPECT_FALSE(interest.Wants(Event("a", JobState::kSuspended)));
  EXPECT_FALSE(interest.Wants(Event("a", JobState::kError)));
}

TEST(WatchInterestTest, ADeletedJobThatMatched) {
  WatchInterest interest = Interest("owner = anna AND state = STATE_CANCELLED", true);
  interest.NoteSnapshot("a");
  app::EventRecord gone = Event("a", JobState::kCancelled, ChangeKind::kDeleted);
  EXPECT_TRUE(interest.Wants(gone));
}

// With too many jobs to remember no leaving is missed; others may be sent in vain.
TEST(WatchInterestTest, MemoryIsBounded) {
  WatchInterest interest = Interest(kQueued, true, 10);
  for (int i = 0; i < 100; ++i) interest.NoteSnapshot("job" + std::to_string(i));
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(interest.Wants(Event("job" + std::to_string(i), JobState::kError))) << i;
  }
  // The last of them are remembered as being out.
  EXPECT_FALSE(interest.Wants(Event("job99", JobState::kSuspended)));
}

TEST(WatchInterestTest, WhatDoesNotMatchTakesNoRoomAfterASnapshot) {
  WatchInterest interest = Interest(kQueued, true, 10);
  interest.NoteSnapshot("in");
  for (int i = 0; i < 1000; ++i) {
    EXPECT_FALSE(interest.Wants(Event("job" + std::to_string(i), JobState::kError)));
  }
  EXPECT_TRUE(interest.Wants(Event("in", JobState::kError)));
  EXPECT_FALSE(interest.Wants(Event("in", JobState::kError)));
}

}  // namespace
}  // namespace bits::rpc

// The application's promises: what runs, in which order, and what a crash leaves.
#include "server/app/application.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "server/base/error_info.h"
#include "server/domain/error_code.h"
#include "tests/unit/app/world.h"

namespace bits::app::testing {
namespace {

using domain::JobState;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

domain::Failure Transient() {
  domain::Failure failure;
  failure.hresult = domain::FromHttpStatus(503);
  failure.http_status = 503;
  failure.context = domain::ErrorContext::kRemoteFile;
  return failure;
}

domain::Failure Fatal() {
  domain::Failure failure = Transient();
  failure.hresult = domain::FromHttpStatus(404);
  failure.http_status = 404;
  return failure;
}

TEST(ApplicationTest, JobGoesFromCreationToPublication) {
  World w;
  const domain::JobId id = w.Create(2);
  EXPECT_EQ(w.State(id), JobState::kQueued);
  w.Turn();
  EXPECT_EQ(w.State(id), JobState::kConnecting);
  EXPECT_THAT(w.engine->UnderWay(id), ElementsAre(1, 2));
  w.engine->Transferred(id, 2, 20);
  EXPECT_EQ(w.State(id), JobState::kTransferring);
  w.engine->Transferred(id, 1, 10);
  EXPECT_EQ(w.State(id), JobState::kTransferred);
  EXPECT_EQ(w.Get(id).progress.bytes_transferred, 30u);
  EXPECT_THAT(w.files.published(), IsEmpty());

  auto answer = w.Do(&JobManager::CompleteJob, id);
  EXPECT_FALSE(answer.given());
  w.executor.RunAll();
  ASSERT_TRUE(answer.given());
  ASSERT_TRUE(answer.value().ok()) << answer.value().status();
  EXPECT_EQ(answer.value()->state, JobState::kAcknowledged);
  EXPECT_EQ(answer.value()->result, domain::JobResult::kOk);
  EXPECT_THAT(w.files.published(), SizeIs(2));
}

TEST(ApplicationTest, RangesOfAJobOfAnEarlierVersionAreLookedFor) {
  for (const bool ranges : {false, true}) {
    World w;
    domain::Job job;
    job.id = "00000000-0000-4000-8000-0000000000aa";
    job.owner = w.alice.name;
    job.progress.files_total = job.progress.files_unsized = 600;
    absl::Status stored = absl::UnknownError("not yet");
    w.store->Commit(
        [&job, ranges](Transaction& txn) -> absl::Status {
          absl::Status put = txn.InsertJob(job, absl::InfiniteFuture());
          for (uint32_t n = 1; put.ok() && n <= 600; ++n) {
            domain::File file;
            file.ordinal = n;
            file.remote_name = "http://origin/x";
            if (ranges && n == 599) file.ranges = {{0, 10}};
            put = txn.PutFile(job.id, file);
          }
          return put;
        },
        [&stored](absl::Status status) { stored = std::move(status); });
    ASSERT_TRUE(stored.ok()) << stored;
    domain::Update update;
    update.dynamic_content = true;
    Answer<domain::Job> answer;
    w.app->jobs().UpdateJob(w.alice, job.id, update, {}, answer.Callback());
    ASSERT_TRUE(answer.given());
    EXPECT_EQ(answer.value().ok(), !ranges) << answer.value().status();
    EXPECT_EQ(w.Get(job.id).options.dynamic_content, !ranges);
  }
}

TEST(ApplicationTest, NoMoreFilesAtOnceThanTheJobAllowsAndInOrder) {
  World w;
  domain::Job properties;
  properties.options.max_parallel_files = 1;
  const domain::JobId id = w.Create(100, "a", properties);
  w.Turn();
  for (uint32_t n = 1; n <= 100; ++n) {
    ASSERT_THAT(w.engine->UnderWay(id), ElementsAre(n));
    w.engine->Transferred(id, n, 1);
  }
  EXPECT_EQ(w.State(id), JobState::kTransferred);
}

TEST(ApplicationTest, BackgroundJobsShareTheSlotsInTheOrderOfWaiting) {
  World w(2);
  std::vector<domain::JobId> ids;
  for (int i = 0; i < 4; ++i) {
    ids.push_back(w.Create(1, "d" + std::to_string(i)));
    w.clock.Advance(absl::Seconds(1));
  }
  domain::Job properties;
  properties.priority = domain::Priority::kForeground;
  const domain::JobId urgent = w.Create(1, "urgent", properties);
  w.Turn();
  EXPECT_EQ(w.State(urgent), JobState::kConnecting);
  EXPECT_EQ(w.State(ids[0]), JobState::kConnecting);
  EXPECT_EQ(w.State(ids[1]), JobState::kConnecting);
  EXPECT_EQ(w.State(ids[2]), JobState::kQueued);
  w.engine->Transferred(ids[1], 1, 1);
  w.Turn();
  EXPECT_EQ(w.State(ids[2]), JobState::kConnecting);
  EXPECT_EQ(w.State(ids[3]), JobState::kQueued);
  // An error gives the slot back, too.
  w.engine->Failed(ids[0], 1, Transient());
  w.Turn();
  EXPECT_EQ(w.State(ids[3]), JobState::kConnecting);
}

TEST(ApplicationTest, OneFileThatFailsParksTheJobAndStopsTheOthers) {
  World w;
  const domain::JobId id = w.Create(3);
  w.Turn();
  w.engine->Failed(id, 2, Transient());
  EXPECT_EQ(w.State(id), JobState::kTransientError);
  EXPECT_EQ(w.Get(id).error->file, 2u);
  EXPECT_THAT(w.engine->UnderWay(id, true), ElementsAre(1, 3));

  // Its next turn waits until the last of them has ended.
  EXPECT_TRUE(w.Do(&JobManager::ResumeJob, id).value().ok());
  w.Turn();
  EXPECT_EQ(w.State(id), JobState::kQueued);
  w.engine->StopAllAsked(id);
  w.Turn();
  EXPECT_EQ(w.State(id), JobState::kConnecting);
  EXPECT_THAT(w.engine->UnderWay(id), ElementsAre(1, 2, 3));
}

TEST(ApplicationTest, TransientErrorIsRetriedWhenItsTimeHasCome) {
  World w;
  const domain::JobId id = w.Create(1);
  w.Turn();
  w.engine->Failed(id, 1, Transient());
  w.clock.Advance(absl::Seconds(599));
  EXPECT_EQ(w.app->timers().RunOnce(), w.clock.Now() + absl::Seconds(1));
  EXPECT_EQ(w.State(id), JobState::kTransientError);
  w.clock.Advance(absl::Seconds(1));
  w.app->timers().RunOnce();
  EXPECT_EQ(w.State(id), JobState::kQueued);
}

TEST(ApplicationTest, SuspendStopsWhatRunsAndKeepsWhatComesOfIt) {
  World w;
  const domain::JobId id = w.Create(1);
  w.Turn();
  auto t = w.engine->At(id, 1);
  t.observer->OnBytesArrive();
  EXPECT_TRUE(w.Do(&JobManager::SuspendJob, id).value().ok());
  EXPECT_EQ(w.State(id), JobState::kSuspended);
  t.observer->OnCheckpoint({7, 10, {"\"v\"", ""}, std::nullopt});
  w.engine->Stopped(id, 1);
  EXPECT_EQ(w.Get(id).progress.bytes_transferred, 7u);
  EXPECT_EQ(w.State(id), JobState::kSuspended);
}

TEST(ApplicationTest, NothingIsWrittenOverTheOldVersionBeforeThatIsOnRecord) {
  World w;
  const domain::JobId id = w.Create(1);
  w.Turn();
  auto t = w.engine->At(id, 1);
  t.observer->OnBytesArrive();
  t.observer->OnCheckpoint({7, 10, {"\"v\"", ""}, std::nullopt});
  uint64_t recorded_at_proceed = 99;
  t.observer->OnRestart(RestartReason::kChanged, [&] {
    recorded_at_proceed = w.store->GetFile(id, 1)->bytes_transferred;
  });
  EXPECT_EQ(recorded_at_proceed, 0u);
  EXPECT_EQ(w.store->GetFile(id, 1)->restarts, 1u);
}

TEST(ApplicationTest, ANewRemoteNameIsFetchedAtOnce) {
  World w;
  const domain::JobId id = w.Create(1);
  w.Turn();
  Answer<domain::File> answer;
  w.app->jobs().UpdateFile(w.alice, id, 1, {.remote_name = "http://other/1", .valid = {}}, {}, answer.Callback());
  ASSERT_TRUE(answer.value().ok());
  EXPECT_THAT(w.engine->UnderWay(id, true), ElementsAre(1));
  // What the old name comes to now does not matter.
  w.engine->Failed(id, 1, Transient());
  EXPECT_EQ(w.State(id), JobState::kConnecting);
  ASSERT_THAT(w.engine->UnderWay(id), ElementsAre(1));
  EXPECT_EQ(w.engine->At(id, 1).spec.file.remote_name, "http://other/1");
}

TEST(ApplicationTest, WhatTheOldRemoteNameGaveIsNotTakenForTheNew) {
  World w;
  const domain::JobId id = w.Create(1);
  w.Turn();
  Answer<domain::File> answer;
  w.app->jobs().UpdateFile(w.alice, id, 1, {.remote_name = "http://other/1", .valid = {}}, {}, answer.Callback());
  w.engine->Transferred(id, 1, 1);  // it had all when it was asked to stop
  EXPECT_FALSE(w.store->GetFile(id, 1)->transferred);
  ASSERT_THAT(w.engine->UnderWay(id), ElementsAre(1));
  EXPECT_EQ(w.engine->At(id, 1).spec.file.remote_name, "http://other/1");
}

// The engine's report and UpdateFile cross: the new name is on record, and nobody was asked to stop.
TEST(ApplicationTest, AReportThatCrossesANewRemoteNameQueuesTheJobAnew) {
  for (const bool transferred : {true, false}) {
    World w;
    const domain::JobId id = w.Create(1);
    w.Turn();
    w.store->Commit(
        [&](Transaction& txn) {
          domain::File file = *txn.GetFile(id, 1);
          file.remote_name = "http://other/1";
          return txn.PutFile(id, file);
        },
        [](const absl::Status& status) { ASSERT_TRUE(status.ok()); });
    if (transferred) {
      w.engine->Transferred(id, 1, 1);
    } else {
      w.engine->Failed(id, 1, Fatal());
    }
    EXPECT_FALSE(w.store->GetFile(id, 1)->transferred);
    EXPECT_EQ(w.State(id), JobState::kQueued);
    EXPECT_FALSE(w.Get(id).error.has_value());
    w.Turn();
    EXPECT_EQ(w.engine->At(id, 1).spec.file.remote_name, "http://other/1");
  }
}

TEST(ApplicationTest, AFileThatSomebodyDeletedIsFetchedAgainByResume) {
  World w;
  const domain::JobId id = w.Create(2);
  w.Turn();
  w.engine->Transferred(id, 1, 1);
  w.engine->Transferred(id, 2, 1);
  w.files.Lose("/root/a/2");
  auto failed = w.Do(&JobManager::CompleteJob, id);
  w.executor.RunAll();
  EXPECT_EQ(failed.value().status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(GetReason(failed.value().status()), "BG_E_VALIDATION_FAILED");
  EXPECT_EQ(w.State(id), JobState::kTransferred);
  EXPECT_EQ(w.Do(&JobManager::ResumeJob, id).value()->state, JobState::kQueued);
  w.Turn();
  ASSERT_THAT(w.engine->UnderWay(id), ElementsAre(2));
  EXPECT_EQ(w.engine->At(id, 2).spec.file.bytes_transferred, 0u);
  w.engine->Transferred(id, 2, 1);
  auto done = w.Do(&JobManager::CompleteJob, id);
  w.executor.RunAll();
  EXPECT_EQ(done.value()->result, domain::JobResult::kOk);
}

TEST(ApplicationTest, ACompleteThatCouldNotBeIsTriedAgainByItsRepetition) {
  World w;
  const domain::JobId id = w.Create(1);
  w.Turn();
  w.engine->Transferred(id, 1, 1);
  const CallOptions options{"11111111-1111-4111-8111-111111111111", "complete", std::nullopt};
  w.files.Refuse("/root/a/1");
  for (int i = 0; i < 2; ++i) {
    auto failed = w.Do(&JobManager::CompleteJob, id, options);
    w.executor.RunAll();
    EXPECT_EQ(GetReason(failed.value().status()), "E_ACCESSDENIED");
  }
  w.files.Refuse("/root/a/1", false);
  for (int i = 0; i < 2; ++i) {
    auto done = w.Do(&JobManager::CompleteJob, id, options);
    w.executor.RunAll();
    EXPECT_EQ(done.value()->state, JobState::kAcknowledged);
  }
}

TEST(ApplicationTest, TheTimeThatTheServerWasDeadIsNoDownloadTime) {
  World w;
  const domain::JobId id = w.Create(1);
  w.Turn();
  w.clock.Advance(absl::Seconds(10));
  w.engine->At(id, 1).observer->OnCheckpoint({1, 2, {"\"v1\"", ""}, std::nullopt});
  w.clock.Advance(absl::Hours(24 * 365));
  w.Restart();
  EXPECT_EQ(w.Get(id).active_time, absl::Seconds(10));
}

TEST(ApplicationTest, EarlyCompletePublishesWhatIsThereAndDeletesTheRest) {
  World w;
  const domain::JobId id = w.Create(2);
  w.Turn();
  w.engine->Transferred(id, 1, 1);
  auto answer = w.Do(&JobManager::CompleteJob, id);
  w.executor.RunAll();
  EXPECT_THAT(w.files.published(), IsEmpty()) << "a transfer was still under way";
  w.engine->StopAllAsked(id);
  w.executor.RunAll();
  ASSERT_TRUE(answer.given());
  EXPECT_EQ(answer.value()->result, domain::JobResult::kPartialComplete);
  EXPECT_THAT(w.files.published(), SizeIs(1));
  EXPECT_THAT(w.files.removed(), ElementsAre("/root/a/.BIT-" + id + "-2.tmp"));
}

TEST(ApplicationTest, AFileThatCannotBePublishedLeavesTheJobAndTheNextCompleteEndsIt) {
  World w;
  const domain::JobId id = w.Create(2);
  w.Turn();
  w.engine->Transferred(id, 1, 1);
  w.engine->Transferred(id, 2, 1);
  w.files.Refuse("/root/a/2");
  auto failed = w.Do(&JobManager::CompleteJob, id);
  w.executor.RunAll();
  ASSERT_TRUE(failed.given());
  EXPECT_EQ(GetReason(failed.value().status()), "E_ACCESSDENIED");
  EXPECT_EQ(w.State(id), JobState::kTransferred);
  EXPECT_TRUE(w.store->GetFile(id, 1)->completed);
  w.files.Refuse("/root/a/2", false);
  auto done = w.Do(&JobManager::CompleteJob, id);
  w.executor.RunAll();
  EXPECT_EQ(done.value()->result, domain::JobResult::kOk);
}

TEST(ApplicationTest, CancelTellsOfTemporariesThatStay) {
  World w;
  const domain::JobId id = w.Create(1);
  w.files.Refuse("/root/a/.BIT-" + id + "-1.tmp");
  auto answer = w.Do(&JobManager::CancelJob, id);
  w.executor.RunAll();
  ASSERT_TRUE(answer.given());
  EXPECT_EQ(answer.value()->state, JobState::kCancelled);
  EXPECT_EQ(answer.value()->result, domain::JobResult::kUnableToDeleteFiles);
}

TEST(ApplicationTest, AfterACrashActiveJobsAreQueuedAndPublicationGoesOn) {
  World w;
  const domain::JobId active = w.Create(1, "a");
  const domain::JobId publishing = w.Create(1, "b");
  w.Turn();
  w.engine->Transferred(publishing, 1, 1);
  w.Do(&JobManager::CompleteJob, publishing);  // decided and on record, not done
  w.Restart();
  EXPECT_EQ(w.State(active), JobState::kQueued);
  w.executor.RunAll();
  EXPECT_EQ(w.State(publishing), JobState::kAcknowledged);
  EXPECT_THAT(w.files.published(), SizeIs(1));
}

TEST(ApplicationTest, JobThatCompletesItselfDoesSoAndAfterACrashGoesOn) {
  World w;
  domain::Job properties;
  properties.auto_complete = true;
  const domain::JobId id = w.Create(2, "a", properties);
  w.Turn();
  w.engine->Transferred(id, 1, 1);
  w.executor.RunAll();
  EXPECT_THAT(w.files.published(), IsEmpty()) << "nothing before the last file is there";
  w.engine->Transferred(id, 2, 1);  // decided and on record, not done
  EXPECT_EQ(w.State(id), JobState::kTransferred);
  EXPECT_THAT(w.files.published(), IsEmpty());
  w.Restart();
  w.executor.RunAll();
  EXPECT_EQ(w.State(id), JobState::kAcknowledged);
  EXPECT_EQ(w.Get(id).result, domain::JobResult::kOk);
  EXPECT_THAT(w.files.published(), SizeIs(2));
}

TEST(ApplicationTest, JobThatCannotCompleteItselfTellsWhyAndWaits) {
  World w;
  domain::Job properties;
  properties.auto_complete = true;
  const domain::JobId id = w.Create(2, "a", properties);
  w.files.Refuse("/root/a/2");
  w.Turn();
  w.engine->Transferred(id, 1, 1);
  w.engine->Transferred(id, 2, 1);
  w.executor.RunAll();
  EXPECT_EQ(w.State(id), JobState::kTransferred);
  EXPECT_EQ(w.Get(id).pending, domain::Pending::kNone);
  const auto history = w.store->ListErrors(id);
  ASSERT_EQ(history->errors.size(), 1u);
  EXPECT_EQ(history->errors[0].hresult, domain::kAccessDenied);
  EXPECT_EQ(history->errors[0].file, 2u);
  w.files.Refuse("/root/a/2", false);
  auto done = w.Do(&JobManager::CompleteJob, id);
  w.executor.RunAll();
  EXPECT_EQ(done.value()->result, domain::JobResult::kOk);
  EXPECT_EQ(w.store->ListErrors(id)->errors.size(), 1u);
}

TEST(ApplicationTest, ARepeatedRequestChangesNothing) {
  World w;
  const domain::JobId id = w.Create(1);
  const CallOptions options{"11111111-1111-4111-8111-111111111111", "suspend", std::nullopt};
  EXPECT_EQ(w.Do(&JobManager::SuspendJob, id, options).value()->state, JobState::kSuspended);
  EXPECT_TRUE(w.Do(&JobManager::ResumeJob, id).value().ok());
  EXPECT_EQ(w.Do(&JobManager::SuspendJob, id, options).value()->state, JobState::kQueued);
  CallOptions other = options;
  other.fingerprint = "resume";
  const auto reused = w.Do(&JobManager::ResumeJob, id, other);
  EXPECT_EQ(GetReason(reused.value().status()), "REQUEST_ID_REUSED");
}

TEST(ApplicationTest, AnEtagOfBeforeIsRefused) {
  World w;
  const domain::JobId id = w.Create(1);
  CallOptions options;
  options.revision = w.Get(id).revision;
  EXPECT_TRUE(w.Do(&JobManager::SuspendJob, id, options).value().ok());
  const auto stale = w.Do(&JobManager::ResumeJob, id, options);
  EXPECT_TRUE(absl::IsAborted(stale.value().status()));
  EXPECT_EQ(w.State(id), JobState::kSuspended);
}

TEST(ApplicationTest, OthersJobsAreNobodysBusinessButAnAdministrators) {
  World w;
  const domain::JobId id = w.Create(1);
  const Principal bob{"bob", false};
  EXPECT_EQ(GetReason(w.app->jobs().GetJob(bob, id).status()), "E_ACCESSDENIED");
  Answer<domain::Job> answer;
  w.app->jobs().CancelJob(bob, id, {}, answer.Callback());
  EXPECT_EQ(GetReason(answer.value().status()), "E_ACCESSDENIED");
  EXPECT_TRUE(w.app->jobs().GetJob({"root", true}, id).ok());
}

TEST(ApplicationTest, TwoLiveJobsNeverWriteOneDestination) {
  World w;
  w.Create(1, "a");
  Answer<domain::Job> answer;
  w.app->jobs().CreateJob(w.alice, {}, {{"http://o/x", "a/1", std::nullopt}}, true, {},
                          answer.Callback());
  EXPECT_EQ(GetReason(answer.value().status()), "ERROR_SHARING_VIOLATION");
}

TEST(ApplicationTest, AJobLeftAloneIsCancelledAndLaterForgotten) {
  World w;
  const domain::JobId id = w.Create(1);
  w.clock.Advance(absl::Hours(24 * 90));
  w.app->timers().RunOnce();
  EXPECT_EQ(w.State(id), JobState::kCancelled);
  w.executor.RunAll();
  EXPECT_THAT(w.files.removed(), SizeIs(1));
  w.clock.Advance(absl::Hours(24 * 7));
  w.app->timers().RunOnce();
  EXPECT_EQ(GetReason(w.app->jobs().GetJob({"root", true}, id).status()), "BG_E_NOT_FOUND");
}

TEST(ApplicationTest, FilesAddedWhileTransferringAreFetchedToo) {
  World w;
  const domain::JobId id = w.Create(1);
  w.Turn();
  Answer<AddFilesOutcome> answer;
  w.app->jobs().AddFiles(w.alice, id, {{"http://o/2", "a/2", std::nullopt}}, {},
                         answer.Callback());
  ASSERT_TRUE(answer.value().ok()) << answer.value().status();
  EXPECT_THAT(w.engine->UnderWay(id), ElementsAre(1, 2));
  w.engine->Transferred(id, 1, 1);
  EXPECT_EQ(w.State(id), JobState::kTransferring);
  w.engine->Transferred(id, 2, 1);
  EXPECT_EQ(w.State(id), JobState::kTransferred);
}

TEST(ApplicationTest, LiveProgressIsShownBeforeItIsRecorded) {
  World w;
  const domain::JobId id = w.Create(1);
  w.Turn();
  auto t = w.engine->At(id, 1);
  t.observer->OnBytesArrive();
  t.observer->OnProgress(5, 10);
  EXPECT_EQ(w.Get(id).progress.bytes_transferred, 5u);
  EXPECT_EQ(w.Get(id).progress.bytes_total, 10u);
  EXPECT_EQ(w.Get(id).progress.files_unsized, 0u);
  EXPECT_EQ(w.store->GetJob(id)->progress.bytes_transferred, 0u);
}

}  // namespace
}  // namespace bits::app::testing

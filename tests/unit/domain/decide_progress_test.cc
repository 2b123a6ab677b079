// Bytes and files: what is counted, and that sums agree with the files.
#include <gtest/gtest.h>

#include "server/domain/decide.h"
#include "tests/unit/domain/world.h"

namespace bits::domain {
namespace {

using S = JobState;

TEST(DecideProgress, BeginsWithNothingKnown) {
  World w(3);
  const JobProgress& p = w.job.progress;
  EXPECT_EQ(p.files_total, 3u);
  EXPECT_EQ(p.files_unsized, 3u);
  EXPECT_EQ(p.bytes_total, 0u);
  EXPECT_EQ(p.bytes_transferred, 0u);
  EXPECT_EQ(p.files_transferred, 0u);
  ExpectConsistent(w);
}

TEST(DecideProgress, ACheckpointRecordsBytesSizeAndVersion) {
  World w = World::In(S::kTransferring);
  w.now += absl::Seconds(7);
  Checkpoint checkpoint;
  checkpoint.bytes_transferred = 40;
  checkpoint.bytes_total = 100;
  checkpoint.validators = {"\"tag\"", "Tue, 14 Nov 2023 22:13:20 GMT"};
  checkpoint.last_modified = StartTime();
  const Decision d = w.Must(checkpoint, 1);
  ASSERT_EQ(d.files.size(), 1u);
  EXPECT_EQ(d.files[0], w.file(1));
  EXPECT_EQ(d.changes, std::vector<ChangeKind>{ChangeKind::kProgress});
  EXPECT_EQ(w.file(1).bytes_transferred, 40u);
  EXPECT_EQ(w.file(1).bytes_total, 100u);
  EXPECT_EQ(w.file(1).validators, checkpoint.validators);
  EXPECT_EQ(w.file(1).last_modified, checkpoint.last_modified);
  EXPECT_EQ(w.job.activity_time, w.now);
  EXPECT_EQ(w.job.progress.bytes_transferred, 40u);
  EXPECT_EQ(w.job.progress.bytes_total, 100u);
  EXPECT_EQ(w.job.progress.files_unsized, 1u);
  ExpectConsistent(w);
}

TEST(DecideProgress, TheFirstBytesTellOfTheNewStateAlone) {
  World w = World::In(S::kConnecting);
  EXPECT_EQ(w.Checkpointed(1, 1, 2).changes, std::vector<ChangeKind>{ChangeKind::kStateChanged});
  EXPECT_EQ(w.job.state, S::kTransferring);
}

TEST(DecideProgress, AKnownSizeStaysWhereTheOriginGivesNone) {
  World w = World::In(S::kTransferring);
  w.Checkpointed(1, 40, 100);
  w.Checkpointed(1, 50, std::nullopt);
  EXPECT_EQ(w.file(1).bytes_total, 100u);
  ExpectConsistent(w);
}

TEST(DecideProgress, BytesNeverExceedTheSize) {
  World w = World::In(S::kTransferring);
  w.Checkpointed(1, 140, 100);
  EXPECT_EQ(w.file(1).bytes_transferred, 100u);
  w.Checkpointed(1, 100, 60);
  EXPECT_EQ(w.file(1).bytes_transferred, 60u);
  EXPECT_EQ(w.file(1).bytes_furthest, 100u);
  ExpectConsistent(w);
}

TEST(DecideProgress, GoesBackWithARestart) {
  World w = World::In(S::kTransferring);
  w.Checkpointed(1, 40, 100);
  w.Checkpointed(2, 10, 20);
  w.now += absl::Seconds(1);
  const absl::Time active = w.job.activity_time;
  const Decision d = w.Must(FileRestarted{}, 1);
  EXPECT_EQ(d.changes, std::vector<ChangeKind>{ChangeKind::kFileRestarted});
  EXPECT_EQ(w.job.state, S::kTransferring);
  EXPECT_EQ(w.file(1).bytes_transferred, 0u);
  EXPECT_EQ(w.file(1).bytes_furthest, 40u);
  EXPECT_FALSE(w.file(1).bytes_total.has_value());
  EXPECT_EQ(w.file(1).validators, Validators());
  EXPECT_FALSE(w.file(1).last_modified.has_value());
  EXPECT_EQ(w.file(1).restarts, 1u);
  EXPECT_EQ(w.file(2).bytes_transferred, 10u) << "that file only";
  EXPECT_EQ(w.job.progress.bytes_transferred, 10u);
  EXPECT_EQ(w.job.activity_time, active);
  ExpectConsistent(w);
}

TEST(DecideProgress, ATransferredFileHasItsSizeAndStays) {
  World w = World::In(S::kTransferring);
  const Decision d = w.Transferred(1, 70);
  EXPECT_EQ(d.changes, std::vector<ChangeKind>{ChangeKind::kFileTransferred});
  EXPECT_TRUE(w.file(1).transferred);
  EXPECT_EQ(w.file(1).bytes_total, 70u);
  EXPECT_EQ(w.job.progress.files_transferred, 1u);
  EXPECT_EQ(w.job.state, S::kTransferring);
  const Job before = w.job;
  Checkpoint late;
  late.bytes_transferred = 3;
  EXPECT_FALSE(w.Do(late, 1)->changed);
  EXPECT_FALSE(w.Do(FileRestarted{}, 1)->changed);
  EXPECT_FALSE(w.Do(FileTransferred{late}, 1)->changed) << "is not counted twice";
  EXPECT_EQ(w.job, before);
  ExpectConsistent(w);
}

TEST(DecideProgress, TheLastFileEndsTheTransfer) {
  World w = World::In(S::kTransferring);
  w.Transferred(2, 5);
  w.now += absl::Seconds(9);
  const Decision d = w.Transferred(1, 0);
  EXPECT_EQ(w.job.state, S::kTransferred);
  EXPECT_EQ(w.job.transfer_completion_time, w.now);
  EXPECT_EQ(w.job.progress.files_unsized, 0u);
  EXPECT_EQ(w.job.progress.bytes_total, 5u);
  EXPECT_EQ(d.changes,
            (std::vector<ChangeKind>{ChangeKind::kFileTransferred, ChangeKind::kStateChanged}));
  ExpectConsistent(w);
}

TEST(DecideProgress, LateBytesOfAStoppedJobCount) {
  for (S state : {S::kQueued, S::kSuspended, S::kError, S::kTransientError}) {
    World w = World::In(state);
    w.Checkpointed(1, 30, 60);
    EXPECT_EQ(w.job.state, state);
    EXPECT_EQ(w.job.progress.bytes_transferred, 30u);
    w.Transferred(1, 60);
    w.Transferred(2, 60);
    EXPECT_EQ(w.job.state, state) << "nothing moves by it";
    EXPECT_TRUE(AllFilesTransferred(w.job));
    ExpectConsistent(w);
    if (state != S::kQueued) w.Must(Resume{});
    w.Must(Start{});
    EXPECT_EQ(w.job.state, S::kTransferred) << "there is nothing left to fetch";
    EXPECT_EQ(w.job.transfer_completion_time, w.now);
    ExpectConsistent(w);
  }
}

TEST(DecideProgress, AddedFilesAreNumberedOn) {
  World w(2);
  const Decision d = w.Must(AddFiles{{NewFile("a"), NewFile("b")}});
  ASSERT_EQ(d.files.size(), 2u);
  EXPECT_EQ(d.files[0].ordinal, 3u);
  EXPECT_EQ(d.files[1].ordinal, 4u);
  EXPECT_EQ(d.files[1].local_name, "b");
  EXPECT_EQ(d.changes, std::vector<ChangeKind>{ChangeKind::kModified});
  EXPECT_EQ(w.job.progress.files_total, 4u);
  ExpectConsistent(w);
  EXPECT_FALSE(w.Do(AddFiles{})->changed);
}

TEST(DecideProgress, ABytelessStepBackInTimeBreaksNothing) {
  World w = World::In(S::kTransferring);
  w.now -= absl::Seconds(30);
  w.Checkpointed(1, 10, 20);
  w.Must(FailWith(TransientFailure()), 1);
  EXPECT_EQ(w.job.active_time, absl::ZeroDuration()) << "never negative";
  ExpectConsistent(w);
}

}  // namespace
}  // namespace bits::domain

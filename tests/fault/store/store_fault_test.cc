// What the SQLite store does when its files fail it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/base/mutex.h"
#include "server/base/status_macros.h"
#include "server/store/sqlite/sqlite_job_store.h"
#include "tests/contract/commit_and_wait.h"
#include "tests/contract/samples.h"
#include "tests/fault/store/fault_vfs.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace bits::testing {
namespace {

using absl::StatusCode;
using app::Transaction;
using store::SqliteJobStore;
using File = FaultVfs::File;
using Operation = FaultVfs::Operation;

class StoreFaultTest : public ::testing::Test {
 protected:
  StoreFaultTest() {
    options_.state_directory = directory_.path();
    options_.vfs = FaultVfs::kName;
    options_.writer.probe_interval = absl::Milliseconds(20);
    options_.writer.checkpoint_idle = absl::InfiniteDuration();
    FaultVfs::Get().Heal();
    Open();
  }
  ~StoreFaultTest() override {
    FaultVfs::Get().Heal();
    if (store_ != nullptr) store_->Close();
  }

  void Open() {
    if (store_ != nullptr) store_->Close();
    store_.reset();
    auto store = SqliteJobStore::Open(options_);
    ASSERT_THAT(store, IsOk());
    store_ = *std::move(store);
    store_->SetHealthListener([this](absl::Status status) {
      MutexLock lock(mutex_);
      healthy_ = status.ok();
      ++changes_;
      changed_.SignalAll();
    });
  }

  // A job with a file and an event, or nothing.
  absl::Status Create(const domain::JobId& id) {
    return CommitAndWait(*store_, [&](Transaction& t) { return Write(t, id); });
  }
  static absl::Status Write(Transaction& t, const domain::JobId& id) {
    domain::Job job = QueuedJob(id, "owner", absl::UnixEpoch());
    app::EventRecord event;
    event.kind = domain::ChangeKind::kCreated;
    event.job = job;
    BITS_RETURN_IF_ERROR(t.AppendEvent(event));
    BITS_RETURN_IF_ERROR(t.InsertJob(job, absl::UnixEpoch()));
    domain::File file;
    file.ordinal = 1;
    return t.PutFile(id, file);
  }
  // Creates some, expecting them to be stored.
  void CreateSome(int count) {
    for (int i = 0; i < count; ++i) {
      ids_.push_back(samples_.Id());
      BITS_ASSERT_OK(Create(ids_.back()));
    }
  }
  void ExpectWhole(const std::vector<domain::JobId>& ids) {
    for (const domain::JobId& id : ids) {
      BITS_EXPECT_OK(store_->GetJob(id));
      BITS_EXPECT_OK(store_->GetFile(id, 1));
    }
  }
  bool WaitUntilHealthy() {
    MutexLock lock(mutex_);
    return changed_.WaitFor(mutex_, std::chrono::seconds(60), [this] {
      mutex_.AssertHeld();
      return healthy_;
    });
  }
  int HealthChanges() {
    MutexLock lock(mutex_);
    return changes_;
  }

  // Expects the store to be unhealthy for good, though its files are well again, and all that
  // was acknowledged to be there for the next one.
  void ExpectBroken(const domain::JobId& unknown) {
    EXPECT_THAT(store_->Health(), HasCode(StatusCode::kUnavailable));
    EXPECT_EQ(HealthChanges(), 1);
    FaultVfs::Get().Heal();
    const domain::JobId refused = samples_.Id();
    EXPECT_THAT(Create(refused), HasCode(StatusCode::kUnavailable));
    EXPECT_THAT(CommitAndWait(*store_, [](Transaction&) { return absl::OkStatus(); }),
                HasCode(StatusCode::kUnavailable));
    EXPECT_THAT(store_->Health(), HasCode(StatusCode::kUnavailable));
    Open();
    BITS_EXPECT_OK(store_->Health());
    ExpectWhole(ids_);
    EXPECT_THAT(store_->GetJob(refused), HasCode(StatusCode::kNotFound));
    // Of unknown outcome: there and whole, or not there at all.
    const bool there = store_->GetJob(unknown).ok();
    EXPECT_EQ(store_->GetFile(unknown, 1).ok(), there);
    EXPECT_EQ(*store_->LastRevision(), ids_.size() + (there ? 1 : 0));
    CreateSome(1);
  }

  TempDir directory_;
  SqliteJobStore::Options options_;
  std::unique_ptr<SqliteJobStore> store_;
  Samples samples_{11};
  std::vector<domain::JobId> ids_;  // acknowledged

  Mutex mutex_;
  CondVar changed_;
  bool healthy_ BITS_GUARDED_BY(mutex_) = true;
  int changes_ BITS_GUARDED_BY(mutex_) = 0;
};

TEST_F(StoreFaultTest, AcknowledgedMeansSynced) {
  for (int i = 0; i < 50; ++i) {
    std::promise<bool> synced;
    store_->Commit([&](Transaction& t) { return Write(t, samples_.Id()); },
                   [&](absl::Status status) {
                     BITS_EXPECT_OK(status);
                     synced.set_value(FaultVfs::Get().Synced(File::kLog));
                   });
    EXPECT_TRUE(synced.get_future().get());
  }
}

TEST_F(StoreFaultTest, FailedSyncIsOfUnknownOutcomeAndForGood) {
  CreateSome(5);
  FaultVfs::Get().Fail(Operation::kSync, File::kLog, SQLITE_IOERR_FSYNC);
  const domain::JobId unknown = samples_.Id();
  EXPECT_THAT(Create(unknown), HasCode(StatusCode::kUnavailable));
  EXPECT_GT(FaultVfs::Get().failures(), 0);
  ExpectBroken(unknown);
}

TEST_F(StoreFaultTest, FailedWriteOfTheLogIsForGood) {
  CreateSome(5);
  FaultVfs::Get().Fail(Operation::kWrite, File::kLog, SQLITE_IOERR_WRITE, /*spare=*/2);
  const domain::JobId unknown = samples_.Id();
  EXPECT_THAT(Create(unknown), HasCode(StatusCode::kUnavailable));
  ExpectBroken(unknown);
}

TEST_F(StoreFaultTest, AllOfAGroupThatFailsHearSo) {
  CreateSome(1);
  FaultVfs::Get().Fail(Operation::kSync, File::kLog, SQLITE_IOERR_FSYNC);
  constexpr int kBodies = 20;
  std::promise<void> inside;
  std::promise<void> all;
  std::vector<absl::Status> outcomes;  // the store's thread's
  std::shared_future<void> go;
  std::promise<void> going;
  go = going.get_future().share();
  for (int i = 0; i < kBodies; ++i) {
    store_->Commit(
        [&, i, first = true](Transaction& t) mutable -> absl::Status {
          if (i == 0 && std::exchange(first, false)) {
            inside.set_value();
            go.wait();
          }
          if (i == 3) return absl::NotFoundError("for what others may not have written");
          return Write(t, samples_.Id());
        },
        [&](absl::Status status) {
          outcomes.push_back(std::move(status));
          if (outcomes.size() == kBodies) all.set_value();
        });
    if (i == 0) inside.get_future().wait();
  }
  going.set_value();
  all.get_future().wait();
  for (const absl::Status& outcome : outcomes) {
    EXPECT_THAT(outcome, HasCode(StatusCode::kUnavailable));
  }
}

TEST_F(StoreFaultTest, FullDiskIsWaitedOut) {
  CreateSome(5);
  for (int round = 1; round <= 2; ++round) {
    FaultVfs::Get().Fail(Operation::kWrite, File::kLog, SQLITE_FULL, /*spare=*/1);
    const domain::JobId lost = samples_.Id();
    EXPECT_THAT(Create(lost), HasCode(StatusCode::kUnavailable));
    EXPECT_THAT(store_->Health(), HasCode(StatusCode::kUnavailable));
    for (int i = 0; i < 10; ++i) {
      EXPECT_THAT(Create(samples_.Id()), HasCode(StatusCode::kUnavailable));
    }
    ExpectWhole(ids_);  // reading goes on
    EXPECT_EQ(HealthChanges(), 2 * round - 1);
    FaultVfs::Get().Heal();
    ASSERT_TRUE(WaitUntilHealthy());
    BITS_EXPECT_OK(store_->Health());
    EXPECT_EQ(HealthChanges(), 2 * round);
    EXPECT_THAT(store_->GetJob(lost), HasCode(StatusCode::kNotFound));
    EXPECT_EQ(*store_->LastRevision(), ids_.size()) << "nothing unacknowledged is there";
    CreateSome(5);
  }
  Open();
  ExpectWhole(ids_);
  EXPECT_EQ(*store_->LastRevision(), ids_.size());
}

// Whoever lost a change waits for the store to be said in order again.
TEST_F(StoreFaultTest, AFailureThatPassesIsToldAndSoIsItsEnd) {
  CreateSome(2);
  for (int round = 0; round < 2; ++round) {
    const int before = HealthChanges();
    FaultVfs::Get().Fail(Operation::kWrite, File::kLog, SQLITE_BUSY, /*spare=*/1);
    EXPECT_THAT(Create(samples_.Id()), HasCode(StatusCode::kUnavailable));
    FaultVfs::Get().Heal();
    ASSERT_TRUE(WaitUntilHealthy());
    EXPECT_EQ(HealthChanges(), before + 2);
    CreateSome(2);
  }
  ExpectWhole(ids_);
}

// A change larger than the cache is written before its body ends.
TEST_F(StoreFaultTest, DiskThatIsFullWithinABodyLosesTheBodyWhateverItSays) {
  CreateSome(2);
  FaultVfs::Get().Fail(Operation::kWrite, File::kLog, SQLITE_FULL);
  const domain::JobId lost = samples_.Id();
  bool failed_within = false;
  const absl::Status status = CommitAndWait(*store_, [&](Transaction& t) -> absl::Status {
    BITS_RETURN_IF_ERROR(Write(t, lost));
    domain::File file;
    file.remote_name.assign(1 << 20, 'x');
    for (file.ordinal = 2; file.ordinal < 40; ++file.ordinal) {
      failed_within |= !t.PutFile(lost, file).ok();
    }
    return absl::OkStatus();
  });
  EXPECT_TRUE(failed_within);
  EXPECT_THAT(status, HasCode(StatusCode::kUnavailable));
  FaultVfs::Get().Heal();
  ASSERT_TRUE(WaitUntilHealthy());
  EXPECT_THAT(store_->GetJob(lost), HasCode(StatusCode::kNotFound));
  CreateSome(2);
  Open();
  ExpectWhole(ids_);
  EXPECT_EQ(*store_->LastRevision(), ids_.size());
}

TEST_F(StoreFaultTest, FailedReadIsForGood) {
  CreateSome(300);
  Open();  // with nothing in any cache
  {
    MutexLock lock(mutex_);
    changes_ = 0;
  }
  FaultVfs::Get().Fail(Operation::kRead, File::kDatabase, SQLITE_IOERR_READ);
  EXPECT_THAT(store_->GetJob(ids_[150]), HasCode(StatusCode::kUnavailable));
  ExpectBroken(samples_.Id());
}

TEST_F(StoreFaultTest, LogThatCannotBeMovedForLackOfRoomGrows) {
  options_.writer.checkpoint_bytes = 50000;
  Open();
  FaultVfs::Get().Fail(Operation::kWrite, File::kDatabase, SQLITE_FULL);
  CreateSome(60);
  EXPECT_GT(FaultVfs::Get().failures(), 0);
  BITS_EXPECT_OK(store_->Health());
  FaultVfs::Get().Heal();
  CreateSome(60);
  Open();
  ExpectWhole(ids_);
}

TEST_F(StoreFaultTest, FailureToMoveTheLogIsForGood) {
  options_.writer.checkpoint_bytes = 50000;
  Open();
  FaultVfs::Get().Fail(Operation::kSync, File::kDatabase, SQLITE_IOERR_FSYNC);
  absl::Status status;
  domain::JobId unknown;
  while (status.ok()) {
    if (!unknown.empty()) ids_.push_back(unknown);
    unknown = samples_.Id();
    status = Create(unknown);
    ASSERT_LT(ids_.size(), 500u) << "the log is never moved";
  }
  ExpectBroken(unknown);
}

TEST_F(StoreFaultTest, IdleStoreEmptiesItsLog) {
  options_.writer.checkpoint_idle = absl::Milliseconds(10);
  Open();
  std::promise<void> truncated;
  FaultVfs::Get().OnLogTruncated([&truncated, first = true]() mutable {
    if (std::exchange(first, false)) truncated.set_value();
  });
  CreateSome(1);
  EXPECT_EQ(truncated.get_future().wait_for(std::chrono::seconds(60)), std::future_status::ready);
  FaultVfs::Get().Heal();
}

TEST_F(StoreFaultTest, DamageIsNotServed) {
  CreateSome(300);
  store_->Close();
  store_.reset();
  const std::string path = directory_ / "bitsd.db";
  std::string content = ReadFile(path);
  constexpr size_t kPage = 4096;
  ASSERT_GT(content.size(), 10 * kPage);
  for (size_t i = 5 * kPage; i < content.size(); ++i) content[i] = static_cast<char>(0x5a);
  WriteFile(path, content);
  const auto store = SqliteJobStore::Open(options_);
  if (!store.ok()) {
    EXPECT_THAT(store, HasCode(StatusCode::kUnavailable));
    return;
  }
  EXPECT_THAT((*store)->GetJob(ids_[150]), HasCode(StatusCode::kUnavailable));
  EXPECT_THAT((*store)->Health(), HasCode(StatusCode::kUnavailable));
  EXPECT_THAT(CommitAndWait(**store, [&](Transaction& t) { return Write(t, samples_.Id()); }),
              HasCode(StatusCode::kUnavailable));
}

}  // namespace
}  // namespace bits::testing

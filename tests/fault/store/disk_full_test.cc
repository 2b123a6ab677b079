// A real file system without room: a small tmpfs, which root can mount.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/base/mutex.h"
#include "server/base/status_macros.h"
#include "server/base/unique_fd.h"
#include "server/store/sqlite/sqlite_job_store.h"
#include "tests/contract/commit_and_wait.h"
#include "tests/contract/samples.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace bits::testing {
namespace {

using absl::StatusCode;
using store::SqliteJobStore;

class DiskFullTest : public ::testing::Test {
 protected:
  ~DiskFullTest() override {
    if (mounted_) umount2(directory_.path().c_str(), MNT_DETACH);
  }

  bool Mount() {
    mounted_ = mount("tmpfs", directory_.path().c_str(), "tmpfs", 0, "size=2m") == 0;
    return mounted_;
  }

  std::unique_ptr<SqliteJobStore> Open() {
    SqliteJobStore::Options options;
    options.state_directory = directory_ / "state";
    options.writer.probe_interval = absl::Milliseconds(20);
    auto store = SqliteJobStore::Open(options);
    EXPECT_THAT(store, IsOk());
    return store.ok() ? *std::move(store) : nullptr;
  }

  // Takes all the room there is.
  void Fill() {
    UniqueFd fd(open((directory_ / "filler").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600));
    ASSERT_TRUE(fd.valid());
    const std::string block(4096, 'x');
    while (write(fd.get(), block.data(), block.size()) > 0) {
    }
    ASSERT_EQ(errno, ENOSPC);
  }

  absl::Status Create(SqliteJobStore& store, const domain::JobId& id) {
    return CommitAndWait(store, [&](app::Transaction& t) -> absl::Status {
      domain::Job job = QueuedJob(id, "owner", absl::UnixEpoch());
      job.description.assign(2000, 'd');
      BITS_RETURN_IF_ERROR(t.InsertJob(job, absl::UnixEpoch()));
      domain::File file;
      file.ordinal = 1;
      return t.PutFile(id, file);
    });
  }

  TempDir directory_;
  bool mounted_ = false;
  Samples samples_{12};
};

TEST_F(DiskFullTest, NothingIsAcknowledgedThatIsNotThereAndItGoesOnWhenThereIsRoom) {
  if (!Mount()) GTEST_SKIP() << "no tmpfs can be mounted here: " << std::strerror(errno);
  auto store = Open();
  ASSERT_NE(store, nullptr);
  Mutex mutex;
  CondVar changed;
  bool healthy = true;  // under `mutex`
  store->SetHealthListener([&](absl::Status status) {
    MutexLock lock(mutex);
    healthy = status.ok();
    changed.SignalAll();
  });
  std::vector<domain::JobId> stored;
  std::vector<domain::JobId> refused;
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 10; ++i) {
      stored.push_back(samples_.Id());
      BITS_ASSERT_OK(Create(*store, stored.back()));
    }
    Fill();
    while (true) {  // what room the files have left
      const domain::JobId id = samples_.Id();
      const absl::Status status = Create(*store, id);
      if (!status.ok()) {
        EXPECT_THAT(status, HasCode(StatusCode::kUnavailable));
        refused.push_back(id);
        break;
      }
      stored.push_back(id);
      ASSERT_LT(stored.size(), 10000u) << "the disk is never full";
    }
    EXPECT_THAT(store->Health(), HasCode(StatusCode::kUnavailable));
    for (int i = 0; i < 10; ++i) {
      refused.push_back(samples_.Id());
      EXPECT_THAT(Create(*store, refused.back()), HasCode(StatusCode::kUnavailable));
    }
    for (const domain::JobId& id : stored) BITS_EXPECT_OK(store->GetJob(id));
    ASSERT_EQ(unlink((directory_ / "filler").c_str()), 0);
    {
      MutexLock lock(mutex);
      ASSERT_TRUE(changed.WaitFor(mutex, std::chrono::seconds(60), [&] { return healthy; }));
    }
    BITS_EXPECT_OK(store->Health());
  }
  stored.push_back(samples_.Id());
  BITS_EXPECT_OK(Create(*store, stored.back()));
  store->Close();
  store.reset();
  store = Open();
  ASSERT_NE(store, nullptr);
  for (const domain::JobId& id : stored) {
    BITS_EXPECT_OK(store->GetJob(id));
    BITS_EXPECT_OK(store->GetFile(id, 1));
  }
  for (const domain::JobId& id : refused) {
    EXPECT_THAT(store->GetJob(id), HasCode(StatusCode::kNotFound));
  }
}

}  // namespace
}  // namespace bits::testing

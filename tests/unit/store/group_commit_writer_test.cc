#include "server/store/sqlite/group_commit_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "server/base/status_macros.h"
#include "server/store/sqlite/migrations.h"
#include "server/store/sqlite/queries.h"
#include "tests/contract/samples.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace bits::store {
namespace {

using app::Transaction;

class GroupCommitWriterTest : public ::testing::Test {
 protected:
  void Start(GroupCommitWriter::Options options) {
    testing::WriteFile(path_, "");
    auto database = *Database::Open({path_, Database::Mode::kReadWrite, "", 1024});
    ASSERT_TRUE(Migrate(*database, Migrations()).ok());
    writer_ = std::make_unique<GroupCommitWriter>(options, std::move(database), health_);
  }

  // Runs the bodies as one group, or as few: they wait behind one that holds the thread.
  void CommitTogether(std::vector<GroupCommitWriter::Body> bodies,
                      std::vector<absl::Status>& outcomes) {
    std::promise<void> inside;
    std::promise<void> go;
    std::shared_future<void> going = go.get_future().share();
    writer_->Commit(
        [&inside, going, first = true](Transaction&) mutable {
          if (std::exchange(first, false)) inside.set_value();
          going.wait();
          return absl::OkStatus();
        },
        [](absl::Status) {});
    inside.get_future().wait();
    outcomes.resize(bodies.size());
    std::promise<void> all;
    size_t left = bodies.size();  // the writer's thread's
    for (size_t i = 0; i < bodies.size(); ++i) {
      writer_->Commit(std::move(bodies[i]), [&, i](absl::Status status) {
        outcomes[i] = std::move(status);
        if (--left == 0) all.set_value();
      });
    }
    go.set_value();
    all.get_future().wait();
  }

  absl::Status Insert(Transaction& transaction, const domain::JobId& id) {
    domain::Job job = testing::QueuedJob(id, "owner", absl::UnixEpoch());
    return transaction.InsertJob(job, absl::InfiniteFuture());
  }

  // So many jobs in one commit.
  absl::Status InsertSome(int count) {
    std::promise<absl::Status> done;
    writer_->Commit(
        [&](Transaction& t) -> absl::Status {
          for (int i = 0; i < count; ++i) BITS_RETURN_IF_ERROR(Insert(t, samples_.Id()));
          return absl::OkStatus();
        },
        [&](absl::Status status) { done.set_value(std::move(status)); });
    return done.get_future().get();
  }

  int64_t LogSize() const {
    struct stat log = {};
    EXPECT_EQ(stat((path_ + "-wal").c_str(), &log), 0);
    return log.st_size;
  }

  testing::TempDir directory_;
  const std::string path_ = directory_ / "test.db";
  Health health_;
  std::unique_ptr<GroupCommitWriter> writer_;
  testing::Samples samples_{10};
};

TEST_F(GroupCommitWriterTest, BodyThatFailsWithoutWritingCostsNothing) {
  Start({});
  std::atomic<int> runs = 0;
  std::vector<GroupCommitWriter::Body> bodies;
  for (int i = 0; i < 10; ++i) {
    bodies.push_back([&, i, id = samples_.Id()](Transaction& t) -> absl::Status {
      ++runs;
      if (i % 2 == 1) return absl::NotFoundError("no");
      return Insert(t, id);
    });
  }
  std::vector<absl::Status> outcomes;
  CommitTogether(std::move(bodies), outcomes);
  EXPECT_EQ(runs, 10) << "none was run again";
  for (int i = 0; i < 10; ++i) EXPECT_EQ(outcomes[i].ok(), i % 2 == 0);
}

TEST_F(GroupCommitWriterTest, BodyThatFailsAfterWritingIsRolledBackAlone) {
  GroupCommitWriter::Options options;
  options.group_time = absl::InfiniteDuration();
  Start(options);
  for (int round = 0; round < 3; ++round) {  // the later ones with savepoints from the start
    std::vector<int> runs(10);
    std::vector<domain::JobId> ids;
    std::vector<GroupCommitWriter::Body> bodies;
    for (int i = 0; i < 10; ++i) {
      ids.push_back(samples_.Id());
      bodies.push_back([&, i, id = ids.back()](Transaction& t) -> absl::Status {
        ++runs[i];
        BITS_RETURN_IF_ERROR(Insert(t, id));
        return i == 5 ? absl::AbortedError("no") : absl::OkStatus();
      });
    }
    std::vector<absl::Status> outcomes;
    CommitTogether(std::move(bodies), outcomes);
    auto reader = *Database::Open({path_, Database::Mode::kReadOnly, "", 1024});
    for (int i = 0; i < 10; ++i) {
      EXPECT_EQ(outcomes[i].ok(), i != 5);
      EXPECT_EQ(ReadJob(*reader, ids[i]).ok(), i != 5);
      EXPECT_EQ(runs[i], round == 0 && i <= 5 ? 2 : 1) << round << " " << i;
    }
  }
}

TEST_F(GroupCommitWriterTest, LogIsMovedWhenItHasGrown) {
  GroupCommitWriter::Options options;
  options.checkpoint_bytes = 200000;
  options.checkpoint_idle = absl::InfiniteDuration();
  Start(options);
  int64_t most = 0;
  for (int i = 0; i < 60; ++i) {
    BITS_ASSERT_OK(InsertSome(20));
    most = std::max(most, LogSize());
  }
  EXPECT_GT(most, 150000);
  EXPECT_LT(most, 500000);
}

TEST_F(GroupCommitWriterTest, ReaderInTheWayOnlyDelaysTheMovingOfTheLog) {
  GroupCommitWriter::Options options;
  options.checkpoint_bytes = 200000;
  options.checkpoint_idle = absl::InfiniteDuration();
  Start(options);
  BITS_ASSERT_OK(InsertSome(20));
  auto reader = *Database::Open({path_, Database::Mode::kReadOnly, "", 1024});
  int64_t most = 0;
  {
    ReadTransaction reading(*reader);
    EXPECT_EQ(*reader->QueryInt("SELECT count(*) FROM jobs"), 20);
    while (most < 3 * options.checkpoint_bytes) {
      BITS_ASSERT_OK(InsertSome(20));
      most = LogSize();
    }
    EXPECT_EQ(*reader->QueryInt("SELECT count(*) FROM jobs"), 20);
  }
  for (int i = 0; i < 30; ++i) BITS_ASSERT_OK(InsertSome(20));
  EXPECT_LT(LogSize(), most + options.checkpoint_bytes) << "it is used again from the start";
  BITS_EXPECT_OK(health_.Get());
}

}  // namespace
}  // namespace bits::store

#include "server/store/sqlite/sqlite_transaction.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "server/store/sqlite/migrations.h"
#include "server/store/sqlite/queries.h"
#include "tests/contract/samples.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

// What every transaction does is in tests/contract.
namespace bits::store {
namespace {

class SqliteTransactionTest : public ::testing::Test {
 protected:
  static constexpr uint64_t kEventsKept = 16000;

  SqliteTransactionTest() {
    testing::WriteFile(path_, "");
    database_ = *Database::Open({path_, Database::Mode::kReadWrite, "", 1024});
    EXPECT_TRUE(Migrate(*database_, Migrations()).ok());
    EXPECT_TRUE(database_->Execute("BEGIN IMMEDIATE").ok());
    transaction_ = std::make_unique<SqliteTransaction>(*database_, kEventsKept);
  }

  int64_t Query(const char* sql) { return *database_->QueryInt(sql); }

  testing::TempDir directory_;
  const std::string path_ = directory_ / "test.db";
  std::unique_ptr<Database> database_;
  std::unique_ptr<SqliteTransaction> transaction_;
  testing::Samples samples_{8};
};

TEST_F(SqliteTransactionTest, ExpiredRequestsGoTwoForEachThatComes) {
  const absl::Time start = absl::FromUnixSeconds(1000000);
  app::RequestRecord request = samples_.Request();
  request.time = start;
  for (int i = 0; i < 100; ++i) {
    request.request_id = samples_.Id();
    BITS_ASSERT_OK(transaction_->PutRequest(request));
  }
  EXPECT_EQ(Query("SELECT count(*) FROM requests"), 100);
  request.time = start + app::kRequestRetention + absl::Seconds(1);
  for (int i = 1; i <= 60; ++i) {
    request.request_id = samples_.Id();
    BITS_ASSERT_OK(transaction_->PutRequest(request));
    EXPECT_EQ(Query("SELECT count(*) FROM requests"), i <= 50 ? 100 - i : i);
  }
}

TEST_F(SqliteTransactionTest, EventsAreForgottenInSlices) {
  app::EventRecord event;
  event.kind = domain::ChangeKind::kModified;
  event.job.id = samples_.Id();
  for (uint64_t i = 0; i < 2 * kEventsKept; ++i) {
    BITS_ASSERT_OK(transaction_->AppendEvent(event));
  }
  int slices = 0;
  uint64_t kept = 2 * kEventsKept;
  while (true) {
    BITS_ASSERT_OK(transaction_->Trim());
    const auto now = static_cast<uint64_t>(Query("SELECT count(*) FROM events"));
    if (now == kept) break;
    EXPECT_LE(kept - now, 4000u);
    kept = now;
    ++slices;
  }
  EXPECT_EQ(slices, 4);
  EXPECT_EQ(kept, kEventsKept);
  EXPECT_EQ(*ReadOldestCursor(*database_), kEventsKept);
  EXPECT_EQ(*ReadLastRevision(*database_), 2 * kEventsKept);
}

// So that reporting progress writes the record, and no index.
TEST_F(SqliteTransactionTest, ProgressLeavesIndexesAlone) {
  domain::Job job = testing::QueuedJob(samples_.Id(), "owner", absl::UnixEpoch());
  domain::File file = samples_.File(1);
  file.transferred = false;
  BITS_ASSERT_OK(transaction_->InsertJob(job, absl::UnixEpoch()));
  BITS_ASSERT_OK(transaction_->PutFile(job.id, file));
  ASSERT_TRUE(database_->Execute("COMMIT").ok());
  ASSERT_TRUE(database_->Checkpoint(/*passive=*/false).ok());
  ASSERT_TRUE(database_->Execute("BEGIN IMMEDIATE").ok());
  ++job.progress.bytes_transferred;
  ++file.bytes_transferred;
  BITS_ASSERT_OK(transaction_->UpdateJob(job, absl::UnixEpoch()));
  BITS_ASSERT_OK(transaction_->PutFile(job.id, file));
  ASSERT_TRUE(database_->Execute("COMMIT").ok());
  EXPECT_EQ(database_->log_bytes(), 2 * Query("PRAGMA page_size")) << "one page for each record";
  EXPECT_EQ(ReadJob(*database_, job.id)->progress.bytes_transferred, 1u);
}

}  // namespace
}  // namespace bits::store

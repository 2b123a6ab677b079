// No query walks through a table or sorts what it finds: a million jobs are normal.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <memory>
#include <string>

#include "server/store/sqlite/job_list.h"
#include "server/store/sqlite/migrations.h"
#include "server/store/sqlite/queries.h"
#include "server/store/sqlite/queue_query.h"
#include "server/store/sqlite/sqlite_transaction.h"
#include "tests/contract/samples.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace bits::store {
namespace {

class QueryPlanTest : public ::testing::Test {
 protected:
  QueryPlanTest() {
    testing::WriteFile(path_, "");
    database_ = *Database::Open({path_, Database::Mode::kReadWrite, "", 1024});
    EXPECT_TRUE(Migrate(*database_, Migrations()).ok());
    sqlite3_trace_v2(database_->handle(), SQLITE_TRACE_PROFILE, &QueryPlanTest::OnDone, this);
    EXPECT_TRUE(database_->Execute("BEGIN IMMEDIATE").ok());
    transaction_ = std::make_unique<SqliteTransaction>(*database_, 10);
  }

  // After each run of a statement.
  static int OnDone(unsigned, void* self, void* statement, void*) {
    auto* test = static_cast<QueryPlanTest*>(self);
    auto* stmt = static_cast<sqlite3_stmt*>(statement);
    ++test->statements_;
    EXPECT_EQ(sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_FULLSCAN_STEP, 1), 0)
        << sqlite3_sql(stmt);
    EXPECT_EQ(sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_AUTOINDEX, 1), 0) << sqlite3_sql(stmt);
    const int sorts = sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_SORT, 1);
    EXPECT_TRUE(sorts == 0 || test->may_sort_) << sqlite3_sql(stmt);
    return 0;
  }

  testing::TempDir directory_;
  const std::string path_ = directory_ / "test.db";
  std::unique_ptr<Database> database_;
  std::unique_ptr<SqliteTransaction> transaction_;
  testing::Samples samples_{9};
  int statements_ = 0;
  bool may_sort_ = false;
};

TEST_F(QueryPlanTest, EverythingGoesByIndex) {
  domain::JobId last;
  for (int i = 0; i < 100; ++i) {
    domain::Job job = samples_.Job();
    last = job.id;
    BITS_ASSERT_OK(transaction_->InsertJob(job, samples_.Time()));
    for (uint32_t file = 1; file <= 5; ++file) {
      BITS_ASSERT_OK(transaction_->PutFile(job.id, samples_.File(file)));
    }
    BITS_ASSERT_OK(transaction_->ReserveDestination("/d/" + job.id, job.id));
    for (int n = 0; n < 3; ++n) {
      BITS_ASSERT_OK(transaction_->AddError(job.id, samples_.Error()));
    }
    app::RequestRecord request = samples_.Request();
    BITS_ASSERT_OK(transaction_->FindRequest(request.principal, request.request_id, {}));
    BITS_ASSERT_OK(transaction_->PutRequest(request));
    app::EventRecord event = samples_.Event();
    BITS_ASSERT_OK(transaction_->AppendEvent(event));
    job.state = domain::JobState::kQueued;
    job.priority = domain::Priority::kNormal;
    BITS_ASSERT_OK(transaction_->UpdateJob(job, samples_.Time()));
    BITS_ASSERT_OK(transaction_->UpdateJob(job, samples_.Time()));
    transaction_->Begin();
    if (i % 10 == 0) {
      BITS_ASSERT_OK(transaction_->ReleaseDestinations(job.id));
      BITS_ASSERT_OK(transaction_->DeleteJob(job.id));
    }
    BITS_ASSERT_OK(transaction_->Trim());
  }
  const int writes = statements_;
  EXPECT_GT(writes, 1000);
  BITS_EXPECT_OK(ReadJob(*database_, last));
  BITS_EXPECT_OK(ReadFile(*database_, last, 2));
  BITS_EXPECT_OK(ReadFiles(*database_, last, 1, 2));
  BITS_EXPECT_OK(ReadUntransferredFiles(*database_, last, 1, 2));
  BITS_EXPECT_OK(ReadQueued(*database_, {domain::Priority::kNormal, "b", 10, 10},
                            [](const domain::WaitingJob&) { return false; }));
  BITS_EXPECT_OK(ReadHostFailed(*database_, "a", "", 10));
  BITS_EXPECT_OK(ReadDue(*database_, absl::Now(), 10));
  BITS_EXPECT_OK(ReadNextTimer(*database_));
  BITS_EXPECT_OK(ReadUnsettled(*database_, "", 10));
  BITS_EXPECT_OK(ReadUnsettled(*database_, last, 10));
  BITS_EXPECT_OK(ReadLastRevision(*database_));
  BITS_EXPECT_OK(ReadEvents(*database_, *ReadOldestCursor(*database_), 10));
  may_sort_ = true;  // the few codes of one job
  BITS_EXPECT_OK(ReadErrors(*database_, last));
  EXPECT_GE(statements_ - writes, 12);
}

TEST_F(QueryPlanTest, QueueBehindThousandsGoesByIndex) {
  for (int i = 0; i < 1000; ++i) {
    domain::Job job = testing::QueuedJob(samples_.Id(), "o", absl::UnixEpoch());
    job.host = std::to_string(i % 20);
    BITS_ASSERT_OK(transaction_->InsertJob(job, absl::InfiniteFuture()));
  }
  const int before = statements_;
  const auto queued = ReadQueued(*database_, {domain::Priority::kNormal, "", 10, 10},
                                 [](const domain::WaitingJob& job) { return job.host != "7"; });
  BITS_ASSERT_OK(queued);
  EXPECT_EQ(queued->size(), 10u);
  EXPECT_LT(statements_ - before, 60) << "one or two for each host";
}

TEST_F(QueryPlanTest, EveryPageGoesByIndex) {
  for (int i = 0; i < 200; ++i) {
    domain::Job job = samples_.Job();
    BITS_ASSERT_OK(transaction_->InsertJob(job, samples_.Time()));
  }
  for (int i = 0; i < 400; ++i) {
    app::JobQuery query;
    query.filter = i < 4 ? domain::JobFilter() : samples_.Filter(3);
    query.show_final = i % 2 == 0;
    if (i / 2 % 2 == 0) query.owner = "a";
    query.after = samples_.Below(100);
    query.limit = 20;
    BITS_EXPECT_OK(ListJobs(*database_, query, 50));
  }
}

}  // namespace
}  // namespace bits::store

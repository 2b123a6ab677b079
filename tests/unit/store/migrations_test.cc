#include "server/store/sqlite/migrations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "server/store/sqlite/database.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace bits::store {
namespace {

using absl::StatusCode;
using testing::HasCode;
using ::testing::HasSubstr;

class MigrationsTest : public ::testing::Test {
 protected:
  MigrationsTest() {
    testing::WriteFile(path_, "");
    database_ = *Database::Open({path_, Database::Mode::kReadWrite, "", 1024});
  }

  int64_t Query(const char* sql) { return *database_->QueryInt(sql); }
  bool HasTable(const std::string& name) {
    return Query(
               ("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = '" + name + "'")
                   .c_str()) == 1;
  }

  const std::vector<Migration> three_ = {
      "CREATE TABLE one (a INTEGER) STRICT; INSERT INTO one VALUES (7);",
      "CREATE TABLE two (a INTEGER) STRICT; INSERT INTO two SELECT a + 1 FROM one;",
      "DROP TABLE one;"};

  testing::TempDir directory_;
  const std::string path_ = directory_ / "test.db";
  std::unique_ptr<Database> database_;
};

TEST_F(MigrationsTest, NewDatabaseGetsThemAll) {
  BITS_ASSERT_OK(Migrate(*database_, three_));
  EXPECT_EQ(Query("PRAGMA user_version"), 3);
  EXPECT_EQ(Query("PRAGMA application_id"), kApplicationId);
  EXPECT_FALSE(HasTable("one"));
  EXPECT_EQ(Query("SELECT a FROM two"), 8);
  BITS_EXPECT_OK(Migrate(*database_, three_));  // nothing left to do
  EXPECT_EQ(Query("SELECT count(*) FROM two"), 1);
}

TEST_F(MigrationsTest, OlderDatabaseGetsWhatItLacks) {
  BITS_ASSERT_OK(Migrate(*database_, std::span(three_).first(1)));
  EXPECT_EQ(Query("PRAGMA user_version"), 1);
  ASSERT_TRUE(database_->Execute("UPDATE one SET a = 41").ok());
  BITS_ASSERT_OK(Migrate(*database_, three_));
  EXPECT_EQ(Query("PRAGMA user_version"), 3);
  EXPECT_EQ(Query("SELECT a FROM two"), 42);
}

TEST_F(MigrationsTest, WhatFailsLeavesTheOlderOneWhole) {
  const std::vector<Migration> bad = {
      three_[0], "CREATE TABLE two (a INTEGER) STRICT; INSERT INTO nowhere VALUES (1);"};
  EXPECT_THAT(Migrate(*database_, bad), HasCode(StatusCode::kUnavailable));
  EXPECT_FALSE(database_->in_transaction());
  EXPECT_EQ(Query("PRAGMA user_version"), 1);
  EXPECT_EQ(Query("SELECT a FROM one"), 7);
  EXPECT_FALSE(HasTable("two"));
  BITS_EXPECT_OK(Migrate(*database_, three_));
}

TEST_F(MigrationsTest, NewerDatabaseIsRefusedUntouched) {
  BITS_ASSERT_OK(Migrate(*database_, three_));
  const absl::Status status = Migrate(*database_, std::span(three_).first(2));
  EXPECT_THAT(status, HasCode(StatusCode::kFailedPrecondition));
  EXPECT_EQ(std::string(status.message()),
            "it was written by a newer bitsd: its schema is version 3, this bitsd knows up to 2");
  EXPECT_EQ(Query("PRAGMA user_version"), 3);
}

TEST_F(MigrationsTest, DatabaseOfAnotherProgramIsRefusedUntouched) {
  ASSERT_TRUE(database_->Execute("CREATE TABLE theirs (a)").ok());
  EXPECT_THAT(Migrate(*database_, three_), HasCode(StatusCode::kFailedPrecondition));
  ASSERT_TRUE(database_->Execute("DROP TABLE theirs; PRAGMA application_id=5").ok());
  EXPECT_THAT(Migrate(*database_, three_), HasCode(StatusCode::kFailedPrecondition));
  EXPECT_EQ(Query("PRAGMA application_id"), 5);
  EXPECT_EQ(Query("SELECT count(*) FROM sqlite_schema"), 0);
}

TEST_F(MigrationsTest, OursLeadToASoundSchema) {
  ASSERT_FALSE(Migrations().empty());
  EXPECT_THAT(std::string(Migrations()[0]), HasSubstr("CREATE TABLE jobs"));
  for (size_t n = 1; n <= Migrations().size(); ++n) {
    BITS_ASSERT_OK(Migrate(*database_, Migrations().first(n)));
    EXPECT_EQ(Query("PRAGMA user_version"), static_cast<int64_t>(n));
  }
  Statement check = database_->Prepare("PRAGMA integrity_check");
  ASSERT_TRUE(*check.Step());
  EXPECT_EQ(check.Bytes(0), "ok");
  Statement keys = database_->Prepare("PRAGMA foreign_key_check");
  EXPECT_FALSE(*keys.Step());
}

}  // namespace
}  // namespace bits::store

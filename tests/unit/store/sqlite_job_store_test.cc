#include "server/store/sqlite/sqlite_job_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <thread>
#include <vector>

#include "tests/contract/commit_and_wait.h"
#include "tests/contract/samples.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

// What every store does is in tests/contract.
namespace bits::store {
namespace {

using absl::StatusCode;
using testing::HasCode;
using ::testing::HasSubstr;
using testing::IsOk;
using ::testing::StartsWith;
using testing::TempDir;

SqliteJobStore::Options In(const std::string& directory) {
  SqliteJobStore::Options options;
  options.state_directory = directory;
  return options;
}

std::string MessageOf(const absl::StatusOr<std::unique_ptr<SqliteJobStore>>& store) {
  return std::string(store.status().message());
}

TEST(SqliteJobStore, SecondOpenerIsRefused) {
  TempDir directory;
  const auto first = SqliteJobStore::Open(In(directory.path()));
  ASSERT_THAT(first, IsOk());
  const auto second = SqliteJobStore::Open(In(directory.path()));
  EXPECT_THAT(second, HasCode(StatusCode::kFailedPrecondition));
  EXPECT_EQ(MessageOf(second),
            "state directory " + directory.path() + " is in use by another bitsd");
  (*first)->Close();
  BITS_EXPECT_OK(SqliteJobStore::Open(In(directory.path())));
}

TEST(SqliteJobStore, NewerSchemaIsRefused) {
  TempDir directory;
  std::vector<Migration> newer(Migrations().begin(), Migrations().end());
  newer.push_back("CREATE TABLE of_the_future (id INTEGER PRIMARY KEY) STRICT;");
  auto options = In(directory.path());
  options.migrations = newer;
  BITS_ASSERT_OK(SqliteJobStore::Open(options));
  const auto store = SqliteJobStore::Open(In(directory.path()));
  EXPECT_THAT(store, HasCode(StatusCode::kFailedPrecondition));
  EXPECT_THAT(MessageOf(store), StartsWith("state directory " + directory.path() +
                                           ": it was written by a newer bitsd"));
  BITS_EXPECT_OK(SqliteJobStore::Open(options));
}

TEST(SqliteJobStore, WhatIsNoDatabaseIsRefused) {
  TempDir directory;
  const std::string garbage(10000, 'x');
  testing::WriteFile(directory / "bitsd.db", garbage);
  const auto store = SqliteJobStore::Open(In(directory.path()));
  EXPECT_THAT(store, HasCode(StatusCode::kUnavailable));
  EXPECT_THAT(MessageOf(store), HasSubstr(directory.path()));
  EXPECT_EQ(testing::ReadFile(directory / "bitsd.db"), garbage) << "it is left as it was";
}

TEST(SqliteJobStore, FilesAreForTheirOwnerAlone) {
  TempDir directory;
  const auto store = SqliteJobStore::Open(In(directory.path()));
  ASSERT_THAT(store, IsOk());
  domain::Job job = testing::QueuedJob(testing::Samples(1).Id(), "owner", absl::UnixEpoch());
  BITS_EXPECT_OK(testing::CommitAndWait(
      **store, [&](app::Transaction& t) { return t.InsertJob(job, absl::UnixEpoch()); }));
  for (const std::string& name : testing::ListDirectory(directory.path())) {
    struct stat info = {};
    ASSERT_EQ(stat((directory / name).c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u) << name;
  }
  (*store)->Close();
  EXPECT_THAT(testing::ListDirectory(directory.path()), ::testing::ElementsAre("bitsd.db", "lock"))
      << "the log is moved into the database";
}

TEST(SqliteJobStore, OneReaderIsEnoughForMany) {
  TempDir directory;
  auto options = In(directory.path());
  options.readers = 1;
  const auto store = SqliteJobStore::Open(options);
  ASSERT_THAT(store, IsOk());
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 50; ++n) BITS_EXPECT_OK((*store)->ListJobs({}));
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace bits::store

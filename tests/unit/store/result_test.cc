#include "server/store/sqlite/result.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

namespace bits::store {
namespace {

TEST(Result, IsJudgedByItsCode) {
  for (const int ok : {SQLITE_OK, SQLITE_ROW, SQLITE_DONE}) {
    EXPECT_EQ(ClassifyResult(ok), Failure::kNone);
  }
  EXPECT_EQ(ClassifyResult(SQLITE_FULL), Failure::kFull);
  for (const int broken :
       {SQLITE_IOERR, SQLITE_IOERR_FSYNC, SQLITE_IOERR_WRITE, SQLITE_IOERR_READ,
        SQLITE_IOERR_SHORT_READ, SQLITE_IOERR_SHMSIZE, SQLITE_CORRUPT, SQLITE_CORRUPT_INDEX,
        SQLITE_NOTADB, SQLITE_READONLY, SQLITE_READONLY_DBMOVED}) {
    EXPECT_EQ(ClassifyResult(broken), Failure::kBroken) << broken;
  }
  for (const int passing : {SQLITE_BUSY, SQLITE_BUSY_SNAPSHOT, SQLITE_NOMEM, SQLITE_ERROR,
                            SQLITE_CONSTRAINT_UNIQUE, SQLITE_TOOBIG, SQLITE_INTERRUPT}) {
    EXPECT_EQ(ClassifyResult(passing), Failure::kPassing) << passing;
  }
}

TEST(Result, IsUnavailableAndSaysTheCode) {
  const absl::Status status = ResultStatus(SQLITE_IOERR_FSYNC, "commit");
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(status.message(), "store: commit: disk I/O error (1034)");
}

}  // namespace
}  // namespace bits::store

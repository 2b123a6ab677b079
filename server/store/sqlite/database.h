// One connection to a SQLite database.
#ifndef BITS_SERVER_STORE_SQLITE_DATABASE_H_
#define BITS_SERVER_STORE_SQLITE_DATABASE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/store/sqlite/result.h"
#include "server/store/sqlite/statement.h"

struct sqlite3;

namespace bits::store {

// One thread at a time.
//
// SQLite before 3.51.3 may damage a WAL that two connections write or checkpoint at once
// (sqlite.org/wal.html#walreset). So one connection writes and checkpoints, the others are
// opened kReadOnly and never checkpoint.
class Database {
 public:
  enum class Mode : uint8_t {
    kReadWrite,  // makes the database durable at every commit; checkpoints only when told
    kReadOnly,
  };
  struct Options {
    std::string path;
    Mode mode = Mode::kReadOnly;
    std::string vfs;  // the name of a SQLite VFS; empty: the default
    int cache_kib = 2048;
  };

  // The file must be there (it may be empty). UNAVAILABLE if it is no database, or cannot
  // be used.
  static absl::StatusOr<std::unique_ptr<Database>> Open(const Options& options);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Lends a prepared statement; `sql` is a literal, of one statement.
  StatementLease Cached(std::string_view sql);
  // For a statement whose text is made at run time.
  Statement Prepare(std::string_view sql) { return Statement(*this, sql, false); }
  // Runs one or more statements, ignoring rows.
  absl::Status Execute(const char* sql);
  // The integer of the first column of the first row.
  absl::StatusOr<int64_t> QueryInt(std::string_view sql);

  // Rows that the last INSERT, UPDATE or DELETE changed.
  int64_t changes() const;
  // Rows changed since the connection was opened.
  int64_t total_changes() const;
  // The rowid of the last row inserted.
  int64_t last_insert_id() const;
  bool in_transaction() const;

  // Moves the write-ahead log into the database. Passive: as far as no reader is in the way.
  // Else waits for them, a little, and empties the log.
  absl::Status Checkpoint(bool passive);
  // Closing the connection will leave the log to the next one to be opened, which believes
  // what is on the disk.
  void LeaveLog();
  // The size of the write-ahead log after the last commit of this connection.
  int64_t log_bytes() const { return log_bytes_; }

  // The gravest failure since the last call.
  Failure TakeFailure();
  // Remembers a failure, gives it as a status.
  absl::Status NoteFailure(int result, std::string_view what);

  sqlite3* handle() const { return handle_; }

 private:
  friend class StatementLease;

  Database() = default;
  absl::Status Configure(const Options& options);
  void GiveBack(std::string_view sql, std::unique_ptr<Statement> statement);
  static int OnCommit(void* self, sqlite3* handle, const char* schema, int pages);

  sqlite3* handle_ = nullptr;
  // By text, those that are not lent.
  std::unordered_map<std::string_view, std::vector<std::unique_ptr<Statement>>> cache_;
  Failure failure_ = Failure::kNone;
  int64_t log_bytes_ = 0;
  int64_t page_size_ = 0;
};

// A transaction that reads: what it sees does not change. Ends with its scope.
class ReadTransaction {
 public:
  explicit ReadTransaction(Database& database)
      : database_(database), begun_(database.Execute("BEGIN")) {}
  ~ReadTransaction() {
    if (begun_.ok()) database_.Execute("ROLLBACK").IgnoreError();
  }
  ReadTransaction(const ReadTransaction&) = delete;
  ReadTransaction& operator=(const ReadTransaction&) = delete;

  const absl::Status& begun() const { return begun_; }

 private:
  Database& database_;
  const absl::Status begun_;
};

}  // namespace bits::store

#endif  // BITS_SERVER_STORE_SQLITE_DATABASE_H_

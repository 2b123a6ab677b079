// A prepared statement, and the lease of one from a connection's cache.
#ifndef BITS_SERVER_STORE_SQLITE_STATEMENT_H_
#define BITS_SERVER_STORE_SQLITE_STATEMENT_H_

#include <cstdint>
#include <memory>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

struct sqlite3_stmt;

namespace bits::store {

class Database;

// Used on the thread that has its connection. What fails before Step() (preparing, binding)
// is what Step() gives.
class Statement {
 public:
  // `persistent`: it will be used often. The connection outlives the statement.
  Statement(Database& database, std::string_view sql, bool persistent);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  // Parameters count from 1. Bytes are not copied: they live until Reset().
  void BindInt(int index, int64_t value);
  void BindText(int index, std::string_view value);
  void BindBlob(int index, std::string_view value);
  void BindNull(int index);

  // Whether there is a row, which lives until the next Step() or Reset(). UNAVAILABLE if it
  // fails, which the connection remembers.
  absl::StatusOr<bool> Step();
  // Steps to the end.
  absl::Status Run();
  // Ready to be bound and run anew; ends the read transaction that it held open.
  void Reset();

  // Columns count from 0. Bytes live as long as the row.
  int64_t Int(int column) const;
  std::string_view Bytes(int column) const;  // of text or blob
  bool IsNull(int column) const;

 private:
  void Note(int result);

  Database& database_;
  sqlite3_stmt* statement_ = nullptr;
  int failure_ = 0;  // of preparing and binding
};

// A statement lent by Database::Cached(): reset and given back when the lease ends. Not to
// outlive the connection.
class StatementLease {
 public:
  StatementLease(Database& database, std::string_view sql, std::unique_ptr<Statement> statement);
  ~StatementLease();
  StatementLease(StatementLease&&) = default;
  StatementLease& operator=(StatementLease&&) = delete;

  Statement* operator->() const { return statement_.get(); }
  Statement& operator*() const { return *statement_; }

 private:
  Database* database_;
  std::string_view sql_;
  std::unique_ptr<Statement> statement_;
};

}  // namespace bits::store

#endif  // BITS_SERVER_STORE_SQLITE_STATEMENT_H_

#include "server/store/sqlite/statement.h"

#include <sqlite3.h>

#include <utility>

#include "server/store/sqlite/database.h"
#include "server/store/sqlite/result.h"

namespace bits::store {

Statement::Statement(Database& database, std::string_view sql, bool persistent)
    : database_(database) {
  Note(sqlite3_prepare_v3(database.handle(), sql.data(), static_cast<int>(sql.size()),
                          persistent ? SQLITE_PREPARE_PERSISTENT : 0, &statement_, nullptr));
}

Statement::~Statement() { sqlite3_finalize(statement_); }

void Statement::BindInt(int index, int64_t value) {
  Note(sqlite3_bind_int64(statement_, index, value));
}

void Statement::BindText(int index, std::string_view value) {
  Note(sqlite3_bind_text64(statement_, index, value.data() == nullptr ? "" : value.data(),
                           value.size(), SQLITE_STATIC, SQLITE_UTF8));
}

void Statement::BindBlob(int index, std::string_view value) {
  // A null pointer would bind NULL.
  Note(sqlite3_bind_blob64(statement_, index, value.data() == nullptr ? "" : value.data(),
                           value.size(), SQLITE_STATIC));
}

void Statement::BindNull(int index) { Note(sqlite3_bind_null(statement_, index)); }

absl::StatusOr<bool> Statement::Step() {
  const int result = failure_ != SQLITE_OK ? failure_ : sqlite3_step(statement_);
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) return false;
  return database_.NoteFailure(result, "statement");
}

absl::Status Statement::Run() {
  while (true) {
    absl::StatusOr<bool> row = Step();
    if (!row.ok()) return std::move(row).status();
    if (!*row) return absl::OkStatus();
  }
}

void Statement::Reset() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
  if (statement_ != nullptr) failure_ = SQLITE_OK;
}

int64_t Statement::Int(int column) const { return sqlite3_column_int64(statement_, column); }

std::string_view Statement::Bytes(int column) const {
  const void* data = sqlite3_column_blob(statement_, column);
  const auto size = static_cast<size_t>(sqlite3_column_bytes(statement_, column));
  return data == nullptr ? std::string_view()
                         : std::string_view(static_cast<const char*>(data), size);
}

bool Statement::IsNull(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

void Statement::Note(int result) {
  if (result != SQLITE_OK && failure_ == SQLITE_OK) failure_ = result;
}

StatementLease::StatementLease(Database& database, std::string_view sql,
                               std::unique_ptr<Statement> statement)
    : database_(&database), sql_(sql), statement_(std::move(statement)) {}

StatementLease::~StatementLease() {
  if (statement_ == nullptr) return;
  statement_->Reset();
  database_->GiveBack(sql_, std::move(statement_));
}

}  // namespace bits::store

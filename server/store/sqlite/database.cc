#include "server/store/sqlite/database.h"

#include <sqlite3.h>

#include <algorithm>
#include <mutex>
#include <utility>

#include "server/base/status_macros.h"
#include "server/store/sqlite/label_function.h"

namespace bits::store {
namespace {

// Nobody but an administrator's tool can be in the way.
constexpr int kBusyMilliseconds = 5000;
// Our own readers, which are quick; the writer waits for them.
constexpr int kCheckpointBusyMilliseconds = 200;

// Counting memory costs a lock over all connections.
void ConfigureLibrary() {
  static std::once_flag once;
  std::call_once(once, [] { sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); });
}

}  // namespace

absl::StatusOr<std::unique_ptr<Database>> Database::Open(const Options& options) {
  ConfigureLibrary();
  std::unique_ptr<Database> database(new Database);
  const int flags =
      (options.mode == Mode::kReadWrite ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) |
      SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int result = sqlite3_open_v2(options.path.c_str(), &database->handle_, flags,
                                     options.vfs.empty() ? nullptr : options.vfs.c_str());
  if (result != SQLITE_OK) return ResultStatus(result, "cannot open " + options.path);
  absl::Status status = database->Configure(options);
  if (!status.ok()) {
    return absl::UnavailableError(options.path + ": " + std::string(status.message()));
  }
  return database;
}

Database::~Database() {
  cache_.clear();
  sqlite3_close(handle_);
}

absl::Status Database::Configure(const Options& options) {
  sqlite3_busy_timeout(handle_, kBusyMilliseconds);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  BITS_RETURN_IF_ERROR(
      Execute("PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY;"
              "PRAGMA mmap_size=0; PRAGMA foreign_keys=ON; PRAGMA secure_delete=OFF"));
  BITS_RETURN_IF_ERROR(
      Execute(("PRAGMA cache_size=-" + std::to_string(options.cache_kib)).c_str()));
  BITS_RETURN_IF_ERROR(RegisterLabelFunction(*this));
  if (options.mode == Mode::kReadOnly) {
    LeaveLog();
    return Execute("PRAGMA query_only=ON");
  }
  {
    Statement wal = Prepare("PRAGMA journal_mode=WAL");
    BITS_ASSIGN_OR_RETURN(const bool row, wal.Step());
    if (!row || wal.Bytes(0) != "wal") {
      return absl::UnavailableError("the file system does not take a write-ahead log");
    }
  }
  BITS_RETURN_IF_ERROR(Execute(
      "PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0; PRAGMA journal_size_limit=67108864"));
  BITS_ASSIGN_OR_RETURN(page_size_, QueryInt("PRAGMA page_size"));
  sqlite3_wal_hook(handle_, &Database::OnCommit, this);
  return absl::OkStatus();
}

StatementLease Database::Cached(std::string_view sql) {
  std::vector<std::unique_ptr<Statement>>& idle = cache_[sql];
  if (idle.empty()) {
    return StatementLease(*this, sql, std::make_unique<Statement>(*this, sql, true));
  }
  std::unique_ptr<Statement> statement = std::move(idle.back());
  idle.pop_back();
  return StatementLease(*this, sql, std::move(statement));
}

void Database::GiveBack(std::string_view sql, std::unique_ptr<Statement> statement) {
  cache_[sql].push_back(std::move(statement));
}

absl::Status Database::Execute(const char* sql) {
  const int result = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
  return result == SQLITE_OK ? absl::OkStatus() : NoteFailure(result, sql);
}

absl::StatusOr<int64_t> Database::QueryInt(std::string_view sql) {
  Statement statement = Prepare(sql);
  BITS_ASSIGN_OR_RETURN(const bool row, statement.Step());
  return row ? statement.Int(0) : 0;
}

int64_t Database::changes() const { return sqlite3_changes64(handle_); }

int64_t Database::total_changes() const { return sqlite3_total_changes64(handle_); }

int64_t Database::last_insert_id() const { return sqlite3_last_insert_rowid(handle_); }

bool Database::in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }

absl::Status Database::Checkpoint(bool passive) {
  int log_pages = 0;
  sqlite3_busy_timeout(handle_, kCheckpointBusyMilliseconds);
  const int result = sqlite3_wal_checkpoint_v2(
      handle_, nullptr, passive ? SQLITE_CHECKPOINT_PASSIVE : SQLITE_CHECKPOINT_TRUNCATE,
      &log_pages, nullptr);
  sqlite3_busy_timeout(handle_, kBusyMilliseconds);
  if (result != SQLITE_OK) return NoteFailure(result, "checkpoint");
  log_bytes_ = log_pages * page_size_;
  return absl::OkStatus();
}

void Database::LeaveLog() {
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

Failure Database::TakeFailure() { return std::exchange(failure_, Failure::kNone); }

absl::Status Database::NoteFailure(int result, std::string_view what) {
  failure_ = std::max(failure_, ClassifyResult(result));
  return ResultStatus(result, what);
}

int Database::OnCommit(void* self, sqlite3* /*handle*/, const char* /*schema*/, int pages) {
  auto* database = static_cast<Database*>(self);
  database->log_bytes_ = pages * database->page_size_;
  return SQLITE_OK;
}

}  // namespace bits::store

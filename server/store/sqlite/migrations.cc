#include "server/store/sqlite/migrations.h"

#include <string>

#include "server/base/log.h"
#include "server/base/status_macros.h"
#include "server/store/sqlite/database.h"

namespace bits::store {
namespace {

absl::Status Step(Database& database, const char* sql, int64_t version) {
  BITS_RETURN_IF_ERROR(database.Execute("BEGIN IMMEDIATE"));
  BITS_RETURN_IF_ERROR(database.Execute(sql));
  BITS_RETURN_IF_ERROR(
      database.Execute(("PRAGMA user_version=" + std::to_string(version) +
                        "; PRAGMA application_id=" + std::to_string(kApplicationId))
                           .c_str()));
  return database.Execute("COMMIT");
}

// FAILED_PRECONDITION unless the database is empty or ours.
absl::Status CheckOurs(Database& database) {
  BITS_ASSIGN_OR_RETURN(const int64_t application, database.QueryInt("PRAGMA application_id"));
  if (application == kApplicationId) return absl::OkStatus();
  BITS_ASSIGN_OR_RETURN(const int64_t tables,
                        database.QueryInt("SELECT count(*) FROM sqlite_schema"));
  if (application == 0 && tables == 0) return absl::OkStatus();
  return absl::FailedPreconditionError("it is a database of another program");
}

}  // namespace

absl::Status Migrate(Database& database, std::span<const Migration> migrations) {
  BITS_RETURN_IF_ERROR(CheckOurs(database));
  BITS_ASSIGN_OR_RETURN(const int64_t version, database.QueryInt("PRAGMA user_version"));
  const auto latest = static_cast<int64_t>(migrations.size());
  if (version < 0 || version > latest) {
    return absl::FailedPreconditionError("it was written by a newer bitsd: its schema is version " +
                                         std::to_string(version) + ", this bitsd knows up to " +
                                         std::to_string(latest));
  }
  for (int64_t next = version + 1; next <= latest; ++next) {
    absl::Status status = Step(database, migrations[static_cast<size_t>(next) - 1], next);
    if (!status.ok()) {
      if (database.in_transaction()) database.Execute("ROLLBACK").IgnoreError();
      return status;
    }
  }
  if (version != 0 && version != latest) {
    BITS_LOG(kInfo, "the store's schema was migrated", {{"from", version}, {"to", latest}});
  }
  return absl::OkStatus();
}

}  // namespace bits::store

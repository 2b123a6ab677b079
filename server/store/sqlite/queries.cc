#include "server/store/sqlite/queries.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "server/base/status_macros.h"
#include "server/store/job_id.h"
#include "server/store/record.h"
#include "server/store/sqlite/filter_sql.h"

namespace bits::store {

absl::Status JobIsMissing() { return absl::NotFoundError("no such job"); }

namespace {

// All rows of a statement whose first column `read` makes a value of.
template <typename T, typename Read>
absl::StatusOr<std::vector<T>> ReadRows(Statement& statement, Read read) {
  std::vector<T> rows;
  while (true) {
    BITS_ASSIGN_OR_RETURN(const bool row, statement.Step());
    if (!row) return rows;
    BITS_ASSIGN_OR_RETURN(T value, read(statement.Bytes(0)));
    rows.push_back(std::move(value));
  }
}

absl::StatusOr<domain::JobId> ReadId(std::string_view packed) {
  std::optional<domain::JobId> id = UnpackJobId(packed);
  if (!id.has_value()) return absl::UnavailableError("the store holds an id that is none");
  return *std::move(id);
}

absl::StatusOr<std::vector<domain::File>> ReadFilesBy(Database& database, std::string_view sql,
                                                      const domain::JobId& id, uint32_t after,
                                                      uint32_t limit) {
  const std::optional<std::string> packed = PackJobId(id);
  if (!packed.has_value()) return std::vector<domain::File>();
  StatementLease statement = database.Cached(sql);
  statement->BindBlob(1, *packed);
  statement->BindInt(2, after);
  statement->BindInt(3, limit);
  return ReadRows<domain::File>(*statement, DecodeFile);
}

}  // namespace

absl::StatusOr<domain::Job> ReadJob(Database& database, const domain::JobId& id) {
  const std::optional<std::string> packed = PackJobId(id);
  if (!packed.has_value()) return JobIsMissing();
  StatementLease statement = database.Cached("SELECT record FROM jobs WHERE id = ?1");
  statement->BindBlob(1, *packed);
  BITS_ASSIGN_OR_RETURN(const bool row, statement->Step());
  if (!row) return JobIsMissing();
  return DecodeJob(statement->Bytes(0));
}

absl::StatusOr<domain::File> ReadFile(Database& database, const domain::JobId& id,
                                      uint32_t ordinal) {
  const std::optional<std::string> packed = PackJobId(id);
  if (!packed.has_value()) return JobIsMissing();
  StatementLease statement = database.Cached(
      "SELECT record FROM files"
      " WHERE job = (SELECT seq FROM jobs WHERE id = ?1) AND ordinal = ?2");
  statement->BindBlob(1, *packed);
  statement->BindInt(2, ordinal);
  BITS_ASSIGN_OR_RETURN(const bool row, statement->Step());
  if (!row) return absl::NotFoundError("no such file");
  return DecodeFile(statement->Bytes(0));
}

absl::StatusOr<std::vector<domain::File>> ReadFiles(Database& database, const domain::JobId& id,
                                                    uint32_t after, uint32_t limit) {
  return ReadFilesBy(database,
                     "SELECT record FROM files"
                     " WHERE job = (SELECT seq FROM jobs WHERE id = ?1) AND ordinal > ?2"
                     " ORDER BY ordinal LIMIT ?3",
                     id, after, limit);
}

absl::StatusOr<std::vector<domain::File>> ReadUntransferredFiles(Database& database,
                                                                 const domain::JobId& id,
                                                                 uint32_t after, uint32_t limit) {
  return ReadFilesBy(database,
                     "SELECT record FROM files INDEXED BY files_untransferred"
                     " WHERE job = (SELECT seq FROM jobs WHERE id = ?1) AND ordinal > ?2"
                     " AND transferred = 0 ORDER BY ordinal LIMIT ?3",
                     id, after, limit);
}

absl::StatusOr<app::ErrorHistory> ReadErrors(Database& database, const domain::JobId& id) {
  app::ErrorHistory history;
  const std::optional<std::string> packed = PackJobId(id);
  if (!packed.has_value()) return history;
  StatementLease errors = database.Cached(
      "SELECT record FROM errors WHERE job = (SELECT seq FROM jobs WHERE id = ?1) ORDER BY n");
  errors->BindBlob(1, *packed);
  BITS_ASSIGN_OR_RETURN(history.errors, ReadRows<domain::Error>(*errors, DecodeError));
  StatementLease counts = database.Cached(
      "SELECT hresult, count FROM error_counts"
      " WHERE job = (SELECT seq FROM jobs WHERE id = ?1) ORDER BY count DESC, hresult");
  counts->BindBlob(1, *packed);
  while (true) {
    BITS_ASSIGN_OR_RETURN(const bool row, counts->Step());
    if (!row) return history;
    const auto count = static_cast<uint64_t>(counts->Int(1));
    history.counts.emplace_back(static_cast<domain::Hresult>(counts->Int(0)), count);
    history.total += count;
  }
}

absl::StatusOr<std::vector<domain::JobId>> ReadHostFailed(Database& database,
                                                          const std::string& host,
                                                          const domain::JobId& after,
                                                          uint32_t limit) {
  const std::string packed = PackJobId(after).value_or("");
  StatementLease statement = database.Cached(
      "SELECT id FROM jobs INDEXED BY jobs_failed_by_host"
      " WHERE state = 5 AND host_failed = 1 AND host = ?1 AND id > ?2 ORDER BY id LIMIT ?3");
  static_assert(static_cast<int>(domain::JobState::kTransientError) == 5);
  statement->BindText(1, host);
  statement->BindBlob(2, packed);
  statement->BindInt(3, limit);
  return ReadRows<domain::JobId>(*statement, ReadId);
}

absl::StatusOr<std::vector<domain::JobId>> ReadDue(Database& database, absl::Time now,
                                                   uint32_t limit) {
  StatementLease statement = database.Cached(
      "SELECT id FROM jobs INDEXED BY jobs_by_timer WHERE next_timer <= ?1"
      " ORDER BY next_timer, seq LIMIT ?2");
  statement->BindInt(1, TimeColumn(now));
  statement->BindInt(2, limit);
  return ReadRows<domain::JobId>(*statement, ReadId);
}

absl::StatusOr<absl::Time> ReadNextTimer(Database& database) {
  StatementLease statement = database.Cached(
      "SELECT next_timer FROM jobs INDEXED BY jobs_by_timer WHERE next_timer IS NOT NULL"
      " ORDER BY next_timer LIMIT 1");
  BITS_ASSIGN_OR_RETURN(const bool row, statement->Step());
  return row ? absl::FromUnixNanos(statement->Int(0)) : absl::InfiniteFuture();
}

absl::StatusOr<std::vector<domain::JobId>> ReadUnsettled(Database& database,
                                                         const domain::JobId& after,
                                                         uint32_t limit) {
  const std::string packed = PackJobId(after).value_or("");
  StatementLease statement = database.Cached(
      "SELECT id FROM jobs INDEXED BY jobs_unsettled WHERE unsettled = 1 AND id > ?1"
      " ORDER BY id LIMIT ?2");
  statement->BindBlob(1, packed);
  statement->BindInt(2, limit);
  return ReadRows<domain::JobId>(*statement, ReadId);
}

absl::StatusOr<std::vector<app::EventRecord>> ReadEvents(Database& database, app::Revision after,
                                                         uint32_t limit) {
  BITS_ASSIGN_OR_RETURN(const app::Revision oldest, ReadOldestCursor(database));
  BITS_ASSIGN_OR_RETURN(const app::Revision last, ReadLastRevision(database));
  if (after < oldest) return absl::OutOfRangeError("events after the cursor are no longer kept");
  if (after > last) return absl::OutOfRangeError("the cursor lies after the last event");
  StatementLease statement =
      database.Cached("SELECT record FROM events WHERE revision > ?1 ORDER BY revision LIMIT ?2");
  statement->BindInt(1, static_cast<int64_t>(after));
  statement->BindInt(2, limit);
  return ReadRows<app::EventRecord>(*statement, DecodeEvent);
}

absl::StatusOr<app::Revision> ReadLastRevision(Database& database) {
  StatementLease statement = database.Cached("SELECT max(revision) FROM events");
  BITS_ASSIGN_OR_RETURN(const bool row, statement->Step());
  return row ? static_cast<app::Revision>(statement->Int(0)) : 0;  // NULL reads as 0
}

absl::StatusOr<app::Revision> ReadOldestCursor(Database& database) {
  StatementLease statement = database.Cached("SELECT min(revision) FROM events");
  BITS_ASSIGN_OR_RETURN(const bool row, statement->Step());
  const auto first = row ? static_cast<app::Revision>(statement->Int(0)) : 0;
  return first == 0 ? 0 : first - 1;
}

}  // namespace bits::store

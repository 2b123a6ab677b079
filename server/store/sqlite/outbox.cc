#include "server/store/sqlite/outbox.h"

#include <optional>
#include <string>
#include <utility>

#include "server/base/status_macros.h"
#include "server/store/job_id.h"
#include "server/store/record.h"
#include "server/store/sqlite/filter_sql.h"

namespace bits::store {
namespace {

absl::Status NoNotification() { return absl::NotFoundError("no such notification"); }

// Brings the job's outbox up to date with its notifications, of which there are `more`.
absl::Status UpdateOutbox(Database& database, int64_t seq, int64_t more) {
  {
    StatementLease put = database.Cached(
        "INSERT INTO outboxes (job, owner, count, due) VALUES (?1,"
        " (SELECT owner FROM jobs WHERE seq = ?1), ?2,"
        " (SELECT next_try FROM notifications WHERE job = ?1 AND n ="
        "  (SELECT min(n) FROM notifications INDEXED BY notifications_pending"
        "   WHERE job = ?1 AND pending = 1)))"
        " ON CONFLICT (job) DO UPDATE SET count = count + ?2, due = excluded.due");
    put->BindInt(1, seq);
    put->BindInt(2, more);
    BITS_RETURN_IF_ERROR(put->Run());
  }
  if (more >= 0) return absl::OkStatus();
  StatementLease drop = database.Cached("DELETE FROM outboxes WHERE job = ?1 AND count <= 0");
  drop->BindInt(1, seq);
  return drop->Run();
}

// The record in the first column of the first row.
absl::StatusOr<app::NotificationRecord> FirstOf(Statement& statement) {
  BITS_ASSIGN_OR_RETURN(const bool row, statement.Step());
  if (!row) return NoNotification();
  return DecodeNotification(statement.Bytes(0));
}

// The first owner, from this one on or behind it, who has something to be delivered at some time.
absl::StatusOr<std::optional<std::string>> NextOwner(Database& database, std::string_view from,
                                                     bool behind) {
  StatementLease select = behind
                              ? database.Cached(
                                    "SELECT owner FROM outboxes INDEXED BY outboxes_by_owner"
                                    " WHERE due IS NOT NULL AND owner > ?1 ORDER BY owner LIMIT 1")
                              : database.Cached(
                                    "SELECT owner FROM outboxes INDEXED BY outboxes_by_owner"
                                    " WHERE due IS NOT NULL AND owner >= ?1 ORDER BY owner LIMIT 1");
  select->BindText(1, from);
  BITS_ASSIGN_OR_RETURN(const bool row, select->Step());
  if (!row) return std::nullopt;
  return std::optional<std::string>(select->Bytes(0));
}

absl::Status AddDueOf(Database& database, const std::string& owner, const app::DueQuery& query,
                      std::vector<app::DueOutbox>& to) {
  StatementLease select = database.Cached(
      "SELECT jobs.id FROM outboxes INDEXED BY outboxes_by_owner JOIN jobs"
      " ON jobs.seq = outboxes.job WHERE outboxes.owner = ?1 AND due IS NOT NULL AND due <= ?2"
      " ORDER BY due, outboxes.job LIMIT ?3");
  select->BindText(1, owner);
  select->BindInt(2, TimeColumn(query.now));
  select->BindInt(3, query.per_owner);
  while (true) {
    BITS_ASSIGN_OR_RETURN(const bool row, select->Step());
    if (!row) return absl::OkStatus();
    std::optional<domain::JobId> id = UnpackJobId(select->Bytes(0));
    if (!id.has_value()) return absl::UnavailableError("the store holds an id that is none");
    to.push_back({*std::move(id), owner});
  }
}

}  // namespace

absl::Status WriteNotification(Database& database, int64_t seq,
                               const app::NotificationRecord& notification) {
  bool there = false;
  {
    StatementLease select =
        database.Cached("SELECT 1 FROM notifications WHERE job = ?1 AND n = ?2");
    select->BindInt(1, seq);
    select->BindInt(2, static_cast<int64_t>(notification.number));
    BITS_ASSIGN_OR_RETURN(there, select->Step());
  }
  {
    const std::string record = EncodeNotification(notification);
    StatementLease put = database.Cached(
        "INSERT INTO notifications (job, n, pending, next_try, record)"
        " VALUES (?1, ?2, ?3, ?4, ?5)"
        " ON CONFLICT (job, n) DO UPDATE SET pending = ?3, next_try = ?4, record = ?5");
    put->BindInt(1, seq);
    put->BindInt(2, static_cast<int64_t>(notification.number));
    put->BindInt(3, notification.given_up ? 0 : 1);
    put->BindInt(4, TimeColumn(notification.next_try));
    put->BindBlob(5, record);
    BITS_RETURN_IF_ERROR(put->Run());
  }
  return UpdateOutbox(database, seq, there ? 0 : 1);
}

absl::Status RemoveNotification(Database& database, int64_t seq, uint64_t number) {
  {
    StatementLease remove =
        database.Cached("DELETE FROM notifications WHERE job = ?1 AND n = ?2");
    remove->BindInt(1, seq);
    remove->BindInt(2, static_cast<int64_t>(number));
    BITS_RETURN_IF_ERROR(remove->Run());
    if (database.changes() == 0) return absl::OkStatus();
  }
  return UpdateOutbox(database, seq, -1);
}

absl::Status RemoveNotifications(Database& database, int64_t seq) {
  {
    StatementLease remove = database.Cached("DELETE FROM notifications WHERE job = ?1");
    remove->BindInt(1, seq);
    BITS_RETURN_IF_ERROR(remove->Run());
  }
  StatementLease drop = database.Cached("DELETE FROM outboxes WHERE job = ?1");
  drop->BindInt(1, seq);
  return drop->Run();
}

absl::StatusOr<app::NotificationRecord> ReadNotification(Database& database, int64_t seq,
                                                         uint64_t number) {
  StatementLease select =
      database.Cached("SELECT record FROM notifications WHERE job = ?1 AND n = ?2");
  select->BindInt(1, seq);
  select->BindInt(2, static_cast<int64_t>(number));
  return FirstOf(*select);
}

absl::StatusOr<app::NotificationRecord> ReadFirstPending(Database& database, int64_t seq) {
  StatementLease select = database.Cached(
      "SELECT record FROM notifications INDEXED BY notifications_pending"
      " WHERE job = ?1 AND pending = 1 ORDER BY n LIMIT 1");
  select->BindInt(1, seq);
  return FirstOf(*select);
}

absl::StatusOr<uint32_t> ReadNotificationCount(Database& database, int64_t seq) {
  StatementLease select = database.Cached("SELECT count FROM outboxes WHERE job = ?1");
  select->BindInt(1, seq);
  BITS_ASSIGN_OR_RETURN(const bool row, select->Step());
  return row ? static_cast<uint32_t>(select->Int(0)) : 0;
}

absl::StatusOr<std::vector<app::NotificationRecord>> ReadNotifications(Database& database,
                                                                       const domain::JobId& id,
                                                                       uint64_t after,
                                                                       uint32_t limit) {
  std::vector<app::NotificationRecord> notifications;
  const std::optional<std::string> packed = PackJobId(id);
  if (!packed.has_value()) return notifications;
  StatementLease select = database.Cached(
      "SELECT record FROM notifications"
      " WHERE job = (SELECT seq FROM jobs WHERE id = ?1) AND n > ?2 ORDER BY n LIMIT ?3");
  select->BindBlob(1, *packed);
  select->BindInt(2, static_cast<int64_t>(after));
  select->BindInt(3, limit);
  while (true) {
    BITS_ASSIGN_OR_RETURN(const bool row, select->Step());
    if (!row) return notifications;
    BITS_ASSIGN_OR_RETURN(app::NotificationRecord notification,
                          DecodeNotification(select->Bytes(0)));
    notifications.push_back(std::move(notification));
  }
}

absl::StatusOr<std::vector<app::DueOutbox>> ReadDueOutboxes(Database& database,
                                                            const app::DueQuery& query) {
  std::vector<app::DueOutbox> due;
  uint32_t owners = 0;
  // From behind the owner to the end, then from the beginning to the owner.
  for (const bool wrapped : {false, true}) {
    std::string from = wrapped ? "" : query.after_owner;
    bool behind = !wrapped;
    while (owners < query.owners) {
      BITS_ASSIGN_OR_RETURN(const std::optional<std::string> owner,
                            NextOwner(database, from, behind));
      if (!owner.has_value() || (wrapped && *owner > query.after_owner)) break;
      const size_t before = due.size();
      BITS_RETURN_IF_ERROR(AddDueOf(database, *owner, query, due));
      if (due.size() > before) ++owners;
      from = *owner;
      behind = true;
    }
  }
  return due;
}

absl::StatusOr<absl::Time> ReadNextOutbox(Database& database, absl::Time after) {
  StatementLease select = database.Cached(
      "SELECT due FROM outboxes INDEXED BY outboxes_by_due"
      " WHERE due IS NOT NULL AND due > ?1 ORDER BY due LIMIT 1");
  select->BindInt(1, TimeColumn(after));
  BITS_ASSIGN_OR_RETURN(const bool row, select->Step());
  return row ? absl::FromUnixNanos(select->Int(0)) : absl::InfiniteFuture();
}

}  // namespace bits::store

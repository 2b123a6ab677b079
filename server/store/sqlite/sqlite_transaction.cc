#include "server/store/sqlite/sqlite_transaction.h"

#include <algorithm>
#include <string_view>

#include "server/base/status_macros.h"
#include "server/store/job_id.h"
#include "server/store/record.h"
#include "server/store/sqlite/filter_sql.h"
#include "server/store/sqlite/label_function.h"
#include "server/store/sqlite/outbox.h"
#include "server/store/sqlite/queries.h"
#include "server/store/sqlite/upload_sessions.h"

namespace bits::store {
namespace {

// So many events too many before they are forgotten, and at most so many at once.
constexpr uint64_t kTrimSlack = 1000;
constexpr uint64_t kTrimSlice = 4000;

// What of a job stands in indexed columns.
struct Indexed {
  int64_t state;
  int64_t priority;
  int64_t unsettled;
  int64_t queue_time;
  int64_t host_failed;
  int64_t deferred;
  std::string owner;
  std::string host;
  std::string destination;

  bool operator==(const Indexed&) const = default;
};

Indexed IndexedOf(const domain::Job& job) {
  const bool unsettled = domain::IsActive(job.state) || job.pending != domain::Pending::kNone;
  return {static_cast<int64_t>(job.state), static_cast<int64_t>(job.priority),
          static_cast<int64_t>(unsettled), TimeColumn(job.queue_time),
          static_cast<int64_t>(job.host_failed), static_cast<int64_t>(job.deferred), job.owner, job.host, job.destination};
}

std::optional<int64_t> TimerColumn(absl::Time next_timer) {
  if (next_timer == absl::InfiniteFuture()) return std::nullopt;
  return TimeColumn(next_timer);
}

void BindTimer(Statement& statement, int index, std::optional<int64_t> timer) {
  if (timer.has_value()) {
    statement.BindInt(index, *timer);
  } else {
    statement.BindNull(index);
  }
}

// Parameters that all writes of a job have in common. The strings outlive the statement's run.
constexpr int kVersion = 1;
constexpr int kUpdateTime = 2;
constexpr int kErrorCount = 3;
constexpr int kDisplayName = 4;
constexpr int kLabels = 5;
constexpr int kRecord = 6;
constexpr int kType = 7;
constexpr int kCreateTime = 8;
constexpr int kSeqOrId = 9;
constexpr int kTimer = 10;
constexpr int kState = 11;
constexpr int kPriority = 12;
constexpr int kUnsettled = 13;
constexpr int kQueueTime = 14;
constexpr int kOwnerColumn = 15;
constexpr int kHost = 16;
constexpr int kDestination = 17;
constexpr int kHostFailed = 18;
constexpr int kDeferred = 19;

void BindCommon(Statement& statement, const domain::Job& job, const std::string& labels,
                const std::string& record) {
  statement.BindInt(kVersion, static_cast<int64_t>(job.version));
  statement.BindInt(kUpdateTime, TimeColumn(job.update_time));
  statement.BindInt(kErrorCount, job.error_count);
  statement.BindText(kDisplayName, job.display_name);
  statement.BindBlob(kLabels, labels);
  statement.BindBlob(kRecord, record);
  statement.BindInt(kType, static_cast<int64_t>(job.type));
  statement.BindInt(kCreateTime, TimeColumn(job.create_time));
}

void BindIndexed(Statement& statement, const Indexed& indexed) {
  statement.BindInt(kState, indexed.state);
  statement.BindInt(kPriority, indexed.priority);
  statement.BindInt(kUnsettled, indexed.unsettled);
  statement.BindInt(kQueueTime, indexed.queue_time);
  statement.BindText(kOwnerColumn, indexed.owner);
  statement.BindText(kHost, indexed.host);
  statement.BindText(kDestination, indexed.destination);
  statement.BindInt(kHostFailed, indexed.host_failed);
  statement.BindInt(kDeferred, indexed.deferred);
}

constexpr std::string_view kInsertJob =
    "INSERT INTO jobs (version, update_time, error_count, display_name, labels, record, type,"
    " create_time, id, next_timer, state, priority, unsettled, queue_time, owner, host,"
    " destination, host_failed, deferred)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)"
    " ON CONFLICT (id) DO NOTHING";

// An UPDATE writes every index over a column that it names, changed or not. So there is one
// for progress, which changes nothing indexed but perhaps the timer, and one for the rest.
constexpr std::string_view kUpdateRecord =
    "UPDATE jobs SET version = ?1, update_time = ?2, error_count = ?3, display_name = ?4,"
    " labels = ?5, record = ?6, type = ?7, create_time = ?8 WHERE seq = ?9";
constexpr std::string_view kUpdateRecordAndTimer =
    "UPDATE jobs SET version = ?1, update_time = ?2, error_count = ?3, display_name = ?4,"
    " labels = ?5, record = ?6, type = ?7, create_time = ?8, next_timer = ?10 WHERE seq = ?9";
constexpr std::string_view kUpdateAll =
    "UPDATE jobs SET version = ?1, update_time = ?2, error_count = ?3, display_name = ?4,"
    " labels = ?5, record = ?6, type = ?7, create_time = ?8, next_timer = ?10, state = ?11,"
    " priority = ?12, unsettled = ?13, queue_time = ?14, owner = ?15, host = ?16,"
    " destination = ?17, host_failed = ?18, deferred = ?19 WHERE seq = ?9";

}  // namespace

absl::Status SqliteTransaction::Trim() {
  BITS_ASSIGN_OR_RETURN(const app::Revision last, ReadLastRevision(database_));
  BITS_ASSIGN_OR_RETURN(const app::Revision oldest, ReadOldestCursor(database_));
  const uint64_t kept = last - oldest;
  const uint64_t enough = events_kept_;
  if (kept <= enough + std::min(kTrimSlack, enough / 8)) return absl::OkStatus();
  StatementLease forget = database_.Cached("DELETE FROM events WHERE revision <= ?1");
  forget->BindInt(1, static_cast<int64_t>(oldest + std::min(kTrimSlice, kept - enough)));
  return forget->Run();
}

absl::StatusOr<int64_t> SqliteTransaction::SeqOf(const domain::JobId& id) {
  if (known_.has_value() && known_->first == id) return known_->second;
  const std::optional<std::string> packed = PackJobId(id);
  if (!packed.has_value()) return JobIsMissing();
  StatementLease statement = database_.Cached("SELECT seq FROM jobs WHERE id = ?1");
  statement->BindBlob(1, *packed);
  BITS_ASSIGN_OR_RETURN(const bool row, statement->Step());
  if (!row) return JobIsMissing();
  known_.emplace(id, statement->Int(0));
  return known_->second;
}

absl::StatusOr<domain::Job> SqliteTransaction::GetJob(const domain::JobId& id) {
  return ReadJob(database_, id);
}

absl::StatusOr<domain::File> SqliteTransaction::GetFile(const domain::JobId& id, uint32_t ordinal) {
  return ReadFile(database_, id, ordinal);
}

absl::StatusOr<std::vector<domain::File>> SqliteTransaction::ListFiles(const domain::JobId& id,
                                                                       uint32_t after,
                                                                       uint32_t limit) {
  return ReadFiles(database_, id, after, limit);
}

absl::StatusOr<std::vector<domain::File>> SqliteTransaction::ListUntransferredFiles(
    const domain::JobId& id, uint32_t after, uint32_t limit) {
  return ReadUntransferredFiles(database_, id, after, limit);
}

absl::Status SqliteTransaction::InsertJob(domain::Job& job, absl::Time next_timer) {
  const std::optional<std::string> packed = PackJobId(job.id);
  if (!packed.has_value()) return absl::InvalidArgumentError("a job's id is not a UUID");
  job.version = 1;
  const std::string labels = EncodeLabels(job.labels);
  const std::string record = EncodeJob(job);
  const Indexed indexed = IndexedOf(job);
  StatementLease insert = database_.Cached(kInsertJob);
  BindCommon(*insert, job, labels, record);
  insert->BindBlob(kSeqOrId, *packed);
  BindTimer(*insert, kTimer, TimerColumn(next_timer));
  BindIndexed(*insert, indexed);
  BITS_RETURN_IF_ERROR(insert->Run());
  if (database_.changes() == 0) return absl::AlreadyExistsError("there is a job with this id");
  known_.emplace(job.id, database_.last_insert_id());
  return absl::OkStatus();
}

absl::Status SqliteTransaction::UpdateJob(domain::Job& job, absl::Time next_timer) {
  const std::optional<std::string> packed = PackJobId(job.id);
  if (!packed.has_value()) return JobIsMissing();
  int64_t seq = 0;
  Indexed before;
  std::optional<int64_t> timer_before;
  {
    StatementLease select = database_.Cached(
        "SELECT seq, version, state, priority, unsettled, queue_time, owner, next_timer,"
        " host_failed, host, destination, deferred"
        " FROM jobs WHERE id = ?1");
    select->BindBlob(1, *packed);
    BITS_ASSIGN_OR_RETURN(const bool row, select->Step());
    if (!row) return JobIsMissing();
    seq = select->Int(0);
    if (static_cast<uint64_t>(select->Int(1)) != job.version) {
      return absl::AbortedError("the job was changed meanwhile");
    }
    before = {select->Int(2),
              select->Int(3),
              select->Int(4),
              select->Int(5),
              select->Int(8),
              select->Int(11),
              std::string(select->Bytes(6)),
              std::string(select->Bytes(9)),
              std::string(select->Bytes(10))};
    if (!select->IsNull(7)) timer_before = select->Int(7);
  }
  ++job.version;
  const std::string labels = EncodeLabels(job.labels);
  const std::string record = EncodeJob(job);
  const Indexed indexed = IndexedOf(job);
  const std::optional<int64_t> timer = TimerColumn(next_timer);
  std::string_view sql = kUpdateAll;
  if (indexed == before) sql = timer == timer_before ? kUpdateRecord : kUpdateRecordAndTimer;
  StatementLease update = database_.Cached(sql);
  BindCommon(*update, job, labels, record);
  update->BindInt(kSeqOrId, seq);
  if (sql != kUpdateRecord) BindTimer(*update, kTimer, timer);
  if (sql == kUpdateAll) BindIndexed(*update, indexed);
  return update->Run();
}

absl::Status SqliteTransaction::DeleteJob(const domain::JobId& id) {
  BITS_ASSIGN_OR_RETURN(const int64_t seq, SeqOf(id));
  known_.reset();
  StatementLease statement = database_.Cached("DELETE FROM jobs WHERE seq = ?1");  // and the rest
  statement->BindInt(1, seq);
  return statement->Run();
}

absl::Status SqliteTransaction::PutFile(const domain::JobId& id, const domain::File& file) {
  BITS_ASSIGN_OR_RETURN(const int64_t seq, SeqOf(id));
  const std::string record = EncodeFile(file);
  const auto bind = [&](Statement& statement) {
    statement.BindInt(1, seq);
    statement.BindInt(2, file.ordinal);
    statement.BindInt(3, file.transferred ? 1 : 0);
    statement.BindBlob(4, record);
  };
  {
    // Progress: what is indexed stays, and its index is left alone.
    StatementLease update = database_.Cached(
        "UPDATE files SET record = ?4 WHERE job = ?1 AND ordinal = ?2 AND transferred = ?3");
    bind(*update);
    BITS_RETURN_IF_ERROR(update->Run());
    if (database_.changes() > 0) return absl::OkStatus();
  }
  StatementLease put = database_.Cached(
      "INSERT INTO files (job, ordinal, transferred, record) VALUES (?1, ?2, ?3, ?4)"
      " ON CONFLICT (job, ordinal) DO UPDATE SET transferred = ?3, record = ?4");
  bind(*put);
  return put->Run();
}

absl::Status SqliteTransaction::ReserveDestination(const std::string& path,
                                                   const domain::JobId& id) {
  BITS_ASSIGN_OR_RETURN(const int64_t seq, SeqOf(id));
  StatementLease statement = database_.Cached(
      "INSERT INTO destinations (path, job) VALUES (?1, ?2) ON CONFLICT (path) DO NOTHING");
  statement->BindBlob(1, path);
  statement->BindInt(2, seq);
  BITS_RETURN_IF_ERROR(statement->Run());
  return database_.changes() > 0 ? absl::OkStatus()
                                 : absl::AlreadyExistsError("the destination is taken");
}

absl::StatusOr<domain::JobId> SqliteTransaction::HolderOfDestination(const std::string& path) {
  StatementLease select = database_.Cached(
      "SELECT id FROM destinations JOIN jobs ON seq = job WHERE path = ?1");
  select->BindBlob(1, path);
  BITS_ASSIGN_OR_RETURN(const bool row, select->Step());
  return row ? UnpackJobId(select->Bytes(0)).value_or("") : domain::JobId();
}

absl::Status SqliteTransaction::ReleaseDestinations(const domain::JobId& id) {
  const absl::StatusOr<int64_t> seq = SeqOf(id);
  if (absl::IsNotFound(seq.status())) return absl::OkStatus();
  BITS_RETURN_IF_ERROR(seq.status());
  StatementLease statement = database_.Cached("DELETE FROM destinations WHERE job = ?1");
  statement->BindInt(1, *seq);
  return statement->Run();
}

absl::StatusOr<domain::LiveJobs> SqliteTransaction::CountLiveJobs(const std::string& owner) {
  StatementLease statement = database_.Cached(
      "SELECT (SELECT count FROM live_jobs WHERE owner = ?1), (SELECT count FROM live_total)");
  statement->BindText(1, owner);
  BITS_RETURN_IF_ERROR(statement->Step().status());
  return domain::LiveJobs{static_cast<uint64_t>(statement->Int(0)),  // NULL: 0
                          static_cast<uint64_t>(statement->Int(1))};
}

absl::StatusOr<app::PolicyRecord> SqliteTransaction::GetPolicy() {
  StatementLease statement = database_.Cached("SELECT record FROM policy WHERE id = 1");
  BITS_ASSIGN_OR_RETURN(const bool row, statement->Step());
  if (!row) return app::PolicyRecord();
  return DecodePolicy(statement->Bytes(0));
}

absl::Status SqliteTransaction::PutPolicy(const app::PolicyRecord& record) {
  const std::string encoded = EncodePolicy(record);
  StatementLease put = database_.Cached(
      "INSERT INTO policy (id, record) VALUES (1, ?1) ON CONFLICT (id) DO UPDATE SET record = ?1");
  put->BindBlob(1, encoded);
  return put->Run();
}

absl::Status SqliteTransaction::PutSecrets(const domain::JobId& id, std::string_view sealed) {
  BITS_ASSIGN_OR_RETURN(const int64_t seq, SeqOf(id));
  StatementLease put =
      sealed.empty() ? database_.Cached("DELETE FROM secrets WHERE job = ?1")
                     : database_.Cached("INSERT INTO secrets (job, sealed) VALUES (?1, ?2)"
                                        " ON CONFLICT (job) DO UPDATE SET sealed = ?2");
  put->BindInt(1, seq);
  if (!sealed.empty()) put->BindBlob(2, sealed);
  return put->Run();
}

absl::StatusOr<std::vector<domain::JobId>> SqliteTransaction::SomeWithSecrets(uint32_t limit) {
  StatementLease select = database_.Cached(
      "SELECT id FROM secrets JOIN jobs ON seq = job ORDER BY job DESC LIMIT ?1");
  select->BindInt(1, limit);
  std::vector<domain::JobId> ids;
  while (true) {
    BITS_ASSIGN_OR_RETURN(const bool row, select->Step());
    if (!row) return ids;
    if (auto id = UnpackJobId(select->Bytes(0))) ids.push_back(*std::move(id));
  }
}

absl::StatusOr<std::string> SqliteTransaction::GetSecrets(const domain::JobId& id) {
  const absl::StatusOr<int64_t> seq = SeqOf(id);
  if (absl::IsNotFound(seq.status())) return std::string();
  BITS_RETURN_IF_ERROR(seq.status());
  StatementLease select = database_.Cached("SELECT sealed FROM secrets WHERE job = ?1");
  select->BindInt(1, *seq);
  BITS_ASSIGN_OR_RETURN(const bool row, select->Step());
  return row ? std::string(select->Bytes(0)) : std::string();
}

absl::Status SqliteTransaction::PutNotification(const domain::JobId& id,
                                                const app::NotificationRecord& notification) {
  BITS_ASSIGN_OR_RETURN(const int64_t seq, SeqOf(id));
  return WriteNotification(database_, seq, notification);
}

absl::Status SqliteTransaction::DeleteNotification(const domain::JobId& id, uint64_t number) {
  const absl::StatusOr<int64_t> seq = SeqOf(id);
  if (absl::IsNotFound(seq.status())) return absl::OkStatus();
  BITS_RETURN_IF_ERROR(seq.status());
  return RemoveNotification(database_, *seq, number);
}

absl::Status SqliteTransaction::DeleteNotifications(const domain::JobId& id) {
  const absl::StatusOr<int64_t> seq = SeqOf(id);
  if (absl::IsNotFound(seq.status())) return absl::OkStatus();
  BITS_RETURN_IF_ERROR(seq.status());
  return RemoveNotifications(database_, *seq);
}

absl::StatusOr<app::NotificationRecord> SqliteTransaction::GetNotification(const domain::JobId& id,
                                                                           uint64_t number) {
  BITS_ASSIGN_OR_RETURN(const int64_t seq, SeqOf(id));
  return ReadNotification(database_, seq, number);
}

absl::StatusOr<app::NotificationRecord> SqliteTransaction::FirstPendingNotification(
    const domain::JobId& id) {
  BITS_ASSIGN_OR_RETURN(const int64_t seq, SeqOf(id));
  return ReadFirstPending(database_, seq);
}

absl::StatusOr<uint32_t> SqliteTransaction::CountNotifications(const domain::JobId& id) {
  const absl::StatusOr<int64_t> seq = SeqOf(id);
  if (absl::IsNotFound(seq.status())) return 0;
  BITS_RETURN_IF_ERROR(seq.status());
  return ReadNotificationCount(database_, *seq);
}

absl::Status SqliteTransaction::PutWebhookSecret(const domain::JobId& id,
                                                 std::string_view sealed) {
  BITS_ASSIGN_OR_RETURN(const int64_t seq, SeqOf(id));
  StatementLease put =
      sealed.empty() ? database_.Cached("DELETE FROM webhook_secrets WHERE job = ?1")
                     : database_.Cached("INSERT INTO webhook_secrets (job, sealed) VALUES (?1, ?2)"
                                        " ON CONFLICT (job) DO UPDATE SET sealed = ?2");
  put->BindInt(1, seq);
  if (!sealed.empty()) put->BindBlob(2, sealed);
  return put->Run();
}

absl::StatusOr<std::string> SqliteTransaction::GetWebhookSecret(const domain::JobId& id) {
  const absl::StatusOr<int64_t> seq = SeqOf(id);
  if (absl::IsNotFound(seq.status())) return std::string();
  BITS_RETURN_IF_ERROR(seq.status());
  StatementLease select = database_.Cached("SELECT sealed FROM webhook_secrets WHERE job = ?1");
  select->BindInt(1, *seq);
  BITS_ASSIGN_OR_RETURN(const bool row, select->Step());
  return row ? std::string(select->Bytes(0)) : std::string();
}

absl::Status SqliteTransaction::AddError(const domain::JobId& id, const domain::Error& error) {
  BITS_ASSIGN_OR_RETURN(const int64_t seq, SeqOf(id));
  int64_t n = 0;
  {
    StatementLease last = database_.Cached("SELECT max(n) FROM errors WHERE job = ?1");
    last->BindInt(1, seq);
    BITS_ASSIGN_OR_RETURN(const bool row, last->Step());
    n = (row ? last->Int(0) : 0) + 1;
  }
  {
    const std::string record = EncodeError(error);
    StatementLease insert =
        database_.Cached("INSERT INTO errors (job, n, record) VALUES (?1, ?2, ?3)");
    insert->BindInt(1, seq);
    insert->BindInt(2, n);
    insert->BindBlob(3, record);
    BITS_RETURN_IF_ERROR(insert->Run());
  }
  {
    StatementLease forget =
        database_.Cached("DELETE FROM errors WHERE job = ?1 AND n > ?2 AND n <= ?3");
    forget->BindInt(1, seq);
    forget->BindInt(2, domain::kErrorsKeptFirst);
    forget->BindInt(3, n - domain::kErrorsKeptLast);
    BITS_RETURN_IF_ERROR(forget->Run());
  }
  StatementLease count = database_.Cached(
      "INSERT INTO error_counts (job, hresult, count) VALUES (?1, ?2, 1)"
      " ON CONFLICT (job, hresult) DO UPDATE SET count = count + 1");
  count->BindInt(1, seq);
  count->BindInt(2, error.hresult);
  return count->Run();
}

absl::StatusOr<std::optional<app::RequestRecord>> SqliteTransaction::FindRequest(
    std::string_view principal, std::string_view request_id, absl::Time not_before) {
  StatementLease statement =
      database_.Cached("SELECT record FROM requests WHERE principal = ?1 AND request_id = ?2");
  statement->BindText(1, principal);
  statement->BindText(2, request_id);
  BITS_ASSIGN_OR_RETURN(const bool row, statement->Step());
  if (!row) return std::nullopt;
  BITS_ASSIGN_OR_RETURN(app::RequestRecord record, DecodeRequest(statement->Bytes(0)));
  if (record.time < not_before) return std::nullopt;
  record.principal = principal;
  record.request_id = request_id;
  return record;
}

absl::Status SqliteTransaction::PutRequest(const app::RequestRecord& record) {
  {
    const std::string encoded = EncodeRequest(record);
    StatementLease put = database_.Cached(
        "INSERT INTO requests (principal, request_id, time, record) VALUES (?1, ?2, ?3, ?4)"
        " ON CONFLICT (principal, request_id) DO UPDATE SET time = ?3, record = ?4");
    put->BindText(1, record.principal);
    put->BindText(2, record.request_id);
    put->BindInt(3, TimeColumn(record.time));
    put->BindBlob(4, encoded);
    BITS_RETURN_IF_ERROR(put->Run());
  }
  // Two out for one in: they grow fewer, and no commit has much to do.
  StatementLease forget = database_.Cached(
      "DELETE FROM requests WHERE rowid IN (SELECT rowid FROM requests"
      " WHERE time < ?1 ORDER BY time LIMIT 2)");
  forget->BindInt(1, TimeColumn(record.time - app::kRequestRetention));
  return forget->Run();
}

absl::Status SqliteTransaction::AppendEvent(app::EventRecord& event) {
  BITS_ASSIGN_OR_RETURN(const app::Revision last, ReadLastRevision(database_));
  if (event.kind == domain::ChangeKind::kProgress) {
    event.revision = last;
    return absl::OkStatus();
  }
  event.revision = last + 1;
  event.job.revision = event.revision;
  const std::string record = EncodeEvent(event);
  StatementLease insert = database_.Cached("INSERT INTO events (revision, record) VALUES (?1, ?2)");
  insert->BindInt(1, static_cast<int64_t>(event.revision));
  insert->BindBlob(2, record);
  return insert->Run();
}

absl::Status SqliteTransaction::PutUploadSession(const domain::UploadSession& session) {
  return WriteUploadSession(database_, session);
}

absl::Status SqliteTransaction::DeleteUploadSession(const std::string& id) {
  return RemoveUploadSession(database_, id);
}

absl::StatusOr<uint32_t> SqliteTransaction::CountUploadSessions(const std::string& client,
                                                                uint32_t most) {
  return ReadUploadCount(database_, client, most);
}

}  // namespace bits::store

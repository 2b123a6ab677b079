#include "server/store/sqlite/sqlite_job_store.h"

#include <algorithm>
#include <utility>

#include "server/base/status_macros.h"
#include "server/store/sqlite/job_list.h"
#include "server/store/sqlite/outbox.h"
#include "server/store/sqlite/queries.h"
#include "server/store/sqlite/queue_query.h"
#include "server/store/sqlite/upload_sessions.h"

namespace bits::store {
namespace {

constexpr char kFileName[] = "bitsd.db";
constexpr int kWriterCacheKib = 16384;
constexpr int kReaderCacheKib = 4096;

absl::Status InDirectory(const std::string& directory, const absl::Status& status) {
  return absl::Status(status.code(),
                      "state directory " + directory + ": " + std::string(status.message()));
}

}  // namespace

absl::StatusOr<std::unique_ptr<SqliteJobStore>> SqliteJobStore::Open(const Options& options) {
  BITS_ASSIGN_OR_RETURN(StateDirectory directory, StateDirectory::Hold(options.state_directory));
  BITS_ASSIGN_OR_RETURN(const std::string path, directory.MakeFile(kFileName));
  absl::StatusOr<std::unique_ptr<Database>> writer =
      Database::Open({path, Database::Mode::kReadWrite, options.vfs, kWriterCacheKib});
  if (!writer.ok()) return InDirectory(directory.path(), writer.status());
  absl::Status migrated = Migrate(**writer, options.migrations);
  if (!migrated.ok()) return InDirectory(directory.path(), migrated);
  std::vector<std::unique_ptr<Database>> readers;
  for (size_t i = 0; i < std::max<size_t>(options.readers, 1); ++i) {
    absl::StatusOr<std::unique_ptr<Database>> reader =
        Database::Open({path, Database::Mode::kReadOnly, options.vfs, kReaderCacheKib});
    if (!reader.ok()) return InDirectory(directory.path(), reader.status());
    readers.push_back(*std::move(reader));
  }
  return std::unique_ptr<SqliteJobStore>(
      new SqliteJobStore(std::move(directory), options, *std::move(writer), std::move(readers)));
}

SqliteJobStore::SqliteJobStore(StateDirectory directory, const Options& options,
                               std::unique_ptr<Database> writer,
                               std::vector<std::unique_ptr<Database>> readers)
    : directory_(std::move(directory)),
      rows_per_page_(std::max<uint32_t>(options.rows_per_page, 1)),
      readers_(std::move(readers)),
      writer_(options.writer, std::move(writer), health_) {}

SqliteJobStore::~SqliteJobStore() { Close(); }

template <typename Read>
auto SqliteJobStore::WithReader(bool transaction, Read read)
    -> decltype(read(std::declval<Database&>())) {
  BITS_ASSIGN_OR_RETURN(ReaderPool::Lease reader, readers_.Take());
  Database& database = *reader;
  auto result = [&]() -> decltype(read(database)) {
    if (!transaction) return read(database);
    ReadTransaction scope(database);
    BITS_RETURN_IF_ERROR(scope.begun());
    return read(database);
  }();
  if (database.TakeFailure() == Failure::kBroken) {
    health_.Break(BrokenStatus());
  }
  return result;
}

void SqliteJobStore::Commit(Body body, Done done) {
  writer_.Commit(std::move(body), std::move(done));
}

absl::StatusOr<domain::Job> SqliteJobStore::GetJob(const domain::JobId& id) {
  return WithReader(false, [&](Database& d) { return ReadJob(d, id); });
}

absl::StatusOr<app::JobPage> SqliteJobStore::ListJobs(const app::JobQuery& query) {
  return WithReader(false, [&](Database& d) { return store::ListJobs(d, query, rows_per_page_); });
}

absl::StatusOr<domain::File> SqliteJobStore::GetFile(const domain::JobId& id, uint32_t ordinal) {
  return WithReader(false, [&](Database& d) { return ReadFile(d, id, ordinal); });
}

absl::StatusOr<std::vector<domain::File>> SqliteJobStore::ListFiles(const domain::JobId& id,
                                                                    uint32_t after,
                                                                    uint32_t limit) {
  return WithReader(false, [&](Database& d) { return ReadFiles(d, id, after, limit); });
}

absl::StatusOr<app::ErrorHistory> SqliteJobStore::ListErrors(const domain::JobId& id) {
  return WithReader(true, [&](Database& d) { return ReadErrors(d, id); });
}

absl::StatusOr<std::vector<domain::WaitingJob>> SqliteJobStore::ListQueued(
    const app::QueueQuery& query, const PassOver& pass_over) {
  return WithReader(true, [&](Database& d) { return ReadQueued(d, query, pass_over); });
}

absl::StatusOr<std::vector<domain::JobId>> SqliteJobStore::ListHostFailed(
    const std::string& host, const domain::JobId& after, uint32_t limit) {
  return WithReader(false, [&](Database& d) { return ReadHostFailed(d, host, after, limit); });
}

absl::StatusOr<std::vector<domain::JobId>> SqliteJobStore::ListDue(absl::Time now, uint32_t limit) {
  return WithReader(false, [&](Database& d) { return ReadDue(d, now, limit); });
}

absl::StatusOr<absl::Time> SqliteJobStore::NextTimer() {
  return WithReader(false, [](Database& d) { return ReadNextTimer(d); });
}

absl::StatusOr<std::vector<domain::JobId>> SqliteJobStore::ListUnsettled(const domain::JobId& after,
                                                                         uint32_t limit) {
  return WithReader(false, [&](Database& d) { return ReadUnsettled(d, after, limit); });
}

absl::StatusOr<std::vector<app::NotificationRecord>> SqliteJobStore::ListNotifications(
    const domain::JobId& id, uint64_t after, uint32_t limit) {
  return WithReader(false, [&](Database& d) { return ReadNotifications(d, id, after, limit); });
}

absl::StatusOr<std::vector<app::DueOutbox>> SqliteJobStore::ListDueOutboxes(
    const app::DueQuery& query) {
  return WithReader(true, [&](Database& d) { return ReadDueOutboxes(d, query); });
}

absl::StatusOr<absl::Time> SqliteJobStore::NextOutbox(absl::Time after) {
  return WithReader(false, [&](Database& d) { return ReadNextOutbox(d, after); });
}

absl::StatusOr<domain::UploadSession> SqliteJobStore::GetUploadSession(const std::string& id) {
  return WithReader(false, [&](Database& d) { return ReadUploadSession(d, id); });
}

absl::StatusOr<std::vector<std::string>> SqliteJobStore::ListExpiredUploads(absl::Time now,
                                                                            uint32_t limit) {
  return WithReader(false, [&](Database& d) { return ReadExpiredUploads(d, now, limit); });
}

absl::StatusOr<absl::Time> SqliteJobStore::NextUploadExpiry(absl::Time after) {
  return WithReader(false, [&](Database& d) { return ReadNextUploadExpiry(d, after); });
}

absl::StatusOr<std::vector<app::EventRecord>> SqliteJobStore::ListEvents(app::Revision after,
                                                                         uint32_t limit) {
  return WithReader(true, [&](Database& d) { return ReadEvents(d, after, limit); });
}

absl::StatusOr<app::Revision> SqliteJobStore::LastRevision() {
  return WithReader(false, [](Database& d) { return ReadLastRevision(d); });
}

absl::StatusOr<app::Revision> SqliteJobStore::OldestCursor() {
  return WithReader(false, [](Database& d) { return ReadOldestCursor(d); });
}

absl::Status SqliteJobStore::Health() const { return health_.Get(); }

void SqliteJobStore::SetHealthListener(std::function<void(absl::Status)> listener) {
  health_.SetListener(std::move(listener));
}

void SqliteJobStore::Close() {
  readers_.Close();  // first: the writer, closing last, empties the log
  writer_.Close();
  directory_.Release();
}

}  // namespace bits::store

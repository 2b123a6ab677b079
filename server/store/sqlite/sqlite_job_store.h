// Jobs in a SQLite database in the state directory: the default store, for one bitsd.
#ifndef BITS_SERVER_STORE_SQLITE_SQLITE_JOB_STORE_H_
#define BITS_SERVER_STORE_SQLITE_SQLITE_JOB_STORE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/app/ports/job_store.h"
#include "server/store/health.h"
#include "server/store/sqlite/group_commit_writer.h"
#include "server/store/sqlite/migrations.h"
#include "server/store/sqlite/reader_pool.h"
#include "server/store/state_directory.h"

namespace bits::store {

class SqliteJobStore final : public app::JobStore {
 public:
  struct Options {
    std::string state_directory;
    size_t readers = 4;             // connections, thus reads at a time; others wait
    uint32_t rows_per_page = 5000;  // looked at for one page of ListJobs
    GroupCommitWriter::Options writer;
    std::span<const Migration> migrations = Migrations();
    std::string vfs;  // the name of a SQLite VFS, for tests; empty: the default
  };

  // Makes the directory and the database if they are missing, and migrates an older one.
  // FAILED_PRECONDITION if another bitsd holds the directory, or a newer bitsd wrote the
  // database; UNAVAILABLE if it cannot be used. The message names the directory.
  static absl::StatusOr<std::unique_ptr<SqliteJobStore>> Open(const Options& options);
  ~SqliteJobStore() override;  // Close()

  void Commit(Body body, Done done) override;
  absl::StatusOr<domain::Job> GetJob(const domain::JobId& id) override;
  absl::StatusOr<app::JobPage> ListJobs(const app::JobQuery& query) override;
  absl::StatusOr<domain::File> GetFile(const domain::JobId& id, uint32_t ordinal) override;
  absl::StatusOr<std::vector<domain::File>> ListFiles(const domain::JobId& id, uint32_t after,
                                                      uint32_t limit) override;
  absl::StatusOr<app::ErrorHistory> ListErrors(const domain::JobId& id) override;
  absl::StatusOr<std::vector<domain::WaitingJob>> ListQueued(const app::QueueQuery& query,
                                                             const PassOver& pass_over) override;
  absl::StatusOr<std::vector<domain::JobId>> ListHostFailed(const std::string& host,
                                                            const domain::JobId& after,
                                                            uint32_t limit) override;
  absl::StatusOr<std::vector<domain::JobId>> ListDue(absl::Time now, uint32_t limit) override;
  absl::StatusOr<absl::Time> NextTimer() override;
  absl::StatusOr<std::vector<domain::JobId>> ListUnsettled(const domain::JobId& after,
                                                           uint32_t limit) override;
  absl::StatusOr<std::vector<app::NotificationRecord>> ListNotifications(const domain::JobId& id,
                                                                         uint64_t after,
                                                                         uint32_t limit) override;
  absl::StatusOr<std::vector<app::DueOutbox>> ListDueOutboxes(const app::DueQuery& query) override;
  absl::StatusOr<absl::Time> NextOutbox(absl::Time after) override;
  absl::StatusOr<domain::UploadSession> GetUploadSession(const std::string& id) override;
  absl::StatusOr<std::vector<std::string>> ListExpiredUploads(absl::Time now,
                                                              uint32_t limit) override;
  absl::StatusOr<absl::Time> NextUploadExpiry(absl::Time after) override;
  absl::StatusOr<std::vector<app::EventRecord>> ListEvents(app::Revision after,
                                                           uint32_t limit) override;
  void SetEventsKept(uint64_t events) override { writer_.SetEventsKept(events); }
  absl::StatusOr<app::Revision> LastRevision() override;
  absl::StatusOr<app::Revision> OldestCursor() override;
  absl::Status Health() const override;
  void SetHealthListener(std::function<void(absl::Status)> listener) override;
  void Close() override;

 private:
  SqliteJobStore(StateDirectory directory, const Options& options, std::unique_ptr<Database> writer,
                 std::vector<std::unique_ptr<Database>> readers);

  // Runs `read` on a connection, in a transaction if it reads more than once.
  template <typename Read>
  auto WithReader(bool transaction, Read read) -> decltype(read(std::declval<Database&>()));

  StateDirectory directory_;  // outlives the connections
  const uint32_t rows_per_page_;
  store::Health health_;
  ReaderPool readers_;
  GroupCommitWriter writer_;
};

}  // namespace bits::store

#endif  // BITS_SERVER_STORE_SQLITE_SQLITE_JOB_STORE_H_

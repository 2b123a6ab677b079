// What a body does within the writer's transaction.
#ifndef BITS_SERVER_STORE_SQLITE_SQLITE_TRANSACTION_H_
#define BITS_SERVER_STORE_SQLITE_SQLITE_TRANSACTION_H_

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "server/app/ports/job_store.h"
#include "server/store/sqlite/database.h"

namespace bits::store {

// On the writer's thread, while its connection has a write transaction open.
class SqliteTransaction final : public app::Transaction {
 public:
  // `events_kept` is 1 or more.
  SqliteTransaction(Database& database, uint64_t events_kept)
      : database_(database), events_kept_(events_kept) {}

  // Before each body: forgets what was known of the one before.
  void Begin() { known_.reset(); }
  // 1 or more. Any thread.
  void SetEventsKept(uint64_t events) { events_kept_ = events; }
  // Before the commit: forgets a slice of the oldest events if there are more than enough.
  absl::Status Trim();

  absl::StatusOr<domain::Job> GetJob(const domain::JobId& id) override;
  absl::StatusOr<domain::File> GetFile(const domain::JobId& id, uint32_t ordinal) override;
  absl::StatusOr<std::vector<domain::File>> ListFiles(const domain::JobId& id, uint32_t after,
                                                      uint32_t limit) override;
  absl::StatusOr<std::vector<domain::File>> ListUntransferredFiles(const domain::JobId& id,
                                                                   uint32_t after,
                                                                   uint32_t limit) override;
  absl::Status InsertJob(domain::Job& job, absl::Time next_timer) override;
  absl::Status UpdateJob(domain::Job& job, absl::Time next_timer) override;
  absl::Status DeleteJob(const domain::JobId& id) override;
  absl::Status PutFile(const domain::JobId& id, const domain::File& file) override;
  absl::Status ReserveDestination(const std::string& path, const domain::JobId& id) override;
  absl::Status ReleaseDestinations(const domain::JobId& id) override;
  absl::StatusOr<domain::JobId> HolderOfDestination(const std::string& path) override;
  absl::StatusOr<domain::LiveJobs> CountLiveJobs(const std::string& owner) override;
  absl::StatusOr<app::PolicyRecord> GetPolicy() override;
  absl::Status PutPolicy(const app::PolicyRecord& record) override;
  absl::Status PutSecrets(const domain::JobId& id, std::string_view sealed) override;
  absl::StatusOr<std::string> GetSecrets(const domain::JobId& id) override;
  absl::StatusOr<std::vector<domain::JobId>> SomeWithSecrets(uint32_t limit) override;
  absl::Status PutNotification(const domain::JobId& id,
                               const app::NotificationRecord& notification) override;
  absl::Status DeleteNotification(const domain::JobId& id, uint64_t number) override;
  absl::Status DeleteNotifications(const domain::JobId& id) override;
  absl::StatusOr<app::NotificationRecord> GetNotification(const domain::JobId& id,
                                                          uint64_t number) override;
  absl::StatusOr<app::NotificationRecord> FirstPendingNotification(
      const domain::JobId& id) override;
  absl::StatusOr<uint32_t> CountNotifications(const domain::JobId& id) override;
  absl::Status PutWebhookSecret(const domain::JobId& id, std::string_view sealed) override;
  absl::StatusOr<std::string> GetWebhookSecret(const domain::JobId& id) override;
  absl::Status AddError(const domain::JobId& id, const domain::Error& error) override;
  absl::StatusOr<std::optional<app::RequestRecord>> FindRequest(std::string_view principal,
                                                                std::string_view request_id,
                                                                absl::Time not_before) override;
  absl::Status PutRequest(const app::RequestRecord& record) override;
  absl::Status AppendEvent(app::EventRecord& event) override;
  absl::Status PutUploadSession(const domain::UploadSession& session) override;
  absl::Status DeleteUploadSession(const std::string& id) override;
  absl::StatusOr<uint32_t> CountUploadSessions(const std::string& client, uint32_t most) override;

 private:
  // The job's seq; NOT_FOUND.
  absl::StatusOr<int64_t> SeqOf(const domain::JobId& id);

  Database& database_;
  std::atomic<uint64_t> events_kept_;
  std::optional<std::pair<domain::JobId, int64_t>> known_;  // the last job's id and seq
};

}  // namespace bits::store

#endif  // BITS_SERVER_STORE_SQLITE_SQLITE_TRANSACTION_H_

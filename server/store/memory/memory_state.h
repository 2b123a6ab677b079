// What the memory store holds, and the transaction over it.
#ifndef BITS_SERVER_STORE_MEMORY_MEMORY_STATE_H_
#define BITS_SERVER_STORE_MEMORY_MEMORY_STATE_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/app/ports/job_store.h"

namespace bits::store {

// Plain data, without a lock. Where SQLite has an index this looks at every job.
struct MemoryState {
  struct Row {
    domain::Job job;
    absl::Time next_timer = absl::InfiniteFuture();
    std::map<uint32_t, domain::File> files;
    std::deque<domain::Error> errors;  // the kept ones
    std::map<domain::Hresult, uint64_t> error_counts;
    uint64_t error_total = 0;
    std::string secrets;
    std::string webhook_secret;
    std::string outbox_owner;
    std::map<uint64_t, app::NotificationRecord> outbox;
  };
  using RequestKey = std::pair<std::string, std::string>;  // principal, request_id

  std::map<uint64_t, Row> jobs;  // by sequence number
  std::map<domain::JobId, uint64_t> seqs;
  uint64_t last_seq = 0;
  std::map<std::string, domain::JobId> destinations;
  std::map<RequestKey, app::RequestRecord> requests;
  std::map<std::string, domain::UploadSession> uploads;  // by id
  std::map<std::string, uint64_t> live_of_owner;
  uint64_t live_in_all = 0;
  app::PolicyRecord policy;
  std::deque<app::EventRecord> events;  // the kept ones
  app::Revision last_revision = 0;

  // Counts the job as live, if it is: `by` is 1 or -1.
  void CountLive(const domain::Job& job, int by);

  // Null if there is none.
  Row* Find(const domain::JobId& id);

  absl::StatusOr<domain::Job> GetJob(const domain::JobId& id);
  absl::StatusOr<domain::File> GetFile(const domain::JobId& id, uint32_t ordinal);
  std::vector<domain::File> ListFiles(const domain::JobId& id, uint32_t after, uint32_t limit,
                                      bool untransferred_only);
  app::ErrorHistory ListErrors(const domain::JobId& id);
  app::JobPage ListJobs(const app::JobQuery& query, uint32_t row_limit);
  std::vector<domain::WaitingJob> ListQueued(const app::QueueQuery& query,
                                             const app::JobStore::PassOver& pass_over);
  std::vector<domain::JobId> ListHostFailed(const std::string& host, const domain::JobId& after,
                                            uint32_t limit);
  std::vector<domain::JobId> ListDue(absl::Time now, uint32_t limit);
  absl::Time NextTimer();
  std::vector<domain::JobId> ListUnsettled(const domain::JobId& after, uint32_t limit);
  std::vector<app::NotificationRecord> ListNotifications(const domain::JobId& id, uint64_t after,
                                                         uint32_t limit);
  std::vector<app::DueOutbox> ListDueOutboxes(const app::DueQuery& query);
  absl::Time NextOutbox(absl::Time after);
  absl::StatusOr<std::vector<app::EventRecord>> ListEvents(app::Revision after, uint32_t limit);
  app::Revision OldestCursor() const;
  absl::StatusOr<domain::UploadSession> GetUploadSession(const std::string& id) const;
  std::vector<std::string> ListExpiredUploads(absl::Time now, uint32_t limit) const;
  absl::Time NextUploadExpiry(absl::Time after) const;
};

// Writes at once, and can take back what it wrote.
class MemoryTransaction final : public app::Transaction {
 public:
  explicit MemoryTransaction(MemoryState& state) : state_(state) {}

  void Rollback();

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
  MemoryState& state_;
  std::vector<std::function<void()>> undo_;  // in the order of the writes
};

}  // namespace bits::store

#endif  // BITS_SERVER_STORE_MEMORY_MEMORY_STATE_H_

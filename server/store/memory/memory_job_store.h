// Jobs in memory: what the durable stores are measured against, and what tests of the
// application run on. Nothing survives it.
#ifndef BITS_SERVER_STORE_MEMORY_MEMORY_JOB_STORE_H_
#define BITS_SERVER_STORE_MEMORY_MEMORY_JOB_STORE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/app/ports/job_store.h"
#include "server/base/mutex.h"
#include "server/store/health.h"
#include "server/store/memory/memory_state.h"

namespace bits::store {

class MemoryJobStore final : public app::JobStore {
 public:
  struct Options {
    // True: no thread. Commit runs body and done before it returns, on the caller's thread, so
    // that a test with one thread is deterministic. A Commit from within a body or a done
    // returns at once and is carried out, in order, before the outermost Commit returns. With
    // several threads the one that is at it may carry out the commits of the others.
    bool synchronous = false;
    // True: every body is run, rolled back, and run again, as a store may do at any time.
    bool run_twice = false;
    size_t queue_capacity = 8192;   // bodies that wait
    uint64_t events_kept = 100000;  // 1 or more
    uint32_t rows_per_page = 5000;  // looked at for one page of ListJobs
  };

  explicit MemoryJobStore(Options options);
  ~MemoryJobStore() override;  // Close()

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
  void SetEventsKept(uint64_t events) override { events_kept_ = events; }
  absl::StatusOr<app::Revision> LastRevision() override;
  absl::StatusOr<app::Revision> OldestCursor() override;
  absl::Status Health() const override;
  void SetHealthListener(std::function<void(absl::Status)> listener) override;
  void Close() override;

  // For tests of who depends on a store: makes it unhealthy, or OK again. While it is
  // unhealthy every commit gets `health` and changes nothing.
  void SetHealth(absl::Status health);

 private:
  struct Item {
    Body body;
    Done done;
  };

  void Run();
  // Carries out what waits. One thread at a time.
  void Drain();
  absl::Status RunBody(const Body& body);
  // Runs `read` on the state, unless the store is closed.
  template <typename Read>
  auto WithState(Read read) -> absl::StatusOr<decltype(read(std::declval<MemoryState&>()))>;

  const Options options_;
  std::atomic<uint64_t> events_kept_;
  store::Health health_;

  Mutex state_mutex_;
  MemoryState state_ BITS_GUARDED_BY(state_mutex_);
  bool closed_ BITS_GUARDED_BY(state_mutex_) = false;  // to reads

  Mutex mutex_;
  CondVar work_;
  std::deque<Item> queue_ BITS_GUARDED_BY(mutex_);
  bool draining_ BITS_GUARDED_BY(mutex_) = false;  // synchronous: someone is at it
  bool closing_ BITS_GUARDED_BY(mutex_) = false;

  Mutex join_mutex_;  // taken before mutex_, by Close() only
  std::thread thread_ BITS_GUARDED_BY(join_mutex_);
};

}  // namespace bits::store

#endif  // BITS_SERVER_STORE_MEMORY_MEMORY_JOB_STORE_H_

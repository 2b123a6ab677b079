#include "server/store/memory/memory_job_store.h"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "server/base/executor.h"

namespace bits::store {

MemoryJobStore::MemoryJobStore(Options options)
    : options_(options), events_kept_(options.events_kept) {
  if (options_.synchronous) return;
  MutexLock lock(join_mutex_);
  thread_ = std::thread([this] { Run(); });
}

MemoryJobStore::~MemoryJobStore() { Close(); }

void MemoryJobStore::Commit(Body body, Done done) {
  MutexLock lock(mutex_);
  absl::Status refusal;
  if (closing_) {
    refusal = absl::UnavailableError("the store is closed");
  } else if (queue_.size() >= options_.queue_capacity) {
    refusal = absl::ResourceExhaustedError("too many changes wait to be stored");
  }
  if (!refusal.ok()) {
    lock.Unlock();
    return done(std::move(refusal));
  }
  queue_.push_back({std::move(body), std::move(done)});
  const bool drain = options_.synchronous && !std::exchange(draining_, true);
  lock.Unlock();
  if (drain) return Drain();
  work_.Signal();
}

void MemoryJobStore::Run() {
  SetThreadName("store-writer");
  while (true) {
    {
      MutexLock lock(mutex_);
      work_.Wait(mutex_, [this] {
        mutex_.AssertHeld();
        return !queue_.empty() || closing_;
      });
      if (queue_.empty()) return;
    }
    Drain();
  }
}

void MemoryJobStore::Drain() {
  while (true) {
    Item item;
    {
      MutexLock lock(mutex_);
      if (queue_.empty()) {
        draining_ = false;
        work_.SignalAll();  // Close() may wait for it
        return;
      }
      item = std::move(queue_.front());
      queue_.pop_front();
    }
    absl::Status outcome = RunBody(item.body);
    item.body = nullptr;  // What it captured, `done` may be the last to hold.
    item.done(std::move(outcome));
  }
}

absl::Status MemoryJobStore::RunBody(const Body& body) {
  absl::Status health = health_.Get();
  if (!health.ok()) return health;
  MutexLock lock(state_mutex_);
  MemoryTransaction transaction(state_);
  if (options_.run_twice) {
    body(transaction).IgnoreError();
    transaction.Rollback();
  }
  absl::Status outcome = body(transaction);
  if (!outcome.ok()) {
    transaction.Rollback();
    return outcome;
  }
  while (state_.events.size() > std::max<uint64_t>(events_kept_, 1)) {
    state_.events.pop_front();
  }
  return outcome;
}

template <typename Read>
auto MemoryJobStore::WithState(Read read)
    -> absl::StatusOr<decltype(read(std::declval<MemoryState&>()))> {
  MutexLock lock(state_mutex_);
  if (closed_) return absl::UnavailableError("the store is closed");
  return read(state_);
}

absl::StatusOr<domain::Job> MemoryJobStore::GetJob(const domain::JobId& id) {
  MutexLock lock(state_mutex_);
  if (closed_) return absl::UnavailableError("the store is closed");
  return state_.GetJob(id);
}

absl::StatusOr<app::JobPage> MemoryJobStore::ListJobs(const app::JobQuery& query) {
  return WithState([&](MemoryState& s) {
    return s.ListJobs(query, std::max<uint32_t>(options_.rows_per_page, 1));
  });
}

absl::StatusOr<domain::File> MemoryJobStore::GetFile(const domain::JobId& id, uint32_t ordinal) {
  MutexLock lock(state_mutex_);
  if (closed_) return absl::UnavailableError("the store is closed");
  return state_.GetFile(id, ordinal);
}

absl::StatusOr<std::vector<domain::File>> MemoryJobStore::ListFiles(const domain::JobId& id,
                                                                    uint32_t after,
                                                                    uint32_t limit) {
  return WithState([&](MemoryState& s) { return s.ListFiles(id, after, limit, false); });
}

absl::StatusOr<app::ErrorHistory> MemoryJobStore::ListErrors(const domain::JobId& id) {
  return WithState([&](MemoryState& s) { return s.ListErrors(id); });
}

absl::StatusOr<std::vector<domain::WaitingJob>> MemoryJobStore::ListQueued(
    const app::QueueQuery& query, const PassOver& pass_over) {
  return WithState([&](MemoryState& s) { return s.ListQueued(query, pass_over); });
}

absl::StatusOr<std::vector<domain::JobId>> MemoryJobStore::ListHostFailed(
    const std::string& host, const domain::JobId& after, uint32_t limit) {
  return WithState([&](MemoryState& s) { return s.ListHostFailed(host, after, limit); });
}

absl::StatusOr<std::vector<domain::JobId>> MemoryJobStore::ListDue(absl::Time now, uint32_t limit) {
  return WithState([&](MemoryState& s) { return s.ListDue(now, limit); });
}

absl::StatusOr<absl::Time> MemoryJobStore::NextTimer() {
  return WithState([](MemoryState& s) { return s.NextTimer(); });
}

absl::StatusOr<std::vector<domain::JobId>> MemoryJobStore::ListUnsettled(const domain::JobId& after,
                                                                         uint32_t limit) {
  return WithState([&](MemoryState& s) { return s.ListUnsettled(after, limit); });
}

absl::StatusOr<std::vector<app::NotificationRecord>> MemoryJobStore::ListNotifications(
    const domain::JobId& id, uint64_t after, uint32_t limit) {
  return WithState([&](MemoryState& s) { return s.ListNotifications(id, after, limit); });
}

absl::StatusOr<std::vector<app::DueOutbox>> MemoryJobStore::ListDueOutboxes(
    const app::DueQuery& query) {
  return WithState([&](MemoryState& s) { return s.ListDueOutboxes(query); });
}

absl::StatusOr<absl::Time> MemoryJobStore::NextOutbox(absl::Time after) {
  return WithState([&](MemoryState& s) { return s.NextOutbox(after); });
}

absl::StatusOr<domain::UploadSession> MemoryJobStore::GetUploadSession(const std::string& id) {
  MutexLock lock(state_mutex_);
  if (closed_) return absl::UnavailableError("the store is closed");
  return state_.GetUploadSession(id);
}

absl::StatusOr<std::vector<std::string>> MemoryJobStore::ListExpiredUploads(absl::Time now,
                                                                            uint32_t limit) {
  return WithState([&](MemoryState& s) { return s.ListExpiredUploads(now, limit); });
}

absl::StatusOr<absl::Time> MemoryJobStore::NextUploadExpiry(absl::Time after) {
  return WithState([&](MemoryState& s) { return s.NextUploadExpiry(after); });
}

absl::StatusOr<std::vector<app::EventRecord>> MemoryJobStore::ListEvents(app::Revision after,
                                                                         uint32_t limit) {
  MutexLock lock(state_mutex_);
  if (closed_) return absl::UnavailableError("the store is closed");
  return state_.ListEvents(after, limit);
}

absl::StatusOr<app::Revision> MemoryJobStore::LastRevision() {
  return WithState([](MemoryState& s) { return s.last_revision; });
}

absl::StatusOr<app::Revision> MemoryJobStore::OldestCursor() {
  return WithState([](MemoryState& s) { return s.OldestCursor(); });
}

absl::Status MemoryJobStore::Health() const { return health_.Get(); }

void MemoryJobStore::SetHealthListener(std::function<void(absl::Status)> listener) {
  health_.SetListener(std::move(listener));
}

void MemoryJobStore::SetHealth(absl::Status health) {
  if (health.ok()) return health_.Recover();
  health_.Fail(std::move(health));
}

void MemoryJobStore::Close() {
  MutexLock join_lock(join_mutex_);
  {
    MutexLock lock(mutex_);
    closing_ = true;
    work_.SignalAll();
    if (options_.synchronous) {
      work_.Wait(mutex_, [this] {
        mutex_.AssertHeld();
        return !draining_;
      });
    }
  }
  if (thread_.joinable()) thread_.join();
  MutexLock lock(state_mutex_);
  closed_ = true;
}

}  // namespace bits::store

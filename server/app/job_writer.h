// The one way in which a job changes: load -> decide -> commit -> act.
#ifndef BITS_SERVER_APP_JOB_WRITER_H_
#define BITS_SERVER_APP_JOB_WRITER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/app/policy_manager.h"
#include "server/app/ports/clock.h"
#include "server/app/ports/job_store.h"
#include "server/app/watch_hub.h"
#include "server/domain/decide.h"
#include "server/domain/policy.h"
#include "server/domain/timers.h"

namespace bits::app {

// Carries out what was committed. Called on the store's thread, in the order of commits;
// must not block.
class CommitListener {
 public:
  virtual ~CommitListener() = default;
  // `job` as committed, and when its next timer is due; `effects` of domain::Effects; `files`
  // those concerned, where there are some.
  virtual void OnCommitted(const domain::Job& job, absl::Time next_timer, uint8_t effects,
                           const std::vector<domain::File>& files) = 0;
  // Something was put into outboxes, or is to be tried anew.
  virtual void OnNotificationsMade() = 0;
};

// One transaction in the making. Lives as long as its body runs.
class Step {
 public:
  Step(Transaction& txn, absl::Time now, PolicyManager::Snapshot policy)
      : txn_(txn), now_(now), policy_(std::move(policy)) {}

  Transaction& txn() { return txn_; }
  absl::Time now() const { return now_; }
  const domain::Policy& policy() const { return *policy_; }

  // Decides and writes what was decided: job, files, events, error. `job` becomes what it is
  // to be, its numbered or changed files are given. A refusal is the status.
  absl::StatusOr<domain::Decision> Apply(domain::Job& job, const domain::File* file,
                                         const domain::Event& event);
  // Writes a new job.
  absl::Status Create(domain::Decision& decision);
  // Says that an outbox was written.
  void Notify() { notifies_ = true; }
  // Writes the job's timer anew although nothing else changes.
  absl::Status Touch(domain::Job& job);
  // The same, with that time for its own.
  absl::Status Touch(domain::Job& job, absl::Time next_timer);

 private:
  friend class JobWriter;
  struct Outcome {
    domain::Job job;
    absl::Time next_timer;
    uint8_t effects = 0;
    std::vector<domain::File> files;  // that are concerned
  };
  // `before`: null for a new job.
  absl::Status Write(domain::Decision& decision, const domain::Job* before);
  absl::Status WriteJob(domain::Decision& decision, bool insert, absl::Time next_timer);
  absl::Time NextTimerOf(const domain::Job& job) const;

  Transaction& txn_;
  const absl::Time now_;
  const PolicyManager::Snapshot policy_;
  std::vector<EventRecord> events_;
  std::vector<Outcome> outcomes_;
  bool notifies_ = false;
};

// Thread-safe; does not block.
class JobWriter {
 public:
  using Body = std::function<absl::Status(Step&)>;
  using Done = std::function<void(absl::Status)>;

  // All outlive the writer.
  JobWriter(JobStore* store, const Clock* clock, WatchHub* hub, const PolicyManager* policies)
      : store_(store), clock_(clock), hub_(hub), policies_(policies) {}

  // Before the first Run.
  void SetListener(CommitListener* listener) { listener_ = listener; }

  // Runs `body` in a transaction. Once it is durable: watchers hear of it, the listener acts, then
  // done(OK), all on the store's thread. A failed body changes nothing; done gets its status. The
  // body may be run again from the start, so it resets what it captures.
  void Run(Body body, Done done);

  // The commonest body: one event of one job, and of one of its files (0: none). `check` may
  // refuse, seeing the job as it is.
  using Check = std::function<absl::Status(const domain::Job&)>;
  using Applied = std::function<void(absl::StatusOr<domain::Job>)>;
  void Apply(const domain::JobId& id, uint32_t file, domain::Event event, Check check,
             Applied done);

  PolicyManager::Snapshot policy() const { return policies_->current(); }
  absl::Time Now() const { return clock_->Now(); }

 private:
  JobStore* const store_;
  const Clock* const clock_;
  WatchHub* const hub_;
  const PolicyManager* const policies_;
  CommitListener* listener_ = nullptr;
};

}  // namespace bits::app

#endif  // BITS_SERVER_APP_JOB_WRITER_H_

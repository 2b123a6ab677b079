// Gives jobs their turns and takes them back, as domain/turns.h says.
#ifndef BITS_SERVER_APP_SCHEDULER_H_
#define BITS_SERVER_APP_SCHEDULER_H_

#include <array>
#include <deque>
#include <string>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "server/app/hold_board.h"
#include "server/app/job_writer.h"
#include "server/app/ports/job_store.h"
#include "server/app/transfer_runner.h"
#include "server/base/mutex.h"
#include "server/domain/turns.h"

namespace bits::app {

// Thread-safe. The queue itself is in the store: nothing is kept here of jobs that wait, but whose
// turn it was last.
class Scheduler {
 public:
  Scheduler(JobStore* store, JobWriter* writer, TransferRunner* runner, HoldBoard* holds,
            domain::TurnPolicy policy)
      : store_(store), writer_(writer), runner_(runner), holds_(holds), policy_(policy) {}
  ~Scheduler() { Stop(); }

  void Start();  // its thread
  void Stop();   // no turn is granted any more; idempotent. Not from its own thread
  // Something changed: look again. Does not block.
  void Poke();
  // Heeded at once: jobs over the new limits are put back. Does not block.
  void SetPolicy(domain::TurnPolicy policy);
  // Every committed job passes here, in order. Does not block.
  void OnCommitted(const domain::Job& job);

  // One look: carries out what the plan says now. True if there may be more to do at once. Blocks
  // for I/O. For the thread, and for tests.
  bool RunOnce();
  // When the last look wants the next one, if nothing changes before. For tests.
  absl::Time next_look() const;

 private:
  // What a plan goes by.
  struct View {
    std::vector<domain::ActiveTurn> active;  // but for FOREGROUND ones
    domain::TurnPolicy policy;
    HoldBoard::Look holds;
  };

  void Loop();
  // False: no turn is granted now.
  bool TakeView(View& view);
  // Its turn has not ended, or is about to begin.
  bool IsBusy(const domain::JobId& id) const;
  // The jobs of the priority that the plan may want to start.
  absl::Status AddWaiting(View& view, domain::Priority priority,
                          std::vector<domain::WaitingJob>& waiting);
  void PutBack(const domain::TurnPlan::PutBack& job);
  void Grant(const domain::WaitingJob& job);
  // Queues some of the jobs whose host is back, and pokes for the others when those are committed.
  void QueueThoseWhoseHostIsBack();
  // The store refused: wait before the next look.
  void Fail();

  JobStore* const store_;
  JobWriter* const writer_;
  TransferRunner* const runner_;
  HoldBoard* const holds_;

  mutable Mutex mutex_;
  CondVar wake_;
  domain::TurnPolicy policy_ BITS_GUARDED_BY(mutex_);
  bool poked_ BITS_GUARDED_BY(mutex_) = false;
  bool stopping_ BITS_GUARDED_BY(mutex_) = false;
  bool failed_ BITS_GUARDED_BY(mutex_) = false;
  absl::Time next_look_ BITS_GUARDED_BY(mutex_) = absl::InfiniteFuture();
  std::unordered_map<domain::JobId, domain::ActiveTurn> active_ BITS_GUARDED_BY(mutex_);
  // Changes on their way to the store.
  std::unordered_map<domain::JobId, domain::ActiveTurn> starting_ BITS_GUARDED_BY(mutex_);
  std::unordered_set<domain::JobId> ending_ BITS_GUARDED_BY(mutex_);
  // No longer active, but their transfers may not have ended yet.
  std::unordered_set<domain::JobId> leaving_ BITS_GUARDED_BY(mutex_);
  // Hosts that are back, and up to which job they have heard.
  std::deque<std::pair<std::string, domain::JobId>> back_ BITS_GUARDED_BY(mutex_);
  bool returning_ BITS_GUARDED_BY(mutex_) = false;  // some of them are on their way to the store
  // By priority: whose turn it was last.
  std::array<std::string, 4> last_owner_ BITS_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace bits::app

#endif  // BITS_SERVER_APP_SCHEDULER_H_

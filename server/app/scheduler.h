// Whose turn it is. Foreground jobs run at once; the others share a number of slots, the one
// that has waited longest first.
#ifndef BITS_SERVER_APP_SCHEDULER_H_
#define BITS_SERVER_APP_SCHEDULER_H_

#include <cstdint>
#include <thread>
#include <unordered_map>
#include <unordered_set>

#include "server/app/job_writer.h"
#include "server/app/ports/job_store.h"
#include "server/app/transfer_runner.h"
#include "server/base/mutex.h"

namespace bits::app {

// Thread-safe. The queue itself is in the store: nothing is kept here of jobs that wait.
class Scheduler {
 public:
  // Jobs below FOREGROUND that may be active at once.
  static constexpr uint32_t kDefaultBackgroundSlots = 16;

  Scheduler(JobStore* store, JobWriter* writer, TransferRunner* runner, uint32_t background_slots)
      : store_(store), writer_(writer), runner_(runner), background_slots_(background_slots) {}
  ~Scheduler() { Stop(); }

  void Start();  // its thread
  void Stop();   // no turn is granted any more; idempotent. Not from its own thread
  // Something changed: look again. Does not block.
  void Poke();
  // Every committed job passes here, in order. Does not block.
  void OnCommitted(const domain::Job& job);

  // One look: grants the turns that can be granted. True if there may be more to grant at
  // once. Blocks for I/O. For the thread, and for tests.
  bool RunOnce();

 private:
  void Loop();
  bool Grant(QueueClass queue_class, uint32_t free);
  uint32_t FreeSlots();

  JobStore* const store_;
  JobWriter* const writer_;
  TransferRunner* const runner_;
  const uint32_t background_slots_;

  Mutex mutex_;
  CondVar wake_;
  bool poked_ BITS_GUARDED_BY(mutex_) = false;
  bool stopping_ BITS_GUARDED_BY(mutex_) = false;
  bool failed_ BITS_GUARDED_BY(mutex_) = false;  // the store refused: wait before the next look
  std::unordered_map<domain::JobId, QueueClass> active_ BITS_GUARDED_BY(mutex_);
  std::unordered_map<domain::JobId, QueueClass> starting_ BITS_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace bits::app

#endif  // BITS_SERVER_APP_SCHEDULER_H_

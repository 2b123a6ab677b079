// Fires the jobs' timers when they are due. The timers are in the store: nothing is kept here
// but when to look next.
#ifndef BITS_SERVER_APP_TIMER_SERVICE_H_
#define BITS_SERVER_APP_TIMER_SERVICE_H_

#include <thread>

#include "absl/time/time.h"
#include "server/app/hold_board.h"
#include "server/app/job_writer.h"
#include "server/app/ports/clock.h"
#include "server/app/ports/job_store.h"
#include "server/app/retimer.h"
#include "server/base/mutex.h"

namespace bits::app {

// Thread-safe.
class TimerService {
 public:
  TimerService(JobStore* store, JobWriter* writer, PolicyManager* policies,
               const HoldBoard* holds, const Clock* clock)
      : store_(store),
        writer_(writer),
        policies_(policies),
        holds_(holds),
        clock_(clock),
        retimer_(store, writer, policies) {}
  ~TimerService() { Stop(); }

  void Start();  // its thread
  void Stop();   // idempotent. Not from its own thread
  // A timer was set: look at it in time. Does not block.
  void OnTimerSet(absl::Time time);
  // The policy was changed: timers may have to come forward. Does not block.
  void OnPolicyChanged() { OnTimerSet(absl::InfinitePast()); }

  // Fires what is due, a number of jobs at most, and waits until that is committed. Gives when to
  // look again. Blocks. For the thread, and for tests.
  absl::Time RunOnce();

 private:
  void Loop();
  // Within a transaction.
  absl::Status Fire(Step& step, const domain::JobId& id) const;

  JobStore* const store_;
  JobWriter* const writer_;
  const PolicyManager* const policies_;
  const HoldBoard* const holds_;
  const Clock* const clock_;
  Retimer retimer_;  // the thread's
  Mutex mutex_;
  CondVar wake_;
  absl::Time next_ BITS_GUARDED_BY(mutex_) = absl::InfinitePast();
  bool stopping_ BITS_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace bits::app

#endif  // BITS_SERVER_APP_TIMER_SERVICE_H_

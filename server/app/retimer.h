// Brings forward the timers that are later than the policy has them, since it was changed.
#ifndef BITS_SERVER_APP_RETIMER_H_
#define BITS_SERVER_APP_RETIMER_H_

#include <cstdint>
#include <optional>

#include "server/app/job_writer.h"
#include "server/app/policy_manager.h"
#include "server/app/ports/job_store.h"
#include "server/domain/timers.h"

namespace bits::app {

// One thread. A million jobs are looked at slice by slice, so that others' changes come between;
// after a crash it begins anew.
class Retimer {
 public:
  Retimer(JobStore* store, JobWriter* writer, PolicyManager* policies)
      : store_(store), writer_(writer), policies_(policies) {}

  // Looks at some jobs, if there is need. Blocks until that is committed. False: there is nothing
  // (more) to do; try again later if the store failed.
  bool Slice();

 private:
  JobStore* const store_;
  JobWriter* const writer_;
  PolicyManager* const policies_;
  std::optional<domain::TimerPolicy> under_;  // of the round under way
  uint64_t after_ = 0;
};

}  // namespace bits::app

#endif  // BITS_SERVER_APP_RETIMER_H_

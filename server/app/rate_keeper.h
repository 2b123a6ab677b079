// Keeps the bandwidth policy: tells the engine the limits of the hour, stops the jobs that may not
// run and lets them go on when they may.
#ifndef BITS_SERVER_APP_RATE_KEEPER_H_
#define BITS_SERVER_APP_RATE_KEEPER_H_

#include <functional>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/app/job_writer.h"
#include "server/app/policy_manager.h"
#include "server/app/ports/clock.h"
#include "server/app/ports/job_store.h"
#include "server/app/ports/transfer_engine.h"
#include "server/base/mutex.h"
#include "server/domain/policy.h"

namespace bits::app {

// Thread-safe. Nothing is done by retry timers: it looks when the hour or the policy changes, and
// when a job enters a state that the policy does not let it have.
class RateKeeper {
 public:
  // All outlive the keeper.
  RateKeeper(JobStore* store, JobWriter* writer, PolicyManager* policies, TransferEngine* engine,
             const Clock* clock)
      : store_(store), writer_(writer), policies_(policies), engine_(engine), clock_(clock) {}
  ~RateKeeper() { Stop(); }

  // Called by RunOnce, with what is in force. Set before use.
  void SetListener(std::function<void(const domain::Policy&)> listener) {
    listener_ = std::move(listener);
  }
  // Finds the jobs that an earlier process stopped. Blocks; once, after the policy is read.
  absl::Status Recover();
  void Start();  // its thread
  void Stop();   // idempotent. Not from its own thread

  // The policy is another. Does not block.
  void OnPolicyChanged();
  // Every committed job passes here, in order. Does not block.
  void OnCommitted(const domain::Job& job);

  // One look: takes up the limits of the hour, and hands to the store what they ask for. Gives
  // when to look again. For the thread, and for tests.
  absl::Time RunOnce();

 private:
  void Loop();
  void Poke() BITS_REQUIRES(mutex_);
  // Stops the job, or lets it go on, if the policy still wants that.
  void Change(const domain::JobId& id, bool stop);

  JobStore* const store_;
  JobWriter* const writer_;
  PolicyManager* const policies_;
  TransferEngine* const engine_;
  const Clock* const clock_;
  std::function<void(const domain::Policy&)> listener_ = [](const domain::Policy&) {};

  Mutex mutex_;
  CondVar wake_;
  bool poked_ BITS_GUARDED_BY(mutex_) = true;
  bool stopping_ BITS_GUARDED_BY(mutex_) = false;
  // The store refused something: look again then.
  absl::Time retry_ BITS_GUARDED_BY(mutex_) = absl::InfiniteFuture();
  // Jobs below FOREGROUND that are active, and those that the policy has stopped, by their
  // priority.
  std::unordered_map<domain::JobId, domain::Priority> active_ BITS_GUARDED_BY(mutex_);
  std::unordered_map<domain::JobId, domain::Priority> blocked_ BITS_GUARDED_BY(mutex_);
  std::unordered_set<domain::JobId> changing_ BITS_GUARDED_BY(mutex_);  // on the way to the store
  std::thread thread_;
};

}  // namespace bits::app

#endif  // BITS_SERVER_APP_RATE_KEEPER_H_

// All the parts of the application, put together.
#ifndef BITS_SERVER_APP_APPLICATION_H_
#define BITS_SERVER_APP_APPLICATION_H_

#include <chrono>
#include <cstdint>

#include "absl/status/status.h"
#include "server/app/finisher.h"
#include "server/app/hold_board.h"
#include "server/app/job_manager.h"
#include "server/app/job_secrets.h"
#include "server/app/job_writer.h"
#include "server/app/notifier.h"
#include "server/app/policy_manager.h"
#include "server/app/ports/client_certificates.h"
#include "server/app/ports/clock.h"
#include "server/app/ports/file_system.h"
#include "server/app/ports/job_store.h"
#include "server/app/ports/secret_sealer.h"
#include "server/app/ports/transfer_engine.h"
#include "server/app/rate_keeper.h"
#include "server/app/scheduler.h"
#include "server/app/timer_service.h"
#include "server/app/transfer_runner.h"
#include "server/app/watch_hub.h"
#include "server/base/executor.h"
#include "server/domain/policy.h"

namespace bits::app {

class Application : private CommitListener {
 public:
  struct Options {
    domain::PolicySettings policy;  // the configuration file's
    size_t watch_ring = 4096;  // events kept in memory for watchers
    Notifier::Options notifications = {};
  };
  struct Ports {  // all outlive the application
    JobStore* store;
    FileSystem* files;
    TransferEngine* engine;
    const Clock* clock;
    Executor* finisher_executor;  // may block on files
    // None: jobs cannot have secrets, or client certificates.
    const SecretSealer* sealer = nullptr;
    const ClientCertificates* certificates = nullptr;
    // None: notifications wait.
    WebhookSender* webhooks = nullptr;
    const NotificationFormat* notification_format = nullptr;
    CommandRunner* commands = nullptr;
  };

  // `last_revision`: the store's.
  Application(Ports ports, Options options, Revision last_revision);
  ~Application() override;

  // The policy is read, jobs that were active are queued anew, files that were being published or deleted are taken
  // up. Blocks; call it once, before calls are served.
  absl::Status Recover();
  // Turns are granted and timers fire from now on.
  void Start();
  // No turn is granted any more; those that run are ended, with what is here made durable and
  // recorded. Blocks until then, or the deadline. Idempotent. The engine and the sender of webhooks,
  // which may be about to return from their last call, are to be shut down before the application
  // goes.
  void Drain(std::chrono::steady_clock::time_point deadline);
  // Tell it when the store is in order again. Does not block.
  void OnStoreHealthy();

  JobManager& jobs() { return manager_; }
  PolicyManager& policies() { return policies_; }
  RateKeeper& rates() { return rates_; }
  WatchHub& hub() { return hub_; }
  // For tests that do their threads' work by hand, instead of Start().
  Scheduler& scheduler() { return scheduler_; }
  TimerService& timers() { return timers_; }
  Notifier& notifier() { return notifier_; }

 private:
  // Says so if the operator's key opens nothing of what is stored.
  void CheckSecrets();
  void OnCommitted(const domain::Job& job, absl::Time next_timer, uint8_t effects,
                   const std::vector<domain::File>& files) override;
  void OnNotificationsMade() override { notifier_.Poke(); }

  const Ports ports_;
  const SecretVault vault_;
  WatchHub hub_;
  PolicyManager policies_;
  JobWriter writer_;
  HoldBoard holds_;
  TransferRunner runner_;
  Scheduler scheduler_;
  TimerService timers_;
  RateKeeper rates_;
  Finisher finisher_;
  Notifier notifier_;
  JobManager manager_;
};

}  // namespace bits::app

#endif  // BITS_SERVER_APP_APPLICATION_H_

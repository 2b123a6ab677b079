// Delivers what is in the jobs' outboxes: of each job in order, one after the other; of several jobs
// side by side. What is to be delivered and when is in the store: a crash costs nothing but that
// something may be told again.
#ifndef BITS_SERVER_APP_NOTIFIER_H_
#define BITS_SERVER_APP_NOTIFIER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/app/job_secrets.h"
#include "server/app/job_writer.h"
#include "server/app/ports/clock.h"
#include "server/app/ports/command_runner.h"
#include "server/app/ports/job_store.h"
#include "server/app/ports/notification_format.h"
#include "server/app/ports/webhook_sender.h"
#include "server/base/mutex.h"
#include "server/domain/notifications.h"

namespace bits::app {

// Thread-safe.
class Notifier {
 public:
  // BITS lets no owner have more than four under way either.
  static constexpr uint32_t kAtOnceOfOwner = 4;
  static constexpr uint32_t kAtOnce = 64;

  struct Options {
    domain::DeliveryPolicy delivery;
    domain::NotificationPermissions permissions;
  };
  struct Parts {  // all outlive the notifier
    JobStore* store;
    JobWriter* writer;
    const SecretVault* vault;
    const Clock* clock;
    WebhookSender* webhooks;           // null: nothing is delivered, all waits
    const NotificationFormat* format;  // where there are webhooks
    CommandRunner* commands;           // null: none are run
  };
  Notifier(Parts parts, Options options) : parts_(parts), options_(std::move(options)) {}
  ~Notifier() { Stop(); }

  void Start();  // its thread
  // Nothing is begun any more; what is under way may still be recorded. Idempotent. Not from its own
  // thread.
  void Stop();
  // There may be something to deliver. Does not block.
  void Poke();

  // Begins what is due and for which there is room. Gives when to look again. Blocks for reading.
  // For the thread, and for tests.
  absl::Time RunOnce();

 private:
  // The notification that is under way for a job.
  struct Delivery {
    domain::Job job;
    NotificationRecord notification;
    std::optional<Secret> key;  // nullopt: it is not here any more
    bool command = false;       // its command line was run
    std::optional<domain::Failure> webhook_failure;  // of this try, where there is a command line
  };

  void Loop();
  absl::StatusOr<std::vector<DueOutbox>> ClaimDue(absl::Time now);
  void Prepare(const domain::JobId& id);
  void SendReady();
  void Send(const std::shared_ptr<Delivery>& delivery);
  void CallWebhook(const std::shared_ptr<Delivery>& delivery);
  // BITS's order: the command line is run where there is nobody to call, or that failed.
  void OnWebhook(const std::shared_ptr<Delivery>& delivery, std::optional<domain::Failure> failure);
  void RunCommand(const std::shared_ptr<Delivery>& delivery);
  void Record(const std::shared_ptr<Delivery>& delivery, std::optional<domain::Failure> failure);
  // The job is under way no more. With a failure of the store nothing is begun for a while.
  void Release(const domain::JobId& id, const absl::Status& status);

  const Parts parts_;
  const Options options_;

  Mutex mutex_;
  CondVar wake_;
  bool poked_ BITS_GUARDED_BY(mutex_) = true;
  bool stopping_ BITS_GUARDED_BY(mutex_) = false;
  absl::Time not_before_ BITS_GUARDED_BY(mutex_) = absl::InfinitePast();
  std::unordered_map<domain::JobId, std::string> under_way_ BITS_GUARDED_BY(mutex_);  // to its owner
  std::map<std::string, uint32_t> of_owner_ BITS_GUARDED_BY(mutex_);
  std::string last_owner_ BITS_GUARDED_BY(mutex_);  // whose outbox was begun last
  std::vector<std::shared_ptr<Delivery>> ready_ BITS_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace bits::app

#endif  // BITS_SERVER_APP_NOTIFIER_H_

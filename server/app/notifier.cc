#include "server/app/notifier.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/app/ids.h"
#include "server/base/executor.h"
#include "server/base/log.h"
#include "server/base/redact.h"
#include "server/base/status_macros.h"
#include "server/domain/error_code.h"

namespace bits::app {
namespace {

constexpr absl::Duration kPauseOfStore = absl::Seconds(1);
constexpr absl::Duration kLongestSleep = absl::Hours(1);

// The same at each try, and no other's.
std::string IdOf(const domain::JobId& job, uint64_t number) {
  return absl::StrCat(job, "-", number);
}

domain::Failure OwnFailure(domain::Hresult hresult, std::string detail) {
  domain::Failure failure;
  failure.hresult = hresult;
  failure.detail = std::move(detail);
  return failure;
}

domain::Error ErrorOf(const domain::Failure& failure, uint32_t tries, absl::Time now) {
  domain::Error error;
  error.hresult = failure.hresult;
  error.context = domain::ErrorContext::kQueueManagerNotification;
  error.detail = failure.detail;
  error.http_status = failure.http_status;
  error.attempt = tries;
  error.occur_time = now;
  return error;
}

void LogFailure(const domain::JobId& job, const NotificationRecord& notification) {
  const domain::Error& error = *notification.error;
  if (notification.given_up) {
    BITS_LOG(kWarning, "a notification is given up",
             {{"job", job},
              {"notification", notification.number},
              {"tries", notification.tries},
              {"code", domain::SymbolOf(error.hresult)},
              {"detail", error.detail}});
  } else {
    BITS_LOG(kInfo, "a notification is not delivered, and tried again",
             {{"job", job},
              {"notification", notification.number},
              {"tries", notification.tries},
              {"code", domain::SymbolOf(error.hresult)},
              {"detail", error.detail},
              {"next_try", absl::FormatTime(notification.next_try, absl::UTCTimeZone())}});
  }
}

}  // namespace

void Notifier::Start() {
  thread_ = std::thread([this] { Loop(); });
}

void Notifier::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    wake_.SignalAll();
  }
  if (thread_.joinable()) thread_.join();
}

void Notifier::Poke() {
  MutexLock lock(mutex_);
  poked_ = true;
  wake_.Signal();
}

void Notifier::Loop() {
  SetThreadName("notifier");
  absl::Time next = absl::InfinitePast();
  while (true) {
    {
      MutexLock lock(mutex_);
      while (!stopping_ && !poked_ && parts_.clock->Now() < next) {
        const absl::Duration wait = std::min(next - parts_.clock->Now(), kLongestSleep);
        wake_.WaitFor(mutex_, absl::ToChronoMicroseconds(wait) + std::chrono::milliseconds(1));
      }
      if (stopping_) return;
      poked_ = false;
    }
    next = RunOnce();
  }
}

absl::Time Notifier::RunOnce() {
  if (parts_.webhooks == nullptr) return absl::InfiniteFuture();
  SendReady();
  const absl::Time now = parts_.clock->Now();
  {
    MutexLock lock(mutex_);
    if (now < not_before_) return not_before_;
  }
  const absl::StatusOr<std::vector<DueOutbox>> claimed = ClaimDue(now);
  if (!claimed.ok()) {
    BITS_LOG(kWarning, "cannot read the outboxes", {{"status", claimed.status()}});
    return now + kPauseOfStore;
  }
  for (const DueOutbox& due : *claimed) Prepare(due.job);
  SendReady();
  const absl::StatusOr<absl::Time> next = parts_.store->NextOutbox(now);
  return next.ok() ? *next : now + kPauseOfStore;
}

absl::StatusOr<std::vector<DueOutbox>> Notifier::ClaimDue(absl::Time now) {
  DueQuery query;
  query.now = now;
  {
    MutexLock lock(mutex_);
    if (stopping_ || under_way_.size() >= kAtOnce) return std::vector<DueOutbox>();
    query.after_owner = last_owner_;
    // Those who have all that they may have are listed too, and passed over.
    query.owners = kAtOnce;
    query.per_owner = 2 * kAtOnceOfOwner;
  }
  BITS_ASSIGN_OR_RETURN(std::vector<DueOutbox> due, parts_.store->ListDueOutboxes(query));
  MutexLock lock(mutex_);
  std::erase_if(due, [this](const DueOutbox& outbox) {
    mutex_.AssertHeld();
    if (under_way_.size() >= kAtOnce || under_way_.contains(outbox.job)) return true;
    uint32_t& count = of_owner_[outbox.owner];
    if (count >= kAtOnceOfOwner) return true;
    ++count;
    under_way_.emplace(outbox.job, outbox.owner);
    last_owner_ = outbox.owner;
    return false;
  });
  return due;
}

void Notifier::Prepare(const domain::JobId& id) {
  auto delivery = std::make_shared<Delivery>();
  parts_.writer->Run(
      [this, id, delivery](Step& step) -> absl::Status {
        BITS_ASSIGN_OR_RETURN(delivery->job, step.txn().GetJob(id));
        BITS_ASSIGN_OR_RETURN(delivery->notification, step.txn().FirstPendingNotification(id));
        if (delivery->notification.next_try > step.now()) return absl::NotFoundError("not due");
        BITS_ASSIGN_OR_RETURN(delivery->key, parts_.vault->LoadWebhookKey(step.txn(), id));
        return absl::OkStatus();
      },
      [this, id, delivery](const absl::Status& status) {
        if (!status.ok()) return Release(id, status);
        MutexLock lock(mutex_);
        ready_.push_back(delivery);
        poked_ = true;
        wake_.Signal();
      });
}

void Notifier::SendReady() {
  std::vector<std::shared_ptr<Delivery>> ready;
  {
    MutexLock lock(mutex_);
    if (stopping_) return;
    ready.swap(ready_);
  }
  for (const std::shared_ptr<Delivery>& delivery : ready) Send(delivery);
}

void Notifier::Send(const std::shared_ptr<Delivery>& delivery) {
  const bool was_called = delivery->webhook_failure.has_value();
  if (was_called || delivery->job.notifications.webhook_uri.empty()) return RunCommand(delivery);
  CallWebhook(delivery);
}

void Notifier::CallWebhook(const std::shared_ptr<Delivery>& delivery) {
  const domain::Job& job = delivery->job;
  if (!options_.permissions.webhooks) {
    return OnWebhook(delivery, OwnFailure(domain::kAccessDenied, "webhooks are not allowed here"));
  }
  if (!delivery->key.has_value()) {
    return OnWebhook(delivery, OwnFailure(domain::kInvalidCredentials,
                                          "the webhook's secret is lost: set the webhook anew"));
  }
  WebhookRequest request;
  request.uri = job.notifications.webhook_uri;
  request.id = IdOf(job.id, delivery->notification.number);
  request.content_type = parts_.format->ContentType();
  request.body =
      parts_.format->Format(request.id, delivery->notification, *parts_.writer->policy());
  request.key = *delivery->key;
  parts_.webhooks->Send(std::move(request),
                        [this, delivery](std::optional<domain::Failure> failure) {
                          OnWebhook(delivery, std::move(failure));
                        });
}

void Notifier::OnWebhook(const std::shared_ptr<Delivery>& delivery,
                         std::optional<domain::Failure> failure) {
  const bool has_command = !delivery->job.notifications.command.program.empty() &&
                           domain::IsForCommand(delivery->notification.flag);
  if (!failure.has_value() || !has_command) return Record(delivery, std::move(failure));
  delivery->webhook_failure = std::move(failure);
  // The webhook took its time: the job may be another's by now, or have another command line.
  auto may_run = std::make_shared<bool>(false);
  parts_.writer->Run(
      [delivery, may_run](Step& step) -> absl::Status {
        const domain::JobId& id = delivery->job.id;
        *may_run = false;
        BITS_ASSIGN_OR_RETURN(const NotificationRecord record,
                              step.txn().GetNotification(id, delivery->notification.number));
        BITS_ASSIGN_OR_RETURN(const domain::Job job, step.txn().GetJob(id));
        const bool again = record.tries > 0 && domain::IsFinal(job.state);  // see NextRun
        *may_run = !again && job.owner == delivery->job.owner &&
                   job.notifications.command == delivery->job.notifications.command;
        return absl::OkStatus();
      },
      [this, delivery, may_run](const absl::Status& status) {
        if (!status.ok()) return Release(delivery->job.id, status);
        if (!*may_run) return Record(delivery, delivery->webhook_failure);
        MutexLock lock(mutex_);
        if (stopping_) return;  // it is told anew at the next start
        ready_.push_back(delivery);
        poked_ = true;
        wake_.Signal();
      });
}

void Notifier::RunCommand(const std::shared_ptr<Delivery>& delivery) {
  const domain::CommandLine& command = delivery->job.notifications.command;
  if (!domain::IsForCommand(delivery->notification.flag)) {
    // Made while there was a webhook, which is gone.
    return Record(delivery, std::nullopt);
  }
  delivery->command = true;
  const std::vector<std::string>& allowed = options_.permissions.programs;
  const bool may_run = std::find(allowed.begin(), allowed.end(), command.program) != allowed.end();
  if (!may_run || parts_.commands == nullptr) {
    return Record(delivery, OwnFailure(domain::kAccessDenied, "the program is not allowed here"));
  }
  const EventRecord& event = delivery->notification.event;
  CommandRequest request;
  request.program = command.program;
  request.arguments = command.arguments;
  request.environment = {
      "BITS_JOB=jobs/" + delivery->job.id,
      "BITS_NOTIFICATION=" + IdOf(delivery->job.id, delivery->notification.number),
      absl::StrCat("BITS_STATE=", std::string(domain::StateName(event.job.state)))};
  if (event.error.has_value()) {
    request.environment.push_back("BITS_ERROR=" + domain::SymbolOf(event.error->hresult));
  }
  parts_.commands->Run(std::move(request),
                       [this, delivery](std::optional<domain::Failure> failure) {
                         Record(delivery, std::move(failure));
                       });
}

void Notifier::Record(const std::shared_ptr<Delivery>& delivery,
                      std::optional<domain::Failure> failure) {
  const domain::JobId id = delivery->job.id;
  const uint64_t number = delivery->notification.number;
  auto written = std::make_shared<std::optional<NotificationRecord>>();
  parts_.writer->Run(
      [this, id, number, failure = std::move(failure), written,
       command = delivery->command, of_webhook = delivery->webhook_failure](
          Step& step) -> absl::Status {
        *written = std::nullopt;
        if (!failure.has_value()) return step.txn().DeleteNotification(id, number);
        absl::StatusOr<NotificationRecord> found = step.txn().GetNotification(id, number);
        // Its job has no receiver any more, or is forgotten.
        if (absl::IsNotFound(found.status())) return absl::OkStatus();
        BITS_RETURN_IF_ERROR(found.status());
        NotificationRecord& record = *found;
        ++record.tries;
        record.error = ErrorOf(*failure, record.tries, step.now());
        std::optional<absl::Time> next;
        if (command) {
          BITS_ASSIGN_OR_RETURN(const domain::Job job, step.txn().GetJob(id));
          next = domain::NextRun(options_.delivery, job, record.tries, step.now());
          // A completed job runs no command again, but its webhook is still to be told.
          if (!next.has_value() && of_webhook.has_value()) {
            next = domain::NextTry(options_.delivery, *of_webhook, record.tries, RandomFraction(),
                                   step.now());
          }
        } else {
          next = domain::NextTry(options_.delivery, *failure, record.tries, RandomFraction(),
                                 step.now());
        }
        record.given_up = !next.has_value();
        record.next_try = next.value_or(step.now());
        if (!record.given_up) record.error->retry_time = next;
        BITS_RETURN_IF_ERROR(step.txn().PutNotification(id, record));
        *written = *std::move(found);
        return absl::OkStatus();
      },
      [this, id, written](const absl::Status& status) {
        if (status.ok() && written->has_value()) LogFailure(id, **written);
        Release(id, status);
      });
}

void Notifier::Release(const domain::JobId& id, const absl::Status& status) {
  MutexLock lock(mutex_);
  const auto it = under_way_.find(id);
  if (it != under_way_.end()) {
    const auto owner = of_owner_.find(it->second);
    if (owner != of_owner_.end() && --owner->second == 0) of_owner_.erase(owner);
    under_way_.erase(it);
  }
  if (!status.ok() && !absl::IsNotFound(status)) {
    not_before_ = parts_.clock->Now() + kPauseOfStore;
  }
  poked_ = true;
  wake_.Signal();
}

}  // namespace bits::app

#include "server/app/application.h"

#include <memory>
#include <utility>
#include <vector>

#include "server/base/log.h"
#include "server/base/status_macros.h"

namespace bits::app {

Application::Application(Ports ports, Options options, Revision last_revision)
    : ports_(ports),
      vault_(ports.sealer),
      hub_(last_revision, options.watch_ring),
      policies_(ports.store, ports.clock, std::move(options.policy)),
      writer_(ports.store, ports.clock, &hub_, &policies_),
      holds_(ports.files, ports.clock, policies_.current()->holds()),
      runner_(ports.engine, &writer_, &hub_, &vault_, &holds_),
      scheduler_(ports.store, &writer_, &runner_, &holds_, policies_.current()->turns()),
      timers_(ports.store, &writer_, &policies_, &holds_, ports.clock),
      rates_(ports.store, &writer_, &policies_, ports.engine, ports.clock),
      finisher_(ports.store, ports.files, &writer_, &runner_, ports.finisher_executor),
      notifier_({ports.store, &writer_, &vault_, ports.clock, ports.webhooks,
                 ports.notification_format, ports.commands},
                options.notifications),
      manager_({ports.store, ports.files, &writer_, &runner_, &finisher_, &vault_,
                ports.certificates, &holds_, options.notifications.permissions}) {
  writer_.SetListener(this);
  policies_.SetListener([this] {
    rates_.OnPolicyChanged();
    timers_.OnPolicyChanged();
  });
  rates_.SetListener([this](const domain::Policy& policy) {
    scheduler_.SetPolicy(policy.turns());
    holds_.SetPolicy(policy.holds());
  });
  holds_.SetListener([this] { scheduler_.Poke(); });
  runner_.SetIdleListener([this] { scheduler_.Poke(); });
}

Application::~Application() {
  scheduler_.Stop();
  timers_.Stop();
  rates_.Stop();
  notifier_.Stop();
}

void Application::OnCommitted(const domain::Job& job, absl::Time next_timer, uint8_t effects,
                              const std::vector<domain::File>& files) {
  scheduler_.OnCommitted(job);
  rates_.OnCommitted(job);
  if ((effects & domain::kStopFiles) != 0) runner_.StopFiles(job.id);
  if ((effects & (domain::kPublish | domain::kCleanup)) != 0) finisher_.Begin(job);
  if ((effects & domain::kStartFiles) != 0) runner_.StartFiles(job);
  if ((effects & domain::kRestartFile) != 0) {
    for (const domain::File& file : files) runner_.RestartFile(job.id, file.ordinal);
  }
  if ((effects & domain::kSchedule) != 0) scheduler_.Poke();
  timers_.OnTimerSet(next_timer);
}

absl::Status Application::Recover() {
  BITS_RETURN_IF_ERROR(policies_.Load());
  BITS_RETURN_IF_ERROR(rates_.Recover());
  rates_.RunOnce();
  constexpr uint32_t kPage = 256;
  domain::JobId after;
  size_t requeued = 0;
  while (true) {
    BITS_ASSIGN_OR_RETURN(const std::vector<domain::JobId> page,
                          ports_.store->ListUnsettled(after, kPage));
    if (page.empty()) break;
    after = page.back();
    struct Wait {
      Mutex mutex;
      CondVar cv;
      size_t left;
      absl::Status status;
    };
    auto wait = std::make_shared<Wait>();
    wait->left = page.size();
    for (const domain::JobId& id : page) {
      auto job = std::make_shared<domain::Job>();
      writer_.Run(
          [id, job](Step& step) {
            BITS_ASSIGN_OR_RETURN(*job, step.txn().GetJob(id));
            return step.Apply(*job, nullptr, domain::Requeue{.after_restart = true}).status();
          },
          [this, job, wait](absl::Status status) {
            if (status.ok() && job->pending != domain::Pending::kNone) finisher_.Begin(*job);
            MutexLock lock(wait->mutex);
            if (!status.ok()) wait->status = std::move(status);
            if (--wait->left == 0) wait->cv.SignalAll();
          });
      ++requeued;
    }
    MutexLock lock(wait->mutex);
    wait->cv.Wait(wait->mutex, [&] {
      wait->mutex.AssertHeld();
      return wait->left == 0;
    });
    BITS_RETURN_IF_ERROR(wait->status);
  }
  if (requeued > 0) BITS_LOG(kInfo, "recovered jobs", {{"jobs", requeued}});
  CheckSecrets();
  return absl::OkStatus();
}

// Each job would find out in its turn only.
void Application::CheckSecrets() {
  auto none_opens = std::make_shared<bool>(false);
  writer_.Run(
      [this, none_opens](Step& step) {
        BITS_ASSIGN_OR_RETURN(*none_opens, vault_.NoneOpens(step.txn()));
        return absl::OkStatus();
      },
      [none_opens](const absl::Status& status) {
        if (!status.ok() || !*none_opens) return;
        BITS_LOG(kWarning,
                 "no key opens the secrets that jobs have stored: is secrets_key_file the one that "
                 "they were sealed with?");
      });
}

void Application::Start() {
  scheduler_.Start();
  timers_.Start();
  rates_.Start();
  notifier_.Start();
  scheduler_.Poke();
}

void Application::Drain(std::chrono::steady_clock::time_point deadline) {
  scheduler_.Stop();
  timers_.Stop();
  rates_.Stop();
  notifier_.Stop();
  runner_.RequeueAll();
  if (!runner_.WaitIdle(deadline)) {
    BITS_LOG(kWarning, "transfers were still under way at the end of the grace period");
  }
}

void Application::OnStoreHealthy() {
  runner_.RecoverFromOutage();
  finisher_.RecoverFromOutage();
  notifier_.Poke();
  scheduler_.Poke();
}

}  // namespace bits::app

#include "server/app/policy_manager.h"

#include <algorithm>
#include <utility>

#include "server/base/error_info.h"
#include "server/base/log.h"
#include "server/base/status_macros.h"
#include "server/domain/error_code.h"

namespace bits::app {
namespace {

absl::Status CheckAdministrator(const Principal& principal) {
  if (principal.administrator) return absl::OkStatus();
  return MakeRefusal(absl::StatusCode::kPermissionDenied, domain::SymbolOf(domain::kAccessDenied),
                     "The policy is an administrator's.");
}

}  // namespace

PolicyManager::PolicyManager(JobStore* store, const Clock* clock, domain::PolicySettings file)
    : store_(store), clock_(clock), file_(std::move(file)), current_(Resolve({})) {}

PolicyManager::Snapshot PolicyManager::Resolve(const domain::PolicySettings& written) const {
  auto policy = std::make_shared<domain::Policy>(domain::ResolvePolicy(file_, written));
  absl::TimeZone zone;
  if (!absl::LoadTimeZone(policy->time_zone, &zone)) {
    BITS_LOG(kWarning, "the policy's time zone is not known here: its hours are taken as UTC",
             {{"time_zone", policy->time_zone}});
  }
  policy->rates = domain::FindRates(policy->timetable(), zone, clock_->Now());
  return policy;
}

void PolicyManager::AllowTimers(PolicyRecord& record) const {
  const domain::TimerPolicy timers = domain::ResolvePolicy(file_, record.settings).timers();
  if (!record.timers.has_value()) return;  // nothing is known until all were looked at
  record.timers->job_inactivity_timeout =
      std::max(record.timers->job_inactivity_timeout, timers.job_inactivity_timeout);
  record.timers->tombstone_retention =
      std::max(record.timers->tombstone_retention, timers.tombstone_retention);
}

void PolicyManager::Adopt(const PolicyRecord& record) {
  const Snapshot policy = Resolve(record.settings);
  {
    MutexLock lock(mutex_);
    record_ = record;
    current_ = policy;
  }
  store_->SetEventsKept(policy->events_kept);
  listener_();
}

absl::Status PolicyManager::Load() {
  struct Wait {
    Mutex mutex;
    CondVar cv;
    std::optional<absl::Status> status;
    PolicyRecord record;
  };
  auto wait = std::make_shared<Wait>();
  store_->Commit(
      [this, wait](Transaction& txn) -> absl::Status {
        BITS_ASSIGN_OR_RETURN(PolicyRecord record, txn.GetPolicy());
        const PolicyRecord before = record;
        AllowTimers(record);  // the file may say more than it did
        if (record != before) BITS_RETURN_IF_ERROR(txn.PutPolicy(record));
        wait->record = std::move(record);
        return absl::OkStatus();
      },
      [wait](absl::Status status) {
        MutexLock lock(wait->mutex);
        wait->status = std::move(status);
        wait->cv.SignalAll();
      });
  {
    MutexLock lock(wait->mutex);
    wait->cv.Wait(wait->mutex, [&] {
      wait->mutex.AssertHeld();
      return wait->status.has_value();
    });
    BITS_RETURN_IF_ERROR(*wait->status);
  }
  Adopt(wait->record);
  return absl::OkStatus();
}

PolicyManager::Snapshot PolicyManager::current() const {
  MutexLock lock(mutex_);
  return current_;
}

void PolicyManager::Refresh() {
  MutexLock lock(mutex_);
  if (clock_->Now() >= current_->rates.until) current_ = Resolve(record_.settings);
}

absl::StatusOr<PolicyView> PolicyManager::Get(const Principal& principal) const {
  BITS_RETURN_IF_ERROR(CheckAdministrator(principal));
  MutexLock lock(mutex_);
  return PolicyView{*current_, record_.version, record_.settings, file_};
}

void PolicyManager::Update(const Principal& principal, PolicyChange change, Callback done) {
  if (absl::Status status = CheckAdministrator(principal); !status.ok()) return done(status);
  auto written = std::make_shared<PolicyRecord>();
  store_->Commit(
      [this, written, change = std::move(change)](Transaction& txn) -> absl::Status {
        BITS_ASSIGN_OR_RETURN(PolicyRecord record, txn.GetPolicy());
        if (change.version.has_value() && *change.version != record.version) {
          return MakeRefusal(absl::StatusCode::kAborted, "ETAG_MISMATCH",
                             "The policy has changed since the etag was given: read it again.");
        }
        for (const auto& [name, value] : change.fields) {
          if (value.has_value()) {
            record.settings[name] = *value;
          } else {
            record.settings.erase(name);
          }
        }
        ++record.version;
        AllowTimers(record);
        BITS_RETURN_IF_ERROR(txn.PutPolicy(record));
        *written = std::move(record);
        return absl::OkStatus();
      },
      [this, written, by = principal.name, done = std::move(done)](absl::Status status) {
        if (!status.ok()) return done(std::move(status));
        Adopt(*written);
        BITS_LOG(kInfo, "the policy was changed", {{"by", by}, {"version", written->version}});
        MutexLock lock(mutex_);
        PolicyView view{*current_, record_.version, record_.settings, file_};
        lock.Unlock();
        done(std::move(view));
      });
}

bool PolicyManager::NeedsRetiming() const {
  MutexLock lock(mutex_);
  if (!record_.timers.has_value()) return true;
  const domain::TimerPolicy timers = current_->timers();
  return timers.job_inactivity_timeout < record_.timers->job_inactivity_timeout ||
         timers.tombstone_retention < record_.timers->tombstone_retention;
}

void PolicyManager::Retimed(const domain::TimerPolicy& timers) {
  auto written = std::make_shared<PolicyRecord>();
  store_->Commit(
      [this, written, timers](Transaction& txn) -> absl::Status {
        BITS_ASSIGN_OR_RETURN(PolicyRecord record, txn.GetPolicy());
        record.timers = timers;
        AllowTimers(record);  // where it was changed meanwhile
        BITS_RETURN_IF_ERROR(txn.PutPolicy(record));
        *written = std::move(record);
        return absl::OkStatus();
      },
      [this, written](const absl::Status& status) {
        if (!status.ok()) return;  // they will be looked at again
        MutexLock lock(mutex_);
        record_.timers = written->timers;
      });
}

}  // namespace bits::app

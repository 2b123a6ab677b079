#include "server/app/job_writer.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "server/app/outbox.h"
#include "server/base/log.h"
#include "server/base/redact.h"
#include "server/base/status_macros.h"
#include "server/domain/error_code.h"

namespace bits::app {

using domain::ChangeKind;
using domain::Decision;
using domain::Job;

namespace {

void LogFailure(const EventRecord& event) {
  if (event.kind != ChangeKind::kStateChanged || !event.error.has_value()) return;
  const domain::Error& error = *event.error;
  BITS_LOG(kInfo, "a job is stopped by an error",
           {{"job", event.job.id},
            {"state", domain::StateName(event.job.state)},
            {"code", domain::SymbolOf(error.hresult)},
            {"file", error.file},
            {"remote_name", error.remote_name}});
}

}  // namespace

absl::Time Step::NextTimerOf(const Job& job) const {
  const std::optional<domain::Timer> timer = domain::NextTimer(job, policy_->timers());
  return timer.has_value() ? timer->time : absl::InfiniteFuture();
}

absl::Status Step::WriteJob(Decision& d, bool insert, absl::Time next_timer) {
  Job& job = d.job;
  if ((d.effects & domain::kDelete) != 0) return txn_.DeleteJob(job.id);
  BITS_RETURN_IF_ERROR(insert ? txn_.InsertJob(job, next_timer) : txn_.UpdateJob(job, next_timer));
  for (const domain::File& f : d.files) {
    BITS_RETURN_IF_ERROR(txn_.PutFile(job.id, f));
  }
  if (d.error.has_value()) {
    BITS_RETURN_IF_ERROR(txn_.AddError(job.id, *d.error));
  }
  return domain::IsFinal(job.state) ? txn_.ReleaseDestinations(job.id) : absl::OkStatus();
}

absl::Status Step::Write(Decision& d, const Job* before) {
  Job& job = d.job;
  const bool deletes = (d.effects & domain::kDelete) != 0;
  const uint32_t file = d.files.size() == 1 ? d.files.front().ordinal : 0;
  std::vector<EventRecord> events;
  for (ChangeKind kind : d.changes) {
    EventRecord event;
    event.kind = kind;
    event.time = now_;
    event.job = job;
    // Events are kept for long, and a later MakeWriteOnly or TakeOwnership would not reach them.
    for (domain::HttpHeader& header : event.job.http.headers) header.value.clear();
    event.job.notifications.webhook_uri = RedactUrl(job.notifications.webhook_uri);
    event.job.notifications.command.arguments.clear();
    if (kind == ChangeKind::kFileTransferred || kind == ChangeKind::kFileRestarted) {
      event.file = file;
    }
    // Also where none is new: the last attempt's, of a job that has had no progress for too long.
    const bool failed =
        job.state == domain::JobState::kError || job.state == domain::JobState::kTransientError;
    if (kind == ChangeKind::kStateChanged && failed) event.error = job.error;
    BITS_RETURN_IF_ERROR(txn_.AppendEvent(event));
    if (kind != ChangeKind::kProgress) job.revision = event.revision;
    events.push_back(std::move(event));
  }
  std::vector<NotificationRecord> notifications;
  if (!deletes) {
    BITS_ASSIGN_OR_RETURN(notifications, NotificationsOf(txn_, events, before, job));
  }
  const absl::Time next_timer = NextTimerOf(job);
  BITS_RETURN_IF_ERROR(WriteJob(d, before == nullptr, next_timer));
  if (before != nullptr && !deletes) {
    BITS_RETURN_IF_ERROR(ForgetReceivers(txn_, *before, job));
  }
  for (const NotificationRecord& notification : notifications) {
    BITS_RETURN_IF_ERROR(txn_.PutNotification(job.id, notification));
    Notify();
  }
  std::move(events.begin(), events.end(), std::back_inserter(events_));
  Outcome outcome{job, next_timer, d.effects, {}};
  if (d.files.size() == 1 || (d.effects & domain::kRestartFile) != 0) outcome.files = d.files;
  outcomes_.push_back(std::move(outcome));
  return absl::OkStatus();
}

absl::StatusOr<Decision> Step::Apply(Job& job, const domain::File* file,
                                     const domain::Event& event) {
  BITS_ASSIGN_OR_RETURN(Decision decision, domain::Decide(job, file, event, now_));
  if (decision.changed) {
    BITS_RETURN_IF_ERROR(Write(decision, &job));
    const bool deleted = (decision.effects & domain::kDelete) != 0;
    if (domain::HasSecrets(job) && !domain::HasSecrets(decision.job) && !deleted) {
      BITS_RETURN_IF_ERROR(txn_.PutSecrets(job.id, ""));
    }
    job = decision.job;
  }
  return decision;
}

absl::Status Step::Create(Decision& decision) { return Write(decision, nullptr); }

absl::Status Step::Touch(Job& job) { return Touch(job, NextTimerOf(job)); }

absl::Status Step::Touch(Job& job, absl::Time next_timer) {
  return txn_.UpdateJob(job, next_timer);
}

void JobWriter::Run(Body body, Done done) {
  struct Result {
    std::vector<EventRecord> events;
    std::vector<Step::Outcome> outcomes;
    bool notifies = false;
  };
  auto result = std::make_shared<Result>();
  store_->Commit(
      [this, result, body = std::move(body)](Transaction& txn) {
        Step step(txn, clock_->Now(), policies_->current());
        BITS_RETURN_IF_ERROR(body(step));
        result->events = std::move(step.events_);
        result->outcomes = std::move(step.outcomes_);
        result->notifies = step.notifies_;
        return absl::OkStatus();
      },
      [this, result, done = std::move(done)](absl::Status status) {
        if (status.ok()) {
          for (const EventRecord& event : result->events) LogFailure(event);
          if (!result->events.empty()) hub_->Publish(std::move(result->events));
          for (const Step::Outcome& o : result->outcomes) {
            listener_->OnCommitted(o.job, o.next_timer, o.effects, o.files);
          }
          if (result->notifies) listener_->OnNotificationsMade();
        }
        done(std::move(status));
      });
}

void JobWriter::Apply(const domain::JobId& id, uint32_t file, domain::Event event, Check check,
                      Applied done) {
  auto job = std::make_shared<Job>();
  Run(
      [job, id, file, event = std::move(event), check = std::move(check)](Step& step) {
        BITS_ASSIGN_OR_RETURN(*job, step.txn().GetJob(id));
        if (check) BITS_RETURN_IF_ERROR(check(*job));
        if (file == 0) return step.Apply(*job, nullptr, event).status();
        BITS_ASSIGN_OR_RETURN(const domain::File f, step.txn().GetFile(id, file));
        return step.Apply(*job, &f, event).status();
      },
      [job, done = std::move(done)](absl::Status status) {
        if (!done) return;
        if (!status.ok()) return done(std::move(status));
        done(std::move(*job));
      });
}

}  // namespace bits::app

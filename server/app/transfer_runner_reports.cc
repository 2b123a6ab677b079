// What the engine tells, turned into events of the job.
#include <algorithm>
#include <utility>

#include "server/app/transfer_runner.h"
#include "server/app/transfer_section.h"
#include "server/base/log.h"
#include "server/base/status_macros.h"

namespace bits::app {

using domain::File;
using domain::Job;
using domain::JobId;

namespace {

constexpr absl::Duration kProgressInterval = absl::Milliseconds(250);

std::string_view ReasonName(RestartReason reason) {
  switch (reason) {
    case RestartReason::kChanged:
      return "the remote file changed";
    case RestartReason::kUnproven:
      return "nothing proves the version";
    case RestartReason::kNoRanges:
      return "the origin does not give parts";
    case RestartReason::kLost:
      return "the temporary file is too short";
    case RestartReason::kSource:
      return "another source gives it";
  }
  return "unknown";
}

}  // namespace

// Tells the runner, under the name of the file.
class TransferRunner::Observer final : public TransferObserver {
 public:
  Observer(TransferRunner* runner, JobId id, uint32_t ordinal, Source source)
      : runner_(runner), id_(std::move(id)), ordinal_(ordinal), source_(std::move(source)) {}

  void OnBytesArrive() override {
    runner_->holds_->OnBytesArrived(source_.host);
    runner_->OnBytesArrive(id_, source_.attempt);
  }
  void OnRestart(RestartReason reason, std::function<void()> proceed) override {
    runner_->OnRestart(id_, ordinal_, reason, std::move(proceed));
  }
  void OnCheckpoint(const domain::Checkpoint& at) override {
    if (at.bytes_transferred > 0) runner_->holds_->OnWritten(source_.path);
    runner_->OnCheckpoint(id_, ordinal_, at);
  }
  void OnProgress(uint64_t arrived, std::optional<uint64_t> total) override {
    runner_->OnProgress(id_, ordinal_, arrived, total);
  }
  void OnTransferred(const domain::Checkpoint& last, const std::string& identity) override {
    runner_->holds_->OnWritten(source_.path);
    runner_->OnTransferred(id_, ordinal_, source_, last, identity);
  }
  void OnFailed(const domain::Failure& failure) override {
    if (!failure.of_sidecar) {
      runner_->holds_->OnFailed(id_, source_.host, source_.path, failure);
    }
    runner_->OnFailed(id_, ordinal_, source_, failure);
  }
  void OnStopped() override { runner_->OnEnded(id_, ordinal_); }

 private:
  TransferRunner* const runner_;
  const JobId id_;
  const uint32_t ordinal_;
  const Source source_;
};

std::shared_ptr<TransferObserver> TransferRunner::Observe(const JobId& id, uint32_t ordinal,
                                                          Source source) {
  return std::make_shared<Observer>(this, id, ordinal, std::move(source));
}

void TransferRunner::OnBytesArrive(const JobId& id, uint32_t attempt) {
  {
    MutexLock lock(mutex_);
    auto it = turns_.find(id);
    if (it == turns_.end() || it->second.bytes_arrived) return;
    it->second.bytes_arrived = true;
  }
  auto job = std::make_shared<Job>();
  writer_->Run(
      [id, attempt, job](Step& step) {
        BITS_ASSIGN_OR_RETURN(*job, step.txn().GetJob(id));
        if (job->attempt_count != attempt) return absl::OkStatus();
        return step.Apply(*job, nullptr, domain::BytesArrived{}).status();
      },
      [this, id, attempt, job](const absl::Status& status) {
        if (!status.ok()) return Lose(id);
        MutexLock lock(mutex_);
        auto it = turns_.find(id);
        if (it == turns_.end() || it->second.job.attempt_count != attempt) return;
        it->second.job.state = job->state;
        it->second.job.error = job->error;
        it->second.job.revision = job->revision;
      });
}

void TransferRunner::OnRestart(const JobId& id, uint32_t ordinal, RestartReason reason,
                               std::function<void()> proceed) {
  BITS_LOG(kInfo, "file starts over",
           {{"job", id}, {"file", ordinal}, {"reason", ReasonName(reason)}});
  writer_->Apply(id, ordinal, domain::FileRestarted{}, nullptr,
                 [this, id, ordinal, proceed = std::move(proceed)](absl::StatusOr<Job> job) {
                   if (!job.ok()) return Lose(id);
                   {
                     MutexLock lock(mutex_);
                     if (auto it = turns_.find(id); it != turns_.end()) {
                       it->second.job.progress = job->progress;
                       it->second.job.revision = job->revision;
                       if (auto t = it->second.transfers.find(ordinal);
                           t != it->second.transfers.end()) {
                         t->second.recorded = t->second.arrived = 0;
                         t->second.sized = false;
                         t->second.total.reset();
                       }
                     }
                   }
                   proceed();
                 });
}

void TransferRunner::OnCheckpoint(const JobId& id, uint32_t ordinal,
                                  const domain::Checkpoint& at) {
  writer_->Apply(id, ordinal, at, nullptr,
                 [this, id, ordinal, bytes = at.bytes_transferred,
                  sized = at.bytes_total.has_value()](absl::StatusOr<Job> job) {
                   // A later one makes up for one that the store did not take.
                   if (!job.ok()) return;
                   MutexLock lock(mutex_);
                   auto it = turns_.find(id);
                   if (it == turns_.end()) return;
                   auto t = it->second.transfers.find(ordinal);
                   if (t == it->second.transfers.end()) return;
                   t->second.recorded = bytes;
                   t->second.sized = t->second.sized || sized;
                   it->second.job.progress = job->progress;
                   it->second.job.revision = job->revision;
                   it->second.job.state = job->state;
                 });
}

void TransferRunner::OnProgress(const JobId& id, uint32_t ordinal, uint64_t arrived,
                                std::optional<uint64_t> total) {
  std::optional<Job> news;
  Revision revision = 0;
  {
    MutexLock lock(mutex_);
    auto it = turns_.find(id);
    if (it == turns_.end()) return;
    Turn& turn = it->second;
    auto t = turn.transfers.find(ordinal);
    if (t == turn.transfers.end()) return;
    t->second.arrived = arrived;
    t->second.total = total;
    const absl::Time now = writer_->Now();
    // Not before watchers have heard that it is transferring.
    if (!turn.ending && turn.job.state == domain::JobState::kTransferring &&
        now - turn.progress_time >= kProgressInterval && hub_->HasWatchers()) {
      turn.progress_time = now;
      // Before the copy: what is committed after this makes the news stale, not the other way round.
      revision = hub_->last_revision();
      news = turn.job;
      news->update_time = now;
    }
  }
  if (!news.has_value()) return;
  AddLiveProgress(*news);
  EventRecord event;
  event.kind = domain::ChangeKind::kProgress;
  event.time = news->update_time;
  event.revision = revision;
  event.job = *std::move(news);
  std::vector<EventRecord> events;
  events.push_back(std::move(event));
  hub_->Publish(std::move(events));
}

absl::Status TransferRunner::ApplyOfSource(Step& step, const JobId& id, uint32_t ordinal,
                                           const Source& source, const std::string& final_name,
                                           const domain::Event& event) {
  BITS_ASSIGN_OR_RETURN(Job job, step.txn().GetJob(id));
  BITS_ASSIGN_OR_RETURN(const File file, step.txn().GetFile(id, ordinal));
  // A checkpoint may have recorded already where a redirect led.
  const bool is_source = file.remote_name == source.remote_name ||
                         (!final_name.empty() && file.remote_name == final_name);
  if (is_source) return step.Apply(job, &file, event).status();
  // Its remote name was mended after this was under way: it says nothing of the new one. The job
  // takes its turn anew, with that.
  return step.Apply(job, nullptr, domain::Requeue{}).status();
}

void TransferRunner::OnTransferred(const JobId& id, uint32_t ordinal, const Source& source,
                                   const domain::Checkpoint& last, const std::string& identity) {
  if (IsToRestart(id, ordinal)) return OnEnded(id, ordinal);
  uint64_t fresh = 0;
  {
    MutexLock lock(mutex_);
    if (auto it = turns_.find(id); it != turns_.end()) {
      const auto t = it->second.transfers.find(ordinal);
      const uint64_t recorded = t == it->second.transfers.end() ? 0 : t->second.recorded;
      fresh = last.bytes_transferred - std::min(recorded, last.bytes_transferred);
      it->second.unrecorded += fresh;
    }
  }
  auto job = std::make_shared<Job>();
  writer_->Run(
      [id, ordinal, source, job,
       event = domain::FileTransferred{last, identity}](Step& step) -> absl::Status {
        BITS_RETURN_IF_ERROR(
            ApplyOfSource(step, id, ordinal, source, event.last.final_name, event));
        BITS_ASSIGN_OR_RETURN(*job, step.txn().GetJob(id));
        return absl::OkStatus();
      },
      [this, id, job, fresh](const absl::Status& status) {
        if (!status.ok()) return Lose(id);
        MutexLock lock(mutex_);
        auto it = turns_.find(id);
        if (it == turns_.end()) return;
        // It may be the next turn, which never had them.
        it->second.unrecorded -= std::min(it->second.unrecorded, fresh);
        it->second.job.progress = job->progress;
        it->second.job.revision = job->revision;
      });
  OnEnded(id, ordinal);
}

bool TransferRunner::IsToRestart(const JobId& id, uint32_t ordinal) const {
  MutexLock lock(mutex_);
  auto it = turns_.find(id);
  if (it == turns_.end()) return false;
  auto t = it->second.transfers.find(ordinal);
  return t != it->second.transfers.end() && t->second.restart;
}

void TransferRunner::OnFailed(const JobId& id, uint32_t ordinal, const Source& source,
                              const domain::Failure& failure) {
  bool stale = false;
  const bool another = source.has_mirrors && domain::AnotherSourceMayMend(failure);
  {
    MutexLock lock(mutex_);
    auto it = turns_.find(id);
    if (it == turns_.end()) return;
    Turn& turn = it->second;
    auto t = turn.transfers.find(ordinal);
    // Its remote name was mended meanwhile, or the turn is over anyway.
    stale = turn.ending || (t != turn.transfers.end() && t->second.restart);
    // Nothing more is started; the others stop by the commit.
    if (!stale && !another) turn.ending = true;
    if (!stale && another) {
      ++turn.loads;  // the turn lasts until the next source is known
      // Its place is the next try's, which may begin before this returns.
      if (t != turn.transfers.end()) turn.transfers.erase(t);
      holds_->OnTurnEnded(id);  // which may be of another host
    }
  }
  if (!stale && another) return TurnToSource(id, ordinal, source, failure);
  if (!stale) {
    writer_->Run(
        [id, ordinal, source, failure](Step& step) {
          BITS_ASSIGN_OR_RETURN(const Job job, step.txn().GetJob(id));
          if (job.attempt_count != source.attempt) return absl::OkStatus();
          return ApplyOfSource(step, id, ordinal, source, failure.final_name,
                               domain::Fail{failure, source.number});
        },
        [this, id](const absl::Status& status) {
          if (!status.ok()) return Lose(id);
          StopFiles(id);
        });
  }
  OnEnded(id, ordinal);
}

void TransferRunner::OnEnded(const JobId& id, uint32_t ordinal) {
  const Section section(*this);
  auto it = turns_.find(id);
  if (it == turns_.end()) return;
  Turn& turn = it->second;
  auto t = turn.transfers.find(ordinal);
  if (t != turn.transfers.end()) {
    const bool restart = t->second.restart && !turn.ending;
    turn.transfers.erase(t);
    if (restart) {
      holds_->OnTurnEnded(id);  // its next name may be of another host
      Reload(id, ordinal, turn);
    }
  }
  Pump(id, turn);
  EndIfOver(id);
}

}  // namespace bits::app

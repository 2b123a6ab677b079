#include "server/app/transfer_runner.h"

#include <algorithm>
#include <utility>

#include "server/base/log.h"
#include "server/base/status_macros.h"
#include "server/domain/error_code.h"

namespace bits::app {

using domain::File;
using domain::Job;
using domain::JobId;

namespace {

constexpr uint32_t kFilesPerLoad = 64;
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
    runner_->holds_->OnFailed(id_, source_.host, source_.path, failure);
    runner_->OnFailed(id_, ordinal_, source_, failure);
  }
  void OnStopped() override { runner_->OnEnded(id_, ordinal_); }

 private:
  TransferRunner* const runner_;
  const JobId id_;
  const uint32_t ordinal_;
  const Source source_;
};

class BITS_SCOPED_CAPABILITY TransferRunner::Section {
 public:
  explicit Section(TransferRunner& runner) BITS_ACQUIRE(runner.mutex_) : runner_(runner) {
    runner_.mutex_.Lock();
  }
  ~Section() BITS_RELEASE() {
    std::vector<std::function<void()>> deferred = std::exchange(runner_.deferred_, {});
    runner_.mutex_.Unlock();
    for (const std::function<void()>& f : deferred) f();
  }
  Section(const Section&) = delete;
  Section& operator=(const Section&) = delete;

 private:
  TransferRunner& runner_;
};

void TransferRunner::StartFiles(const Job& job) {
  const Section section(*this);
  auto [it, fresh] = turns_.try_emplace(job.id);
  Turn& turn = it->second;
  if (!fresh && turn.ending) {
    turn.next = job;
    return;
  }
  if (!fresh) {
    engine_->SetJobRate(job.id, job.priority, job.options.max_bytes_per_second);
  }
  turn.job = job;
  turn.exhausted = false;
  Pump(job.id, turn);
}

void TransferRunner::RestartFile(const JobId& id, uint32_t ordinal) {
  const Section section(*this);
  auto it = turns_.find(id);
  if (it == turns_.end() || it->second.ending) return;
  Turn& turn = it->second;
  if (auto t = turn.transfers.find(ordinal); t != turn.transfers.end()) {
    t->second.restart = true;
    engine_->Stop(t->second.id);
    return;
  }
  const auto waiting = std::find_if(turn.ready.begin(), turn.ready.end(),
                                    [&](const File& f) { return f.ordinal == ordinal; });
  if (waiting != turn.ready.end()) {
    turn.ready.erase(waiting);
    Reload(id, ordinal, turn);
  }
}

void TransferRunner::StopFiles(const JobId& id) {
  const Section section(*this);
  auto it = turns_.find(id);
  if (it == turns_.end()) return;
  it->second.next.reset();
  StopAll(it->second);
  EndIfOver(id);
}

void TransferRunner::StopAll(Turn& turn) {
  turn.ending = true;
  turn.ready.clear();
  for (auto& [ordinal, transfer] : turn.transfers) engine_->Stop(transfer.id);
}

void TransferRunner::WhenIdle(const JobId& id, std::function<void()> then) {
  {
    MutexLock lock(mutex_);
    if (auto it = turns_.find(id); it != turns_.end()) {
      it->second.waiters.push_back(std::move(then));
      return;
    }
  }
  then();
}

bool TransferRunner::IsBusy(const JobId& id) const {
  MutexLock lock(mutex_);
  return turns_.contains(id);
}

void TransferRunner::AddLiveProgress(Job& job) const {
  MutexLock lock(mutex_);
  auto it = turns_.find(job.id);
  if (it == turns_.end()) return;
  // Of one moment with what is recorded of each file, which the caller's may not be.
  job.progress = it->second.job.progress;
  for (const auto& [ordinal, t] : it->second.transfers) {
    if (t.arrived > t.recorded) job.progress.bytes_transferred += t.arrived - t.recorded;
    if (!t.sized && t.total.has_value() && job.progress.files_unsized > 0) {
      --job.progress.files_unsized;
      job.progress.bytes_total += *t.total;
    }
  }
}

void TransferRunner::AddLiveProgress(const JobId& id, File& file) const {
  MutexLock lock(mutex_);
  auto it = turns_.find(id);
  if (it == turns_.end()) return;
  auto t = it->second.transfers.find(file.ordinal);
  if (t == it->second.transfers.end()) return;
  file.bytes_transferred = std::max(file.bytes_transferred, t->second.arrived);
  if (!file.bytes_total.has_value()) file.bytes_total = t->second.total;
}

void TransferRunner::Pump(const JobId& id, Turn& turn) {
  while (!turn.ending && turn.transfers.size() < domain::ParallelFiles(turn.job) &&
         !turn.ready.empty()) {
    File file = std::move(turn.ready.front());
    turn.ready.pop_front();
    if (std::optional<domain::Requeue> why_not = holds_->WhyNot(turn.job, file)) {
      return GiveWay(id, turn, *std::move(why_not));
    }
    Begin(id, turn, std::move(file));
  }
  if (!turn.ending && turn.ready.empty() && !turn.exhausted && turn.loads == 0) Load(id, turn);
}

void TransferRunner::GiveWay(const JobId& id, Turn& turn, domain::Requeue requeue) {
  StopAll(turn);
  deferred_.emplace_back([this, id, requeue = std::move(requeue)] {
    writer_->Apply(id, 0, requeue, nullptr, [this, id](const absl::StatusOr<Job>& job) {
      if (!job.ok() && !absl::IsNotFound(job.status())) return Lose(id);
      StopFiles(id);
    });
  });
}

void TransferRunner::Begin(const JobId& id, Turn& turn, File file) {
  const uint32_t ordinal = file.ordinal;
  Transfer& transfer = turn.transfers[ordinal];
  transfer.recorded = transfer.arrived = file.bytes_transferred;
  transfer.sized = file.bytes_total.has_value();
  TransferSpec spec;
  spec.job = id;
  spec.attempt = turn.job.attempt_count;
  spec.file = std::move(file);
  spec.require_ranges = turn.job.options.require_ranges;
  spec.dynamic_content = turn.job.options.dynamic_content;
  if (const uint64_t most = turn.job.options.max_download_size; most != 0) {
    // What is left of it by what is known now. Files under way at once may come to more together:
    // that is found out as they are recorded.
    const uint64_t all = turn.job.progress.bytes_transferred + turn.unrecorded;
    const uint64_t others = all - std::min(all, spec.file.bytes_transferred);
    spec.max_size = most - std::min(most, others);
  }
  spec.request = turn.request;
  spec.priority = turn.job.priority;
  spec.max_bytes_per_second = turn.job.options.max_bytes_per_second;
  auto observer = std::make_shared<Observer>(
      this, id, ordinal,
      Source{turn.job.attempt_count, spec.file.remote_name,
             domain::HostFor(turn.job, spec.file.remote_name), spec.file.path});
  transfer.id = engine_->Start(std::move(spec), std::move(observer));
}

void TransferRunner::Load(const JobId& id, Turn& turn) {
  ++turn.loads;
  auto loaded = std::make_shared<Loaded>();
  const bool first = turn.request == nullptr;
  deferred_.emplace_back([this, id, loaded, first, after = turn.cursor] {
    writer_->Run(
        [this, id, loaded, first, after](Step& step) {
          BITS_ASSIGN_OR_RETURN(loaded->files,
                                step.txn().ListUntransferredFiles(id, after, kFilesPerLoad));
          if (!first) return absl::OkStatus();
          // As the job is now, not as it was when its turn came.
          BITS_ASSIGN_OR_RETURN(const Job job, step.txn().GetJob(id));
          RequestOptions request{job.http, job.proxy, {}};
          if (domain::HasSecrets(job)) {
            BITS_ASSIGN_OR_RETURN(request.secrets, vault_->Load(step.txn(), id));
          }
          loaded->missing = MissingSecrets(job, request.secrets);
          loaded->request = std::make_shared<const RequestOptions>(std::move(request));
          return absl::OkStatus();
        },
        [this, id, loaded](const absl::Status& status) {
          const bool last = loaded->files.size() < kFilesPerLoad;
          OnLoaded(id, status, std::move(*loaded), false, last);
        });
  });
}

void TransferRunner::Reload(const JobId& id, uint32_t ordinal, Turn& turn) {
  ++turn.loads;
  auto loaded = std::make_shared<Loaded>();
  deferred_.emplace_back([this, id, loaded, ordinal] {
    writer_->Run(
        [id, loaded, ordinal](Step& step) {
          loaded->files.clear();
          BITS_ASSIGN_OR_RETURN(File file, step.txn().GetFile(id, ordinal));
          if (!file.transferred) loaded->files.push_back(std::move(file));
          return absl::OkStatus();
        },
        [this, id, loaded](const absl::Status& status) {
          OnLoaded(id, status, std::move(*loaded), true, false);
        });
  });
}

void TransferRunner::FailTurn(const JobId& id, Turn& turn, domain::Failure failure) {
  turn.ending = true;  // nothing more is started; what runs stops by the commit
  deferred_.emplace_back([this, id, attempt = turn.job.attempt_count,
                          failure = std::move(failure)] {
    writer_->Run(
        [id, attempt, failure](Step& step) {
          BITS_ASSIGN_OR_RETURN(Job job, step.txn().GetJob(id));
          if (job.attempt_count != attempt) return absl::OkStatus();
          return step.Apply(job, nullptr, domain::Fail{failure}).status();
        },
        [this, id](const absl::Status& status) {
          if (!status.ok()) return Lose(id);
          StopFiles(id);
        });
  });
}

void TransferRunner::OnLoaded(const JobId& id, const absl::Status& status, Loaded loaded,
                              bool single, bool last) {
  const Section section(*this);
  auto it = turns_.find(id);
  if (it == turns_.end()) return;
  Turn& turn = it->second;
  --turn.loads;
  if (!status.ok()) {
    lost_.insert(id);
    StopAll(turn);
  } else if (!loaded.missing.empty() && !turn.ending) {
    domain::Failure failure;
    failure.hresult = domain::kInvalidCredentials;
    failure.context = domain::ErrorContext::kGeneralQueueManager;
    failure.detail =
        "bitsd has no key (any more) that opens them, so they are to be set again: " +
        loaded.missing;
    FailTurn(id, turn, std::move(failure));
  } else if (!turn.ending) {
    if (loaded.request != nullptr) turn.request = std::move(loaded.request);
    std::vector<File>& files = loaded.files;
    if (single) {
      turn.ready.insert(turn.ready.begin(), files.begin(), files.end());
    } else {
      if (!files.empty()) turn.cursor = files.back().ordinal;
      turn.exhausted = last;
      for (File& file : files) turn.ready.push_back(std::move(file));
    }
    Pump(id, turn);
  }
  EndIfOver(id);
}

void TransferRunner::EndIfOver(const JobId& id) {
  auto it = turns_.find(id);
  if (it == turns_.end()) return;
  Turn& turn = it->second;
  const bool finished = turn.ending || (turn.exhausted && turn.ready.empty());
  if (!finished || !turn.transfers.empty() || turn.loads > 0) return;
  for (std::function<void()>& waiter : turn.waiters) deferred_.push_back(std::move(waiter));
  std::optional<Job> next = std::move(turn.next);
  turns_.erase(it);
  // It may have become a probe after its end was decided.
  if (!next.has_value()) holds_->OnTurnEnded(id);
  if (turns_.empty()) idle_.SignalAll();
  if (next.has_value()) {
    Turn& again = turns_[id];
    again.job = *std::move(next);
    Pump(id, again);
  }
  if (on_idle_) deferred_.push_back(on_idle_);
}

void TransferRunner::Lose(const JobId& id) {
  {
    MutexLock lock(mutex_);
    lost_.insert(id);
  }
  StopFiles(id);
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
  {
    MutexLock lock(mutex_);
    auto it = turns_.find(id);
    if (it == turns_.end()) return;
    Turn& turn = it->second;
    auto t = turn.transfers.find(ordinal);
    // Its remote name was mended meanwhile, or the turn is over anyway.
    stale = turn.ending || (t != turn.transfers.end() && t->second.restart);
    if (!stale) turn.ending = true;  // nothing more is started; the others stop by the commit
  }
  if (!stale) {
    writer_->Run(
        [id, ordinal, source, failure](Step& step) {
          BITS_ASSIGN_OR_RETURN(const Job job, step.txn().GetJob(id));
          if (job.attempt_count != source.attempt) return absl::OkStatus();
          return ApplyOfSource(step, id, ordinal, source, failure.final_name,
                               domain::Fail{failure});
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

void TransferRunner::RecoverFromOutage() {
  std::unordered_set<JobId> lost;
  {
    MutexLock lock(mutex_);
    lost.swap(lost_);
  }
  for (const JobId& id : lost) {
    writer_->Apply(id, 0, domain::Requeue{}, nullptr, [this, id](const absl::StatusOr<Job>& job) {
      if (!job.ok() && !absl::IsNotFound(job.status())) Lose(id);
    });
  }
}

void TransferRunner::RequeueAll() {
  std::vector<JobId> ids;
  {
    MutexLock lock(mutex_);
    for (const auto& [id, turn] : turns_) ids.push_back(id);
  }
  for (const JobId& id : ids) {
    writer_->Apply(id, 0, domain::Requeue{}, nullptr, [this, id](const absl::StatusOr<Job>& job) {
      StopFiles(id);  // also of a job that was not queued, such as one being completed
      if (!job.ok()) {
        BITS_LOG(kWarning, "could not queue a job anew; the next start will",
                 {{"job", id}, {"status", job.status()}});
      }
    });
  }
}

bool TransferRunner::WaitIdle(std::chrono::steady_clock::time_point deadline) {
  MutexLock lock(mutex_);
  return idle_.WaitUntil(mutex_, deadline, [this] {
    mutex_.AssertHeld();
    return turns_.empty();
  });
}

}  // namespace bits::app

#include "server/app/transfer_runner.h"

#include <algorithm>
#include <utility>

#include "server/app/transfer_section.h"
#include "server/base/log.h"
#include "server/domain/error_code.h"

namespace bits::app {

using domain::File;
using domain::Job;
using domain::JobId;

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
  // One that was passed over as its host is held is not recorded before something has come.
  if (!t->second.restart && !file.mirrors.names.empty()) file.mirrors.source = t->second.source;
}

void TransferRunner::Pump(const JobId& id, Turn& turn) {
  while (!turn.ending && turn.transfers.size() < domain::ParallelFiles(turn.job) &&
         !turn.ready.empty()) {
    File file = std::move(turn.ready.front());
    turn.ready.pop_front();
    if (std::optional<HoldBoard::Obstacle> obstacle = holds_->WhyNot(turn.job, file)) {
      // Of a file whose other sources have just failed the round ends with this one.
      if (obstacle->host && file.mirrors.failed != 0) {
        PassOver(id, turn, file);
        continue;
      }
      return GiveWay(id, turn, std::move(obstacle->requeue));
    }
    Begin(id, turn, std::move(file));
  }
  if (!turn.ending && turn.ready.empty() && !turn.exhausted && turn.loads == 0) Load(id, turn);
}

TransferRunner::Source TransferRunner::SourceOf(const Turn& turn, const File& file) {
  const std::string& name = domain::SourceName(file);
  return {turn.job.attempt_count,         file.remote_name, file.mirrors.source,
          !file.mirrors.names.empty(), domain::HostFor(turn.job, name), file.path};
}

void TransferRunner::PassOver(const JobId& id, Turn& turn, const File& file) {
  domain::Failure failure;
  failure.hresult = domain::kCannotConnect;
  failure.context = domain::ErrorContext::kRemoteFile;
  failure.detail = "its host is held, as it could not be reached; nobody was asked";
  ++turn.loads;
  deferred_.emplace_back([this, id, ordinal = file.ordinal, source = SourceOf(turn, file),
                          failure = std::move(failure)] {
    TurnToSource(id, ordinal, source, failure);
  });
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
  transfer.source = file.mirrors.source;
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
  auto observer = Observe(id, ordinal, SourceOf(turn, spec.file));
  transfer.id = engine_->Start(std::move(spec), std::move(observer));
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

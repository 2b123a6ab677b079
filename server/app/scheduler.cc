#include "server/app/scheduler.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <tuple>
#include <utility>

#include "server/base/executor.h"
#include "server/base/log.h"
#include "server/base/status_macros.h"

namespace bits::app {

using domain::ActiveTurn;
using domain::JobId;
using domain::Priority;
using domain::WaitingJob;

namespace {

constexpr uint32_t kGrantsAtOnce = 256;  // of an owner, granted at one look
constexpr uint32_t kOwnersAtOnce = 16;
constexpr auto kPauseAfterFailure = std::chrono::seconds(1);
constexpr absl::Duration kLongestSleep = absl::Hours(1);

// One whose files are being published is not transferred any more.
bool HasTurn(const domain::Job& job) {
  return domain::IsActive(job.state) && job.pending == domain::Pending::kNone;
}

}  // namespace

void Scheduler::Start() {
  thread_ = std::thread([this] { Loop(); });
}

void Scheduler::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    wake_.SignalAll();
  }
  if (thread_.joinable()) thread_.join();
}

void Scheduler::Poke() {
  MutexLock lock(mutex_);
  poked_ = true;
  wake_.Signal();
}

void Scheduler::SetPolicy(domain::TurnPolicy policy) {
  MutexLock lock(mutex_);
  policy_ = policy;
  poked_ = true;
  wake_.Signal();
}

void Scheduler::Fail() {
  MutexLock lock(mutex_);
  failed_ = true;
  wake_.Signal();
}

absl::Time Scheduler::next_look() const {
  MutexLock lock(mutex_);
  return next_look_;
}

void Scheduler::OnCommitted(const domain::Job& job) {
  if (!HasTurn(job)) holds_->OnTurnEnded(job.id);
  MutexLock lock(mutex_);
  if (HasTurn(job)) {
    active_[job.id] = {job.id, job.owner, job.priority, job.active_since.value_or(job.update_time)};
  } else if (active_.erase(job.id) != 0) {
    leaving_.insert(job.id);
  }
}

void Scheduler::Loop() {
  SetThreadName("scheduler");
  while (true) {
    {
      MutexLock lock(mutex_);
      if (failed_) {
        wake_.WaitFor(mutex_, kPauseAfterFailure, [this] {
          mutex_.AssertHeld();
          return stopping_;
        });
        failed_ = false;
        poked_ = true;
      }
      while (!poked_ && !stopping_ && !failed_) {
        const absl::Time now = writer_->Now();
        if (next_look_ <= now) break;
        const absl::Duration wait = std::min(next_look_ - now, kLongestSleep);
        wake_.WaitFor(mutex_, absl::ToChronoMicroseconds(wait) + std::chrono::milliseconds(1));
      }
      if (stopping_) return;
      poked_ = false;
    }
    while (RunOnce()) {
      MutexLock lock(mutex_);
      if (stopping_) return;
    }
  }
}

bool Scheduler::TakeView(View& view) {
  std::vector<JobId> leaving;
  {
    MutexLock lock(mutex_);
    if (stopping_ || failed_) return false;
    leaving.assign(leaving_.begin(), leaving_.end());
  }
  std::erase_if(leaving, [this](const JobId& id) { return runner_->IsBusy(id); });
  MutexLock lock(mutex_);
  for (const JobId& id : leaving) leaving_.erase(id);
  view.policy = policy_;
  const auto add = [&view](const ActiveTurn& turn) {
    if (turn.priority != Priority::kForeground) view.active.push_back(turn);
  };
  for (const auto& [id, turn] : active_) {
    if (!ending_.contains(id)) add(turn);
  }
  for (const auto& [id, turn] : starting_) {
    if (!active_.contains(id)) add(turn);
  }
  return true;
}

bool Scheduler::IsBusy(const JobId& id) const {
  MutexLock lock(mutex_);
  return active_.contains(id) || starting_.contains(id) || leaving_.contains(id);
}

absl::Status Scheduler::AddWaiting(View& view, Priority priority,
                                   std::vector<WaitingJob>& waiting) {
  QueueQuery query;
  query.priority = priority;
  query.owners = kOwnersAtOnce;
  query.per_owner = kGrantsAtOnce;
  if (priority != Priority::kForeground) {
    std::unordered_set<std::string> owners;
    bool some_to_give_way = false;
    for (const ActiveTurn& turn : view.active) {
      some_to_give_way = some_to_give_way || turn.priority >= priority;
      if (turn.priority == priority) owners.insert(turn.owner);
    }
    const size_t slots = view.policy.background_slots;
    const size_t free = slots - std::min(slots, view.active.size());
    if (free == 0 && !some_to_give_way) return absl::OkStatus();
    // Past those that have a slot: so one that has none is found, if there is any.
    query.owners += static_cast<uint32_t>(owners.size());
    query.per_owner = static_cast<uint32_t>(std::clamp<size_t>(free, 1, kGrantsAtOnce));
  }
  query.held = [&](const std::string& host, const std::string& destination) {
    return view.holds.PassesOverAll(host, destination);
  };
  {
    MutexLock lock(mutex_);
    query.after_owner = last_owner_.at(static_cast<size_t>(priority));
  }
  BITS_ASSIGN_OR_RETURN(
      std::vector<WaitingJob> found,
      store_->ListQueued(query, [&](const WaitingJob& job) {
        return IsBusy(job.id) || view.holds.PassesOver(job);
      }));
  waiting.insert(waiting.end(), std::make_move_iterator(found.begin()),
                 std::make_move_iterator(found.end()));
  return absl::OkStatus();
}

bool Scheduler::RunOnce() {
  QueueThoseWhoseHostIsBack();
  View view{{}, {}, HoldBoard::Look(*holds_)};
  if (!TakeView(view)) return false;
  std::vector<WaitingJob> waiting;
  for (const Priority priority :
       {Priority::kForeground, Priority::kHigh, Priority::kNormal, Priority::kLow}) {
    if (view.policy.stopped.at(static_cast<size_t>(priority))) continue;
    const absl::Status status = AddWaiting(view, priority, waiting);
    if (!status.ok()) {
      BITS_LOG(kWarning, "cannot read the queue", {{"status", status}});
      Fail();
      return false;
    }
  }
  const domain::TurnPlan plan =
      domain::PlanTurns(view.active, waiting, view.policy, writer_->Now());
  for (const domain::TurnPlan::PutBack& job : plan.put_back) PutBack(job);
  for (const WaitingJob& job : plan.start) Grant(job);
  const absl::Time next_probe = view.holds.NextProbe();
  MutexLock lock(mutex_);
  next_look_ = std::min(plan.look_again, next_probe);
  return !plan.start.empty() && !stopping_ && !failed_;
}

void Scheduler::QueueThoseWhoseHostIsBack() {
  std::string host;
  JobId after;
  {
    MutexLock lock(mutex_);
    for (std::string& back : holds_->TakeBack()) back_.emplace_back(std::move(back), JobId());
    // Those before are first to be committed.
    if (back_.empty() || returning_ || stopping_ || failed_) return;
    std::tie(host, after) = back_.front();
  }
  const absl::StatusOr<std::vector<JobId>> failed =
      store_->ListHostFailed(host, after, kGrantsAtOnce);
  if (!failed.ok()) {
    return Fail();
  }
  {
    MutexLock lock(mutex_);
    if (failed->size() < kGrantsAtOnce) {
      back_.pop_front();
    } else {
      back_.front().second = failed->back();
    }
    returning_ = !failed->empty();
    if (failed->empty()) poked_ = poked_ || !back_.empty();
    if (!returning_) return;
  }
  writer_->Run(
      [ids = *failed](Step& step) -> absl::Status {
        for (const JobId& id : ids) {
          absl::StatusOr<domain::Job> job = step.txn().GetJob(id);
          if (absl::IsNotFound(job.status())) continue;
          BITS_RETURN_IF_ERROR(job.status());
          BITS_RETURN_IF_ERROR(step.Apply(*job, nullptr, domain::RetryDue{}).status());
        }
        return absl::OkStatus();
      },
      [this](const absl::Status& status) {
        MutexLock lock(mutex_);
        returning_ = false;
        if (!status.ok()) failed_ = true;
        poked_ = true;
        wake_.Signal();
      });
}

void Scheduler::PutBack(const domain::TurnPlan::PutBack& job) {
  {
    MutexLock lock(mutex_);
    if (stopping_) return;
    ending_.insert(job.id);
  }
  domain::Requeue requeue;
  requeue.slice_over = job.slice_over;
  writer_->Apply(job.id, 0, requeue, nullptr,
                 [this, id = job.id](const absl::StatusOr<domain::Job>& after) {
                   MutexLock lock(mutex_);
                   ending_.erase(id);
                   if (!after.ok() && !absl::IsNotFound(after.status())) failed_ = true;
                   poked_ = true;
                   wake_.Signal();
                 });
}

void Scheduler::Grant(const WaitingJob& job) {
  {
    MutexLock lock(mutex_);
    if (stopping_) return;
    starting_.emplace(job.id, ActiveTurn{job.id, job.owner, job.priority, writer_->Now()});
    last_owner_.at(static_cast<size_t>(job.priority)) = job.owner;
  }
  const domain::Start start{.probe = holds_->OnStart(job)};
  writer_->Apply(job.id, 0, start, nullptr,
                 [this, id = job.id](const absl::StatusOr<domain::Job>& after) {
                   // It may have been suspended or deferred before its turn came.
                   if (!after.ok() || !HasTurn(*after)) holds_->OnTurnEnded(id);
                   MutexLock lock(mutex_);
                   starting_.erase(id);
                   if (!after.ok() && !absl::IsNotFound(after.status())) failed_ = true;
                   // A job with nothing left to fetch took no slot; one that failed gave it back.
                   if (!after.ok() || !domain::IsActive(after->state)) poked_ = true;
                   if (poked_ || failed_) wake_.Signal();
                 });
}

}  // namespace bits::app

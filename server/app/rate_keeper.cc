#include "server/app/rate_keeper.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include "server/base/executor.h"
#include "server/base/log.h"
#include "server/base/status_macros.h"
#include "server/domain/bandwidth.h"
#include "server/domain/decide.h"
#include "server/domain/error_code.h"

namespace bits::app {

using domain::Job;
using domain::JobId;
using domain::Priority;

namespace {

constexpr absl::Duration kLookAgainAfterFailure = absl::Seconds(1);
constexpr absl::Duration kLongestNap = absl::Hours(1);
constexpr uint32_t kJobsPerPage = 1000;

}  // namespace

void RateKeeper::Start() {
  thread_ = std::thread([this] { Loop(); });
}

void RateKeeper::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    wake_.SignalAll();
  }
  if (thread_.joinable()) thread_.join();
}

void RateKeeper::Poke() {
  poked_ = true;
  wake_.Signal();
}

absl::Status RateKeeper::Recover() {
  JobQuery query;
  query.limit = kJobsPerPage;
  query.filter.kind = domain::JobFilter::Kind::kComparison;
  query.filter.comparison.field = domain::FilterField::kState;
  query.filter.comparison.op = domain::FilterOp::kEqual;
  query.filter.comparison.value = static_cast<int64_t>(domain::JobState::kTransientError);
  while (true) {
    BITS_ASSIGN_OR_RETURN(const JobPage page, store_->ListJobs(query));
    for (const Job& job : page.jobs) OnCommitted(job);
    if (page.end) return absl::OkStatus();
    query.after = page.last;
  }
}

void RateKeeper::OnPolicyChanged() {
  MutexLock lock(mutex_);
  Poke();
}

void RateKeeper::OnCommitted(const Job& job) {
  const domain::RateLimits& limits = policies_->current()->rates.limits;
  const bool stop = domain::StopsJobs(limits, job.priority);
  // One that is being published does not go on, whatever the limits.
  const bool blocked = domain::IsBlockedByPolicy(job) && job.pending == domain::Pending::kNone;
  const bool active = domain::IsActive(job.state) && job.pending == domain::Pending::kNone &&
                      job.priority != Priority::kForeground;
  MutexLock lock(mutex_);
  if (active) {
    active_[job.id] = job.priority;
  } else {
    active_.erase(job.id);
  }
  if (blocked) {
    blocked_[job.id] = job.priority;
  } else {
    blocked_.erase(job.id);
  }
  if ((active && stop) || (blocked && !stop)) Poke();
}

void RateKeeper::Loop() {
  SetThreadName("rates");
  absl::Time next = absl::InfinitePast();
  while (true) {
    {
      MutexLock lock(mutex_);
      while (!stopping_ && !poked_ && clock_->Now() < std::min(next, retry_)) {
        const absl::Duration wait = std::min(std::min(next, retry_) - clock_->Now(), kLongestNap);
        wake_.WaitFor(mutex_, absl::ToChronoMicroseconds(wait) + std::chrono::milliseconds(1));
      }
      if (stopping_) return;
    }
    next = RunOnce();
  }
}

absl::Time RateKeeper::RunOnce() {
  {
    MutexLock lock(mutex_);
    poked_ = false;
    retry_ = absl::InfiniteFuture();
  }
  policies_->Refresh();
  const PolicyManager::Snapshot policy = policies_->current();
  engine_->SetRateLimits(policy->rates.limits);
  listener_(*policy);
  std::vector<std::pair<JobId, bool>> changes;
  {
    MutexLock lock(mutex_);
    for (const bool stop : {true, false}) {
      for (const auto& [id, priority] : stop ? active_ : blocked_) {
        if (domain::StopsJobs(policy->rates.limits, priority) != stop) continue;
        if (changing_.insert(id).second) changes.emplace_back(id, stop);
      }
    }
  }
  for (const auto& [id, stop] : changes) Change(id, stop);
  return policy->rates.until;
}

void RateKeeper::Change(const JobId& id, bool stop) {
  writer_->Run(
      [id, stop](Step& step) -> absl::Status {
        BITS_ASSIGN_OR_RETURN(Job job, step.txn().GetJob(id));
        const domain::RatesInForce& rates = step.policy().rates;
        if (domain::StopsJobs(rates.limits, job.priority) != stop) return absl::OkStatus();
        if (!stop) {
          if (!domain::IsBlockedByPolicy(job)) return absl::OkStatus();
          return step.Apply(job, nullptr, domain::RetryDue{}).status();
        }
        domain::Failure failure;
        failure.hresult = domain::kBlockedByPolicy;
        failure.context = domain::ErrorContext::kGeneralQueueManager;
        if (rates.until != absl::InfiniteFuture()) failure.retry_after = rates.until - step.now();
        return step.Apply(job, nullptr, domain::Fail{failure}).status();
      },
      [this, id](const absl::Status& status) {
        MutexLock lock(mutex_);
        changing_.erase(id);
        if (status.ok() || absl::IsNotFound(status)) return Poke();  // it may have changed again
        BITS_LOG(kWarning, "cannot hold a job to the bandwidth policy",
                 {{"job", id}, {"status", status}});
        retry_ = clock_->Now() + kLookAgainAfterFailure;
        wake_.Signal();
      });
}

}  // namespace bits::app

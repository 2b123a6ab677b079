#include "server/app/hold_board.h"

#include <algorithm>
#include <utility>

#include "server/base/log.h"

namespace bits::app {

void HoldBoard::SetPolicy(domain::HoldPolicy policy) {
  MutexLock lock(mutex_);
  policy_ = policy;
}

void HoldBoard::Note() { idle_ = hosts_.empty() && destinations_.empty(); }

void HoldBoard::OnBytesArrived(const std::string& host) {
  if (!idle_) OnHostAnswer(host, nullptr);
}

void HoldBoard::OnHostAnswer(const std::string& host, const domain::JobId* job) {
  {
    MutexLock lock(mutex_);
    const bool ended = job == nullptr ? hosts_.OnAnswer(host) : hosts_.OnAnswerTo(host, *job);
    if (!ended) return;
    if (std::find(back_.begin(), back_.end(), host) == back_.end()) back_.push_back(host);
    Note();
  }
  BITS_LOG(kInfo, "a host is back", {{"host", host}});
  listener_();
}

void HoldBoard::OnWritten(const std::string& path) {
  if (idle_) return;
  const std::string root = files_->RootOf(path);
  {
    MutexLock lock(mutex_);
    if (!destinations_.OnAnswer(root)) return;
    Note();
  }
  BITS_LOG(kInfo, "a destination can be written again", {{"root", root}});
  listener_();
}

void HoldBoard::OnFailed(const domain::JobId& job, const std::string& host,
                         const std::string& path, const domain::Failure& failure) {
  const absl::Time now = clock_->Now();
  if (domain::IsHostFailure(failure)) {
    {
      MutexLock lock(mutex_);
      if (!hosts_.OnFailure(host, job, now, policy_)) return;
      Note();
    }
    BITS_LOG(kWarning, "a host cannot be reached: its jobs wait, but for a probe from time to time",
             {{"host", host}});
  } else if (domain::IsDestinationFailure(failure)) {
    const std::string root = files_->RootOf(path);
    {
      MutexLock lock(mutex_);
      if (!destinations_.OnFailure(root, job, now, policy_)) return;
      Note();
    }
    BITS_LOG(kWarning,
             "a destination is full or read-only: its jobs wait, but for a probe from time to time",
             {{"root", root}});
  } else if (!idle_ && domain::IsHostAnswer(failure)) {
    OnHostAnswer(host, &job);
  }
}

bool HoldBoard::Look::PassesOver(const domain::WaitingJob& job) {
  if (board_.idle_) return false;
  MutexLock lock(board_.mutex_);
  const bool host_held = board_.hosts_.HeldUntil(job.host, now_).has_value();
  const bool root_held = board_.destinations_.HeldUntil(job.destination, now_).has_value();
  if (host_held && (!board_.hosts_.MayStart(job.host, now_) || offered_.contains(job.host))) {
    return true;
  }
  if (root_held && (!board_.destinations_.MayStart(job.destination, now_) ||
                    offered_.contains(job.destination))) {
    return true;
  }
  if (host_held) offered_.insert(job.host);
  if (root_held) offered_.insert(job.destination);  // begins with a slash, as no host does
  return false;
}

bool HoldBoard::Look::PassesOverAll(const std::string& host,
                                    const std::string& destination) const {
  if (board_.idle_) return false;
  MutexLock lock(board_.mutex_);
  return !board_.hosts_.MayStart(host, now_) || !board_.destinations_.MayStart(destination, now_);
}

absl::Time HoldBoard::Look::NextProbe() const {
  if (board_.idle_) return absl::InfiniteFuture();
  MutexLock lock(board_.mutex_);
  return std::min(board_.hosts_.NextProbe(now_), board_.destinations_.NextProbe(now_));
}

bool HoldBoard::OnStart(const domain::WaitingJob& job) {
  if (idle_) return false;
  MutexLock lock(mutex_);
  const bool of_host = hosts_.OnStart(job.host, job.id);
  const bool of_destination = destinations_.OnStart(job.destination, job.id);
  return of_host || of_destination;
}

void HoldBoard::OnTurnEnded(const domain::JobId& job) {
  if (idle_) return;
  const absl::Time now = clock_->Now();
  MutexLock lock(mutex_);
  hosts_.OnTurnEnded(job, now);
  destinations_.OnTurnEnded(job, now);
}

void HoldBoard::ProbeNow(const domain::Job& job) {
  if (idle_) return;
  {
    const absl::Time now = clock_->Now();
    MutexLock lock(mutex_);
    hosts_.ProbeNow(job.host, now);
    destinations_.ProbeNow(job.destination, now);
  }
  listener_();
}

std::optional<HoldBoard::Obstacle> HoldBoard::WhyNot(const domain::Job& job, domain::File& file) {
  if (idle_) return std::nullopt;
  domain::Requeue requeue;
  requeue.host = domain::HostFor(job, domain::SourceName(file));
  requeue.destination = files_->RootOf(file.path);
  const absl::Time now = clock_->Now();
  MutexLock lock(mutex_);
  // One that comes when a probe is due becomes it.
  const auto may = [&](domain::Holds& holds, const std::string& key) {
    if (holds.MayGoOn(key, job.id)) return true;
    return holds.MayStart(key, now) && holds.OnStart(key, job.id);
  };
  bool host_may = may(hosts_, requeue.host);
  domain::Mirrors tried = file.mirrors;
  while (!host_may) {
    const std::optional<uint32_t> next = domain::NextSource(tried, tried.source);
    if (!next) break;
    domain::TurnTo(tried, *next, tried.source, false);
    std::string host = domain::HostFor(job, domain::SourceName(file, *next));
    host_may = may(hosts_, host);
    if (!host_may) continue;
    file.mirrors.source = *next;
    requeue.host = std::move(host);
  }
  if (host_may && may(destinations_, requeue.destination)) return std::nullopt;
  return Obstacle{std::move(requeue), !host_may};
}

void HoldBoard::AddHeld(domain::Job& job) const {
  if (idle_ || job.state != domain::JobState::kQueued) return;
  const absl::Time now = clock_->Now();
  MutexLock lock(mutex_);
  if (const auto until = hosts_.HeldUntil(job.host, now)) {
    job.held = domain::Held{true, *until};
  } else if (const auto root_until = destinations_.HeldUntil(job.destination, now)) {
    job.held = domain::Held{false, *root_until};
  }
}

bool HoldBoard::IsHostHeld(const std::string& host) const {
  if (idle_) return false;
  MutexLock lock(mutex_);
  return hosts_.HeldUntil(host, absl::InfinitePast()).has_value();
}

std::vector<std::string> HoldBoard::TakeBack() {
  MutexLock lock(mutex_);
  return std::exchange(back_, {});
}

}  // namespace bits::app

#include "server/transfer/pacer.h"

#include <utility>

namespace bits::transfer {

void Pacer::SetLimits(const domain::RateLimits& limits) {
  limiter_.SetLimits(limits, loop_->now());
  Arm();
}

void Pacer::SetJob(const domain::JobId& job, domain::Priority priority, domain::Rate rate) {
  limiter_.SetJob(job, priority, rate, loop_->now());
  Arm();
}

void Pacer::Add(FlowId id, const RateLimiter::Flow& flow, std::function<void()> on_granted) {
  limiter_.Add(id, flow, loop_->now());
  on_granted_[id] = std::move(on_granted);
}

void Pacer::Remove(FlowId id) {
  limiter_.Remove(id);
  on_granted_.erase(id);
}

void Pacer::SetHost(FlowId id, const std::string& host) {
  limiter_.SetHost(id, host, loop_->now());
  Arm();
}

bool Pacer::Take(FlowId id, size_t bytes) {
  if (limiter_.Take(id, bytes, loop_->now())) return true;
  Arm();
  return false;
}

void Pacer::Arm() {
  const auto next = limiter_.next_grant();
  if (!next.has_value()) return;
  if (timer_ != 0) {
    if (due_ <= *next) return;
    loop_->CancelTimer(timer_);
  }
  due_ = *next;
  timer_ = loop_->After(due_ - EventLoop::Clock::now(), [this] {
    timer_ = 0;
    Grant();
  });
}

void Pacer::Grant() {
  for (const FlowId id : limiter_.Grant(loop_->now())) {
    // A copy: what it calls may remove flows.
    const auto it = on_granted_.find(id);
    if (it == on_granted_.end()) continue;
    const std::function<void()> on_granted = it->second;
    on_granted();
  }
  Arm();
}

}  // namespace bits::transfer

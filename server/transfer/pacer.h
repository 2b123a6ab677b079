// Holds transfers to the limits: the RateLimiter on the loop's clock.
#ifndef BITS_SERVER_TRANSFER_PACER_H_
#define BITS_SERVER_TRANSFER_PACER_H_

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>

#include "server/domain/bandwidth.h"
#include "server/transfer/event_loop.h"
#include "server/transfer/rate_limiter.h"

namespace bits::transfer {

// On the loop's thread, which outlives it.
class Pacer {
 public:
  using FlowId = RateLimiter::FlowId;

  explicit Pacer(EventLoop* loop) : loop_(loop) {}
  ~Pacer() { loop_->CancelTimer(timer_); }
  Pacer(const Pacer&) = delete;
  Pacer& operator=(const Pacer&) = delete;

  void SetLimits(const domain::RateLimits& limits);
  void SetJob(const domain::JobId& job, domain::Priority priority, domain::Rate rate);
  // `on_granted`: Take refused; it may be tried again. Never called from within a call of this.
  void Add(FlowId id, const RateLimiter::Flow& flow, std::function<void()> on_granted);
  void Remove(FlowId id);
  void SetHost(FlowId id, const std::string& host);

  // See RateLimiter. May be used within a callback of libcurl.
  bool Take(FlowId id, size_t bytes);
  void GiveBack(FlowId id, size_t bytes) { limiter_.GiveBack(id, bytes); }
  std::optional<domain::Rate> ShareOf(FlowId id) const { return limiter_.ShareOf(id); }

 private:
  void Arm();
  void Grant();

  EventLoop* const loop_;
  RateLimiter limiter_;
  std::unordered_map<FlowId, std::function<void()>> on_granted_;
  EventLoop::TimerId timer_ = 0;
  EventLoop::Clock::time_point due_;
};

}  // namespace bits::transfer

#endif  // BITS_SERVER_TRANSFER_PACER_H_

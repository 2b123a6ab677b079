// Whether new calls are taken, and how many are under way.
#ifndef BITS_SERVER_RPC_GATE_H_
#define BITS_SERVER_RPC_GATE_H_

#include <atomic>
#include <chrono>
#include <cstdint>

#include "absl/status/status.h"
#include "server/base/mutex.h"

namespace bits::rpc {

// Closed at first, then open, then draining for good. Thread-safe.
class Gate {
 public:
  // OK while open; else UNAVAILABLE (STARTING, DRAINING).
  absl::Status Admit() const;
  // Does nothing once draining.
  void Open();
  void Drain() { state_ = State::kDraining; }

  // Of every unary call: before Admit, and when gRPC is done with it.
  void Enter();
  void Leave();
  // Blocks until none is under way; false if one still is at the deadline.
  bool WaitUntilEmpty(std::chrono::steady_clock::time_point deadline);

 private:
  enum class State : uint8_t { kStarting, kOpen, kDraining };
  std::atomic<State> state_ = State::kStarting;
  Mutex mutex_;
  CondVar left_;
  int64_t calls_ BITS_GUARDED_BY(mutex_) = 0;
};

// UNAVAILABLE (DRAINING), with the time to come again.
absl::Status DrainingStatus();

}  // namespace bits::rpc

#endif  // BITS_SERVER_RPC_GATE_H_

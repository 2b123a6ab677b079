// Whether new calls are taken.
#ifndef BITS_SERVER_RPC_GATE_H_
#define BITS_SERVER_RPC_GATE_H_

#include <atomic>
#include <cstdint>

#include "absl/status/status.h"

namespace bits::rpc {

// Closed at first, then open, then draining for good. Thread-safe.
class Gate {
 public:
  // OK while open; else UNAVAILABLE (STARTING, DRAINING).
  absl::Status Admit() const;
  // Does nothing once draining.
  void Open();
  void Drain() { state_ = State::kDraining; }

 private:
  enum class State : uint8_t { kStarting, kOpen, kDraining };
  std::atomic<State> state_ = State::kStarting;
};

// UNAVAILABLE (DRAINING), with the time to come again.
absl::Status DrainingStatus();

}  // namespace bits::rpc

#endif  // BITS_SERVER_RPC_GATE_H_

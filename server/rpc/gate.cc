#include "server/rpc/gate.h"

#include "server/base/error_info.h"
#include "server/rpc/status_convert.h"

namespace bits::rpc {

absl::Status Gate::Admit() const {
  switch (state_.load()) {
    case State::kOpen:
      return absl::OkStatus();
    case State::kDraining:
      return DrainingStatus();
    case State::kStarting:
      break;
  }
  return MakeRefusal(absl::StatusCode::kUnavailable, "STARTING", "the server is starting");
}

void Gate::Open() {
  State starting = State::kStarting;
  state_.compare_exchange_strong(starting, State::kOpen);
}

void Gate::Enter() {
  MutexLock lock(mutex_);
  ++calls_;
}

void Gate::Leave() {
  MutexLock lock(mutex_);
  // Told under the lock: who waits for the last one may destroy the gate.
  if (--calls_ == 0) left_.SignalAll();
}

bool Gate::WaitUntilEmpty(std::chrono::steady_clock::time_point deadline) {
  MutexLock lock(mutex_);
  return left_.WaitUntil(mutex_, deadline, [this] {
    mutex_.AssertHeld();
    return calls_ == 0;
  });
}

absl::Status DrainingStatus() {
  return MakeRefusal(absl::StatusCode::kUnavailable, "DRAINING", "the server is stopping");
}

}  // namespace bits::rpc

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

absl::Status DrainingStatus() {
  return MakeRefusal(absl::StatusCode::kUnavailable, "DRAINING", "the server is stopping");
}

}  // namespace bits::rpc

#include "server/rpc/unary_call.h"

#include "absl/time/time.h"
#include "server/base/error_info.h"
#include "server/base/log.h"
#include "server/rpc/status_convert.h"

namespace bits::rpc {

std::shared_ptr<UnaryCall> UnaryCall::Make(Gate* gate) {
  std::shared_ptr<UnaryCall> call(new UnaryCall(gate));
  gate->Enter();
  MutexLock lock(call->mutex_);
  call->self_ = call;
  return call;
}

bool UnaryCall::open() const {
  MutexLock lock(mutex_);
  return !claimed_;
}

bool UnaryCall::Claim() {
  MutexLock lock(mutex_);
  if (claimed_) return false;
  claimed_ = true;
  if (timers_ != nullptr) timers_->Cancel(timer_);
  return true;
}

void UnaryCall::Answer(const absl::Status& status) {
  if (!Claim()) return;
  if (absl::IsInternal(status) || absl::IsUnknown(status) || absl::IsDataLoss(status)) {
    BITS_LOG(kError, "a call failed", {{"status", status}});
  }
  Finish(ToGrpcStatus(status));
}

void UnaryCall::SetDeadline(TimerQueue* timers, absl::Duration timeout) {
  const auto when = TimerQueue::Clock::now() + absl::ToChronoNanoseconds(timeout);
  // The timer shares in the call: cancelled with the answer, it lets go of it then.
  auto expire = [call = shared_from_this()] {
    call->Answer(MakeRefusal(absl::StatusCode::kDeadlineExceeded, "ERROR_TIMEOUT",
                             "the server did not get to it in time"));
  };
  MutexLock lock(mutex_);
  if (claimed_) return;
  timers_ = timers;
  timer_ = timers->Add(when, std::move(expire));
}

void UnaryCall::OnCancel() { Answer(absl::CancelledError("the caller is gone")); }

void UnaryCall::OnDone() {
  Gate* const gate = gate_;
  {
    std::shared_ptr<UnaryCall> last;  // If it is, the call dies with it, outside the lock.
    MutexLock lock(mutex_);
    last = std::move(self_);
  }
  gate->Leave();
}

}  // namespace bits::rpc

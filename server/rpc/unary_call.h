// What every unary method does alike: admission, who calls, answering exactly once.
#ifndef BITS_SERVER_RPC_UNARY_CALL_H_
#define BITS_SERVER_RPC_UNARY_CALL_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <functional>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/app/principal.h"
#include "server/base/executor.h"
#include "server/base/mutex.h"
#include "server/rpc/authenticator.h"
#include "server/rpc/gate.h"
#include "server/rpc/timer_queue.h"

namespace bits::rpc {

// What calls need of the server. All of it outlives every call, and the executors outlive
// every callback of the application too.
struct CallEnvironment {
  const Authenticator* authenticator = nullptr;
  Gate* gate = nullptr;
  Executor* reads = nullptr;    // what may block for I/O
  Executor* replies = nullptr;  // converts and sends outcomes of changes, off the store's thread
  TimerQueue* timers = nullptr;
  absl::Duration read_timeout = absl::Seconds(30);  // of a read whose caller set no deadline
};

// One call, from admission until gRPC is done with it and nobody holds it. Several threads may
// want to answer it (an executor, a timer, a cancellation): the first one does. Thread-safe.
class UnaryCall final : public grpc::ServerUnaryReactor,
                        public std::enable_shared_from_this<UnaryCall> {
 public:
  // gRPC's share in it ends with OnDone, and so does its being under way for the gate.
  static std::shared_ptr<UnaryCall> Make(Gate* gate);

  // False once it is answered or cancelled.
  bool open() const;

  // Answers with the status, OK only where the response is filled, unless it is answered.
  void Answer(const absl::Status& status);
  // Answers with what `fill` makes of the value. `fill` is called only if the call is still
  // open; it writes the response, which nobody else touches.
  template <typename T, typename Fill>
  void Answer(absl::StatusOr<T> outcome, const Fill& fill) {
    if (!outcome.ok()) return Answer(outcome.status());
    if (!Claim()) return;
    fill(*std::move(outcome));
    Finish(grpc::Status::OK);
  }

  // DEADLINE_EXCEEDED after `timeout`, unless it is answered before. Once at most.
  void SetDeadline(TimerQueue* timers, absl::Duration timeout);

  void OnCancel() override;
  void OnDone() override;

 private:
  explicit UnaryCall(Gate* gate) : gate_(gate) {}
  // True to the first who asks: it must call Finish.
  bool Claim();

  Gate* const gate_;
  mutable Mutex mutex_;
  bool claimed_ BITS_GUARDED_BY(mutex_) = false;
  TimerQueue* timers_ BITS_GUARDED_BY(mutex_) = nullptr;
  TimerQueue::TimerId timer_ BITS_GUARDED_BY(mutex_) = 0;
  std::shared_ptr<UnaryCall> self_ BITS_GUARDED_BY(mutex_);  // gRPC's share
};

using CallPtr = std::shared_ptr<UnaryCall>;

// Begins a call. `body`(principal, call) checks the request, which it may use only until it
// returns, and sets the work going; a status that is not OK is the answer.
template <typename Body>
grpc::ServerUnaryReactor* StartCall(const CallEnvironment& env,
                                    const grpc::CallbackServerContext& context, const Body& body) {
  const CallPtr call = UnaryCall::Make(env.gate);
  absl::Status status = env.gate->Admit();
  if (status.ok()) {
    absl::StatusOr<app::Principal> principal = env.authenticator->Authenticate(context);
    status = principal.ok() ? body(*principal, call) : principal.status();
  }
  if (!status.ok()) call->Answer(status);
  return call.get();
}

// Has `read`, which gives an absl::StatusOr, run where it may block; not at all if the call is
// over before. `fill`: see UnaryCall::Answer.
template <typename Read, typename Fill>
absl::Status PostRead(const CallEnvironment& env, const CallPtr& call, Read read, Fill fill) {
  call->SetDeadline(env.timers, env.read_timeout);
  return env.reads->TryPost([call, read = std::move(read), fill = std::move(fill)] {
    if (call->open()) call->Answer(read(), fill);
  });
}

// A callback for the application, which calls it where nothing may be slow: the answer is
// made on env.replies, or right there if that is full.
template <typename T, typename Fill>
std::function<void(absl::StatusOr<T>)> Reply(const CallEnvironment& env, const CallPtr& call,
                                             Fill fill) {
  return [replies = env.replies, call, fill = std::move(fill)](absl::StatusOr<T> outcome) {
    auto answer = [call, fill, kept = std::make_shared<absl::StatusOr<T>>(std::move(outcome))] {
      call->Answer(std::move(*kept), fill);
    };
    if (!replies->TryPost(answer).ok()) answer();
  };
}

}  // namespace bits::rpc

#endif  // BITS_SERVER_RPC_UNARY_CALL_H_

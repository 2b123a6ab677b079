// Tells ThreadSanitizer what it cannot see in Debian's abseil and gRPC, which were compiled
// without it: that a mutex, a condition variable or a queue of theirs orders what two threads
// do. Every executable of the TSan build exports these functions; they stand before those of
// the same symbol in the shared libraries, also when one library calls the other, and call
// them. Each edge is as narrow as the thing it is of, one mutex, one queue, one tag, but for
// the last two.
//
// A library that was built otherwise has other symbols, so that its reports come back: the
// test tsan_is_told notices.

#include <dlfcn.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "absl/time/time.h"
#include "grpcpp/support/server_callback.h"

extern "C" void __tsan_acquire(void* address);
extern "C" void __tsan_release(void* address);

namespace {

template <typename F, const char* symbol>
F* Real() {
  static void* const real = dlsym(RTLD_NEXT, symbol);
  if (real == nullptr) {
    std::fprintf(stderr, "tsan_edges: there is no %s\n", symbol);
    std::abort();
  }
  return reinterpret_cast<F*>(real);
}

}  // namespace

// Begins the definition of a function with that symbol, in which REAL(name) is the library's.
#define EDGE(result, name, symbol, ...)                                               \
  constexpr char k##name[] = symbol;                                                  \
  extern "C" [[gnu::visibility("default")]] result name(__VA_ARGS__) __asm__(symbol); \
  extern "C" result name(__VA_ARGS__)
#define REAL(name) (*Real<decltype(name), k##name>())

// absl::Mutex, which is in gpr_mu and grpc::internal::Mutex too. Shared locks are told as
// exclusive ones: that makes no report, and hides only the race of who writes under one.

EDGE(void, MutexLock, "_ZN4absl7debian35Mutex4LockEv", void* mutex) {
  REAL(MutexLock)(mutex);
  __tsan_acquire(mutex);
}

EDGE(void, MutexReaderLock, "_ZN4absl7debian35Mutex10ReaderLockEv", void* mutex) {
  REAL(MutexReaderLock)(mutex);
  __tsan_acquire(mutex);
}

EDGE(bool, MutexTryLock, "_ZN4absl7debian35Mutex7TryLockEv", void* mutex) {
  const bool locked = REAL(MutexTryLock)(mutex);
  if (locked) __tsan_acquire(mutex);
  return locked;
}

EDGE(bool, MutexReaderTryLock, "_ZN4absl7debian35Mutex13ReaderTryLockEv", void* mutex) {
  const bool locked = REAL(MutexReaderTryLock)(mutex);
  if (locked) __tsan_acquire(mutex);
  return locked;
}

EDGE(void, MutexUnlock, "_ZN4absl7debian35Mutex6UnlockEv", void* mutex) {
  __tsan_release(mutex);
  REAL(MutexUnlock)(mutex);
}

EDGE(void, MutexReaderUnlock, "_ZN4absl7debian35Mutex12ReaderUnlockEv", void* mutex) {
  __tsan_release(mutex);
  REAL(MutexReaderUnlock)(mutex);
}

// Waiting gives the mutex up and takes it again, inside of the library.

EDGE(void, MutexAwait, "_ZN4absl7debian35Mutex5AwaitERKNS0_9ConditionE", void* mutex,
     void* condition) {
  __tsan_release(mutex);
  REAL(MutexAwait)(mutex, condition);
  __tsan_acquire(mutex);
}

EDGE(void, MutexLockWhen, "_ZN4absl7debian35Mutex8LockWhenERKNS0_9ConditionE", void* mutex,
     void* condition) {
  REAL(MutexLockWhen)(mutex, condition);
  __tsan_acquire(mutex);
}

EDGE(void, CondVarWait, "_ZN4absl7debian37CondVar4WaitEPNS0_5MutexE", void* cv, void* mutex) {
  __tsan_release(mutex);
  REAL(CondVarWait)(cv, mutex);
  __tsan_acquire(mutex);
}

EDGE(bool, CondVarWaitWithTimeout,
     "_ZN4absl7debian37CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE", void* cv, void* mutex,
     absl::Duration timeout) {
  __tsan_release(mutex);
  const bool late = REAL(CondVarWaitWithTimeout)(cv, mutex, timeout);
  __tsan_acquire(mutex);
  return late;
}

EDGE(bool, CondVarWaitWithDeadline,
     "_ZN4absl7debian37CondVar16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE", void* cv, void* mutex,
     absl::Time deadline) {
  __tsan_release(mutex);
  const bool late = REAL(CondVarWaitWithDeadline)(cv, mutex, deadline);
  __tsan_acquire(mutex);
  return late;
}

// The queue without locks that is under gRPC's combiners and completion queues.

EDGE(bool, QueuePush, "_ZN9grpc_core32MultiProducerSingleConsumerQueue4PushEPNS0_4NodeE",
     void* queue, void* node) {
  __tsan_release(queue);
  return REAL(QueuePush)(queue, node);
}

EDGE(void*, QueuePop, "_ZN9grpc_core32MultiProducerSingleConsumerQueue3PopEv", void* queue) {
  void* const node = REAL(QueuePop)(queue);
  __tsan_acquire(queue);
  return node;
}

EDGE(void*, QueuePopAndCheckEnd,
     "_ZN9grpc_core32MultiProducerSingleConsumerQueue14PopAndCheckEndEPb", void* queue,
     bool* empty) {
  void* const node = REAL(QueuePopAndCheckEnd)(queue, empty);
  __tsan_acquire(queue);
  return node;
}

// An operation of gRPC, known by its tag: from who starts it to who completes it, and on to
// the callback, or to who takes the tag from the completion queue.

namespace {

// A tag may be a small number, for which TSan keeps nothing.
void* Key(void* tag) {
  static char small[4096];
  const auto number = reinterpret_cast<std::uintptr_t>(tag);
  return number < sizeof(small) ? &small[number] : tag;
}

constexpr int kOpComplete = 2;  // GRPC_OP_COMPLETE; other events have no tag.
struct Event {                  // grpc_event
  int type;
  int success;
  void* tag;
};
struct Timespec {  // gpr_timespec
  long seconds;
  int nanoseconds;
  int clock;
};

}  // namespace

EDGE(bool, CqBeginOp, "_Z16grpc_cq_begin_opP21grpc_completion_queuePv", void* cq, void* tag) {
  __tsan_release(Key(tag));
  return REAL(CqBeginOp)(cq, tag);
}

EDGE(void, CqEndOp,
     "_Z14grpc_cq_end_opP21grpc_completion_queuePvN4absl7debian36StatusE"
     "PFvS1_P18grpc_cq_completionES1_S6_b",
     void* cq, void* tag, void* status, void* done, void* done_arg, void* storage, bool internal) {
  __tsan_acquire(Key(tag));
  __tsan_release(Key(tag));
  REAL(CqEndOp)(cq, tag, status, done, done_arg, storage, internal);
}

EDGE(Event, CqNext, "grpc_completion_queue_next", void* cq, Timespec deadline, void* reserved) {
  const Event event = REAL(CqNext)(cq, deadline, reserved);
  if (event.type == kOpComplete) __tsan_acquire(Key(event.tag));
  return event;
}

EDGE(Event, CqPluck, "grpc_completion_queue_pluck", void* cq, void* tag, Timespec deadline,
     void* reserved) {
  const Event event = REAL(CqPluck)(cq, tag, deadline, reserved);
  if (event.type == kOpComplete) __tsan_acquire(Key(tag));
  return event;
}

// The parts of a served call count themselves down, some of them in the library, and the last
// one comes here. The counter is the second of two, after the pointer to virtual functions.

namespace {

char* PartsLeft(char* call) { return call + sizeof(void*) + sizeof(int); }

// The library counts down right after OnCancel, which it may call on a thread of its own.
class Cancelled final : public grpc::internal::ServerReactor {
 public:
  Cancelled(ServerReactor* reactor, char* call) : reactor_(reactor), call_(call) {}
  void OnDone() override {}
  void OnCancel() override {
    reactor_->OnCancel();
    __tsan_release(PartsLeft(call_));
    delete this;
  }

 private:
  ServerReactor* const reactor_;
  char* const call_;
};

}  // namespace

EDGE(void, ScheduleOnDone, "_ZN4grpc8internal18ServerCallbackCall14ScheduleOnDoneEb", char* call,
     bool here) {
  __tsan_acquire(PartsLeft(call));
  REAL(ScheduleOnDone)(call, here);
}

EDGE(void, CallOnCancel,
     "_ZN4grpc8internal18ServerCallbackCall12CallOnCancelEPNS0_13ServerReactorE", char* call,
     grpc::internal::ServerReactor* reactor) {
  if (!reactor->InternalInlineable()) reactor = new Cancelled(reactor, call);
  REAL(CallOnCancel)(call, reactor);
}

// A server is destroyed after the end of every call.

namespace {
char ended_calls;
}

EDGE(void, CallUnref, "grpc_call_unref", void* call) {
  __tsan_release(&ended_calls);
  REAL(CallUnref)(call);
}

EDGE(void, ServerDestroy, "grpc_server_destroy", void* server) {
  REAL(ServerDestroy)(server);
  __tsan_acquire(&ended_calls);
}

// The wire, in a test that is both client and server: what is written is before what is read
// after it. All connections are taken for one, so a process that only serves, such as bitsd,
// is left without: there it would hide races between calls.

namespace {
std::atomic<bool> serves = false, calls = false;
char wire;
bool HasBothEnds() { return serves.load() && calls.load(); }
}  // namespace

EDGE(void*, ServerCreate, "grpc_server_create", void* args, void* reserved) {
  serves = true;
  return REAL(ServerCreate)(args, reserved);
}

EDGE(void*, ChannelCreate, "grpc_channel_create", const char* target, void* credentials,
     void* args) {
  calls = true;
  return REAL(ChannelCreate)(target, credentials, args);
}

EDGE(void, EndpointWrite,
     "_Z19grpc_endpoint_writeP13grpc_endpointP17grpc_slice_bufferP12grpc_closurePvi",
     void* endpoint, void* slices, void* closure, void* arg, int max_frame_size) {
  if (HasBothEnds()) __tsan_release(&wire);
  REAL(EndpointWrite)(endpoint, slices, closure, arg, max_frame_size);
}

EDGE(void*, PerformRead, "_Z24grpc_chttp2_perform_readP21grpc_chttp2_transportRK10grpc_slice",
     void* returned_status, void* transport, void* slice) {
  if (HasBothEnds()) __tsan_acquire(&wire);
  return REAL(PerformRead)(returned_status, transport, slice);
}

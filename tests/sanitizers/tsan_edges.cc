// Tells ThreadSanitizer what it cannot see in Debian's abseil and gRPC, which were compiled
// without it: that a mutex, a condition variable or a queue of theirs orders what two threads
// do. Every executable of the TSan build exports these functions; they stand before those of
// the same symbol in the shared libraries, also when one library calls the other, and call
// them. Each edge is as narrow as the thing it is of: one mutex, one queue, one tag.
//
// A library that was built otherwise has other symbols, so that its reports come back:
// the test tsan_is_told notices.

#include <dlfcn.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "absl/time/time.h"

extern "C" void __tsan_acquire(void* address);
extern "C" void __tsan_release(void* address);

namespace {

template <typename F>
F* Real(F*, const char* symbol) {
  void* real = dlsym(RTLD_NEXT, symbol);
  if (real == nullptr) {
    std::fprintf(stderr, "tsan_edges: there is no %s\n", symbol);
    std::abort();
  }
  return reinterpret_cast<F*>(real);
}

// A tag may be a small number, where TSan keeps nothing.
void* Key(void* tag) {
  static char small[4096];
  const auto number = reinterpret_cast<std::uintptr_t>(tag);
  return number < sizeof(small) ? &small[number] : tag;
}

}  // namespace

// Opens the definition of a function with that symbol, in which real() is the library's.
#define EDGE(name, symbol, result, parameters, body)                    \
  extern "C" [[gnu::visibility("default")]] result name parameters      \
      __asm__(symbol);                                                  \
  extern "C" result name parameters {                                   \
    static auto* const real = Real(&name, symbol);                      \
    body                                                                \
  }

// absl::Mutex, under gpr_mu and grpc::internal::Mutex too. Shared locks are told as
// exclusive ones: no report is false for that, and readers seldom race.
#define LOCK(name, symbol) \
  EDGE(name, symbol, void, (void* mutex), real(mutex); __tsan_acquire(mutex);)
#define TRY_LOCK(name, symbol)                    \
  EDGE(name, symbol, bool, (void* mutex),         \
       const bool locked = real(mutex);           \
       if (locked) __tsan_acquire(mutex); return locked;)
#define UNLOCK(name, symbol) \
  EDGE(name, symbol, void, (void* mutex), __tsan_release(mutex); real(mutex);)

LOCK(MutexLock, "_ZN4absl7debian35Mutex4LockEv")
LOCK(MutexReaderLock, "_ZN4absl7debian35Mutex10ReaderLockEv")
TRY_LOCK(MutexTryLock, "_ZN4absl7debian35Mutex7TryLockEv")
TRY_LOCK(MutexReaderTryLock, "_ZN4absl7debian35Mutex13ReaderTryLockEv")
UNLOCK(MutexUnlock, "_ZN4absl7debian35Mutex6UnlockEv")
UNLOCK(MutexReaderUnlock, "_ZN4absl7debian35Mutex12ReaderUnlockEv")

// Waiting gives the mutex up and takes it again, inside of the library.
EDGE(MutexAwait, "_ZN4absl7debian35Mutex5AwaitERKNS0_9ConditionE", void,
     (void* mutex, void* condition),
     __tsan_release(mutex); real(mutex, condition); __tsan_acquire(mutex);)
EDGE(MutexLockWhen, "_ZN4absl7debian35Mutex8LockWhenERKNS0_9ConditionE", void,
     (void* mutex, void* condition), real(mutex, condition); __tsan_acquire(mutex);)
EDGE(CondVarWait, "_ZN4absl7debian37CondVar4WaitEPNS0_5MutexE", void, (void* cv, void* mutex),
     __tsan_release(mutex); real(cv, mutex); __tsan_acquire(mutex);)
EDGE(CondVarWaitWithTimeout,
     "_ZN4absl7debian37CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE", bool,
     (void* cv, void* mutex, absl::Duration timeout),
     __tsan_release(mutex); const bool late = real(cv, mutex, timeout);
     __tsan_acquire(mutex); return late;)
EDGE(CondVarWaitWithDeadline,
     "_ZN4absl7debian37CondVar16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE", bool,
     (void* cv, void* mutex, absl::Time deadline),
     __tsan_release(mutex); const bool late = real(cv, mutex, deadline);
     __tsan_acquire(mutex); return late;)

// An operation of gRPC, known by its tag: from who starts it to who completes it, and on to
// the callback or to who takes the tag from the completion queue.
EDGE(CqBeginOp, "_Z16grpc_cq_begin_opP21grpc_completion_queuePv", bool, (void* cq, void* tag),
     __tsan_release(Key(tag)); return real(cq, tag);)
EDGE(CqEndOp,
     "_Z14grpc_cq_end_opP21grpc_completion_queuePvN4absl7debian36StatusE"
     "PFvS1_P18grpc_cq_completionES1_S6_b",
     void,
     (void* cq, void* tag, void* status, void* done, void* done_arg, void* storage, bool internal),
     __tsan_acquire(Key(tag)); __tsan_release(Key(tag));
     real(cq, tag, status, done, done_arg, storage, internal);)

constexpr int kOpComplete = 2;  // GRPC_OP_COMPLETE; other events have no tag
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
EDGE(CqNext, "grpc_completion_queue_next", Event, (void* cq, Timespec deadline, void* reserved),
     const Event event = real(cq, deadline, reserved);
     if (event.type == kOpComplete) __tsan_acquire(Key(event.tag)); return event;)
EDGE(CqPluck, "grpc_completion_queue_pluck", Event,
     (void* cq, void* tag, Timespec deadline, void* reserved),
     const Event event = real(cq, tag, deadline, reserved); __tsan_acquire(Key(tag)); return event;)

// The queue without locks that is under gRPC's combiners and completion queues.
EDGE(QueuePush, "_ZN9grpc_core32MultiProducerSingleConsumerQueue4PushEPNS0_4NodeE", bool,
     (void* queue, void* node), __tsan_release(queue); return real(queue, node);)
EDGE(QueuePop, "_ZN9grpc_core32MultiProducerSingleConsumerQueue3PopEv", void*, (void* queue),
     void* node = real(queue); __tsan_acquire(queue); return node;)
EDGE(QueuePopAndCheckEnd, "_ZN9grpc_core32MultiProducerSingleConsumerQueue14PopAndCheckEndEPb",
     void*, (void* queue, bool* empty),
     void* node = real(queue, empty); __tsan_acquire(queue); return node;)

// The parts of a served call count themselves down, some of them in the library; the last one
// comes here. The counter is the second of two after the pointer to the virtual functions.
EDGE(ScheduleOnDone, "_ZN4grpc8internal18ServerCallbackCall14ScheduleOnDoneEb", void,
     (char* call, bool here), __tsan_acquire(call + sizeof(void*) + sizeof(int)); real(call, here);)

// A server is destroyed after the end of every call.
namespace {
char ended_calls;
}
EDGE(CallUnref, "grpc_call_unref", void, (void* call), __tsan_release(&ended_calls); real(call);)
EDGE(ServerDestroy, "grpc_server_destroy", void, (void* server),
     real(server); __tsan_acquire(&ended_calls);)

// The wire, in a test that is both client and server: what is written is before what is read
// after it. All connections are taken for one, so that a process which only serves, such as
// bitsd, is left without: there it would hide races between calls.
namespace {
std::atomic<bool> serves{false}, calls{false};
char wire;
bool HasBothEnds() { return serves.load() && calls.load(); }
}  // namespace

EDGE(ServerCreate, "grpc_server_create", void*, (void* args, void* reserved),
     serves = true; return real(args, reserved);)
EDGE(ChannelCreate, "grpc_channel_create", void*,
     (const char* target, void* credentials, void* args),
     calls = true; return real(target, credentials, args);)
EDGE(EndpointWrite,
     "_Z19grpc_endpoint_writeP13grpc_endpointP17grpc_slice_bufferP12grpc_closurePvi", void,
     (void* endpoint, void* slices, void* closure, void* arg, int max_frame_size),
     if (HasBothEnds()) __tsan_release(&wire);
     real(endpoint, slices, closure, arg, max_frame_size);)
EDGE(PerformRead, "_Z24grpc_chttp2_perform_readP21grpc_chttp2_transportRK10grpc_slice", void*,
     (void* returned_status, void* transport, void* slice),
     if (HasBothEnds()) __tsan_acquire(&wire); return real(returned_status, transport, slice);)

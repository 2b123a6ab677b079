// What two threads of ours do to one another: tsan_sample SAMPLE.
#include <grpc/support/sync.h>

#include <cstdio>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <thread>

#include "absl/synchronization/mutex.h"

namespace {

int value = 0;
char from[64], to[64];

// Two accesses that race unless `guarded` orders them.
void Race(const std::function<void(const std::function<void()>&)>& guarded,
          const std::function<void()>& access) {
  std::thread other([&] { guarded(access); });
  guarded(access);
  other.join();
}

void Increment() { ++value; }
void Copy() { std::memcpy(to, from, sizeof(to)); }
void Unguarded(const std::function<void()>& access) { access(); }

void Abseil() {
  absl::Mutex mutex;
  Race(
      [&](const auto& access) {
        absl::MutexLock lock(&mutex);
        access();
      },
      Increment);
}

// absl::Mutex as one library calls it in another.
void InALibrary() {
  gpr_mu mutex;
  gpr_mu_init(&mutex);
  Race(
      [&](const auto& access) {
        gpr_mu_lock(&mutex);
        access();
        gpr_mu_unlock(&mutex);
      },
      Increment);
  gpr_mu_destroy(&mutex);
}

void Condition() {
  absl::Mutex mutex;
  absl::CondVar condition;
  bool ready = false;
  std::thread other([&] {
    Increment();
    absl::MutexLock lock(&mutex);
    ready = true;
    condition.Signal();
  });
  {
    absl::MutexLock lock(&mutex);
    while (!ready) condition.Wait(&mutex);
  }
  Increment();
  other.join();
}

// Each thread holds a lock, but not the same.
void TwoLocks() {
  absl::Mutex mutexes[2];
  const std::thread::id first = std::this_thread::get_id();
  Race(
      [&](const auto& access) {
        absl::MutexLock lock(&mutexes[std::this_thread::get_id() == first ? 0 : 1]);
        access();
      },
      Increment);
}

const std::map<std::string, std::function<void()>> kSamples = {
    {"plain", [] { Race(Unguarded, Increment); }},
    {"copied", [] { Race(Unguarded, Copy); }},
    {"two_locks", TwoLocks},
    {"abseil", Abseil},
    {"in_a_library", InALibrary},
    {"condition", Condition},
};

}  // namespace

int main(int argc, char** argv) {
  kSamples.at(argc == 2 ? argv[1] : "")();
  std::puts("done");
  return 0;
}

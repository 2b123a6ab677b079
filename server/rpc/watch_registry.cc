#include "server/rpc/watch_registry.h"

#include <utility>
#include <vector>

#include "server/base/error_info.h"

namespace bits::rpc {

WatchRegistry::WatchRegistry(const WatchOptions& options, const WatchEnvironment& env)
    : options_(options), env_(env) {}

grpc::ServerWriteReactor<v1::JobEvent>* WatchRegistry::Start(absl::StatusOr<WatchSpec> spec) {
  absl::Status refusal = spec.status();
  std::shared_ptr<WatchReactor> reactor;
  {
    MutexLock lock(mutex_);
    const uint64_t id = next_++;
    reactor = WatchReactor::Make(spec.ok() ? *std::move(spec) : WatchSpec(), options_, env_,
                                 [this, id] { Forget(id); });
    if (refusal.ok() && ended_) refusal = *ended_;
    if (refusal.ok() && reactors_.size() >= options_.max_watchers) {
      refusal = MakeRefusal(absl::StatusCode::kResourceExhausted, "TOO_MANY_WATCHERS",
                            "too many are watching");
    }
    if (refusal.ok()) reactors_.emplace(id, reactor);
  }
  if (refusal.ok()) {
    reactor->Start();
  } else {
    reactor->Refuse(refusal);
  }
  return reactor.get();
}

void WatchRegistry::EndAll(const absl::Status& status) {
  std::vector<std::shared_ptr<WatchReactor>> reactors;
  {
    MutexLock lock(mutex_);
    ended_ = status;
    for (const auto& [id, weak] : reactors_) {
      if (auto reactor = weak.lock()) reactors.push_back(std::move(reactor));
    }
  }
  for (const std::shared_ptr<WatchReactor>& reactor : reactors) reactor->End(status);
}

size_t WatchRegistry::size() const {
  MutexLock lock(mutex_);
  return reactors_.size();
}

bool WatchRegistry::WaitUntilEmpty(std::chrono::steady_clock::time_point deadline) {
  MutexLock lock(mutex_);
  return forgotten_.WaitUntil(mutex_, deadline, [this] {
    mutex_.AssertHeld();
    return reactors_.empty();
  });
}

void WatchRegistry::Forget(uint64_t id) {
  MutexLock lock(mutex_);
  reactors_.erase(id);
  if (reactors_.empty()) forgotten_.SignalAll();
}

}  // namespace bits::rpc

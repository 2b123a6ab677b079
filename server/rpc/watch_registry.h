// All who watch.
#ifndef BITS_SERVER_RPC_WATCH_REGISTRY_H_
#define BITS_SERVER_RPC_WATCH_REGISTRY_H_

#include <grpcpp/support/server_callback.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/rpc/watch_reactor.h"

namespace bits::rpc {

// Thread-safe; nothing blocks but WaitUntilEmpty. Outlives the gRPC server.
class WatchRegistry {
 public:
  WatchRegistry(const WatchOptions& options, const WatchEnvironment& env);

  // The reactor of a new call. A status, too many watchers, or EndAll before refuse it.
  grpc::ServerWriteReactor<v1::JobEvent>* Start(absl::StatusOr<WatchSpec> spec);

  // Ends them, and every later one, with this status.
  void EndAll(const absl::Status& status);

  // Until gRPC is done with them.
  size_t size() const;
  // False if it is not done with one at the deadline.
  bool WaitUntilEmpty(std::chrono::steady_clock::time_point deadline);

 private:
  void Forget(uint64_t id);

  const WatchOptions options_;
  const WatchEnvironment env_;
  mutable Mutex mutex_;
  CondVar forgotten_;
  std::unordered_map<uint64_t, std::weak_ptr<WatchReactor>> reactors_ BITS_GUARDED_BY(mutex_);
  uint64_t next_ BITS_GUARDED_BY(mutex_) = 1;
  std::optional<absl::Status> ended_ BITS_GUARDED_BY(mutex_);
};

}  // namespace bits::rpc

#endif  // BITS_SERVER_RPC_WATCH_REGISTRY_H_

// When to try again: pure but for the clock it is given.
#ifndef BITS_CLIENT_SRC_RETRY_H_
#define BITS_CLIENT_SRC_RETRY_H_

#include <absl/status/status.h>
#include <grpcpp/channel.h>

#include <chrono>
#include <functional>
#include <memory>

#include "bits/options.h"

namespace bits::client_internal {

using Milliseconds = std::chrono::milliseconds;
using TimePoint = std::chrono::steady_clock::time_point;

// What retrying needs of the world; a test brings its own.
struct RetryClock {
  std::function<TimePoint()> now;
  // Waits so long; true: less, because the connection that was broken is back.
  std::function<bool(Milliseconds)> sleep;
  std::function<double()> uniform;  // in [0, 1)
};
RetryClock RealRetryClock(std::shared_ptr<grpc::ChannelInterface> channel);

// The waits between tries, as RetryOptions describes them. Not thread-safe.
class Backoff {
 public:
  Backoff(const RetryOptions& options, std::function<double()> uniform);

  // The next wait, at least what the server's RetryInfo in `why` asks for.
  Milliseconds Next(const absl::Status& why);
  // After a success: the next wait is a first one again.
  void Reset() { backoff_ = options_.initial_backoff; }

 private:
  RetryOptions options_;
  std::function<double()> uniform_;
  Milliseconds backoff_;
};

// Calls `attempt` with the time that is left of `timeout` until it gives anything
// but kUnavailable, or the next try would begin after max_elapsed or the timeout:
// then the last status is the answer.
absl::Status RetryUnavailable(const RetryOptions& options, const RetryClock& clock,
                              Milliseconds timeout,
                              const std::function<absl::Status(Milliseconds left)>& attempt);

}  // namespace bits::client_internal

#endif  // BITS_CLIENT_SRC_RETRY_H_

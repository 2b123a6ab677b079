#include "client/src/retry.h"

#include <algorithm>
#include <random>
#include <utility>

#include "bits/status.h"

namespace bits::client_internal {

namespace {

// gRPC connects only while some thread waits for something of its own: after a plain
// sleep it would know no more than before, and notice a server that is back only when
// the attempt to connect times out.
bool WaitForConnection(grpc::ChannelInterface& channel, Milliseconds wait) {
  const auto deadline = std::chrono::system_clock::now() + wait;
  const grpc_connectivity_state first = channel.GetState(/*try_to_connect=*/true);
  grpc_connectivity_state state = first;
  while (channel.WaitForStateChange(state, deadline)) {
    state = channel.GetState(/*try_to_connect=*/true);
    if (first != GRPC_CHANNEL_READY && state == GRPC_CHANNEL_READY) return true;
  }
  return false;
}

}  // namespace

RetryClock RealRetryClock(std::shared_ptr<grpc::ChannelInterface> channel) {
  return {
      [] { return std::chrono::steady_clock::now(); },
      [channel = std::move(channel)](Milliseconds wait) {
        return WaitForConnection(*channel, wait);
      },
      [] {
        thread_local std::minstd_rand generator(std::random_device{}());
        return std::uniform_real_distribution<double>(0.0, 1.0)(generator);
      },
  };
}

Backoff::Backoff(const RetryOptions& options, std::function<double()> uniform)
    : options_(options), uniform_(std::move(uniform)), backoff_(options.initial_backoff) {}

Milliseconds Backoff::Next(const absl::Status& why) {
  const auto backoff = static_cast<double>(std::min(backoff_, options_.max_backoff).count());
  const Milliseconds wait(static_cast<Milliseconds::rep>(backoff * (0.5 + uniform_() / 2)));
  const double grown = backoff * std::max(options_.multiplier, 1.0);
  backoff_ = std::min(options_.max_backoff, Milliseconds(static_cast<Milliseconds::rep>(grown)));
  return std::max(wait, GetRetryDelay(why).value_or(Milliseconds(0)));
}

absl::Status RetryUnavailable(const RetryOptions& options, const RetryClock& clock,
                              Milliseconds timeout,
                              const std::function<absl::Status(Milliseconds left)>& attempt) {
  const TimePoint start = clock.now();
  const TimePoint deadline = start + timeout;
  const TimePoint last_start = std::min(start + options.max_elapsed, deadline);
  Backoff backoff(options, clock.uniform);
  while (true) {
    const auto left = std::chrono::duration_cast<Milliseconds>(deadline - clock.now());
    absl::Status status = attempt(std::max(left, Milliseconds(0)));
    if (status.code() != absl::StatusCode::kUnavailable) return status;
    const Milliseconds wait = backoff.Next(status);
    if (clock.now() + wait >= last_start) return status;
    clock.sleep(wait);
  }
}

}  // namespace bits::client_internal

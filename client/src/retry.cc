#include "client/src/retry.h"

#include <algorithm>
#include <random>
#include <thread>
#include <utility>

#include "bits/status.h"

namespace bits::client_internal {

RetryClock RealRetryClock() {
  return {
      [] { return std::chrono::steady_clock::now(); },
      [](Milliseconds wait) { std::this_thread::sleep_for(wait); },
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

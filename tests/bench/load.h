// Calls made by many at once, without a thread for each.
#ifndef BITS_TESTS_BENCH_LOAD_H_
#define BITS_TESTS_BENCH_LOAD_H_

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "server/base/mutex.h"

namespace bits::bench {

struct LoadOptions {
  size_t in_flight = 1;  // each begins its next call when the one before was answered
  // No call begins after this, nor are there more than so many.
  absl::Duration duration = absl::Hours(24);
  uint64_t calls = std::numeric_limits<uint64_t>::max();
};

struct LoadResult {
  uint64_t failures = 0;
  std::string first_failure;
  absl::Duration elapsed;
  std::vector<double> latencies;  // of those that succeeded, in seconds, in no order

  double rate() const {
    return static_cast<double>(latencies.size()) / absl::ToDoubleSeconds(elapsed);
  }
  absl::Duration Latency(double percent) const;
  // "12,345/s, p50 80 us, p99 120 us", and what failed.
  std::string Describe() const;
};

// Channels to one server that share no connection.
std::vector<std::shared_ptr<grpc::Channel>> MakeChannels(const std::string& address, size_t count);

// One kind of unary call. What is given to the constructor is called from gRPC's threads, several
// at once.
template <typename Request, typename Response>
class Load {
 public:
  // Makes the n-th request, counting from 0.
  using Prepare = std::function<void(uint64_t n, Request& request)>;
  // `slot` is below LoadOptions::in_flight: it may choose the channel.
  using Call = std::function<void(size_t slot, grpc::ClientContext* context, const Request* request,
                                  Response* response, std::function<void(grpc::Status)> done)>;
  // Sees the answers that are OK.
  using Observe = std::function<void(uint64_t n, const Response& response)>;

  Load(Prepare prepare, Call call, Observe observe = nullptr)
      : prepare_(std::move(prepare)), call_(std::move(call)), observe_(std::move(observe)) {}

  // Returns when every call has been answered.
  LoadResult Run(const LoadOptions& options) {
    options_ = options;
    next_ = 0;
    slots_ = std::vector<Slot>(options.in_flight);
    {
      MutexLock lock(mutex_);
      running_ = options.in_flight;
    }
    const Clock::time_point begin = Clock::now();
    end_ = begin + absl::ToChronoNanoseconds(options.duration);
    for (size_t slot = 0; slot < options.in_flight; ++slot) Next(slot);
    {
      MutexLock lock(mutex_);
      all_done_.Wait(mutex_, [this] {
        mutex_.AssertHeld();
        return running_ == 0;
      });
    }
    LoadResult result;
    result.elapsed = absl::FromChrono(Clock::now() - begin);
    for (Slot& slot : slots_) {
      result.failures += slot.failures;
      if (result.first_failure.empty()) result.first_failure = slot.first_failure;
      result.latencies.insert(result.latencies.end(), slot.latencies.begin(), slot.latencies.end());
    }
    return result;
  }

 private:
  using Clock = std::chrono::steady_clock;

  struct Slot {
    std::optional<grpc::ClientContext> context;
    Request request;
    Response response;
    uint64_t n = 0;
    Clock::time_point begin;
    std::vector<double> latencies;
    uint64_t failures = 0;
    std::string first_failure;
  };

  void Next(size_t index) {
    Slot& slot = slots_[index];
    slot.n = next_.fetch_add(1, std::memory_order_relaxed);
    slot.begin = Clock::now();
    if (slot.n >= options_.calls || slot.begin >= end_) {
      MutexLock lock(mutex_);
      if (--running_ == 0) all_done_.SignalAll();
      return;
    }
    slot.context.emplace();
    slot.request.Clear();
    prepare_(slot.n, slot.request);
    call_(index, &*slot.context, &slot.request, &slot.response,
          [this, index](const grpc::Status& status) { Answered(index, status); });
  }

  void Answered(size_t index, const grpc::Status& status) {
    Slot& slot = slots_[index];
    if (status.ok()) {
      slot.latencies.push_back(std::chrono::duration<double>(Clock::now() - slot.begin).count());
      if (observe_) observe_(slot.n, slot.response);
    } else if (slot.failures++ == 0) {
      slot.first_failure = status.error_message();
    }
    Next(index);
  }

  const Prepare prepare_;
  const Call call_;
  const Observe observe_;
  LoadOptions options_;
  Clock::time_point end_;
  std::atomic<uint64_t> next_ = 0;
  std::vector<Slot> slots_;
  Mutex mutex_;
  CondVar all_done_;
  size_t running_ BITS_GUARDED_BY(mutex_) = 0;
};

}  // namespace bits::bench

#endif  // BITS_TESTS_BENCH_LOAD_H_

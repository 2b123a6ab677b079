// WatchSession over the generated stub.
#ifndef BITS_CLIENT_SRC_WATCH_SESSION_H_
#define BITS_CLIENT_SRC_WATCH_SESSION_H_

#include <grpcpp/client_context.h>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "bits/v1/job_service.grpc.pb.h"
#include "bits/watch.h"
#include "client/src/retry.h"

namespace bits::client_internal {

class ResumingWatchSession final : public WatchSession {
 public:
  using ContextFactory = std::function<std::unique_ptr<grpc::ClientContext>()>;

  // `new_context` makes the context of one stream: metadata set, no deadline.
  ResumingWatchSession(std::shared_ptr<v1::JobService::StubInterface> stub,
                       ContextFactory new_context, const RetryOptions& retry, RetryClock clock,
                       WatchOptions options);
  ~ResumingWatchSession() override;

  absl::StatusOr<WatchEvent> Next() override;
  void Cancel() override;
  std::string cursor() const override { return cursor_; }

 private:
  // All on Next()'s thread.
  bool Open();  // false: cancelled
  absl::Status Close();
  WatchEvent Deliver(v1::JobEvent event);
  // After the stream broke with `why`: how long to wait before the next, or nothing
  // if this is the end.
  std::optional<Milliseconds> Recover(const absl::Status& why);
  void Wait(Milliseconds wait);
  absl::Status End(absl::Status why);

  const std::shared_ptr<v1::JobService::StubInterface> stub_;
  const ContextFactory new_context_;
  const RetryClock clock_;
  const WatchOptions options_;

  // Next()'s thread's.
  Backoff backoff_;
  std::unique_ptr<grpc::ClientReaderInterface<v1::JobEvent>> reader_;
  std::string cursor_;
  absl::Status end_;
  bool delivered_ = false;        // anything, ever
  bool received_ = false;         // anything from this stream
  bool restart_pending_ = false;  // the next event begins another snapshot
  std::optional<TimePoint> outage_start_;

  std::mutex mutex_;
  // Guarded by mutex_. The context lives until the next Open, so that Cancel can use it.
  std::unique_ptr<grpc::ClientContext> context_;
  bool cancelled_ = false;
};

}  // namespace bits::client_internal

#endif  // BITS_CLIENT_SRC_WATCH_SESSION_H_

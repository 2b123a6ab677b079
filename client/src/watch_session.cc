#include "client/src/watch_session.h"

#include <algorithm>
#include <utility>

#include "bits/status.h"
#include "client/src/status_convert.h"

namespace bits::client_internal {

ResumingWatchSession::ResumingWatchSession(std::shared_ptr<v1::JobService::StubInterface> stub,
                                           ContextFactory new_context, const RetryOptions& retry,
                                           RetryClock clock, WatchOptions options)
    : stub_(std::move(stub)),
      new_context_(std::move(new_context)),
      clock_(std::move(clock)),
      options_(std::move(options)),
      backoff_(retry, clock_.uniform),
      cursor_(options_.cursor) {}

ResumingWatchSession::~ResumingWatchSession() {
  Cancel();
  if (reader_) Close().IgnoreError();
}

absl::StatusOr<WatchEvent> ResumingWatchSession::Next() {
  while (end_.ok()) {
    if (!reader_ && !Open()) return End(absl::CancelledError("the watch was cancelled"));
    v1::JobEvent event;
    if (reader_->Read(&event)) return Deliver(std::move(event));

    const absl::Status why = Close();
    const auto wait = Recover(why);
    if (!wait) return End(why);
    if (options_.on_reconnect) options_.on_reconnect(why, *wait);
    Wait(*wait);
  }
  return end_;
}

void ResumingWatchSession::Cancel() {
  const std::lock_guard lock(mutex_);
  cancelled_ = true;
  if (context_) context_->TryCancel();
}

bool ResumingWatchSession::Open() {
  grpc::ClientContext* context = nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (cancelled_) return false;
    context_ = new_context_();
    context = context_.get();
  }
  v1::WatchJobsRequest request;
  request.set_filter(options_.filter);
  request.set_cursor(cursor_);
  request.set_all_owners(options_.all_owners);
  received_ = false;
  reader_ = stub_->WatchJobs(context, request);
  return true;
}

absl::Status ResumingWatchSession::Close() {
  // After a cancel there may still be messages, and Finish wants them read.
  v1::JobEvent ignored;
  while (reader_->Read(&ignored)) {
  }
  const absl::Status status = ToAbslStatus(reader_->Finish());
  reader_.reset();
  // The server has no reason to end a watch well: taken as its going away.
  return status.ok() ? absl::UnavailableError("the server ended the watch") : status;
}

WatchEvent ResumingWatchSession::Deliver(v1::JobEvent event) {
  backoff_.Reset();
  outage_start_.reset();
  received_ = true;
  delivered_ = true;
  if (!event.cursor().empty()) cursor_ = event.cursor();
  WatchEvent result;
  result.event = std::move(event);
  result.restarted = std::exchange(restart_pending_, false);
  return result;
}

std::optional<Milliseconds> ResumingWatchSession::Recover(const absl::Status& why) {
  {
    const std::lock_guard lock(mutex_);
    if (cancelled_) return Milliseconds(0);
  }
  const std::string reason = GetErrorReason(why);
  const bool slow = why.code() == absl::StatusCode::kResourceExhausted && reason == "SLOW_CONSUMER";
  const bool expired = why.code() == absl::StatusCode::kOutOfRange && reason == "CURSOR_EXPIRED";
  if (why.code() != absl::StatusCode::kUnavailable && !slow && !expired) return std::nullopt;

  if (expired) {
    cursor_.clear();
    restart_pending_ = true;
  }
  // Cut within a snapshot: what was left of it may have changed since.
  if (cursor_.empty() && delivered_) restart_pending_ = true;

  // Where the fault was on this side and things moved, there is nothing to wait for.
  const bool at_once = (slow && received_) || (expired && !outage_start_);
  const Milliseconds wait = at_once ? Milliseconds(0) : backoff_.Next(why);
  const TimePoint now = clock_.now();
  if (!outage_start_) outage_start_ = now;
  if (options_.outage_timeout && now + wait >= *outage_start_ + *options_.outage_timeout) {
    return std::nullopt;
  }
  return wait;
}

void ResumingWatchSession::Wait(Milliseconds wait) {
  // gRPC's wait for a connection cannot be ended from outside.
  constexpr Milliseconds kSlice(50);
  const TimePoint end = clock_.now() + wait;
  while (true) {
    {
      const std::lock_guard lock(mutex_);
      if (cancelled_) return;
    }
    const auto left = std::chrono::duration_cast<Milliseconds>(end - clock_.now());
    if (left <= Milliseconds(0) || clock_.sleep(std::min(left, kSlice))) return;
  }
}

absl::Status ResumingWatchSession::End(absl::Status why) {
  end_ = std::move(why);
  return end_;
}

}  // namespace bits::client_internal

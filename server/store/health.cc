#include "server/store/health.h"

#include <utility>

#include "server/base/log.h"

namespace bits::store {

absl::Status Health::Get() const {
  MutexLock lock(mutex_);
  return status_;
}

void Health::SetListener(Listener listener) {
  MutexLock lock(notify_mutex_);
  listener_ = std::move(listener);
}

void Health::Fail(absl::Status why) { Set(std::move(why), false); }

void Health::Break(absl::Status why) { Set(std::move(why), true); }

void Health::Recover() { Set(absl::OkStatus(), false); }

void Health::Set(absl::Status status, bool broken) {
  {
    MutexLock lock(mutex_);
    if (broken_) return;
    broken_ = broken;
    status_ = std::move(status);
  }
  Notify();
}

void Health::Notify() {
  MutexLock lock(notify_mutex_);
  absl::Status status = Get();
  if (status == told_) return;
  told_ = status;
  if (status.ok()) {
    BITS_LOG(kInfo, "the store is healthy again");
  } else {
    BITS_LOG(kError, "the store is unhealthy", {{"why", status}});
  }
  if (listener_) listener_(std::move(status));
}

}  // namespace bits::store

// Whether a store can promise and acknowledge, and who is to hear of it.
#ifndef BITS_SERVER_STORE_HEALTH_H_
#define BITS_SERVER_STORE_HEALTH_H_

#include <functional>

#include "absl/status/status.h"
#include "server/base/mutex.h"

namespace bits::store {

// Thread-safe. The listener is called without a lock that a reader of the health needs, in
// the order of the changes, and not again for a status it has been given last.
class Health {
 public:
  using Listener = std::function<void(absl::Status)>;

  absl::Status Get() const;

  // One; before the first change.
  void SetListener(Listener listener);

  // Unhealthy until Recover().
  void Fail(absl::Status why);
  // Unhealthy for as long as the process lives.
  void Break(absl::Status why);
  // Healthy again, unless broken.
  void Recover();

 private:
  void Set(absl::Status status, bool broken);
  void Notify();

  mutable Mutex mutex_;
  absl::Status status_ BITS_GUARDED_BY(mutex_);
  bool broken_ BITS_GUARDED_BY(mutex_) = false;

  Mutex notify_mutex_;  // taken before mutex_
  Listener listener_ BITS_GUARDED_BY(notify_mutex_);
  absl::Status told_ BITS_GUARDED_BY(notify_mutex_);
};

}  // namespace bits::store

#endif  // BITS_SERVER_STORE_HEALTH_H_

// Who is watching, and what they have yet to see.
#ifndef BITS_SERVER_APP_WATCH_HUB_H_
#define BITS_SERVER_APP_WATCH_HUB_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/app/ports/job_store.h"
#include "server/base/mutex.h"

namespace bits::app {

// Keeps the last events in memory and wakes watchers when there are new ones. A watcher that
// has fallen behind what is kept reads the store. Thread-safe; nothing here blocks for I/O.
class WatchHub {
 public:
  using Event = std::shared_ptr<const EventRecord>;
  using WatcherId = uint64_t;

  // `last`: the store's last revision at start. `ring_size`: events kept in memory.
  WatchHub(Revision last, size_t ring_size);

  // The committed events of one transaction, in the order of commits. kProgress events are
  // passed on, not kept.
  void Publish(std::vector<EventRecord> events);

  // `wake` is called, on the publisher's thread and with no lock of the hub's held, after each
  // Publish; it must not block and not call the hub. Once Remove returns it is not running and
  // is not called again.
  WatcherId Add(std::function<void()> wake);
  void Remove(WatcherId id);

  // Progress is published to nobody while there are none.
  bool HasWatchers() const;

  Revision last_revision() const;

  struct Batch {
    std::vector<Event> events;  // after the cursor, in order; none: nothing new
    // True: events after the cursor have left the ring, read the store.
    bool behind = false;
  };
  // What came after `cursor`, at most `limit`.
  Batch Read(Revision cursor, size_t limit) const;
  // The latest progress of each job that has arrived since `*position`, which is moved on.
  // Old ones are dropped: the latest wins.
  std::vector<Event> ReadProgress(uint64_t* position) const;

 private:
  struct Watcher;
  mutable Mutex mutex_;
  Revision last_ BITS_GUARDED_BY(mutex_);
  const size_t ring_size_;
  std::deque<Event> ring_ BITS_GUARDED_BY(mutex_);
  // By job: the position it was published at, and the event.
  std::unordered_map<domain::JobId, std::pair<uint64_t, Event>> progress_ BITS_GUARDED_BY(mutex_);
  uint64_t progress_position_ BITS_GUARDED_BY(mutex_) = 0;
  std::unordered_map<WatcherId, std::shared_ptr<Watcher>> watchers_ BITS_GUARDED_BY(mutex_);
  WatcherId next_watcher_ BITS_GUARDED_BY(mutex_) = 1;
};

}  // namespace bits::app

#endif  // BITS_SERVER_APP_WATCH_HUB_H_

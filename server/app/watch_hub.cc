#include "server/app/watch_hub.h"

#include <algorithm>
#include <utility>

namespace bits::app {

// Held while it is being woken, so that Remove can wait for that.
struct WatchHub::Watcher {
  Mutex mutex;
  std::function<void()> wake BITS_GUARDED_BY(mutex);
};

WatchHub::WatchHub(Revision last, size_t ring_size) : last_(last), ring_size_(ring_size) {}

void WatchHub::Publish(std::vector<EventRecord> events) {
  std::vector<std::shared_ptr<Watcher>> watchers;
  {
    MutexLock lock(mutex_);
    for (EventRecord& record : events) {
      const bool progress = record.kind == domain::ChangeKind::kProgress;
      if (progress && watchers_.empty()) continue;
      auto event = std::make_shared<const EventRecord>(std::move(record));
      if (progress) {
        progress_[event->job.id] = {++progress_position_, event};
        continue;
      }
      last_ = event->revision;
      if (!domain::IsActive(event->job.state)) progress_.erase(event->job.id);
      ring_.push_back(std::move(event));
      if (ring_.size() > ring_size_) ring_.pop_front();
    }
    watchers.reserve(watchers_.size());
    for (const auto& [id, watcher] : watchers_) watchers.push_back(watcher);
  }
  for (const std::shared_ptr<Watcher>& watcher : watchers) {
    MutexLock lock(watcher->mutex);
    if (watcher->wake) watcher->wake();
  }
}

WatchHub::WatcherId WatchHub::Add(std::function<void()> wake) {
  auto watcher = std::make_shared<Watcher>();
  {
    MutexLock lock(watcher->mutex);
    watcher->wake = std::move(wake);
  }
  MutexLock lock(mutex_);
  const WatcherId id = next_watcher_++;
  watchers_.emplace(id, std::move(watcher));
  return id;
}

void WatchHub::Remove(WatcherId id) {
  std::shared_ptr<Watcher> watcher;
  {
    MutexLock lock(mutex_);
    auto it = watchers_.find(id);
    if (it == watchers_.end()) return;
    watcher = std::move(it->second);
    watchers_.erase(it);
    if (watchers_.empty()) progress_.clear();
  }
  MutexLock lock(watcher->mutex);
  watcher->wake = nullptr;
}

bool WatchHub::HasWatchers() const {
  MutexLock lock(mutex_);
  return !watchers_.empty();
}

Revision WatchHub::last_revision() const {
  MutexLock lock(mutex_);
  return last_;
}

WatchHub::Batch WatchHub::Read(Revision cursor, size_t limit) const {
  MutexLock lock(mutex_);
  Batch batch;
  if (cursor >= last_) return batch;
  if (ring_.empty() || ring_.front()->revision > cursor + 1) {
    batch.behind = true;
    return batch;
  }
  auto it = std::upper_bound(ring_.begin(), ring_.end(), cursor,
                             [](Revision r, const Event& e) { return r < e->revision; });
  for (; it != ring_.end() && batch.events.size() < limit; ++it) batch.events.push_back(*it);
  return batch;
}

std::vector<WatchHub::Event> WatchHub::ReadProgress(uint64_t* position) const {
  MutexLock lock(mutex_);
  std::vector<std::pair<uint64_t, Event>> found;
  if (*position < progress_position_) {
    for (const auto& [id, entry] : progress_) {
      if (entry.first > *position) found.push_back(entry);
    }
  }
  *position = progress_position_;
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Event> events;
  events.reserve(found.size());
  for (auto& [at, event] : found) events.push_back(std::move(event));
  return events;
}

}  // namespace bits::app

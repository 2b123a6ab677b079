#include "client/cli/watch_queue.h"

#include <utility>

namespace bits::cli {

WatchQueue::WatchQueue(const Client& client, WatchOptions options, Interrupts& interrupts)
    : interrupts_(interrupts) {
  options.on_reconnect = [this](const absl::Status& why, std::chrono::milliseconds delay) {
    Put(Reconnect{why, delay});
  };
  session_ = client.WatchJobs(options);
  thread_ = std::thread([this] { Run(); });
  interrupts_.Watch([this] {
    const std::lock_guard lock(mutex_);
    interrupted_ = true;
    changed_.notify_all();
  });
}

WatchQueue::~WatchQueue() {
  interrupts_.Watch(nullptr);
  session_->Cancel();
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

WatchQueue::Item WatchQueue::Take(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, patience, [this] { return interrupted_ || !items_.empty(); });
  if (std::exchange(interrupted_, false)) return Interrupted{};
  if (items_.empty()) return Tick{};
  Item item = std::move(items_.front());
  items_.pop_front();
  changed_.notify_all();
  return item;
}

void WatchQueue::Run() {
  while (true) {
    auto event = session_->Next();
    if (!event.ok()) return Put(End{event.status()});
    Put(*std::move(event));
  }
}

void WatchQueue::Put(Item item) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return stopping_ || items_.size() < kMostItems; });
  items_.push_back(std::move(item));
  changed_.notify_all();
}

}  // namespace bits::cli

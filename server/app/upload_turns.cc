#include "server/app/upload_turns.h"

#include <utility>

namespace bits::app {

void UploadTurns::Take(const std::string& id, std::function<void()> make_way, Granted granted) {
  MutexLock lock(mutex_);
  const auto [it, inserted] = places_.try_emplace(id);
  Place& place = it->second;
  if (inserted) {
    place.make_way = std::move(make_way);
    lock.Unlock();
    return granted(std::make_shared<Turn>(this, id));
  }
  const std::function<void()> dead = std::exchange(place.make_way, nullptr);
  const Granted superseded = std::exchange(place.next, std::move(granted));
  place.next_make_way = std::move(make_way);
  lock.Unlock();
  if (dead) dead();
  if (superseded) superseded(nullptr);
}

std::shared_ptr<UploadTurns::Turn> UploadTurns::TryTake(const std::string& id) {
  MutexLock lock(mutex_);
  if (!places_.try_emplace(id).second) return nullptr;
  return std::make_shared<Turn>(this, id);
}

void UploadTurns::GiveBack(const std::string& id) {
  MutexLock lock(mutex_);
  const auto it = places_.find(id);
  if (it == places_.end()) return;
  if (!it->second.next) {
    places_.erase(it);
    return;
  }
  const Granted next = std::exchange(it->second.next, nullptr);
  it->second.make_way = std::exchange(it->second.next_make_way, nullptr);
  lock.Unlock();
  next(std::make_shared<Turn>(this, id));
}

}  // namespace bits::app

#include "server/store/sqlite/reader_pool.h"

namespace bits::store {

ReaderPool::ReaderPool(std::vector<std::unique_ptr<Database>> databases)
    : idle_(std::move(databases)) {}

absl::StatusOr<ReaderPool::Lease> ReaderPool::Take() {
  MutexLock lock(mutex_);
  changed_.Wait(mutex_, [this] {
    mutex_.AssertHeld();
    return !idle_.empty() || closed_;
  });
  if (closed_) return absl::UnavailableError("the store is closed");
  std::unique_ptr<Database> database = std::move(idle_.back());
  idle_.pop_back();
  ++out_;
  return Lease(*this, std::move(database));
}

void ReaderPool::Close() {
  MutexLock lock(mutex_);
  closed_ = true;
  changed_.SignalAll();
  changed_.Wait(mutex_, [this] {
    mutex_.AssertHeld();
    return out_ == 0;
  });
  idle_.clear();
}

void ReaderPool::GiveBack(std::unique_ptr<Database> database) {
  MutexLock lock(mutex_);
  idle_.push_back(std::move(database));
  --out_;
  if (closed_) {
    changed_.SignalAll();
  } else {
    changed_.Signal();
  }
}

}  // namespace bits::store

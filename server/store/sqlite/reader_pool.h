// Connections that read.
#ifndef BITS_SERVER_STORE_SQLITE_READER_POOL_H_
#define BITS_SERVER_STORE_SQLITE_READER_POOL_H_

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/base/mutex.h"
#include "server/store/sqlite/database.h"

namespace bits::store {

// Thread-safe.
class ReaderPool {
 public:
  // A connection for the caller alone, given back when the lease ends. A short time: an open
  // read transaction keeps the write-ahead log from being reused.
  class Lease {
   public:
    Lease(ReaderPool& pool, std::unique_ptr<Database> database)
        : pool_(&pool), database_(std::move(database)) {}
    ~Lease() {
      if (database_ != nullptr) pool_->GiveBack(std::move(database_));
    }
    Lease(Lease&&) = default;
    Lease& operator=(Lease&&) = delete;

    Database& operator*() const { return *database_; }

   private:
    ReaderPool* pool_;
    std::unique_ptr<Database> database_;
  };

  explicit ReaderPool(std::vector<std::unique_ptr<Database>> databases);

  // Waits for one. UNAVAILABLE once closed.
  absl::StatusOr<Lease> Take();

  // Refuses new leases, waits for those that are out, closes the connections.
  void Close();

 private:
  void GiveBack(std::unique_ptr<Database> database);

  Mutex mutex_;
  CondVar changed_;
  std::vector<std::unique_ptr<Database>> idle_ BITS_GUARDED_BY(mutex_);
  size_t out_ BITS_GUARDED_BY(mutex_) = 0;
  bool closed_ BITS_GUARDED_BY(mutex_) = false;
};

}  // namespace bits::store

#endif  // BITS_SERVER_STORE_SQLITE_READER_POOL_H_

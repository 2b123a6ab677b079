// Tasks that follow one another, on threads that they share with other strands.
#ifndef BITS_SERVER_TRANSFER_STRAND_H_
#define BITS_SERVER_TRANSFER_STRAND_H_

#include <deque>
#include <functional>
#include <memory>

#include "server/base/executor.h"
#include "server/base/mutex.h"

namespace bits::transfer {

// Thread-safe. Lives until its last task is done.
class Strand : public std::enable_shared_from_this<Strand> {
 public:
  // The executor outlives the strand; what it refuses (it is shutting down) is dropped.
  explicit Strand(Executor* executor) : executor_(executor) {}

  // Runs `task` after all that were posted before it, never beside one of them.
  void Post(std::function<void()> task);

 private:
  void Schedule();
  void Run();

  Executor* const executor_;
  Mutex mutex_;
  std::deque<std::function<void()>> tasks_ BITS_GUARDED_BY(mutex_);
  bool scheduled_ BITS_GUARDED_BY(mutex_) = false;
};

}  // namespace bits::transfer

#endif  // BITS_SERVER_TRANSFER_STRAND_H_

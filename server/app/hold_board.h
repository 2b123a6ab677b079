// Which hosts and destinations are out of order (domain/holds.h), as the transfers find out. In memory
// only: after a restart they find out again.
#ifndef BITS_SERVER_APP_HOLD_BOARD_H_
#define BITS_SERVER_APP_HOLD_BOARD_H_

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "absl/time/time.h"
#include "server/app/ports/clock.h"
#include "server/app/ports/file_system.h"
#include "server/base/mutex.h"
#include "server/domain/event.h"
#include "server/domain/holds.h"
#include "server/domain/job.h"
#include "server/domain/turns.h"

namespace bits::app {

// Thread-safe; nothing here blocks. Calls nobody under its lock, so that it may be called under others.
class HoldBoard {
 public:
  HoldBoard(const FileSystem* files, const Clock* clock, domain::HoldPolicy policy)
      : files_(files), clock_(clock), policy_(policy) {}

  // Called on any thread when the scheduler should look: a hold has ended, or its probe is due
  // earlier. Set before use.
  void SetListener(std::function<void()> listener) { listener_ = std::move(listener); }
  void SetPolicy(domain::HoldPolicy policy);

  // What a try at a file came to: each is of the file's host (HostFor), or of the root of its path.
  void OnBytesArrived(const std::string& host);
  void OnWritten(const std::string& path);
  void OnFailed(const domain::JobId& job, const std::string& host, const std::string& path,
                const domain::Failure& failure);

  // One look of the scheduler's at the queue: of the jobs that need a thing whose probe is due
  // it offers one.
  class Look {
   public:
    explicit Look(const HoldBoard& board) : board_(board), now_(board.clock_->Now()) {}
    bool PassesOver(const domain::WaitingJob& job);
    // Whether that is all that any job needing both would hear.
    bool PassesOverAll(const std::string& host, const std::string& destination) const;
    // The first probe that was not due yet at this look; InfiniteFuture: none.
    absl::Time NextProbe() const;

   private:
    const HoldBoard& board_;
    const absl::Time now_;
    std::unordered_set<std::string> offered_;
  };
  // The job has been given its turn. True if that is a probe.
  bool OnStart(const domain::WaitingJob& job);
  void OnTurnEnded(const domain::JobId& job);
  // The job's owner resumed it: what it waits for is probed now.
  void ProbeNow(const domain::Job& job);

  struct Obstacle {
    domain::Requeue requeue;  // what is held
    bool host = false;        // it is, and not the destination alone
  };
  // What keeps a job from turning to this file in its turn; nullopt: nothing does. A file whose source's
  // host is held is turned to the next source that has not failed, if there is one that is not.
  std::optional<Obstacle> WhyNot(const domain::Job& job, domain::File& file);
  bool IsHostHeld(const std::string& host) const;
  // Sets job.held of a QUEUED one.
  void AddHeld(domain::Job& job) const;

  // The hosts whose hold has ended since the last call: the jobs that failed for it are to be
  // queued.
  std::vector<std::string> TakeBack();

 private:
  // `job`: whose try it was; null: bytes arrive.
  void OnHostAnswer(const std::string& host, const domain::JobId* job);
  void Note() BITS_REQUIRES(mutex_);

  const FileSystem* const files_;
  const Clock* const clock_;
  std::function<void()> listener_;

  // Nothing is held: the lock need not be taken.
  std::atomic<bool> idle_ = true;
  mutable Mutex mutex_;
  domain::HoldPolicy policy_ BITS_GUARDED_BY(mutex_);
  domain::Holds hosts_ BITS_GUARDED_BY(mutex_);
  domain::Holds destinations_ BITS_GUARDED_BY(mutex_);
  std::vector<std::string> back_ BITS_GUARDED_BY(mutex_);
};

}  // namespace bits::app

#endif  // BITS_SERVER_APP_HOLD_BOARD_H_

// One caller of WatchJobs: a WatchFeed on a gRPC stream.
#ifndef BITS_SERVER_RPC_WATCH_REACTOR_H_
#define BITS_SERVER_RPC_WATCH_REACTOR_H_

#include <grpcpp/support/server_callback.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "bits/v1/event.pb.h"
#include "server/app/job_manager.h"
#include "server/app/ports/job_store.h"
#include "server/app/watch_hub.h"
#include "server/base/executor.h"
#include "server/base/mutex.h"
#include "server/rpc/sealed_token.h"
#include "server/rpc/timer_queue.h"
#include "server/rpc/watch_feed.h"

namespace bits::rpc {

struct WatchOptions {
  size_t max_watchers = 10'000;
  std::chrono::milliseconds bookmark_interval{30'000};  // with nothing sent
  // How long one message may wait to be taken before a watcher whose next events have left
  // the hub's memory is given up.
  std::chrono::milliseconds slow_consumer_timeout{60'000};
  WatchFeed::Options feed;
};

// What watchers need of the server; all of it outlives them.
struct WatchEnvironment {
  app::JobManager* jobs = nullptr;
  app::JobStore* store = nullptr;
  app::WatchHub* hub = nullptr;
  Executor* reads = nullptr;    // what may block for I/O
  Executor* replies = nullptr;  // what makes messages and sends them
  TimerQueue* timers = nullptr;
  const TokenSealer* tokens = nullptr;
};

// Everything happens in Run(), which any thread may call and one at a time is in: it alone
// uses the feed and calls gRPC, with no lock held; a call that finds it busy makes it go round
// once more. Wakes, timers and results of reads only leave a note and see that it runs.
class WatchReactor final : public grpc::ServerWriteReactor<v1::JobEvent>,
                           public std::enable_shared_from_this<WatchReactor> {
 public:
  // `on_done` is called at the very end, on one of gRPC's threads.
  static std::shared_ptr<WatchReactor> Make(WatchSpec spec, const WatchOptions& options,
                                            const WatchEnvironment& env,
                                            std::function<void()> on_done);

  // Once: takes up the watch. gRPC's share in the reactor begins, and ends with OnDone.
  void Start();
  // Once, instead of Start: gives only this status.
  void Refuse(const absl::Status& status);
  // Ends the stream, if it has not ended.
  void End(const absl::Status& status);

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  using Instant = TimerQueue::Clock::time_point;

  WatchReactor(WatchSpec spec, const WatchOptions& options, const WatchEnvironment& env,
               std::function<void()> on_done);

  void Run();
  // One turn of Run. False: it has nothing more to do.
  bool Turn();
  bool GoRound();  // false: Run is over
  void Write();    // message_
  void Idle(Instant now, std::optional<Instant> wake_at);
  void GiveUpIfBehind(Instant now);

  void Wake();
  void PostRun();
  void PostRead(std::function<void(WatchReactor&)> read);
  void ReadJobs(const app::JobQuery& query);
  void ReadEvents(app::Revision cursor);
  absl::Status CursorExpired() const;
  // Sees to it that Run comes by `when`.
  void ArmLocked(Instant when) BITS_REQUIRES(mutex_);
  void OnTimer(Instant armed_for);

  const WatchSpec spec_;
  const WatchOptions options_;
  const WatchEnvironment env_;
  const std::function<void()> on_done_;

  // Of Run() alone, but for what gRPC reads of a message until OnWriteDone.
  std::optional<WatchFeed> feed_;
  v1::JobEvent message_;

  Mutex mutex_;  // held for moments only, and over no call of another's but the timers'
  std::shared_ptr<WatchReactor> self_ BITS_GUARDED_BY(mutex_);  // gRPC's share
  app::WatchHub::WatcherId watcher_ BITS_GUARDED_BY(mutex_) = 0;
  bool running_ BITS_GUARDED_BY(mutex_) = false;
  bool again_ BITS_GUARDED_BY(mutex_) = false;
  bool posted_ BITS_GUARDED_BY(mutex_) = false;  // a Run waits at the executor
  bool finished_ BITS_GUARDED_BY(mutex_) = false;
  std::optional<absl::Status> end_ BITS_GUARDED_BY(mutex_);
  bool writing_ BITS_GUARDED_BY(mutex_) = false;
  bool reading_ BITS_GUARDED_BY(mutex_) = false;
  std::optional<app::JobPage> jobs_read_ BITS_GUARDED_BY(mutex_);
  std::optional<std::vector<app::EventRecord>> events_read_ BITS_GUARDED_BY(mutex_);
  Instant last_write_ BITS_GUARDED_BY(mutex_);  // when it was begun
  TimerQueue::TimerId timer_ BITS_GUARDED_BY(mutex_) = 0;
  Instant timer_at_ BITS_GUARDED_BY(mutex_) = Instant::max();
};

}  // namespace bits::rpc

#endif  // BITS_SERVER_RPC_WATCH_REACTOR_H_

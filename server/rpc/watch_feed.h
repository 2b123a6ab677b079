// What one watcher is sent, message by message: the snapshot, then the events after it, with
// the progress of jobs between them in the order of commits.
#ifndef BITS_SERVER_RPC_WATCH_FEED_H_
#define BITS_SERVER_RPC_WATCH_FEED_H_

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "bits/v1/event.pb.h"
#include "server/app/policy_manager.h"
#include "server/app/ports/job_store.h"
#include "server/app/principal.h"
#include "server/app/watch_hub.h"
#include "server/domain/job_filter.h"
#include "server/rpc/sealed_token.h"
#include "server/rpc/watch_interest.h"

namespace bits::rpc {

// What a caller of WatchJobs asked for.
struct WatchSpec {
  app::Principal principal;
  domain::JobFilter filter;
  std::optional<app::Revision> cursor;  // nullopt: begin with a snapshot
  bool all_owners = false;
};

// Not thread-safe, and nothing blocks: what must be read from the store is asked for by
// Next() and given by the two On… functions.
class WatchFeed {
 public:
  using Instant = std::chrono::steady_clock::time_point;
  struct Options {
    uint32_t batch = 256;  // jobs or events read at a time
    size_t remembered_jobs = 1 << 16;
    std::chrono::milliseconds progress_interval{250};  // between two of one job
    const app::PolicyManager* policies = nullptr;  // null: the defaults
  };
  // Both outlive the feed.
  WatchFeed(const WatchSpec& spec, const Options& options, const app::WatchHub* hub,
            const TokenSealer* tokens);

  enum class Step : uint8_t {
    kMessage,     // one more message to send
    kReadJobs,    // the next page of the snapshot is wanted: query(), then OnJobs
    kReadEvents,  // what the store keeps after cursor() is wanted: then OnEvents
    kIdle,        // nothing now; again when the hub wakes, and at *wake_at if that is set
  };
  // Takes the hub's lock, so hold none that a wake takes.
  Step Next(Instant now, v1::JobEvent* message, std::optional<Instant>* wake_at);

  const app::JobQuery& query() const { return query_; }
  void OnJobs(app::JobPage page);
  void OnEvents(std::vector<app::EventRecord> events);

  // All up to here was sent or is not the watcher's.
  app::Revision cursor() const { return cursor_; }
  bool in_snapshot() const { return in_snapshot_; }
  void Bookmark(v1::JobEvent* message) const;
  // Whether events that are still to be sent have left the hub's memory.
  bool IsBehind() const;

 private:
  // The two halves of Next. False: nothing is left of it.
  bool TakeSnapshotMessage(v1::JobEvent* message);
  bool TakeLiveMessage(v1::JobEvent* message);
  bool TakeProgress(v1::JobEvent* message);
  bool ReadProgress(Instant now);  // false: it is not time
  // Whether the job's last one is long enough ago; then this is the last.
  bool IsDue(const app::EventRecord& progress, Instant now);
  app::PolicyManager::Snapshot CurrentPolicy() const;
  bool IsStale(const app::EventRecord& progress) const;

  const Options options_;
  const app::WatchHub* const hub_;
  const TokenSealer* const tokens_;
  WatchInterest interest_;

  app::Revision cursor_ = 0;
  bool in_snapshot_;
  app::JobQuery query_;
  bool page_read_ = false;  // page_ holds what OnJobs gave
  app::JobPage page_;
  size_t page_at_ = 0;
  // Jobs that had changed already when the snapshot came to them: events up to their revision
  // are older than what was sent.
  std::unordered_map<domain::JobId, app::Revision> newer_;

  bool check_cursor_;  // the store has not said yet whether it keeps what comes after
  std::deque<app::WatchHub::Event> events_;
  std::deque<app::WatchHub::Event> progress_;
  uint64_t progress_position_ = 0;
  Instant progress_due_{};
  // By job, where its minimum_notification_interval is not over: when it is, and what is sent then.
  std::unordered_map<domain::JobId, Instant> next_progress_;
  std::unordered_map<domain::JobId, app::WatchHub::Event> early_;
  // Jobs whose events were taken since ReadProgress, and since the one before: older progress
  // of theirs is void, also where it was published late.
  struct Recent {
    std::unordered_map<domain::JobId, app::Revision> revisions;
    bool full = false;  // there were more
  };
  Recent recent_;
  Recent before_;
};

}  // namespace bits::rpc

#endif  // BITS_SERVER_RPC_WATCH_FEED_H_

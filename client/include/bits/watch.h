// A watch of jobs that outlives connections and servers.
#ifndef BITS_WATCH_H_
#define BITS_WATCH_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "bits/v1/event.pb.h"
#include "bits/v1/job.pb.h"

namespace bits {
inline namespace client_0 {

struct WatchOptions {
  // Which jobs, as WatchJobsRequest.filter has it; see FilterForJobs. Empty: all.
  std::string filter;
  // Go on after this event (JobEvent.cursor). Empty: begin with a snapshot.
  std::string cursor;
  // Also other owners' jobs. An administrator's.
  bool all_owners = false;
  // How long the server may be away before the watch gives up with its last status:
  // from the first failure to the next message. Unset: for ever.
  std::optional<std::chrono::milliseconds> outage_timeout = std::chrono::minutes(5);
  // Called by Next() on its thread when the stream broke and will be opened again
  // after `delay`. May call Cancel(), not Next().
  std::function<void(const absl::Status& why, std::chrono::milliseconds delay)> on_reconnect;
};

struct WatchEvent {
  v1::JobEvent event;
  // True on the first event of a snapshot that was not asked for: the events between are
  // lost (the server no longer keeps them, or the first snapshot was cut short).
  // Forget what you know of the jobs; this event and those up to
  // TYPE_SNAPSHOT_END tell it anew.
  bool restarted = false;
};

// Events as JobService.WatchJobs gives them: those of one job in order, each at least
// once. When the stream breaks because the server went away (UNAVAILABLE) or the
// caller was too slow (SLOW_CONSUMER), it is opened again after the last event.
class WatchSession {
 public:
  virtual ~WatchSession() = default;

  // The next event; blocks until there is one. Any status is the end and comes
  // again from every further call: kCancelled after Cancel(), kUnavailable after
  // outage_timeout, or what the server refused with. One thread at a time.
  virtual absl::StatusOr<WatchEvent> Next() = 0;

  // Ends the watch, also a Next() that is blocked. From any thread, more than once.
  virtual void Cancel() = 0;

  // Where to go on from with WatchOptions::cursor: the position of the last event
  // that Next() gave. Empty before the first snapshot is over. On Next()'s thread.
  virtual std::string cursor() const = 0;
};

// A filter that lets these jobs pass, and as good as no other: the language has no
// field for a job's name, so look at event.job().name() as well. Jobs as the server
// gave them (create_time must be set). Empty, that is all, for no jobs.
std::string FilterForJobs(const std::vector<v1::Job>& jobs);

}  // namespace client_0
}  // namespace bits

#endif  // BITS_WATCH_H_

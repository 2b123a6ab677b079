// Waiting for a job to stop, seeing what happens to it on the way.
#ifndef BITS_CLIENT_CLI_FOLLOW_H_
#define BITS_CLIENT_CLI_FOLLOW_H_

#include <absl/status/status.h>

#include <chrono>
#include <optional>
#include <string>

#include "bits/client.h"
#include "client/cli/interrupts.h"

namespace bits::cli {

// What is told on the way, all on the thread that follows.
class FollowListener {
 public:
  virtual ~FollowListener() = default;
  // The job as it is now: at first, and after each change.
  virtual void OnJob(const v1::Job& job) = 0;
  // The job entered (or was found in) STATE_TRANSIENT_ERROR.
  virtual void OnTransientError(const v1::Error& error) = 0;
  // A file of the job was started over.
  virtual void OnFileRestarted(const std::string& file) = 0;
  // The server is away and will be asked again after `delay`.
  virtual void OnReconnect(const absl::Status& why, std::chrono::milliseconds delay) = 0;
  // Half a second passed with nothing of the above.
  virtual void OnTick() = 0;
};

struct FollowResult {
  enum class End {
    kStopped,      // `job` is TRANSFERRED, ERROR, ACKNOWLEDGED or CANCELLED
    kForgotten,    // the server has forgotten the job
    kInterrupted,  // by the user
    kFailed,       // `status` says why it could not be followed any further
  };
  End end = End::kFailed;
  v1::Job job;  // as last seen
  // Where `job` is in STATE_ERROR: what went wrong, if the server still tells.
  std::optional<v1::Error> error;
  absl::Status status;
};

// Follows `job` (as the server gave it) until it stops.
FollowResult FollowJob(const Client& client, const v1::Job& job, Interrupts& interrupts,
                       FollowListener& listener);

}  // namespace bits::cli

#endif  // BITS_CLIENT_CLI_FOLLOW_H_

// Who moves the bytes of one file. Knows nothing of jobs but their ids.
#ifndef BITS_SERVER_APP_PORTS_TRANSFER_ENGINE_H_
#define BITS_SERVER_APP_PORTS_TRANSFER_ENGINE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "server/app/job_secrets.h"
#include "server/domain/bandwidth.h"
#include "server/domain/error.h"
#include "server/domain/event.h"
#include "server/domain/job.h"

namespace bits::app {

// How a job's files are asked for.
struct RequestOptions {
  domain::HttpOptions http;
  domain::ProxySettings proxy;
  JobSecrets secrets;
};

// One try at one file.
struct TransferSpec {
  domain::JobId job;
  uint32_t attempt = 0;  // the job's
  // What is fetched and what is here of it: remote_name, given_name, mirrors (from mirrors.source),
  // ranges, path, temporary_path, checksum, bytes_transferred, bytes_total, validators.
  // With temporary_path == path nothing is told of before it is whole, and nothing is gone on from.
  domain::File file;
  bool require_ranges = false;
  // What an earlier try has left is not gone on from, unless it is all.
  bool dynamic_content = false;
  // More bytes than this are kMaxDownloadSizeReached, as soon as that is known.
  std::optional<uint64_t> max_size = {};
  std::shared_ptr<const RequestOptions> request = nullptr;  // null: nothing special
  domain::Priority priority = domain::Priority::kNormal;
  domain::Rate max_bytes_per_second = 0;  // of all the job's files together; 0: no limit
};

enum class RestartReason : uint8_t {
  kChanged,   // the origin proved another version
  kUnproven,  // there is nothing to prove the version by
  kNoRanges,  // the origin does not give parts
  kLost,      // the temporary file holds less than was recorded
  kSource,    // another source gives the file, and nothing proves that it is the same
};

// What becomes of the try. Called on the engine's threads, for one try one call at a time and in
// order; must not block.
class TransferObserver {
 public:
  virtual ~TransferObserver() = default;
  // The origin has answered well: bytes (or an empty body) arrive. At most once, before OnCheckpoint
  // and OnTransferred; never where an earlier try had it all, and nobody was asked.
  virtual void OnBytesArrive() = 0;
  // What is here must go: nothing of the new version is written before `proceed` is called
  // (from any thread, once; or never, if Stop comes instead). Only given when
  // the file's recorded bytes_transferred is not 0.
  virtual void OnRestart(RestartReason reason, std::function<void()> proceed) = 0;
  // So much is durable in the temporary file.
  virtual void OnCheckpoint(const domain::Checkpoint& checkpoint) = 0;
  // So much has arrived; some of it may be lost with a crash. At most four a second.
  virtual void OnProgress(uint64_t bytes_arrived, std::optional<uint64_t> bytes_total) = 0;

  // Exactly one of these ends the try; the engine then touches the temporary file no more and lets
  // go of the observer.
  // `identity`: the temporary file's LocalFile::Identity(), empty if it cannot be told.
  virtual void OnTransferred(const domain::Checkpoint& last, const std::string& identity) = 0;
  // Preceded by a last OnCheckpoint for what is good and durable. With kValidationFailed the
  // file must start over.
  virtual void OnFailed(const domain::Failure& failure) = 0;
  // After Stop; what is good was made durable and told by OnCheckpoint.
  virtual void OnStopped() = 0;
};

// Thread-safe; nothing here blocks.
class TransferEngine {
 public:
  using TransferId = uint64_t;  // never used twice in a process; 0 is none
  virtual ~TransferEngine() = default;
  // Begins, or queues if too many are under way.
  virtual TransferId Start(TransferSpec spec, std::shared_ptr<TransferObserver> observer) = 0;
  // Ends it soon: OnStopped, unless it ended otherwise just before. Unknown ids are ignored.
  virtual void Stop(TransferId id) = 0;
  // Both hold for what is under way as well, at once. Before the first there are no limits. A
  // priority whose rate is 0 gets nothing, until it is stopped.
  virtual void SetRateLimits(const domain::RateLimits& limits) = 0;
  // What a TransferSpec says of these, of all that is under way of the job.
  virtual void SetJobRate(const domain::JobId& job, domain::Priority priority,
                          domain::Rate max_bytes_per_second) = 0;
};

}  // namespace bits::app

#endif  // BITS_SERVER_APP_PORTS_TRANSFER_ENGINE_H_

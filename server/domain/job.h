// A job and its files, as the rules see them. Plain values: copy them freely, from any
// thread.
#ifndef BITS_SERVER_DOMAIN_JOB_H_
#define BITS_SERVER_DOMAIN_JOB_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "server/domain/credentials.h"
#include "server/domain/error.h"
#include "server/domain/file_range.h"
#include "server/domain/http_options.h"
#include "server/domain/mirrors.h"
#include "server/domain/notification_options.h"
#include "server/domain/proxy.h"
#include "server/domain/retry_options.h"
#include "server/domain/timing.h"

namespace bits::domain {

// A UUID in its canonical lower-case form.
using JobId = std::string;

// The numbers of the enums below are stored: never renumber, only add.

// BG_JOB_TYPE.
enum class JobType : uint8_t { kDownload = 0, kUpload = 1, kUploadReply = 2 };

// BG_JOB_STATE, BITS's numbers.
enum class JobState : uint8_t {
  kQueued = 0,
  kConnecting = 1,
  kTransferring = 2,
  kSuspended = 3,
  kError = 4,
  kTransientError = 5,
  kTransferred = 6,
  kAcknowledged = 7,
  kCancelled = 8,
};
inline constexpr int kJobStateCount = 9;

// BG_JOB_PRIORITY, BITS's numbers: a smaller one goes first.
enum class Priority : uint8_t { kForeground = 0, kHigh = 1, kNormal = 2, kLow = 3 };

// What Complete or Cancel came to.
enum class JobResult : uint8_t { kNone = 0, kOk = 1, kPartialComplete = 2, kUnableToDeleteFiles = 3 };

// What has been decided and committed, and is still being carried out on the file
// system. A crash repeats it at the next start.
enum class Pending : uint8_t {
  kNone = 0,
  kPublish = 1,  // Complete: give finished files their names
  kCleanup = 2,  // delete temporary files of a final job
};

enum class ChecksumAlgorithm : uint8_t { kSha256 = 1, kSha512 = 2, kMd5 = 3, kCrc32c = 4 };

struct Checksum {
  ChecksumAlgorithm algorithm = ChecksumAlgorithm::kSha256;
  std::string hex;  // lower case, of the algorithm's length; empty: not found yet
  // Of a checksum file that says it (http or https); empty: `hex` was given. What it said holds until
  // the file starts over.
  std::string uri = {};
  bool operator==(const Checksum&) const = default;
};

// What proves that bytes fetched at different times are of one version of the content.
struct Validators {
  std::string etag;           // as received; weak ones (W/...) prove nothing
  std::string last_modified;  // the header as received
  std::string resource = {};  // a digest of the URL that gave them, redirects followed
  // The size of the whole remote file; of a file with ranges, whose bytes_total is another.
  std::optional<uint64_t> remote_size = {};
  uint32_t source = 0;  // of the file's (domain/mirrors.h), that gave them
  // What is here is of several sources: nothing but the checksum will prove that it is one content.
  bool joined = false;
  // ETag and Last-Modified empty: nothing can be proven, a resumed transfer must start over.
  bool operator==(const Validators&) const = default;
};

// What the owner has said of a file's content (IBackgroundCopyFile3).
enum class Validation : uint8_t { kNone = 0, kValid = 1, kInvalid = 2 };

struct File {
  uint32_t ordinal = 0;     // from 1, in the order of adding
  // As the client gave it, or where a redirect led that was to be reported; may hold secrets.
  std::string remote_name;
  // The one that the client gave, where a redirect has put another in its place: the job's secrets are
  // for its origin still. Empty: remote_name.
  std::string given_name;
  std::string local_name;   // as the client gave it
  std::string path;         // the destination: absolute, normal, under a root
  std::string temporary_path;  // beside it; ours alone. With high_performance: path itself
  // Tells the file at temporary_path, once it is whole, from any other. Empty: not known.
  std::string temporary_identity;
  std::optional<Checksum> checksum;
  FileRanges ranges;  // empty: all of it
  Mirrors mirrors;

  std::optional<uint64_t> bytes_total;
  uint64_t bytes_transferred = 0;  // durable in temporary_path
  uint64_t bytes_furthest = 0;     // the most that bytes_transferred ever was
  bool transferred = false;        // all bytes are here and checked
  bool completed = false;          // published under `path`
  Validation validation = Validation::kNone;
  Validators validators;           // of the version that bytes_transferred belongs to
  std::optional<absl::Time> last_modified;
  uint32_t restarts = 0;
  // The lines of the last answer, `Name: value` and CRLF each, without those that are secret.
  std::string response_headers;

  bool operator==(const File&) const = default;
};

struct TransferOptions {
  uint32_t max_parallel_files = 0;  // 0: kDefaultParallelFiles
  bool require_ranges = false;
  uint64_t max_bytes_per_second = 0;  // of all its files together; 0: no limit
  // A file that was interrupted starts over: what comes next need not be of the same content.
  bool dynamic_content = false;
  // Straight to the destination: no temporary file, no checkpoints.
  bool high_performance = false;
  uint64_t max_download_size = 0;  // of all its files together; 0: no limit
  bool operator==(const TransferOptions&) const = default;
};
inline constexpr uint32_t kDefaultParallelFiles = 4;
inline constexpr uint32_t kMaximumParallelFiles = 64;

struct JobProgress {
  uint64_t bytes_total = 0;    // over the files of known size
  uint32_t files_unsized = 0;  // bytes_total is unknown while > 0
  uint64_t bytes_transferred = 0;
  uint32_t files_total = 0;
  uint32_t files_transferred = 0;
  uint32_t files_completed = 0;
  bool operator==(const JobProgress&) const = default;
};

inline constexpr absl::Duration kDefaultMinimumRetryDelay = absl::Seconds(600);
inline constexpr absl::Duration kLeastRetryDelay = absl::Seconds(5);
inline constexpr absl::Duration kDefaultNoProgressTimeout = absl::Hours(14 * 24);
inline constexpr absl::Duration kDefaultMaximumDownloadTime = absl::Hours(90 * 24);

inline constexpr absl::Duration kDefaultNotificationInterval = absl::Milliseconds(500);

// What a job in the queue is passed over for.
struct Held {
  bool by_host = false;  // else by its destination
  absl::Time until;      // when that is next tried
  bool operator==(const Held&) const = default;
};

struct Job {
  JobId id;
  std::string owner;
  JobType type = JobType::kDownload;
  JobState state = JobState::kSuspended;
  Priority priority = Priority::kNormal;
  std::string display_name;
  std::string description;
  std::map<std::string, std::string> labels;

  absl::Time create_time;
  absl::Time update_time;    // of any change
  absl::Time activity_time;  // of the last progress or change by the owner: inactivity counts from it
  std::optional<absl::Time> transfer_completion_time;
  absl::Duration minimum_retry_delay = kDefaultMinimumRetryDelay;
  absl::Duration no_progress_timeout = kDefaultNoProgressTimeout;
  absl::Duration maximum_download_time = kDefaultMaximumDownloadTime;
  TransferOptions options;
  HttpOptions http;
  ProxySettings proxy;
  Timing timing;
  RetryOptions retry;
  // Between two progress events for a watcher.
  absl::Duration notification_interval = kDefaultNotificationInterval;
  bool auto_complete = false;  // with the last file it completes itself
  // Those that are set, in order. What they are is among the job's secrets, as are the values of
  // http.secret_headers.
  std::vector<CredentialSlot> credentials;
  bool secrets_volatile = false;  // the secrets will not survive the process
  bool resumed = false;           // it was, ever
  bool has_ranges = false;        // some file of it has
  bool has_mirrors = false;       // likewise
  NotificationOptions notifications;
  uint64_t notification_count = 0;  // ever made; the last one's number

  JobProgress progress;
  uint32_t error_count = 0;
  uint32_t attempt_count = 0;
  std::optional<Error> error;  // what GetError gives
  JobResult result = JobResult::kNone;
  Pending pending = Pending::kNone;
  bool unasked = false;  // of kPublish: auto_complete began it, nobody waits for it
  bool completion_failed = false;  // so it did, and it failed; nobody has been told but the history

  // When the job entered its present wait for a turn (QUEUED): turns go by it.
  absl::Time queue_time;
  // The first transient error since the last progress: no_progress_timeout counts from it.
  std::optional<absl::Time> stalled_since;
  uint32_t retry_count = 0;  // of waits for a next try since then
  std::optional<absl::Time> retry_time;  // of TRANSIENT_ERROR
  // Time spent in CONNECTING and TRANSFERRING since the last Resume, without the
  // stretch that began at active_since.
  absl::Duration active_time = absl::ZeroDuration();
  std::optional<absl::Time> active_since;
  std::optional<absl::Time> final_time;  // when a final state was entered

  // What its next turn needs: the host (domain/holds.h) of the file that comes next, and the root of
  // its destination. Empty: not known, or none; it is found out in the turn.
  std::string host;
  std::string destination;
  // Its last failure was one of connecting or of the connection: it is tried again at once when the
  // host, having been held, is back, and may also use up its no_progress_timeout in the queue.
  bool host_failed = false;
  // It is QUEUED and stands in no queue: it waits for timing.not_before.
  bool deferred = false;
  // Not stored: of a QUEUED job, as the scheduler sees it now.
  std::optional<Held> held;

  // The store's. `version` counts writes of this job (compare-and-set);
  // `revision` is that of its last event, and its etag.
  uint64_t version = 0;
  uint64_t revision = 0;

  bool operator==(const Job&) const = default;
};

constexpr bool IsFinal(JobState s) {
  return s == JobState::kAcknowledged || s == JobState::kCancelled;
}
// In CONNECTING or TRANSFERRING: the job holds a slot and its files are being fetched.
constexpr bool IsActive(JobState s) {
  return s == JobState::kConnecting || s == JobState::kTransferring;
}
// Of a job with high_performance: what is there is never deleted, and never gone on from.
inline bool IsWrittenInPlace(const File& file) { return file.temporary_path == file.path; }
inline bool AllFilesTransferred(const Job& job) {
  return job.progress.files_transferred == job.progress.files_total;
}
inline uint32_t ParallelFiles(const Job& job) {
  return job.options.max_parallel_files == 0 ? kDefaultParallelFiles
                                             : job.options.max_parallel_files;
}

// Whether Resume was ever called. Jobs of earlier versions do not have it recorded.
inline bool WasResumed(const Job& job) {
  return job.resumed || job.attempt_count > 0 || job.state != JobState::kSuspended;
}
inline bool HasSecrets(const Job& job) {
  return !job.credentials.empty() || !job.http.secret_headers.empty();
}

// "QUEUED", "TRANSIENT_ERROR", ...
std::string_view StateName(JobState state);

}  // namespace bits::domain

#endif  // BITS_SERVER_DOMAIN_JOB_H_

// What can happen to a job. Decide() (decide.h) takes one and says what follows.
#ifndef BITS_SERVER_DOMAIN_EVENT_H_
#define BITS_SERVER_DOMAIN_EVENT_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "server/domain/job.h"

namespace bits::domain {

// The columns of the transition table, in the order of the alternatives of Event.
enum class EventKind : uint8_t {
  // The owner's verbs: illegal ones are refused.
  kResume,
  kSuspend,
  kCancel,
  kComplete,
  kAddFiles,
  kUpdate,
  kSetRemoteName,
  kTakeOwnership,
  kSetValidationState,
  // The transfer's: those that come too late are ignored.
  kStart,
  kBytesArrived,
  kCheckpoint,
  kFileRestarted,
  kFileTransferred,
  kFail,
  kRequeue,
  // Timers': likewise.
  kRetryDue,
  kNoProgress,
  kMaximumDownloadTime,
  kDeadline,
  kNotBefore,
  kInactivity,
  kForget,
  // Outcomes of work on the file system.
  kFilePublished,
  kFileLost,
  kPublished,
  kPublishFailed,
  kCleanedUp,
};
inline constexpr int kEventKindCount = 28;

struct Resume {};
struct Suspend {};
struct Cancel {};
// Begin to complete: Decision.effects ask for the publishing.
struct Complete {};
// The files carry names, paths and checksum; Decide() numbers them.
struct AddFiles {
  std::vector<File> files;
  std::string destination = {};  // the root of the first one
};
// The properties to write, already checked; absent ones stay.
struct Update {
  std::optional<std::string> display_name;
  std::optional<std::string> description;
  std::optional<Priority> priority;
  std::optional<absl::Duration> minimum_retry_delay;
  std::optional<absl::Duration> no_progress_timeout;
  std::optional<absl::Duration> maximum_download_time;
  std::optional<std::map<std::string, std::string>> labels;
  std::optional<uint32_t> max_parallel_files;
  std::optional<bool> require_ranges;
  std::optional<HttpUpdate> http;
  std::optional<ProxySettings> proxy;
  std::optional<std::vector<CredentialSlot>> credentials;
  std::optional<bool> secrets_volatile;
  std::optional<uint64_t> max_bytes_per_second;
  std::optional<bool> dynamic_content;
  std::optional<bool> high_performance;
  std::optional<uint64_t> max_download_size;
  std::optional<TimingUpdate> timing;
  std::optional<RetryOptions> retry;
  std::optional<bool> auto_complete;
  std::optional<absl::Duration> notification_interval;
  std::optional<NotificationUpdate> notifications;
};
// Of the file that Decide() is given; or of several of the job, none of them transferred, which
// carry their new names.
struct SetRemoteName {
  std::string remote_name;
  std::vector<File> files = {};
};
// What the owner says of the content of the file that Decide() is given, which must be transferred
// and not be published. Not valid: it is fetched anew, by the next Resume.
struct SetValidationState {
  bool valid = false;
};
// An administrator makes the job theirs: what was the former owner's alone goes.
struct TakeOwnership {
  std::string owner;
};

// The scheduler gives the job its turn.
struct Start {
  // It is to find out whether its host, or its destination, is out of order still: what it waited in
  // the queue, it waited for that.
  bool probe = false;
};
// The origin of some file has answered well: bytes (or an empty body) arrive.
struct BytesArrived {};
// So much of the file is durable. What the origin said of it rides along.
struct Checkpoint {
  uint64_t bytes_transferred = 0;
  std::optional<uint64_t> bytes_total;
  Validators validators;
  std::optional<absl::Time> last_modified;
  std::string response_headers = {};  // as in File; empty: none came
  // The remote name that the try began with. Where a redirect was followed that is to be reported, it
  // becomes the other, if it is still the file's.
  std::string asked_name = {};
  std::string final_name = {};
  std::string digest = {};  // that the file's checksum file gave; empty: not fetched, or there is none
};
// The file goes back to 0, before any byte of the new version is written.
struct FileRestarted {};
// All bytes of the file are durable and checked.
struct FileTransferred {
  Checkpoint last;
  std::string temporary_identity = {};  // as in File
};
// An attempt failed; with the file that Decide() is given, or none. With kBlockedByPolicy: the policy
// stops the job, for `retry_after` if that is known; it goes on by RetryDue, which no timer brings.
struct Fail {
  Failure failure;
  uint32_t source = 0;  // of the file's, that was asked
};
// The job's turn ends without an error, and it keeps its place in the queue: it gave way to another,
// or the server stops, or has started anew.
struct Requeue {
  // The turn ended with the process that had it, after the job's last change.
  bool after_restart = false;
  // It has had its time slice, and goes to the end of the queue.
  bool slice_over = false;
  // What is held of the file that came next; empty: nothing is.
  std::string host = {};
  std::string destination = {};
};

struct RetryDue {};
struct NoProgress {};
struct MaximumDownloadTime {};
// It is not transferred, and should be (Timing).
struct Deadline {};
// It may have its turn now (Timing).
struct NotBefore {};
struct Inactivity {};
// A final job's tombstone has been kept long enough.
struct Forget {};

// One file has got its final name.
struct FilePublished {};
// What is at a transferred file's temporary path is not what was fetched: somebody else deleted or
// changed it. It is to be fetched again, by the next Resume.
struct FileLost {};
// All that were to be published are; temporaries_left: some could not be deleted.
struct Published {
  bool temporaries_left = false;
};
// A rename failed; the job stays. With the file that Decide() is given, or none.
struct PublishFailed {
  Failure failure = {};
};
// The temporary files of a final job are deleted, or some could not be.
struct CleanedUp {
  bool temporaries_left = false;
};

using Event = std::variant<Resume, Suspend, Cancel, Complete, AddFiles, Update, SetRemoteName,
                           TakeOwnership, SetValidationState, Start, BytesArrived, Checkpoint,
                           FileRestarted, FileTransferred, Fail, Requeue, RetryDue, NoProgress,
                           MaximumDownloadTime, Deadline, NotBefore, Inactivity, Forget,
                           FilePublished, FileLost, Published, PublishFailed, CleanedUp>;
static_assert(std::variant_size_v<Event> == kEventKindCount);

inline EventKind KindOf(const Event& event) { return static_cast<EventKind>(event.index()); }
// "Resume", "FileTransferred", ...
std::string_view EventName(EventKind kind);

}  // namespace bits::domain

#endif  // BITS_SERVER_DOMAIN_EVENT_H_

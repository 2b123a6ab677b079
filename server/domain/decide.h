// The heart: what follows when something happens to a job. Pure, total, deterministic;
// any thread.
#ifndef BITS_SERVER_DOMAIN_DECIDE_H_
#define BITS_SERVER_DOMAIN_DECIDE_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/domain/event.h"
#include "server/domain/job.h"
#include "server/domain/transition_table.h"

namespace bits::domain {

// What a watcher is told of a decision. The numbers are stored.
enum class ChangeKind : uint8_t {
  kCreated = 1,
  kStateChanged = 2,
  kModified = 3,
  kProgress = 4,  // not kept for replay
  kFileTransferred = 5,
  kFileRestarted = 6,
  kDeleted = 7,
};

// What was decided: to be committed whole, and only then carried out.
struct Decision {
  // False: nothing changed (a no-op, or an event that came too late); the rest is empty.
  bool changed = false;
  Job job;                  // as it is to be
  std::vector<File> files;  // to be written: those added, or the one concerned
  uint8_t effects = kNoEffects;
  std::vector<ChangeKind> changes;  // in order; several events may come of one decision
  std::optional<Error> error;       // made by this decision: for the job's history
};

// Decides. `file` is the file concerned, of kSetRemoteName, kSetValidationState, kCheckpoint, kFileRestarted,
// kFileTransferred, kFilePublished, kFileLost, and where there is one kFail, kPublishFailed; else null. `job.progress`
// must agree with the files. A refusal is a status with BITS's symbol as its reason
// (base/error_info.h). Time may stand still or go back a little: no rule breaks.
absl::StatusOr<Decision> Decide(const Job& job, const File* file, const Event& event,
                                absl::Time now);

// Whether the job is stopped by the policy (StopsJobs of bandwidth.h), and not by its own doing.
bool IsBlockedByPolicy(const Job& job);

// A new job, SUSPENDED, with `files` numbered from 1 and, if `start`, resumed at once.
// Refused with BG_E_EMPTY if it is to start without files. `job` carries id, owner,
// properties.
absl::StatusOr<Decision> DecideCreate(Job job, std::vector<File> files, bool start,
                                      absl::Time now);

}  // namespace bits::domain

#endif  // BITS_SERVER_DOMAIN_DECIDE_H_

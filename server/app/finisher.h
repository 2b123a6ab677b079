// What Complete and Cancel do to files: publishes those that are all here, deletes temporaries,
// and reports. What it is to do is on record before it begins (Job.pending), so that a crash
// repeats it; each step may be done twice without harm.
#ifndef BITS_SERVER_APP_FINISHER_H_
#define BITS_SERVER_APP_FINISHER_H_

#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/app/job_writer.h"
#include "server/app/ports/file_system.h"
#include "server/app/ports/job_store.h"
#include "server/app/transfer_runner.h"
#include "server/base/executor.h"
#include "server/base/mutex.h"

namespace bits::app {

// Thread-safe; nothing here blocks. The work runs on `executor`.
class Finisher {
 public:
  using Callback = std::function<void(absl::StatusOr<domain::Job>)>;

  Finisher(JobStore* store, FileSystem* files, JobWriter* writer, TransferRunner* runner,
           Executor* executor)
      : store_(store), files_(files), writer_(writer), runner_(runner), executor_(executor) {}

  // Does what job.pending says, once the job's transfers have ended. Called when that is committed,
  // and at the start of the server.
  void Begin(const domain::Job& job);

  // After the store was out of order: takes up what it could not report.
  void RecoverFromOutage();

  // Calls `done` when what is pending for the job is done: with the job, or with why a file could
  // not be published. At once if nothing is pending, with `job`; or if it was put off until the
  // store is in order again, UNAVAILABLE. On any thread.
  void Wait(const domain::Job& job, Callback done);

 private:
  // On the executor.
  void Publish(const domain::JobId& id);
  void Cleanup(const domain::JobId& id);
  // A file that could not be published, as the job's history tells of it.
  struct Trouble {
    uint32_t file = 0;
    domain::Failure failure;
  };
  // Publishes what it can of these files; the first failure, and of which file it is.
  absl::Status PublishPage(const domain::JobId& id, const std::vector<domain::File>& page,
                           Trouble& trouble);
  // Deletes the temporary files of those that are not completed. True if some are left.
  absl::StatusOr<bool> RemoveTemporaries(const domain::JobId& id);
  // The job's files, some at a time, until `visit` fails.
  absl::Status ForEachPage(
      const domain::JobId& id,
      const std::function<absl::Status(const std::vector<domain::File>&)>& visit);
  // Commits an outcome for each of these files.
  absl::Status Record(const domain::JobId& id, std::vector<uint32_t> ordinals,
                      domain::Event outcome);
  // Commits the outcome, of a file or of the whole job (0), and tells the waiters; `failure` if it is
  // one.
  void Report(const domain::JobId& id, uint32_t file, domain::Event outcome, absl::Status failure);
  void Tell(const domain::JobId& id, const absl::StatusOr<domain::Job>& result);
  // The work could not be done or reported: it is still on record, and is taken up later.
  void Postpone(const domain::JobId& id, const absl::Status& why);

  JobStore* const store_;
  FileSystem* const files_;
  JobWriter* const writer_;
  TransferRunner* const runner_;
  Executor* const executor_;
  Mutex mutex_;
  // Jobs with work under way, and who waits for it.
  std::unordered_map<domain::JobId, std::vector<Callback>> waiters_ BITS_GUARDED_BY(mutex_);
  std::unordered_set<domain::JobId> postponed_ BITS_GUARDED_BY(mutex_);
};

}  // namespace bits::app

#endif  // BITS_SERVER_APP_FINISHER_H_

// A decision while it is being made: what each event does to the job. Of decide.cc alone; one
// thread.
#ifndef BITS_SERVER_DOMAIN_DECISION_MAKER_H_
#define BITS_SERVER_DOMAIN_DECISION_MAKER_H_

#include <cstdint>
#include <optional>
#include <utility>

#include "absl/time/time.h"
#include "server/domain/decide.h"
#include "server/domain/event.h"
#include "server/domain/job.h"
#include "server/domain/transition_table.h"

namespace bits::domain {

class Maker {
 public:
  // `job` outlives it. `file`: as of Decide().
  Maker(const Job& job, const File* file, absl::Time now) : before_(job), now_(now) {
    d_.job = job;
    if (file != nullptr) file_ = *file;
  }

  // What follows of an event that the rule, which moves or stays, is for. Once.
  Decision Take(const Rule& rule, const Event& event);

 private:
  // decide_verbs.cc: what the owner asks for.
  void Apply(const Resume&);
  void Apply(const Suspend&);
  void Apply(const Cancel&);
  void Apply(const Complete&);
  void Apply(const AddFiles&);
  void Apply(const Update&);
  void Apply(const SetRemoteName&);
  void Apply(const TakeOwnership&);
  void Apply(const SetValidationState&);

  // decide_reports.cc: what the transfer tells, then timers, then the work on files.
  void Apply(const Start&);
  void Apply(const BytesArrived&);
  void Apply(const Checkpoint&);
  void Apply(const FileRestarted&);
  void Apply(const FileTransferred&);
  void Apply(const Fail&);
  void Apply(const Requeue&);
  void Apply(const RetryDue&);
  void Apply(const NoProgress&);
  void Apply(const MaximumDownloadTime&);
  void Apply(const Deadline&);
  void Apply(const NotBefore&);
  void Apply(const Inactivity&);
  void Apply(const Forget&);
  void Apply(const FilePublished&);
  void Apply(const FileLost&);
  void Apply(const Published&);
  void Apply(const PublishFailed&);
  void Apply(const CleanedUp&);

  void Changed() { d_.changed = true; }
  void OwnerActed() {
    Changed();
    job().activity_time = now_;
  }
  Job& job() { return d_.job; }
  // What it was held or failed for may not be what it needs any more.
  void HostIsAnother() {
    job().host = "";
    job().host_failed = false;
  }
  // What is durable of the file, and what is known of it.
  void Record(const Checkpoint& e);
  // A redirect led there that was to be reported.
  void FollowTo(const std::string& final_name);
  void StartOver();
  void SetBytes(uint64_t bytes);
  void SetTotal(std::optional<uint64_t> total);
  void Progressed();
  Error ErrorOf(const Failure& failure) const;
  // Says of which file, and which of its sources, it is.
  void NameFile(Error& error, uint32_t source) const;
  // The file goes on with another source, or anew with the same one; the job does not hear of it.
  void TurnToSource(uint32_t next, const Fail& e);
  // What a failure tells of the file.
  void TakeFailure(const Failure& failure);
  void Keep(Error error);
  // Whether error_count counts the failure: it interrupted a transfer, the origin answered,
  // or it was a retry; and it was none of those that BITS does not count.
  bool Counts(const Failure& failure) const;

  void Enter(JobState to);
  // With the event it came to more than max_download_size.
  void TooLarge();
  // All its files are there: it completes itself if it is to.
  void CompleteItself();
  // Its next transient error is the first.
  void NotStalled();
  // Of a QUEUED job: whether it waits for its not_before.
  void DeferOrNot();
  void NoteChanges(EventKind kind);

  const Job& before_;
  const absl::Time now_;
  absl::Time turn_end_ = now_;
  bool keeps_place_ = false;  // in the queue
  Decision d_;
  std::optional<File> file_;
  bool file_changed_ = false;
};

}  // namespace bits::domain

#endif  // BITS_SERVER_DOMAIN_DECISION_MAKER_H_

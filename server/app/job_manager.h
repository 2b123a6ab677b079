// The use cases on jobs: load -> decide -> commit -> act -> answer. Nothing else changes a
// job. Checks of a request's form are the caller's (rpc/validate.h); checks against the
// state are here.
#ifndef BITS_SERVER_APP_JOB_MANAGER_H_
#define BITS_SERVER_APP_JOB_MANAGER_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/app/policy_manager.h"
#include "server/app/job_secrets.h"
#include "server/app/ports/client_certificates.h"
#include "server/app/ports/file_system.h"
#include "server/app/ports/job_store.h"
#include "server/app/principal.h"
#include "server/domain/decide.h"

namespace bits::app {

class Finisher;
class HoldBoard;
class JobWriter;
class TransferRunner;

// What a mutating call carries beside its own arguments.
struct CallOptions {
  std::string request_id;   // AIP-155; empty: none
  std::string fingerprint;  // of the method and the whole request, where there is a request_id
  std::optional<uint64_t> revision;  // the etag's; nullopt: any
};

// A file as a client gives it; names already checked in form.
struct NewFile {
  std::string remote_name;
  std::string local_name;
  std::optional<domain::Checksum> checksum;
  domain::FileRanges ranges = {};
  std::vector<std::string> mirrors = {};
};

// What UpdateFile writes; absent ones stay.
struct FileUpdate {
  std::optional<std::string> remote_name;
  std::optional<bool> valid;  // the validation state
};

// What ReplaceRemotePrefix may change in one transaction.
inline constexpr uint32_t kFilesPerPrefixChange = 100'000;

struct PrefixChange {
  std::string old_prefix;  // neither is empty
  std::string new_prefix;
  // What is wrong with a remote name, or nullopt.
  std::function<std::optional<std::string>(std::string_view)> fault;
};

struct PrefixOutcome {
  domain::Job job;
  uint32_t files_changed = 0;
};

struct AddFilesOutcome {
  domain::Job job;
  std::vector<domain::File> files;
};

// What a file's bytes are read from.
struct Content {
  std::unique_ptr<LocalFile> file;
  uint64_t size = 0;
  std::string version;  // of one fetching of it: parts with the same one belong together
};

struct RemovedCredentials {
  domain::Job job;
  bool removed = false;  // false: there were none
};

// Refusals carry BITS's symbol as reason (base/error_info.h): see the proto's comments for
// which. Mutating calls do not block and may be made from any thread; their callback runs on the
// store's thread (CompleteJob's and CancelJob's perhaps on another) and must not block.
// Reads block for I/O: call them on an executor.
class JobManager {
 public:
  template <typename T>
  using Callback = std::function<void(absl::StatusOr<T>)>;
  using JobCallback = Callback<domain::Job>;

  struct Parts {  // all outlive the manager
    JobStore* store;
    FileSystem* files;
    JobWriter* writer;
    TransferRunner* runner;
    Finisher* finisher;
    const SecretVault* vault;
    const ClientCertificates* certificates;  // null: there are none
    HoldBoard* holds;
    domain::NotificationPermissions notifications = {};
  };
  explicit JobManager(Parts parts) : parts_(std::move(parts)) {}

  // `job` carries the client's properties, secret headers among the others; id, owner, times are
  // set here. The key is that of its webhook, where it has one.
  void CreateJob(const Principal& principal, domain::Job job, const std::vector<NewFile>& files,
                 bool start, const CallOptions& options, JobCallback done,
                 const Secret& webhook_key = {});
  void AddFiles(const Principal& principal, const domain::JobId& id,
                const std::vector<NewFile>& files, const CallOptions& options,
                Callback<AddFilesOutcome> done);
  void UpdateJob(const Principal& principal, const domain::JobId& id, domain::Update update,
                 const CallOptions& options, JobCallback done);
  void UpdateFile(const Principal& principal, const domain::JobId& id, uint32_t ordinal,
                  FileUpdate update, const CallOptions& options, Callback<domain::File> done);
  // Of the files that are not transferred yet; the others keep their names.
  void ReplaceRemotePrefix(const Principal& principal, const domain::JobId& id, PrefixChange change,
                           const CallOptions& options, Callback<PrefixOutcome> done);
  // The owner's alone.
  void SetCredentials(const Principal& principal, const domain::JobId& id,
                      const Credentials& credentials, const CallOptions& options,
                      JobCallback done);
  void RemoveCredentials(const Principal& principal, const domain::JobId& id,
                         domain::CredentialSlot slot, const CallOptions& options,
                         Callback<RemovedCredentials> done);
  void ResumeJob(const Principal& principal, const domain::JobId& id, const CallOptions& options,
                 JobCallback done);
  void SuspendJob(const Principal& principal, const domain::JobId& id, const CallOptions& options,
                  JobCallback done);
  // The caller, an administrator, becomes the owner.
  void TakeOwnership(const Principal& principal, const domain::JobId& id,
                     const CallOptions& options, JobCallback done);
  // Has it tried at once, as if it were new.
  void ReplayNotification(const Principal& principal, const domain::JobId& id, uint64_t number,
                          Callback<NotificationRecord> done);
  // Answers once the temporary files are dealt with.
  void CancelJob(const Principal& principal, const domain::JobId& id, const CallOptions& options,
                 JobCallback done);
  // Answers once the files are published, or one could not be.
  void CompleteJob(const Principal& principal, const domain::JobId& id,
                   const CallOptions& options, JobCallback done);

  // Progress is the live one where bytes are arriving.
  absl::StatusOr<domain::Job> GetJob(const Principal& principal, const domain::JobId& id);
  // query.owner is set here unless all_owners, which is an administrator's.
  absl::StatusOr<JobPage> ListJobs(const Principal& principal, JobQuery query, bool all_owners);
  absl::StatusOr<domain::File> GetFile(const Principal& principal, const domain::JobId& id,
                                       uint32_t ordinal);
  absl::StatusOr<std::vector<domain::File>> ListFiles(const Principal& principal,
                                                      const domain::JobId& id, uint32_t after,
                                                      uint32_t limit);
  // Of a file that is all there and is still what was fetched: E_PENDING, BG_E_LOCAL_FILE_CHANGED.
  absl::StatusOr<Content> OpenContent(const Principal& principal, const domain::JobId& id,
                                      uint32_t ordinal);
  absl::StatusOr<domain::Error> GetError(const Principal& principal, const domain::JobId& id);
  absl::StatusOr<ErrorHistory> ListErrors(const Principal& principal, const domain::JobId& id);
  // What is in the job's outbox, numbers > after.
  absl::StatusOr<std::vector<NotificationRecord>> ListNotifications(const Principal& principal,
                                                                    const domain::JobId& id,
                                                                    uint64_t after, uint32_t limit);

  PolicyManager::Snapshot policy() const;

 private:
  // What every mutating call on one job does first, within its transaction: finds the job,
  // checks permission, knows a repeated request, compares the etag.
  struct Call;
  template <typename T>
  void Mutate(const Principal& principal, const domain::JobId& id, const CallOptions& options,
              std::function<absl::StatusOr<T>(Call&)> change, Callback<T> done);
  void Verb(const Principal& principal, const domain::JobId& id, const CallOptions& options,
            domain::Event event, JobCallback done);
  // The verb, then the end of the work on files that it asks for.
  void VerbAndWait(const Principal& principal, const domain::JobId& id,
                   const CallOptions& options, domain::Event event, JobCallback done);
  absl::StatusOr<std::vector<domain::File>> Resolve(const std::vector<NewFile>& files) const;
  absl::Status CheckCertificate(const std::string& name) const;
  // Writes what UpdateJob says, and the job's secrets with it.
  absl::Status ApplyUpdate(Call& call, const domain::Update& update) const;
  absl::Status ApplyHttpUpdate(Call& call, const domain::Update& update) const;
  std::string RootOfFirst(const std::vector<domain::File>& files) const;
  // What is not on record: the progress of the moment, and what it is held for.
  void AddLive(domain::Job& job) const;
  absl::StatusOr<domain::Job> Find(const Principal& principal, const domain::JobId& id) const;

  const Parts parts_;
  std::atomic<int> in_flight_ = 0;  // mutating calls that the store has not answered yet
};

}  // namespace bits::app

#endif  // BITS_SERVER_APP_JOB_MANAGER_H_

#include "server/app/job_manager.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "server/app/finisher.h"
#include "server/app/hold_board.h"
#include "server/app/ids.h"
#include "server/app/job_call.h"
#include "server/base/error_info.h"
#include "server/base/strings.h"
#include "server/domain/error_code.h"

namespace bits::app {

using domain::File;
using domain::Job;
using domain::JobId;

namespace {

// Gives the files their temporary names, beside their destinations; or those of the destinations.
void NameTemporaries(const Job& job, uint32_t first_ordinal, std::vector<File>& files) {
  uint32_t ordinal = first_ordinal;
  for (File& file : files) {
    const size_t slash = file.path.rfind('/');
    file.temporary_path =
        job.options.high_performance
            ? file.path
            : absl::StrCat(file.path.substr(0, slash + 1), ".BIT-", job.id, "-", ordinal++, ".tmp");
  }
}

// The live job that writes there: told to whom may see it.
absl::StatusOr<JobId> HolderFor(const Principal& principal, Transaction& txn,
                                const std::string& path) {
  BITS_ASSIGN_OR_RETURN(JobId holder, txn.HolderOfDestination(path));
  if (holder.empty() || !IfAllowed(principal, holder, txn.GetJob(holder)).ok()) return JobId();
  return holder;
}

absl::Status ReserveDestinations(const Principal& principal, Transaction& txn, const JobId& id,
                                 const std::vector<File>& files) {
  for (size_t i = 0; i < files.size(); ++i) {
    absl::Status reserved = txn.ReserveDestination(files[i].path, id);
    if (absl::IsAlreadyExists(reserved)) {
      const std::string field = absl::StrCat("files[", i, "].local_name");
      BITS_ASSIGN_OR_RETURN(const JobId holder, HolderFor(principal, txn, files[i].path));
      std::vector<std::pair<std::string, std::string>> metadata = {
          {"field", field}, {"local_name", files[i].local_name}};
      std::string who = "a live job";
      if (holder == id) who = "another file of this job";
      if (!holder.empty() && holder != id) {
        who = absl::StrCat("job ", holder);
        metadata.emplace_back("job", holder);
      }
      return MakeRefusal(
          absl::StatusCode::kAlreadyExists, domain::SymbolOf(domain::kSharingViolation),
          absl::StrCat(field, ": ", who, " already writes ", files[i].local_name, "."), metadata);
    }
    BITS_RETURN_IF_ERROR(reserved);
  }
  return absl::OkStatus();
}

absl::Status CheckRanges(const domain::Policy& policy, const std::vector<File>& files) {
  for (size_t i = 0; i < files.size(); ++i) {
    BITS_RETURN_IF_ERROR(domain::CheckRangeCount(policy, files[i].ranges.size(),
                                                 absl::StrCat("files[", i, "].ranges")));
  }
  return absl::OkStatus();
}

// What the policy allows; an administrator may have as much as there is room for.
absl::Status CheckNewJob(Step& step, const Principal& principal, const Job& job,
                         const std::vector<File>& files) {
  if (principal.administrator) return absl::OkStatus();
  BITS_RETURN_IF_ERROR(domain::CheckMaximumDownloadTime(step.policy(), job.maximum_download_time));
  BITS_RETURN_IF_ERROR(domain::CheckFileCount(step.policy(), files.size()));
  BITS_RETURN_IF_ERROR(CheckRanges(step.policy(), files));
  BITS_ASSIGN_OR_RETURN(const domain::LiveJobs live, step.txn().CountLiveJobs(job.owner));
  return domain::CheckJobCount(step.policy(), live);
}

}  // namespace

PolicyManager::Snapshot JobManager::policy() const { return parts_.writer->policy(); }

absl::StatusOr<std::vector<File>> JobManager::Resolve(const std::vector<NewFile>& files) const {
  std::vector<File> resolved;
  resolved.reserve(files.size());
  for (size_t i = 0; i < files.size(); ++i) {
    absl::StatusOr<std::string> path = parts_.files->Resolve(files[i].local_name);
    if (!path.ok()) {
      if (path.status().code() == absl::StatusCode::kInvalidArgument) {
        return InvalidField(absl::StrCat("files[", i, "].local_name"),
                            Sv(path.status().message()));
      }
      return path.status();
    }
    File file;
    file.remote_name = files[i].remote_name;
    file.local_name = files[i].local_name;
    file.path = *std::move(path);
    file.checksum = files[i].checksum;
    file.ranges = files[i].ranges;
    file.mirrors.names = files[i].mirrors;
    resolved.push_back(std::move(file));
  }
  return resolved;
}

std::string JobManager::RootOfFirst(const std::vector<File>& files) const {
  return files.empty() ? "" : parts_.files->RootOf(files.front().path);
}

void JobManager::CreateJob(const Principal& principal, Job job, const std::vector<NewFile>& files,
                           bool start, const CallOptions& options, JobCallback done,
                           const Secret& webhook_key) {
  absl::StatusOr<std::vector<File>> resolved = Resolve(files);
  // A repetition is answered also where the roots are others now.
  if (!resolved.ok() && options.request_id.empty()) return done(resolved.status());
  auto admission = std::make_shared<Admission>(in_flight_);
  if (!*admission) return done(TooMuchUnderWay());
  if (absl::Status known = CheckCertificate(job.http.tls.client_certificate); !known.ok()) {
    return done(std::move(known));
  }
  if (absl::Status allowed = domain::CheckPermissions(parts_.notifications, job.notifications);
      !allowed.ok()) {
    return done(std::move(allowed));
  }
  job.id = NewUuid();
  job.owner = principal.name;
  auto secrets = std::make_shared<JobSecrets>();
  for (domain::HttpHeader& header : domain::TakeSecretHeaders(job.http)) {
    secrets->headers.push_back({header.name, Secret(std::move(header.value))});
  }
  job.secrets_volatile = domain::HasSecrets(job) && parts_.vault->is_volatile();
  job.notifications.webhook_volatile =
      !job.notifications.webhook_uri.empty() && parts_.vault->is_volatile();
  if (resolved.ok()) NameTemporaries(job, 1, *resolved);
  if (resolved.ok()) job.destination = RootOfFirst(*resolved);
  auto result = std::make_shared<Job>();
  parts_.writer->Run(
      [principal, job = std::move(job), resolved = std::move(resolved), start, options, result,
       secrets, webhook_key, vault = parts_.vault](Step& step) -> absl::Status {
        using Found = std::optional<RequestRecord>;
        BITS_ASSIGN_OR_RETURN(const Found repeated, FindRepeated(step, principal, options));
        if (repeated.has_value()) {
          BITS_ASSIGN_OR_RETURN(
              *result, IfAllowed(principal, repeated->job, step.txn().GetJob(repeated->job)));
          return absl::OkStatus();
        }
        BITS_RETURN_IF_ERROR(resolved.status());
        BITS_RETURN_IF_ERROR(CheckNewJob(step, principal, job, *resolved));
        BITS_ASSIGN_OR_RETURN(domain::Decision decision,
                              domain::DecideCreate(job, *resolved, start, step.now()));
        BITS_RETURN_IF_ERROR(step.Create(decision));
        if (domain::HasSecrets(job)) {
          BITS_RETURN_IF_ERROR(vault->Save(step.txn(), job.id, *secrets));
        }
        if (!job.notifications.webhook_uri.empty()) {
          BITS_RETURN_IF_ERROR(vault->SaveWebhookKey(step.txn(), job.id, webhook_key));
        }
        BITS_RETURN_IF_ERROR(ReserveDestinations(principal, step.txn(), job.id, *resolved));
        *result = decision.job;
        if (options.request_id.empty()) return absl::OkStatus();
        return step.txn().PutRequest(NewRecord(step, principal, options, job.id));
      },
      [result, admission, done = std::move(done)](absl::Status status) {
        if (!status.ok()) return done(std::move(status));
        done(std::move(*result));
      });
}

void JobManager::AddFiles(const Principal& principal, const JobId& id,
                          const std::vector<NewFile>& files, const CallOptions& options,
                          Callback<AddFilesOutcome> done) {
  absl::StatusOr<std::vector<File>> resolved = Resolve(files);
  if (!resolved.ok() && options.request_id.empty()) return done(resolved.status());
  std::string root;
  if (resolved.ok()) root = RootOfFirst(*resolved);
  Mutate<AddFilesOutcome>(
      principal, id, options,
      [principal, resolved = std::move(resolved), root = std::move(root),
       limited = !principal.administrator](Call& call) -> absl::StatusOr<AddFilesOutcome> {
        AddFilesOutcome outcome;
        if (call.repeated) {
          BITS_ASSIGN_OR_RETURN(
              outcome.files,
              call.step.txn().ListFiles(call.job.id, call.record.first_file - 1,
                                        call.record.file_count));
        } else {
          BITS_RETURN_IF_ERROR(resolved.status());
          BITS_RETURN_IF_ERROR(CheckMayRedirect(principal, call.job, "files"));
          if (limited) {
            BITS_RETURN_IF_ERROR(domain::CheckFileCount(
                call.step.policy(), uint64_t{call.job.progress.files_total} + resolved->size()));
            BITS_RETURN_IF_ERROR(CheckRanges(call.step.policy(), *resolved));
          }
          std::vector<File> added = *resolved;
          call.record.first_file = call.job.progress.files_total + 1;
          call.record.file_count = static_cast<uint32_t>(added.size());
          NameTemporaries(call.job, call.record.first_file, added);
          BITS_ASSIGN_OR_RETURN(
              domain::Decision decision,
              call.step.Apply(call.job, nullptr, domain::AddFiles{std::move(added), root}));
          BITS_RETURN_IF_ERROR(ReserveDestinations(principal, call.step.txn(), call.job.id, *resolved));
          outcome.files = std::move(decision.files);
        }
        outcome.job = call.job;
        return outcome;
      },
      std::move(done));
}

void JobManager::Verb(const Principal& principal, const JobId& id, const CallOptions& options,
                      domain::Event event, JobCallback done) {
  Mutate<Job>(
      principal, id, options,
      [event = std::move(event)](Call& call) -> absl::StatusOr<Job> {
        // A CompleteJob whose files could not be published changed nothing: its repetition tries
        // again, and never passes for done.
        const bool undone = std::holds_alternative<domain::Complete>(event) &&
                            !domain::IsFinal(call.job.state) &&
                            call.job.pending == domain::Pending::kNone;
        if (!call.repeated || undone) {
          BITS_RETURN_IF_ERROR(call.step.Apply(call.job, nullptr, event).status());
        }
        return call.job;
      },
      std::move(done));
}

void JobManager::VerbAndWait(const Principal& principal, const JobId& id,
                             const CallOptions& options, domain::Event event, JobCallback done) {
  Verb(principal, id, options, std::move(event),
       [this, done = std::move(done)](absl::StatusOr<Job> job) {
         if (!job.ok()) return done(std::move(job));
         parts_.finisher->Wait(*job, done);
       });
}

void JobManager::ResumeJob(const Principal& principal, const JobId& id,
                           const CallOptions& options, JobCallback done) {
  Verb(principal, id, options, domain::Resume{},
       [this, done = std::move(done)](absl::StatusOr<Job> job) {
         if (job.ok()) parts_.holds->ProbeNow(*job);
         done(std::move(job));
       });
}

void JobManager::SuspendJob(const Principal& principal, const JobId& id,
                            const CallOptions& options, JobCallback done) {
  Verb(principal, id, options, domain::Suspend{}, std::move(done));
}

void JobManager::TakeOwnership(const Principal& principal, const JobId& id,
                               const CallOptions& options, JobCallback done) {
  if (!principal.administrator) {
    return done(MakeRefusal(absl::StatusCode::kPermissionDenied,
                            domain::SymbolOf(domain::kAccessDenied),
                            "Only an administrator can take a job."));
  }
  Verb(principal, id, options, domain::TakeOwnership{principal.name}, std::move(done));
}

void JobManager::CancelJob(const Principal& principal, const JobId& id,
                           const CallOptions& options, JobCallback done) {
  VerbAndWait(principal, id, options, domain::Cancel{}, std::move(done));
}

void JobManager::CompleteJob(const Principal& principal, const JobId& id,
                             const CallOptions& options, JobCallback done) {
  VerbAndWait(principal, id, options, domain::Complete{}, std::move(done));
}

}  // namespace bits::app

#include "server/app/job_manager.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/app/finisher.h"
#include "server/app/hold_board.h"
#include "server/app/ids.h"
#include "server/app/job_writer.h"
#include "server/app/transfer_runner.h"
#include "server/base/error_info.h"
#include "server/base/status_macros.h"
#include "server/base/strings.h"
#include "server/domain/error_code.h"

namespace bits::app {

using domain::File;
using domain::Job;
using domain::JobId;

namespace {

constexpr absl::Duration kRequestRetention = absl::Hours(24);

absl::Status JobNotFound(const JobId& id) {
  return MakeRefusal(absl::StatusCode::kNotFound, domain::SymbolOf(domain::kNotFound),
                     absl::StrCat("There is no job ", id, "."), {{"job", id}});
}

absl::Status FileNotFound(const JobId& id, uint32_t file) {
  return MakeRefusal(absl::StatusCode::kNotFound, domain::SymbolOf(domain::kFileNotFound),
                     absl::StrCat("Job ", id, " has no file ", file, "."),
                     {{"job", id}, {"file", absl::StrCat(file)}});
}

// Permission before existence (AIP-211): who may not see a job does not learn whether it is there.
absl::StatusOr<Job> IfAllowed(const Principal& principal, const JobId& id,
                              absl::StatusOr<Job> found) {
  if (!found.ok() && !absl::IsNotFound(found.status())) return found;
  if (principal.administrator) {
    if (!found.ok()) return JobNotFound(id);
    return found;
  }
  if (found.ok() && found->owner == principal.name) return found;
  return MakeRefusal(absl::StatusCode::kPermissionDenied,
                     domain::SymbolOf(domain::kAccessDenied),
                     absl::StrCat("There is no job ", id, " of yours."), {{"job", id}});
}

absl::Status CheckRevision(const CallOptions& options, const Job& job) {
  if (!options.revision.has_value() || *options.revision == job.revision) {
    return absl::OkStatus();
  }
  return MakeRefusal(absl::StatusCode::kAborted, "ETAG_MISMATCH",
                     "The job has changed since the etag was given: read it again.",
                     {{"job", job.id}});
}

// A plain NOT_FOUND of the store, as the caller is to see it.
template <typename T>
absl::StatusOr<T> OrNotFound(absl::StatusOr<T> found, absl::Status refusal) {
  if (absl::IsNotFound(found.status())) return refusal;
  return found;
}

// Gives the files their temporary names, beside their destinations.
void NameTemporaries(const JobId& id, uint32_t first_ordinal, std::vector<File>& files) {
  uint32_t ordinal = first_ordinal;
  for (File& file : files) {
    const size_t slash = file.path.rfind('/');
    file.temporary_path =
        absl::StrCat(file.path.substr(0, slash + 1), ".BIT-", id, "-", ordinal++, ".tmp");
  }
}

absl::Status ReserveDestinations(Transaction& txn, const JobId& id,
                                 const std::vector<File>& files) {
  for (size_t i = 0; i < files.size(); ++i) {
    absl::Status reserved = txn.ReserveDestination(files[i].path, id);
    if (absl::IsAlreadyExists(reserved)) {
      const std::string field = absl::StrCat("files[", i, "].local_name");
      return MakeRefusal(
          absl::StatusCode::kAlreadyExists, domain::SymbolOf(domain::kSharingViolation),
          absl::StrCat(field, ": a live job already writes ", files[i].local_name, "."),
          {{"field", field}, {"local_name", files[i].local_name}});
    }
    BITS_RETURN_IF_ERROR(reserved);
  }
  return absl::OkStatus();
}

// A caller's place among the mutating calls under way; falsy if there are too many.
class Admission {
 public:
  explicit Admission(std::atomic<int>& in_flight)
      : in_flight_(in_flight), admitted_(in_flight.fetch_add(1) < kMaximumInFlight) {}
  ~Admission() { in_flight_.fetch_sub(1); }
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;
  explicit operator bool() const { return admitted_; }

 private:
  static constexpr int kMaximumInFlight = 4096;
  std::atomic<int>& in_flight_;
  const bool admitted_;
};

absl::Status TooMuchUnderWay() {
  return MakeRefusal(absl::StatusCode::kResourceExhausted, "TOO_MANY_CALLS",
                     "Too many changes are under way: come again in a moment.");
}

}  // namespace

PolicyManager::Snapshot JobManager::policy() const { return parts_.writer->policy(); }

struct JobManager::Call {
  Step& step;
  Job job;
  bool repeated = false;  // the request was carried out before: change nothing
  RequestRecord record;   // of the request, this one or the one before
};

namespace {

// Looks for the request's record. Gives what there is, or a new one that is not yet written.
absl::StatusOr<std::optional<RequestRecord>> FindRepeated(Step& step, const Principal& principal,
                                                          const CallOptions& options) {
  if (options.request_id.empty()) return std::nullopt;
  using Found = std::optional<RequestRecord>;
  BITS_ASSIGN_OR_RETURN(Found found,
                        step.txn().FindRequest(principal.name, options.request_id,
                                               step.now() - kRequestRetention));
  if (found.has_value() && found->fingerprint != options.fingerprint) {
    return InvalidField("request_id", "was used for another request in the last 24 hours",
                        "REQUEST_ID_REUSED");
  }
  return found;
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

RequestRecord NewRecord(const Step& step, const Principal& principal, const CallOptions& options,
                        const JobId& id) {
  RequestRecord record;
  record.principal = principal.name;
  record.request_id = options.request_id;
  record.fingerprint = options.fingerprint;
  record.job = id;
  record.time = step.now();
  return record;
}

}  // namespace

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
    resolved.push_back(std::move(file));
  }
  return resolved;
}

void JobManager::CreateJob(const Principal& principal, Job job, const std::vector<NewFile>& files,
                           bool start, const CallOptions& options, JobCallback done) {
  absl::StatusOr<std::vector<File>> resolved = Resolve(files);
  // A repetition is answered also where the roots are others now.
  if (!resolved.ok() && options.request_id.empty()) return done(resolved.status());
  auto admission = std::make_shared<Admission>(in_flight_);
  if (!*admission) return done(TooMuchUnderWay());
  if (absl::Status known = CheckCertificate(job.http.tls.client_certificate); !known.ok()) {
    return done(std::move(known));
  }
  job.id = NewUuid();
  job.owner = principal.name;
  auto secrets = std::make_shared<JobSecrets>();
  for (domain::HttpHeader& header : domain::TakeSecretHeaders(job.http)) {
    secrets->headers.push_back({header.name, Secret(std::move(header.value))});
  }
  job.secrets_volatile = domain::HasSecrets(job) && parts_.vault->is_volatile();
  if (resolved.ok()) NameTemporaries(job.id, 1, *resolved);
  if (resolved.ok()) job.destination = RootOfFirst(*resolved);
  auto result = std::make_shared<Job>();
  parts_.writer->Run(
      [principal, job = std::move(job), resolved = std::move(resolved), start, options, result,
       secrets, vault = parts_.vault](Step& step) -> absl::Status {
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
        BITS_RETURN_IF_ERROR(ReserveDestinations(step.txn(), job.id, *resolved));
        *result = decision.job;
        if (options.request_id.empty()) return absl::OkStatus();
        return step.txn().PutRequest(NewRecord(step, principal, options, job.id));
      },
      [result, admission, done = std::move(done)](absl::Status status) {
        if (!status.ok()) return done(std::move(status));
        done(std::move(*result));
      });
}

template <typename T>
void JobManager::Mutate(const Principal& principal, const JobId& id, const CallOptions& options,
                        std::function<absl::StatusOr<T>(Call&)> change, Callback<T> done) {
  auto admission = std::make_shared<Admission>(in_flight_);
  if (!*admission) return done(TooMuchUnderWay());
  auto result = std::make_shared<std::optional<T>>();
  parts_.writer->Run(
      [principal, id, options, change = std::move(change), result](Step& step) -> absl::Status {
        Call call{step, {}, false, {}};
        BITS_ASSIGN_OR_RETURN(call.job, IfAllowed(principal, id, step.txn().GetJob(id)));
        using Found = std::optional<RequestRecord>;
        BITS_ASSIGN_OR_RETURN(Found repeated, FindRepeated(step, principal, options));
        call.repeated = repeated.has_value();
        call.record =
            call.repeated ? *std::move(repeated) : NewRecord(step, principal, options, id);
        if (!call.repeated) BITS_RETURN_IF_ERROR(CheckRevision(options, call.job));
        BITS_ASSIGN_OR_RETURN(*result, change(call));
        if (call.repeated || options.request_id.empty()) return absl::OkStatus();
        return step.txn().PutRequest(call.record);
      },
      [result, admission, done = std::move(done)](absl::Status status) {
        if (!status.ok()) return done(std::move(status));
        done(*std::move(*result));
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
      [resolved = std::move(resolved), root = std::move(root),
       limited = !principal.administrator](Call& call) -> absl::StatusOr<AddFilesOutcome> {
        AddFilesOutcome outcome;
        if (call.repeated) {
          BITS_ASSIGN_OR_RETURN(
              outcome.files,
              call.step.txn().ListFiles(call.job.id, call.record.first_file - 1,
                                        call.record.file_count));
        } else {
          BITS_RETURN_IF_ERROR(resolved.status());
          if (limited) {
            BITS_RETURN_IF_ERROR(domain::CheckFileCount(
                call.step.policy(), uint64_t{call.job.progress.files_total} + resolved->size()));
            BITS_RETURN_IF_ERROR(CheckRanges(call.step.policy(), *resolved));
          }
          std::vector<File> added = *resolved;
          call.record.first_file = call.job.progress.files_total + 1;
          call.record.file_count = static_cast<uint32_t>(added.size());
          NameTemporaries(call.job.id, call.record.first_file, added);
          BITS_ASSIGN_OR_RETURN(
              domain::Decision decision,
              call.step.Apply(call.job, nullptr, domain::AddFiles{std::move(added), root}));
          BITS_RETURN_IF_ERROR(ReserveDestinations(call.step.txn(), call.job.id, *resolved));
          outcome.files = std::move(decision.files);
        }
        outcome.job = call.job;
        return outcome;
      },
      std::move(done));
}

void JobManager::UpdateJob(const Principal& principal, const JobId& id, domain::Update update,
                           const CallOptions& options, JobCallback done) {
  if (update.http.has_value() && update.http->client_certificate.has_value()) {
    absl::Status known = CheckCertificate(*update.http->client_certificate);
    if (!known.ok()) return done(std::move(known));
  }
  Mutate<Job>(
      principal, id, options,
      [this, update = std::move(update),
       limited = !principal.administrator](Call& call) -> absl::StatusOr<Job> {
        if (call.repeated) return call.job;
        if (limited && update.maximum_download_time) {
          BITS_RETURN_IF_ERROR(domain::CheckMaximumDownloadTime(call.step.policy(),
                                                                *update.maximum_download_time));
        }
        BITS_RETURN_IF_ERROR(ApplyUpdate(call, update));
        return call.job;
      },
      std::move(done));
}

void JobManager::UpdateFile(const Principal& principal, const JobId& id, uint32_t ordinal,
                            FileUpdate update, const CallOptions& options, Callback<File> done) {
  Mutate<File>(
      principal, id, options,
      [ordinal, update = std::move(update)](Call& call) -> absl::StatusOr<File> {
        BITS_ASSIGN_OR_RETURN(File file,
                              OrNotFound(call.step.txn().GetFile(call.job.id, ordinal),
                                         FileNotFound(call.job.id, ordinal)));
        if (call.repeated) return file;
        const auto apply = [&](const domain::Event& event) -> absl::Status {
          BITS_ASSIGN_OR_RETURN(domain::Decision decision,
                                call.step.Apply(call.job, &file, event));
          if (!decision.files.empty()) file = std::move(decision.files.front());
          return absl::OkStatus();
        };
        if (update.remote_name) {
          BITS_RETURN_IF_ERROR(apply(domain::SetRemoteName{*update.remote_name}));
        }
        if (update.valid) {
          BITS_RETURN_IF_ERROR(apply(domain::SetValidationState{*update.valid}));
        }
        return file;
      },
      std::move(done));
}

void JobManager::ReplaceRemotePrefix(const Principal& principal, const JobId& id,
                                     PrefixChange change, const CallOptions& options,
                                     Callback<PrefixOutcome> done) {
  constexpr uint32_t kFilesAtOnce = 500;
  Mutate<PrefixOutcome>(
      principal, id, options,
      [change = std::move(change)](Call& call) -> absl::StatusOr<PrefixOutcome> {
        if (call.repeated) return PrefixOutcome{call.job, call.record.file_count};
        // Refused where the job is final or being published, also if no file is concerned.
        BITS_RETURN_IF_ERROR(
            domain::Decide(call.job, nullptr, domain::SetRemoteName{}, call.step.now()).status());
        uint32_t changed = 0;
        uint32_t after = 0;
        while (true) {
          BITS_ASSIGN_OR_RETURN(
              std::vector<File> files,
              call.step.txn().ListUntransferredFiles(call.job.id, after, kFilesAtOnce));
          const bool last = files.size() < kFilesAtOnce;
          if (!files.empty()) after = files.back().ordinal;
          std::erase_if(files, [&](const File& file) {
            return !file.remote_name.starts_with(change.old_prefix);
          });
          for (File& file : files) {
            file.remote_name.replace(0, change.old_prefix.size(), change.new_prefix);
            if (const auto fault = change.fault(file.remote_name)) {
              return InvalidField("new_prefix",
                                  absl::StrCat("the remote name of file ", file.ordinal,
                                               " would be none: it ", *fault));
            }
          }
          changed += static_cast<uint32_t>(files.size());
          if (!files.empty()) {
            BITS_RETURN_IF_ERROR(
                call.step.Apply(call.job, nullptr, domain::SetRemoteName{"", std::move(files)})
                    .status());
          }
          if (last) break;
        }
        call.record.file_count = changed;
        return PrefixOutcome{call.job, changed};
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

absl::Status JobManager::CheckCertificate(const std::string& name) const {
  const bool there = name.empty() || (parts_.certificates != nullptr &&
                                      !parts_.certificates->PathOf(name).empty());
  if (there) return absl::OkStatus();
  return InvalidField("job.http_options.client_certificate",
                      "there is no such client certificate on this server");
}

absl::Status JobManager::ApplyUpdate(Call& call, const domain::Update& update) const {
  const bool touches_secrets =
      update.http.has_value() &&
      (update.http->headers.has_value() || update.http->headers_write_only.has_value());
  if (!touches_secrets) return call.step.Apply(call.job, nullptr, update).status();
  const Job before = call.job;
  domain::HttpOptions options = before.http;
  domain::Apply(*update.http, options);
  domain::Update whole = update;
  whole.secrets_volatile = parts_.vault->is_volatile() &&
                           (!before.credentials.empty() || !options.secret_headers.empty());
  BITS_RETURN_IF_ERROR(call.step.Apply(call.job, nullptr, whole).status());
  BITS_ASSIGN_OR_RETURN(JobSecrets secrets, parts_.vault->Load(call.step.txn(), before.id));
  const auto* given = update.http->headers.has_value() ? &*update.http->headers : nullptr;
  secrets.headers = SecretHeadersAfter(before.http, call.job.http, given, secrets);
  return parts_.vault->Save(call.step.txn(), before.id, secrets);
}

namespace {

absl::Status CheckOwner(const Principal& principal, const Job& job) {
  if (principal.name == job.owner) return absl::OkStatus();
  return MakeRefusal(absl::StatusCode::kPermissionDenied, domain::SymbolOf(domain::kAccessDenied),
                     "Only its owner sets the credentials of a job.", {{"job", job.id}});
}

}  // namespace

void JobManager::SetCredentials(const Principal& principal, const JobId& id,
                                const Credentials& credentials, const CallOptions& options,
                                JobCallback done) {
  Mutate<Job>(
      principal, id, options,
      [principal, credentials, vault = parts_.vault](Call& call) -> absl::StatusOr<Job> {
        BITS_RETURN_IF_ERROR(CheckOwner(principal, call.job));
        if (call.repeated) return call.job;
        domain::Update update;
        update.credentials = call.job.credentials;
        std::erase(*update.credentials, credentials.slot);
        update.credentials->push_back(credentials.slot);
        std::sort(update.credentials->begin(), update.credentials->end());
        update.secrets_volatile = vault->is_volatile();
        BITS_RETURN_IF_ERROR(call.step.Apply(call.job, nullptr, update).status());
        BITS_ASSIGN_OR_RETURN(JobSecrets secrets, vault->Load(call.step.txn(), call.job.id));
        app::SetCredentials(credentials, secrets);
        BITS_RETURN_IF_ERROR(vault->Save(call.step.txn(), call.job.id, secrets));
        return call.job;
      },
      std::move(done));
}

void JobManager::RemoveCredentials(const Principal& principal, const JobId& id,
                                   domain::CredentialSlot slot, const CallOptions& options,
                                   Callback<RemovedCredentials> done) {
  Mutate<RemovedCredentials>(
      principal, id, options,
      [principal, slot, vault = parts_.vault](Call& call) -> absl::StatusOr<RemovedCredentials> {
        BITS_RETURN_IF_ERROR(CheckOwner(principal, call.job));
        if (call.repeated) return RemovedCredentials{call.job, call.record.file_count != 0};
        domain::Update update;
        update.credentials = call.job.credentials;
        const bool removed = std::erase(*update.credentials, slot) != 0;
        if (update.credentials->empty() && call.job.http.secret_headers.empty()) {
          update.secrets_volatile = false;
        }
        // Also where there are none: a final job refuses it all the same.
        BITS_RETURN_IF_ERROR(call.step.Apply(call.job, nullptr, update).status());
        BITS_ASSIGN_OR_RETURN(JobSecrets secrets, vault->Load(call.step.txn(), call.job.id));
        app::RemoveCredentials(slot, secrets);
        BITS_RETURN_IF_ERROR(vault->Save(call.step.txn(), call.job.id, secrets));
        call.record.file_count = removed ? 1 : 0;  // for its repetition
        return RemovedCredentials{call.job, removed};
      },
      std::move(done));
}

void JobManager::AddLive(Job& job) const {
  if (domain::IsActive(job.state)) parts_.runner->AddLiveProgress(job);
  parts_.holds->AddHeld(job);
}

std::string JobManager::RootOfFirst(const std::vector<File>& files) const {
  return files.empty() ? "" : parts_.files->RootOf(files.front().path);
}

absl::StatusOr<Job> JobManager::Find(const Principal& principal, const JobId& id) const {
  return IfAllowed(principal, id, parts_.store->GetJob(id));
}

absl::StatusOr<Job> JobManager::GetJob(const Principal& principal, const JobId& id) {
  BITS_ASSIGN_OR_RETURN(Job job, Find(principal, id));
  AddLive(job);
  return job;
}

absl::StatusOr<JobPage> JobManager::ListJobs(const Principal& principal, JobQuery query,
                                             bool all_owners) {
  if (all_owners && !principal.administrator) {
    return MakeRefusal(absl::StatusCode::kPermissionDenied,
                       domain::SymbolOf(domain::kAccessDenied),
                       "all_owners: only an administrator sees the jobs of others.");
  }
  query.owner.reset();
  if (!all_owners) query.owner = principal.name;
  BITS_ASSIGN_OR_RETURN(JobPage page, parts_.store->ListJobs(query));
  for (Job& job : page.jobs) AddLive(job);
  return page;
}

absl::StatusOr<File> JobManager::GetFile(const Principal& principal, const JobId& id,
                                         uint32_t ordinal) {
  BITS_RETURN_IF_ERROR(Find(principal, id).status());
  BITS_ASSIGN_OR_RETURN(
      File file, OrNotFound(parts_.store->GetFile(id, ordinal), FileNotFound(id, ordinal)));
  parts_.runner->AddLiveProgress(id, file);
  return file;
}

absl::StatusOr<std::vector<File>> JobManager::ListFiles(const Principal& principal,
                                                        const JobId& id, uint32_t after,
                                                        uint32_t limit) {
  BITS_RETURN_IF_ERROR(Find(principal, id).status());
  BITS_ASSIGN_OR_RETURN(std::vector<File> files, parts_.store->ListFiles(id, after, limit));
  for (File& file : files) parts_.runner->AddLiveProgress(id, file);
  return files;
}

absl::StatusOr<domain::Error> JobManager::GetError(const Principal& principal, const JobId& id) {
  BITS_ASSIGN_OR_RETURN(const Job job, Find(principal, id));
  if (!job.error.has_value()) {
    return MakeRefusal(absl::StatusCode::kFailedPrecondition,
                       domain::SymbolOf(domain::kErrorInformationUnavailable),
                       "The job has no error now.",
                       {{"state", std::string(domain::StateName(job.state))}});
  }
  return *job.error;
}

absl::StatusOr<ErrorHistory> JobManager::ListErrors(const Principal& principal, const JobId& id) {
  BITS_RETURN_IF_ERROR(Find(principal, id).status());
  return parts_.store->ListErrors(id);
}

}  // namespace bits::app

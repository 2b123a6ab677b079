// The calls that change nothing.
#include "server/app/hold_board.h"
#include "server/app/job_call.h"
#include "server/app/job_manager.h"
#include "server/app/transfer_runner.h"
#include "server/base/error_info.h"
#include "server/domain/error_code.h"

namespace bits::app {

using domain::File;
using domain::Job;
using domain::JobId;

void JobManager::AddLive(Job& job) const {
  if (domain::IsActive(job.state)) parts_.runner->AddLiveProgress(job);
  parts_.holds->AddHeld(job);
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

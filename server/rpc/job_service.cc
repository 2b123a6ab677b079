#include "server/rpc/job_service.h"

#include <cstdint>
#include <utility>
#include <vector>

#include "server/base/error_info.h"
#include "server/base/status_macros.h"
#include "server/rpc/convert.h"
#include "server/rpc/filter.h"
#include "server/rpc/names.h"
#include "server/rpc/pages.h"
#include "server/rpc/request_digest.h"
#include "server/rpc/validate.h"
#include "server/rpc/validate_http.h"
#include "server/rpc/validate_notifications.h"

namespace bits::rpc {
namespace {

template <typename Request>
absl::StatusOr<app::CallOptions> OptionsFrom(std::string_view method, const Request& request,
                                             std::string_view etag) {
  BITS_RETURN_IF_ERROR(CheckRequestId(request.request_id()));
  app::CallOptions options;
  options.revision = ParseEtag(etag);
  if (!request.request_id().empty()) {
    // UUIDs are the same whatever their case.
    options.request_id = CanonicalUuid(request.request_id());
    options.fingerprint = Fingerprint(method, request);
  }
  return options;
}

// What fills a response with a job.
auto JobInto(const app::JobManager* jobs, v1::Job* response) {
  return [jobs, response](const domain::Job& job) {
    ToProto(job, *jobs->policy(), response);
  };
}

}  // namespace

JobService::JobService(const CallEnvironment& env, app::JobManager* jobs, const TokenSealer* tokens,
                       WatchRegistry* watches)
    : env_(env), jobs_(jobs), tokens_(tokens), watches_(watches) {}

JobService::Reactor* JobService::CreateJob(Context* context, const v1::CreateJobRequest* request,
                                           v1::Job* response) {
  return StartCall(env_, *context, [&](const app::Principal& principal, const CallPtr& call) {
    BITS_ASSIGN_OR_RETURN(domain::Job job, NewJobFrom(*request, *jobs_->policy()));
    BITS_ASSIGN_OR_RETURN(const Secret webhook_key, WebhookKeyFrom(request->job()));
    BITS_ASSIGN_OR_RETURN(const std::vector<app::NewFile> files, FilesFrom(request->files()));
    BITS_ASSIGN_OR_RETURN(const app::CallOptions options, OptionsFrom("CreateJob", *request, {}));
    jobs_->CreateJob(principal, std::move(job), files, request->start(), options,
                     Reply<domain::Job>(env_, call, JobInto(jobs_, response)), webhook_key);
    return absl::OkStatus();
  });
}

JobService::Reactor* JobService::GetJob(Context* context, const v1::GetJobRequest* request,
                                        v1::Job* response) {
  return StartCall(env_, *context, [&](const app::Principal& principal, const CallPtr& call) {
    BITS_ASSIGN_OR_RETURN(domain::JobId id, ParseJobName(request->name(), "name"));
    return PostRead(
        env_, call, [jobs = jobs_, principal, id] { return jobs->GetJob(principal, id); },
        JobInto(jobs_, response));
  });
}

JobService::Reactor* JobService::ListJobs(Context* context, const v1::ListJobsRequest* request,
                                          v1::ListJobsResponse* response) {
  return StartCall(env_, *context, [&](const app::Principal& principal, const CallPtr& call) {
    JobPageRequest page;
    page.principal = principal;
    page.all_owners = request->all_owners();
    page.binding = PageBinding(principal.name, *request);
    page.query.show_final = request->show_final();
    BITS_ASSIGN_OR_RETURN(page.query.filter, ParseFilter(request->filter()));
    BITS_ASSIGN_OR_RETURN(page.query.limit, PageSizeFrom(request->page_size()));
    BITS_ASSIGN_OR_RETURN(page.query.after, tokens_->OpenPage(request->page_token(), page.binding));
    return PostRead(
        env_, call,
        [jobs = jobs_, tokens = tokens_, page] { return ReadJobPage(jobs, *tokens, page); },
        [response](v1::ListJobsResponse read) { response->Swap(&read); });
  });
}

JobService::Reactor* JobService::UpdateJob(Context* context, const v1::UpdateJobRequest* request,
                                           v1::Job* response) {
  return StartCall(env_, *context, [&](const app::Principal& principal, const CallPtr& call) {
    BITS_ASSIGN_OR_RETURN(const domain::JobId id, ParseJobName(request->job().name(), "job.name"));
    BITS_ASSIGN_OR_RETURN(domain::Update update, UpdateFrom(*request, *jobs_->policy()));
    BITS_ASSIGN_OR_RETURN(const app::CallOptions options,
                          OptionsFrom("UpdateJob", *request, request->job().etag()));
    jobs_->UpdateJob(principal, id, std::move(update), options,
                     Reply<domain::Job>(env_, call, JobInto(jobs_, response)));
    return absl::OkStatus();
  });
}

JobService::Reactor* JobService::AddFiles(Context* context, const v1::AddFilesRequest* request,
                                          v1::AddFilesResponse* response) {
  return StartCall(env_, *context, [&](const app::Principal& principal, const CallPtr& call) {
    BITS_ASSIGN_OR_RETURN(const domain::JobId id, ParseJobName(request->parent(), "parent"));
    BITS_ASSIGN_OR_RETURN(const std::vector<app::NewFile> files, FilesFrom(request->files()));
    if (files.empty()) return InvalidField("files", "must be at least 1");
    BITS_ASSIGN_OR_RETURN(const app::CallOptions options, OptionsFrom("AddFiles", *request, {}));
    jobs_->AddFiles(
        principal, id, files, options,
        Reply<app::AddFilesOutcome>(
            env_, call, [jobs = jobs_, response](const app::AddFilesOutcome& outcome) {
              ToProto(outcome.job, *jobs->policy(), response->mutable_job());
              size_t bytes = 0;
              for (const domain::File& file : outcome.files) {
                ToProto(outcome.job.id, file, response->add_files());
                bytes += response->files(response->files_size() - 1).ByteSizeLong();
                if (bytes > kPageBytes) break;
              }
            }));
    return absl::OkStatus();
  });
}

JobService::Reactor* JobService::GetFile(Context* context, const v1::GetFileRequest* request,
                                         v1::File* response) {
  return StartCall(env_, *context, [&](const app::Principal& principal, const CallPtr& call) {
    BITS_ASSIGN_OR_RETURN(const FileId id, ParseFileName(request->name(), "name"));
    return PostRead(
        env_, call,
        [jobs = jobs_, principal, id] { return jobs->GetFile(principal, id.job, id.ordinal); },
        [id, response](const domain::File& file) { ToProto(id.job, file, response); });
  });
}

JobService::Reactor* JobService::ListFiles(Context* context, const v1::ListFilesRequest* request,
                                           v1::ListFilesResponse* response) {
  return StartCall(env_, *context, [&](const app::Principal& principal, const CallPtr& call) {
    FilePageRequest page;
    page.principal = principal;
    page.binding = PageBinding(principal.name, *request);
    BITS_ASSIGN_OR_RETURN(page.job, ParseJobName(request->parent(), "parent"));
    BITS_ASSIGN_OR_RETURN(page.limit, PageSizeFrom(request->page_size()));
    BITS_ASSIGN_OR_RETURN(const uint64_t after,
                          tokens_->OpenPage(request->page_token(), page.binding));
    page.after = static_cast<uint32_t>(after);
    return PostRead(
        env_, call,
        [jobs = jobs_, tokens = tokens_, page] { return ReadFilePage(jobs, *tokens, page); },
        [response](v1::ListFilesResponse read) { response->Swap(&read); });
  });
}

JobService::Reactor* JobService::UpdateFile(Context* context, const v1::UpdateFileRequest* request,
                                            v1::File* response) {
  return StartCall(env_, *context, [&](const app::Principal& principal, const CallPtr& call) {
    BITS_ASSIGN_OR_RETURN(const FileId id, ParseFileName(request->file().name(), "file.name"));
    BITS_ASSIGN_OR_RETURN(app::FileUpdate update, FileUpdateFrom(*request));
    BITS_ASSIGN_OR_RETURN(const app::CallOptions options, OptionsFrom("UpdateFile", *request, {}));
    jobs_->UpdateFile(principal, id.job, id.ordinal, std::move(update), options,
                      Reply<domain::File>(env_, call, [id, response](const domain::File& file) {
                        ToProto(id.job, file, response);
                      }));
    return absl::OkStatus();
  });
}

JobService::Reactor* JobService::ReplaceRemotePrefix(
    Context* context, const v1::ReplaceRemotePrefixRequest* request,
    v1::ReplaceRemotePrefixResponse* response) {
  return StartCall(env_, *context, [&](const app::Principal& principal, const CallPtr& call) {
    BITS_ASSIGN_OR_RETURN(const domain::JobId id, ParseJobName(request->name(), "name"));
    BITS_ASSIGN_OR_RETURN(app::PrefixChange change, PrefixChangeFrom(*request));
    BITS_ASSIGN_OR_RETURN(const app::CallOptions options,
                          OptionsFrom("ReplaceRemotePrefix", *request, request->etag()));
    jobs_->ReplaceRemotePrefix(
        principal, id, std::move(change), options,
        Reply<app::PrefixOutcome>(
            env_, call, [jobs = jobs_, response](const app::PrefixOutcome& outcome) {
              JobInto(jobs, response->mutable_job())(outcome.job);
              response->set_files_changed(outcome.files_changed);
            }));
    return absl::OkStatus();
  });
}

JobService::Reactor* JobService::SetCredentials(Context* context,
                                                const v1::SetCredentialsRequest* request,
                                                v1::Job* response) {
  return StartCall(env_, *context, [&](const app::Principal& principal, const CallPtr& call) {
    BITS_ASSIGN_OR_RETURN(const domain::JobId id, ParseJobName(request->name(), "name"));
    BITS_ASSIGN_OR_RETURN(const app::Credentials credentials, CredentialsFrom(*request));
    BITS_ASSIGN_OR_RETURN(const app::CallOptions options,
                          OptionsFrom("SetCredentials", *request, request->etag()));
    jobs_->SetCredentials(principal, id, credentials, options,
                          Reply<domain::Job>(env_, call, JobInto(jobs_, response)));
    return absl::OkStatus();
  });
}

JobService::Reactor* JobService::RemoveCredentials(Context* context,
                                                   const v1::RemoveCredentialsRequest* request,
                                                   v1::RemoveCredentialsResponse* response) {
  return StartCall(env_, *context, [&](const app::Principal& principal, const CallPtr& call) {
    BITS_ASSIGN_OR_RETURN(const domain::JobId id, ParseJobName(request->name(), "name"));
    BITS_ASSIGN_OR_RETURN(const domain::CredentialSlot slot,
                          SlotFrom(request->target(), request->scheme()));
    BITS_ASSIGN_OR_RETURN(const app::CallOptions options,
                          OptionsFrom("RemoveCredentials", *request, request->etag()));
    jobs_->RemoveCredentials(
        principal, id, slot, options,
        Reply<app::RemovedCredentials>(
            env_, call,
            [jobs = jobs_, response](const app::RemovedCredentials& outcome) {
              ToProto(outcome.job, *jobs->policy(), response->mutable_job());
              response->set_removed(outcome.removed);
            }));
    return absl::OkStatus();
  });
}

template <typename Request>
JobService::Reactor* JobService::RunVerb(const Context& context, std::string_view method,
                                         const Request& request, Verb verb, v1::Job* response) {
  return StartCall(env_, context, [&](const app::Principal& principal, const CallPtr& call) {
    BITS_ASSIGN_OR_RETURN(const domain::JobId id, ParseJobName(request.name(), "name"));
    BITS_ASSIGN_OR_RETURN(const app::CallOptions options,
                          OptionsFrom(method, request, request.etag()));
    (jobs_->*verb)(principal, id, options,
                   Reply<domain::Job>(env_, call, JobInto(jobs_, response)));
    return absl::OkStatus();
  });
}

JobService::Reactor* JobService::ResumeJob(Context* context, const v1::ResumeJobRequest* request,
                                           v1::Job* response) {
  return RunVerb(*context, "ResumeJob", *request, &app::JobManager::ResumeJob, response);
}

JobService::Reactor* JobService::SuspendJob(Context* context, const v1::SuspendJobRequest* request,
                                            v1::Job* response) {
  return RunVerb(*context, "SuspendJob", *request, &app::JobManager::SuspendJob, response);
}

JobService::Reactor* JobService::CancelJob(Context* context, const v1::CancelJobRequest* request,
                                           v1::Job* response) {
  return RunVerb(*context, "CancelJob", *request, &app::JobManager::CancelJob, response);
}

JobService::Reactor* JobService::CompleteJob(Context* context,
                                             const v1::CompleteJobRequest* request,
                                             v1::Job* response) {
  return RunVerb(*context, "CompleteJob", *request, &app::JobManager::CompleteJob, response);
}

JobService::Reactor* JobService::TakeOwnership(Context* context,
                                               const v1::TakeOwnershipRequest* request,
                                               v1::Job* response) {
  return RunVerb(*context, "TakeOwnership", *request, &app::JobManager::TakeOwnership, response);
}

grpc::ServerWriteReactor<v1::JobEvent>* JobService::WatchJobs(Context* context,
                                                              const v1::WatchJobsRequest* request) {
  const auto begin = [&]() -> absl::StatusOr<WatchSpec> {
    BITS_RETURN_IF_ERROR(env_.gate->Admit());
    WatchSpec spec;
    BITS_ASSIGN_OR_RETURN(spec.principal, env_.authenticator->Authenticate(*context));
    BITS_ASSIGN_OR_RETURN(spec.filter, ParseFilter(request->filter()));
    if (!request->cursor().empty()) {
      BITS_ASSIGN_OR_RETURN(spec.cursor, tokens_->OpenCursor(request->cursor()));
    }
    spec.all_owners = request->all_owners();
    if (spec.all_owners && !spec.principal.administrator) {
      return MakeRefusal(absl::StatusCode::kPermissionDenied, "E_ACCESSDENIED",
                         "all_owners is an administrator's");
    }
    return spec;
  };
  return watches_->Start(begin());
}

}  // namespace bits::rpc

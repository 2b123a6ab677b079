// bits.v1.JobService: check and convert the request, call the application, convert back.
#ifndef BITS_SERVER_RPC_JOB_SERVICE_H_
#define BITS_SERVER_RPC_JOB_SERVICE_H_

#include <string>
#include <string_view>

#include "bits/v1/job_service.grpc.pb.h"
#include "server/app/job_manager.h"
#include "server/rpc/sealed_token.h"
#include "server/rpc/unary_call.h"
#include "server/rpc/watch_registry.h"

namespace bits::rpc {

// Called by gRPC, on its few threads: nothing here blocks.
class JobService final : public v1::JobService::CallbackService {
 public:
  // All of these outlive the service.
  JobService(const CallEnvironment& env, app::JobManager* jobs, const TokenSealer* tokens,
             WatchRegistry* watches);

  using Context = grpc::CallbackServerContext;
  using Reactor = grpc::ServerUnaryReactor;
  Reactor* CreateJob(Context* context, const v1::CreateJobRequest* request,
                     v1::Job* response) override;
  Reactor* GetJob(Context* context, const v1::GetJobRequest* request, v1::Job* response) override;
  Reactor* ListJobs(Context* context, const v1::ListJobsRequest* request,
                    v1::ListJobsResponse* response) override;
  Reactor* UpdateJob(Context* context, const v1::UpdateJobRequest* request,
                     v1::Job* response) override;
  Reactor* AddFiles(Context* context, const v1::AddFilesRequest* request,
                    v1::AddFilesResponse* response) override;
  Reactor* GetFile(Context* context, const v1::GetFileRequest* request,
                   v1::File* response) override;
  Reactor* ListFiles(Context* context, const v1::ListFilesRequest* request,
                     v1::ListFilesResponse* response) override;
  Reactor* UpdateFile(Context* context, const v1::UpdateFileRequest* request,
                      v1::File* response) override;
  Reactor* SetCredentials(Context* context, const v1::SetCredentialsRequest* request,
                          v1::Job* response) override;
  Reactor* RemoveCredentials(Context* context, const v1::RemoveCredentialsRequest* request,
                             v1::RemoveCredentialsResponse* response) override;
  Reactor* ResumeJob(Context* context, const v1::ResumeJobRequest* request,
                     v1::Job* response) override;
  Reactor* SuspendJob(Context* context, const v1::SuspendJobRequest* request,
                      v1::Job* response) override;
  Reactor* CancelJob(Context* context, const v1::CancelJobRequest* request,
                     v1::Job* response) override;
  Reactor* CompleteJob(Context* context, const v1::CompleteJobRequest* request,
                       v1::Job* response) override;
  Reactor* ReplaceRemotePrefix(Context* context, const v1::ReplaceRemotePrefixRequest* request,
                               v1::ReplaceRemotePrefixResponse* response) override;
  Reactor* TakeOwnership(Context* context, const v1::TakeOwnershipRequest* request,
                         v1::Job* response) override;
  grpc::ServerWriteReactor<v1::JobEvent>* WatchJobs(Context* context,
                                                    const v1::WatchJobsRequest* request) override;

 private:
  // The verbs that take a name, a request_id and an etag.
  using Verb = void (app::JobManager::*)(const app::Principal&, const domain::JobId&,
                                         const app::CallOptions&, app::JobManager::JobCallback);
  template <typename Request>
  Reactor* RunVerb(const Context& context, std::string_view method, const Request& request,
                   Verb verb, v1::Job* response);

  const CallEnvironment env_;
  app::JobManager* const jobs_;
  const TokenSealer* const tokens_;
  WatchRegistry* const watches_;
};

}  // namespace bits::rpc

#endif  // BITS_SERVER_RPC_JOB_SERVICE_H_

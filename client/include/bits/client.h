// bits::Client: background transfers by a bitsd.
//
//   auto connection = bits::MakeConnection("127.0.0.1:7310");
//   if (!connection.ok()) return connection.status();
//   bits::Client client(*connection);
//   bits::v1::CreateJobRequest request;
//   request.mutable_job()->set_display_name("nightly");
//   auto* file = request.add_files();
//   file->set_remote_name("https://example.com/a.iso");
//   file->set_local_name("a.iso");
//   request.set_start(true);
//   absl::StatusOr<bits::v1::Job> job = client.CreateJob(request);
//   if (!job.ok()) std::cerr << bits::GetErrorReason(job.status());
#ifndef BITS_CLIENT_H_
#define BITS_CLIENT_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bits/connection.h"
#include "bits/options.h"
#include "bits/status.h"
#include "bits/v1/error_service.pb.h"
#include "bits/v1/job_service.pb.h"
#include "bits/v1/notification_service.pb.h"
#include "bits/v1/policy_service.pb.h"
#include "bits/watch.h"

namespace bits {
inline namespace client_0 {

// A handle on a connection: cheap to copy, all copies share it, usable from any
// thread. `name` is always `jobs/{job}`. A refusal is a status that bits/status.h reads.
class Client {
 public:
  explicit Client(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {}

  absl::StatusOr<v1::Job> CreateJob(const v1::CreateJobRequest& request,
                                    const CallOptions& options = {}) const {
    return connection_->CreateJob(request, options);
  }
  absl::StatusOr<v1::Job> GetJob(const std::string& name, const CallOptions& options = {}) const;
  // One page.
  absl::StatusOr<v1::ListJobsResponse> ListJobs(const v1::ListJobsRequest& request,
                                                const CallOptions& options = {}) const {
    return connection_->ListJobs(request, options);
  }
  // Every page from request.page_token on, job by job, until `each` gives false.
  absl::Status ForEachJob(v1::ListJobsRequest request,
                          const std::function<bool(const v1::Job&)>& each,
                          const CallOptions& options = {}) const;
  absl::StatusOr<v1::Job> UpdateJob(const v1::UpdateJobRequest& request,
                                    const CallOptions& options = {}) const {
    return connection_->UpdateJob(request, options);
  }

  absl::StatusOr<v1::AddFilesResponse> AddFiles(const v1::AddFilesRequest& request,
                                                const CallOptions& options = {}) const {
    return connection_->AddFiles(request, options);
  }
  // `name` is `jobs/{job}/files/{file}`.
  absl::StatusOr<v1::File> GetFile(const std::string& name, const CallOptions& options = {}) const;
  // One page.
  absl::StatusOr<v1::ListFilesResponse> ListFiles(const v1::ListFilesRequest& request,
                                                  const CallOptions& options = {}) const {
    return connection_->ListFiles(request, options);
  }
  absl::Status ForEachFile(v1::ListFilesRequest request,
                           const std::function<bool(const v1::File&)>& each,
                           const CallOptions& options = {}) const;
  // Gives file `name` (`jobs/{job}/files/{file}`) another remote name.
  absl::StatusOr<v1::File> SetRemoteName(const std::string& name, const std::string& remote_name,
                                         const CallOptions& options = {}) const;

  // The content of file `name`, once it is all there, from `offset` on.
  absl::Status ReadContent(const std::string& name, std::uint64_t offset, const ContentSink& sink,
                           const CallOptions& options = {}) const;
  // Says whether the content of file `name` is what it should be.
  absl::StatusOr<v1::File> SetValidationState(const std::string& name, bool valid,
                                              const CallOptions& options = {}) const;
  // Changes the beginning of the remote names of job `name`'s files that are not here yet.
  absl::StatusOr<v1::ReplaceRemotePrefixResponse> ReplaceRemotePrefix(
      const std::string& name, const std::string& old_prefix, const std::string& new_prefix,
      const CallOptions& options = {}) const;
  // There is no way to read them.
  absl::StatusOr<v1::Job> SetCredentials(const v1::SetCredentialsRequest& request,
                                         const CallOptions& options = {}) const {
    return connection_->SetCredentials(request, options);
  }
  absl::StatusOr<v1::RemoveCredentialsResponse> RemoveCredentials(
      const v1::RemoveCredentialsRequest& request, const CallOptions& options = {}) const {
    return connection_->RemoveCredentials(request, options);
  }

  absl::StatusOr<v1::Job> ResumeJob(const std::string& name, const CallOptions& options = {}) const;
  absl::StatusOr<v1::Job> SuspendJob(const std::string& name,
                                     const CallOptions& options = {}) const;
  absl::StatusOr<v1::Job> CancelJob(const std::string& name, const CallOptions& options = {}) const;
  absl::StatusOr<v1::Job> CompleteJob(const std::string& name,
                                      const CallOptions& options = {}) const;
  // The caller, who must be an administrator, becomes the owner.
  absl::StatusOr<v1::Job> TakeOwnership(const std::string& name,
                                        const CallOptions& options = {}) const;
  std::unique_ptr<WatchSession> WatchJobs(const WatchOptions& options) const {
    return connection_->WatchJobs(options);
  }

  // Why the job stopped; kFailedPrecondition (BG_E_ERROR_INFORMATION_UNAVAILABLE)
  // where it keeps no error.
  absl::StatusOr<v1::Error> GetError(const std::string& name,
                                     const CallOptions& options = {}) const;
  absl::StatusOr<v1::ListErrorsResponse> ListErrors(const std::string& name,
                                                    const CallOptions& options = {}) const;
  absl::StatusOr<v1::DescribeErrorResponse> DescribeError(std::uint32_t hresult,
                                                          const std::string& language_code = "en",
                                                          const CallOptions& options = {}) const;

  // What waits to be told of a job. One page.
  absl::StatusOr<v1::ListNotificationsResponse> ListNotifications(
      const v1::ListNotificationsRequest& request, const CallOptions& options = {}) const {
    return connection_->ListNotifications(request, options);
  }
  // `name` is `jobs/{job}/notifications/{notification}`.
  absl::StatusOr<v1::Notification> ReplayNotification(const std::string& name,
                                                      const CallOptions& options = {}) const;

  // An administrator's.
  absl::StatusOr<v1::Policy> GetPolicy(const CallOptions& options = {}) const {
    return connection_->GetPolicy({}, options);
  }
  absl::StatusOr<v1::Policy> UpdatePolicy(const v1::UpdatePolicyRequest& request,
                                          const CallOptions& options = {}) const {
    return connection_->UpdatePolicy(request, options);
  }

  // For requests with an etag or a request_id of your own.
  Connection& connection() const { return *connection_; }

 private:
  std::shared_ptr<Connection> connection_;
};

}  // namespace client_0
}  // namespace bits

#endif  // BITS_CLIENT_H_

// The way to a server, as an interface: what bits::Client stands on, and what a
// test of yours replaces by a mock.
#ifndef BITS_CONNECTION_H_
#define BITS_CONNECTION_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <grpcpp/channel.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "bits/options.h"
#include "bits/v1/error_service.pb.h"
#include "bits/v1/job_service.pb.h"
#include "bits/v1/notification_service.pb.h"
#include "bits/v1/policy_service.pb.h"
#include "bits/watch.h"
#include "google/bytestream/bytestream.pb.h"

namespace bits {
inline namespace client_0 {

// Takes a piece of a file's content.
using ContentSink = std::function<absl::Status(std::string_view piece)>;

// One method for each of the services' methods; their rules and errors are those
// of proto/bits/v1. All may be called from any thread, and block.
//
// The connection that MakeConnection gives tries again while the server is
// UNAVAILABLE (RetryOptions). That is safe: a request that changes something and
// has no request_id is given one, a random UUID that all its tries share, so the
// server makes the change once.
class Connection {
 public:
  virtual ~Connection() = default;

  virtual absl::StatusOr<v1::Job> CreateJob(const v1::CreateJobRequest& request,
                                            const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::Job> GetJob(const v1::GetJobRequest& request,
                                         const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::ListJobsResponse> ListJobs(const v1::ListJobsRequest& request,
                                                        const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::Job> UpdateJob(const v1::UpdateJobRequest& request,
                                            const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::AddFilesResponse> AddFiles(const v1::AddFilesRequest& request,
                                                        const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::File> GetFile(const v1::GetFileRequest& request,
                                           const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::ListFilesResponse> ListFiles(const v1::ListFilesRequest& request,
                                                          const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::File> UpdateFile(const v1::UpdateFileRequest& request,
                                              const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::ReplaceRemotePrefixResponse> ReplaceRemotePrefix(
      const v1::ReplaceRemotePrefixRequest& request, const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::Job> SetCredentials(const v1::SetCredentialsRequest& request,
                                                 const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::RemoveCredentialsResponse> RemoveCredentials(
      const v1::RemoveCredentialsRequest& request, const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::Job> ResumeJob(const v1::ResumeJobRequest& request,
                                            const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::Job> SuspendJob(const v1::SuspendJobRequest& request,
                                             const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::Job> CancelJob(const v1::CancelJobRequest& request,
                                            const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::Job> CompleteJob(const v1::CompleteJobRequest& request,
                                              const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::Job> TakeOwnership(const v1::TakeOwnershipRequest& request,
                                                const CallOptions& options) = 0;
  // Does not wait for the server: what it says comes from WatchSession::Next(). The
  // session may outlive the connection.
  virtual std::unique_ptr<WatchSession> WatchJobs(const WatchOptions& options) = 0;

  // Blocks until the end: `sink` is called in this thread with one piece after the other; a status
  // from it that is not OK ends the reading, and is the answer. Where the connection breaks, or the server
  // ends, it is taken up from there on. No deadline but options.timeout.
  virtual absl::Status ReadContent(const google::bytestream::ReadRequest& request,
                                   const ContentSink& sink, const CallOptions& options) = 0;

  virtual absl::StatusOr<v1::Error> GetError(const v1::GetErrorRequest& request,
                                             const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::ListErrorsResponse> ListErrors(const v1::ListErrorsRequest& request,
                                                            const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::DescribeErrorResponse> DescribeError(
      const v1::DescribeErrorRequest& request, const CallOptions& options) = 0;

  virtual absl::StatusOr<v1::ListNotificationsResponse> ListNotifications(
      const v1::ListNotificationsRequest& request, const CallOptions& options) = 0;
  virtual absl::StatusOr<v1::Notification> ReplayNotification(
      const v1::ReplayNotificationRequest& request, const CallOptions& options) = 0;

  virtual absl::StatusOr<v1::Policy> GetPolicy(const v1::GetPolicyRequest& request,
                                               const CallOptions& options) = 0;
  // Has no request_id: one with an etag, tried again after it was carried out, is kAborted.
  virtual absl::StatusOr<v1::Policy> UpdatePolicy(const v1::UpdatePolicyRequest& request,
                                                  const CallOptions& options) = 0;
};

// Connects, when first used, to the bitsd at `address`: HOST:PORT, unix:PATH, or a
// gRPC target such as dns:///bitsd.example:7310. kInvalidArgument if it is none of these.
// Proxies named by the environment are not used.
absl::StatusOr<std::shared_ptr<Connection>> MakeConnection(const std::string& address,
                                                           ConnectionOptions options = {});

// The same over a channel of your own; `credentials` and `user_agent` are not used.
std::shared_ptr<Connection> MakeConnection(const std::shared_ptr<grpc::ChannelInterface>& channel,
                                           ConnectionOptions options = {});

}  // namespace client_0
}  // namespace bits

#endif  // BITS_CONNECTION_H_

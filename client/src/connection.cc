#include "bits/connection.h"

#include <absl/strings/str_cat.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/support/channel_arguments.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "bits/v1/error_service.grpc.pb.h"
#include "bits/v1/job_service.grpc.pb.h"
#include "bits/v1/notification_service.grpc.pb.h"
#include "bits/v1/policy_service.grpc.pb.h"
#include "client/src/address.h"
#include "client/src/content_read.h"
#include "client/src/retry.h"
#include "client/src/status_convert.h"
#include "client/src/uuid.h"
#include "client/src/watch_session.h"

namespace bits {
inline namespace client_0 {
namespace {

using client_internal::Milliseconds;

using Metadata = std::vector<std::pair<std::string, std::string>>;

std::unique_ptr<grpc::ClientContext> NewContext(const Metadata& metadata) {
  auto context = std::make_unique<grpc::ClientContext>();
  for (const auto& [key, value] : metadata) context->AddMetadata(key, value);
  return context;
}

class GrpcConnection final : public Connection {
 public:
  GrpcConnection(const std::shared_ptr<grpc::ChannelInterface>& channel, ConnectionOptions options)
      : options_(std::move(options)),
        clock_(client_internal::RealRetryClock(channel)),
        jobs_(v1::JobService::NewStub(channel)),
        errors_(v1::ErrorService::NewStub(channel)),
        policies_(v1::PolicyService::NewStub(channel)),
        notifications_(v1::NotificationService::NewStub(channel)),
        contents_(google::bytestream::ByteStream::NewStub(channel)) {}

  absl::StatusOr<v1::Job> CreateJob(const v1::CreateJobRequest& request,
                                    const CallOptions& options) override {
    return Mutate(*jobs_, &Jobs::CreateJob, request, options);
  }
  absl::StatusOr<v1::Job> GetJob(const v1::GetJobRequest& request,
                                 const CallOptions& options) override {
    return Call(*jobs_, &Jobs::GetJob, request, options);
  }
  absl::StatusOr<v1::ListJobsResponse> ListJobs(const v1::ListJobsRequest& request,
                                                const CallOptions& options) override {
    return Call(*jobs_, &Jobs::ListJobs, request, options);
  }
  absl::StatusOr<v1::Job> UpdateJob(const v1::UpdateJobRequest& request,
                                    const CallOptions& options) override {
    return Mutate(*jobs_, &Jobs::UpdateJob, request, options);
  }
  absl::StatusOr<v1::AddFilesResponse> AddFiles(const v1::AddFilesRequest& request,
                                                const CallOptions& options) override {
    return Mutate(*jobs_, &Jobs::AddFiles, request, options);
  }
  absl::StatusOr<v1::File> GetFile(const v1::GetFileRequest& request,
                                   const CallOptions& options) override {
    return Call(*jobs_, &Jobs::GetFile, request, options);
  }
  absl::StatusOr<v1::ListFilesResponse> ListFiles(const v1::ListFilesRequest& request,
                                                  const CallOptions& options) override {
    return Call(*jobs_, &Jobs::ListFiles, request, options);
  }
  absl::StatusOr<v1::File> UpdateFile(const v1::UpdateFileRequest& request,
                                      const CallOptions& options) override {
    return Mutate(*jobs_, &Jobs::UpdateFile, request, options);
  }
  absl::StatusOr<v1::ReplaceRemotePrefixResponse> ReplaceRemotePrefix(
      const v1::ReplaceRemotePrefixRequest& request, const CallOptions& options) override {
    return Mutate(*jobs_, &Jobs::ReplaceRemotePrefix, request, options);
  }
  absl::StatusOr<v1::Job> SetCredentials(const v1::SetCredentialsRequest& request,
                                         const CallOptions& options) override {
    return Mutate(*jobs_, &Jobs::SetCredentials, request, options);
  }
  absl::StatusOr<v1::RemoveCredentialsResponse> RemoveCredentials(
      const v1::RemoveCredentialsRequest& request, const CallOptions& options) override {
    return Mutate(*jobs_, &Jobs::RemoveCredentials, request, options);
  }
  absl::StatusOr<v1::Job> ResumeJob(const v1::ResumeJobRequest& request,
                                    const CallOptions& options) override {
    return Mutate(*jobs_, &Jobs::ResumeJob, request, options);
  }
  absl::StatusOr<v1::Job> SuspendJob(const v1::SuspendJobRequest& request,
                                     const CallOptions& options) override {
    return Mutate(*jobs_, &Jobs::SuspendJob, request, options);
  }
  absl::StatusOr<v1::Job> CancelJob(const v1::CancelJobRequest& request,
                                    const CallOptions& options) override {
    return Mutate(*jobs_, &Jobs::CancelJob, request, options);
  }
  absl::StatusOr<v1::Job> CompleteJob(const v1::CompleteJobRequest& request,
                                      const CallOptions& options) override {
    return Mutate(*jobs_, &Jobs::CompleteJob, request, options);
  }
  absl::StatusOr<v1::Job> TakeOwnership(const v1::TakeOwnershipRequest& request,
                                        const CallOptions& options) override {
    return Mutate(*jobs_, &Jobs::TakeOwnership, request, options);
  }
  std::unique_ptr<WatchSession> WatchJobs(const WatchOptions& options) override {
    return std::make_unique<client_internal::ResumingWatchSession>(
        jobs_, [metadata = options_.metadata] { return NewContext(metadata); }, options_.retry,
        clock_, options);
  }
  absl::Status ReadContent(const google::bytestream::ReadRequest& request, const ContentSink& sink,
                           const CallOptions& options) override {
    const auto context = [&] {
      auto made = NewContext(options_.metadata);
      if (options.timeout) made->set_deadline(std::chrono::system_clock::now() + *options.timeout);
      return made;
    };
    return client_internal::ReadContent(*contents_, context, options_.retry, clock_, request, sink);
  }
  absl::StatusOr<v1::Error> GetError(const v1::GetErrorRequest& request,
                                     const CallOptions& options) override {
    return Call(*errors_, &Errors::GetError, request, options);
  }
  absl::StatusOr<v1::ListErrorsResponse> ListErrors(const v1::ListErrorsRequest& request,
                                                    const CallOptions& options) override {
    return Call(*errors_, &Errors::ListErrors, request, options);
  }
  absl::StatusOr<v1::DescribeErrorResponse> DescribeError(const v1::DescribeErrorRequest& request,
                                                          const CallOptions& options) override {
    return Call(*errors_, &Errors::DescribeError, request, options);
  }
  absl::StatusOr<v1::ListNotificationsResponse> ListNotifications(
      const v1::ListNotificationsRequest& request, const CallOptions& options) override {
    return Call(*notifications_, &Notifications::ListNotifications, request, options);
  }
  absl::StatusOr<v1::Notification> ReplayNotification(const v1::ReplayNotificationRequest& request,
                                                      const CallOptions& options) override {
    return Call(*notifications_, &Notifications::ReplayNotification, request, options);
  }
  absl::StatusOr<v1::Policy> GetPolicy(const v1::GetPolicyRequest& request,
                                       const CallOptions& options) override {
    return Call(*policies_, &Policies::GetPolicy, request, options);
  }
  absl::StatusOr<v1::Policy> UpdatePolicy(const v1::UpdatePolicyRequest& request,
                                          const CallOptions& options) override {
    return Call(*policies_, &Policies::UpdatePolicy, request, options);
  }

 private:
  using Jobs = v1::JobService::StubInterface;
  using Errors = v1::ErrorService::StubInterface;
  using Policies = v1::PolicyService::StubInterface;
  using Notifications = v1::NotificationService::StubInterface;
  template <typename Stub, typename Request, typename Response>
  using Method = grpc::Status (Stub::*)(grpc::ClientContext*, const Request&, Response*);

  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Call(Stub& stub, Method<Stub, Request, Response> method,
                                const Request& request, const CallOptions& options) {
    Response response;
    absl::Status status = client_internal::RetryUnavailable(
        options_.retry, clock_, options.timeout.value_or(options_.timeout), [&](Milliseconds left) {
          const auto context = NewContext(options_.metadata);
          context->set_deadline(std::chrono::system_clock::now() + left);
          return client_internal::ToAbslStatus((stub.*method)(context.get(), request, &response));
        });
    if (!status.ok()) return status;
    return response;
  }

  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Mutate(Stub& stub, Method<Stub, Request, Response> method,
                                  const Request& request, const CallOptions& options) {
    if (!request.request_id().empty()) return Call(stub, method, request, options);
    Request identified = request;
    identified.set_request_id(client_internal::NewUuid());
    return Call(stub, method, identified, options);
  }

  const ConnectionOptions options_;
  const client_internal::RetryClock clock_;
  const std::shared_ptr<Jobs> jobs_;
  const std::shared_ptr<Errors> errors_;
  const std::shared_ptr<Policies> policies_;
  const std::shared_ptr<Notifications> notifications_;
  const std::shared_ptr<google::bytestream::ByteStream::StubInterface> contents_;
};

grpc::ChannelArguments MakeChannelArguments(const ConnectionOptions& options) {
  grpc::ChannelArguments arguments;
  const std::string own = "bits-cpp/" BITS_VERSION;
  arguments.SetUserAgentPrefix(
      options.user_agent.empty() ? own : absl::StrCat(options.user_agent, " ", own));
  // Trying again is ours, with our bounds; and the channel must not still be waiting
  // for its own next try to connect (by default up to 2 minutes) when ours comes.
  const auto milliseconds = [](Milliseconds time) {
    return static_cast<int>(std::clamp<Milliseconds::rep>(time.count(), 100, 60'000));
  };
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS,
                   milliseconds(options.retry.initial_backoff));
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, milliseconds(options.retry.max_backoff));
  // How long a connection may take to come about, in spite of its name.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 5'000);
  // A watch must notice a server that vanished without a word.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 60'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  return arguments;
}

}  // namespace

absl::StatusOr<std::shared_ptr<Connection>> MakeConnection(const std::string& address,
                                                           ConnectionOptions options) {
  if (auto status = client_internal::CheckAddress(address); !status.ok()) return status;
  auto credentials = options.credentials ? options.credentials : grpc::InsecureChannelCredentials();
  auto channel = grpc::CreateCustomChannel(address, credentials, MakeChannelArguments(options));
  return MakeConnection(std::move(channel), std::move(options));
}

std::shared_ptr<Connection> MakeConnection(const std::shared_ptr<grpc::ChannelInterface>& channel,
                                           ConnectionOptions options) {
  return std::make_shared<GrpcConnection>(channel, std::move(options));
}

}  // namespace client_0
}  // namespace bits

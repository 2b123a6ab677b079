// A bitsd that does what a test tells it to, on a real socket.
#ifndef BITS_TESTS_UNIT_CLIENT_FAKE_BITSD_H_
#define BITS_TESTS_UNIT_CLIENT_FAKE_BITSD_H_

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "bits/v1/error_service.grpc.pb.h"
#include "bits/v1/job_service.grpc.pb.h"
#include "bits/v1/notification_service.grpc.pb.h"
#include "bits/v1/policy_service.grpc.pb.h"
#include "tests/support/temp_dir.h"

namespace bits::testing {

// A refusal as bitsd sends it.
grpc::Status Refusal(grpc::StatusCode code, const std::string& reason, const std::string& message,
                     const std::map<std::string, std::string>& metadata = {});
// The same with a BadRequest for one field.
grpc::Status InvalidField(const std::string& field, const std::string& rule);

// A watch, as the handler that plays it sees it.
class FakeWatch {
 public:
  virtual ~FakeWatch() = default;
  // Returns when it is written; false if the watch is over.
  virtual bool Write(const v1::JobEvent& event) = 0;
  // Until the client or Stop ends the watch. CANCELLED.
  virtual grpc::Status WaitUntilCancelled() = 0;
};

// Each method calls the handler of its name; one that is not set answers
// UNIMPLEMENTED. Set them before Start; they run on the server's threads.
struct FakeHandlers {
  template <typename Request, typename Response>
  using Handler = std::function<grpc::Status(const Request&, Response&)>;

  Handler<v1::CreateJobRequest, v1::Job> create_job;
  Handler<v1::GetJobRequest, v1::Job> get_job;
  Handler<v1::ListJobsRequest, v1::ListJobsResponse> list_jobs;
  Handler<v1::UpdateJobRequest, v1::Job> update_job;
  Handler<v1::AddFilesRequest, v1::AddFilesResponse> add_files;
  Handler<v1::ListFilesRequest, v1::ListFilesResponse> list_files;
  Handler<v1::UpdateFileRequest, v1::File> update_file;
  Handler<v1::ReplaceRemotePrefixRequest, v1::ReplaceRemotePrefixResponse> replace_remote_prefix;
  Handler<v1::SetCredentialsRequest, v1::Job> set_credentials;
  Handler<v1::RemoveCredentialsRequest, v1::RemoveCredentialsResponse> remove_credentials;
  Handler<v1::ResumeJobRequest, v1::Job> resume_job;
  Handler<v1::SuspendJobRequest, v1::Job> suspend_job;
  Handler<v1::TakeOwnershipRequest, v1::Job> take_ownership;
  Handler<v1::CancelJobRequest, v1::Job> cancel_job;
  Handler<v1::CompleteJobRequest, v1::Job> complete_job;
  // On a thread of its own.
  std::function<grpc::Status(const v1::WatchJobsRequest&, FakeWatch&)> watch_jobs;
  Handler<v1::GetErrorRequest, v1::Error> get_error;
  Handler<v1::ListErrorsRequest, v1::ListErrorsResponse> list_errors;
  Handler<v1::DescribeErrorRequest, v1::DescribeErrorResponse> describe_error;
  Handler<v1::GetPolicyRequest, v1::Policy> get_policy;
  Handler<v1::UpdatePolicyRequest, v1::Policy> update_policy;
  Handler<v1::ListNotificationsRequest, v1::ListNotificationsResponse> list_notifications;
  Handler<v1::ReplayNotificationRequest, v1::Notification> replay_notification;
  // Sees the metadata of every call first.
  std::function<void(const grpc::ServerContextBase&)> on_call;
};

class FakeBitsd {
 public:
  enum class Listen { kUnix, kTcp };

  explicit FakeBitsd(FakeHandlers handlers, Listen listen = Listen::kUnix);
  ~FakeBitsd();

  // Listens on a socket or free port of its own, the same one after a Stop.
  void Start();
  // Breaks every stream and connection.
  void Stop();
  const std::string& address() const { return address_; }

 private:
  struct Services;
  std::unique_ptr<Services> services_;
  std::unique_ptr<grpc::Server> server_;
  TempDir directory_;
  std::string address_;
};

}  // namespace bits::testing

#endif  // BITS_TESTS_UNIT_CLIENT_FAKE_BITSD_H_

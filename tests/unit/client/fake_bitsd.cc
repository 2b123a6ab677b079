#include "tests/unit/client/fake_bitsd.h"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <thread>
#include <utility>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "server/base/mutex.h"

namespace bits::testing {
namespace {

grpc::Status ToGrpc(const google::rpc::Status& status) {
  return {static_cast<grpc::StatusCode>(status.code()), status.message(),
          status.SerializeAsString()};
}

google::rpc::Status MakeRefusal(grpc::StatusCode code, const std::string& reason,
                                const std::string& message,
                                const std::map<std::string, std::string>& metadata) {
  google::rpc::ErrorInfo info;
  info.set_reason(reason);
  info.set_domain("bits.v1");
  info.mutable_metadata()->insert(metadata.begin(), metadata.end());
  google::rpc::Status status;
  status.set_code(code);
  status.set_message(message);
  status.add_details()->PackFrom(info);
  return status;
}

// With the callback API, as the other tells of no cancellation.
class WatchReactor final : public grpc::ServerWriteReactor<v1::JobEvent>, public FakeWatch {
 public:
  using Handler = decltype(FakeHandlers::watch_jobs);

  WatchReactor(Handler handler, v1::WatchJobsRequest request) {
    std::thread([this, handler = std::move(handler), request = std::move(request)] {
      Finish(handler ? handler(request, *this)
                     : grpc::Status(grpc::StatusCode::UNIMPLEMENTED, "no handler"));
    }).detach();  // the server waits for OnDone, which follows Finish
  }

  bool Write(const v1::JobEvent& event) override {
    MutexLock lock(mutex_);
    written_.reset();
    StartWrite(&event);
    changed_.Wait(mutex_, [this] {
      mutex_.AssertHeld();
      return written_.has_value();
    });
    return *written_;
  }

  grpc::Status WaitUntilCancelled() override {
    MutexLock lock(mutex_);
    changed_.Wait(mutex_, [this] {
      mutex_.AssertHeld();
      return cancelled_;
    });
    return grpc::Status::CANCELLED;
  }

 private:
  void OnWriteDone(bool ok) override {
    MutexLock lock(mutex_);
    written_ = ok;
    changed_.SignalAll();
  }
  void OnCancel() override {
    MutexLock lock(mutex_);
    cancelled_ = true;
    changed_.SignalAll();
  }
  void OnDone() override { delete this; }

  Mutex mutex_;
  CondVar changed_;
  std::optional<bool> written_ BITS_GUARDED_BY(mutex_);
  bool cancelled_ BITS_GUARDED_BY(mutex_) = false;
};

}  // namespace

grpc::Status Refusal(grpc::StatusCode code, const std::string& reason, const std::string& message,
                     const std::map<std::string, std::string>& metadata) {
  return ToGrpc(MakeRefusal(code, reason, message, metadata));
}

grpc::Status InvalidField(const std::string& field, const std::string& rule) {
  auto status = MakeRefusal(grpc::StatusCode::INVALID_ARGUMENT, "E_INVALIDARG", field + ": " + rule,
                            {{"hresult", "0x80070057"}});
  google::rpc::BadRequest bad;
  auto* violation = bad.add_field_violations();
  violation->set_field(field);
  violation->set_description(rule);
  status.add_details()->PackFrom(bad);
  return ToGrpc(status);
}

struct FakeBitsd::Services {
  explicit Services(FakeHandlers given) : handlers(std::move(given)) {}

  template <typename Request, typename Response>
  grpc::Status Run(const FakeHandlers::Handler<Request, Response>& handler,
                   const grpc::ServerContextBase* context, const Request* request,
                   Response* response) const {
    if (handlers.on_call) handlers.on_call(*context);
    if (!handler) return {grpc::StatusCode::UNIMPLEMENTED, "the test has no handler for this"};
    return handler(*request, *response);
  }

#define BITS_FAKE_METHOD(Method, Response, handler)                                     \
  grpc::Status Method(grpc::ServerContext* context, const v1::Method##Request* request, \
                      v1::Response* response) override {                                \
    return fake.Run(fake.handlers.handler, context, request, response);                 \
  }

  struct Jobs final : v1::JobService::WithCallbackMethod_WatchJobs<v1::JobService::Service> {
    explicit Jobs(const Services& services) : fake(services) {}
    BITS_FAKE_METHOD(CreateJob, Job, create_job)
    BITS_FAKE_METHOD(GetJob, Job, get_job)
    BITS_FAKE_METHOD(ListJobs, ListJobsResponse, list_jobs)
    BITS_FAKE_METHOD(UpdateJob, Job, update_job)
    BITS_FAKE_METHOD(AddFiles, AddFilesResponse, add_files)
    BITS_FAKE_METHOD(ListFiles, ListFilesResponse, list_files)
    BITS_FAKE_METHOD(UpdateFile, File, update_file)
    BITS_FAKE_METHOD(ReplaceRemotePrefix, ReplaceRemotePrefixResponse, replace_remote_prefix)
    BITS_FAKE_METHOD(SetCredentials, Job, set_credentials)
    BITS_FAKE_METHOD(RemoveCredentials, RemoveCredentialsResponse, remove_credentials)
    BITS_FAKE_METHOD(ResumeJob, Job, resume_job)
    BITS_FAKE_METHOD(SuspendJob, Job, suspend_job)
    BITS_FAKE_METHOD(TakeOwnership, Job, take_ownership)
    BITS_FAKE_METHOD(CancelJob, Job, cancel_job)
    BITS_FAKE_METHOD(CompleteJob, Job, complete_job)
    grpc::ServerWriteReactor<v1::JobEvent>* WatchJobs(grpc::CallbackServerContext* context,
                                                      const v1::WatchJobsRequest* r) override {
      if (fake.handlers.on_call) fake.handlers.on_call(*context);
      return new WatchReactor(fake.handlers.watch_jobs, *r);  // until OnDone
    }
    const Services& fake;
  };

  struct Errors final : v1::ErrorService::Service {
    explicit Errors(const Services& services) : fake(services) {}
    BITS_FAKE_METHOD(GetError, Error, get_error)
    BITS_FAKE_METHOD(ListErrors, ListErrorsResponse, list_errors)
    BITS_FAKE_METHOD(DescribeError, DescribeErrorResponse, describe_error)
    const Services& fake;
  };

  struct Policies final : v1::PolicyService::Service {
    explicit Policies(const Services& services) : fake(services) {}
    BITS_FAKE_METHOD(GetPolicy, Policy, get_policy)
    BITS_FAKE_METHOD(UpdatePolicy, Policy, update_policy)
    const Services& fake;
  };

  struct Notifications final : v1::NotificationService::Service {
    explicit Notifications(const Services& services) : fake(services) {}
    BITS_FAKE_METHOD(ListNotifications, ListNotificationsResponse, list_notifications)
    BITS_FAKE_METHOD(ReplayNotification, Notification, replay_notification)
    const Services& fake;
  };
#undef BITS_FAKE_METHOD

  const FakeHandlers handlers;
  Jobs jobs{*this};
  Errors errors{*this};
  Policies policies{*this};
  Notifications notifications{*this};
};

FakeBitsd::FakeBitsd(FakeHandlers handlers, Listen listen)
    : services_(std::make_unique<Services>(std::move(handlers))),
      address_(listen == Listen::kUnix ? "unix:" + (directory_ / "bitsd") : "127.0.0.1:0") {
  Start();
}

FakeBitsd::~FakeBitsd() { Stop(); }

void FakeBitsd::Start() {
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddListeningPort(address_, grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&services_->jobs);
  builder.RegisterService(&services_->errors);
  builder.RegisterService(&services_->policies);
  builder.RegisterService(&services_->notifications);
  server_ = builder.BuildAndStart();
  ASSERT_NE(server_, nullptr);
  if (address_ == "127.0.0.1:0") address_ = "127.0.0.1:" + std::to_string(port);
}

void FakeBitsd::Stop() {
  if (!server_) return;
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
  server_.reset();
}

}  // namespace bits::testing

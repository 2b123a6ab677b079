#include "tests/unit/client/fake_bitsd.h"

#include <gtest/gtest.h>

#include <chrono>
#include <utility>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

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
                   const grpc::ServerContext* context, const Request* request,
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

  struct Jobs final : v1::JobService::Service {
    explicit Jobs(const Services& services) : fake(services) {}
    BITS_FAKE_METHOD(CreateJob, Job, create_job)
    BITS_FAKE_METHOD(GetJob, Job, get_job)
    BITS_FAKE_METHOD(ListJobs, ListJobsResponse, list_jobs)
    BITS_FAKE_METHOD(UpdateJob, Job, update_job)
    BITS_FAKE_METHOD(AddFiles, AddFilesResponse, add_files)
    BITS_FAKE_METHOD(ListFiles, ListFilesResponse, list_files)
    BITS_FAKE_METHOD(UpdateFile, File, update_file)
    BITS_FAKE_METHOD(ResumeJob, Job, resume_job)
    BITS_FAKE_METHOD(SuspendJob, Job, suspend_job)
    BITS_FAKE_METHOD(CancelJob, Job, cancel_job)
    BITS_FAKE_METHOD(CompleteJob, Job, complete_job)
    grpc::Status WatchJobs(grpc::ServerContext* context, const v1::WatchJobsRequest* request,
                           grpc::ServerWriter<v1::JobEvent>* writer) override {
      if (fake.handlers.on_call) fake.handlers.on_call(*context);
      if (!fake.handlers.watch_jobs) return {grpc::StatusCode::UNIMPLEMENTED, "no handler"};
      return fake.handlers.watch_jobs(*context, *request, *writer);
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
#undef BITS_FAKE_METHOD

  const FakeHandlers handlers;
  Jobs jobs{*this};
  Errors errors{*this};
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

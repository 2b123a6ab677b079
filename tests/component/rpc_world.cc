#include "tests/component/rpc_world.h"

#include <grpcpp/create_channel.h>

#include <string_view>
#include <utility>

#include "tests/component/call_details.h"
#include "tests/support/status_matchers.h"

namespace bits::testing {

absl::StatusOr<app::Principal> MetadataAuthenticator::Authenticate(
    const grpc::CallbackServerContext& context) const {
  const auto user = context.client_metadata().find("user");
  if (user == context.client_metadata().end()) return app::Principal{"nobody", false};
  const std::string name(user->second.data(), user->second.size());
  if (name == "intruder") return absl::UnauthenticatedError("who are you?");
  return app::Principal{name, name == "root"};
}

absl::Status HeldExecutor::TryPost(Task task) {
  MutexLock lock(mutex_);
  if (refusing_) return absl::ResourceExhaustedError("too much work is waiting");
  if (!holding_) return to_->TryPost(std::move(task));
  held_.push_back(std::move(task));
  changed_.SignalAll();
  return absl::OkStatus();
}

void HeldExecutor::Hold() {
  MutexLock lock(mutex_);
  holding_ = true;
}

void HeldExecutor::Release() {
  std::vector<Task> held;
  {
    MutexLock lock(mutex_);
    holding_ = false;
    held.swap(held_);
  }
  for (Task& task : held) BITS_EXPECT_OK(to_->TryPost(std::move(task)));
}

void HeldExecutor::RefuseAll(bool refuse) {
  MutexLock lock(mutex_);
  refusing_ = refuse;
}

void HeldExecutor::WaitForHeld(size_t count) {
  MutexLock lock(mutex_);
  EXPECT_TRUE(changed_.WaitFor(mutex_, std::chrono::seconds(30), [&] {
    mutex_.AssertHeld();
    return held_.size() >= count;
  }));
}

WorldOptions::WorldOptions() { server.listen = {"127.0.0.1:0"}; }

RpcWorld::RpcWorld(WorldOptions options) : store(options.store) {
  application = std::make_unique<app::Application>(
      app::Application::Ports{&store, &files, &engine, &clock, &finishers}, options.application,
      *store.LastRevision());
  BITS_EXPECT_OK(application->Recover());
  application->Start();
  auto started =
      rpc::Server::Start(options.server, {&application->jobs(), &application->policies(), &store,
                                          &application->hub(), &reads, &replies, &contents, &authenticator, token_key});
  BITS_EXPECT_OK(started);
  server = *std::move(started);
  if (options.serving) server->SetServing(true);
  channel = ConnectTo(server->addresses().front());
  jobs = v1::JobService::NewStub(channel);
  errors = v1::ErrorService::NewStub(channel);
}

RpcWorld::~RpcWorld() {
  reads.Release();
  if (server != nullptr) server->Drain(std::chrono::system_clock::now());
  server.reset();
  application->Drain(std::chrono::steady_clock::now() + std::chrono::seconds(30));
  engine.Shutdown();
  finishers.Shutdown();
  read_pool.Shutdown();
  store.Close();
  replies.Shutdown();
  contents.Shutdown();
}

std::unique_ptr<grpc::ClientContext> RpcWorld::Context(const std::string& user) const {
  auto context = std::make_unique<grpc::ClientContext>();
  context->AddMetadata("user", user);
  context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
  return context;
}

v1::Job RpcWorld::CreateJob(const std::string& display_name, bool start, const std::string& user) {
  v1::CreateJobRequest request;
  request.mutable_job()->set_display_name(display_name);
  const int number = ++created_;
  *request.add_files() =
      FileNamed(number == 1 ? display_name : display_name + "." + std::to_string(number));
  request.set_start(start);
  v1::Job job;
  EXPECT_GRPC_OK(jobs->CreateJob(Context(user).get(), request, &job));
  return job;
}

v1::Job RpcWorld::GetJob(const std::string& name, const std::string& user) {
  v1::GetJobRequest request;
  request.set_name(name);
  v1::Job job;
  EXPECT_GRPC_OK(jobs->GetJob(Context(user).get(), request, &job));
  return job;
}

v1::Job RpcWorld::Touch(const std::string& name, const std::string& description) {
  v1::UpdateJobRequest request;
  request.mutable_job()->set_name(name);
  request.mutable_job()->set_description(description);
  v1::Job job;
  EXPECT_GRPC_OK(jobs->UpdateJob(Context("root").get(), request, &job));
  return job;
}

std::shared_ptr<grpc::Channel> ConnectTo(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

v1::File FileNamed(const std::string& name) {
  v1::File file;
  file.set_remote_name("http://origin.example/" + name);
  file.set_local_name("dir/" + name);
  return file;
}

}  // namespace bits::testing

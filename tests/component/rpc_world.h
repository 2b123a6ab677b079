// A server of bitsd within the test: real gRPC, real application, the memory store, a fake engine.
#ifndef BITS_TESTS_COMPONENT_RPC_WORLD_H_
#define BITS_TESTS_COMPONENT_RPC_WORLD_H_

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bits/v1/error_service.grpc.pb.h"
#include "bits/v1/job_service.grpc.pb.h"
#include "server/app/application.h"
#include "server/base/executor.h"
#include "server/rpc/server.h"
#include "server/store/memory/memory_job_store.h"
#include "tests/component/fake_engine.h"
#include "tests/unit/app/fakes.h"

namespace bits::testing {

// The caller is who the metadata `user` says, an administrator if the name is `root`.
class MetadataAuthenticator final : public rpc::Authenticator {
 public:
  absl::StatusOr<app::Principal> Authenticate(
      const grpc::CallbackServerContext& context) const override;
};

// An executor whose tasks wait until the test lets them go on, and that can be full.
class HeldExecutor final : public Executor {
 public:
  explicit HeldExecutor(Executor* to) : to_(to) {}
  absl::Status TryPost(Task task) override;
  void Hold();
  void Release();  // what was held runs
  // As if the queue were full.
  void RefuseAll(bool refuse);
  // Waits until that many are held.
  void WaitForHeld(size_t count);

 private:
  Executor* const to_;
  Mutex mutex_;
  CondVar changed_;
  bool holding_ BITS_GUARDED_BY(mutex_) = false;
  bool refusing_ BITS_GUARDED_BY(mutex_) = false;
  std::vector<Task> held_ BITS_GUARDED_BY(mutex_);
};

struct WorldOptions {
  WorldOptions();
  rpc::ServerOptions server;
  store::MemoryJobStore::Options store;
  app::Application::Options application;
  bool serving = true;
};

class RpcWorld {
 public:
  explicit RpcWorld(WorldOptions options = {});
  ~RpcWorld();

  std::unique_ptr<grpc::ClientContext> Context(const std::string& user = "anna") const;

  // With one file, dir/{display_name} or, from the second job on, dir/{display_name}.{n}.
  v1::Job CreateJob(const std::string& display_name, bool start = false,
                    const std::string& user = "anna");
  // The bare id of `jobs/{id}`.
  static domain::JobId IdOf(const v1::Job& job) { return job.name().substr(5); }
  v1::Job GetJob(const std::string& name, const std::string& user = "anna");
  // Changes the description: one event.
  v1::Job Touch(const std::string& name, const std::string& description = "touched");

  ThreadPool read_pool{{"read", 2, 1024}};
  HeldExecutor reads{&read_pool};
  ThreadPool replies{{"reply", 2, 1 << 16}};
  ThreadPool contents{{"content", 1, 1024}};
  ThreadPool finishers{{"finish", 1, 1 << 16}};
  app::testing::FakeClock clock;
  app::testing::FakeFiles files;
  FakeEngine engine;
  store::MemoryJobStore store;
  MetadataAuthenticator authenticator;
  std::unique_ptr<app::Application> application;
  std::string token_key = std::string(32, 'k');
  std::unique_ptr<rpc::Server> server;
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<v1::JobService::Stub> jobs;
  std::unique_ptr<v1::ErrorService::Stub> errors;

 private:
  int created_ = 0;
};

// A channel of its own, sharing no connection with others.
std::shared_ptr<grpc::Channel> ConnectTo(const std::string& address);

// A file for CreateJob, with names made of `name`.
v1::File FileNamed(const std::string& name);

}  // namespace bits::testing

#endif  // BITS_TESTS_COMPONENT_RPC_WORLD_H_

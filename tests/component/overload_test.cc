// Deadlines, cancellation, too much work: every call is answered once, and nothing blocks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "tests/component/call_details.h"
#include "tests/component/rpc_world.h"

namespace bits::testing {
namespace {

using grpc::StatusCode;
using std::chrono::milliseconds;
using std::chrono::seconds;

grpc::Status Get(RpcWorld& world, const std::string& name, grpc::ClientContext* context) {
  v1::GetJobRequest request;
  request.set_name(name);
  v1::Job job;
  return world.jobs->GetJob(context, request, &job);
}

TEST(OverloadTest, AFullExecutorRefusesAndSaysWhenToComeAgain) {
  RpcWorld world;
  const v1::Job job = world.CreateJob("job");
  world.reads.RefuseAll(true);
  const grpc::Status status = Get(world, job.name(), world.Context().get());
  EXPECT_EQ(status.error_code(), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(DetailsOf(status).error_infos, 1);
  EXPECT_TRUE(DetailsOf(status).has_retry_info);
  // Changes go on meanwhile.
  world.Touch(job.name());
  world.reads.RefuseAll(false);
  EXPECT_GRPC_OK(Get(world, job.name(), world.Context().get()));
}

TEST(OverloadTest, AReadThatIsNotGotToInTimeIsRefused) {
  WorldOptions options;
  options.server.read_timeout = absl::Milliseconds(50);
  RpcWorld world(options);
  const v1::Job job = world.CreateJob("job");
  world.reads.Hold();
  EXPECT_THAT(Get(world, job.name(), world.Context().get()),
              IsRefusal(StatusCode::DEADLINE_EXCEEDED, "ERROR_TIMEOUT"));
  world.reads.Release();
  EXPECT_GRPC_OK(Get(world, job.name(), world.Context().get()));
}

TEST(OverloadTest, TheCallersDeadlineEndsTheCall) {
  RpcWorld world;
  const v1::Job job = world.CreateJob("job");
  world.reads.Hold();
  const auto context = world.Context();
  context->set_deadline(std::chrono::system_clock::now() + milliseconds(50));
  EXPECT_EQ(Get(world, job.name(), context.get()).error_code(), StatusCode::DEADLINE_EXCEEDED);
  world.reads.Release();
  EXPECT_GRPC_OK(Get(world, job.name(), world.Context().get()));
}

TEST(OverloadTest, CancelledReadsHoldUpNothing) {
  RpcWorld world;
  const v1::Job job = world.CreateJob("job");
  world.reads.Hold();
  const auto context = world.Context();
  std::thread caller([&] {
    EXPECT_EQ(Get(world, job.name(), context.get()).error_code(), StatusCode::CANCELLED);
  });
  world.reads.WaitForHeld(1);
  context->TryCancel();
  caller.join();
  // The server is done with the call although the read never ran.
  world.server->Drain(std::chrono::system_clock::now() + seconds(30));
}

TEST(OverloadTest, ChangesGoOnWhileEveryReadIsHeld) {
  RpcWorld world;
  const v1::Job job = world.CreateJob("job");
  world.reads.Hold();
  std::vector<std::thread> callers;
  for (int i = 0; i < 8; ++i) {
    callers.emplace_back([&] { EXPECT_GRPC_OK(Get(world, job.name(), world.Context().get())); });
  }
  world.reads.WaitForHeld(8);
  for (int i = 0; i < 20; ++i) world.Touch(job.name(), std::to_string(i));
  world.reads.Release();
  for (std::thread& caller : callers) caller.join();
}

TEST(OverloadTest, CallsCancelledAtEveryMoment) {
  RpcWorld world;
  const v1::Job job = world.CreateJob("job");
  std::atomic<int> answered = 0;
  std::vector<std::thread> callers;
  for (int c = 0; c < 4; ++c) {
    callers.emplace_back([&, c] {
      for (int i = 0; i < 50; ++i) {
        const auto context = world.Context();
        std::thread canceller([&, i] {
          if (i % 3 != 0) std::this_thread::yield();
          context->TryCancel();
        });
        grpc::Status status;
        if (c % 2 == 0) {
          status = Get(world, job.name(), context.get());
        } else {
          v1::UpdateJobRequest request;
          request.mutable_job()->set_name(job.name());
          request.mutable_job()->set_description(std::to_string(i));
          v1::Job updated;
          status = world.jobs->UpdateJob(context.get(), request, &updated);
        }
        canceller.join();
        EXPECT_TRUE(status.ok() || status.error_code() == StatusCode::CANCELLED)
            << status.error_message();
        ++answered;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(answered, 200);
  world.server->Drain(std::chrono::system_clock::now() + seconds(30));
}

}  // namespace
}  // namespace bits::testing

// What the server says of itself: health, reflection, and nothing to strangers on the admin listener.
#include <gmock/gmock.h>
#include <google/protobuf/descriptor.pb.h>
#include <grpcpp/create_channel.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "grpc/health/v1/health.grpc.pb.h"
#include "grpc/reflection/v1alpha/reflection.grpc.pb.h"
#include "tests/conformance/harness/world.h"
#include "tests/support/status_matchers.h"

namespace bits::testing {
namespace {

using grpc::health::v1::Health;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;
using grpc::reflection::v1alpha::ServerReflection;
using grpc::reflection::v1alpha::ServerReflectionRequest;
using grpc::reflection::v1alpha::ServerReflectionResponse;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsSupersetOf;
using ::testing::Not;
using v1::Job;

constexpr const char* kServices[] = {"", "bits.v1.JobService", "bits.v1.ErrorService"};

HealthCheckResponse::ServingStatus CheckHealth(const std::shared_ptr<grpc::Channel>& channel,
                                               const std::string& service) {
  HealthCheckRequest request;
  request.set_service(service);
  const auto reply = TestBitsd::Call<HealthCheckResponse>([&](auto* c, auto* r) {
    return Health::NewStub(channel)->Check(c, request, r);
  });
  return reply.ok() ? reply->status() : HealthCheckResponse::UNKNOWN;
}

// All that a watch of health says until it ends.
std::vector<HealthCheckResponse::ServingStatus> WatchHealth(
    const std::shared_ptr<grpc::Channel>& channel, const std::function<void()>& on_first) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kPatience));
  const auto stub = Health::NewStub(channel);
  const auto reader = stub->Watch(&context, HealthCheckRequest());
  std::vector<HealthCheckResponse::ServingStatus> all;
  HealthCheckResponse response;
  while (reader->Read(&response)) {
    all.push_back(response.status());
    if (all.size() == 1) on_first();
  }
  (void)reader->Finish();
  return all;
}

TEST(Health, IsServingForTheServerAndBothServices) {
  TestBitsd& bitsd = SharedWorld().bitsd;
  for (const char* service : kServices) {
    EXPECT_EQ(CheckHealth(bitsd.process().channel(), service), HealthCheckResponse::SERVING)
        << service;
  }
  EXPECT_NE(CheckHealth(bitsd.process().channel(), "no.such.Service"),
            HealthCheckResponse::SERVING);
}

TEST(Health, IsNotServingWhileDraining) {
  World world;
  BITS_ASSERT_OK(world.JobIn(Job::STATE_TRANSFERRING));
  std::thread stopper;
  const auto statuses = WatchHealth(world.bitsd.process().channel(), [&] {
    stopper = std::thread(
        [&] { BITS_EXPECT_OK(world.bitsd.process().Stop(absl::Seconds(5))); });
  });
  if (stopper.joinable()) stopper.join();
  EXPECT_THAT(statuses,
              ElementsAre(HealthCheckResponse::SERVING, HealthCheckResponse::NOT_SERVING));
}

TEST(Health, OnTheAdminListenerTooAndNoJobsThere) {
  TestBitsd bitsd({.flags = {"--admin_listen=127.0.0.1:0"}});
  ASSERT_TRUE(bitsd.process().WaitForLog("admin server", kPatience));
  const std::string log = bitsd.process().Log();
  const std::string key = "admin server address=";
  const size_t at = log.find(key) + key.size();
  const std::string address = log.substr(at, log.find_first_of(" \n", at) - at);
  const auto channel = grpc::CreateChannel(address, grpc::InsecureChannelCredentials());
  EXPECT_EQ(CheckHealth(channel, ""), HealthCheckResponse::SERVING);
  const auto reply = TestBitsd::Call<v1::ListJobsResponse>([&](auto* c, auto* r) {
    return v1::JobService::NewStub(channel)->ListJobs(c, {}, r);
  });
  EXPECT_EQ(reply.status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
}

ServerReflectionResponse Reflect(TestBitsd& bitsd, const ServerReflectionRequest& request) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kPatience));
  const auto stub = ServerReflection::NewStub(bitsd.process().channel());
  const auto stream = stub->ServerReflectionInfo(&context);
  ServerReflectionResponse response;
  EXPECT_TRUE(stream->Write(request));
  EXPECT_TRUE(stream->Read(&response));
  stream->WritesDone();
  (void)stream->Finish();
  return response;
}

TEST(Reflection, ListsTheServicesButNotChannelz) {
  ServerReflectionRequest request;
  request.set_list_services("*");
  const ServerReflectionResponse response = Reflect(SharedWorld().bitsd, request);
  std::vector<std::string> names;
  for (const auto& service : response.list_services_response().service()) {
    names.push_back(service.name());
  }
  EXPECT_THAT(names, IsSupersetOf({"bits.v1.JobService", "bits.v1.ErrorService",
                                   "grpc.health.v1.Health",
                                   "grpc.reflection.v1alpha.ServerReflection"}));
  EXPECT_THAT(names, Not(Contains("grpc.channelz.v1.Channelz")));
}

std::string FileThatDescribes(const std::string& symbol) {
  ServerReflectionRequest request;
  request.set_file_containing_symbol(symbol);
  const ServerReflectionResponse response = Reflect(SharedWorld().bitsd, request);
  if (response.file_descriptor_response().file_descriptor_proto_size() == 0) return "none";
  google::protobuf::FileDescriptorProto file;
  EXPECT_TRUE(file.ParseFromString(response.file_descriptor_response().file_descriptor_proto(0)));
  return file.name();
}

TEST(Reflection, DescribesTheMessages) {
  EXPECT_EQ(FileThatDescribes("bits.v1.Error"), "bits/v1/error.proto");
}

TEST(Reflection, DescribesHealth) {
  EXPECT_EQ(FileThatDescribes("grpc.health.v1.Health"), "grpc/health/v1/health.proto");
}

}  // namespace
}  // namespace bits::testing

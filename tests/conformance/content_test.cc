// The content of files over ByteStream (ours): for who shares no file system with bitsd.
#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/bytestream/bytestream.grpc.pb.h"
#include "tests/conformance/harness/world.h"
#include "tests/support/status_matchers.h"

namespace bits::testing {
namespace {

using google::bytestream::ByteStream;
using google::bytestream::ReadRequest;
using google::bytestream::ReadResponse;
using v1::Job;

std::unique_ptr<ByteStream::Stub> StubOf(TestBitsd& bitsd) {
  return ByteStream::NewStub(
      grpc::CreateChannel(bitsd.process().address(), grpc::InsecureChannelCredentials()));
}

ReadRequest RequestFor(const std::string& name, int64_t offset = 0, int64_t limit = 0) {
  ReadRequest request;
  request.set_resource_name(name);
  request.set_read_offset(offset);
  request.set_read_limit(limit);
  return request;
}

Reply<ReadResponse> Read(TestBitsd& bitsd, const ReadRequest& request,
                        const std::string& principal = "") {
  const auto stub = StubOf(bitsd);
  return TestBitsd::Call<ReadResponse>([&](grpc::ClientContext* context, ReadResponse* content) {
    if (!principal.empty()) context->AddMetadata("x-bits-principal", principal);
    const auto reader = stub->Read(context, request);
    ReadResponse response;
    while (reader->Read(&response)) {
      EXPECT_LE(response.data().size(), 256u << 10);
      EXPECT_FALSE(response.data().empty());
      content->mutable_data()->append(response.data());
    }
    return reader->Finish();
  });
}

Reply<ReadResponse> Read(TestBitsd& bitsd, const std::string& job, int64_t offset = 0,
                        int64_t limit = 0) {
  return Read(bitsd, RequestFor(job + "/files/1", offset, limit));
}

TEST(Content, IsGivenBeforeAndAfterCompleteFromAnyOffset) {
  World& world = SharedWorld();
  const std::string content = MakeContent(1'000'003, 7);
  const std::string job = world.bitsd.Fetch(world.Serve(content));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  for (const bool completed : {false, true}) {
    if (completed) {
      BITS_ASSERT_ACCEPTED(world.bitsd.Complete(job));
    }
    const Reply<ReadResponse> all = Read(world.bitsd, job);
    BITS_ASSERT_ACCEPTED(all);
    EXPECT_TRUE(all->data() == content);
    EXPECT_EQ(Read(world.bitsd, job, 999'990)->data(), content.substr(999'990));
    EXPECT_TRUE(Read(world.bitsd, job, 5, 300'000)->data() == content.substr(5, 300'000));
    EXPECT_EQ(Read(world.bitsd, job, 1'000'000, 1000)->data(), content.substr(1'000'000));
    const Reply<ReadResponse> end = Read(world.bitsd, job, 1'000'003);
    BITS_EXPECT_ACCEPTED(end);
    EXPECT_EQ(end->data(), "");
    EXPECT_THAT(Read(world.bitsd, job, 1'000'004),
                Refused(grpc::StatusCode::OUT_OF_RANGE, "BG_E_INVALID_RANGE"));
  }
}

TEST(Content, OfAnEmptyFileIsEmpty) {
  World& world = SharedWorld();
  const std::string job = world.bitsd.Fetch(world.Serve(""));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  const Reply<ReadResponse> content = Read(world.bitsd, job);
  BITS_EXPECT_ACCEPTED(content);
  EXPECT_EQ(content->data(), "");
}

TEST(Content, ThatIsNotAllThereIsPending) {
  World& world = SharedWorld();
  const std::string job = world.bitsd.Fetch(world.ServeStall());
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRING));
  EXPECT_THAT(Read(world.bitsd, job), Refused(grpc::StatusCode::FAILED_PRECONDITION, "E_PENDING"));
  BITS_ASSERT_ACCEPTED(world.bitsd.Cancel(job));
  EXPECT_THAT(Read(world.bitsd, job), Refused(grpc::StatusCode::FAILED_PRECONDITION, "E_PENDING"));
}

TEST(Content, ThatIsNotWhatWasFetchedIsNotGiven) {
  World& world = SharedWorld();
  const auto changed = Refused(grpc::StatusCode::FAILED_PRECONDITION, "BG_E_LOCAL_FILE_CHANGED");
  const std::string job = world.bitsd.Fetch(world.Serve(MakeContent(1000, 1)));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  BITS_ASSERT_ACCEPTED(world.bitsd.Complete(job));
  const std::string path = world.bitsd.PathOf(job);
  WriteFile(path + ".new", MakeContent(1000, 2));
  std::filesystem::rename(path + ".new", path);
  EXPECT_THAT(Read(world.bitsd, job), changed);
  std::filesystem::remove(path);
  EXPECT_THAT(Read(world.bitsd, job), changed);

  const std::string cancelled = world.bitsd.Fetch(world.Serve(MakeContent(1000, 1)));
  BITS_ASSERT_OK(world.bitsd.Await(cancelled, Job::STATE_TRANSFERRED));
  BITS_ASSERT_ACCEPTED(world.bitsd.Cancel(cancelled));
  EXPECT_THAT(Read(world.bitsd, cancelled), changed);
}

TEST(Content, WrongRequestsAreRefused) {
  World& world = SharedWorld();
  const std::string job = world.bitsd.Fetch(world.Serve("content"));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  EXPECT_THAT(Read(world.bitsd, job, -1), RefusedField("read_offset", "E_INVALIDARG"));
  EXPECT_THAT(Read(world.bitsd, job, 0, -1), RefusedField("read_limit", "E_INVALIDARG"));
  for (const std::string& name : {std::string(), job, job + "/files/0", job + "/files/1/x"}) {
    EXPECT_THAT(Read(world.bitsd, RequestFor(name)), RefusedField("resource_name", "E_INVALIDARG"))
        << name;
  }
  EXPECT_THAT(Read(world.bitsd, RequestFor(job + "/files/2")),
              Refused(grpc::StatusCode::NOT_FOUND, "BG_E_FILE_NOT_FOUND"));
}

TEST(Content, IsItsOwnersAlone) {
  World world(TestBitsd::Options{.flags = {"--development_principals"}});
  const std::string url = world.Serve("secret");
  const auto stub = StubOf(world.bitsd);
  v1::CreateJobRequest request = world.bitsd.RequestFor({.files = {{url}}});
  request.mutable_job()->set_auto_complete(true);
  const auto job = TestBitsd::Call<Job>([&](grpc::ClientContext* context, Job* reply) {
    context->AddMetadata("x-bits-principal", "anna");
    return world.bitsd.jobs().CreateJob(context, request, reply);
  });
  BITS_ASSERT_ACCEPTED(job);
  const ReadRequest read = RequestFor(job->name() + "/files/1");
  const ReadRequest missing =
      RequestFor("jobs/00000000-0000-4000-8000-000000000000/files/1");
  const auto denied = Refused(grpc::StatusCode::PERMISSION_DENIED, "E_ACCESSDENIED");
  EXPECT_THAT(Read(world.bitsd, read, "bert"), denied);
  EXPECT_THAT(Read(world.bitsd, missing, "bert"), denied);  // permission before existence
  EXPECT_THAT(Read(world.bitsd, missing, "anna"), denied);
}

TEST(Content, OnlySoManyReadersAreTaken) {
  World& world = SharedWorld();
  // More than what the connection takes ahead, so that every reader stays.
  const std::string job = world.bitsd.Fetch(world.Serve(MakeContent(2'000'000, 1)));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  grpc::ChannelArguments little;
  little.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  little.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 65'536);
  const auto stub = ByteStream::NewStub(grpc::CreateCustomChannel(
      world.bitsd.process().address(), grpc::InsecureChannelCredentials(), little));
  const ReadRequest request = RequestFor(job + "/files/1");
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientReader<ReadResponse>>> readers;
  for (int i = 0; i < 64; ++i) {  // of one caller
    contexts.push_back(std::make_unique<grpc::ClientContext>());
    readers.push_back(stub->Read(contexts.back().get(), request));
    readers.back()->WaitForInitialMetadata();
  }
  EXPECT_THAT(Read(world.bitsd, job, 0, 1),
              Refused(grpc::StatusCode::RESOURCE_EXHAUSTED, "TOO_MANY_READERS"));
  for (const auto& context : contexts) context->TryCancel();
  for (const auto& reader : readers) {
    EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
  // Their places are free again once gRPC is done with them, which no client sees.
  const absl::Time give_up = absl::Now() + kPatience;
  Reply<ReadResponse> again;
  do {
    again = Read(world.bitsd, job, 0, 1);
  } while (!again.ok() && absl::Now() < give_up);
  BITS_EXPECT_ACCEPTED(again);
}

TEST(Content, OfTwoFetchingsIsNotJoined) {
  World& world = SharedWorld();
  const std::string job = world.bitsd.Fetch(world.Serve(MakeContent(1000, 1)));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  const ReadRequest request = RequestFor(job + "/files/1");
  const auto stub = StubOf(world.bitsd);
  std::string version;
  const auto read = [&] {
    return TestBitsd::Call<ReadResponse>([&](grpc::ClientContext* context, ReadResponse* response) {
      if (!version.empty()) context->AddMetadata("bits-content-version", version);
      const auto reader = stub->Read(context, request);
      while (reader->Read(response)) {
      }
      const auto& metadata = context->GetServerInitialMetadata();
      if (const auto found = metadata.find("bits-content-version"); found != metadata.end()) {
        version = std::string(found->second.data(), found->second.size());
      }
      return reader->Finish();
    });
  };
  BITS_ASSERT_ACCEPTED(read());
  ASSERT_FALSE(version.empty());
  BITS_ASSERT_ACCEPTED(read());
  v1::UpdateFileRequest invalid;
  invalid.mutable_file()->set_name(job + "/files/1");
  invalid.mutable_file()->set_validation_state(v1::File::VALIDATION_STATE_INVALID);
  invalid.mutable_update_mask()->add_paths("validation_state");
  BITS_ASSERT_ACCEPTED(world.bitsd.UpdateFile(invalid));
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  EXPECT_THAT(read(), Refused(grpc::StatusCode::FAILED_PRECONDITION, "BG_E_LOCAL_FILE_CHANGED"));
  version.clear();
  BITS_EXPECT_ACCEPTED(read());
}

TEST(Content, AReaderThatTakesNothingDoesNotKeepTheServerFromEnding) {
  World world;
  const std::string job = world.bitsd.Fetch(world.Serve(MakeContent(64'000'000, 1)));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  grpc::ChannelArguments little;
  little.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  little.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 65'536);
  const auto stub = ByteStream::NewStub(grpc::CreateCustomChannel(
      world.bitsd.process().address(), grpc::InsecureChannelCredentials(), little));
  grpc::ClientContext context;
  const auto reader = stub->Read(&context, RequestFor(job + "/files/1"));
  reader->WaitForInitialMetadata();
  const absl::Time begin = absl::Now();
  BITS_EXPECT_OK(world.bitsd.Stop());
  // Not its half of drain_timeout, of 20 seconds.
  EXPECT_LT(absl::Now() - begin, absl::Seconds(8));
  context.TryCancel();
}

TEST(Content, AReaderDoesNotKeepTheServerFromEnding) {
  World world;
  const std::string job = world.bitsd.Fetch(world.Serve(MakeContent(64'000'000, 1)));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  const auto stub = StubOf(world.bitsd);
  grpc::ClientContext context;
  const auto reader = stub->Read(&context, RequestFor(job + "/files/1"));
  ReadResponse response;
  ASSERT_TRUE(reader->Read(&response));
  absl::Status stopped;
  std::thread stop([&] { stopped = world.bitsd.Stop(); });
  // Not before it is ending: until then more would come.
  while (TestBitsd::Call<Job>([&](auto* c, auto* r) {
           v1::GetJobRequest get;
           get.set_name(job);
           return world.bitsd.jobs().GetJob(c, get, r);
         }).ok()) {
  }
  int64_t got = static_cast<int64_t>(response.data().size());
  while (reader->Read(&response)) got += static_cast<int64_t>(response.data().size());
  const grpc::Status status = reader->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE) << status.error_message();
  EXPECT_LT(got, 64'000'000);
  stop.join();
  BITS_EXPECT_OK(stopped);
  world.bitsd.Restart();
  EXPECT_EQ(Read(world.bitsd, job, got)->data().size(), 64'000'000 - got);
}

}  // namespace
}  // namespace bits::testing

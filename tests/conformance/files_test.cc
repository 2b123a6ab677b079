// bits.md 3.4 (ReplaceRemotePrefix) and 3.6 (GetTemporaryName, SetValidationState).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/conformance/harness/world.h"
#include "tests/support/status_matchers.h"

namespace bits::testing {
namespace {

using ::testing::StartsWith;
using v1::Job;

Reply<v1::ReplaceRemotePrefixResponse> ReplacePrefix(World& world, const std::string& job,
                                                     const std::string& from,
                                                     const std::string& to,
                                                     const std::string& request_id = "") {
  v1::ReplaceRemotePrefixRequest request;
  request.set_name(job);
  request.set_old_prefix(from);
  request.set_new_prefix(to);
  request.set_request_id(request_id);
  return TestBitsd::Call<v1::ReplaceRemotePrefixResponse>([&](auto* context, auto* reply) {
    return world.bitsd.jobs().ReplaceRemotePrefix(context, request, reply);
  });
}

Reply<v1::File> Validate(World& world, const std::string& job, v1::File::ValidationState state) {
  v1::UpdateFileRequest request;
  request.mutable_file()->set_name(job + "/files/1");
  request.mutable_file()->set_validation_state(state);
  request.mutable_update_mask()->add_paths("validation_state");
  return world.bitsd.UpdateFile(request);
}

TEST(ReplaceRemotePrefix, ChangesTheUnfinishedFilesThatBeginWithIt) {
  World& world = SharedWorld();
  const std::string done = world.Put("done");
  const std::string job = world.bitsd.Fetch(world.Url(done));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  const std::string nowhere = "http://127.0.0.1:1/a";
  BITS_ASSERT_ACCEPTED(world.bitsd.AddFile(job, {nowhere + world.Put("moved")}));
  BITS_ASSERT_ACCEPTED(world.bitsd.AddFile(job, {"http://127.0.0.1:1/A/upper"}));
  const Reply<v1::ReplaceRemotePrefixResponse> none = ReplacePrefix(world, job, "https://", "x://");
  BITS_ASSERT_ACCEPTED(none);
  EXPECT_EQ(none->files_changed(), 0u);
  // The finished file begins with this too.
  const std::string id = "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed";
  const std::string origin = world.Url("");
  for (int repeat = 0; repeat < 2; ++repeat) {
    const auto changed = ReplacePrefix(world, job, nowhere, origin, id);
    BITS_ASSERT_ACCEPTED(changed);
    EXPECT_EQ(changed->files_changed(), 1u);
    EXPECT_EQ(changed->job().state(), Job::STATE_TRANSFERRED);
  }
  EXPECT_EQ(ReplacePrefix(world, job, origin, nowhere)->files_changed(), 1u);
  EXPECT_EQ(ReplacePrefix(world, job, nowhere, origin)->files_changed(), 1u);
  EXPECT_EQ(world.bitsd.GetFile(job, 1)->remote_name(), world.Url(done));
  EXPECT_THAT(world.bitsd.GetFile(job, 2)->remote_name(), StartsWith(origin));
  EXPECT_EQ(world.bitsd.GetFile(job, 3)->remote_name(), "http://127.0.0.1:1/A/upper");
  EXPECT_EQ(ReplacePrefix(world, job, "http://127.0.0.1:1/A/upper", world.Serve("upper"))
                ->files_changed(),
            1u);
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  BITS_ASSERT_ACCEPTED(world.bitsd.Complete(job));
  EXPECT_EQ(ReadFileOr(world.bitsd.PathsOf(job)[1], "-"), "moved");
}

TEST(ReplaceRemotePrefix, OfManyFilesIsOneChangeOrNone) {
  World& world = SharedWorld();
  JobSpec spec{.start = false};
  for (int i = 0; i < 1200; ++i) spec.files.push_back({"http://127.0.0.1:1/" + std::to_string(i)});
  spec.files.push_back({"http://127.0.0.1:1/" + std::string(2000, 'x')});
  const std::string job = world.bitsd.Create(spec);
  EXPECT_THAT(ReplacePrefix(world, job, "http://127.0.0.1:1/",
                            "http://127.0.0.1:1/" + std::string(200, 'y')),
              RefusedField("new_prefix", "E_INVALIDARG"));
  EXPECT_EQ(world.bitsd.GetFile(job, 1)->remote_name(), "http://127.0.0.1:1/0");
  EXPECT_EQ(ReplacePrefix(world, job, "http://127.0.0.1:1/", "http://127.0.0.1:2/")
                ->files_changed(),
            1201u);
  EXPECT_EQ(world.bitsd.GetFile(job, 1200)->remote_name(), "http://127.0.0.1:2/1199");
}

TEST(ReplaceRemotePrefix, FilesThatAreBeingFetchedAreFetchedFromThere) {
  World& world = SharedWorld();
  const std::string content = MakeContent(200'000, 1);
  const std::string path = world.Put(content, {.stall_after = 100'000});
  const std::string job = world.bitsd.Fetch(world.Url(path));
  ASSERT_TRUE(world.origin->WaitForBytes(path, 100'000, kPatience));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRING));
  const std::string elsewhere = world.Put(content);
  EXPECT_EQ(ReplacePrefix(world, job, world.Url(path), world.Url(elsewhere))->files_changed(), 1u);
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  BITS_ASSERT_ACCEPTED(world.bitsd.Complete(job));
  EXPECT_TRUE(ReadFileOr(world.bitsd.PathOf(job), "-") == content);
  EXPECT_EQ(world.origin->RequestCount(elsewhere), 1u);
}

TEST(ReplaceRemotePrefix, WrongPrefixesAndFinalJobsAreRefused) {
  World& world = SharedWorld();
  BITS_ASSERT_OK_AND_ASSIGN(const std::string job, world.JobIn(Job::STATE_SUSPENDED));
  EXPECT_THAT(ReplacePrefix(world, job, "", "http://x/"),
              RefusedField("old_prefix", "E_INVALIDARG"));
  EXPECT_THAT(ReplacePrefix(world, job, "http://", ""),
              RefusedField("new_prefix", "E_INVALIDARG"));
  EXPECT_THAT(ReplacePrefix(world, job, "http://", "gopher://"),
              RefusedField("new_prefix", "E_INVALIDARG"));
  BITS_ASSERT_ACCEPTED(world.bitsd.Cancel(job));
  EXPECT_THAT(ReplacePrefix(world, job, "http://", "https://"),
              Refused(grpc::StatusCode::FAILED_PRECONDITION, "BG_E_INVALID_STATE"));
}

TEST(TemporaryName, HoldsTheContentUntilTheFileHasItsPath) {
  World& world = SharedWorld();
  const std::string job = world.bitsd.Fetch(world.Serve("content"));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  const Reply<v1::File> file = world.bitsd.GetFile(job);
  EXPECT_EQ(ReadFileOr(file->temporary_name(), "-"), "content");
  EXPECT_EQ(file->path(), world.bitsd.PathOf(job));
  BITS_ASSERT_ACCEPTED(world.bitsd.Complete(job));
  EXPECT_EQ(world.bitsd.GetFile(job)->temporary_name(), "");
  EXPECT_EQ(ReadFileOr(file->path(), "-"), "content");
}

TEST(ValidationState, IsPendingUntilTheBytesAreHere) {
  World& world = SharedWorld();
  BITS_ASSERT_OK_AND_ASSIGN(const std::string job, world.JobIn(Job::STATE_TRANSFERRING));
  for (auto state : {v1::File::VALIDATION_STATE_VALID, v1::File::VALIDATION_STATE_INVALID}) {
    EXPECT_THAT(Validate(world, job, state),
                Refused(grpc::StatusCode::FAILED_PRECONDITION, "E_PENDING"));
  }
  EXPECT_THAT(Validate(world, job, v1::File::VALIDATION_STATE_UNSPECIFIED),
              RefusedField("file.validation_state", "E_INVALIDARG"));
  BITS_ASSERT_ACCEPTED(world.bitsd.Cancel(job));
}

TEST(ValidationState, ValidChangesNothingElse) {
  World& world = SharedWorld();
  BITS_ASSERT_OK_AND_ASSIGN(const std::string job, world.JobIn(Job::STATE_TRANSFERRED));
  EXPECT_EQ(world.bitsd.GetFile(job)->validation_state(), v1::File::VALIDATION_STATE_UNSPECIFIED);
  BITS_ASSERT_ACCEPTED(Validate(world, job, v1::File::VALIDATION_STATE_VALID));
  EXPECT_EQ(world.bitsd.GetFile(job)->validation_state(), v1::File::VALIDATION_STATE_VALID);
  EXPECT_EQ(world.bitsd.Get(job)->state(), Job::STATE_TRANSFERRED);
  BITS_ASSERT_ACCEPTED(world.bitsd.Complete(job));
  EXPECT_THAT(Validate(world, job, v1::File::VALIDATION_STATE_VALID),
              Refused(grpc::StatusCode::FAILED_PRECONDITION, "BG_E_INVALID_STATE"));
}

TEST(ValidationState, InvalidIsAnErrorAndResumeFetchesAnew) {
  World& world = SharedWorld();
  const std::string path = world.Put("wrong content");
  const std::string job = world.bitsd.Fetch(world.Url(path));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  const Reply<v1::File> said = Validate(world, job, v1::File::VALIDATION_STATE_INVALID);
  BITS_ASSERT_ACCEPTED(said);
  EXPECT_EQ(said->progress().bytes_transferred(), 0u);
  EXPECT_EQ(said->restarts(), 1u);
  EXPECT_EQ(said->validation_state(), v1::File::VALIDATION_STATE_INVALID);
  EXPECT_EQ(world.bitsd.Get(job)->state(), Job::STATE_ERROR);
  EXPECT_EQ(world.bitsd.Get(job)->progress().files_transferred(), 0u);
  const Reply<v1::Error> error = world.bitsd.GetError(job);
  EXPECT_EQ(error->code(), "BG_E_VALIDATION_FAILED");
  EXPECT_EQ(error->context(), v1::ERROR_CONTEXT_LOCAL_FILE);
  EXPECT_EQ(error->file(), job + "/files/1");
  world.origin->Change(path, [](Resource& resource) {
    resource.body = std::make_shared<std::string>("right");
    resource.etag = "\"v2\"";
  });
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  EXPECT_EQ(world.bitsd.GetFile(job)->validation_state(), v1::File::VALIDATION_STATE_UNSPECIFIED);
  BITS_ASSERT_ACCEPTED(world.bitsd.Complete(job));
  EXPECT_EQ(ReadFileOr(world.bitsd.PathOf(job), "-"), "right");
}

}  // namespace
}  // namespace bits::testing

// auto_complete, which is ours: a job that completes itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "tests/conformance/harness/world.h"
#include "tests/support/status_matchers.h"

namespace bits::testing {
namespace {

namespace fs = std::filesystem;
using grpc::StatusCode;
using ::testing::ElementsAre;
using v1::Job;

Reply<Job> CreateSelfCompleting(World& world, const JobSpec& spec) {
  v1::CreateJobRequest request = world.bitsd.RequestFor(spec);
  request.mutable_job()->set_auto_complete(true);
  world.bitsd.watch();
  return world.bitsd.CreateJob(request);
}

Reply<Job> SetAutoComplete(World& world, const std::string& job, bool value) {
  v1::UpdateJobRequest request;
  request.mutable_job()->set_name(job);
  request.mutable_job()->set_auto_complete(value);
  request.mutable_update_mask()->add_paths("auto_complete");
  return world.bitsd.Update(request);
}

std::string Content(const std::string& path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  return in ? text.str() : "-";
}

TEST(AutoComplete, PublishesAllFilesAndEndsTheJob) {
  World& world = SharedWorld();
  const Reply<Job> job =
      CreateSelfCompleting(world, {.files = {{world.Serve("one")}, {world.Serve("two")}}});
  BITS_ASSERT_ACCEPTED(job);
  EXPECT_TRUE(job->auto_complete());
  BITS_ASSERT_OK_AND_ASSIGN(const Job transferred,
                            world.bitsd.Await(job->name(), Job::STATE_TRANSFERRED));
  EXPECT_FALSE(transferred.has_wait()) << "it waits for nobody";
  BITS_ASSERT_OK_AND_ASSIGN(const Job done,
                            world.bitsd.Await(job->name(), Job::STATE_ACKNOWLEDGED));
  EXPECT_EQ(done.result(), Job::RESULT_OK);
  const std::vector<std::string> paths = world.bitsd.PathsOf(job->name());
  EXPECT_EQ(Content(paths[0]), "one");
  EXPECT_EQ(Content(paths[1]), "two");
}

TEST(AutoComplete, IsOffByDefaultAndTurnedOnInTransferredCompletesAtOnce) {
  World& world = SharedWorld();
  const std::string job = world.bitsd.Fetch(world.Serve("content"));
  BITS_ASSERT_OK_AND_ASSIGN(const Job waits, world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  EXPECT_FALSE(waits.auto_complete());
  EXPECT_EQ(waits.wait().reason(), v1::Wait::REASON_COMPLETE);
  BITS_ASSERT_ACCEPTED(SetAutoComplete(world, job, true));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_ACKNOWLEDGED));
  EXPECT_EQ(Content(world.bitsd.PathOf(job)), "content");
  EXPECT_THAT(SetAutoComplete(world, job, false),
              Refused(StatusCode::FAILED_PRECONDITION, "BG_E_INVALID_STATE"));
}

TEST(AutoComplete, TurnedOffInTimeLeavesTheJobTransferred) {
  World& world = SharedWorld();
  const Reply<Job> job =
      CreateSelfCompleting(world, {.files = {{world.Serve("content")}}, .start = false});
  BITS_ASSERT_ACCEPTED(SetAutoComplete(world, job->name(), false));
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job->name()));
  BITS_ASSERT_OK_AND_ASSIGN(const Job waits,
                            world.bitsd.Await(job->name(), Job::STATE_TRANSFERRED));
  EXPECT_EQ(waits.wait().reason(), v1::Wait::REASON_COMPLETE);
}

TEST(AutoComplete, ThatFailsStaysTransferredTellsWhyAndCompleteTriesAgain) {
  World& world = SharedWorld();
  const Reply<Job> job = CreateSelfCompleting(
      world, {.files = {{world.Serve("one")}, {world.Serve("two")}}, .start = false});
  BITS_ASSERT_ACCEPTED(job);
  const std::string path = world.bitsd.PathsOf(job->name())[1];
  fs::create_directory(path);
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job->name()));
  BITS_ASSERT_OK_AND_ASSIGN(const v1::JobEvent failed,
                            world.bitsd.watch().AwaitEvent([&](const v1::JobEvent& event) {
                              return event.job().name() == job->name() &&
                                     event.job().wait().reason() == v1::Wait::REASON_COMPLETION_FAILED;
                            }));
  EXPECT_EQ(failed.job().state(), Job::STATE_TRANSFERRED);
  EXPECT_THAT(world.bitsd.GetError(job->name()),
              Refused(StatusCode::FAILED_PRECONDITION, "BG_E_ERROR_INFORMATION_UNAVAILABLE"));
  const Reply<v1::ListErrorsResponse> errors = world.bitsd.ListErrors(job->name());
  BITS_ASSERT_ACCEPTED(errors);
  ASSERT_EQ(errors->errors_size(), 1);
  EXPECT_EQ(errors->errors(0).file(), job->name() + "/files/2");
  EXPECT_EQ(errors->errors(0).context(), v1::ERROR_CONTEXT_LOCAL_FILE);
  EXPECT_FALSE(errors->errors(0).transient());

  EXPECT_EQ(world.bitsd.Get(job->name())->wait().reason(), v1::Wait::REASON_COMPLETION_FAILED);
  // Its owner's own try says the same, to whom it was told.
  EXPECT_FALSE(world.bitsd.Complete(job->name()).ok());
  EXPECT_EQ(world.bitsd.Get(job->name())->wait().reason(), v1::Wait::REASON_COMPLETION_FAILED);

  fs::remove(path);
  const Reply<Job> completed = world.bitsd.Complete(job->name());
  BITS_ASSERT_ACCEPTED(completed);
  EXPECT_EQ(completed->result(), Job::RESULT_OK);
  EXPECT_EQ(Content(path), "two");
}

TEST(AutoComplete, FilesAddedAfterAFailureAreFetchedAndThenItTriesAgain) {
  World& world = SharedWorld();
  const Reply<Job> job =
      CreateSelfCompleting(world, {.files = {{world.Serve("one")}}, .start = false});
  const std::string path = world.bitsd.PathOf(job->name());
  fs::create_directory(path);
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job->name()));
  BITS_ASSERT_OK(world.bitsd.watch().AwaitEvent([&](const v1::JobEvent& event) {
    return event.job().name() == job->name() &&
           event.job().wait().reason() == v1::Wait::REASON_COMPLETION_FAILED;
  }));
  BITS_ASSERT_ACCEPTED(world.bitsd.AddFile(job->name(), {world.Serve("two")}));
  fs::remove(path);
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job->name()));
  BITS_ASSERT_OK(world.bitsd.Await(job->name(), Job::STATE_ACKNOWLEDGED));
  EXPECT_EQ(Content(path), "one");
  EXPECT_EQ(Content(world.bitsd.PathsOf(job->name())[1]), "two");
}

TEST(AutoComplete, FileThatIsSaidToBeInvalidBeforeTheEndStopsIt) {
  World& world = SharedWorld();
  const std::string path = world.Put("two");
  world.origin->Script(path, {{.stall_before_head = true}});
  const Reply<Job> job = CreateSelfCompleting(
      world, {.files = {{world.Serve("one")}, {world.Url(path)}}, .parallel_files = 1});
  BITS_ASSERT_OK(world.bitsd.watch().AwaitEvent([&](const v1::JobEvent& event) {
    return event.type() == v1::JobEvent::TYPE_FILE_TRANSFERRED && event.job().name() == job->name();
  }));
  v1::UpdateFileRequest veto;
  veto.mutable_file()->set_name(job->name() + "/files/1");
  veto.mutable_file()->set_validation_state(v1::File::VALIDATION_STATE_INVALID);
  BITS_ASSERT_ACCEPTED(world.bitsd.UpdateFile(veto));
  BITS_ASSERT_OK(world.bitsd.Await(job->name(), Job::STATE_ERROR));
  EXPECT_EQ(Content(world.bitsd.PathOf(job->name())), "-");
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job->name()));
  BITS_ASSERT_OK(world.bitsd.Await(job->name(), Job::STATE_ACKNOWLEDGED));
  EXPECT_EQ(Content(world.bitsd.PathOf(job->name())), "one");
}

}  // namespace
}  // namespace bits::testing

// bits.md 1.3 and 1.2: what Complete and Cancel do to files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "tests/conformance/harness/world.h"
#include "tests/support/status_matchers.h"

namespace bits::testing {
namespace {

using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using v1::Job;

namespace fs = std::filesystem;

constexpr char kLastModified[] = "Wed, 21 Oct 2015 07:28:00 GMT";

absl::Time ModificationTime(const std::string& path) {
  return absl::FromChrono(fs::file_time_type::clock::to_sys(fs::last_write_time(path)));
}

// The names of this job's temporary files that are there.
std::vector<std::string> TemporariesOf(World& world, const std::string& job) {
  std::vector<std::string> names;
  for (const std::string& name : world.bitsd.Temporaries()) {
    if (name.find(job.substr(sizeof("jobs/") - 1)) != std::string::npos) names.push_back(name);
  }
  return names;
}

// A job with a finished file and one that has come half way.
std::string HalfDone(World& world) {
  const std::string job = world.bitsd.Create(
      {.files = {{world.Serve("finished")}, {world.ServeStall()}}, .parallel_files = 1});
  BITS_EXPECT_OK(world.bitsd.watch().AwaitEvent([&](const v1::JobEvent& event) {
    return event.type() == v1::JobEvent::TYPE_FILE_TRANSFERRED && event.file() == job + "/files/1";
  }));
  return job;
}

TEST(Complete, AllFilesThereGivesThemTheirNamesAndIsOk) {
  World& world = SharedWorld();
  const std::string job =
      world.bitsd.Create({.files = {{world.Serve("one")}, {world.Serve("two")}}});
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  const Reply<Job> completed = world.bitsd.Complete(job);
  BITS_ASSERT_ACCEPTED(completed);
  EXPECT_EQ(completed->state(), Job::STATE_ACKNOWLEDGED);
  EXPECT_EQ(completed->result(), Job::RESULT_OK);
  const std::vector<std::string> paths = world.bitsd.PathsOf(job);
  EXPECT_EQ(ReadFile(paths[0]), "one");
  EXPECT_EQ(ReadFile(paths[1]), "two");
  EXPECT_THAT(TemporariesOf(world, job), IsEmpty());
}

TEST(Complete, FileHasNoFinalNameBeforeAndIsCompletedOnlyAfter) {
  World& world = SharedWorld();
  const std::string job = world.bitsd.Fetch(world.Serve("content"));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  EXPECT_FALSE(FileExists(world.bitsd.PathOf(job)));
  Reply<v1::File> file = world.bitsd.GetFile(job);
  EXPECT_EQ(file->progress().bytes_transferred(), 7u);
  EXPECT_EQ(file->progress().bytes_total(), 7u);
  EXPECT_FALSE(file->progress().completed());
  BITS_ASSERT_ACCEPTED(world.bitsd.Complete(job));
  EXPECT_TRUE(world.bitsd.GetFile(job)->progress().completed());
}

TEST(Complete, EarlyPublishesFinishedFilesAndDeletesTheOthers) {
  World& world = SharedWorld();
  const std::string job = HalfDone(world);
  const Reply<Job> completed = world.bitsd.Complete(job);
  BITS_ASSERT_ACCEPTED(completed);
  EXPECT_EQ(completed->state(), Job::STATE_ACKNOWLEDGED);
  EXPECT_EQ(completed->result(), Job::RESULT_PARTIAL_COMPLETE);
  const std::vector<std::string> paths = world.bitsd.PathsOf(job);
  EXPECT_EQ(ReadFileOr(paths[0], "-"), "finished");
  EXPECT_FALSE(FileExists(paths[1]));
  EXPECT_THAT(TemporariesOf(world, job), IsEmpty());
}

TEST(Complete, InErrorPublishesFinishedFilesAndDeletesTheOthers) {
  World& world = SharedWorld();
  const std::string job = world.bitsd.Create(
      {.files = {{world.Serve("finished")}, {world.ServeStatus(404)}}, .parallel_files = 1});
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_ERROR));
  const Reply<Job> completed = world.bitsd.Complete(job);
  BITS_ASSERT_ACCEPTED(completed);
  EXPECT_EQ(completed->state(), Job::STATE_ACKNOWLEDGED);
  EXPECT_EQ(completed->result(), Job::RESULT_PARTIAL_COMPLETE);
  const std::vector<std::string> paths = world.bitsd.PathsOf(job);
  EXPECT_EQ(ReadFileOr(paths[0], "-"), "finished");
  EXPECT_FALSE(FileExists(paths[1]));
}

TEST(Complete, BeforeResumeEndsTheJobWithNothing) {
  World& world = SharedWorld();
  const std::string job =
      world.bitsd.Create({.files = {{world.Serve("content")}}, .start = false});
  const Reply<Job> completed = world.bitsd.Complete(job);
  BITS_ASSERT_ACCEPTED(completed);
  EXPECT_EQ(completed->result(), Job::RESULT_PARTIAL_COMPLETE);
  EXPECT_FALSE(FileExists(world.bitsd.PathOf(job)));
}

TEST(Complete, RenameFailureKeepsTransferredAndALaterCompleteWorks) {
  World& world = SharedWorld();
  const std::string job =
      world.bitsd.Create({.files = {{world.Serve("one")}, {world.Serve("two")}}});
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  const std::vector<std::string> paths = world.bitsd.PathsOf(job);
  fs::create_directory(paths[1]);

  const Reply<Job> refused = world.bitsd.Complete(job);
  EXPECT_FALSE(refused.ok());
  const Refusal refusal = RefusalOf(refused.status);
  EXPECT_EQ(refusal.error_infos, 1) << Describe(refused.status);
  EXPECT_EQ(refusal.domain, "bits.v1");
  EXPECT_THAT(refusal.reason, ::testing::AnyOf("E_ACCESSDENIED", ::testing::StartsWith("ERROR_")));
  EXPECT_EQ(world.bitsd.Get(job)->state(), Job::STATE_TRANSFERRED);
  EXPECT_EQ(ReadFileOr(paths[0], "-"), "one");
  EXPECT_TRUE(world.bitsd.GetFile(job, 1)->progress().completed());
  EXPECT_FALSE(world.bitsd.GetFile(job, 2)->progress().completed());
  // A refused call makes no error of the job.
  EXPECT_THAT(world.bitsd.GetError(job), Refused(grpc::StatusCode::FAILED_PRECONDITION,
                                                 "BG_E_ERROR_INFORMATION_UNAVAILABLE"));

  fs::remove(paths[1]);
  const Reply<Job> completed = world.bitsd.Complete(job);
  BITS_ASSERT_ACCEPTED(completed);
  EXPECT_EQ(completed->state(), Job::STATE_ACKNOWLEDGED);
  EXPECT_EQ(completed->result(), Job::RESULT_OK);
  EXPECT_EQ(ReadFileOr(paths[1], "-"), "two");
}

TEST(Complete, AfterARenameFailureCancelKeepsWhatWasPublished) {
  World& world = SharedWorld();
  const std::string job =
      world.bitsd.Create({.files = {{world.Serve("one")}, {world.Serve("two")}}});
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  const std::vector<std::string> paths = world.bitsd.PathsOf(job);
  fs::create_directory(paths[1]);
  EXPECT_THAT(world.bitsd.Complete(job), Not(Accepted()));
  BITS_ASSERT_ACCEPTED(world.bitsd.Cancel(job));
  EXPECT_EQ(ReadFileOr(paths[0], "-"), "one");
  EXPECT_TRUE(fs::is_directory(paths[1]));
  EXPECT_THAT(TemporariesOf(world, job), IsEmpty());
}

TEST(Complete, ReplacesAFileThatWasThereBefore) {
  World& world = SharedWorld();
  WriteFile(world.bitsd.InRoot("there-before"), "old");
  const std::string job =
      world.bitsd.Create({.files = {{world.Serve("new"), "there-before"}}});
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  EXPECT_EQ(ReadFile(world.bitsd.InRoot("there-before")), "old");
  BITS_ASSERT_ACCEPTED(world.bitsd.Complete(job));
  EXPECT_EQ(ReadFile(world.bitsd.InRoot("there-before")), "new");
}

TEST(Complete, PublishedFileHasTheOriginsModificationTime) {
  World& world = SharedWorld();
  Resource resource;
  resource.body = std::make_shared<std::string>("content");
  resource.last_modified = kLastModified;
  const std::string job = world.bitsd.Fetch(world.Url(world.Put(resource)));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  BITS_ASSERT_ACCEPTED(world.bitsd.Complete(job));
  const absl::Time expected = absl::FromUnixSeconds(1445412480);
  EXPECT_EQ(ModificationTime(world.bitsd.PathOf(job)), expected);
  EXPECT_EQ(TimeOf(world.bitsd.GetFile(job)->last_modified()), expected);
}

TEST(Complete, EmptyFileIsPublished) {
  World& world = SharedWorld();
  const std::string job = world.bitsd.Fetch(world.Serve(""));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  BITS_ASSERT_ACCEPTED(world.bitsd.Complete(job));
  EXPECT_EQ(ReadFileOr(world.bitsd.PathOf(job), "-"), "");
}

TEST(Complete, MissingDirectoriesAreMade) {
  World& world = SharedWorld();
  const std::string job =
      world.bitsd.Create({.files = {{world.Serve("content"), "a/new/directory/file"}}});
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  BITS_ASSERT_ACCEPTED(world.bitsd.Complete(job));
  EXPECT_EQ(ReadFileOr(world.bitsd.InRoot("a/new/directory/file"), "-"), "content");
}

TEST(Complete, SecondCallIsRefusedWithInvalidState) {
  World& world = SharedWorld();
  BITS_ASSERT_OK_AND_ASSIGN(const std::string job, world.JobIn(Job::STATE_ACKNOWLEDGED));
  EXPECT_THAT(world.bitsd.Complete(job),
              Refused(grpc::StatusCode::FAILED_PRECONDITION, "BG_E_INVALID_STATE"));
}

TEST(Complete, OfATransferredJobNeedsNoOrigin) {
  World world;
  const std::string job = world.bitsd.Fetch(world.Serve("content"));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  world.origin = nullptr;
  BITS_ASSERT_ACCEPTED(world.bitsd.Complete(job));
  EXPECT_EQ(ReadFileOr(world.bitsd.PathOf(job), "-"), "content");
}

TEST(Cancel, DeletesPartialFilesAndFinishedOnesThatAreNotCompleted) {
  World& world = SharedWorld();
  const std::string job = HalfDone(world);
  EXPECT_THAT(TemporariesOf(world, job), Not(IsEmpty()));
  const Reply<Job> cancelled = world.bitsd.Cancel(job);
  BITS_ASSERT_ACCEPTED(cancelled);
  EXPECT_EQ(cancelled->state(), Job::STATE_CANCELLED);
  EXPECT_EQ(cancelled->result(), Job::RESULT_OK);
  EXPECT_THAT(TemporariesOf(world, job), IsEmpty());
  for (const std::string& path : world.bitsd.PathsOf(job)) EXPECT_FALSE(FileExists(path)) << path;
}

TEST(Cancel, OfATransferredJobDeletesItsFiles) {
  World& world = SharedWorld();
  BITS_ASSERT_OK_AND_ASSIGN(const std::string job, world.JobIn(Job::STATE_TRANSFERRED));
  EXPECT_THAT(TemporariesOf(world, job), SizeIs(1));
  BITS_ASSERT_ACCEPTED(world.bitsd.Cancel(job));
  EXPECT_THAT(TemporariesOf(world, job), IsEmpty());
}

TEST(Cancel, SecondCallIsRefusedWithInvalidState) {
  World& world = SharedWorld();
  BITS_ASSERT_OK_AND_ASSIGN(const std::string job, world.JobIn(Job::STATE_CANCELLED));
  EXPECT_THAT(world.bitsd.Cancel(job),
              Refused(grpc::StatusCode::FAILED_PRECONDITION, "BG_E_INVALID_STATE"));
}

TEST(Cancel, AnswersThoughARequestIsStillPending) {
  World& world = SharedWorld();
  BITS_ASSERT_OK_AND_ASSIGN(const std::string job, world.JobIn(Job::STATE_CONNECTING));
  const absl::Time before = absl::Now();
  BITS_ASSERT_ACCEPTED(world.bitsd.Cancel(job));
  EXPECT_LT(absl::Now() - before, absl::Seconds(5));
}

TEST(Cancel, LeavesAloneWhatTheJobDidNotMake) {
  World& world = SharedWorld();
  WriteFile(world.bitsd.InRoot("not-ours"), "old");
  const std::string job =
      world.bitsd.Create({.files = {{world.ServeStall(), "not-ours"}}});
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRING));
  BITS_ASSERT_ACCEPTED(world.bitsd.Cancel(job));
  EXPECT_EQ(ReadFileOr(world.bitsd.InRoot("not-ours"), "-"), "old");
}

TEST(Cancel, TemporaryFileThatCannotBeDeletedIsTold) {
  World& world = SharedWorld();
  const std::string job = world.bitsd.Create({.files = {{world.Serve("content"), "told/file"}}});
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  const std::vector<std::string> names = TemporariesOf(world, job);
  ASSERT_THAT(names, SizeIs(1));
  // Somebody puts a directory in its place.
  const std::string temporary = world.bitsd.InRoot("told/" + names[0]);
  fs::remove(temporary);
  fs::create_directories(temporary + "/full");
  const Reply<Job> cancelled = world.bitsd.Cancel(job);
  BITS_ASSERT_ACCEPTED(cancelled);
  EXPECT_EQ(cancelled->state(), Job::STATE_CANCELLED);
  EXPECT_EQ(cancelled->result(), Job::RESULT_UNABLE_TO_DELETE_FILES);
}

TEST(FinalJob, AnswersGetJobFromItsTombstoneAndIsListedOnlyIfAsked) {
  World& world = SharedWorld();
  for (Job::State state : {Job::STATE_ACKNOWLEDGED, Job::STATE_CANCELLED}) {
    BITS_ASSERT_OK_AND_ASSIGN(const std::string job, world.JobIn(state));
    const Reply<Job> found = world.bitsd.Get(job);
    BITS_ASSERT_ACCEPTED(found);
    EXPECT_EQ(found->state(), state);
    // Seven days by default.
    EXPECT_NEAR(absl::ToDoubleSeconds(TimeOf(found->expire_time()) - absl::Now()), 7 * 86400, 60);

    v1::ListJobsRequest request;
    request.set_page_size(1000);
    for (bool show_final : {false, true}) {
      request.set_show_final(show_final);
      const auto reply = world.bitsd.List(request);
      BITS_ASSERT_ACCEPTED(reply);
      bool listed = false;
      for (const Job& each : reply->jobs()) listed = listed || each.name() == job;
      EXPECT_EQ(listed, show_final);
    }
  }
}

TEST(FinalJob, FreesItsDestinationForAnotherJob) {
  World& world = SharedWorld();
  const std::string cancelled =
      world.bitsd.Create({.files = {{world.Serve("one"), "shared-name"}}, .start = false});
  BITS_ASSERT_ACCEPTED(world.bitsd.Cancel(cancelled));
  const std::string completed =
      world.bitsd.Create({.files = {{world.Serve("two"), "shared-name"}}});
  BITS_ASSERT_OK(world.bitsd.Await(completed, Job::STATE_TRANSFERRED));
  BITS_ASSERT_ACCEPTED(world.bitsd.Complete(completed));
  const std::string third =
      world.bitsd.Create({.files = {{world.Serve("three"), "shared-name"}}});
  BITS_ASSERT_OK(world.bitsd.Await(third, Job::STATE_TRANSFERRED));
}

}  // namespace
}  // namespace bits::testing

// bits.md 3.4: BITS_JOB_PROPERTY_HIGH_PERFORMANCE.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "tests/conformance/harness/world.h"
#include "tests/support/status_matchers.h"

namespace bits::testing {
namespace {

using grpc::StatusCode;
using ::testing::IsEmpty;
using v1::Job;

constexpr size_t kSize = 400'000;

Reply<Job> CreateFast(World& world, const JobSpec& spec, bool fast = true) {
  v1::CreateJobRequest request = world.bitsd.RequestFor(spec);
  request.mutable_job()->mutable_transfer_options()->set_high_performance(fast);
  world.bitsd.watch();
  return world.bitsd.CreateJob(request);
}

std::string Fetch(World& world, const std::string& url) {
  const Reply<Job> job = CreateFast(world, {.files = {{url}}});
  EXPECT_THAT(job, Accepted());
  return job->name();
}

Reply<Job> SetFast(World& world, const std::string& job, bool fast) {
  v1::UpdateJobRequest request;
  request.mutable_job()->set_name(job);
  request.mutable_job()->mutable_transfer_options()->set_high_performance(fast);
  request.mutable_update_mask()->add_paths("transfer_options.high_performance");
  return world.bitsd.Update(request);
}

struct stat StatOf(const std::string& path) {
  struct stat info {};
  EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
  return info;
}

void ExpectCompletes(World& world, const std::string& job, const std::string& content) {
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  BITS_ASSERT_ACCEPTED(world.bitsd.Complete(job));
  EXPECT_TRUE(ReadFileOr(world.bitsd.PathOf(job), "-") == content);
}

TEST(HighPerformance, WritesStraightToTheDestination) {
  World world;
  const std::string content = MakeContent(kSize, 1);
  const std::string job = Fetch(world, world.Serve(content));
  EXPECT_TRUE(world.bitsd.Get(job)->transfer_options().high_performance());
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  const std::string path = world.bitsd.PathOf(job);
  EXPECT_EQ(world.bitsd.GetFile(job)->temporary_name(), path);
  EXPECT_THAT(world.bitsd.Temporaries(), IsEmpty());
  EXPECT_TRUE(ReadFileOr(path, "-") == content) << "whole already";
  EXPECT_EQ(StatOf(path).st_mode & 0777, 0600u);
  const ino_t inode = StatOf(path).st_ino;
  BITS_ASSERT_ACCEPTED(world.bitsd.Complete(job));
  EXPECT_EQ(StatOf(path).st_ino, inode) << "is not renamed";
  EXPECT_NE(StatOf(path).st_mode & 0777, 0600u);
  EXPECT_EQ(StatOf(path).st_mtime, 1445412480) << "Last-Modified";
  EXPECT_TRUE(ReadFileOr(path, "-") == content);
  EXPECT_TRUE(world.bitsd.GetFile(job)->progress().completed());
}

TEST(HighPerformance, IsOffByDefaultAndReadOnlyOnceTheJobHasFiles) {
  World& world = SharedWorld();
  const std::string url = world.Serve("content");
  const Reply<Job> job = CreateFast(world, {.files = {}, .start = false}, false);
  EXPECT_FALSE(job->transfer_options().high_performance());
  BITS_ASSERT_ACCEPTED(SetFast(world, job->name(), true));
  BITS_ASSERT_ACCEPTED(SetFast(world, job->name(), false));
  BITS_ASSERT_ACCEPTED(SetFast(world, job->name(), true));
  BITS_ASSERT_ACCEPTED(world.bitsd.AddFile(job->name(), {url}));
  BITS_ASSERT_ACCEPTED(SetFast(world, job->name(), true)) << "changes nothing";
  EXPECT_THAT(SetFast(world, job->name(), false),
              Refused(StatusCode::FAILED_PRECONDITION, "BG_E_READ_ONLY_PROPERTY_AFTER_ADDFILE"));
  const std::string plain = world.bitsd.Create({.files = {{url}}, .start = false});
  EXPECT_THAT(SetFast(world, plain, true),
              Refused(StatusCode::FAILED_PRECONDITION, "BG_E_READ_ONLY_PROPERTY_AFTER_ADDFILE"));
}

TEST(HighPerformance, StartsOverAfterAnyInterruption) {
  World world;
  const std::string content = MakeContent(kSize, 1);
  const std::string path = world.Put(content);
  world.origin->Script(path, {{.cut_after = 100'000}, {.stall_after = 200'000},
                              {.stall_after = 300'000}});
  const std::string job = Fetch(world, world.Url(path));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSIENT_ERROR));
  EXPECT_EQ(world.bitsd.GetFile(job)->progress().bytes_transferred(), 0u);
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  ASSERT_TRUE(world.origin->WaitForBytes(path, 300'000, kPatience));
  BITS_ASSERT_ACCEPTED(world.bitsd.Suspend(job));
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  ASSERT_TRUE(world.origin->WaitForBytes(path, 600'000, kPatience));
  world.bitsd.Restart();  // with SIGKILL
  world.origin->Release();
  ExpectCompletes(world, job, content);
  EXPECT_EQ(world.origin->RequestCount(path), 4u);
  for (const OriginRequest& request : world.origin->Requests(path)) {
    EXPECT_EQ(request.Header("range"), "");
  }
  EXPECT_EQ(world.bitsd.GetFile(job)->restarts(), 0u) << "nothing had been recorded";
}

TEST(HighPerformance, WhatIsThereIsLeftWhenTheJobIsCancelled) {
  World world;
  const std::string content = MakeContent(kSize, 1);
  const std::string path = world.Put(content, {.cut_after = 100'000});
  for (const bool complete : {false, true}) {
    const std::string job = Fetch(world, world.Url(path));
    BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSIENT_ERROR));
    const std::string local = world.bitsd.PathOf(job);
    const Reply<Job> ended = complete ? world.bitsd.Complete(job) : world.bitsd.Cancel(job);
    BITS_ASSERT_ACCEPTED(ended);
    EXPECT_EQ(ended->result(), complete ? Job::RESULT_PARTIAL_COMPLETE : Job::RESULT_OK);
    EXPECT_TRUE(content.starts_with(ReadFileOr(local, "gone"))) << "some of what came, in order";
  }
}

TEST(HighPerformance, WhatStandsThereIsReplacedOnceTheOriginHasAnswered) {
  World world;
  const std::string content = MakeContent(kSize, 1);
  const std::string local = world.bitsd.InRoot("there before");
  const std::string other = world.bitsd.InRoot("another name of it");
  WriteFile(local, "old");
  ASSERT_EQ(::link(local.c_str(), other.c_str()), 0);
  const Reply<Job> missing =
      CreateFast(world, {.files = {{.url = world.ServeStatus(404), .local = "there before"}}});
  BITS_ASSERT_OK(world.bitsd.Await(missing->name(), Job::STATE_ERROR));
  EXPECT_EQ(ReadFileOr(local, "-"), "old");
  BITS_ASSERT_ACCEPTED(world.bitsd.Cancel(missing->name()));
  EXPECT_EQ(ReadFileOr(local, "-"), "old") << "the job did not create it";

  const std::string path = world.Put(content, {.stall_after = 100'000});
  const Reply<Job> job =
      CreateFast(world, {.files = {{.url = world.Url(path), .local = "there before"}}});
  ASSERT_TRUE(world.origin->WaitForBytes(path, 100'000, kPatience));
  BITS_ASSERT_OK(world.bitsd.Await(job->name(), Job::STATE_TRANSFERRING));
  BITS_ASSERT_ACCEPTED(world.bitsd.Suspend(job->name()));
  world.origin->Release();
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job->name()));
  ExpectCompletes(world, job->name(), content);
  EXPECT_EQ(ReadFileOr(other, "-"), "old") << "other names keep what they had";
}

TEST(HighPerformance, ChecksumAndRangesHoldAsElsewhere) {
  World& world = SharedWorld();
  v1::Checksum checksum;  // of "345012"
  checksum.set_algorithm(v1::Checksum::ALGORITHM_MD5);
  checksum.set_hex("f19a73fc4700b2e2af2e0376daf065b4");
  const std::string url = world.Serve("0123456789");
  const FileSpec ranged = {.url = url, .checksum = checksum, .ranges = {{3, 3}, {0, 3}}};
  const Reply<Job> right = CreateFast(world, {.files = {ranged}});
  ExpectCompletes(world, right->name(), "345012");
  const Reply<Job> wrong = CreateFast(world, {.files = {{.url = url, .checksum = checksum}}});
  BITS_ASSERT_OK(world.bitsd.Await(wrong->name(), Job::STATE_ERROR));
  EXPECT_EQ(world.bitsd.GetError(wrong->name())->code(), "BG_E_VALIDATION_FAILED");
}

}  // namespace
}  // namespace bits::testing

// request_id (AIP-155) and etag: what a caller may safely repeat, and what it must not overwrite.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/conformance/harness/world.h"
#include "tests/support/status_matchers.h"

namespace bits::testing {
namespace {

using v1::Job;

std::string RequestId(int n) {
  return absl::StrCat("00000000-0000-4000-8000-", absl::Dec(n, absl::kZeroPad12));
}

v1::CreateJobRequest CreateWithId(int id, const std::string& display_name) {
  v1::CreateJobRequest request;
  request.mutable_job()->set_display_name(display_name);
  request.set_request_id(RequestId(id));
  return request;
}

int CountJobs(TestBitsd& bitsd, const std::string& display_name) {
  v1::ListJobsRequest request;
  request.set_filter(absl::StrCat("display_name = \"", display_name, "\""));
  const auto reply = bitsd.List(request);
  EXPECT_THAT(reply, Accepted());
  return reply->jobs_size();
}

TEST(RequestId, RepeatedCreateGivesTheSameJobAsItNowStands) {
  TestBitsd& bitsd = SharedWorld().bitsd;
  const v1::CreateJobRequest request = CreateWithId(1, "repeated create");
  const Reply<Job> first = bitsd.CreateJob(request);
  BITS_ASSERT_ACCEPTED(first);
  v1::UpdateJobRequest update;
  update.mutable_job()->set_name(first->name());
  update.mutable_job()->set_description("changed since");
  BITS_ASSERT_ACCEPTED(bitsd.Update(update));
  const Reply<Job> second = bitsd.CreateJob(request);
  BITS_ASSERT_ACCEPTED(second);
  EXPECT_EQ(second->name(), first->name());
  EXPECT_EQ(second->description(), "changed since");
  EXPECT_EQ(CountJobs(bitsd, "repeated create"), 1);
}

TEST(RequestId, RepeatedCreateWithFilesReservesNothingTwice) {
  World& world = SharedWorld();
  v1::CreateJobRequest request = CreateWithId(2, "repeated with files");
  *request.add_files() = FileOf(world.ServeSilence(), "repeated-with-files");
  request.set_start(true);
  const Reply<Job> first = world.bitsd.CreateJob(request);
  BITS_ASSERT_ACCEPTED(first);
  const Reply<Job> second = world.bitsd.CreateJob(request);
  BITS_ASSERT_ACCEPTED(second);
  EXPECT_EQ(second->name(), first->name());
  EXPECT_EQ(second->progress().files_total(), 1u);
}

TEST(RequestId, SameRequestsAtOnceMakeOneJob) {
  TestBitsd& bitsd = SharedWorld().bitsd;
  const v1::CreateJobRequest request = CreateWithId(3, "at once");
  std::vector<Reply<Job>> replies(16);
  std::vector<std::thread> threads;
  for (Reply<Job>& reply : replies) {
    threads.emplace_back([&] { reply = bitsd.CreateJob(request); });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<std::string> names;
  for (const Reply<Job>& reply : replies) {
    BITS_EXPECT_ACCEPTED(reply);
    names.insert(reply->name());
  }
  EXPECT_EQ(names.size(), 1u);
  EXPECT_EQ(CountJobs(bitsd, "at once"), 1);
}

TEST(RequestId, IsKnownAfterTheServerWasKilled) {
  TestBitsd bitsd;
  const v1::CreateJobRequest request = CreateWithId(4, "across restart");
  const Reply<Job> first = bitsd.CreateJob(request);
  bitsd.Kill();
  bitsd.Restart();
  const Reply<Job> second = bitsd.CreateJob(request);
  BITS_ASSERT_ACCEPTED(second);
  EXPECT_EQ(second->name(), first->name());
  EXPECT_EQ(CountJobs(bitsd, "across restart"), 1);
}

TEST(RequestId, UsedForAnotherRequestIsRefused) {
  TestBitsd& bitsd = SharedWorld().bitsd;
  const auto reused = Refused(grpc::StatusCode::INVALID_ARGUMENT, "REQUEST_ID_REUSED");
  const Reply<Job> job = bitsd.CreateJob(CreateWithId(5, "the one"));
  BITS_ASSERT_ACCEPTED(job);
  EXPECT_THAT(bitsd.CreateJob(CreateWithId(5, "another")), reused);
  v1::SuspendJobRequest suspend;
  suspend.set_name(job->name());
  suspend.set_request_id(RequestId(5));
  EXPECT_THAT(TestBitsd::Call<Job>(
                  [&](auto* c, auto* r) { return bitsd.jobs().SuspendJob(c, suspend, r); }),
              reused);
  EXPECT_EQ(CountJobs(bitsd, "another"), 0);
}

TEST(RequestId, OfARefusedRequestMayBeUsedAgain) {
  TestBitsd& bitsd = SharedWorld().bitsd;
  v1::CreateJobRequest request = CreateWithId(6, "refused first");
  request.set_start(true);
  EXPECT_THAT(bitsd.CreateJob(request),
              Refused(grpc::StatusCode::FAILED_PRECONDITION, "BG_E_EMPTY"));
  request.set_start(false);
  BITS_EXPECT_ACCEPTED(bitsd.CreateJob(request));
}

TEST(RequestId, ThatIsNoUuidIsRefused) {
  TestBitsd& bitsd = SharedWorld().bitsd;
  v1::CreateJobRequest request = CreateWithId(7, "test");
  request.set_request_id("not a uuid");
  EXPECT_THAT(bitsd.CreateJob(request), RefusedField("request_id", "E_INVALIDARG"));
}

TEST(RequestId, RepeatedVerbMakesNoSecondChange) {
  World& world = SharedWorld();
  BITS_ASSERT_OK_AND_ASSIGN(const std::string job, world.JobIn(Job::STATE_SUSPENDED));
  v1::ResumeJobRequest resume;
  resume.set_name(job);
  resume.set_request_id(RequestId(8));
  const auto call = [&] {
    return TestBitsd::Call<Job>(
        [&](auto* c, auto* r) { return world.bitsd.jobs().ResumeJob(c, resume, r); });
  };
  BITS_ASSERT_ACCEPTED(call());
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_CONNECTING));
  BITS_ASSERT_ACCEPTED(world.bitsd.Suspend(job));
  const Reply<Job> again = call();
  BITS_ASSERT_ACCEPTED(again);
  EXPECT_EQ(again->state(), Job::STATE_SUSPENDED);
}

TEST(RequestId, RepeatedCompleteAndCancelAreAcceptedOnce) {
  World& world = SharedWorld();
  BITS_ASSERT_OK_AND_ASSIGN(const std::string transferred, world.JobIn(Job::STATE_TRANSFERRED));
  v1::CompleteJobRequest complete;
  complete.set_name(transferred);
  complete.set_request_id(RequestId(9));
  for (int i = 0; i < 2; ++i) {
    const Reply<Job> reply = TestBitsd::Call<Job>(
        [&](auto* c, auto* r) { return world.bitsd.jobs().CompleteJob(c, complete, r); });
    BITS_ASSERT_ACCEPTED(reply);
    EXPECT_EQ(reply->state(), Job::STATE_ACKNOWLEDGED);
    EXPECT_EQ(reply->result(), Job::RESULT_OK);
  }
  BITS_ASSERT_OK_AND_ASSIGN(const std::string suspended, world.JobIn(Job::STATE_SUSPENDED));
  v1::CancelJobRequest cancel;
  cancel.set_name(suspended);
  cancel.set_request_id(RequestId(10));
  for (int i = 0; i < 2; ++i) {
    const Reply<Job> reply = TestBitsd::Call<Job>(
        [&](auto* c, auto* r) { return world.bitsd.jobs().CancelJob(c, cancel, r); });
    BITS_ASSERT_ACCEPTED(reply);
    EXPECT_EQ(reply->state(), Job::STATE_CANCELLED);
  }
}

TEST(RequestId, RepeatedAddFilesGivesTheSameFiles) {
  TestBitsd& bitsd = SharedWorld().bitsd;
  const std::string job = bitsd.Create({.files = {{"http://127.0.0.1:1/x"}}, .start = false});
  v1::AddFilesRequest request;
  request.set_parent(job);
  request.set_request_id(RequestId(11));
  for (int i = 0; i < 3; ++i) {
    *request.add_files() = FileOf("http://127.0.0.1:1/x", absl::StrCat("repeated-", i));
  }
  const auto first = bitsd.AddFiles(request);
  BITS_ASSERT_ACCEPTED(first);
  const auto second = bitsd.AddFiles(request);
  BITS_ASSERT_ACCEPTED(second);
  ASSERT_EQ(second->files_size(), 3);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(second->files(i).name(), first->files(i).name());
  EXPECT_EQ(second->job().progress().files_total(), 4u);
}

TEST(RequestId, RepeatedUpdateDoesNotUndoALaterOne) {
  TestBitsd& bitsd = SharedWorld().bitsd;
  v1::UpdateJobRequest first;
  first.mutable_job()->set_name(bitsd.Create({.start = false}));
  first.mutable_job()->set_description("first");
  first.set_request_id(RequestId(12));
  v1::UpdateJobRequest second = first;
  second.mutable_job()->set_description("second");
  second.set_request_id(RequestId(13));
  BITS_ASSERT_ACCEPTED(bitsd.Update(first));
  BITS_ASSERT_ACCEPTED(bitsd.Update(second));
  const Reply<Job> repeated = bitsd.Update(first);
  BITS_ASSERT_ACCEPTED(repeated);
  EXPECT_EQ(repeated->description(), "second");
}

TEST(Etag, OfAnEarlierStateIsAborted) {
  World& world = SharedWorld();
  v1::JobService::Stub& jobs = world.bitsd.jobs();
  BITS_ASSERT_OK_AND_ASSIGN(const std::string job, world.JobIn(Job::STATE_SUSPENDED));
  const std::string etag = world.bitsd.Get(job)->etag();
  v1::UpdateJobRequest update;
  update.mutable_job()->set_name(job);
  update.mutable_job()->set_description("changed");
  update.mutable_job()->set_etag(etag);
  const Reply<Job> updated = world.bitsd.Update(update);
  BITS_ASSERT_ACCEPTED(updated);
  EXPECT_NE(updated->etag(), etag);

  const auto aborted = Refused(grpc::StatusCode::ABORTED, "ETAG_MISMATCH");
  EXPECT_THAT(world.bitsd.Update(update), aborted);
  const auto with_etag = [&](auto request) {
    request.set_name(job);
    request.set_etag(etag);
    return request;
  };
  const auto resume = with_etag(v1::ResumeJobRequest());
  const auto suspend = with_etag(v1::SuspendJobRequest());
  const auto cancel = with_etag(v1::CancelJobRequest());
  const auto complete = with_etag(v1::CompleteJobRequest());
  using Bitsd = TestBitsd;
  EXPECT_THAT(Bitsd::Call<Job>([&](auto* c, auto* r) { return jobs.ResumeJob(c, resume, r); }),
              aborted);
  EXPECT_THAT(Bitsd::Call<Job>([&](auto* c, auto* r) { return jobs.SuspendJob(c, suspend, r); }),
              aborted);
  EXPECT_THAT(Bitsd::Call<Job>([&](auto* c, auto* r) { return jobs.CancelJob(c, cancel, r); }),
              aborted);
  EXPECT_THAT(Bitsd::Call<Job>([&](auto* c, auto* r) { return jobs.CompleteJob(c, complete, r); }),
              aborted);
  EXPECT_EQ(world.bitsd.Get(job)->state(), Job::STATE_SUSPENDED);

  v1::ResumeJobRequest now = resume;
  now.set_etag(updated->etag());
  BITS_EXPECT_ACCEPTED(
      Bitsd::Call<Job>([&](auto* c, auto* r) { return jobs.ResumeJob(c, now, r); }));
}

TEST(Etag, NonsenseMatchesNothing) {
  World& world = SharedWorld();
  BITS_ASSERT_OK_AND_ASSIGN(const std::string job, world.JobIn(Job::STATE_SUSPENDED));
  v1::ResumeJobRequest request;
  request.set_name(job);
  request.set_etag("nonsense");
  EXPECT_THAT(TestBitsd::Call<Job>(
                  [&](auto* c, auto* r) { return world.bitsd.jobs().ResumeJob(c, request, r); }),
              Refused(grpc::StatusCode::ABORTED, "ETAG_MISMATCH"));
}

}  // namespace
}  // namespace bits::testing

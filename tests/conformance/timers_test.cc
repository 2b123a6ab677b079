// bits.md 2.3: the timers. Each test has a bitsd of its own and runs beside the others, since
// what they show takes seconds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "tests/conformance/harness/world.h"
#include "tests/support/listener.h"
#include "tests/support/status_matchers.h"

namespace bits::testing {
namespace {

using v1::Job;

// When the job's last change to this state was committed.
absl::Time TimeOfState(World& world, const std::string& job, Job::State state) {
  absl::Time time = absl::InfinitePast();
  for (const v1::JobEvent& event : world.bitsd.watch().EventsOf(job)) {
    if (TellsState(event) && event.job().state() == state) time = TimeOf(event.event_time());
  }
  return time;
}

TEST(RetryDelay, BelowFiveSecondsIsRaisedToFive) {
  World world;
  const std::string job = world.bitsd.Create(
      {.files = {{world.ServeStatus(503)}}, .retry_delay = absl::Seconds(1)});
  EXPECT_EQ(DurationOf(world.bitsd.Get(job)->minimum_retry_delay()), absl::Seconds(5));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSIENT_ERROR));
  const Reply<v1::Error> error = world.bitsd.GetError(job);
  EXPECT_EQ(TimeOf(error->retry_time()) - TimeOf(error->occur_time()), absl::Seconds(5));

  v1::UpdateJobRequest request;
  request.mutable_job()->set_name(job);
  request.mutable_update_mask()->add_paths("minimum_retry_delay");
  for (const auto& [given, kept] : {std::pair(0, 5), {4, 5}, {5, 5}, {6, 6}}) {
    SetDuration(request.mutable_job()->mutable_minimum_retry_delay(), absl::Seconds(given));
    const Reply<Job> updated = world.bitsd.Update(request);
    BITS_ASSERT_ACCEPTED(updated);
    EXPECT_EQ(DurationOf(updated->minimum_retry_delay()), absl::Seconds(kept));
  }
}

TEST(RetryDelay, TransientErrorIsRetriedByItselfAfterIt) {
  World world;
  const std::string path = world.Put("content");
  world.origin->Script(path, {{.status = 503}});
  const std::string job = world.bitsd.Create(
      {.files = {{world.Url(path)}}, .retry_delay = absl::Seconds(5)});
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSIENT_ERROR));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  const absl::Duration waited = TimeOfState(world, job, Job::STATE_QUEUED) -
                                TimeOfState(world, job, Job::STATE_TRANSIENT_ERROR);
  EXPECT_GE(waited, absl::Seconds(5));
  EXPECT_LT(waited, absl::Seconds(7));
  EXPECT_EQ(world.bitsd.Get(job)->attempt_count(), 2u);
}

TEST(RetryDelay, FailedAutomaticRetryCounts) {
  World world;
  BITS_ASSERT_OK_AND_ASSIGN(const Listener dead, ReserveDeadPort());
  const std::string job = world.bitsd.Create(
      {.files = {{"http://127.0.0.1:" + std::to_string(dead.port) + "/x"}},
       .retry_delay = absl::Seconds(5)});
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSIENT_ERROR));
  BITS_ASSERT_OK_AND_ASSIGN(const Job again,
                            world.bitsd.Await(job, Job::STATE_TRANSIENT_ERROR));
  EXPECT_EQ(again.error_count(), 1u);
}

TEST(RetryDelay, SurvivesARestartOfTheServer) {
  World world;
  const std::string path = world.Put("content");
  world.origin->Script(path, {{.status = 503}});
  const std::string job = world.bitsd.Create(
      {.files = {{world.Url(path)}}, .retry_delay = absl::Seconds(5)});
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSIENT_ERROR));
  world.bitsd.Kill();
  world.bitsd.Restart();
  BITS_EXPECT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
}

TEST(RetryDelay, LongerThanNoProgressTimeoutIsErrorAtOnce) {
  World world;
  const std::string job = world.bitsd.Create({.files = {{world.ServeStatus(503)}},
                                              .retry_delay = absl::Seconds(61),
                                              .no_progress_timeout = absl::Seconds(60)});
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_ERROR));
  const Reply<v1::Error> error = world.bitsd.GetError(job);
  EXPECT_EQ(error->code(), "BG_E_HTTP_ERROR_503");
  EXPECT_FALSE(error->transient());
}

TEST(RetryDelay, RetryAfterSetsTheNextTryWithinBounds) {
  World world;
  struct Case {
    int status;
    std::string retry_after;
    absl::Duration expected;
  };
  for (const auto& [status, retry_after, expected] :
       {Case{503, "77", absl::Seconds(77)}, Case{429, "78", absl::Seconds(78)},
        Case{503, "1", absl::Seconds(5)}, Case{503, "nonsense", absl::Seconds(5)},
        Case{503, "-7", absl::Seconds(5)}, Case{503, "100000000000", absl::Hours(24)}}) {
    const std::string url =
        world.Serve("", {.status = status, .headers = {{"Retry-After", retry_after}}});
    const std::string job =
        world.bitsd.Create({.files = {{url}}, .retry_delay = absl::Seconds(5)});
    BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSIENT_ERROR));
    const Reply<v1::Error> error = world.bitsd.GetError(job);
    EXPECT_EQ(TimeOf(error->retry_time()) - TimeOf(error->occur_time()), expected) << retry_after;
  }
}

TEST(RetryDelay, RetryAfterMayBeADate) {
  World world;
  const absl::Time when = absl::Now() + absl::Minutes(5);
  const std::string date =
      absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT", when, absl::UTCTimeZone());
  const std::string job = world.bitsd.Create(
      {.files = {{world.Serve("", {.status = 503, .headers = {{"Retry-After", date}}})}},
       .retry_delay = absl::Seconds(5)});
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSIENT_ERROR));
  const absl::Time retry = TimeOf(world.bitsd.GetError(job)->retry_time());
  EXPECT_NEAR(absl::ToDoubleSeconds(retry - when), 0, 3);
}

TEST(RetryBackoff, WaitsGrowWithinTheirBoundsAndStartAnewWithProgress) {
  World world;
  const std::string path = world.Put(MakeContent(4000, 1));
  // Two failures in a row, some bytes, and one more.
  world.origin->Script(path, {{.status = 503}, {.status = 503}, {.cut_after = 1000},
                              {.status = 503}});
  v1::CreateJobRequest request = world.bitsd.RequestFor(
      {.files = {{world.Url(path)}}, .retry_delay = absl::Seconds(5)});
  world.bitsd.watch();
  SetDuration(request.mutable_job()->mutable_retry_options()->mutable_maximum_retry_delay(),
              absl::Seconds(9));
  request.mutable_job()->mutable_retry_options()->set_multiplier(1.2);
  const Reply<Job> created = world.bitsd.CreateJob(request);
  BITS_ASSERT_ACCEPTED(created);
  EXPECT_EQ(created->retry_options().multiplier(), 1.2);
  std::vector<double> waits;
  // The third is that of the connection that broke off: with progress, so it is a first one again.
  for (const double most : {6.0, 7.2, 6.0, 7.2}) {
    BITS_ASSERT_OK(world.bitsd.Await(created->name(), Job::STATE_TRANSIENT_ERROR));
    const Reply<v1::Error> error = world.bitsd.GetError(created->name());
    BITS_ASSERT_ACCEPTED(error);
    const double wait =
        absl::ToDoubleSeconds(TimeOf(error->retry_time()) - TimeOf(error->occur_time()));
    EXPECT_GE(wait, 5);
    EXPECT_LE(wait, most);
    waits.push_back(wait);
    BITS_ASSERT_ACCEPTED(world.bitsd.Resume(created->name()));  // rather than to wait
  }
  EXPECT_NE(waits[0], waits[2]) << "another try, another wait";
  BITS_EXPECT_OK(world.bitsd.Await(created->name(), Job::STATE_TRANSFERRED));
}

TEST(RetryBackoff, WrongOnesAreRefused) {
  World world;
  v1::CreateJobRequest request = world.bitsd.RequestFor({.files = {{world.Serve("content")}}});
  v1::RetryOptions& options = *request.mutable_job()->mutable_retry_options();
  SetDuration(options.mutable_maximum_retry_delay(), absl::Seconds(599));
  EXPECT_THAT(world.bitsd.CreateJob(request),
              RefusedField("job.retry_options.maximum_retry_delay", "E_INVALIDARG"));
  SetDuration(options.mutable_maximum_retry_delay(), absl::Seconds(600));
  options.set_multiplier(11);
  EXPECT_THAT(world.bitsd.CreateJob(request),
              RefusedField("job.retry_options.multiplier", "E_INVALIDARG"));
  options.set_multiplier(10);
  const Reply<Job> job = world.bitsd.CreateJob(request);
  BITS_ASSERT_ACCEPTED(job);
  // Not so, either, that the least becomes more than the most.
  v1::UpdateJobRequest update;
  update.mutable_job()->set_name(job->name());
  SetDuration(update.mutable_job()->mutable_minimum_retry_delay(), absl::Seconds(601));
  EXPECT_THAT(world.bitsd.Update(update),
              RefusedField("job.retry_options.maximum_retry_delay", "E_INVALIDARG"));
  update.mutable_job()->clear_minimum_retry_delay();
  update.mutable_update_mask()->add_paths("retry_options");
  const Reply<Job> cleared = world.bitsd.Update(update);
  BITS_ASSERT_ACCEPTED(cleared);
  EXPECT_FALSE(cleared->has_retry_options());
}

TEST(NoProgressTimeout, ZeroMakesEveryErrorFatal) {
  World world;
  const std::string job = world.bitsd.Create(
      {.files = {{world.ServeStatus(503)}}, .no_progress_timeout = absl::ZeroDuration()});
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_ERROR));
  const Reply<v1::Error> error = world.bitsd.GetError(job);
  EXPECT_EQ(error->code(), "BG_E_HTTP_ERROR_503");
  EXPECT_FALSE(error->transient());
}

TEST(NoProgressTimeout, CountsFromTheFirstErrorAndKeepsTheLastCode) {
  World world;
  const std::string path = world.Put("", {.status = 500});
  world.origin->Script(path, {{.status = 503}});
  const std::string job = world.bitsd.Create({.files = {{world.Url(path)}},
                                              .retry_delay = absl::Seconds(5),
                                              .no_progress_timeout = absl::Seconds(7)});
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSIENT_ERROR));
  const absl::Time first = TimeOf(world.bitsd.GetError(job)->occur_time());
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSIENT_ERROR));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_ERROR));
  const absl::Duration after = TimeOfState(world, job, Job::STATE_ERROR) - first;
  EXPECT_GE(after, absl::Seconds(7));
  EXPECT_LT(after, absl::Seconds(9));
  const Reply<v1::Error> error = world.bitsd.GetError(job);
  EXPECT_EQ(error->code(), "BG_E_HTTP_ERROR_500");
  EXPECT_FALSE(error->transient());
  EXPECT_FALSE(error->has_retry_time());
  const v1::JobEvent last = world.bitsd.watch().EventsOf(job).back();
  EXPECT_EQ(last.error().code(), "BG_E_HTTP_ERROR_500");
  EXPECT_FALSE(last.error().transient());
}

TEST(NoProgressTimeout, ProgressBeginsTheCountAnew) {
  World world;
  const std::string path = world.Put(MakeContent(300'000, 1));
  world.origin->Script(path, {{.cut_after = 100'000}, {.cut_after = 100'000}});
  const std::string job = world.bitsd.Create({.files = {{world.Url(path)}},
                                              .retry_delay = absl::Seconds(5),
                                              .no_progress_timeout = absl::Seconds(7)});
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSIENT_ERROR));
  const absl::Time first = TimeOf(world.bitsd.GetError(job)->occur_time());
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  EXPECT_GT(TimeOfState(world, job, Job::STATE_TRANSFERRED) - first, absl::Seconds(7));
}

TEST(MaximumDownloadTime, UsedUpIsError) {
  World world;
  const std::string job = world.bitsd.Create(
      {.files = {{world.ServeStall()}}, .maximum_download_time = absl::Seconds(1)});
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_ERROR));
  const Reply<v1::Error> error = world.bitsd.GetError(job);
  EXPECT_EQ(error->hresult(), 0x80200054u);
  EXPECT_EQ(error->code(), "BG_E_MAXDOWNLOAD_TIMEOUT");
  EXPECT_FALSE(error->transient());
}

TEST(MaximumDownloadTime, ResumeBeginsTheCountAnew) {
  World world;
  const std::string job = world.bitsd.Create(
      {.files = {{world.ServeSilence()}}, .maximum_download_time = absl::Seconds(1)});
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_ERROR));
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_CONNECTING));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_ERROR));
  const absl::Duration active = TimeOfState(world, job, Job::STATE_ERROR) -
                                TimeOfState(world, job, Job::STATE_CONNECTING);
  EXPECT_GE(active, absl::Seconds(1));
}

TEST(MaximumDownloadTime, DoesNotCountTheWaitForARetry) {
  World world;
  const std::string path = world.Put("content");
  world.origin->Script(path, {{.status = 503}});
  const std::string job = world.bitsd.Create({.files = {{world.Url(path)}},
                                              .retry_delay = absl::Seconds(5),
                                              .maximum_download_time = absl::Seconds(4)});
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSIENT_ERROR));
  BITS_EXPECT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
}

TEST(JobInactivityTimeout, CancelsAJobLeftAloneAndDeletesItsFiles) {
  World world({.config = "policy { job_inactivity_timeout { seconds: 2 } }"});
  BITS_ASSERT_OK_AND_ASSIGN(const std::string suspended, world.JobIn(Job::STATE_SUSPENDED));
  BITS_ASSERT_OK_AND_ASSIGN(const std::string failed, world.JobIn(Job::STATE_ERROR));
  BITS_ASSERT_OK_AND_ASSIGN(const std::string transferred, world.JobIn(Job::STATE_TRANSFERRED));
  EXPECT_FALSE(world.bitsd.Temporaries().empty());
  for (const std::string& job : {suspended, failed, transferred}) {
    BITS_EXPECT_OK(world.bitsd.Await(job, Job::STATE_CANCELLED));
  }
  // Deleting comes right after the decision, and is told.
  BITS_EXPECT_OK(world.bitsd.watch().AwaitEvent([&](const v1::JobEvent& event) {
    return event.job().name() == transferred && event.job().result() == Job::RESULT_OK;
  }));
  EXPECT_TRUE(world.bitsd.Temporaries().empty());
}

TEST(JobInactivityTimeout, ChangeOfAPropertyBeginsTheCountAnew) {
  World world;
  BITS_ASSERT_OK_AND_ASSIGN(const std::string job, world.JobIn(Job::STATE_SUSPENDED));
  const absl::Time before = TimeOf(world.bitsd.Get(job)->expire_time());
  v1::UpdateJobRequest request;
  request.mutable_job()->set_name(job);
  request.mutable_job()->set_description("changed");
  const Reply<Job> updated = world.bitsd.Update(request);
  EXPECT_GT(TimeOf(updated->expire_time()), before);
  EXPECT_EQ(TimeOf(updated->expire_time()) - TimeOf(updated->update_time()), absl::Hours(90 * 24));
}

TEST(Tombstone, IsForgottenWhenItsTimeHasCome) {
  World world({.config = "policy { tombstone_retention { seconds: 1 } }"});
  BITS_ASSERT_OK_AND_ASSIGN(const std::string job, world.JobIn(Job::STATE_CANCELLED));
  BITS_ASSERT_OK(world.bitsd.watch().AwaitEvent([&](const v1::JobEvent& event) {
    return event.type() == v1::JobEvent::TYPE_DELETED && event.job().name() == job;
  }));
  EXPECT_THAT(world.bitsd.Get(job), Refused(grpc::StatusCode::NOT_FOUND, "BG_E_NOT_FOUND"));
}

}  // namespace
}  // namespace bits::testing

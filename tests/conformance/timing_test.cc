// not_before_time and deadline, which are ours. Each test has a bitsd of its own and runs beside
// the others, since what they show takes seconds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/time/clock.h"
#include "tests/conformance/harness/world.h"
#include "tests/support/status_matchers.h"

namespace bits::testing {
namespace {

using grpc::StatusCode;
using v1::Job;

void SetTime(google::protobuf::Timestamp* to, absl::Time time) {
  to->set_seconds(absl::ToUnixSeconds(time));
  to->set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(to->seconds()))));
}

// One background slot, so that a job that takes a turn can be told from one that does not.
TestBitsd::Options OneSlot() { return {.config = "policy { background_slots: 1 }"}; }

struct Timed {
  std::optional<absl::Time> not_before = {};
  std::optional<absl::Time> deadline = {};
};

Reply<Job> CreateTimed(World& world, const Timed& timed, JobSpec spec) {
  v1::CreateJobRequest request = world.bitsd.RequestFor(spec);
  world.bitsd.watch();
  if (timed.not_before)
    SetTime(request.mutable_job()->mutable_not_before_time(), *timed.not_before);
  if (timed.deadline) SetTime(request.mutable_job()->mutable_deadline(), *timed.deadline);
  return world.bitsd.CreateJob(request);
}

// Names both, so that one that is absent is cleared.
Reply<Job> UpdateTimes(World& world, const std::string& job, const Timed& timed) {
  v1::UpdateJobRequest request;
  request.mutable_job()->set_name(job);
  request.mutable_update_mask()->add_paths("not_before_time");
  request.mutable_update_mask()->add_paths("deadline");
  if (timed.not_before)
    SetTime(request.mutable_job()->mutable_not_before_time(), *timed.not_before);
  if (timed.deadline) SetTime(request.mutable_job()->mutable_deadline(), *timed.deadline);
  return world.bitsd.Update(request);
}

// When the job first came into this state.
absl::Time TimeOfState(World& world, const std::string& job, Job::State state) {
  for (const v1::JobEvent& event : world.bitsd.watch().EventsOf(job)) {
    if (TellsState(event) && event.job().state() == state) return TimeOf(event.event_time());
  }
  return absl::InfiniteFuture();
}

TEST(NotBeforeTime, ForegroundJobWaitsForItAndSaysSo) {
  World world;
  const absl::Time when = absl::Now() + absl::Seconds(3);
  const Reply<Job> job = CreateTimed(world, {when}, {.files = {{world.Serve("content")}}});
  BITS_ASSERT_ACCEPTED(job);
  EXPECT_EQ(job->state(), Job::STATE_QUEUED);
  EXPECT_EQ(job->wait().reason(), v1::Wait::REASON_NOT_BEFORE);
  EXPECT_EQ(TimeOf(job->wait().until()), when);
  EXPECT_EQ(TimeOf(job->not_before_time()), when);
  BITS_ASSERT_OK(world.bitsd.Await(job->name(), Job::STATE_TRANSFERRED));
  const absl::Time began = TimeOfState(world, job->name(), Job::STATE_CONNECTING);
  EXPECT_GE(began, when);
  EXPECT_LT(began, when + absl::Seconds(10));
}

TEST(NotBeforeTime, WaitingJobTakesNoTurnFromOthers) {
  World world(OneSlot());
  const Reply<Job> waits =
      CreateTimed(world, {absl::Now() + absl::Hours(1)},
                  {.files = {{world.Serve("later")}}, .priority = Job::PRIORITY_HIGH});
  BITS_ASSERT_ACCEPTED(waits);
  const std::string job =
      world.bitsd.Create({.files = {{world.Serve("now")}}, .priority = Job::PRIORITY_LOW});
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  EXPECT_EQ(world.bitsd.Get(waits->name())->state(), Job::STATE_QUEUED);
}

TEST(NotBeforeTime, ResumeDoesNotOverrideItAndASuspendedJobStays) {
  World world;
  const Reply<Job> job = CreateTimed(world, {absl::Now() + absl::Seconds(3)},
                                     {.files = {{world.Serve("content")}}, .start = false});
  BITS_ASSERT_ACCEPTED(job);
  EXPECT_EQ(job->wait().reason(), v1::Wait::REASON_SUSPENDED);
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job->name()));
  const Reply<Job> again = world.bitsd.Resume(job->name());
  BITS_ASSERT_ACCEPTED(again);
  EXPECT_EQ(again->state(), Job::STATE_QUEUED);
  EXPECT_EQ(again->wait().reason(), v1::Wait::REASON_NOT_BEFORE);
  BITS_ASSERT_ACCEPTED(world.bitsd.Suspend(job->name()));
  // One that waits for the same time, and then the suspended one could have run too.
  const Reply<Job> other =
      CreateTimed(world, {TimeOf(job->not_before_time()) + absl::Milliseconds(200)},
                  {.files = {{world.Serve("content")}}});
  BITS_ASSERT_OK(world.bitsd.Await(other->name(), Job::STATE_TRANSFERRED));
  EXPECT_EQ(world.bitsd.Get(job->name())->state(), Job::STATE_SUSPENDED);
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job->name()));
  BITS_EXPECT_OK(world.bitsd.Await(job->name(), Job::STATE_TRANSFERRED));
}

TEST(NotBeforeTime, LoweredOrClearedItTakesEffectAtOnce) {
  World world(OneSlot());
  const absl::Time far = absl::Now() + absl::Hours(300 * 24);
  for (const bool clear : {true, false}) {
    const Reply<Job> job = CreateTimed(
        world, {far}, {.files = {{world.Serve("content")}}, .priority = Job::PRIORITY_NORMAL});
    BITS_ASSERT_ACCEPTED(job);
    // It is not inactive while it waits.
    EXPECT_GT(TimeOf(job->expire_time()), far);
    Timed timed;
    if (!clear) timed.not_before = absl::Now() - absl::Seconds(1);
    const Reply<Job> updated = UpdateTimes(world, job->name(), timed);
    BITS_ASSERT_ACCEPTED(updated);
    EXPECT_EQ(updated->has_not_before_time(), !clear);
    EXPECT_NE(updated->wait().reason(), v1::Wait::REASON_NOT_BEFORE);
    BITS_EXPECT_OK(world.bitsd.Await(job->name(), Job::STATE_TRANSFERRED));
  }
}

TEST(NotBeforeTime, TurnUnderWayGoesOnAndTheNextOneWaits) {
  World world;
  const std::string job = world.bitsd.Fetch(world.ServeStall());
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRING));
  const Reply<Job> updated = UpdateTimes(world, job, {absl::Now() + absl::Hours(1)});
  BITS_ASSERT_ACCEPTED(updated);
  EXPECT_EQ(updated->state(), Job::STATE_TRANSFERRING);
  BITS_ASSERT_ACCEPTED(world.bitsd.Suspend(job));
  const Reply<Job> resumed = world.bitsd.Resume(job);
  BITS_ASSERT_ACCEPTED(resumed);
  EXPECT_EQ(resumed->wait().reason(), v1::Wait::REASON_NOT_BEFORE);
}

TEST(NotBeforeTime, SurvivesAKillOfTheServer) {
  World world;
  const absl::Time when = absl::Now() + absl::Seconds(3);
  const Reply<Job> job = CreateTimed(world, {when}, {.files = {{world.Serve("content")}}});
  BITS_ASSERT_ACCEPTED(job);
  world.bitsd.Kill();
  world.bitsd.Restart();
  world.bitsd.watch();
  EXPECT_EQ(TimeOf(world.bitsd.Get(job->name())->not_before_time()), when);
  BITS_ASSERT_OK(world.bitsd.Await(job->name(), Job::STATE_TRANSFERRED));
  EXPECT_GE(TimeOfState(world, job->name(), Job::STATE_CONNECTING), when);
}

TEST(Deadline, StopsATransferWithTimeoutAndKeepsWhatIsThere) {
  World world;
  const absl::Time when = absl::Now() + absl::Seconds(3);
  const Reply<Job> job = CreateTimed(world, {{}, when}, {.files = {{world.ServeStall()}}});
  BITS_ASSERT_ACCEPTED(job);
  BITS_ASSERT_OK(world.bitsd.Await(job->name(), Job::STATE_TRANSFERRING));
  BITS_ASSERT_OK(world.bitsd.Await(job->name(), Job::STATE_ERROR));
  const Reply<v1::Error> error = world.bitsd.GetError(job->name());
  EXPECT_EQ(error->code(), "ERROR_TIMEOUT");
  EXPECT_EQ(error->hresult(), 0x800705B4u);
  EXPECT_EQ(error->context(), v1::ERROR_CONTEXT_GENERAL_QUEUE_MANAGER);
  EXPECT_EQ(error->file(), "");
  EXPECT_FALSE(error->transient());
  EXPECT_GE(TimeOf(error->occur_time()), when);
  EXPECT_LT(TimeOf(error->occur_time()), when + absl::Seconds(10));
  // What was on its way is recorded once the transfer has ended.
  BITS_EXPECT_OK(world.bitsd.watch().AwaitEvent([&](const v1::JobEvent& event) {
    return event.job().name() == job->name() && event.job().state() == Job::STATE_ERROR &&
           event.job().progress().bytes_transferred() == 1000;
  }));
}

TEST(Deadline, HoldsForJobsThatWaitForATurnOrARetry) {
  World world(OneSlot());
  BITS_ASSERT_OK(world.JobIn(Job::STATE_QUEUED));  // the slot is taken
  const absl::Time when = absl::Now() + absl::Seconds(3);
  const Reply<Job> queued = CreateTimed(
      world, {{}, when}, {.files = {{world.Serve("content")}}, .priority = Job::PRIORITY_NORMAL});
  const Reply<Job> retrying = CreateTimed(world, {{}, when}, {.files = {{world.ServeStatus(503)}}});
  BITS_ASSERT_OK(world.bitsd.Await(retrying->name(), Job::STATE_TRANSIENT_ERROR));
  for (const std::string& job : {queued->name(), retrying->name()}) {
    BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_ERROR));
    EXPECT_EQ(world.bitsd.GetError(job)->code(), "ERROR_TIMEOUT");
  }
}

TEST(Deadline, SuspendedAndTransferredJobsStayAndResumeIsRefusedUntilItIsChanged) {
  World world;
  const absl::Time when = absl::Now() + absl::Seconds(3);
  const Reply<Job> done = CreateTimed(world, {{}, when}, {.files = {{world.Serve("content")}}});
  BITS_ASSERT_OK(world.bitsd.Await(done->name(), Job::STATE_TRANSFERRED));
  const Reply<Job> suspended =
      CreateTimed(world, {{}, when}, {.files = {{world.Serve("content")}}, .start = false});
  const Reply<Job> late = CreateTimed(world, {{}, when}, {.files = {{world.ServeSilence()}}});
  BITS_ASSERT_OK(world.bitsd.Await(late->name(), Job::STATE_ERROR));

  EXPECT_EQ(world.bitsd.Get(suspended->name())->state(), Job::STATE_SUSPENDED);
  EXPECT_EQ(world.bitsd.Get(done->name())->state(), Job::STATE_TRANSFERRED);
  for (const std::string& job : {suspended->name(), late->name()}) {
    EXPECT_THAT(world.bitsd.Resume(job), Refused(StatusCode::FAILED_PRECONDITION, "ERROR_TIMEOUT"));
  }
  BITS_ASSERT_ACCEPTED(world.bitsd.AddFile(done->name(), {world.Serve("more")}));
  EXPECT_THAT(world.bitsd.Resume(done->name()),
              Refused(StatusCode::FAILED_PRECONDITION, "ERROR_TIMEOUT"));
  BITS_ASSERT_ACCEPTED(UpdateTimes(world, suspended->name(), {}));
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(suspended->name()));
  BITS_EXPECT_OK(world.bitsd.Await(suspended->name(), Job::STATE_TRANSFERRED));
  BITS_ASSERT_ACCEPTED(world.bitsd.Complete(done->name()));
}

TEST(Deadline, TimesThatAreWrongAreRefusedAndChangeNothing) {
  World world;
  const absl::Time now = absl::Now();
  const JobSpec spec = {.files = {{world.Serve("content")}}, .start = false};
  const Timed wrong[] = {
      {{}, now - absl::Seconds(1)},
      {{}, now + absl::Hours(366 * 24)},
      {now + absl::Hours(2), now + absl::Hours(1)},
      {now + absl::Hours(1), now + absl::Hours(1)},
  };
  for (const Timed& timed : wrong) {
    EXPECT_THAT(CreateTimed(world, timed, spec), RefusedField("job.deadline", "E_INVALIDARG"));
  }
  EXPECT_THAT(CreateTimed(world, {now + absl::Hours(366 * 24)}, spec),
              RefusedField("job.not_before_time", "E_INVALIDARG"));
  v1::CreateJobRequest request = world.bitsd.RequestFor(spec);
  request.mutable_job()->mutable_deadline()->set_nanos(-1);
  EXPECT_THAT(world.bitsd.CreateJob(request), RefusedField("job.deadline", "E_INVALIDARG"));

  const Reply<Job> job = CreateTimed(world, {{}, now + absl::Hours(3)}, spec);
  BITS_ASSERT_ACCEPTED(job);
  for (const Timed& timed : wrong) {
    EXPECT_THAT(UpdateTimes(world, job->name(), timed),
                RefusedField("job.deadline", "E_INVALIDARG"));
  }
  // The other one alone, against what is there.
  v1::UpdateJobRequest update;
  update.mutable_job()->set_name(job->name());
  SetTime(update.mutable_job()->mutable_not_before_time(), now + absl::Hours(4));
  EXPECT_THAT(world.bitsd.Update(update), RefusedField("job.not_before_time", "E_INVALIDARG"));
  EXPECT_EQ(world.bitsd.Get(job->name())->etag(), job->etag());
  BITS_ASSERT_ACCEPTED(world.bitsd.Cancel(job->name()));
  EXPECT_THAT(UpdateTimes(world, job->name(), {}),
              Refused(StatusCode::FAILED_PRECONDITION, "BG_E_INVALID_STATE"));
}

}  // namespace
}  // namespace bits::testing

// The bandwidth policies: what is stopped, what waits, what goes on, and when.
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "bits/v1/policy_service.grpc.pb.h"
#include "tests/conformance/harness/world.h"
#include "tests/support/status_matchers.h"

namespace bits::testing {
namespace {

using grpc::StatusCode;
using v1::Job;
using v1::Policy;

constexpr char kStop[] = "policy { rate_limits { background: 0 } }";
constexpr char kLift[] = "update_mask { paths: \"rate_limits\" }";

class Limited : public World {
 public:
  explicit Limited(const std::string& config = "") : World({.config = config}) {}

  // `request`: a text proto of UpdatePolicyRequest.
  Reply<Policy> Update(const std::string& request) {
    v1::UpdatePolicyRequest parsed;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(request, &parsed)) << request;
    v1::PolicyService::Stub service(bitsd.process().channel());
    return TestBitsd::Call<Policy>(
        [&](auto* context, auto* reply) { return service.UpdatePolicy(context, parsed, reply); });
  }
  // Started, with one file at which it hangs once some bytes are here.
  std::string Hanging(Job::Priority priority) {
    return bitsd.Create({.files = {{ServeStall()}}, .priority = priority});
  }
};

TEST(BandwidthPolicy, ZeroStopsActiveBackgroundJobsWithBlockedByPolicy) {
  Limited world;
  const std::string job = world.Hanging(Job::PRIORITY_NORMAL);
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRING));
  BITS_ASSERT_ACCEPTED(world.Update(kStop));
  const auto stopped = world.bitsd.Await(job, Job::STATE_TRANSIENT_ERROR);
  BITS_ASSERT_OK(stopped);
  EXPECT_EQ(stopped->error_count(), 0u) << "it is not counted";
  const auto now = world.bitsd.Get(job);
  EXPECT_EQ(now->wait().reason(), v1::Wait::REASON_POLICY);
  EXPECT_FALSE(now->wait().has_until());
  EXPECT_EQ(now->effective_rate().source(), v1::EffectiveRate::SOURCE_BACKGROUND);
  EXPECT_EQ(now->effective_rate().bytes_per_second(), 0u);
  const auto error = world.bitsd.GetError(job);
  BITS_ASSERT_ACCEPTED(error);
  EXPECT_EQ(error->code(), "BG_E_BLOCKED_BY_POLICY");
  EXPECT_EQ(error->hresult(), 0x8020003Eu);
  EXPECT_TRUE(error->transient());
  EXPECT_FALSE(error->has_retry_time());
}

TEST(BandwidthPolicy, ZeroHoldsQueuedJobsAndLeavesForegroundAlone) {
  Limited world;
  BITS_ASSERT_ACCEPTED(world.Update(kStop));
  const std::string waits =
      world.bitsd.Create({.files = {{world.Serve("x")}}, .priority = Job::PRIORITY_HIGH});
  const std::string runs = world.bitsd.Create({.files = {{world.Serve("y")}}});
  BITS_ASSERT_OK(world.bitsd.Await(runs, Job::STATE_TRANSFERRED));
  const auto queued = world.bitsd.Get(waits);
  EXPECT_EQ(queued->state(), Job::STATE_QUEUED);
  EXPECT_EQ(queued->wait().reason(), v1::Wait::REASON_POLICY);
  BITS_ASSERT_ACCEPTED(world.Update(kLift));
  BITS_EXPECT_OK(world.bitsd.Await(waits, Job::STATE_TRANSFERRED));
}

TEST(BandwidthPolicy, ChangeLetsStoppedJobsGoOnFromWhereTheyWere) {
  Limited world;
  const std::string path = world.Put(MakeContent(4000, 1), {.stall_after = 1000});
  const std::string job =
      world.bitsd.Create({.files = {{world.Url(path)}}, .priority = Job::PRIORITY_LOW});
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRING));
  BITS_ASSERT_ACCEPTED(world.Update(kStop));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSIENT_ERROR));
  world.origin->Change(path, [](Resource& r) { r.behavior = {}; });
  // With the retry delay of ten minutes: it does not wait for that.
  BITS_ASSERT_ACCEPTED(world.Update(kLift));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  const auto requests = world.origin->Requests(path);
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(requests[1].Header("range"), "bytes=1000-");
}

TEST(BandwidthPolicy, JobsThatWereStoppedGoOnAfterARestartOfTheServerOnceTheyMay) {
  Limited world;
  const std::string job = world.Hanging(Job::PRIORITY_NORMAL);
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRING));
  BITS_ASSERT_ACCEPTED(world.Update(kStop));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSIENT_ERROR));
  world.bitsd.Kill();
  world.bitsd.Restart();
  EXPECT_EQ(world.bitsd.Get(job)->state(), Job::STATE_TRANSIENT_ERROR);
  BITS_ASSERT_ACCEPTED(world.Update(kLift));
  BITS_EXPECT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRING));
}

TEST(BandwidthPolicy, LimitsOfAPriorityStopThatPriorityOnly) {
  Limited world("policy { rate_limits { low: 0 } }");
  const std::string low = world.Hanging(Job::PRIORITY_LOW);
  const std::string high = world.Hanging(Job::PRIORITY_HIGH);
  BITS_ASSERT_OK(world.bitsd.Await(high, Job::STATE_TRANSFERRING));
  EXPECT_EQ(world.bitsd.Get(low)->state(), Job::STATE_QUEUED);
  v1::UpdateJobRequest request;
  request.mutable_job()->set_name(low);
  request.mutable_job()->set_priority(Job::PRIORITY_NORMAL);
  BITS_ASSERT_ACCEPTED(world.bitsd.Update(request));
  BITS_EXPECT_OK(world.bitsd.Await(low, Job::STATE_TRANSFERRING));
}

// A real boundary: the hours that begin with the next minute of the clock.
TEST(BandwidthTimetable, HoursBeginByTheClockAndEndThemselves) {
  Limited world;
  const std::string job = world.Hanging(Job::PRIORITY_NORMAL);
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRING));
  const absl::TimeZone utc = absl::UTCTimeZone();
  // Not so near to the boundary that it may be over before it is set.
  absl::Time start = absl::FromCivil(absl::ToCivilMinute(absl::Now(), utc) + 1, utc);
  if (start - absl::Now() < absl::Seconds(3)) start += absl::Minutes(1);
  const absl::Time end = start + absl::Minutes(1);
  const auto hours = [&](absl::Time from, absl::Time to) {
    return absl::StrCat("work_hours { first_day: DAY_SUNDAY last_day: DAY_SATURDAY start: \"",
                        absl::FormatTime("%H:%M", from, utc), "\" end: \"",
                        absl::FormatTime("%H:%M", to, utc), "\" } ");
  };
  const auto policy = world.Update(absl::StrCat(
      "policy { work_rate_limits { background: 0 } ", hours(start, end), "}"));
  BITS_ASSERT_ACCEPTED(policy);
  EXPECT_EQ(policy->rates_in_force().hours(), v1::RatesInForce::HOURS_GENERAL);
  EXPECT_EQ(TimeOf(policy->rates_in_force().until()), start);
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSIENT_ERROR, absl::Minutes(2)));
  const auto stopped = world.bitsd.Get(job);
  EXPECT_EQ(stopped->wait().reason(), v1::Wait::REASON_POLICY);
  EXPECT_EQ(TimeOf(stopped->wait().until()), end);
  EXPECT_EQ(TimeOf(world.bitsd.GetError(job)->retry_time()), end);
  // Its end: maintenance hours begin, which supersede, and limit nothing.
  BITS_ASSERT_ACCEPTED(world.Update(
      "policy { maintenance_hours { first_day: DAY_SUNDAY last_day: DAY_SATURDAY start: \"00:00\""
      " end: \"24:00\" } }"));
  BITS_EXPECT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRING));
}

TEST(BandwidthTimetable, WrongOnesAreRefused) {
  Limited world;
  EXPECT_THAT(world.Update("policy { time_zone: \"Mars/Olympus\" }"),
              RefusedField("policy.time_zone", "E_INVALIDARG"));
  EXPECT_THAT(world.Update("policy { rate_limits { server: 0 } }"),
              RefusedField("policy.rate_limits", "E_INVALIDARG"));
  EXPECT_THAT(world.Update("policy { work_hours { first_day: DAY_MONDAY last_day: DAY_MONDAY"
                           " start: \"8\" end: \"9\" } }"),
              RefusedField("policy.work_hours", "E_INVALIDARG"));
}

TEST(JobRate, IsBoundedKeptAndShown) {
  Limited world("policy { rate_limits { server: 5000000 background: 3000000 } }");
  const std::string job =
      world.bitsd.Create({.start = false, .priority = Job::PRIORITY_NORMAL});
  EXPECT_EQ(world.bitsd.Get(job)->effective_rate().source(),
            v1::EffectiveRate::SOURCE_BACKGROUND);
  v1::UpdateJobRequest request;
  request.mutable_job()->set_name(job);
  request.mutable_update_mask()->add_paths("transfer_options.max_bytes_per_second");
  auto* options = request.mutable_job()->mutable_transfer_options();
  for (const uint64_t wrong : {uint64_t{1}, uint64_t{1023}, (uint64_t{1} << 40) + 1}) {
    options->set_max_bytes_per_second(wrong);
    EXPECT_THAT(world.bitsd.Update(request),
                RefusedField("job.transfer_options.max_bytes_per_second", "E_INVALIDARG"));
  }
  options->set_max_bytes_per_second(1024);
  const auto updated = world.bitsd.Update(request);
  BITS_ASSERT_ACCEPTED(updated);
  EXPECT_EQ(updated->effective_rate().source(), v1::EffectiveRate::SOURCE_JOB);
  world.bitsd.Kill();
  world.bitsd.Restart();
  EXPECT_EQ(world.bitsd.Get(job)->transfer_options().max_bytes_per_second(), 1024u);
  options->set_max_bytes_per_second(0);
  BITS_EXPECT_ACCEPTED(world.bitsd.Update(request));
}

// What holds on a machine of any load: no more comes than the limit allows.
TEST(JobRate, HoldsTheJobAndIsChangedWhileItRuns) {
  Limited world;
  constexpr uint64_t kRate = 200'000;
  v1::CreateJobRequest request =
      world.bitsd.RequestFor({.files = {{world.Serve(MakeContent(size_t{16} << 20, 1))}}});
  request.mutable_job()->mutable_transfer_options()->set_max_bytes_per_second(kRate);
  world.bitsd.watch();
  const absl::Time begin = absl::Now();
  const auto job = world.bitsd.CreateJob(request);
  BITS_ASSERT_ACCEPTED(job);
  BITS_ASSERT_OK(world.bitsd.Await(job->name(), Job::STATE_TRANSFERRING));
  uint64_t bytes = 0;
  while (bytes < kRate) bytes = world.bitsd.Get(job->name())->progress().bytes_transferred();
  const double seconds = absl::ToDoubleSeconds(absl::Now() - begin);
  EXPECT_LE(static_cast<double>(bytes), kRate * (seconds + 0.5));
  v1::UpdateJobRequest update;
  update.mutable_job()->set_name(job->name());
  update.mutable_update_mask()->add_paths("transfer_options.max_bytes_per_second");
  BITS_ASSERT_ACCEPTED(world.bitsd.Update(update));
  BITS_EXPECT_OK(world.bitsd.Await(job->name(), Job::STATE_TRANSFERRED));
}

TEST(ServerRate, HoldsForegroundJobsTooBackgroundDoesNot) {
  Limited world("policy { rate_limits { background: 1024 } }");
  const std::string url = world.Serve(MakeContent(1'000'000, 1));
  BITS_EXPECT_OK(world.bitsd.Await(world.bitsd.Fetch(url), Job::STATE_TRANSFERRED));
  BITS_ASSERT_ACCEPTED(world.Update("policy { rate_limits { server: 200000 } }"));
  const absl::Time begin = absl::Now();
  BITS_EXPECT_OK(world.bitsd.Await(world.bitsd.Fetch(url), Job::STATE_TRANSFERRED));
  EXPECT_GE(absl::Now() - begin, absl::Seconds(4)) << "a million bytes at 200,000 a second";
}

}  // namespace
}  // namespace bits::testing

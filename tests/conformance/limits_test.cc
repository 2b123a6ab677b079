// bits.md 3.4, 1.2: BITS_JOB_PROPERTY_MAX_DOWNLOAD_SIZE, DYNAMIC_CONTENT and
// MINIMUM_NOTIFICATION_INTERVAL_MS.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "tests/conformance/harness/world.h"
#include "tests/support/status_matchers.h"

namespace bits::testing {
namespace {

using grpc::StatusCode;
using v1::Job;

Reply<Job> CreateWith(World& world, const v1::TransferOptions& options, const JobSpec& spec) {
  v1::CreateJobRequest request = world.bitsd.RequestFor(spec);
  request.mutable_job()->mutable_transfer_options()->MergeFrom(options);
  world.bitsd.watch();
  return world.bitsd.CreateJob(request);
}

v1::TransferOptions MostBytes(uint64_t bytes) {
  v1::TransferOptions options;
  options.set_max_download_size(bytes);
  return options;
}

v1::TransferOptions Dynamic() {
  v1::TransferOptions options;
  options.set_dynamic_content(true);
  return options;
}

Reply<Job> UpdateOptions(World& world, const std::string& job, const v1::TransferOptions& options,
                         const std::string& path) {
  v1::UpdateJobRequest request;
  request.mutable_job()->set_name(job);
  *request.mutable_job()->mutable_transfer_options() = options;
  request.mutable_update_mask()->add_paths("transfer_options." + path);
  return world.bitsd.Update(request);
}

void ExpectTooLarge(World& world, const std::string& job, const std::string& file) {
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_ERROR));
  const Reply<v1::Error> error = world.bitsd.GetError(job);
  EXPECT_EQ(error->code(), "BG_E_MAX_DOWNLOAD_SIZE_LIMIT_REACHED");
  EXPECT_EQ(error->hresult(), 0x80200064u);
  EXPECT_EQ(error->context(), v1::ERROR_CONTEXT_REMOTE_FILE);
  EXPECT_FALSE(error->transient());
  if (!file.empty()) {
    EXPECT_EQ(error->file(), job + "/files/" + file);
  }
}

TEST(MaximumDownloadSize, NoneByDefaultAndExactlyThatMuchIsFine) {
  World& world = SharedWorld();
  const Reply<Job> job = CreateWith(
      world, MostBytes(3000),
      {.files = {{world.Serve(MakeContent(1000, 1))}, {world.Serve(MakeContent(2000, 2))}}});
  BITS_ASSERT_ACCEPTED(job);
  EXPECT_EQ(job->transfer_options().max_download_size(), 3000u);
  BITS_EXPECT_OK(world.bitsd.Await(job->name(), Job::STATE_TRANSFERRED));
  const std::string other = world.bitsd.Fetch(world.Serve("content"));
  EXPECT_EQ(world.bitsd.Get(other)->transfer_options().max_download_size(), 0u);
}

TEST(MaximumDownloadSize, FileThatIsLargerIsFatalBeforeItIsFetched) {
  World& world = SharedWorld();
  const std::string path = world.Put(MakeContent(50'000'000, 1));
  const Reply<Job> job = CreateWith(world, MostBytes(49'999'999), {.files = {{world.Url(path)}}});
  ExpectTooLarge(world, job->name(), "1");
  EXPECT_EQ(world.bitsd.Get(job->name())->progress().bytes_transferred(), 0u);
}

TEST(MaximumDownloadSize, CountsAllFilesTogether) {
  World& world = SharedWorld();
  for (const uint32_t parallel : {1u, 4u}) {
    const Reply<Job> job = CreateWith(
        world, MostBytes(2999),
        {.files = {{world.Serve(MakeContent(1000, 1))}, {world.Serve(MakeContent(2000, 2))}},
         .parallel_files = parallel});
    ExpectTooLarge(world, job->name(), parallel == 1 ? "2" : "");
    // What is whole can still be had.
    if (parallel == 1) {
      const Reply<Job> completed = world.bitsd.Complete(job->name());
      BITS_ASSERT_ACCEPTED(completed);
      EXPECT_EQ(completed->result(), Job::RESULT_PARTIAL_COMPLETE);
    }
  }
}

TEST(MaximumDownloadSize, HoldsForBodiesWithoutALength) {
  World& world = SharedWorld();
  const std::string url =
      world.Serve(MakeContent(500'000, 1), {.framing = Behavior::Framing::kChunked});
  const Reply<Job> job = CreateWith(world, MostBytes(100'000), {.files = {{url}}});
  ExpectTooLarge(world, job->name(), "1");
  EXPECT_LE(world.bitsd.Get(job->name())->progress().bytes_transferred(), 100'000u);
}

TEST(MaximumDownloadSize, HoldsForCopies) {
  World& world = SharedWorld();
  const std::string source = world.bitsd.InRoot("large-source");
  std::ofstream(source) << MakeContent(5000, 1);
  const Reply<Job> job = CreateWith(world, MostBytes(4999), {.files = {{"file://" + source}}});
  ExpectTooLarge(world, job->name(), "1");
}

TEST(MaximumDownloadSize, CannotChangeOnceTheJobWasResumed) {
  World& world = SharedWorld();
  const Reply<Job> job =
      CreateWith(world, MostBytes(10), {.files = {{world.ServeStall()}}, .start = false});
  BITS_ASSERT_ACCEPTED(UpdateOptions(world, job->name(), MostBytes(100'000), "max_download_size"));
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job->name()));
  BITS_ASSERT_ACCEPTED(world.bitsd.Suspend(job->name()));
  EXPECT_THAT(UpdateOptions(world, job->name(), MostBytes(0), "max_download_size"),
              Refused(StatusCode::FAILED_PRECONDITION, "BG_E_READ_ONLY_PROPERTY_AFTER_RESUME"));
  // What it is already may be written.
  BITS_EXPECT_ACCEPTED(UpdateOptions(world, job->name(), MostBytes(100'000), "max_download_size"));
}

TEST(DynamicContent, StartsOverAfterAnInterruptionThoughTheVersionIsTheSame) {
  World& world = SharedWorld();
  for (const bool dynamic : {false, true}) {
    const std::string content = MakeContent(4000, 1);
    const std::string path = world.Put(content);
    world.origin->Script(path, {{.cut_after = 1000}});
    const Reply<Job> job = CreateWith(world, dynamic ? Dynamic() : v1::TransferOptions(),
                                      {.files = {{world.Url(path)}}});
    BITS_ASSERT_ACCEPTED(job);
    EXPECT_EQ(job->transfer_options().dynamic_content(), dynamic);
    BITS_ASSERT_OK(world.bitsd.Await(job->name(), Job::STATE_TRANSIENT_ERROR));
    BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job->name()));
    BITS_ASSERT_OK(world.bitsd.Await(job->name(), Job::STATE_TRANSFERRED));
    EXPECT_EQ(world.bitsd.GetFile(job->name())->restarts(), dynamic ? 1u : 0u);
    EXPECT_EQ(world.origin->BytesSent(path), dynamic ? 5000u : 4000u);
    BITS_ASSERT_ACCEPTED(world.bitsd.Complete(job->name()));
    EXPECT_TRUE(ReadFileOr(world.bitsd.PathOf(job->name()), "-") == content);
  }
}

TEST(DynamicContent, NeedsNoLengthAndNoRanges) {
  World& world = SharedWorld();
  const std::string content = MakeContent(300'000, 1);
  const std::string url =
      world.Serve(content, {.ignore_range = true, .framing = Behavior::Framing::kChunked});
  const Reply<Job> job = CreateWith(world, Dynamic(), {.files = {{url}}});
  BITS_ASSERT_OK(world.bitsd.Await(job->name(), Job::STATE_TRANSFERRED));
  BITS_ASSERT_ACCEPTED(world.bitsd.Complete(job->name()));
  EXPECT_TRUE(ReadFileOr(world.bitsd.PathOf(job->name()), "-") == content);
}

TEST(DynamicContent, CannotBeWithRangesNorAnotherMethod) {
  World& world = SharedWorld();
  const std::string url = world.Serve("content");
  const JobSpec plain = {.files = {{url}}, .start = false};
  const JobSpec ranged = {.files = {{.url = url, .ranges = {{0, 3}}}}, .start = false};
  constexpr const char* kField = "job.transfer_options.dynamic_content";
  v1::TransferOptions strict = Dynamic();
  strict.set_require_ranges(true);
  EXPECT_THAT(CreateWith(world, strict, plain), RefusedField(kField, "E_INVALIDARG"));
  EXPECT_THAT(CreateWith(world, Dynamic(), ranged),
              RefusedField("files[0].ranges", "E_INVALIDARG"));
  JobSpec posted = plain;
  posted.http.set_method("POST");
  EXPECT_THAT(
      CreateWith(world, Dynamic(), posted),
      Refused(StatusCode::FAILED_PRECONDITION, "BG_E_NOT_SUPPORTED_WITH_CUSTOM_HTTP_METHOD"));

  const Reply<Job> job = CreateWith(world, Dynamic(), plain);
  BITS_ASSERT_ACCEPTED(job);
  EXPECT_THAT(world.bitsd.AddFile(job->name(), ranged.files[0]),
              RefusedField("files[0].ranges", "E_INVALIDARG"));
  EXPECT_THAT(UpdateOptions(world, job->name(), strict, "require_ranges"),
              RefusedField(kField, "E_INVALIDARG"));
  const Reply<Job> with_ranges = CreateWith(world, {}, ranged);
  EXPECT_THAT(UpdateOptions(world, with_ranges->name(), Dynamic(), "dynamic_content"),
              RefusedField(kField, "E_INVALIDARG"));
}

TEST(DynamicContent, CannotChangeOnceTheJobWasResumed) {
  World& world = SharedWorld();
  const Reply<Job> job = CreateWith(world, {}, {.files = {{world.ServeStall()}}, .start = false});
  BITS_ASSERT_ACCEPTED(UpdateOptions(world, job->name(), Dynamic(), "dynamic_content"));
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job->name()));
  EXPECT_THAT(UpdateOptions(world, job->name(), {}, "dynamic_content"),
              Refused(StatusCode::FAILED_PRECONDITION, "BG_E_READ_ONLY_PROPERTY_AFTER_RESUME"));
}

// A job whose progress is told so often, fetched slowly.
std::string FetchSlowly(World& world, std::optional<absl::Duration> interval) {
  v1::CreateJobRequest request =
      world.bitsd.RequestFor({.files = {{world.Serve(MakeContent(10'000'000, 1))}}});
  request.mutable_job()->mutable_transfer_options()->set_max_bytes_per_second(200'000);
  if (interval) {
    SetDuration(request.mutable_job()->mutable_minimum_notification_interval(), *interval);
  }
  const Reply<Job> job = world.bitsd.CreateJob(request);
  BITS_EXPECT_ACCEPTED(job);
  return job->name();
}

std::vector<absl::Time> ProgressTimes(World& world, const std::string& job) {
  std::vector<absl::Time> times;
  for (const v1::JobEvent& event : world.bitsd.watch().EventsOf(job)) {
    if (event.type() == v1::JobEvent::TYPE_PROGRESS) times.push_back(TimeOf(event.event_time()));
  }
  return times;
}

TEST(NotificationInterval, IsTheLeastTimeBetweenTwoEventsOfProgress) {
  World& world = SharedWorld();
  world.bitsd.watch();
  const std::string often = FetchSlowly(world, std::nullopt);
  const std::string seldom = FetchSlowly(world, absl::Seconds(2));
  EXPECT_EQ(DurationOf(world.bitsd.Get(often)->minimum_notification_interval()),
            absl::Milliseconds(500));
  // Some four seconds later.
  BITS_ASSERT_OK(world.bitsd.watch().AwaitEvent([&](const v1::JobEvent& event) {
    return event.job().name() == often && event.job().progress().bytes_transferred() > 800'000;
  }));
  const std::vector<absl::Time> many = ProgressTimes(world, often);
  const std::vector<absl::Time> few = ProgressTimes(world, seldom);
  ASSERT_GT(many.size(), 1u);
  ASSERT_GT(few.size(), 0u);
  const double seconds = absl::ToDoubleSeconds(many.back() - many.front());
  EXPECT_LE(static_cast<double>(few.size()), seconds / 2 + 2);
  EXPECT_LE(static_cast<double>(many.size()), seconds / 0.5 + 2);
  EXPECT_GT(many.size(), few.size());
  for (const std::string& job : {often, seldom}) BITS_EXPECT_ACCEPTED(world.bitsd.Cancel(job));
}

TEST(NotificationInterval, CanChangeAtAnyTimeAndHasBounds) {
  World& world = SharedWorld();
  const std::string job = world.bitsd.Fetch(world.ServeStall());
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRING));
  v1::UpdateJobRequest request;
  request.mutable_job()->set_name(job);
  request.mutable_update_mask()->add_paths("minimum_notification_interval");
  SetDuration(request.mutable_job()->mutable_minimum_notification_interval(), absl::Seconds(7));
  const Reply<Job> updated = world.bitsd.Update(request);
  BITS_ASSERT_ACCEPTED(updated);
  EXPECT_EQ(DurationOf(updated->minimum_notification_interval()), absl::Seconds(7));
  for (const int64_t wrong : {-1, 366 * 86'400}) {
    request.mutable_job()->mutable_minimum_notification_interval()->set_seconds(wrong);
    EXPECT_THAT(world.bitsd.Update(request),
                RefusedField("job.minimum_notification_interval", "E_INVALIDARG"));
  }
  request.mutable_job()->clear_minimum_notification_interval();
  EXPECT_EQ(DurationOf(world.bitsd.Update(request)->minimum_notification_interval()),
            absl::Milliseconds(500));
}

}  // namespace
}  // namespace bits::testing

// CreateJob, AddFiles and UpdateJob: bits.md 1.2, 3.1 to 3.3 as far as this service has them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/conformance/harness/world.h"
#include "tests/support/status_matchers.h"

namespace bits::testing {
namespace {

using ::testing::MatchesRegex;
using v1::Job;

v1::CreateJobRequest Named(const std::string& display_name) {
  v1::CreateJobRequest request;
  request.mutable_job()->set_display_name(display_name);
  return request;
}

// A request with one file.
v1::CreateJobRequest WithFile(const std::string& url, const std::string& local) {
  v1::CreateJobRequest request = Named("test");
  *request.add_files() = FileOf(url, local);
  return request;
}

int CountJobs(TestBitsd& bitsd, const std::string& display_name) {
  v1::ListJobsRequest request;
  request.set_filter(absl::StrCat("display_name = \"", display_name, "\""));
  request.set_show_final(true);
  const auto reply = bitsd.List(request);
  EXPECT_THAT(reply, Accepted());
  return reply->jobs_size();
}

TEST(CreateJob, GivesASuspendedJobWithBitsDefaults) {
  TestBitsd& bitsd = SharedWorld().bitsd;
  const absl::Time before = absl::Now();
  const Reply<Job> job = bitsd.CreateJob(Named("defaults"));
  BITS_ASSERT_ACCEPTED(job);
  EXPECT_THAT(job->name(), MatchesRegex("jobs/[0-9a-f-]+"));
  EXPECT_EQ(job->display_name(), "defaults");
  EXPECT_EQ(job->description(), "");
  EXPECT_EQ(job->type(), Job::TYPE_DOWNLOAD);
  EXPECT_EQ(job->state(), Job::STATE_SUSPENDED);
  EXPECT_EQ(job->priority(), Job::PRIORITY_NORMAL);
  EXPECT_NE(job->owner(), "");
  EXPECT_EQ(DurationOf(job->minimum_retry_delay()), absl::Seconds(600));
  EXPECT_EQ(DurationOf(job->no_progress_timeout()), absl::Seconds(1'209'600));
  EXPECT_EQ(DurationOf(job->maximum_download_time()), absl::Seconds(7'776'000));
  EXPECT_EQ(job->error_count(), 0u);
  EXPECT_EQ(job->result(), Job::RESULT_UNSPECIFIED);
  EXPECT_FALSE(job->has_transfer_completion_time());
  EXPECT_GE(TimeOf(job->create_time()), before - absl::Seconds(5));
  EXPECT_EQ(TimeOf(job->expire_time()), TimeOf(job->create_time()) + absl::Hours(90 * 24));
  EXPECT_NE(job->etag(), "");
}

TEST(CreateJob, WithoutFilesHasNoBytesAndNoFiles) {
  const Reply<Job> job = SharedWorld().bitsd.CreateJob(Named("empty"));
  ASSERT_TRUE(job->progress().has_bytes_total());
  EXPECT_EQ(job->progress().bytes_total(), 0u);
  EXPECT_EQ(job->progress().bytes_transferred(), 0u);
  EXPECT_EQ(job->progress().files_total(), 0u);
  EXPECT_EQ(job->progress().files_transferred(), 0u);
}

TEST(CreateJob, FileOfUnknownSizeHasNoTotalAndIsNotCompleted) {
  TestBitsd& bitsd = SharedWorld().bitsd;
  const std::string job =
      bitsd.Create({.files = {{"http://127.0.0.1:1/x"}}, .start = false});
  const Reply<v1::File> file = bitsd.GetFile(job);
  BITS_ASSERT_ACCEPTED(file);
  EXPECT_FALSE(file->progress().has_bytes_total());
  EXPECT_EQ(file->progress().bytes_transferred(), 0u);
  EXPECT_FALSE(file->progress().completed());
  EXPECT_FALSE(bitsd.Get(job)->progress().has_bytes_total());
}

TEST(CreateJob, DisplayNamesAreRequiredBoundedAndNotUnique) {
  TestBitsd& bitsd = SharedWorld().bitsd;
  EXPECT_THAT(bitsd.CreateJob(Named("")), RefusedField("job.display_name", "E_INVALIDARG"));
  const std::string longest = std::string(255, 'n') + "\xC3\xA4";  // characters, not bytes
  BITS_EXPECT_ACCEPTED(bitsd.CreateJob(Named(longest)));
  BITS_EXPECT_ACCEPTED(bitsd.CreateJob(Named(longest)));
  EXPECT_THAT(bitsd.CreateJob(Named(longest + "n")),
              RefusedField("job.display_name", "E_INVALIDARG"));
}

TEST(CreateJob, DescriptionIsBounded) {
  TestBitsd& bitsd = SharedWorld().bitsd;
  v1::CreateJobRequest request = Named("test");
  request.mutable_job()->set_description(std::string(1024, 'd'));
  BITS_EXPECT_ACCEPTED(bitsd.CreateJob(request));
  request.mutable_job()->set_description(std::string(1025, 'd'));
  EXPECT_THAT(bitsd.CreateJob(request), RefusedField("job.description", "BG_E_STRING_TOO_LONG"));
}

TEST(CreateJob, UploadsAreNotThereYet) {
  TestBitsd& bitsd = SharedWorld().bitsd;
  for (Job::Type type : {Job::TYPE_UPLOAD, Job::TYPE_UPLOAD_REPLY}) {
    v1::CreateJobRequest request = Named("upload");
    request.mutable_job()->set_type(type);
    EXPECT_THAT(bitsd.CreateJob(request),
                Refused(grpc::StatusCode::UNIMPLEMENTED, "E_NOTIMPL"));
  }
}

TEST(CreateJob, OutputOnlyFieldsAreIgnored) {
  TestBitsd& bitsd = SharedWorld().bitsd;
  v1::CreateJobRequest request = Named("test");
  request.mutable_job()->set_state(Job::STATE_TRANSFERRED);
  request.mutable_job()->set_owner("somebody else");
  request.mutable_job()->set_error_count(17);
  request.mutable_job()->set_name("jobs/01234567-89ab-4cde-8f01-23456789abcd");
  const Reply<Job> job = bitsd.CreateJob(request);
  BITS_ASSERT_ACCEPTED(job);
  EXPECT_EQ(job->state(), Job::STATE_SUSPENDED);
  EXPECT_NE(job->owner(), "somebody else");
  EXPECT_EQ(job->error_count(), 0u);
  EXPECT_NE(job->name(), request.job().name());
}

TEST(CreateJob, DurationsAreBounded) {
  TestBitsd& bitsd = SharedWorld().bitsd;
  struct Field {
    const char* name;
    google::protobuf::Duration* (Job::*get)();
  };
  for (const Field& field :
       {Field{"job.minimum_retry_delay", &Job::mutable_minimum_retry_delay},
        Field{"job.no_progress_timeout", &Job::mutable_no_progress_timeout},
        Field{"job.maximum_download_time", &Job::mutable_maximum_download_time}}) {
    v1::CreateJobRequest request = Named("test");
    (request.mutable_job()->*field.get)()->set_seconds(365 * 86400);
    BITS_EXPECT_ACCEPTED(bitsd.CreateJob(request));
    (request.mutable_job()->*field.get)()->set_seconds(365 * 86400 + 1);
    EXPECT_THAT(bitsd.CreateJob(request), RefusedField(field.name, "E_INVALIDARG"));
    (request.mutable_job()->*field.get)()->set_seconds(-1);
    EXPECT_THAT(bitsd.CreateJob(request), RefusedField(field.name, "E_INVALIDARG"));
  }
}

TEST(CreateJob, LabelsAreBounded) {
  TestBitsd& bitsd = SharedWorld().bitsd;
  v1::CreateJobRequest request = Named("test");
  auto& labels = *request.mutable_job()->mutable_labels();
  for (int i = 0; i < 64; ++i) labels[absl::StrCat("key-", i)] = std::string(256, 'v');
  BITS_EXPECT_ACCEPTED(bitsd.CreateJob(request));
  labels["one-more"] = "";
  EXPECT_THAT(bitsd.CreateJob(request), RefusedField("job.labels", "E_INVALIDARG"));
  labels.clear();
  labels["Capital"] = "";
  EXPECT_THAT(bitsd.CreateJob(request), RefusedField("job.labels", "E_INVALIDARG"));
  labels.clear();
  labels["long"] = std::string(257, 'v');
  EXPECT_THAT(bitsd.CreateJob(request), RefusedField("job.labels[\"long\"]", "E_INVALIDARG"));
}

TEST(CreateJob, WithFilesAndStartAddsAndResumesInOneCall) {
  World& world = SharedWorld();
  v1::CreateJobRequest request = WithFile(world.Serve("content"), "in-one-call");
  request.mutable_job()->set_priority(Job::PRIORITY_FOREGROUND);
  request.set_start(true);
  world.bitsd.watch();
  const Reply<Job> job = world.bitsd.CreateJob(request);
  BITS_ASSERT_ACCEPTED(job);
  EXPECT_EQ(job->state(), Job::STATE_QUEUED);
  BITS_EXPECT_OK(world.bitsd.Await(job->name(), Job::STATE_TRANSFERRED));
}

TEST(CreateJob, StartWithoutFilesIsRefusedAndLeavesNoJob) {
  TestBitsd& bitsd = SharedWorld().bitsd;
  v1::CreateJobRequest request = Named("start without files");
  request.set_start(true);
  EXPECT_THAT(bitsd.CreateJob(request),
              Refused(grpc::StatusCode::FAILED_PRECONDITION, "BG_E_EMPTY"));
  EXPECT_EQ(CountJobs(bitsd, "start without files"), 0);
}

TEST(CreateJob, OneWrongFileLeavesNoJob) {
  TestBitsd& bitsd = SharedWorld().bitsd;
  v1::CreateJobRequest request = Named("one wrong file");
  *request.add_files() = FileOf("http://127.0.0.1:1/x", "right");
  *request.add_files() = FileOf("http://127.0.0.1:1/x", "../wrong");
  EXPECT_THAT(bitsd.CreateJob(request), RefusedField("files[1].local_name", "E_INVALIDARG"));
  EXPECT_EQ(CountJobs(bitsd, "one wrong file"), 0);
}

TEST(AddFiles, RemoteNamesMustBeUrlsThatCanBeFetched) {
  TestBitsd& bitsd = SharedWorld().bitsd;
  const std::string longest = "http://127.0.0.1/" + std::string(2200 - 17, 'x');
  BITS_EXPECT_ACCEPTED(bitsd.CreateJob(WithFile(longest, "longest-remote-name")));
  for (const std::string& wrong :
       {std::string(), longest + "x", std::string("ftp://127.0.0.1/x"), std::string("nothing"),
        std::string("http:///x"), std::string("http://host:99999/x"),
        std::string("http://host/a b"), std::string("http://host/a\nb")}) {
    EXPECT_THAT(bitsd.CreateJob(WithFile(wrong, "wrong-remote-name")),
                RefusedField("files[0].remote_name", "E_INVALIDARG"))
        << wrong.substr(0, 50);
  }
}

TEST(AddFiles, LocalNamesMustBeFilesBeneathARoot) {
  TestBitsd& bitsd = SharedWorld().bitsd;
  const std::string url = "http://127.0.0.1:1/x";
  for (const std::string& wrong :
       {std::string(), std::string("a/../../b"), std::string("./a"), std::string("directory/"),
        std::string(256, 'c'), std::string("a\0b", 3)}) {
    EXPECT_THAT(bitsd.CreateJob(WithFile(url, wrong)),
                RefusedField("files[0].local_name", "E_INVALIDARG"))
        << wrong;
  }
  BITS_EXPECT_ACCEPTED(bitsd.CreateJob(WithFile(url, std::string(200, 'c'))));
  BITS_EXPECT_ACCEPTED(bitsd.CreateJob(WithFile(url, bitsd.InRoot("absolute"))));
  EXPECT_THAT(bitsd.CreateJob(WithFile(url, "/etc/passwd")),
              Refused(grpc::StatusCode::PERMISSION_DENIED, "E_ACCESSDENIED"));
  EXPECT_THAT(bitsd.CreateJob(WithFile(url, bitsd.root() + "-beside/x")),
              Refused(grpc::StatusCode::PERMISSION_DENIED, "E_ACCESSDENIED"));
}

TEST(AddFiles, SymbolicLinkDoesNotLeadOutOfARoot) {
  World& world = SharedWorld();
  const TempDir outside;
  std::filesystem::create_directory_symlink(outside.path(), world.bitsd.InRoot("leads-out"));
  const std::string job =
      world.bitsd.Create({.files = {{world.Serve("content"), "leads-out/file"}}});
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_ERROR));
  const Reply<v1::Error> error = world.bitsd.GetError(job);
  EXPECT_EQ(error->code(), "E_ACCESSDENIED");
  EXPECT_EQ(error->context(), v1::ERROR_CONTEXT_LOCAL_FILE);
  EXPECT_TRUE(ListDirectory(outside.path()).empty());
}

TEST(AddFiles, TwoLiveJobsNeverWriteOneDestination) {
  TestBitsd& bitsd = SharedWorld().bitsd;
  const std::string url = "http://127.0.0.1:1/x";
  const auto in_use = Refused(grpc::StatusCode::ALREADY_EXISTS, "ERROR_SHARING_VIOLATION");
  const Reply<Job> first = bitsd.CreateJob(WithFile(url, "one-destination"));
  BITS_ASSERT_ACCEPTED(first);
  EXPECT_THAT(bitsd.CreateJob(WithFile(url, "one-destination")), in_use);
  EXPECT_THAT(bitsd.CreateJob(WithFile(url, bitsd.InRoot("one-destination"))), in_use);
  EXPECT_THAT(bitsd.AddFile(first->name(), {url, "one-destination"}), in_use);
  v1::CreateJobRequest twice = WithFile(url, "twice");
  *twice.add_files() = FileOf(url, "twice");
  EXPECT_THAT(bitsd.CreateJob(twice), in_use);
  // Who may see the job that has it is told which that is.
  const auto refused = bitsd.CreateJob(WithFile(url, "one-destination"));
  EXPECT_EQ("jobs/" + RefusalOf(refused.status).metadata["job"], first->name());
  EXPECT_NE(refused.status.error_message().find(first->name().substr(5)), std::string::npos);
}

TEST(AddFiles, AddsAllOrNone) {
  TestBitsd& bitsd = SharedWorld().bitsd;
  const std::string job = bitsd.Create({.start = false});
  v1::AddFilesRequest request;
  request.set_parent(job);
  *request.add_files() = FileOf("http://127.0.0.1:1/x", "all-or-none");
  *request.add_files() = FileOf("gopher://127.0.0.1:1/x", "all-or-none-2");
  EXPECT_THAT(bitsd.AddFiles(request), RefusedField("files[1].remote_name", "E_INVALIDARG"));
  EXPECT_EQ(bitsd.Get(job)->progress().files_total(), 0u);
}

TEST(AddFiles, NeedsAtLeastOne) {
  TestBitsd& bitsd = SharedWorld().bitsd;
  v1::AddFilesRequest request;
  request.set_parent(bitsd.Create({.start = false}));
  EXPECT_THAT(bitsd.AddFiles(request), RefusedField("files", "E_INVALIDARG"));
}

TEST(AddFiles, FilesKeepTheirOrderAndWhatWasGiven) {
  TestBitsd& bitsd = SharedWorld().bitsd;
  const std::string job = bitsd.Create({.start = false});
  v1::AddFilesRequest request;
  request.set_parent(job);
  for (int i = 0; i < 5; ++i) {
    *request.add_files() =
        FileOf(absl::StrCat("http://127.0.0.1:1/", i, "?q=1"), absl::StrCat("order-", i));
  }
  const auto added = bitsd.AddFiles(request);
  BITS_ASSERT_ACCEPTED(added);
  ASSERT_EQ(added->files_size(), 5);
  EXPECT_EQ(added->job().progress().files_total(), 5u);
  BITS_ASSERT_ACCEPTED(bitsd.AddFile(job, {"http://127.0.0.1:1/5?q=1", "order-5"}));
  v1::ListFilesRequest list;
  list.set_parent(job);
  const auto listed = bitsd.ListFiles(list);
  ASSERT_EQ(listed->files_size(), 6);
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(listed->files(i).name(), absl::StrCat(job, "/files/", i + 1));
    EXPECT_EQ(listed->files(i).remote_name(), absl::StrCat("http://127.0.0.1:1/", i, "?q=1"));
    EXPECT_EQ(listed->files(i).local_name(), absl::StrCat("order-", i));
  }
}

TEST(AddFiles, DestinationMayExistAlready) {
  TestBitsd& bitsd = SharedWorld().bitsd;
  WriteFile(bitsd.InRoot("exists-already"), "old");
  BITS_EXPECT_ACCEPTED(bitsd.CreateJob(WithFile("http://127.0.0.1:1/x", "exists-already")));
}

TEST(AddFiles, ChecksumsMustHaveTheLengthOfTheirAlgorithm) {
  TestBitsd& bitsd = SharedWorld().bitsd;
  v1::CreateJobRequest request = WithFile("http://127.0.0.1:1/x", "checksum");
  v1::Checksum& checksum = *request.mutable_files(0)->mutable_checksum();
  EXPECT_THAT(bitsd.CreateJob(request),
              RefusedField("files[0].checksum.algorithm", "E_INVALIDARG"));
  checksum.set_algorithm(v1::Checksum::ALGORITHM_MD5);
  checksum.set_hex(std::string(31, '0'));
  EXPECT_THAT(bitsd.CreateJob(request), RefusedField("files[0].checksum.hex", "E_INVALIDARG"));
  checksum.set_hex(std::string(32, 'x'));
  EXPECT_THAT(bitsd.CreateJob(request), RefusedField("files[0].checksum.hex", "E_INVALIDARG"));
  checksum.set_hex(std::string(32, 'A'));
  BITS_EXPECT_ACCEPTED(bitsd.CreateJob(request));
}

TEST(UpdateJob, WritesWhatTheMaskNamesAndNothingElse) {
  TestBitsd& bitsd = SharedWorld().bitsd;
  v1::UpdateJobRequest request;
  request.mutable_job()->set_name(bitsd.Create({.start = false, .display_name = "before"}));
  request.mutable_job()->set_display_name("after");
  request.mutable_job()->set_description("not named");
  request.mutable_update_mask()->add_paths("display_name");
  request.mutable_update_mask()->add_paths("transfer_options.max_parallel_files");
  request.mutable_job()->mutable_transfer_options()->set_max_parallel_files(7);
  request.mutable_job()->mutable_transfer_options()->set_require_ranges(true);
  const Reply<Job> job = bitsd.Update(request);
  BITS_ASSERT_ACCEPTED(job);
  EXPECT_EQ(job->display_name(), "after");
  EXPECT_EQ(job->description(), "");
  EXPECT_EQ(job->transfer_options().max_parallel_files(), 7u);
  EXPECT_FALSE(job->transfer_options().require_ranges());
  EXPECT_GT(TimeOf(job->update_time()), TimeOf(job->create_time()));
}

TEST(UpdateJob, WithoutMaskWritesWhatIsPopulated) {
  TestBitsd& bitsd = SharedWorld().bitsd;
  v1::UpdateJobRequest request;
  request.mutable_job()->set_name(bitsd.Create({.start = false, .display_name = "before"}));
  request.mutable_job()->set_description("after");
  const Reply<Job> job = bitsd.Update(request);
  BITS_ASSERT_ACCEPTED(job);
  EXPECT_EQ(job->display_name(), "before");
  EXPECT_EQ(job->description(), "after");
}

TEST(UpdateJob, NeverWritesTheStateNorWhatIsUnknown) {
  TestBitsd& bitsd = SharedWorld().bitsd;
  v1::UpdateJobRequest request;
  request.mutable_job()->set_name(bitsd.Create({.start = false}));
  request.mutable_job()->set_state(Job::STATE_TRANSFERRED);
  for (const char* path : {"state", "owner", "name", "no_such_field", "type"}) {
    request.mutable_update_mask()->Clear();
    request.mutable_update_mask()->add_paths(path);
    EXPECT_THAT(bitsd.Update(request), RefusedField("update_mask", "E_INVALIDARG")) << path;
  }
  EXPECT_EQ(bitsd.Get(request.job().name())->state(), Job::STATE_SUSPENDED);
}

TEST(UpdateJob, TooLongStringsAreRefusedWithStringTooLong) {
  TestBitsd& bitsd = SharedWorld().bitsd;
  v1::UpdateJobRequest request;
  request.mutable_job()->set_name(bitsd.Create({.start = false}));
  request.mutable_job()->set_display_name(std::string(257, 'n'));
  EXPECT_THAT(bitsd.Update(request), RefusedField("job.display_name", "BG_E_STRING_TOO_LONG"));
}

TEST(UpdateJob, IsPossibleInTransferred) {
  World& world = SharedWorld();
  BITS_ASSERT_OK_AND_ASSIGN(const std::string job, world.JobIn(Job::STATE_TRANSFERRED));
  v1::UpdateJobRequest request;
  request.mutable_job()->set_name(job);
  request.mutable_job()->set_display_name("after");
  const Reply<Job> updated = world.bitsd.Update(request);
  BITS_ASSERT_ACCEPTED(updated);
  EXPECT_EQ(updated->state(), Job::STATE_TRANSFERRED);
}

TEST(Names, OfAWrongFormAreRefusedAndTheFieldIsNamed) {
  TestBitsd& bitsd = SharedWorld().bitsd;
  for (const char* wrong : {"", "jobs/", "jobs/x", "job/01234567-89ab-4cde-8f01-23456789abcd",
                            "jobs/01234567-89ab-4cde-8f01-23456789abcd/"}) {
    EXPECT_THAT(bitsd.Get(wrong), RefusedField("name", "E_INVALIDARG")) << wrong;
    EXPECT_THAT(bitsd.Resume(wrong), RefusedField("name", "E_INVALIDARG")) << wrong;
    EXPECT_THAT(bitsd.AddFile(wrong, {"http://h/x"}), RefusedField("parent", "E_INVALIDARG"));
    EXPECT_THAT(bitsd.GetError(wrong), RefusedField("job", "E_INVALIDARG")) << wrong;
    EXPECT_THAT(bitsd.ListErrors(wrong), RefusedField("parent", "E_INVALIDARG")) << wrong;
  }
}

}  // namespace
}  // namespace bits::testing

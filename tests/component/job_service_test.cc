// JobService's calls one by one: what they answer, and how they refuse.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_replace.h"
#include "tests/component/call_details.h"
#include "tests/component/rpc_world.h"
#include "tests/component/watcher.h"

namespace bits::testing {
namespace {

using grpc::StatusCode;
using ::testing::Each;
using ::testing::HasSubstr;

constexpr char kNoJob[] = "jobs/00000000-0000-4000-8000-000000000000";
constexpr char kRequestId[] = "0b54b2a1-9d2c-4a5e-8f00-aabbccddeeff";

class JobServiceTest : public ::testing::Test {
 protected:
  grpc::Status Create(const v1::CreateJobRequest& request, v1::Job* job,
                      const std::string& user = "anna") {
    return world_.jobs->CreateJob(world_.Context(user).get(), request, job);
  }
  grpc::Status Resume(const v1::ResumeJobRequest& request, v1::Job* job,
                      const std::string& user = "anna") {
    return world_.jobs->ResumeJob(world_.Context(user).get(), request, job);
  }
  static v1::CreateJobRequest Request(const std::string& name) {
    v1::CreateJobRequest request;
    request.mutable_job()->set_display_name(name);
    return request;
  }
  RpcWorld world_;
  v1::Job job_;
};

TEST_F(JobServiceTest, CreatesAJobThatIsSuspended) {
  v1::CreateJobRequest request = Request("job");
  request.mutable_job()->set_owner("somebody");  // output only
  request.mutable_job()->set_state(v1::Job::STATE_TRANSFERRED);
  ASSERT_GRPC_OK(Create(request, &job_));
  EXPECT_THAT(job_.name(), HasSubstr("jobs/"));
  EXPECT_EQ(job_.state(), v1::Job::STATE_SUSPENDED);
  EXPECT_EQ(job_.owner(), "anna");
  EXPECT_EQ(job_.progress().files_total(), 0u);
  EXPECT_EQ(world_.GetJob(job_.name()).SerializeAsString(), job_.SerializeAsString());
}

TEST_F(JobServiceTest, AWrongFieldIsNamed) {
  EXPECT_THAT(Create(Request(""), &job_), IsWrongField("job.display_name"));
  EXPECT_THAT(Create(Request(""), &job_), IsRefusal(StatusCode::INVALID_ARGUMENT, "E_INVALIDARG"));
  v1::CreateJobRequest request = Request("job");
  request.mutable_job()->set_description(std::string(1025, 'd'));
  EXPECT_THAT(Create(request, &job_),
              IsRefusal(StatusCode::INVALID_ARGUMENT, "BG_E_STRING_TOO_LONG"));
  request = Request("job");
  *request.add_files() = FileNamed("a");
  request.add_files()->set_remote_name("ftp://h/x");
  EXPECT_THAT(Create(request, &job_), IsWrongField("files[1].remote_name"));
  request = Request("job");
  request.set_request_id("1");
  EXPECT_THAT(Create(request, &job_), IsWrongField("request_id"));
}

TEST_F(JobServiceTest, RefusalsOfTheApplicationKeepTheirReason) {
  v1::CreateJobRequest request = Request("job");
  request.set_start(true);
  EXPECT_THAT(Create(request, &job_), IsRefusal(StatusCode::FAILED_PRECONDITION, "BG_E_EMPTY"));
  request = Request("upload");
  request.mutable_job()->set_type(v1::Job::TYPE_UPLOAD);
  EXPECT_THAT(Create(request, &job_), IsRefusal(StatusCode::UNIMPLEMENTED, "E_NOTIMPL"));
}

TEST_F(JobServiceTest, ARepeatedRequestMakesNoSecondJob) {
  v1::CreateJobRequest request = Request("job");
  request.set_request_id(kRequestId);
  ASSERT_GRPC_OK(Create(request, &job_));
  v1::Job again;
  request.set_request_id("0B54B2A1-9D2C-4A5E-8F00-AABBCCDDEEFF");  // the same UUID
  ASSERT_GRPC_OK(Create(request, &again));
  EXPECT_EQ(again.name(), job_.name());

  request.mutable_job()->set_description("other");
  EXPECT_THAT(Create(request, &again),
              IsRefusal(StatusCode::INVALID_ARGUMENT, "REQUEST_ID_REUSED"));
  // Another principal's is another.
  ASSERT_GRPC_OK(Create(request, &again, "bert"));
  EXPECT_NE(again.name(), job_.name());
  // Another method is another request.
  v1::ResumeJobRequest resume;
  resume.set_name(job_.name());
  resume.set_request_id(kRequestId);
  EXPECT_THAT(Resume(resume, &again), IsRefusal(StatusCode::INVALID_ARGUMENT, "REQUEST_ID_REUSED"));
}

TEST_F(JobServiceTest, JobsThatAreNotThere) {
  v1::GetJobRequest get;
  get.set_name(kNoJob);
  EXPECT_THAT(world_.jobs->GetJob(world_.Context("root").get(), get, &job_),
              IsRefusal(StatusCode::NOT_FOUND, "BG_E_NOT_FOUND"));
  v1::CancelJobRequest cancel;
  cancel.set_name(kNoJob);
  EXPECT_THAT(world_.jobs->CancelJob(world_.Context("root").get(), cancel, &job_),
              IsRefusal(StatusCode::NOT_FOUND, "BG_E_NOT_FOUND"));
  get.set_name("job/1");
  EXPECT_THAT(world_.jobs->GetJob(world_.Context().get(), get, &job_), IsWrongField("name"));
}

// Whether there is a job is not told to those who may not see it.
TEST_F(JobServiceTest, ForOthersNoJobAndAnothersJobAreTheSame) {
  const v1::Job job = world_.CreateJob("annas");
  std::vector<std::string> messages;
  for (std::string name : {job.name(), std::string(kNoJob)}) {
    v1::GetJobRequest get;
    get.set_name(name);
    const grpc::Status read = world_.jobs->GetJob(world_.Context("bert").get(), get, &job_);
    EXPECT_THAT(read, IsRefusal(StatusCode::PERMISSION_DENIED, "E_ACCESSDENIED"));
    v1::CancelJobRequest cancel;
    cancel.set_name(name);
    const grpc::Status write = world_.jobs->CancelJob(world_.Context("bert").get(), cancel, &job_);
    EXPECT_THAT(write, IsRefusal(StatusCode::PERMISSION_DENIED, "E_ACCESSDENIED"));
    for (const grpc::Status& status : {read, write}) {
      messages.push_back(absl::StrReplaceAll(status.error_message(), {{name, "NAME"}}));
      messages.back() = absl::StrReplaceAll(messages.back(), {{name.substr(5), "ID"}});
    }
  }
  EXPECT_THAT(messages, Each(messages.front()));
  EXPECT_EQ(world_.GetJob(job.name()).state(), v1::Job::STATE_SUSPENDED);
}

TEST_F(JobServiceTest, OtherPeoplesJobs) {
  const v1::Job job = world_.CreateJob("annas");
  v1::GetJobRequest get;
  get.set_name(job.name());
  EXPECT_THAT(world_.jobs->GetJob(world_.Context("bert").get(), get, &job_),
              IsRefusal(StatusCode::PERMISSION_DENIED, "E_ACCESSDENIED"));
  EXPECT_EQ(world_.GetJob(job.name(), "root").owner(), "anna");
  EXPECT_THAT(world_.jobs->GetJob(world_.Context("intruder").get(), get, &job_),
              IsRefusal(StatusCode::UNAUTHENTICATED, "E_ACCESSDENIED"));
}

TEST_F(JobServiceTest, UpdatesWhatTheMaskNames) {
  const v1::Job job = world_.CreateJob("job");
  v1::UpdateJobRequest request;
  request.mutable_job()->set_name(job.name());
  request.mutable_job()->set_description("about");
  request.mutable_job()->set_display_name("not in the mask");
  request.mutable_job()->mutable_minimum_retry_delay()->set_seconds(1);
  request.mutable_update_mask()->add_paths("description");
  request.mutable_update_mask()->add_paths("minimum_retry_delay");
  ASSERT_GRPC_OK(world_.jobs->UpdateJob(world_.Context().get(), request, &job_));
  EXPECT_EQ(job_.description(), "about");
  EXPECT_EQ(job_.display_name(), "job");
  EXPECT_EQ(job_.minimum_retry_delay().seconds(), 5);
  EXPECT_NE(job_.etag(), job.etag());

  request.mutable_update_mask()->add_paths("state");
  EXPECT_THAT(world_.jobs->UpdateJob(world_.Context().get(), request, &job_),
              IsWrongField("update_mask"));
  request.mutable_job()->set_name("");
  EXPECT_THAT(world_.jobs->UpdateJob(world_.Context().get(), request, &job_),
              IsWrongField("job.name"));
}

TEST_F(JobServiceTest, AnEtagMustBeTheJobs) {
  const v1::Job job = world_.CreateJob("job");
  v1::UpdateJobRequest request;
  request.mutable_job()->set_name(job.name());
  request.mutable_job()->set_description("one");
  request.mutable_job()->set_etag(job.etag());
  ASSERT_GRPC_OK(world_.jobs->UpdateJob(world_.Context().get(), request, &job_));
  EXPECT_THAT(world_.jobs->UpdateJob(world_.Context().get(), request, &job_),
              IsRefusal(StatusCode::ABORTED, "ETAG_MISMATCH"));
  v1::ResumeJobRequest resume;
  resume.set_name(job.name());
  for (const std::string& etag : {job.etag(), std::string("garbage"), std::string("\"0\"")}) {
    resume.set_etag(etag);
    EXPECT_THAT(Resume(resume, &job_), IsRefusal(StatusCode::ABORTED, "ETAG_MISMATCH")) << etag;
  }
  resume.set_etag(world_.GetJob(job.name()).etag());
  EXPECT_GRPC_OK(Resume(resume, &job_));
}

TEST_F(JobServiceTest, FilesAreAddedReadAndRedirected) {
  v1::Job job;
  ASSERT_GRPC_OK(Create(Request("job"), &job));
  v1::AddFilesRequest add;
  add.set_parent(job.name());
  *add.add_files() = FileNamed("a");
  v1::File* b = add.add_files();
  *b = FileNamed("b");
  b->mutable_checksum()->set_algorithm(v1::Checksum::ALGORITHM_CRC32C);
  b->mutable_checksum()->set_hex("0000ABCD");
  v1::AddFilesResponse added;
  ASSERT_GRPC_OK(world_.jobs->AddFiles(world_.Context().get(), add, &added));
  ASSERT_EQ(added.files_size(), 2);
  EXPECT_EQ(added.files(1).name(), job.name() + "/files/2");
  EXPECT_EQ(added.files(1).checksum().hex(), "0000abcd");
  EXPECT_EQ(added.job().progress().files_total(), 2u);

  v1::GetFileRequest get;
  get.set_name(added.files(1).name());
  v1::File file;
  ASSERT_GRPC_OK(world_.jobs->GetFile(world_.Context().get(), get, &file));
  EXPECT_EQ(file.SerializeAsString(), added.files(1).SerializeAsString());
  get.set_name(job.name() + "/files/3");
  EXPECT_THAT(world_.jobs->GetFile(world_.Context().get(), get, &file),
              IsRefusal(StatusCode::NOT_FOUND, "BG_E_FILE_NOT_FOUND"));
  get.set_name(std::string(kNoJob) + "/files/1");
  EXPECT_THAT(world_.jobs->GetFile(world_.Context("root").get(), get, &file),
              IsRefusal(StatusCode::NOT_FOUND, "BG_E_NOT_FOUND"));

  v1::UpdateFileRequest update;
  update.mutable_file()->set_name(added.files(0).name());
  update.mutable_file()->set_remote_name("https://mirror.example/a");
  ASSERT_GRPC_OK(world_.jobs->UpdateFile(world_.Context().get(), update, &file));
  EXPECT_EQ(file.remote_name(), "https://mirror.example/a");
  update.mutable_update_mask()->add_paths("local_name");
  EXPECT_THAT(world_.jobs->UpdateFile(world_.Context().get(), update, &file),
              IsWrongField("update_mask"));

  add.clear_files();
  EXPECT_THAT(world_.jobs->AddFiles(world_.Context().get(), add, &added), IsWrongField("files"));
  *add.add_files() = FileNamed("a");
  EXPECT_THAT(world_.jobs->AddFiles(world_.Context().get(), add, &added),
              IsRefusal(StatusCode::ALREADY_EXISTS, "ERROR_SHARING_VIOLATION"));
}

TEST_F(JobServiceTest, FromCreationToAcknowledged) {
  const v1::Job job = world_.CreateJob("job");
  v1::SuspendJobRequest suspend;
  suspend.set_name(job.name());
  ASSERT_GRPC_OK(world_.jobs->SuspendJob(world_.Context().get(), suspend, &job_));
  EXPECT_EQ(job_.state(), v1::Job::STATE_SUSPENDED);

  Watcher watcher(world_.jobs.get(), {});
  watcher.Until("SNAPSHOT_END");
  v1::ResumeJobRequest resume;
  resume.set_name(job.name());
  ASSERT_GRPC_OK(Resume(resume, &job_));
  EXPECT_EQ(job_.state(), v1::Job::STATE_QUEUED);
  EXPECT_EQ(watcher.NextShort(), "STATE_CHANGED job QUEUED");
  EXPECT_EQ(watcher.NextShort(), "STATE_CHANGED job CONNECTING");

  const auto observer = world_.engine.Take(RpcWorld::IdOf(job));
  ASSERT_NE(observer, nullptr);
  observer->OnBytesArrive();
  observer->OnTransferred({10, 10, {"\"v1\"", ""}, std::nullopt}, "identity");
  watcher.Until("STATE_CHANGED job TRANSFERRED");

  v1::CompleteJobRequest complete;
  complete.set_name(job.name());
  ASSERT_GRPC_OK(world_.jobs->CompleteJob(world_.Context().get(), complete, &job_));
  EXPECT_EQ(job_.state(), v1::Job::STATE_ACKNOWLEDGED);
  EXPECT_EQ(job_.result(), v1::Job::RESULT_OK);
  EXPECT_EQ(world_.files.published().count("/root/dir/job"), 1u);
  EXPECT_THAT(world_.jobs->CompleteJob(world_.Context().get(), complete, &job_),
              IsRefusal(StatusCode::FAILED_PRECONDITION, "BG_E_INVALID_STATE"));
}

TEST_F(JobServiceTest, CancelsAJob) {
  const v1::Job job = world_.CreateJob("job", /*start=*/true);
  v1::CancelJobRequest cancel;
  cancel.set_name(job.name());
  ASSERT_GRPC_OK(world_.jobs->CancelJob(world_.Context().get(), cancel, &job_));
  EXPECT_EQ(job_.state(), v1::Job::STATE_CANCELLED);
}

// Whatever is in the request, the refusal arrives whole: gRPC gives up on large trailers.
TEST_F(JobServiceTest, ARefusalOfLongTextsArrives) {
  const std::string local = std::string(200, 'l') + "/" + std::string(200, 'l') + "/" +
                            std::string(200, 'l') + "/" + std::string(200, 'l');
  v1::CreateJobRequest request = Request("job");
  *request.add_files() = FileNamed("a");
  request.mutable_files(0)->set_local_name(local + "/" + local + "/" + local + "/" + local);
  ASSERT_GRPC_OK(Create(request, &job_));
  EXPECT_THAT(Create(request, &job_),
              IsRefusal(StatusCode::ALREADY_EXISTS, "ERROR_SHARING_VIOLATION"));
  v1::UpdateJobRequest update;
  update.mutable_job()->set_name(job_.name());
  update.mutable_update_mask()->add_paths(std::string(50'000, 'p'));
  EXPECT_THAT(world_.jobs->UpdateJob(world_.Context().get(), update, &job_),
              IsWrongField("update_mask"));
}

TEST_F(JobServiceTest, TenThousandFilesWithLongNamesInOneCall) {
  v1::CreateJobRequest request = Request("large");
  for (int i = 0; i < 10'000; ++i) {
    const std::string number = std::to_string(i);
    v1::File* file = request.add_files();
    file->set_remote_name("http://h/" + number + std::string(2200 - 9 - number.size(), 'r'));
    file->set_local_name("l" + number + "/" + std::string(250, 'l') + "/" + std::string(250, 'l'));
  }
  ASSERT_GT(request.ByteSizeLong(), 20u << 20);
  ASSERT_GRPC_OK(Create(request, &job_));
  EXPECT_EQ(job_.progress().files_total(), 10'000u);
}

}  // namespace
}  // namespace bits::testing

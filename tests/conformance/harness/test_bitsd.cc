#include "tests/conformance/harness/test_bitsd.h"

#include <grpcpp/create_channel.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace bits::testing {

using v1::Job;

v1::File FileOf(const std::string& url, const std::string& local) {
  v1::File file;
  file.set_remote_name(url);
  file.set_local_name(local);
  return file;
}

v1::File FileOf(const FileSpec& spec, const std::string& local) {
  v1::File file = FileOf(spec.url, local);
  if (spec.checksum) *file.mutable_checksum() = *spec.checksum;
  for (const auto& [offset, length] : spec.ranges) {
    v1::FileRange& range = *file.add_ranges();
    range.set_offset(offset);
    if (length) range.set_length(*length);
  }
  for (const std::string& mirror : spec.mirrors) file.add_mirrors(mirror);
  return file;
}

void SetDuration(google::protobuf::Duration* to, absl::Duration duration) {
  to->set_seconds(absl::ToInt64Seconds(duration));
  to->set_nanos(static_cast<int32_t>(
      absl::ToInt64Nanoseconds(duration - absl::Seconds(to->seconds()))));
}

absl::Duration DurationOf(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

absl::Time TimeOf(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

TestBitsd::TestBitsd(Options options) {
  std::filesystem::create_directory(root());
  WriteFile(dir_ / "config.txtpb", options.config);
  BitsdProcess::Options launch;
  launch.state_dir = state_dir();
  launch.roots = {root()};
  launch.listen = options.listen;
  launch.environment = std::move(options.environment);
  launch.flags = std::move(options.flags);
  launch.flags.push_back("--config=" + (dir_ / "config.txtpb"));
  absl::StatusOr<std::unique_ptr<BitsdProcess>> started = BitsdProcess::Start(std::move(launch));
  if (started.ok()) {
    process_ = *std::move(started);
  } else {
    ADD_FAILURE() << started.status();
  }
  Connect();
}

TestBitsd::~TestBitsd() {
  watch_ = nullptr;
  if (::testing::Test::HasFailure() && process_ != nullptr) {
    std::string log = process_->Log();
    constexpr size_t kTail = 8000;
    if (log.size() > kTail) log.erase(0, log.size() - kTail);
    std::fprintf(stderr, "--- the log of bitsd ends with:\n%s---\n", log.c_str());
  }
}

void TestBitsd::Connect() {
  // Port 1: whatever is asked of a bitsd that did not start fails at once.
  const std::shared_ptr<grpc::Channel> channel =
      process_ != nullptr
          ? process_->channel()
          : grpc::CreateChannel("127.0.0.1:1", grpc::InsecureChannelCredentials());
  jobs_ = v1::JobService::NewStub(channel);
  errors_ = v1::ErrorService::NewStub(channel);
}

absl::Status TestBitsd::Stop() {
  if (process_ == nullptr) return absl::FailedPreconditionError("bitsd did not start");
  absl::Status stopped = process_->Stop();
  watch_ = nullptr;
  return stopped;
}

void TestBitsd::Restart() {
  watch_ = nullptr;
  if (process_ == nullptr) return;
  const absl::Status restarted = process_->Restart();
  if (!restarted.ok()) ADD_FAILURE() << restarted;
  Connect();
}

void TestBitsd::Kill() {
  if (process_ != nullptr) process_->Kill();
  watch_ = nullptr;
}

Watch& TestBitsd::watch() {
  if (watch_ == nullptr) {
    watch_ = std::make_unique<Watch>(jobs_.get());
    const auto begun = watch_->AwaitEvent([](const v1::JobEvent& event) {
      return event.type() == v1::JobEvent::TYPE_SNAPSHOT_END;
    });
    if (!begun.ok()) ADD_FAILURE() << "cannot watch: " << begun.status();
  }
  return *watch_;
}

v1::CreateJobRequest TestBitsd::RequestFor(const JobSpec& spec) {
  v1::CreateJobRequest request;
  Job* job = request.mutable_job();
  job->set_display_name(spec.display_name);
  job->set_priority(spec.priority);
  if (spec.retry_delay) SetDuration(job->mutable_minimum_retry_delay(), *spec.retry_delay);
  if (spec.no_progress_timeout) {
    SetDuration(job->mutable_no_progress_timeout(), *spec.no_progress_timeout);
  }
  if (spec.maximum_download_time) {
    SetDuration(job->mutable_maximum_download_time(), *spec.maximum_download_time);
  }
  job->mutable_transfer_options()->set_max_parallel_files(spec.parallel_files);
  job->mutable_transfer_options()->set_require_ranges(spec.require_ranges);
  for (const auto& [key, value] : spec.labels) (*job->mutable_labels())[key] = value;
  *job->mutable_http_options() = spec.http;
  *job->mutable_proxy_settings() = spec.proxy;
  for (const FileSpec& file : spec.files) {
    const std::string local =
        file.local.empty() ? absl::StrCat("file-", ++files_made_) : file.local;
    *request.add_files() = FileOf(file, local);
  }
  request.set_start(spec.start);
  return request;
}

std::string TestBitsd::Create(const JobSpec& spec) {
  watch();
  const Reply<Job> reply = CreateJob(RequestFor(spec));
  EXPECT_THAT(reply, Accepted());
  return reply->name();
}

std::vector<std::string> TestBitsd::PathsOf(const std::string& job) {
  v1::ListFilesRequest request;
  request.set_parent(job);
  request.set_page_size(1000);
  const auto reply = ListFiles(request);
  EXPECT_THAT(reply, Accepted());
  std::vector<std::string> paths;
  for (const v1::File& file : reply->files()) {
    const bool absolute = !file.local_name().empty() && file.local_name()[0] == '/';
    paths.push_back(absolute ? file.local_name() : InRoot(file.local_name()));
  }
  if (paths.empty()) paths.emplace_back();
  return paths;
}

std::vector<std::string> TestBitsd::Temporaries() const {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root())) {
    std::string name = entry.path().filename().string();
    if (name.rfind(".BIT-", 0) == 0) names.push_back(std::move(name));
  }
  return names;
}

Reply<Job> TestBitsd::CreateJob(const v1::CreateJobRequest& request) {
  return Call<Job>([&](auto* c, auto* r) { return jobs_->CreateJob(c, request, r); });
}

Reply<Job> TestBitsd::Get(const std::string& job) {
  v1::GetJobRequest request;
  request.set_name(job);
  return Call<Job>([&](auto* c, auto* r) { return jobs_->GetJob(c, request, r); });
}

Reply<Job> TestBitsd::Update(const v1::UpdateJobRequest& request) {
  return Call<Job>([&](auto* c, auto* r) { return jobs_->UpdateJob(c, request, r); });
}

Reply<v1::ListJobsResponse> TestBitsd::List(const v1::ListJobsRequest& request) {
  return Call<v1::ListJobsResponse>(
      [&](auto* c, auto* r) { return jobs_->ListJobs(c, request, r); });
}

Reply<v1::AddFilesResponse> TestBitsd::AddFiles(const v1::AddFilesRequest& request) {
  return Call<v1::AddFilesResponse>(
      [&](auto* c, auto* r) { return jobs_->AddFiles(c, request, r); });
}

Reply<v1::AddFilesResponse> TestBitsd::AddFile(const std::string& job, const FileSpec& file) {
  v1::AddFilesRequest request;
  request.set_parent(job);
  *request.add_files() =
      FileOf(file, file.local.empty() ? absl::StrCat("file-", ++files_made_) : file.local);
  return AddFiles(request);
}

Reply<v1::File> TestBitsd::GetFile(const std::string& job, int ordinal) {
  v1::GetFileRequest request;
  request.set_name(absl::StrCat(job, "/files/", ordinal));
  return Call<v1::File>([&](auto* c, auto* r) { return jobs_->GetFile(c, request, r); });
}

Reply<v1::ListFilesResponse> TestBitsd::ListFiles(const v1::ListFilesRequest& request) {
  return Call<v1::ListFilesResponse>(
      [&](auto* c, auto* r) { return jobs_->ListFiles(c, request, r); });
}

Reply<v1::File> TestBitsd::UpdateFile(const v1::UpdateFileRequest& request) {
  return Call<v1::File>([&](auto* c, auto* r) { return jobs_->UpdateFile(c, request, r); });
}

Reply<v1::File> TestBitsd::SetRemoteName(const std::string& job, int ordinal,
                                         const std::string& url) {
  v1::UpdateFileRequest request;
  request.mutable_file()->set_name(absl::StrCat(job, "/files/", ordinal));
  request.mutable_file()->set_remote_name(url);
  return UpdateFile(request);
}

Reply<Job> TestBitsd::SetCredentials(const std::string& job, v1::AuthTarget target,
                                     v1::AuthScheme scheme, const std::string& user,
                                     const std::string& password) {
  v1::SetCredentialsRequest request;
  request.set_name(job);
  request.set_target(target);
  request.set_scheme(scheme);
  request.set_user_name(user);
  request.set_password(password);
  return Call<Job>([&](auto* c, auto* r) { return jobs_->SetCredentials(c, request, r); });
}

Reply<v1::RemoveCredentialsResponse> TestBitsd::RemoveCredentials(const std::string& job,
                                                                  v1::AuthTarget target,
                                                                  v1::AuthScheme scheme) {
  v1::RemoveCredentialsRequest request;
  request.set_name(job);
  request.set_target(target);
  request.set_scheme(scheme);
  return Call<v1::RemoveCredentialsResponse>(
      [&](auto* c, auto* r) { return jobs_->RemoveCredentials(c, request, r); });
}

Reply<Job> TestBitsd::Resume(const std::string& job) {
  v1::ResumeJobRequest request;
  request.set_name(job);
  return Call<Job>([&](auto* c, auto* r) { return jobs_->ResumeJob(c, request, r); });
}

Reply<Job> TestBitsd::Suspend(const std::string& job) {
  v1::SuspendJobRequest request;
  request.set_name(job);
  return Call<Job>([&](auto* c, auto* r) { return jobs_->SuspendJob(c, request, r); });
}

Reply<Job> TestBitsd::Cancel(const std::string& job) {
  v1::CancelJobRequest request;
  request.set_name(job);
  return Call<Job>([&](auto* c, auto* r) { return jobs_->CancelJob(c, request, r); });
}

Reply<Job> TestBitsd::Complete(const std::string& job) {
  v1::CompleteJobRequest request;
  request.set_name(job);
  return Call<Job>([&](auto* c, auto* r) { return jobs_->CompleteJob(c, request, r); });
}

Reply<Job> TestBitsd::TakeOwnership(const std::string& job) {
  v1::TakeOwnershipRequest request;
  request.set_name(job);
  return Call<Job>([&](auto* c, auto* r) { return jobs_->TakeOwnership(c, request, r); });
}

Reply<v1::Error> TestBitsd::GetError(const std::string& job, const std::string& language) {
  v1::GetErrorRequest request;
  request.set_job(job);
  request.set_language_code(language);
  return Call<v1::Error>([&](auto* c, auto* r) { return errors_->GetError(c, request, r); });
}

Reply<v1::ListErrorsResponse> TestBitsd::ListErrors(const std::string& job) {
  v1::ListErrorsRequest request;
  request.set_parent(job);
  return Call<v1::ListErrorsResponse>(
      [&](auto* c, auto* r) { return errors_->ListErrors(c, request, r); });
}

Reply<v1::DescribeErrorResponse> TestBitsd::DescribeError(uint32_t hresult,
                                                          const std::string& language) {
  v1::DescribeErrorRequest request;
  request.set_hresult(hresult);
  request.set_language_code(language);
  return Call<v1::DescribeErrorResponse>(
      [&](auto* c, auto* r) { return errors_->DescribeError(c, request, r); });
}

}  // namespace bits::testing

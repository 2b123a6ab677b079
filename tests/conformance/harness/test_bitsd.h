// A bitsd of a test's own, with the calls that tests make.
#ifndef BITS_TESTS_CONFORMANCE_HARNESS_TEST_BITSD_H_
#define BITS_TESTS_CONFORMANCE_HARNESS_TEST_BITSD_H_

#include <grpcpp/client_context.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bits/v1/error_service.grpc.pb.h"
#include "bits/v1/job_service.grpc.pb.h"
#include "tests/conformance/harness/calls.h"
#include "tests/conformance/harness/watch.h"
#include "tests/support/bitsd_process.h"
#include "tests/support/temp_dir.h"

namespace bits::testing {

struct FileSpec {
  std::string url;
  std::string local = {};  // empty: a name that no other file has
  std::optional<v1::Checksum> checksum = {};
  // Offset and length, none: to the end.
  std::vector<std::pair<uint64_t, std::optional<uint64_t>>> ranges = {};
  std::vector<std::string> mirrors = {};
};

// A job as tests want it, which is seldom more than its files.
struct JobSpec {
  std::vector<FileSpec> files = {};
  bool start = true;
  std::string display_name = "test";
  // Runs at once, whatever other tests have left behind.
  v1::Job::Priority priority = v1::Job::PRIORITY_FOREGROUND;
  std::optional<absl::Duration> retry_delay = {};
  std::optional<absl::Duration> no_progress_timeout = {};
  std::optional<absl::Duration> maximum_download_time = {};
  uint32_t parallel_files = 0;
  bool require_ranges = false;
  std::vector<std::pair<std::string, std::string>> labels = {};
  v1::HttpOptions http = {};
  v1::ProxySettings proxy = {};
};

// One caller at a time. Where something that every test needs does not work, the test fails and
// goes on to fail.
class TestBitsd {
 public:
  struct Options {
    std::string config = {};  // of bits.config.v1.Config, beside what tests need anyway
    std::vector<std::string> flags = {};
    std::string listen = "127.0.0.1:0";
    std::vector<std::pair<std::string, std::string>> environment = {};  // beside the test's own
  };
  explicit TestBitsd(Options options);
  TestBitsd() : TestBitsd(Options()) {}
  ~TestBitsd();

  // SIGTERM, see BitsdProcess::Stop.
  absl::Status Stop();
  // After Stop, or with SIGKILL first. Ends the watch; the next one begins with a snapshot.
  void Restart();
  void Kill();

  BitsdProcess& process() { return *process_; }
  // The root that local names fall under.
  std::string root() const { return dir_ / "root"; }
  std::string InRoot(std::string_view local) const { return root() + "/" + std::string(local); }
  std::string state_dir() const { return dir_ / "state"; }
  v1::JobService::Stub& jobs() { return *jobs_; }
  v1::ErrorService::Stub& errors() { return *errors_; }

  // Of all jobs, from when it is first asked for; Create asks for it.
  Watch& watch();
  // Watch::Await of that watch.
  absl::StatusOr<v1::Job> Await(const std::string& job, v1::Job::State state,
                                absl::Duration timeout = kPatience) {
    return watch().Await(job, state, timeout);
  }

  v1::CreateJobRequest RequestFor(const JobSpec& spec);
  // The job's name; the test fails if it is refused.
  std::string Create(const JobSpec& spec);
  // Create, with one file.
  std::string Fetch(const std::string& url) { return Create({.files = {{url}}}); }
  // The paths of the job's files, in their order.
  std::vector<std::string> PathsOf(const std::string& job);
  std::string PathOf(const std::string& job) { return PathsOf(job).front(); }
  // The names, in the directories of the job's files, that are bitsd's temporary ones.
  std::vector<std::string> Temporaries() const;

  Reply<v1::Job> CreateJob(const v1::CreateJobRequest& request);
  Reply<v1::Job> Get(const std::string& job);
  Reply<v1::Job> Update(const v1::UpdateJobRequest& request);
  Reply<v1::ListJobsResponse> List(const v1::ListJobsRequest& request);
  Reply<v1::AddFilesResponse> AddFiles(const v1::AddFilesRequest& request);
  Reply<v1::AddFilesResponse> AddFile(const std::string& job, const FileSpec& file);
  Reply<v1::File> GetFile(const std::string& job, int ordinal = 1);
  Reply<v1::ListFilesResponse> ListFiles(const v1::ListFilesRequest& request);
  Reply<v1::File> UpdateFile(const v1::UpdateFileRequest& request);
  Reply<v1::File> SetRemoteName(const std::string& job, int ordinal, const std::string& url);
  Reply<v1::Job> SetCredentials(const std::string& job, v1::AuthTarget target,
                                v1::AuthScheme scheme, const std::string& user,
                                const std::string& password);
  Reply<v1::RemoveCredentialsResponse> RemoveCredentials(const std::string& job,
                                                         v1::AuthTarget target,
                                                         v1::AuthScheme scheme);
  Reply<v1::Job> Resume(const std::string& job);
  Reply<v1::Job> Suspend(const std::string& job);
  Reply<v1::Job> Cancel(const std::string& job);
  Reply<v1::Job> Complete(const std::string& job);
  Reply<v1::Job> TakeOwnership(const std::string& job);
  Reply<v1::Error> GetError(const std::string& job, const std::string& language = "");
  Reply<v1::ListErrorsResponse> ListErrors(const std::string& job);
  Reply<v1::DescribeErrorResponse> DescribeError(uint32_t hresult,
                                                 const std::string& language = "en");

  // Any call: Call<v1::Job>([&](auto* context, auto* reply) { return jobs().GetJob(...); }).
  template <typename T, typename F>
  static Reply<T> Call(const F& call) {
    Reply<T> reply;
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + kPatience));
    reply.status = call(&context, &reply.value);
    return reply;
  }

 private:
  void Connect();

  TempDir dir_;
  std::unique_ptr<BitsdProcess> process_;
  std::unique_ptr<v1::JobService::Stub> jobs_;
  std::unique_ptr<v1::ErrorService::Stub> errors_;
  std::unique_ptr<Watch> watch_;
  int files_made_ = 0;
};

v1::File FileOf(const std::string& url, const std::string& local);
v1::File FileOf(const FileSpec& spec, const std::string& local);

void SetDuration(google::protobuf::Duration* to, absl::Duration duration);
absl::Duration DurationOf(const google::protobuf::Duration& duration);
absl::Time TimeOf(const google::protobuf::Timestamp& time);

}  // namespace bits::testing

#endif  // BITS_TESTS_CONFORMANCE_HARNESS_TEST_BITSD_H_

// bench_scale: a bitsd with very many queued jobs: how soon it serves, what memory it takes, how
// long pages of ListJobs and a GetJob take, and what it does when there is nothing to do.
// The jobs are made by CreateJob, and stay queued behind one that an origin never answers.
// Prints rows of the table.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "bits/v1/job_service.grpc.pb.h"
#include "server/base/mutex.h"
#include "server/base/status_macros.h"
#include "server/base/unique_fd.h"
#include "tests/bench/load.h"
#include "tests/bench/measure.h"
#include "tests/bench/report.h"
#include "tests/bench/server.h"
#include "tests/support/temp_dir.h"

ABSL_FLAG(std::vector<std::string>, jobs, std::vector<std::string>({"1000", "100000", "1000000"}),
          "how many jobs are queued, rising");
ABSL_FLAG(int, starts, 5, "how often it is started with each number");
ABSL_FLAG(uint64_t, calls, 200, "how many calls each latency is taken from");
ABSL_FLAG(double, idle_seconds, 10, "how long it is watched doing nothing");
ABSL_FLAG(size_t, connections, 4, "connections that create the jobs");
ABSL_FLAG(std::string, keep, "",
          "use this directory, which keeps the jobs for the next time; empty: a temporary one");

namespace bits::bench {
namespace {

constexpr char kConfig[] =
    "policy { background_slots: 1 } "
    "transfer { stall_timeout { seconds: 86400 } connect_timeout { seconds: 3600 } }";
constexpr uint32_t kSeedInFlight = 128;
constexpr uint64_t kLabels = 1000;  // how many values the label of the jobs has
constexpr int kWholePage = 1000;    // the most that a page may have

using Stub = bits::v1::JobService::Stub;

// An origin that nobody accepts connections for: they stand, and stay silent.
class SilentOrigin {
 public:
  // On the port that the file holds, if it is there; else on a free one, which is written to it.
  static absl::StatusOr<SilentOrigin> Start(const std::string& port_file) {
    SilentOrigin origin;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    uint32_t port = 0;
    (void)absl::SimpleAtoi(testing::ReadFileOr(port_file, ""), &port);
    address.sin_port = ::htons(static_cast<uint16_t>(port));
    origin.fd_ = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int on = 1;
    ::setsockopt(origin.fd_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    socklen_t size = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    if (::bind(origin.fd_.get(), any, size) != 0 || ::listen(origin.fd_.get(), 1000) != 0 ||
        ::getsockname(origin.fd_.get(), any, &size) != 0) {
      return absl::ErrnoToStatus(errno, "cannot listen");
    }
    origin.port_ = ::ntohs(address.sin_port);
    testing::WriteFile(port_file, absl::StrCat(origin.port_));
    return origin;
  }
  std::string Url() const { return absl::StrCat("http://127.0.0.1:", port_, "/file"); }

 private:
  UniqueFd fd_;
  uint16_t port_ = 0;
};

class Bench {
 public:
  Bench(std::string directory, std::string url)
      : directory_(std::move(directory)), url_(std::move(url)) {}

  absl::Status Run(uint64_t jobs) {
    what_ = absl::StrCat(Count(jobs), " queued jobs: ");
    BITS_RETURN_IF_ERROR(Start());
    BITS_ASSIGN_OR_RETURN(const uint64_t there, CountJobs());
    if (there < jobs) BITS_RETURN_IF_ERROR(Seed(there, jobs));
    BITS_RETURN_IF_ERROR(MeasureStart());
    BITS_RETURN_IF_ERROR(MeasureIdle());
    BITS_RETURN_IF_ERROR(MeasurePages());
    BITS_RETURN_IF_ERROR(MeasureGet());
    const ProcessProbe probe(bitsd_->pid());
    PrintRow({what_ + "memory after these calls", Memory(static_cast<double>(probe.Memory())),
              absl::StrCat("at the most ", Memory(static_cast<double>(probe.PeakMemory()))), "",
              aimed(jobs, "at most 300 MiB")});
    return bitsd_->Stop();
  }

 private:
  std::string aimed(uint64_t jobs, const char* aim) const { return jobs >= 1'000'000 ? aim : ""; }

  absl::Status Start() {
    BITS_ASSIGN_OR_RETURN(bitsd_, StartBitsd(directory_, kConfig));
    stubs_.clear();
    for (const auto& channel : MakeChannels(bitsd_->address(), absl::GetFlag(FLAGS_connections))) {
      stubs_.push_back(bits::v1::JobService::NewStub(channel));
    }
    return absl::OkStatus();
  }

  // Takes some names on the way, and the token of the page in the middle.
  absl::StatusOr<uint64_t> CountJobs() {
    names_.clear();
    std::vector<std::string> tokens;
    page_times_.clear();
    uint64_t count = 0;
    bits::v1::ListJobsRequest request;
    request.set_page_size(kWholePage);
    do {
      bits::v1::ListJobsResponse response;
      tokens.push_back(request.page_token());
      BITS_ASSIGN_OR_RETURN(const double seconds, Page(request, response));
      page_times_.push_back(seconds);
      count += static_cast<uint64_t>(response.jobs_size());
      for (int i = 0; i < response.jobs_size(); i += 97) {
        names_.push_back(response.jobs(i).name());
      }
      request.set_page_token(response.next_page_token());
    } while (!request.page_token().empty());
    middle_ = tokens[tokens.size() / 2];
    return count;
  }

  absl::Status Seed(uint64_t from, uint64_t to) {
    Load<bits::v1::CreateJobRequest, bits::v1::Job> load(
        [&](uint64_t n, bits::v1::CreateJobRequest& request) {
          const uint64_t number = from + n;
          request.set_start(true);
          bits::v1::Job* job = request.mutable_job();
          job->set_display_name(absl::StrCat("nightly copy ", number));
          (*job->mutable_labels())["shard"] = absl::StrCat(number % kLabels);
          bits::v1::File* file = request.add_files();
          file->set_remote_name(url_);
          file->set_local_name(absl::StrCat("d", number / 1000, "/f", number, ".bin"));
        },
        [&](size_t slot, auto* context, auto* request, auto* response, auto done) {
          stubs_[slot % stubs_.size()]->async()->CreateJob(context, request, response,
                                                           std::move(done));
        });
    const LoadResult made = load.Run({kSeedInFlight, absl::Hours(24), to - from});
    Note(absl::StrCat("scale: ", what_, "made ", Count(to - from), " with ", kSeedInFlight,
                      " in flight: ", made.Describe()));
    if (made.failures > 0) return absl::InternalError(made.first_failure);
    const ProcessProbe probe(bitsd_->pid());
    PrintRow({absl::StrCat(what_, "making them, durable, ", kSeedInFlight, " in flight"),
              made.Describe(),
              absl::StrCat("bitsd at the most ", Memory(static_cast<double>(probe.PeakMemory())))});
    return absl::OkStatus();
  }

  absl::Status MeasureStart() {
    std::vector<double> seconds;
    std::vector<double> memory;
    for (int i = 0; i < absl::GetFlag(FLAGS_starts); ++i) {
      if (bitsd_ != nullptr) BITS_RETURN_IF_ERROR(bitsd_->Stop());
      const absl::Time begin = absl::Now();
      BITS_RETURN_IF_ERROR(Start());
      seconds.push_back(absl::ToDoubleSeconds(absl::Now() - begin));
      memory.push_back(static_cast<double>(ProcessProbe(bitsd_->pid()).Memory()));
      Note(absl::StrCat("scale: ", what_, "serving after ", Time(absl::Seconds(seconds.back())),
                        ", ", Memory(memory.back())));
    }
    BITS_ASSIGN_OR_RETURN(const uint64_t jobs, CountJobs());
    PrintRow({what_ + "start to SERVING", Time(absl::Seconds(Median(seconds))),
              absl::StrCat("slowest of ", seconds.size(), ": ",
                           Time(absl::Seconds(Percentile(seconds, 100)))),
              "", aimed(jobs, "within 3 s")});
    PrintRow({what_ + "memory after the start", Memory(Median(memory)), "", "",
              aimed(jobs, "at most 300 MiB")});
    return absl::OkStatus();
  }

  absl::Status MeasureIdle() {
    absl::SleepFor(absl::Seconds(2));  // what the calls before left to be done
    const ProcessProbe probe(bitsd_->pid());
    const uint64_t switches = probe.ContextSwitches();
    const CpuMeter meter(probe);
    absl::SleepFor(absl::Seconds(absl::GetFlag(FLAGS_idle_seconds)));
    PrintRow({what_ + "CPU when idle", absl::StrFormat("%.2f%% of a core", meter.Percent()),
              absl::StrFormat("%.1f thread switches/s",
                              static_cast<double>(probe.ContextSwitches() - switches) /
                                  absl::GetFlag(FLAGS_idle_seconds)),
              "", "none to speak of"});
    return absl::OkStatus();
  }

  absl::Status MeasurePages() {
    PrintRow({absl::StrCat(what_, "all pages of ", kWholePage, " in turn"), Latencies(page_times_),
              absl::StrCat("slowest ", Time(absl::Seconds(Percentile(page_times_, 100))))});
    bits::v1::ListJobsRequest first;
    BITS_RETURN_IF_ERROR(MeasurePage("first page of 100", first));
    bits::v1::ListJobsRequest middle;
    // The token is of pages of another size, which the server may bind it to.
    BITS_ASSIGN_OR_RETURN(const std::string token, MiddleToken());
    middle.set_page_token(token);
    BITS_RETURN_IF_ERROR(MeasurePage("middle page of 100", middle));
    for (const char* filter :
         {"state = STATE_QUEUED", "state = STATE_ERROR", "labels.shard = \"7\""}) {
      bits::v1::ListJobsRequest filtered;
      filtered.set_filter(filter);
      BITS_RETURN_IF_ERROR(MeasurePage(absl::StrCat("first page, `", filter, "`"), filtered));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> MiddleToken() {
    // The middle of the whole pages, if it is good for pages of 100 too.
    bits::v1::ListJobsRequest request;
    request.set_page_token(middle_);
    bits::v1::ListJobsResponse response;
    if (Page(request, response).ok()) return middle_;
    request.clear_page_token();
    for (size_t i = 0; i < page_times_.size() / 2 * (kWholePage / 100); ++i) {
      BITS_RETURN_IF_ERROR(Page(request, response).status());
      request.set_page_token(response.next_page_token());
    }
    return request.page_token();
  }

  absl::Status MeasurePage(const std::string& name, const bits::v1::ListJobsRequest& request) {
    std::vector<double> times;
    int jobs = 0;
    bool more = false;
    for (uint64_t i = 0; i < absl::GetFlag(FLAGS_calls); ++i) {
      bits::v1::ListJobsResponse response;
      BITS_ASSIGN_OR_RETURN(const double seconds, Page(request, response));
      times.push_back(seconds);
      jobs = response.jobs_size();
      more = !response.next_page_token().empty();
    }
    PrintRow({absl::StrCat(what_, "ListJobs, ", name), Latencies(times),
              absl::StrCat(jobs, " jobs", more ? ", and more to come" : ", the end"), "",
              "within 10 ms"});
    return absl::OkStatus();
  }

  absl::Status MeasureGet() {
    std::vector<double> times;
    for (uint64_t i = 0; i < absl::GetFlag(FLAGS_calls); ++i) {
      grpc::ClientContext context;
      bits::v1::GetJobRequest request;
      request.set_name(names_[i * 7919 % names_.size()]);
      bits::v1::Job job;
      const absl::Time begin = absl::Now();
      const grpc::Status status = stubs_[0]->GetJob(&context, request, &job);
      times.push_back(absl::ToDoubleSeconds(absl::Now() - begin));
      if (!status.ok()) return absl::InternalError(status.error_message());
    }
    PrintRow({what_ + "GetJob", Latencies(times)});
    return absl::OkStatus();
  }

  // How long it took.
  absl::StatusOr<double> Page(const bits::v1::ListJobsRequest& request,
                              bits::v1::ListJobsResponse& response) {
    grpc::ClientContext context;
    const absl::Time begin = absl::Now();
    const grpc::Status status = stubs_[0]->ListJobs(&context, request, &response);
    if (!status.ok()) return absl::InternalError(status.error_message());
    return absl::ToDoubleSeconds(absl::Now() - begin);
  }

  static std::string Latencies(const std::vector<double>& times) {
    return absl::StrCat("p50 ", Time(absl::Seconds(Median(times))), ", p99 ",
                        Time(absl::Seconds(Percentile(times, 99))));
  }

  const std::string directory_;
  const std::string url_;  // of every job's file
  std::unique_ptr<testing::BitsdProcess> bitsd_;
  std::vector<std::unique_ptr<Stub>> stubs_;
  std::string what_;
  std::vector<std::string> names_;
  std::vector<double> page_times_;
  std::string middle_;
};

absl::Status Run() {
  testing::TempDir temporary;
  const std::string keep = absl::GetFlag(FLAGS_keep);
  const std::string directory = keep.empty() ? temporary.path() : keep;
  BITS_ASSIGN_OR_RETURN(const SilentOrigin origin, SilentOrigin::Start(directory + "/port"));
  Bench bench(directory, origin.Url());
  for (const std::string& text : absl::GetFlag(FLAGS_jobs)) {
    uint64_t jobs = 0;
    if (!absl::SimpleAtoi(text, &jobs)) return absl::InvalidArgumentError("--jobs");
    BITS_RETURN_IF_ERROR(bench.Run(jobs));
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace bits::bench

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  const absl::Status status = bits::bench::Run();
  if (!status.ok()) std::cerr << "bench_scale: " << status << "\n";
  return status.ok() ? 0 : 1;
}

// bench_rpc: how many calls a second bitsd answers, beside an empty RPC in the same build, on
// the same machine and in the same round. Prints rows of the table.
#include <atomic>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "bits/v1/job_service.grpc.pb.h"
#include "server/base/mutex.h"
#include "server/base/status_macros.h"
#include "tests/bench/echo_service.grpc.pb.h"
#include "tests/bench/helper_program.h"
#include "tests/bench/load.h"
#include "tests/bench/measure.h"
#include "tests/bench/report.h"
#include "tests/bench/server.h"
#include "tests/support/temp_dir.h"

ABSL_FLAG(int, runs, 5, "rounds; the table has medians");
ABSL_FLAG(double, seconds, 3, "how long each kind of call is made in each round");
ABSL_FLAG(size_t, connections, 4, "connections that the calls in flight share");
ABSL_FLAG(std::vector<std::string>, in_flight, std::vector<std::string>({"1", "128"}),
          "how many calls are in flight");

namespace bits::bench {
namespace {

// A file's destination, used once ever.
std::string UniqueName() {
  static std::atomic<uint64_t> last = 0;
  const uint64_t n = ++last;
  return absl::StrCat("d", n % 1000, "/f", n);
}

// A version 4 UUID, used once ever.
std::string UniqueId() {
  static std::atomic<uint64_t> last = 0;
  return absl::StrFormat("00000000-0000-4000-8000-%012x", ++last);
}

class Bench {
 public:
  Bench(const std::string& echo_address, const std::string& bitsd_address)
      : echo_channels_(MakeChannels(echo_address, absl::GetFlag(FLAGS_connections))),
        bitsd_channels_(MakeChannels(bitsd_address, absl::GetFlag(FLAGS_connections))) {
    for (const auto& channel : echo_channels_) echo_.push_back(v1::EchoService::NewStub(channel));
    for (const auto& channel : bitsd_channels_) {
      jobs_.push_back(bits::v1::JobService::NewStub(channel));
    }
  }

  LoadResult Echo(const LoadOptions& options) {
    return Load<v1::EchoRequest, v1::EchoResponse>(
               [](uint64_t, v1::EchoRequest&) {},
               [this](size_t slot, auto* context, auto* request, auto* response, auto done) {
                 echo_[slot % echo_.size()]->async()->Echo(context, request, response,
                                                           std::move(done));
               })
        .Run(options);
  }

  // As bits::Client makes them: one file, and a request_id so that it may be sent again.
  LoadResult CreateJob(const LoadOptions& options, bool with_request_id) {
    return Load<bits::v1::CreateJobRequest, bits::v1::Job>(
               [with_request_id](uint64_t, bits::v1::CreateJobRequest& request) {
                 request.mutable_job()->set_display_name("benchmark");
                 bits::v1::File* file = request.add_files();
                 file->set_remote_name("http://127.0.0.1:9/file");
                 file->set_local_name(UniqueName());
                 if (with_request_id) request.set_request_id(UniqueId());
               },
               [this](size_t slot, auto* context, auto* request, auto* response, auto done) {
                 jobs_[slot % jobs_.size()]->async()->CreateJob(context, request, response,
                                                                std::move(done));
               },
               [this](uint64_t n, const bits::v1::Job& job) {
                 if (n % 16 != 0) return;
                 MutexLock lock(mutex_);
                 names_.push_back(job.name());
               })
        .Run(options);
  }

  LoadResult GetJob(const LoadOptions& options) {
    std::vector<std::string> names;
    {
      MutexLock lock(mutex_);
      names = names_;
    }
    return Load<bits::v1::GetJobRequest, bits::v1::Job>(
               [&](uint64_t n, bits::v1::GetJobRequest& request) {
                 request.set_name(names[n * 7919 % names.size()]);
               },
               [this](size_t slot, auto* context, auto* request, auto* response, auto done) {
                 jobs_[slot % jobs_.size()]->async()->GetJob(context, request, response,
                                                             std::move(done));
               })
        .Run(options);
  }

 private:
  const std::vector<std::shared_ptr<grpc::Channel>> echo_channels_;
  const std::vector<std::shared_ptr<grpc::Channel>> bitsd_channels_;
  std::vector<std::unique_ptr<v1::EchoService::Stub>> echo_;
  std::vector<std::unique_ptr<bits::v1::JobService::Stub>> jobs_;
  Mutex mutex_;
  std::vector<std::string> names_ BITS_GUARDED_BY(mutex_);  // some of the jobs that were made
};

struct Series {
  std::vector<double> rate;
  std::vector<double> p50;
  std::vector<double> p99;
  std::vector<double> server_cpu;  // seconds a call

  std::string Describe() const {
    return absl::StrCat(PerSecond(Median(rate)), ", p50 ", Time(absl::Seconds(Median(p50))),
                        ", p99 ", Time(absl::Seconds(Median(p99))), ", server CPU ",
                        Time(absl::Seconds(Median(server_cpu))), " a call");
  }
};

constexpr char kEcho[] = "echo";
constexpr char kCreate[] = "CreateJob, durable";
constexpr char kCreateWithId[] = "CreateJob with request_id, durable";
constexpr char kGet[] = "GetJob";

absl::Status Run() {
  testing::TempDir dir;
  BITS_ASSIGN_OR_RETURN(const std::unique_ptr<HelperServer> echo,
                        HelperServer::Start({HelperProgram("bench_echo_server")}));
  BITS_ASSIGN_OR_RETURN(const std::unique_ptr<testing::BitsdProcess> bitsd, StartBitsd(dir.path()));
  Bench bench(echo->address(), bitsd->address());
  bench.CreateJob({1, absl::Hours(1), 1}, false);  // connects; GetJob needs one job

  struct Kind {
    std::string name;
    pid_t server;
    std::function<LoadResult(const LoadOptions&)> run;
  };
  const std::vector<Kind> kinds = {
      {kEcho, echo->pid(), [&](const LoadOptions& o) { return bench.Echo(o); }},
      {kCreate, bitsd->pid(), [&](const LoadOptions& o) { return bench.CreateJob(o, false); }},
      {kCreateWithId, bitsd->pid(), [&](const LoadOptions& o) { return bench.CreateJob(o, true); }},
      {kGet, bitsd->pid(), [&](const LoadOptions& o) { return bench.GetJob(o); }},
  };
  for (const std::string& in_flight_text : absl::GetFlag(FLAGS_in_flight)) {
    const size_t in_flight = std::stoul(in_flight_text);
    std::map<std::string, Series> series;
    for (int run = 0; run < absl::GetFlag(FLAGS_runs); ++run) {
      for (const Kind& kind : kinds) {
        kind.run({in_flight, absl::Milliseconds(200)});
        const CpuMeter meter{ProcessProbe(kind.server)};
        const LoadResult result =
            kind.run({in_flight, absl::Seconds(absl::GetFlag(FLAGS_seconds))});
        const double cpu = absl::ToDoubleSeconds(meter.Cpu());
        Note(absl::StrCat("rpc: ", in_flight, " in flight, round ", run + 1, ", ", kind.name, ": ",
                          result.Describe()));
        if (result.failures > 0) return absl::InternalError(result.first_failure);
        Series& s = series[kind.name];
        s.rate.push_back(result.rate());
        s.p50.push_back(absl::ToDoubleSeconds(result.Latency(50)));
        s.p99.push_back(absl::ToDoubleSeconds(result.Latency(99)));
        s.server_cpu.push_back(cpu / static_cast<double>(result.latencies.size()));
      }
    }
    for (const Kind& kind : kinds) {
      if (kind.name == kEcho) continue;
      const bool aimed = kind.name == kCreate && in_flight == 128;
      PrintRow({absl::StrCat(kind.name, ", ", in_flight, " in flight"),
                series[kind.name].Describe(), absl::StrCat("echo ", series[kEcho].Describe()),
                Ratio(MedianRatio(series[kind.name].rate, series[kEcho].rate)),
                aimed ? "at least 0.25" : ""});
    }
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace bits::bench

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  const absl::Status status = bits::bench::Run();
  if (!status.ok()) std::cerr << "bench_rpc: " << status << "\n";
  return status.ok() ? 0 : 1;
}

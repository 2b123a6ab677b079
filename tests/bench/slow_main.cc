// bench_slow: what it costs to have thousands of slow transfers under way. Prints rows of the
// table.
#include <algorithm>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "bits/v1/job_service.grpc.pb.h"
#include "server/base/status_macros.h"
#include "tests/bench/helper_program.h"
#include "tests/bench/load.h"
#include "tests/bench/measure.h"
#include "tests/bench/report.h"
#include "tests/bench/server.h"
#include "tests/support/subprocess.h"
#include "tests/support/temp_dir.h"

ABSL_FLAG(int, runs, 3, "rounds; the table has medians");
ABSL_FLAG(double, seconds, 10, "how long is measured");
ABSL_FLAG(double, settle, 5, "seconds from the start of the last transfer until then");
ABSL_FLAG(uint32_t, slow, 2000, "transfers at once");
ABSL_FLAG(uint32_t, bytes_per_second, 1024, "what each brings");

namespace bits::bench {
namespace {

constexpr uint32_t kCurlMost = 300;  // --parallel-max takes no more

struct Sample {
  double cpu = 0;  // per cent of a core
  double memory = 0;
};

absl::StatusOr<Sample> Look(pid_t pid) {
  absl::SleepFor(absl::Seconds(absl::GetFlag(FLAGS_settle)));
  const ProcessProbe probe(pid);
  const uint64_t written = probe.BytesWritten();
  const CpuMeter meter(probe);
  absl::SleepFor(absl::Seconds(absl::GetFlag(FLAGS_seconds)));
  const double percent = meter.Percent();
  Note(absl::StrCat("slow:   written to disk meanwhile: ",
                    Memory(static_cast<double>(probe.BytesWritten() - written))));
  return Sample{percent, static_cast<double>(probe.Memory())};
}

// Waits until `count` connections to the origin stand.
absl::Status AwaitConnections(uint16_t port, uint32_t count) {
  const absl::Time deadline = absl::Now() + absl::Minutes(2);
  const std::string local = absl::StrFormat(":%04X", port);
  size_t standing = 0;
  while (absl::Now() < deadline) {
    standing = 0;
    std::ifstream in("/proc/net/tcp");
    std::string line;
    std::getline(in, line);
    while (std::getline(in, line)) {
      // "   0: 0100007F:1F90 0100007F:9C40 01 ...": 01 is ESTABLISHED
      std::istringstream fields(line);
      std::string number;
      std::string address;
      std::string remote;
      std::string state;
      fields >> number >> address >> remote >> state;
      if (state == "01" && address.ends_with(local)) ++standing;
    }
    if (standing >= count) return absl::OkStatus();
    absl::SleepFor(absl::Milliseconds(100));
  }
  return absl::DeadlineExceededError(
      absl::StrCat("only ", standing, " of ", count, " transfers are under way"));
}

class Origin {
 public:
  static absl::StatusOr<Origin> Start() {
    Origin origin;
    BITS_ASSIGN_OR_RETURN(
        origin.server_, HelperServer::Start({HelperProgram("bench_drip_origin"),
                                             absl::StrCat("--bytes_per_second=",
                                                          absl::GetFlag(FLAGS_bytes_per_second))}));
    return origin;
  }
  std::string Url(size_t i) const {
    return absl::StrCat("http://", server_->address(), "/", i, ".bin");
  }
  uint16_t port() const {
    const std::string& address = server_->address();
    return static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
  }

 private:
  std::unique_ptr<HelperServer> server_;
};

absl::StatusOr<Sample> MeasureBitsd(uint32_t count) {
  testing::TempDir dir;
  BITS_ASSIGN_OR_RETURN(const Origin origin, Origin::Start());
  BITS_ASSIGN_OR_RETURN(
      const std::unique_ptr<testing::BitsdProcess> bitsd,
      StartBitsd(dir.path(), "policy { background_slots: 10000 } transfer { max_transfers: 10000 }"));
  const auto stub = bits::v1::JobService::NewStub(bitsd->channel());
  Load<bits::v1::CreateJobRequest, bits::v1::Job> load(
      [&](uint64_t n, bits::v1::CreateJobRequest& request) {
        request.set_start(true);
        request.mutable_job()->set_display_name("slow");
        bits::v1::File* file = request.add_files();
        file->set_remote_name(origin.Url(n));
        file->set_local_name(absl::StrCat(n, ".bin"));
      },
      [&](size_t, auto* context, auto* request, auto* response, auto done) {
        stub->async()->CreateJob(context, request, response, std::move(done));
      });
  const LoadResult created = load.Run({16, absl::Minutes(5), count});
  if (created.failures > 0) return absl::InternalError(created.first_failure);
  BITS_RETURN_IF_ERROR(AwaitConnections(origin.port(), count));
  return Look(bitsd->pid());
}

absl::StatusOr<Sample> MeasureAria2(uint32_t count) {
  testing::TempDir dir;
  BITS_ASSIGN_OR_RETURN(const Origin origin, Origin::Start());
  std::ofstream list(dir / "list");
  for (uint32_t i = 0; i < count; ++i) list << origin.Url(i) << "\n";
  list.close();
  testing::Subprocess::Options launch;
  launch.argv = {"aria2c", "--no-conf",
                 "-q",     "--file-allocation=none",
                 "-s1",    absl::StrCat("-j", count),
                 "-d",     dir / "root",
                 "-i",     dir / "list"};
  BITS_ASSIGN_OR_RETURN(const std::unique_ptr<testing::Subprocess> process,
                        testing::Subprocess::Start(std::move(launch)));
  BITS_RETURN_IF_ERROR(AwaitConnections(origin.port(), count));
  return Look(process->pid());
}

absl::StatusOr<Sample> MeasureCurl(uint32_t count) {
  testing::TempDir dir;
  BITS_ASSIGN_OR_RETURN(const Origin origin, Origin::Start());
  std::ofstream config(dir / "curl.conf");
  for (uint32_t i = 0; i < count; ++i) {
    config << "url = \"" << origin.Url(i) << "\"\noutput = \"" << (dir / absl::StrCat(i)) << "\"\n";
  }
  config.close();
  testing::Subprocess::Options launch;
  launch.argv = {"curl",
                 "-sS",
                 "--parallel",
                 "--parallel-immediate",
                 "--parallel-max",
                 absl::StrCat(count),
                 "-K",
                 dir / "curl.conf"};
  BITS_ASSIGN_OR_RETURN(const std::unique_ptr<testing::Subprocess> process,
                        testing::Subprocess::Start(std::move(launch)));
  BITS_RETURN_IF_ERROR(AwaitConnections(origin.port(), count));
  return Look(process->pid());
}

struct Series {
  std::vector<double> cpu;
  std::vector<double> memory;
};

absl::Status Compare(uint32_t count, const std::string& peer,
                     const std::function<absl::StatusOr<Sample>(uint32_t)>& measure_peer) {
  Series ours;
  Series theirs;
  const auto add = [&](Series& series, const std::string& name, const Sample& sample) {
    series.cpu.push_back(sample.cpu);
    series.memory.push_back(sample.memory);
    Note(absl::StrFormat("slow: %d transfers, %s: CPU %.1f%%, %s", count, name, sample.cpu,
                         Memory(sample.memory)));
  };
  for (int run = 0; run < absl::GetFlag(FLAGS_runs); ++run) {
    BITS_ASSIGN_OR_RETURN(const Sample sample, MeasureBitsd(count));
    add(ours, "bitsd", sample);
    BITS_ASSIGN_OR_RETURN(const Sample other, measure_peer(count));
    add(theirs, peer, other);
  }
  const std::string what =
      absl::StrCat(Count(count), " transfers at ", absl::GetFlag(FLAGS_bytes_per_second), " B/s");
  const auto percent = [](double value) { return absl::StrFormat("%.1f%%", value); };
  PrintRow({absl::StrCat(what, ": CPU of one core"), percent(Median(ours.cpu)),
            absl::StrCat(peer, " ", percent(Median(theirs.cpu))),
            Ratio(MedianRatio(ours.cpu, theirs.cpu))});
  PrintRow({absl::StrCat(what, ": memory"), Memory(Median(ours.memory)),
            absl::StrCat(peer, " ", Memory(Median(theirs.memory))),
            Ratio(MedianRatio(ours.memory, theirs.memory))});
  return absl::OkStatus();
}

absl::Status Run() {
  RaiseOpenFilesLimit();
  const uint32_t count = absl::GetFlag(FLAGS_slow);
  BITS_RETURN_IF_ERROR(Compare(std::min(count, kCurlMost), "curl --parallel", MeasureCurl));
  return Compare(count, "aria2c", MeasureAria2);
}

}  // namespace
}  // namespace bits::bench

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  const absl::Status status = bits::bench::Run();
  if (!status.ok()) std::cerr << "bench_slow: " << status << "\n";
  return status.ok() ? 0 : 1;
}

// bench_transfer: one large file and many small ones from nginx on the loopback interface, by
// bitsd and by the tools that people use instead. Every tool runs once in every round, and
// ratios are of one round. Prints rows of the table.
#include <algorithm>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "server/base/status_macros.h"
#include "tests/bench/files.h"
#include "tests/bench/helper_program.h"
#include "tests/bench/measure.h"
#include "tests/bench/report.h"
#include "tests/bench/server.h"
#include "tests/support/nginx_server.h"
#include "tests/support/temp_dir.h"

ABSL_FLAG(int, runs, 5, "rounds; the table has medians");
ABSL_FLAG(uint64_t, big, uint64_t{1} << 30, "bytes of the large file; 0: leave it out");
ABSL_FLAG(uint64_t, small, 10'000, "how many small files; 0: leave them out");
ABSL_FLAG(uint64_t, small_size, 1024, "bytes of each");
ABSL_FLAG(uint32_t, parallel, 16, "small files at once, where a tool can");

namespace bits::bench {
namespace {

struct Task {
  FileSet set;
  std::vector<std::string> urls;
};

using Arguments = std::vector<std::string>;

struct Tool {
  std::string name;
  std::function<absl::StatusOr<Usage>(const Task&)> fetch;
};

absl::StatusOr<Usage> FetchByBitsd(const Task& task) {
  testing::TempDir dir;
  testing::WriteFile(dir / "list", absl::StrJoin(task.urls, "\n"));
  BITS_ASSIGN_OR_RETURN(std::unique_ptr<testing::BitsdProcess> bitsd, StartBitsd(dir.path()));
  const ProcessProbe probe(bitsd->pid());
  const CpuMeter meter(probe);
  BITS_ASSIGN_OR_RETURN(
      Usage usage,
      RunMeasured({HelperProgram("bench_fetch"), absl::StrCat("--server=", bitsd->address()),
                   absl::StrCat("--parallel=", absl::GetFlag(FLAGS_parallel)), dir / "list"}));
  usage.cpu += meter.Cpu();
  usage.peak_memory += probe.PeakMemory();
  BITS_RETURN_IF_ERROR(VerifyCopy(task.set, RootOf(dir.path())));
  return usage;
}

// `make_argv` is given the directory to fetch to, and one of its own.
absl::StatusOr<Usage> FetchByPeer(
    const Task& task,
    const std::function<Arguments(const std::string& to, const testing::TempDir&)>& make_argv) {
  testing::TempDir dir;
  const std::string to = dir / "root";
  BITS_RETURN_IF_ERROR(Clear(to));
  BITS_ASSIGN_OR_RETURN(Usage usage, RunMeasured(make_argv(to, dir)));
  const absl::Time begin = absl::Now();
  const absl::Duration cpu = ThreadCpu();
  BITS_RETURN_IF_ERROR(MakeDurable(task.set, to));
  usage.cpu += ThreadCpu() - cpu;
  usage.wall += absl::Now() - begin;
  BITS_RETURN_IF_ERROR(VerifyCopy(task.set, to));
  return usage;
}

Tool Curl(bool parallel) {
  return {parallel ? "curl --parallel" : "curl", [parallel](const Task& task) {
            return FetchByPeer(task, [&](const std::string& to, const testing::TempDir& dir) {
              std::ofstream config(dir / "curl.conf");
              for (size_t i = 0; i < task.urls.size(); ++i) {
                config << "url = \"" << task.urls[i] << "\"\noutput = \"" << to << "/"
                       << task.set.names[i] << "\"\n";
              }
              Arguments argv = {"curl", "-fsS", "-K", dir / "curl.conf"};
              if (parallel) {
                argv.insert(argv.end(), {"--parallel", "--parallel-max",
                                         absl::StrCat(absl::GetFlag(FLAGS_parallel))});
              }
              return argv;
            });
          }};
}

Tool Wget() {
  return {"wget", [](const Task& task) {
            return FetchByPeer(task, [&](const std::string& to, const testing::TempDir& dir) {
              testing::WriteFile(dir / "list", absl::StrJoin(task.urls, "\n"));
              return Arguments{"wget", "--no-config", "-nv", "-P", to, "-i", dir / "list"};
            });
          }};
}

Tool Aria2() {
  return {"aria2c", [](const Task& task) {
            return FetchByPeer(task, [&](const std::string& to, const testing::TempDir& dir) {
              testing::WriteFile(dir / "list", absl::StrJoin(task.urls, "\n"));
              return Arguments{"aria2c",
                               "--no-conf",
                               "-q",
                               "--file-allocation=none",
                               absl::StrCat("-j", absl::GetFlag(FLAGS_parallel)),
                               "-d",
                               to,
                               "-i",
                               dir / "list"};
            });
          }};
}

struct Series {
  std::string name;
  std::vector<double> wall;
  std::vector<double> cpu;
  std::vector<double> memory;
};

void PrintRows(const std::string& what, const std::vector<Series>& series) {
  const auto print = [&](const std::string& measure, std::vector<double> Series::*values,
                         const std::function<std::string(double)>& format) {
    Row row{absl::StrCat(what, ": ", measure), format(Median(series[0].*values))};
    std::vector<std::string> beside;
    std::vector<std::string> ratios;
    for (size_t i = 1; i < series.size(); ++i) {
      beside.push_back(absl::StrCat(series[i].name, " ", format(Median(series[i].*values))));
      ratios.push_back(Ratio(MedianRatio(series[0].*values, series[i].*values)));
    }
    row.beside = absl::StrJoin(beside, " · ");
    row.ratio = absl::StrJoin(ratios, " · ");
    PrintRow(row);
  };
  const auto seconds = [](double value) { return Time(absl::Seconds(value)); };
  print("until durable", &Series::wall, seconds);
  print("CPU", &Series::cpu, seconds);
  print("peak memory", &Series::memory, [](double value) { return Memory(value); });
}

absl::Status Compare(const std::string& what, const Task& task, const std::vector<Tool>& tools) {
  std::vector<Series> series;
  for (const Tool& tool : tools) series.push_back({tool.name, {}, {}, {}});
  for (int run = 0; run < absl::GetFlag(FLAGS_runs); ++run) {
    for (size_t i = 0; i < tools.size(); ++i) {
      // Who comes first changes: what one leaves to the disk, the next one pays.
      const size_t which = (i + static_cast<size_t>(run)) % tools.size();
      BITS_ASSIGN_OR_RETURN(const Usage usage, tools[which].fetch(task));
      series[which].wall.push_back(absl::ToDoubleSeconds(usage.wall));
      series[which].cpu.push_back(absl::ToDoubleSeconds(usage.cpu));
      series[which].memory.push_back(static_cast<double>(usage.peak_memory));
      Note(absl::StrCat("transfer: ", what, ", round ", run + 1, ", ", tools[which].name, ": ",
                        Time(usage.wall), ", CPU ", Time(usage.cpu), ", ",
                        Memory(static_cast<double>(usage.peak_memory))));
    }
  }
  PrintRows(what, series);
  return absl::OkStatus();
}

absl::StatusOr<Task> MakeTask(const std::string& docroot, const testing::NginxServer& nginx,
                              const std::string& name, size_t count, uint64_t size) {
  Task task;
  BITS_ASSIGN_OR_RETURN(task.set, MakeFileSet(absl::StrCat(docroot, "/", name), count, size));
  for (const std::string& file : task.set.names) {
    task.urls.push_back(nginx.Url(absl::StrCat("/", name, "/", file)));
  }
  return task;
}

absl::Status Run() {
  testing::TempDir docroot;
  testing::NginxServer::Options options;
  options.docroot = docroot.path();
  BITS_ASSIGN_OR_RETURN(const std::unique_ptr<testing::NginxServer> nginx,
                        testing::NginxServer::Start(std::move(options)));
  const Tool bitsd{"bitsd", FetchByBitsd};
  if (const uint64_t size = absl::GetFlag(FLAGS_big); size > 0) {
    BITS_ASSIGN_OR_RETURN(const Task task, MakeTask(docroot.path(), *nginx, "big", 1, size));
    BITS_RETURN_IF_ERROR(Compare(absl::StrCat("one file of ", Memory(static_cast<double>(size))),
                                 task, {bitsd, Curl(false), Wget(), Aria2()}));
  }
  if (const uint64_t count = absl::GetFlag(FLAGS_small); count > 0) {
    const uint64_t size = absl::GetFlag(FLAGS_small_size);
    BITS_ASSIGN_OR_RETURN(const Task task, MakeTask(docroot.path(), *nginx, "small", count, size));
    BITS_RETURN_IF_ERROR(Compare(absl::StrCat(Count(count), " files of ", size, " bytes"), task,
                                 {bitsd, Curl(true), Curl(false), Wget(), Aria2()}));
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace bits::bench

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  const absl::Status status = bits::bench::Run();
  if (!status.ok()) std::cerr << "bench_transfer: " << status << "\n";
  return status.ok() ? 0 : 1;
}

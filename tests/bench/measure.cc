#include "tests/bench/measure.h"

#include <ctime>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/base/status_macros.h"
#include "tests/bench/helper_program.h"
#include "tests/support/subprocess.h"
#include "tests/support/temp_dir.h"

namespace bits::bench {
namespace {

absl::Duration ReadClock(clockid_t clock) {
  timespec t{};
  if (::clock_gettime(clock, &t) != 0) {
    std::cerr << "a process that is measured is gone\n";
    std::exit(1);
  }
  return absl::DurationFromTimespec(t);
}

}  // namespace

absl::StatusOr<Usage> RunMeasured(const std::vector<std::string>& argv) {
  testing::TempDir dir;
  testing::Subprocess::Options launch;
  launch.argv = {HelperProgram("bench_measure"), dir / "report"};
  launch.argv.insert(launch.argv.end(), argv.begin(), argv.end());
  launch.log_path = dir / "output";
  BITS_ASSIGN_OR_RETURN(std::unique_ptr<testing::Subprocess> process,
                        testing::Subprocess::Start(std::move(launch)));
  const std::optional<int> status = process->Wait(absl::Hours(1));
  if (!status) return absl::DeadlineExceededError(absl::StrCat(argv[0], " does not end"));
  if (*status != 0) {
    return absl::InternalError(absl::StrCat(argv[0], " ", testing::DescribeWaitStatus(*status),
                                            ": ", testing::ReadFileOr(dir / "output", "")));
  }
  std::istringstream report(testing::ReadFile(dir / "report"));
  double wall = 0;
  double cpu = 0;
  uint64_t kibibytes = 0;
  report >> wall >> cpu >> kibibytes;
  if (!report) return absl::InternalError("bench_measure wrote no report");
  return Usage{absl::Seconds(wall), absl::Seconds(cpu), kibibytes * 1024};
}

absl::Duration ProcessProbe::Cpu() const {
  clockid_t clock = 0;
  if (::clock_getcpuclockid(pid_, &clock) != 0) clock = -1;
  return ReadClock(clock);
}

uint64_t ProcessProbe::Memory() const { return StatusField("status", "VmRSS:") * 1024; }

uint64_t ProcessProbe::PeakMemory() const { return StatusField("status", "VmHWM:") * 1024; }

uint64_t ProcessProbe::ContextSwitches() const {
  uint64_t switches = 0;
  std::error_code error;
  const std::string tasks = absl::StrCat("/proc/", pid_, "/task");
  for (const auto& task : std::filesystem::directory_iterator(tasks, error)) {
    const std::string file = absl::StrCat("task/", task.path().filename().string(), "/status");
    switches += StatusField(file, "voluntary_ctxt_switches:");
    switches += StatusField(file, "nonvoluntary_ctxt_switches:");
  }
  return switches;
}

uint64_t ProcessProbe::BytesWritten() const { return StatusField("io", "write_bytes:"); }

uint64_t ProcessProbe::StatusField(const std::string& file, const std::string& key) const {
  std::ifstream in(absl::StrCat("/proc/", pid_, "/", file));
  std::string word;
  uint64_t value = 0;
  while (in >> word) {
    if (word == key && in >> value) return value;
  }
  return 0;  // a thread that has just ended, or a kernel that does not tell
}

CpuMeter::CpuMeter(ProcessProbe probe) : probe_(probe), begin_(absl::Now()), cpu_(probe.Cpu()) {}

double CpuMeter::Percent() const { return 100 * absl::FDivDuration(Cpu(), absl::Now() - begin_); }

absl::Duration ThreadCpu() { return ReadClock(CLOCK_THREAD_CPUTIME_ID); }

}  // namespace bits::bench

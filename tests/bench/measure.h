// What programs take: time, CPU, memory.
#ifndef BITS_TESTS_BENCH_MEASURE_H_
#define BITS_TESTS_BENCH_MEASURE_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace bits::bench {

struct Usage {
  absl::Duration wall;
  absl::Duration cpu;        // user and system
  uint64_t peak_memory = 0;  // bytes resident
};

// Runs a program to its end. An error if it does not exit with 0, with what it printed.
absl::StatusOr<Usage> RunMeasured(const std::vector<std::string>& argv);

// A look at a process that runs. What cannot be read (it is gone) ends the program.
class ProcessProbe {
 public:
  explicit ProcessProbe(pid_t pid) : pid_(pid) {}

  absl::Duration Cpu() const;        // of all its threads since it began
  uint64_t Memory() const;           // bytes resident now
  uint64_t PeakMemory() const;       // .. at the most
  uint64_t ContextSwitches() const;  // of the threads that live now
  uint64_t BytesWritten() const;     // to block devices, as the kernel counts them

 private:
  uint64_t StatusField(const std::string& file, const std::string& key) const;

  pid_t pid_;
};

// What `probe` took from the construction to the call.
class CpuMeter {
 public:
  explicit CpuMeter(ProcessProbe probe);
  absl::Duration Cpu() const { return probe_.Cpu() - cpu_; }
  double Percent() const;  // of one core

 private:
  ProcessProbe probe_;
  absl::Time begin_;
  absl::Duration cpu_;
};

// Of the calling thread.
absl::Duration ThreadCpu();

}  // namespace bits::bench

#endif  // BITS_TESTS_BENCH_MEASURE_H_

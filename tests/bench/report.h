// The rows of the table, and the numbers in them.
#ifndef BITS_TESTS_BENCH_REPORT_H_
#define BITS_TESTS_BENCH_REPORT_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"

namespace bits::bench {

// One row, printed to stdout as Markdown. run.sh prints the head of the table.
struct Row {
  std::string measure;
  std::string bitsd;
  std::string beside = {};  // what it is compared with, in the same run
  std::string ratio = {};   // bitsd / beside, of runs made in turn
  std::string aim = {};     // what the project wants of it, if anything
};
void PrintRow(const Row& row);

// What is under way, to stderr.
void Note(std::string_view what);

// 0 for none.
double Median(std::vector<double> values);
// `percent` of `values` are at most this. 0 for none.
double Percentile(std::vector<double> values, double percent);
// The median of the ratios of values with the same index.
double MedianRatio(const std::vector<double>& values, const std::vector<double>& of);

std::string Time(absl::Duration time);  // "1.234 s", "12.3 ms", "45 us"
std::string Memory(double bytes);       // "12.3 MiB"
std::string PerSecond(double rate);     // "12,345/s"
std::string Count(uint64_t count);      // "1,000,000"
std::string Ratio(double ratio);        // "1.23"

}  // namespace bits::bench

#endif  // BITS_TESTS_BENCH_REPORT_H_

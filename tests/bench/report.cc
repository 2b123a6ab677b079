#include "tests/bench/report.h"

#include <algorithm>
#include <cmath>
#include <iostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace bits::bench {

void PrintRow(const Row& row) {
  std::cout << "| " << row.measure << " | " << row.bitsd << " | " << row.beside << " | "
            << row.ratio << " | " << row.aim << " |" << std::endl;
}

void Note(std::string_view what) { std::cerr << what << std::endl; }

double Median(std::vector<double> values) {
  if (values.size() % 2 == 1) return Percentile(std::move(values), 50);
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  return values.empty() ? 0 : (values[half - 1] + values[half]) / 2;
}

double Percentile(std::vector<double> values, double percent) {
  if (values.empty()) return 0;
  const double rank = std::ceil(percent / 100 * static_cast<double>(values.size()));
  const size_t index = std::min(values.size(), std::max<size_t>(1, static_cast<size_t>(rank))) - 1;
  const auto at = values.begin() + static_cast<ptrdiff_t>(index);
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

double MedianRatio(const std::vector<double>& values, const std::vector<double>& of) {
  std::vector<double> ratios;
  for (size_t i = 0; i < std::min(values.size(), of.size()); ++i) {
    if (of[i] > 0) ratios.push_back(values[i] / of[i]);
  }
  return Median(std::move(ratios));
}

std::string Time(absl::Duration time) {
  const double seconds = absl::ToDoubleSeconds(time);
  if (seconds >= 1) return absl::StrFormat("%.2f s", seconds);
  if (seconds >= 1e-3) return absl::StrFormat("%.1f ms", seconds * 1e3);
  return absl::StrFormat("%.0f us", seconds * 1e6);
}

std::string Memory(double bytes) { return absl::StrFormat("%.1f MiB", bytes / (1 << 20)); }

std::string PerSecond(double rate) {
  return absl::StrCat(Count(static_cast<uint64_t>(std::llround(rate))), "/s");
}

std::string Count(uint64_t count) {
  const std::string digits = absl::StrCat(count);
  std::string grouped;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) grouped += ',';
    grouped += digits[i];
  }
  return grouped;
}

std::string Ratio(double ratio) { return absl::StrFormat("%.2f", ratio); }

}  // namespace bits::bench

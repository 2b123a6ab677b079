// The line that shows a transfer. Pure: numbers in, text out.
#ifndef BITS_CLIENT_CLI_PROGRESS_BAR_H_
#define BITS_CLIENT_CLI_PROGRESS_BAR_H_

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>

namespace bits::cli {

struct ProgressView {
  std::string label;
  std::uint64_t bytes = 0;
  std::optional<std::uint64_t> total;  // unset: unknown
  std::uint32_t files_done = 0;
  std::uint32_t files_total = 1;
  std::optional<double> rate;  // bytes per second; unset: not known yet
};

// Whole seconds until the rest is here at the present rate, rounded up; unset while
// that cannot be said (no total, no rate, it stands still) and once it is all there.
std::optional<std::chrono::seconds> TimeLeft(const ProgressView& view);

// "a.iso [=======>        ]  45%  1.2 GiB of 2.7 GiB  34 MiB/s  0:44 left", never wider
// than `width` columns: what does not fit goes, the bar first. No line end.
std::string RenderProgressBar(const ProgressView& view, int width);

// The same without a bar, for a log.
std::string RenderProgressText(const ProgressView& view);

// The rate over the last few seconds. Not thread-safe.
class RateEstimator {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // `bytes` in all were there at `now`. Fewer than before starts over.
  void Add(TimePoint now, std::uint64_t bytes);
  // Goes down when nothing comes any more; unset until there are two moments
  // that are far enough apart.
  std::optional<double> Rate(TimePoint now) const;

 private:
  std::deque<std::pair<TimePoint, std::uint64_t>> samples_;
};

}  // namespace bits::cli

#endif  // BITS_CLIENT_CLI_PROGRESS_BAR_H_

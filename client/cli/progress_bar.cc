#include "client/cli/progress_bar.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/time/time.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "client/cli/text.h"
#include "client/cli/units.h"

namespace bits::cli {
namespace {

constexpr auto kWindow = std::chrono::seconds(5);
// Over less than this, events that were held up on their way would tell of a miracle.
constexpr std::chrono::duration<double> kLeastSpan = std::chrono::milliseconds(200);
constexpr int kLeastName = 12;
constexpr int kLeastBar = 8;
constexpr int kMostBar = 50;

// 0 to 1; unset while the total is unknown.
std::optional<double> Fraction(const ProgressView& view) {
  if (!view.total) return std::nullopt;
  if (*view.total == 0) return 1.0;
  return static_cast<double>(std::min(view.bytes, *view.total)) / static_cast<double>(*view.total);
}

// What stands right of the bar, most important first.
std::vector<std::string> Facts(const ProgressView& view) {
  std::vector<std::string> facts;
  if (const auto fraction = Fraction(view)) {
    facts.push_back(absl::StrFormat("%3d%%", static_cast<int>(std::floor(*fraction * 100))));
  }
  facts.push_back(view.total ? absl::StrCat(BytesText(view.bytes), " of ", BytesText(*view.total))
                             : BytesText(view.bytes));
  if (view.files_total > 1) {
    facts.push_back(absl::StrCat(view.files_done, "/", view.files_total, " files"));
  }
  if (view.rate) facts.push_back(RateText(*view.rate));
  if (const auto left = TimeLeft(view)) {
    facts.push_back(ClockText(absl::Seconds(left->count())) + " left");
  }
  return facts;
}

std::string Bar(double fraction, int width) {
  const int inner = width - 2;
  const int filled = std::min(inner, static_cast<int>(std::floor(fraction * inner)));
  std::string bar(static_cast<std::size_t>(filled), '=');
  if (filled < inner) bar += '>';
  bar.resize(static_cast<std::size_t>(inner), ' ');
  return absl::StrCat("[", bar, "]");
}

}  // namespace

std::optional<std::chrono::seconds> TimeLeft(const ProgressView& view) {
  if (!view.total || !view.rate || *view.rate < 1.0) return std::nullopt;
  if (view.bytes >= *view.total) return std::nullopt;
  const std::uint64_t rest = *view.total - view.bytes;
  const double seconds = std::ceil(static_cast<double>(rest) / *view.rate);
  if (seconds > 1e9) return std::nullopt;
  return std::chrono::seconds(static_cast<std::int64_t>(seconds));
}

std::string RenderProgressText(const ProgressView& view) {
  std::string text;
  for (const auto& fact : Facts(view)) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", fact.substr(fact.find_first_not_of(' ')));
  }
  return text;
}

std::string RenderProgressBar(const ProgressView& view, int width) {
  const std::string name = Printable(view.label);
  // The first fact is worth more than the name, the others less.
  const int kept_for_name = std::min(Columns(name), kLeastName) + 2;
  std::string facts;
  for (const auto& fact : Facts(view)) {
    const std::string longer = absl::StrCat(facts, facts.empty() ? "" : "  ", fact);
    if (Columns(longer) > width - (facts.empty() ? 0 : kept_for_name)) break;
    facts = longer;
  }
  const auto fraction = Fraction(view);
  int room = width - Columns(facts) - 2;  // before the facts and two blanks
  std::string line;
  if (room > 0) {
    // The name gives way to a useful bar, but not all of it.
    const int bar_wanted = fraction ? kLeastBar + 1 : 0;
    const int for_name = std::max(std::min(room, kLeastName), room - bar_wanted);
    line = Cut(name, std::min(Columns(name), for_name));
    room -= Columns(line);
  }
  if (fraction && room > kLeastBar) {
    line += absl::StrCat(line.empty() ? "" : " ", Bar(*fraction, std::min(room - 1, kMostBar)));
  }
  return Cut(absl::StrCat(line, line.empty() ? "" : "  ", facts), width);
}

void RateEstimator::Add(TimePoint now, std::uint64_t bytes) {
  if (!samples_.empty() && bytes < samples_.back().second) samples_.clear();
  samples_.emplace_back(now, bytes);
  // One sample from before the window stays: the rate is over the whole of it.
  while (samples_.size() > 2 && now - samples_[1].first >= kWindow) samples_.pop_front();
}

std::optional<double> RateEstimator::Rate(TimePoint now) const {
  if (samples_.size() < 2) return std::nullopt;
  const auto& [begin, first_bytes] = samples_.front();
  const std::chrono::duration<double> span = std::max(now, samples_.back().first) - begin;
  if (span < kLeastSpan) return std::nullopt;
  return static_cast<double>(samples_.back().second - first_bytes) / span.count();
}

}  // namespace bits::cli

#include "client/cli/progress_display.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <absl/time/time.h>

#include <utility>

#include "client/cli/error_text.h"
#include "client/cli/render.h"
#include "client/cli/text.h"
#include "client/cli/units.h"

namespace bits::cli {
namespace {

constexpr auto kLeastBetweenDraws = std::chrono::milliseconds(100);
constexpr auto kMostBetweenLines = std::chrono::seconds(10);
constexpr int kPercentBetweenLines = 10;
constexpr char kClearLine[] = "\r\x1b[K";

bool Moves(v1::Job::State state) {
  return state == v1::Job::STATE_TRANSFERRING || state == v1::Job::STATE_TRANSFERRED;
}

}  // namespace

ProgressDisplay::ProgressDisplay(const Terminal& terminal, std::string label,
                                 std::string retry_command, SteadyNow now)
    : terminal_(terminal),
      label_(std::move(label)),
      retry_command_(std::move(retry_command)),
      now_(std::move(now)) {}

ProgressDisplay::~ProgressDisplay() {
  if (drawn_) terminal_.stream << kClearLine << std::flush;
}

void ProgressDisplay::OnJob(const v1::Job& job) {
  away_ = false;
  const bool state_changed = job.state() != job_.state();
  job_ = job;
  view_.label = label_;
  view_.bytes = job.progress().bytes_transferred();
  view_.total.reset();
  if (job.progress().has_bytes_total()) view_.total = job.progress().bytes_total();
  view_.files_done = job.progress().files_transferred();
  view_.files_total = job.progress().files_total();
  const auto now = now_();
  if (Moves(job.state())) {
    rate_.Add(now, view_.bytes);
  } else {
    rate_ = RateEstimator();
  }
  view_.rate = rate_.Rate(now);

  if (terminal_.interactive) {
    if (state_changed || now - drawn_at_ >= kLeastBetweenDraws) Draw();
    return;
  }
  const bool much = Percent() >= told_percent_ + kPercentBetweenLines || Percent() < told_percent_;
  if (state_changed || (Moves(job.state()) && (much || now - told_at_ >= kMostBetweenLines))) {
    PrintLine();
  }
}

void ProgressDisplay::OnTransientError(const v1::Error& error) {
  const std::string when =
      error.has_retry_time()
          ? absl::StrCat("; next try at ", TimeText(error.retry_time(), absl::LocalTimeZone()),
                         ", or now by `", retry_command_, "`")
          : "";
  Note(terminal_.Paint(Style::kYellow, absl::StrCat("Trouble: ", ErrorSummary(error), when)));
}

void ProgressDisplay::OnFileRestarted(const std::string& file) {
  Note(absl::StrCat("File ", Printable(file.substr(file.rfind('/') + 1)),
                    " is fetched anew: at its origin it is not what it was, or that could not be "
                    "told."));
}

void ProgressDisplay::OnReconnect(const absl::Status& why, std::chrono::milliseconds) {
  // A slow reader, or a server that closes old connections, is nobody's business.
  if (why.code() != absl::StatusCode::kUnavailable || away_) return;
  away_ = true;
  Note(terminal_.Paint(Style::kYellow, "bitsd is away; the job goes on when it is back."));
}

void ProgressDisplay::OnTick() {
  if (!terminal_.interactive) return;
  view_.rate = rate_.Rate(now_());
  Draw();
}

void ProgressDisplay::Note(const std::string& text) {
  if (drawn_) terminal_.stream << kClearLine;
  drawn_ = false;
  terminal_.stream << text << std::endl;
  if (terminal_.interactive && job_.state() != v1::Job::STATE_UNSPECIFIED) Draw();
}

void ProgressDisplay::Draw() {
  const int width = terminal_.width() - 1;  // the last column would wrap on some
  std::string line;
  if (Moves(job_.state()) && !away_) {
    line = RenderProgressBar(view_, width);
  } else {
    ProgressView still = view_;
    still.rate.reset();
    still.label = absl::StrCat(label_, "  ", StateWords());
    line = view_.bytes > 0 ? RenderProgressBar(still, width) : Cut(Printable(still.label), width);
  }
  terminal_.stream << kClearLine << line << std::flush;
  drawn_ = true;
  drawn_at_ = now_();
}

void ProgressDisplay::PrintLine() {
  told_percent_ = Percent();
  told_at_ = now_();
  const bool numbers = Moves(job_.state()) || view_.bytes > 0;
  terminal_.stream << Printable(label_) << ": " << StateWords()
                   << (numbers ? ", " + RenderProgressText(view_) : "") << std::endl;
}

std::string ProgressDisplay::StateWords() const {
  Terminal plain{terminal_.stream};
  const std::string wait = WaitText(job_.wait(), absl::Now(), absl::LocalTimeZone());
  const bool told = !wait.empty() && job_.state() != v1::Job::STATE_TRANSFERRED;
  return absl::StrCat(StateText(job_.state(), plain), told ? ": " : "", told ? wait : "");
}

int ProgressDisplay::Percent() const {
  if (!view_.total || *view_.total == 0) return 0;
  return static_cast<int>(100.0 * static_cast<double>(view_.bytes) /
                          static_cast<double>(*view_.total));
}

}  // namespace bits::cli

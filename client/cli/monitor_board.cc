#include "client/cli/monitor_board.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>

#include <algorithm>

#include "client/cli/error_text.h"
#include "client/cli/job_ref.h"
#include "client/cli/render.h"
#include "client/cli/text.h"
#include "client/cli/units.h"

namespace bits::cli {
namespace {

int Rank(v1::Job::State state) {
  switch (state) {
    case v1::Job::STATE_TRANSFERRING:
      return 0;
    case v1::Job::STATE_CONNECTING:
      return 1;
    case v1::Job::STATE_ERROR:
      return 2;
    case v1::Job::STATE_TRANSIENT_ERROR:
      return 3;
    case v1::Job::STATE_TRANSFERRED:
      return 4;
    case v1::Job::STATE_QUEUED:
      return 5;
    default:
      return 6;
  }
}

bool IsFinal(v1::Job::State state) {
  return state == v1::Job::STATE_ACKNOWLEDGED || state == v1::Job::STATE_CANCELLED;
}

}  // namespace

void MonitorBoard::Put(const v1::Job& job, bool keep_final) {
  if (IsFinal(job.state()) && !keep_final) {
    jobs_.erase(job.name());
    return;
  }
  v1::Job& kept = jobs_[job.name()];
  kept = job;
  // There may be very many, and these are not shown.
  kept.clear_description();
  kept.clear_labels();
}

std::vector<std::string> MonitorBoard::Lines(int width, int height) const {
  const std::size_t room = static_cast<std::size_t>(std::max(height - 2, 1));
  std::vector<const v1::Job*> order;
  for (const auto& [name, job] : jobs_) order.push_back(&job);
  const auto before = [](const v1::Job* a, const v1::Job* b) {
    const int first = Rank(a->state());
    const int second = Rank(b->state());
    return first != second ? first < second : a->name() < b->name();
  };
  const std::size_t shown = std::min(order.size(), room);
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(shown), order.end(),
                    before);
  std::vector<v1::Job> top;
  for (std::size_t i = 0; i < shown; ++i) top.push_back(*order[i]);

  std::vector<int> widths;
  std::vector<std::string> lines = JobTable(top, false, terminal_, widths);
  for (std::size_t i = 0; i < top.size(); ++i) {
    const bool waits = top[i].wait().reason() == v1::Wait::REASON_RETRY;
    if (waits) {
      lines[i + 1] += "  " + WaitText(top[i].wait(), absl::Now(), absl::LocalTimeZone());
    }
  }
  for (auto& line : lines) line = Cut(line, width);
  if (order.size() > shown) lines.push_back(absl::StrCat("and ", order.size() - shown, " more"));
  return lines;
}

void MonitorBoard::Draw() {
  std::string frame;
  if (drawn_lines_ > 0) absl::StrAppend(&frame, "\x1b[", drawn_lines_, "A");
  const auto lines = Lines(terminal_.width() - 1, terminal_.height());
  for (const auto& line : lines) absl::StrAppend(&frame, "\r\x1b[K", line, "\n");
  // Clears what is left of a longer board.
  absl::StrAppend(&frame, "\x1b[J");
  terminal_.stream << frame << std::flush;
  drawn_lines_ = lines.size();
}

std::string EventLine(const v1::JobEvent& event, absl::TimeZone zone, const Terminal& terminal) {
  if (!event.has_job()) return "";
  const v1::Job& job = event.job();
  const absl::Time when = event.has_event_time() ? ToTime(event.event_time()) : absl::Now();
  std::string what;
  switch (event.type()) {
    case v1::JobEvent::TYPE_SNAPSHOT:
    case v1::JobEvent::TYPE_CREATED:
    case v1::JobEvent::TYPE_STATE_CHANGED:
    case v1::JobEvent::TYPE_PROGRESS:
      what = StateText(job.state(), terminal);
      break;
    case v1::JobEvent::TYPE_FILE_TRANSFERRED:
      what = absl::StrCat("file ", event.file().substr(event.file().rfind('/') + 1), " is here");
      break;
    case v1::JobEvent::TYPE_FILE_RESTARTED:
      what = absl::StrCat("file ", event.file().substr(event.file().rfind('/') + 1),
                          " was started over");
      break;
    case v1::JobEvent::TYPE_MODIFIED:
      what = "modified";
      break;
    case v1::JobEvent::TYPE_DELETED:
      what = "forgotten";
      break;
    default:
      return "";
  }
  std::string line =
      absl::StrCat(absl::FormatTime("%H:%M:%S", when, zone), "  ", JobId(job.name()).substr(0, 8),
                   "  ", Printable(job.display_name()), "  ", what);
  if (event.has_error()) {
    absl::StrAppend(&line, "  ", ErrorSummary(event.error()));
  } else if (job.progress().bytes_transferred() > 0) {
    absl::StrAppend(&line, "  ", ProgressText(job.progress()));
  }
  return line;
}

}  // namespace bits::cli

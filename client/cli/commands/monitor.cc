// monitor: jobs as they change.
#include <absl/strings/str_cat.h>
#include <absl/time/time.h>

#include <chrono>
#include <map>
#include <optional>
#include <set>

#include "client/cli/command.h"
#include "client/cli/job_ref.h"
#include "client/cli/monitor_board.h"
#include "client/cli/text.h"
#include "client/cli/watch_queue.h"

namespace bits::cli {
namespace {

constexpr auto kTick = std::chrono::milliseconds(500);
constexpr auto kLeastBetweenDraws = std::chrono::milliseconds(200);

class Monitor {
 public:
  // `names`: only these jobs, and only as long as one of them lives; none: all, for ever.
  Monitor(Context& context, const std::set<std::string>& names)
      : context_(context), names_(names), waiting_(names), board_(context.console.out) {}

  ExitCode Run(WatchOptions options) {
    WatchQueue queue(context_.client, std::move(options), context_.interrupts);
    while (!code_) {
      auto item = queue.Take(kTick);
      std::visit([this](auto& what) { On(what); }, item);
    }
    if (draws()) board_.Draw();
    return *code_;
  }

 private:
  bool draws() const { return context_.console.out.interactive && !context_.json; }

  void On(WatchQueue::Tick&) { Draw(true); }
  void On(WatchQueue::Interrupted&) { code_ = ExitCode::kInterrupted; }
  void On(WatchQueue::End& end) { code_ = context_.Fail("watch the jobs", end.status); }
  void On(WatchQueue::Reconnect& item) {
    if (!absl::IsUnavailable(item.why) || away_ || context_.json) return;
    away_ = true;
    context_.console.err.stream << "bitsd is away; trying again." << std::endl;
  }

  void On(WatchEvent& item) {
    away_ = false;
    const v1::JobEvent& event = item.event;
    if (item.restarted) {
      board_.Clear();
      seen_.clear();
    }
    if (event.type() == v1::JobEvent::TYPE_SNAPSHOT_END) OnSnapshotEnd();
    if (event.has_job() && !names_.empty() && !names_.contains(event.job().name())) return;
    Show(event);
    if (event.has_job()) Settle(event.type(), event.job());
    Draw(false);
  }

  // Jobs that are waited for and not in the snapshot have ended, or are gone.
  void OnSnapshotEnd() {
    const std::set<std::string> waiting = waiting_;
    for (const auto& name : waiting) {
      if (seen_.contains(name)) continue;
      const auto job = context_.client.GetJob(name);
      if (!job.ok() && !absl::IsNotFound(job.status())) {
        code_ = context_.Fail("watch the jobs", job.status());
        return;
      }
      v1::JobEvent event;
      event.set_type(job.ok() ? v1::JobEvent::TYPE_SNAPSHOT : v1::JobEvent::TYPE_DELETED);
      if (job.ok()) *event.mutable_job() = *job;
      event.mutable_job()->set_name(name);
      Show(event);
      Settle(event.type(), event.job());
    }
  }

  void Show(const v1::JobEvent& event) {
    if (context_.json) {
      context_.PrintJson(event);
    } else if (!draws()) {
      const std::string line = EventLine(event, absl::LocalTimeZone(), context_.console.out);
      if (!line.empty() && !IsRepeated(event)) context_.console.out.stream << line << std::endl;
    } else if (event.type() == v1::JobEvent::TYPE_DELETED) {
      board_.Remove(event.job().name());
    } else if (event.has_job()) {
      board_.Put(event.job(), !names_.empty());
    }
  }

  // In a log, progress is worth a line only now and then.
  bool IsRepeated(const v1::JobEvent& event) {
    const auto now = std::chrono::steady_clock::now();
    auto& last = last_progress_[event.job().name()];
    const bool soon = now - last < std::chrono::seconds(5);
    if (event.type() != v1::JobEvent::TYPE_PROGRESS) return false;
    if (!soon) last = now;
    return soon;
  }

  // When the last of the jobs that are waited for has ended, so does this.
  void Settle(v1::JobEvent::Type type, const v1::Job& job) {
    seen_.insert(job.name());
    const bool gone = type == v1::JobEvent::TYPE_DELETED;
    const bool final =
        job.state() == v1::Job::STATE_ACKNOWLEDGED || job.state() == v1::Job::STATE_CANCELLED;
    if ((!gone && !final) || waiting_.erase(job.name()) == 0) return;
    outcome_ = Combine(outcome_, gone ? ExitCode::kIncomplete : ExitCodeForFinal(job));
    if (waiting_.empty()) code_ = outcome_;
  }

  void Draw(bool due) {
    if (!draws()) return;
    const auto now = std::chrono::steady_clock::now();
    if (!due && now - drawn_at_ < kLeastBetweenDraws) return;
    drawn_at_ = now;
    board_.Draw();
  }

  Context& context_;
  const std::set<std::string> names_;
  std::set<std::string> waiting_;  // of names_: those that have not ended
  std::set<std::string> seen_;     // in this snapshot or since
  MonitorBoard board_;
  ExitCode outcome_ = ExitCode::kOk;
  std::optional<ExitCode> code_;
  bool away_ = false;
  std::chrono::steady_clock::time_point drawn_at_{};
  std::map<std::string, std::chrono::steady_clock::time_point> last_progress_;
};

// What ends is still told: the event by which a job leaves a filter is sent.
std::string LiveOnly(const std::string& filter) {
  const std::string live = "state != STATE_ACKNOWLEDGED AND state != STATE_CANCELLED";
  return filter.empty() ? live : absl::StrCat("(", filter, ") AND ", live);
}

ExitCode RunMonitor(const Arguments& arguments, Context& context) {
  WatchOptions options;
  options.filter = arguments.Get("filter").value_or("");
  options.all_owners = arguments.Has("all");
  if (!arguments.rest().empty() && !options.filter.empty()) {
    return context.Misused("give JOBs or a --filter, not both");
  }
  std::vector<v1::Job> jobs;
  std::set<std::string> names;
  for (const auto& text : arguments.rest()) {
    const std::string doing = absl::StrCat("watch ", Printable(text));
    const auto name = ResolveJob(context.client, text);
    if (!name.ok()) return context.Fail(doing, name.status());
    const auto job = context.client.GetJob(*name);
    if (!job.ok()) return context.Fail(doing, job.status());
    jobs.push_back(*job);
    names.insert(*name);
  }
  if (jobs.empty()) {
    // A watch waits for a server that is away; one that was never there is an error.
    v1::ListJobsRequest probe;
    probe.set_page_size(1);
    probe.set_filter(options.filter);
    probe.set_all_owners(options.all_owners);
    const auto answer = context.client.ListJobs(probe);
    if (!answer.ok()) return context.Fail("watch the jobs", answer.status());
    if (!arguments.Has("final")) options.filter = LiveOnly(options.filter);
  } else {
    options.filter = FilterForJobs(jobs);
  }
  return Monitor(context, names).Run(std::move(options));
}

}  // namespace

Command MonitorCommand() {
  Command command;
  command.name = "monitor";
  command.arguments = "[JOB ...]";
  command.summary = "show jobs while they change";
  command.help =
      "Without JOB all of them, until Ctrl-C. With JOBs until they have all ended: then the exit\n"
      "code is 4 if one was cancelled or is not whole. A table on a terminal, a line for each\n"
      "event elsewhere; with --json each event as bits.v1.JobEvent on a line.\n";
  command.options = {{"filter", "FILTER", "only these jobs; see `bitsctl help list`"},
                     {"all", "", "also jobs of other owners; an administrator's"},
                     {"final", "", "begin with those that have ended, too"}};
  command.waits = true;
  command.run = RunMonitor;
  return command;
}

}  // namespace bits::cli

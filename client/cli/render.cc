#include "client/cli/render.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/strings/str_join.h>

#include <algorithm>

#include "client/cli/error_text.h"
#include "client/cli/http_args.h"
#include "client/cli/notify_args.h"
#include "client/cli/job_ref.h"
#include "client/cli/text.h"
#include "client/cli/timing_args.h"
#include "client/cli/units.h"
#include "server/base/redact.h"

namespace bits::cli {
namespace {

// The name of an enum's value without its prefix; the number if it is a newer one.
template <typename Enum>
std::string Name(Enum value, const std::string& full, const char* prefix) {
  const std::string start = prefix;
  if (full.empty()) return absl::StrCat(static_cast<int>(value));
  return full.starts_with(start) ? full.substr(start.size()) : full;
}

std::string StateName(v1::Job::State state) {
  return Name(state, v1::Job::State_Name(state), "STATE_");
}

std::string PriorityName(v1::Job::Priority priority) {
  return Name(priority, v1::Job::Priority_Name(priority), "PRIORITY_");
}

constexpr std::size_t kStateColumn = 2;

// One line of a table: cells padded to the widths; `state`, if not empty, stands for
// the same word in colour.
std::string Row(const std::vector<std::string>& cells, const std::vector<int>& widths,
                const std::string& state) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    line += i == kStateColumn && !state.empty() ? state : cells[i];
    if (i + 1 < cells.size()) {
      const int padding = std::max(0, widths[i] - Columns(cells[i])) + 2;
      line.append(static_cast<std::size_t>(padding), ' ');
    }
  }
  return line;
}

// The limit that holds the job now, and whose it is.
std::string EffectiveRateText(const v1::Job& job, absl::TimeZone zone) {
  const v1::EffectiveRate& rate = job.effective_rate();
  if (!job.has_effective_rate()) return "none";
  const auto source = [&]() -> std::string {
    switch (rate.source()) {
      case v1::EffectiveRate::SOURCE_JOB:
        return "set by the job";
      case v1::EffectiveRate::SOURCE_PRIORITY:
        return "the policy's for all jobs of its priority";
      case v1::EffectiveRate::SOURCE_BACKGROUND:
        return "the policy's for all jobs below foreground";
      case v1::EffectiveRate::SOURCE_SERVER:
        return "the policy's for all transfers";
      default:
        return "the policy's";
    }
  };
  return absl::StrCat(rate.bytes_per_second() == 0
                          ? "0: it may not run"
                          : RateText(static_cast<double>(rate.bytes_per_second())),
                      ", ", source(),
                      rate.has_until() ? ", until " + TimeText(rate.until(), zone) : "");
}

const char* ResultText(v1::Job::Result result) {
  switch (result) {
    case v1::Job::RESULT_PARTIAL_COMPLETE:
      return "PARTIAL_COMPLETE: only the files that were whole are there";
    case v1::Job::RESULT_UNABLE_TO_DELETE_FILES:
      return "UNABLE_TO_DELETE_FILES: some temporary file is still there";
    case v1::Job::RESULT_OK:
      return "OK";
    default:
      return "";
  }
}

}  // namespace

std::string StateText(v1::Job::State state, const Terminal& terminal) {
  std::string name = StateName(state);
  switch (state) {
    case v1::Job::STATE_ERROR:
    case v1::Job::STATE_CANCELLED:
      return terminal.Paint(Style::kRed, name);
    case v1::Job::STATE_TRANSIENT_ERROR:
      return terminal.Paint(Style::kYellow, name);
    case v1::Job::STATE_TRANSFERRED:
    case v1::Job::STATE_ACKNOWLEDGED:
      return terminal.Paint(Style::kGreen, name);
    case v1::Job::STATE_CONNECTING:
    case v1::Job::STATE_TRANSFERRING:
      return terminal.Paint(Style::kCyan, name);
    default:
      return name;
  }
}

std::string ProgressText(const v1::JobProgress& progress) {
  const std::uint64_t done = progress.bytes_transferred();
  if (!progress.has_bytes_total()) return BytesText(done) + " of unknown";
  const std::uint64_t total = progress.bytes_total();
  const auto percent =
      total == 0 ? 100U
                 : static_cast<unsigned>(100.0 * static_cast<double>(std::min(done, total)) /
                                         static_cast<double>(total));
  return absl::StrCat(BytesText(done), " of ", BytesText(total), " (", percent, "%)");
}

std::string WaitText(const v1::Wait& wait, absl::Time now, absl::TimeZone zone) {
  switch (wait.reason()) {
    case v1::Wait::REASON_UNSPECIFIED:
      return "";
    case v1::Wait::REASON_SUSPENDED:
      return "waits for its owner to resume it";
    case v1::Wait::REASON_SLOT:
      return "waits for its turn";
    case v1::Wait::REASON_RETRY: {
      if (!wait.has_until()) return "waits for its next try";
      const absl::Time until = ToTime(wait.until());
      return absl::StrCat("next try in ", DurationText(until - now), " (",
                          absl::FormatTime("%H:%M:%S", until, zone), ")");
    }
    case v1::Wait::REASON_HOST:
      return "waits for its host, which cannot be reached";
    case v1::Wait::REASON_DESTINATION:
      return "waits for room: its root is full or read-only";
    case v1::Wait::REASON_NOT_BEFORE:
      return absl::StrCat("may not run for ", DurationText(ToTime(wait.until()) - now), " (until ",
                          TimeText(wait.until(), zone), ")");
    case v1::Wait::REASON_ERROR:
      return "waits for its owner to mend the error";
    case v1::Wait::REASON_COMPLETE:
      return "waits for its owner to complete it";
    case v1::Wait::REASON_COMPLETION_FAILED:
      return "could not complete itself (see bitsctl errors): waits for its owner to complete it";
    case v1::Wait::REASON_POLICY:
      if (!wait.has_until()) return "the bandwidth policy lets it not run";
      return absl::StrCat("the bandwidth policy lets it not run, for ",
                          DurationText(ToTime(wait.until()) - now), " (until ",
                          absl::FormatTime("%a %H:%M", ToTime(wait.until()), zone), ")");
    default:
      return Name(wait.reason(), v1::Wait::Reason_Name(wait.reason()), "REASON_");
  }
}

std::vector<std::string> JobTable(const std::vector<v1::Job>& jobs, bool long_ids,
                                  const Terminal& terminal, std::vector<int>& widths) {
  constexpr std::size_t kShortId = 8;
  constexpr int kMostName = 40;
  const std::vector<std::string> heading = {"ID", "NAME", "STATE", "PRIORITY", "FILES", "PROGRESS"};
  const bool first = widths.empty();

  std::vector<std::vector<std::string>> rows;
  if (first) rows.push_back(heading);
  for (const auto& job : jobs) {
    const std::string id = JobId(job.name());
    rows.push_back(
        {long_ids ? id : id.substr(0, kShortId), Shorten(Printable(job.display_name()), kMostName),
         StateName(job.state()), PriorityName(job.priority()),
         absl::StrCat(job.progress().files_transferred(), "/", job.progress().files_total()),
         ProgressText(job.progress())});
  }
  widths.resize(heading.size(), 0);
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], Columns(row[i]));
  }
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (first && i == 0) {
      lines.push_back(terminal.Paint(Style::kBold, Row(rows[0], widths, "")));
      continue;
    }
    const auto state = jobs[i - (first ? 1 : 0)].state();
    lines.push_back(Row(rows[i], widths, StateText(state, terminal)));
  }
  return lines;
}

std::string JobDetails(const v1::Job& job, const std::optional<v1::Error>& error, absl::Time now,
                       absl::TimeZone zone, const Terminal& terminal) {
  std::string text;
  const auto raw = [&text](const std::string& title, const std::string& value) {
    if (!value.empty()) absl::StrAppendFormat(&text, "%-22s %s\n", title + ":", value);
  };
  const auto line = [&raw](const std::string& title, const std::string& value) {
    raw(title, Printable(value));
  };
  const auto duration = [&line](const char* title, const google::protobuf::Duration& value,
                                const char* zero) {
    const absl::Duration length = ToDuration(value);
    line(title, length == absl::ZeroDuration() ? zero : DurationText(length));
  };

  line("Job", job.name());
  line("Name", job.display_name());
  line("Description", job.description());
  raw("State", StateText(job.state(), terminal));
  line("Wait", WaitText(job.wait(), now, zone));
  line("Result", ResultText(job.result()));
  line("Type", Name(job.type(), v1::Job::Type_Name(job.type()), "TYPE_"));
  line("Priority", PriorityName(job.priority()));
  line("Owner", job.owner());
  line("Files", absl::StrCat(job.progress().files_transferred(), " of ",
                             job.progress().files_total(), " transferred"));
  line("Bytes", ProgressText(job.progress()));
  line("Created", TimeText(job.create_time(), zone));
  line("Changed", TimeText(job.update_time(), zone));
  line("Transferred", TimeText(job.transfer_completion_time(), zone));
  line("Expires", TimeText(job.expire_time(), zone));
  duration("Retry delay", job.minimum_retry_delay(), "0s");
  duration("No-progress timeout", job.no_progress_timeout(), "0s: every error is fatal");
  duration("Maximum download time", job.maximum_download_time(), "no limit");
  line("Parallel files", absl::StrCat(job.transfer_options().max_parallel_files() == 0
                                          ? 4
                                          : job.transfer_options().max_parallel_files()));
  line("Rate limit", EffectiveRateText(job, zone));
  if (job.transfer_options().max_download_size() != 0) {
    line("Maximum size", BytesText(job.transfer_options().max_download_size()));
  }
  if (job.transfer_options().dynamic_content()) line("Dynamic content", "yes");
  if (job.transfer_options().high_performance()) line("High performance", "yes");
  if (job.auto_complete()) line("Auto-complete", "yes");
  line("Require ranges", job.transfer_options().require_ranges() ? "yes" : "no");
  for (const auto& [title, value] : TimingDetails(job, zone)) line(title, value);
  for (const auto& [title, value] : HttpDetails(job)) line(title, value);
  for (const auto& [title, value] : NotifyDetails(job)) line(title, value);
  line("Attempts", absl::StrCat(job.attempt_count()));
  line("Errors", absl::StrCat(job.error_count()));
  std::vector<std::string> labels;
  for (const auto& [key, value] : job.labels()) labels.push_back(absl::StrCat(key, "=", value));
  std::sort(labels.begin(), labels.end());
  for (const auto& label : labels) line("Label", label);
  if (error) absl::StrAppend(&text, "\n", ErrorDetails(*error, zone));
  return text;
}

std::string FileDetails(const v1::File& file, absl::TimeZone zone, bool show_urls) {
  v1::JobProgress progress;
  progress.set_bytes_transferred(file.progress().bytes_transferred());
  if (file.progress().has_bytes_total()) progress.set_bytes_total(file.progress().bytes_total());
  const bool whole = file.progress().has_bytes_total() &&
                     file.progress().bytes_transferred() == file.progress().bytes_total();
  std::string text =
      absl::StrCat(file.name().substr(file.name().rfind('/') + 1), "  ",
                   Printable(file.local_name()), "  ", ProgressText(progress),
                   file.progress().completed() ? "  COMPLETED"
                   : whole                     ? "  WHOLE"
                                               : "",
                   "\n    from ",
                   Printable(show_urls ? file.remote_name() : RedactUrl(file.remote_name())), "\n");
  for (int i = 0; i < file.mirrors_size(); ++i) {
    const std::string& mirror = file.mirrors(i);
    absl::StrAppend(&text, "    or from ", Printable(show_urls ? mirror : RedactUrl(mirror)),
                    static_cast<int>(file.mirror()) == i + 1 ? "  (in use)" : "", "\n");
  }
  if (!file.temporary_name().empty() && whole) {
    absl::StrAppend(&text, "    now at ", Printable(file.temporary_name()), "\n");
  }
  if (file.validation_state() != v1::File::VALIDATION_STATE_UNSPECIFIED) {
    absl::StrAppend(
        &text, "    said to be ",
        Name(file.validation_state(), v1::File::ValidationState_Name(file.validation_state()),
             "VALIDATION_STATE_"),
        "\n");
  }
  if (file.ranges_size() > 0) {
    std::vector<std::string> parts;
    for (const v1::FileRange& range : file.ranges()) {
      parts.push_back(absl::StrCat(range.offset(), ":", range.has_length()
                                                            ? absl::StrCat(range.length())
                                                            : std::string("eof")));
    }
    absl::StrAppend(&text, "    ranges ", absl::StrJoin(parts, ","), "\n");
  }
  if (file.has_last_modified()) {
    absl::StrAppend(&text, "    last modified ", TimeText(file.last_modified(), zone), "\n");
  }
  if (file.has_checksum()) {
    absl::StrAppend(&text, "    checksum ",
                    Name(file.checksum().algorithm(),
                         v1::Checksum::Algorithm_Name(file.checksum().algorithm()), "ALGORITHM_"),
                    file.checksum().hex().empty() ? "" : " ", Printable(file.checksum().hex()));
    const std::string& uri = file.checksum().uri();
    if (!uri.empty()) absl::StrAppend(&text, " from ", Printable(show_urls ? uri : RedactUrl(uri)));
    text += '\n';
  }
  for (const auto& header : file.response_headers()) {
    absl::StrAppend(&text, "    < ", Printable(header.name()), ": ", Printable(header.value()),
                    "\n");
  }
  if (file.restarts() > 0) {
    absl::StrAppend(&text, "    started over ", file.restarts(), " times\n");
  }
  return text;
}

}  // namespace bits::cli

// list, info, files: jobs as they stand.
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>

#include <algorithm>

#include "client/cli/command.h"
#include "client/cli/job_ref.h"
#include "client/cli/json.h"
#include "client/cli/render.h"
#include "client/cli/text.h"

namespace bits::cli {
namespace {

constexpr std::size_t kPage = 500;

// Writes jobs as they come, a page at a time, so that a million of them need no memory.
class JobWriter {
 public:
  JobWriter(const Context& context, bool long_ids) : context_(context), long_ids_(long_ids) {}

  void Write(const v1::Job& job) {
    ++count_;
    if (context_.json) {
      out() << (count_ == 1 ? "{\"jobs\":[" : ",") << ToJson(job);
      return;
    }
    page_.push_back(job);
    if (page_.size() == kPage) Flush();
  }

  void Finish() {
    if (context_.json) {
      out() << (count_ == 0 ? "{\"jobs\":[" : "") << "]}" << std::endl;
      return;
    }
    Flush();
    if (count_ == 0) context_.console.err.stream << "There are no jobs." << std::endl;
  }

  std::size_t count() const { return count_; }

 private:
  std::ostream& out() const { return context_.console.out.stream; }

  void Flush() {
    if (page_.empty()) return;
    for (const auto& line : JobTable(page_, long_ids_, context_.console.out, widths_)) {
      out() << line << "\n";
    }
    out() << std::flush;
    page_.clear();
  }

  const Context& context_;
  const bool long_ids_;
  std::size_t count_ = 0;
  std::vector<v1::Job> page_;
  std::vector<int> widths_;
};

ExitCode RunList(const Arguments& arguments, Context& context) {
  if (!arguments.rest().empty()) {
    return context.Misused(
        "list takes no arguments; --filter chooses, `bitsctl info JOB` shows one");
  }
  std::size_t limit = SIZE_MAX;
  if (const auto text = arguments.Get("limit")) {
    if (!absl::SimpleAtoi(*text, &limit) || limit == 0) {
      return context.Misused("--limit wants a number from 1");
    }
  }
  v1::ListJobsRequest request;
  request.set_filter(arguments.Get("filter").value_or(""));
  request.set_all_owners(arguments.Has("all"));
  request.set_show_final(arguments.Has("final"));
  request.set_page_size(static_cast<std::int32_t>(std::min(limit, kPage)));

  JobWriter writer(context, arguments.Has("long"));
  const auto status = context.client.ForEachJob(request, [&](const v1::Job& job) {
    writer.Write(job);
    return writer.count() < limit;
  });
  if (!status.ok()) return context.Fail("list the jobs", status);
  writer.Finish();
  return ExitCode::kOk;
}

ExitCode RunInfo(const Arguments& arguments, Context& context) {
  if (arguments.rest().size() != 1) return context.Misused("info wants one JOB");
  const std::string doing = absl::StrCat("show ", Printable(arguments.rest()[0]));
  const auto name = ResolveJob(context.client, arguments.rest()[0]);
  if (!name.ok()) return context.Fail(doing, name.status());
  const auto job = context.client.GetJob(*name);
  if (!job.ok()) return context.Fail(doing, job.status());
  if (context.json) {
    context.PrintJson(*job);
    return ExitCode::kOk;
  }
  const auto error = context.client.GetError(*name);
  context.console.out.stream << JobDetails(
                                    *job,
                                    error.ok() ? std::optional<v1::Error>(*error) : std::nullopt,
                                    absl::Now(), absl::LocalTimeZone(), context.console.out)
                             << std::flush;
  return ExitCode::kOk;
}

ExitCode RunFiles(const Arguments& arguments, Context& context) {
  if (arguments.rest().size() != 1) return context.Misused("files wants one JOB");
  const std::string doing = absl::StrCat("show the files of ", Printable(arguments.rest()[0]));
  const auto name = ResolveJob(context.client, arguments.rest()[0]);
  if (!name.ok()) return context.Fail(doing, name.status());
  v1::ListFilesRequest request;
  request.set_parent(*name);
  request.set_page_size(kPage);
  std::ostream& out = context.console.out.stream;
  bool any = false;
  const auto status = context.client.ForEachFile(request, [&](const v1::File& file) {
    if (context.json) {
      out << (any ? "," : "{\"files\":[") << ToJson(file);
    } else {
      out << FileDetails(file, absl::LocalTimeZone(), arguments.Has("show-urls"));
    }
    any = true;
    return true;
  });
  if (!status.ok()) return context.Fail(doing, status);
  if (context.json) out << (any ? "" : "{\"files\":[") << "]}" << std::endl;
  if (!any && !context.json) context.console.err.stream << "The job has no files." << std::endl;
  out << std::flush;
  return ExitCode::kOk;
}

}  // namespace

Command ListCommand() {
  Command command;
  command.name = "list";
  command.summary = "list jobs, oldest first";
  command.help =
      "A filter compares fields and joins comparisons by AND, OR, NOT and parentheses, such as\n"
      "  bitsctl list --filter='state = STATE_ERROR OR error_count > 3'\n"
      "  bitsctl list --filter='display_name = \"nightly*\" AND labels.team = \"web\"'\n"
      "Fields: state, type, priority, owner, display_name, labels.KEY, create_time, update_time,\n"
      "error_count.\n";
  command.options = {{"filter", "FILTER", "only these jobs"},
                     {"all", "", "also jobs of other owners; an administrator's"},
                     {"final", "", "also jobs that have ended"},
                     {"limit", "N", "at most so many"},
                     {"long", "", "ids in full"}};
  command.run = RunList;
  return command;
}

Command InfoCommand() {
  Command command;
  command.name = "info";
  command.arguments = "JOB";
  command.summary = "show everything about a job";
  command.help = "With the error that the job keeps, if there is one (not with --json).\n";
  command.run = RunInfo;
  return command;
}

Command FilesCommand() {
  Command command;
  command.name = "files";
  command.arguments = "JOB";
  command.summary = "show the files of a job";
  command.help = "With --json their URLs are whole, as with --show-urls.\n";
  command.options = {
      {"show-urls", "", "URLs with names, passwords and queries, which may be secrets"}};
  command.run = RunFiles;
  return command;
}

}  // namespace bits::cli

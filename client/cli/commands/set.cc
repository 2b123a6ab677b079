// set, set-remote, replace-prefix and validate: properties of jobs and files.
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

#include "client/cli/command.h"
#include "client/cli/job_options.h"
#include "client/cli/job_ref.h"
#include "client/cli/text.h"

namespace bits::cli {
namespace {

// Labels are written as a whole, so what is there is read first, and the write is
// refused (ABORTED) if somebody else came between.
constexpr int kMostTries = 5;

absl::StatusOr<v1::Job> UpdateLabels(const Arguments& arguments, v1::UpdateJobRequest request,
                                     const Client& client) {
  absl::StatusOr<v1::Job> updated;
  for (int i = 0; i < kMostTries; ++i) {
    const auto job = client.GetJob(request.job().name());
    if (!job.ok()) return job.status();
    *request.mutable_job()->mutable_labels() = job->labels();
    for (const auto& key : arguments.GetAll("remove-label")) {
      request.mutable_job()->mutable_labels()->erase(key);
    }
    const auto mask = ApplyJobOptions(arguments, *request.mutable_job());
    if (!mask.ok()) return mask.status();
    request.mutable_job()->set_etag(job->etag());
    updated = client.UpdateJob(request);
    if (!absl::IsAborted(updated.status())) break;
  }
  return updated;
}

ExitCode RunSet(const Arguments& arguments, Context& context) {
  if (arguments.rest().size() != 1) return context.Misused("set wants one JOB");
  v1::UpdateJobRequest request;
  auto mask = ApplyJobOptions(arguments, *request.mutable_job());
  if (!mask.ok()) return context.Misused(std::string(mask.status().message()));
  if (const auto name = arguments.Get("name")) {
    request.mutable_job()->set_display_name(*name);
    mask->emplace_back("display_name");
  }
  const bool labels = arguments.Has("label") || arguments.Has("remove-label");
  if (labels && !arguments.Has("label")) mask->emplace_back("labels");
  if (mask->empty()) return context.Misused("there is nothing to set; see `bitsctl help set`");
  for (const auto& path : *mask) request.mutable_update_mask()->add_paths(path);

  const std::string doing = absl::StrCat("change ", Printable(arguments.rest()[0]));
  const auto name = ResolveJob(context.client, arguments.rest()[0]);
  if (!name.ok()) return context.Fail(doing, name.status());
  request.mutable_job()->set_name(*name);
  const auto job =
      labels ? UpdateLabels(arguments, request, context.client) : context.client.UpdateJob(request);
  if (!job.ok()) return context.Fail(doing, job.status());
  if (context.json) context.PrintJson(*job);
  return ExitCode::kOk;
}

constexpr char kWrongFile[] = "FILE is its number, from 1; `bitsctl files JOB` shows them";

// 0: it is no number of a file.
std::uint32_t OrdinalOf(const std::string& text) {
  std::uint32_t ordinal = 0;
  return absl::SimpleAtoi(text, &ordinal) ? ordinal : 0;
}

ExitCode RunSetRemote(const Arguments& arguments, Context& context) {
  if (arguments.rest().size() != 3) return context.Misused("set-remote wants JOB FILE URL");
  const std::string& file = arguments.rest()[1];
  const std::uint32_t ordinal = OrdinalOf(file);
  if (ordinal == 0) return context.Misused(kWrongFile);
  const std::string doing =
      absl::StrCat("change file ", file, " of ", Printable(arguments.rest()[0]));
  const auto name = ResolveJob(context.client, arguments.rest()[0]);
  if (!name.ok()) return context.Fail(doing, name.status());
  const auto updated =
      context.client.SetRemoteName(absl::StrCat(*name, "/files/", ordinal), arguments.rest()[2]);
  if (!updated.ok()) return context.Fail(doing, updated.status());
  if (context.json) context.PrintJson(*updated);
  return ExitCode::kOk;
}

ExitCode RunReplacePrefix(const Arguments& arguments, Context& context) {
  if (arguments.rest().size() != 3) {
    return context.Misused("replace-prefix wants JOB OLD_PREFIX NEW_PREFIX");
  }
  const std::string doing = absl::StrCat("change files of ", Printable(arguments.rest()[0]));
  const auto name = ResolveJob(context.client, arguments.rest()[0]);
  if (!name.ok()) return context.Fail(doing, name.status());
  const auto replaced =
      context.client.ReplaceRemotePrefix(*name, arguments.rest()[1], arguments.rest()[2]);
  if (!replaced.ok()) return context.Fail(doing, replaced.status());
  if (context.json) {
    context.PrintJson(*replaced);
  } else {
    context.console.out.stream << replaced->files_changed() << " files changed" << std::endl;
  }
  return ExitCode::kOk;
}

ExitCode RunValidate(const Arguments& arguments, Context& context) {
  if (arguments.rest().size() != 3 ||
      (arguments.rest()[2] != "valid" && arguments.rest()[2] != "invalid")) {
    return context.Misused("validate wants JOB FILE valid|invalid");
  }
  const std::string& file = arguments.rest()[1];
  const std::uint32_t ordinal = OrdinalOf(file);
  if (ordinal == 0) return context.Misused(kWrongFile);
  const std::string doing =
      absl::StrCat("validate file ", file, " of ", Printable(arguments.rest()[0]));
  const auto name = ResolveJob(context.client, arguments.rest()[0]);
  if (!name.ok()) return context.Fail(doing, name.status());
  const auto updated = context.client.SetValidationState(
      absl::StrCat(*name, "/files/", ordinal), arguments.rest()[2] == "valid");
  if (!updated.ok()) return context.Fail(doing, updated.status());
  if (context.json) context.PrintJson(*updated);
  return ExitCode::kOk;
}

}  // namespace

Command SetCommand() {
  Command command;
  command.name = "set";
  command.arguments = "JOB";
  command.summary = "change properties of a job";
  command.help = "Prints nothing when it is done.\n";
  command.options = {{"name", "NAME", "what the job is called"}};
  command.options.insert(command.options.end(), JobOptionSpecs().begin(), JobOptionSpecs().end());
  command.options.insert(command.options.end(), AutoCompleteSpecs().begin(),
                         AutoCompleteSpecs().end());
  command.options.push_back({"remove-label", "KEY", "take a mark away", true});
  command.run = RunSet;
  return command;
}

Command SetRemoteCommand() {
  Command command;
  command.name = "set-remote";
  command.arguments = "JOB FILE URL";
  command.summary = "fetch a file from elsewhere";
  command.help =
      "FILE is the number of the file in its job. What is here already is kept only if the new\n"
      "origin proves that it has the same version. A job that an error stopped stays stopped\n"
      "until `bitsctl resume`. Prints nothing when it is done.\n";
  command.run = RunSetRemote;
  return command;
}

Command ReplacePrefixCommand() {
  Command command;
  command.name = "replace-prefix";
  command.arguments = "JOB OLD_PREFIX NEW_PREFIX";
  command.summary = "fetch files from elsewhere, by how their URLs begin";
  command.help =
      "Of the files that are not here yet and whose URL begins with OLD_PREFIX; says how many\n"
      "they are. As with set-remote, a job that an error stopped stays stopped.\n";
  command.run = RunReplacePrefix;
  return command;
}

Command ValidateCommand() {
  Command command;
  command.name = "validate";
  command.arguments = "JOB FILE valid|invalid";
  command.summary = "say whether a file's content is what it should be";
  command.help =
      "FILE is the number of the file in its job; all its bytes must be here. `bitsctl files JOB`\n"
      "says where they can be read. With invalid the job stops with an error, and `bitsctl resume`\n"
      "fetches the file anew. Prints nothing when it is done.\n";
  command.run = RunValidate;
  return command;
}

}  // namespace bits::cli

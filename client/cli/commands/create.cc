// create and add: jobs without waiting for them.
#include <absl/strings/str_cat.h>

#include "client/cli/command.h"
#include "client/cli/file_args.h"
#include "client/cli/job_options.h"
#include "client/cli/job_ref.h"
#include "client/cli/text.h"

namespace bits::cli {
namespace {

ExitCode RunCreate(const Arguments& arguments, Context& context) {
  if (arguments.rest().size() != 1) return context.Misused("create wants one NAME");
  v1::CreateJobRequest request;
  request.mutable_job()->set_display_name(arguments.rest()[0]);
  const auto mask = ApplyJobOptions(arguments, *request.mutable_job());
  if (!mask.ok()) return context.Misused(std::string(mask.status().message()));
  for (const auto& text : arguments.GetAll("file")) {
    auto file = FileFromAssignment(text);
    if (!file.ok()) return context.Misused(std::string(file.status().message()));
    *request.add_files() = *std::move(file);
  }
  request.set_start(arguments.Has("start"));

  const auto job = context.client.CreateJob(request);
  if (!job.ok()) return context.Fail("create the job", job.status());
  if (context.json) {
    context.PrintJson(*job);
  } else {
    context.console.out.stream << JobId(job->name()) << std::endl;
  }
  return ExitCode::kOk;
}

ExitCode RunAdd(const Arguments& arguments, Context& context) {
  const auto list = arguments.Get("from");
  if (list ? arguments.rest().size() != 1 : arguments.rest().size() < 3) {
    return context.Misused("add wants JOB URL LOCAL [URL LOCAL ...], or JOB --from=FILE");
  }
  const std::string& text = arguments.rest()[0];
  auto files = list ? FilesFromList(*list)
                    : FilesFromPairs({arguments.rest().begin() + 1, arguments.rest().end()}, false);
  if (!files.ok()) return context.Misused(std::string(files.status().message()));
  if (auto status = ApplyFileOptions(arguments, *files); !status.ok()) {
    return context.Misused(std::string(status.message()));
  }

  const std::string doing = absl::StrCat("add to ", Printable(text));
  const auto name = ResolveJob(context.client, text);
  if (!name.ok()) return context.Fail(doing, name.status());
  v1::AddFilesRequest request;
  request.set_parent(*name);
  for (auto& file : *files) *request.add_files() = std::move(file);
  const auto added = context.client.AddFiles(request);
  if (!added.ok()) return context.Fail(doing, added.status());
  if (context.json) {
    context.PrintJson(*added);
    return ExitCode::kOk;
  }
  for (const auto& file : added->files()) {
    context.console.out.stream << file.name() << "  " << Printable(file.local_name()) << std::endl;
  }
  if (added->job().state() == v1::Job::STATE_TRANSFERRED) {
    context.console.err.stream << "The job has stopped already: " << context.program << " resume "
                               << JobId(*name) << " fetches the new files." << std::endl;
  }
  return ExitCode::kOk;
}

}  // namespace

Command CreateCommand() {
  Command command;
  command.name = "create";
  command.arguments = "NAME";
  command.summary = "make a job, and print its id";
  command.help =
      "The job is suspended unless --start is said; it goes on without bitsctl. When all of it\n"
      "is there it waits for `bitsctl complete`, unless --auto-complete is said.\n";
  command.options = {
      {"file", "URL=LOCAL", "a file to fetch; LOCAL is a path under a root of bitsd", true},
      {"start", "", "let it run at once; needs a --file"}};
  command.options.insert(command.options.end(), JobOptionSpecs().begin(), JobOptionSpecs().end());
  command.options.insert(command.options.end(), AutoCompleteSpecs().begin(),
                         AutoCompleteSpecs().end());
  command.run = RunCreate;
  return command;
}

Command AddCommand() {
  Command command;
  command.name = "add";
  command.arguments = "JOB URL LOCAL [URL LOCAL ...] | JOB --from=FILE";
  command.summary = "add files to a job";
  command.help = "All of them or none. LOCAL is a path under a root of bitsd.\n";
  command.options = {{"from", "FILE", "a list: a URL, a space and its LOCAL on each line"}};
  for (const OptionSpec& option : FileOptionSpecs()) command.options.push_back(option);
  command.run = RunAdd;
  return command;
}

}  // namespace bits::cli

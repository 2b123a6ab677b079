// resume, suspend, complete, cancel, take: one verb for each of some jobs. reset: cancel, for all.
#include <absl/strings/str_cat.h>
#include <absl/time/time.h>

#include <string>
#include <vector>

#include "client/cli/command.h"
#include "client/cli/job_ref.h"
#include "client/cli/render.h"
#include "client/cli/text.h"

namespace bits::cli {
namespace {

using Verb = absl::StatusOr<v1::Job> (Client::*)(const std::string&, const CallOptions&) const;

// CompleteJob waits for disks.
CallOptions Patient() {
  CallOptions options;
  options.timeout = std::chrono::minutes(10);
  return options;
}

void Tell(const v1::Job& job, const Context& context) {
  const Terminal& out = context.console.out;
  out.stream << JobId(job.name()) << "  " << Printable(job.display_name()) << "  "
             << StateText(job.state(), out);
  if (job.result() == v1::Job::RESULT_PARTIAL_COMPLETE) {
    out.stream << "  (only the files that were whole are there)";
  } else if (job.result() == v1::Job::RESULT_UNABLE_TO_DELETE_FILES) {
    out.stream << "  (some temporary file could not be deleted)";
  }
  out.stream << std::endl;
}

ExitCode RunVerb(const char* name, Verb verb, bool ends_well, const Arguments& arguments,
                 Context& context) {
  if (arguments.rest().empty()) return context.Misused("which JOB?");
  ExitCode code = ExitCode::kOk;
  for (const auto& text : arguments.rest()) {
    const std::string doing = absl::StrCat(name, " ", Printable(text));
    const auto resolved = ResolveJob(context.client, text);
    if (!resolved.ok()) {
      code = Combine(code, context.Fail(doing, resolved.status()));
      continue;
    }
    const auto job = (context.client.*verb)(*resolved, Patient());
    if (!job.ok()) {
      code = Combine(code, context.Fail(doing, job.status()));
      continue;
    }
    if (context.json) {
      context.PrintJson(*job);
    } else {
      Tell(*job, context);
    }
    if (ends_well) code = Combine(code, ExitCodeForFinal(*job));
  }
  return code;
}

ExitCode RunReset(const Arguments& arguments, Context& context) {
  if (!arguments.rest().empty()) {
    return context.Misused("reset takes no arguments; `bitsctl cancel JOB` ends one job");
  }
  v1::ListJobsRequest request;
  request.set_all_owners(arguments.Has("all"));
  request.set_page_size(500);
  std::vector<std::string> names;
  const auto status = context.client.ForEachJob(request, [&](const v1::Job& job) {
    names.push_back(job.name());
    return true;
  });
  if (!status.ok()) return context.Fail("list the jobs", status);
  ExitCode code = ExitCode::kOk;
  for (const std::string& name : names) {
    const auto job = context.client.CancelJob(name, Patient());
    // Somebody else was faster.
    if (absl::IsNotFound(job.status()) || absl::IsFailedPrecondition(job.status())) continue;
    if (!job.ok()) {
      code = Combine(code, context.Fail(absl::StrCat("cancel ", JobId(name)), job.status()));
    } else if (context.json) {
      context.PrintJson(*job);
    } else {
      Tell(*job, context);
    }
  }
  return code;
}

Command ResetCommand() {
  Command command;
  command.name = "reset";
  command.summary = "cancel all your jobs";
  command.help = "Jobs that were created meanwhile stay. (BITS: bitsadmin /reset)\n";
  command.options = {{"all", "", "also those of other owners; an administrator's"}};
  command.run = RunReset;
  return command;
}

Command MakeVerb(const char* name, Verb verb, bool ends_well, const char* summary,
                 const char* help) {
  Command command;
  command.name = name;
  command.arguments = "JOB [JOB ...]";
  command.summary = summary;
  command.help = help;
  command.run = [name, verb, ends_well](const Arguments& arguments, Context& context) {
    return RunVerb(name, verb, ends_well, arguments, context);
  };
  return command;
}

}  // namespace

std::vector<Command> VerbCommands() {
  return {
      MakeVerb(
          "resume", &Client::ResumeJob, false, "let jobs run",
          "A job that is suspended or stopped by an error becomes runnable; one that waits\n"
          "for its next try makes it at once. `bitsctl transfer --resume JOB` also shows it.\n"),
      MakeVerb("suspend", &Client::SuspendJob, false, "stop jobs, keeping what they have",
               "`bitsctl resume` goes on where they stopped.\n"),
      MakeVerb("complete", &Client::CompleteJob, true, "give the files their names, end the jobs",
               "Files that are whole get their final names. Those that are not are deleted: then\n"
               "the exit code is 4.\n"),
      MakeVerb("cancel", &Client::CancelJob, false, "end jobs and delete what they fetched",
               "What `bitsctl complete` has published stays.\n"),
      MakeVerb("take", &Client::TakeOwnership, false, "become the owner of jobs",
               "An administrator's. What the former owner alone knew is gone from the job:\n"
               "credentials, custom headers and the like. (BITS: TakeOwnership)\n"),
      ResetCommand(),
  };
}

}  // namespace bits::cli

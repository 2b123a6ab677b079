// transfer: the whole life of a job, as one sees it.
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <absl/time/time.h>

#include <memory>

#include "client/cli/command.h"
#include "client/cli/error_text.h"
#include "client/cli/file_args.h"
#include "client/cli/follow.h"
#include "client/cli/job_options.h"
#include "client/cli/job_ref.h"
#include "client/cli/json.h"
#include "client/cli/progress_display.h"
#include "client/cli/text.h"
#include "client/cli/units.h"

namespace bits::cli {
namespace {

class Silence final : public FollowListener {
 public:
  void OnJob(const v1::Job&) override {}
  void OnTransientError(const v1::Error&) override {}
  void OnFileRestarted(const std::string&) override {}
  void OnReconnect(const absl::Status&, std::chrono::milliseconds) override {}
  void OnTick() override {}
};

class Transfer {
 public:
  Transfer(Context& context, bool quiet) : context_(context), quiet_(quiet || context.json) {}

  // From the job as the server gave it to the end.
  ExitCode Run(const v1::Job& job) {
    id_ = JobId(job.name());
    if (!quiet_) err() << "Job " << id_ << std::endl;
    FollowResult result;
    {
      std::unique_ptr<FollowListener> listener = std::make_unique<Silence>();
      if (!quiet_) {
        listener =
            std::make_unique<ProgressDisplay>(context_.console.err, job.display_name(),
                                              absl::StrCat(context_.program, " resume ", id_));
      }
      result = FollowJob(context_.client, job, context_.interrupts, *listener);
    }
    switch (result.end) {
      case FollowResult::End::kStopped:
        return OnStopped(result);
      case FollowResult::End::kForgotten:
        err() << "bitsctl: the job has ended, and the server has forgotten it." << std::endl;
        return ExitCode::kIncomplete;
      case FollowResult::End::kInterrupted:
        return OnInterrupted();
      case FollowResult::End::kFailed:
        break;
    }
    const ExitCode code = context_.Fail("follow the job", result.status);
    if (!context_.json) TellHowToGoOn("The job may well go on without bitsctl.");
    return code;
  }

 private:
  std::ostream& err() const { return context_.console.err.stream; }

  ExitCode OnStopped(const FollowResult& result) {
    if (result.job.state() == v1::Job::STATE_ERROR) return OnError(result);
    if (result.job.state() == v1::Job::STATE_TRANSFERRED) return Complete(result.job);
    return OnFinal(result.job);
  }

  ExitCode OnError(const FollowResult& result) {
    if (context_.json) {
      context_.PrintJson(result.job);
      err() << ToJson(result.error.value_or(v1::Error())) << std::endl;
      return ExitCode::kJobError;
    }
    err() << context_.console.err.Paint(Style::kRed, "bitsctl: the job stopped with an error.")
          << "\n";
    if (result.error) {
      err() << ErrorDetails(*result.error, absl::LocalTimeZone()) << "\n"
            << ErrorAdvice(*result.error, context_.program, id_);
    } else {
      err() << "  " << context_.program << " errors " << id_
            << "\n      shows what is known of it\n";
    }
    err() << std::flush;
    return ExitCode::kJobError;
  }

  ExitCode Complete(const v1::Job& transferred) {
    CallOptions patient;
    patient.timeout = std::chrono::minutes(10);
    const auto job = context_.client.CompleteJob(transferred.name(), patient);
    if (job.ok()) return OnFinal(*job);
    // Somebody else may have been quicker.
    const auto now = context_.client.GetJob(transferred.name());
    if (now.ok() && now->state() == v1::Job::STATE_ACKNOWLEDGED) return OnFinal(*now);
    const ExitCode code = context_.Fail("complete the job", job.status());
    if (!context_.json) TellHowToGoOn("All its bytes are here; it waits to be completed.");
    return code;
  }

  ExitCode OnFinal(const v1::Job& job) {
    const ExitCode code = ExitCodeForFinal(job);
    if (context_.json) {
      context_.PrintJson(job);
    } else if (job.state() == v1::Job::STATE_CANCELLED) {
      err() << "bitsctl: the job was cancelled." << std::endl;
    } else {
      if (code != ExitCode::kOk) {
        err() << "bitsctl: the job was completed with only some of its files." << std::endl;
      }
      TellSaved(job);
    }
    return code;
  }

  void TellSaved(const v1::Job& job) {
    v1::ListFilesRequest request;
    request.set_parent(job.name());
    request.set_page_size(2);
    const auto files = context_.client.ListFiles(request);
    const bool one = files.ok() && files->files_size() == 1;
    const std::uint32_t count = job.progress().files_transferred();
    if (count == 0) return;
    context_.console.out.stream << "Saved "
                                << (one ? Printable(PathOf(files->files(0)))
                                        : absl::StrCat(count, count == 1 ? " file" : " files"))
                                << ": " << BytesText(job.progress().bytes_transferred()) << " in "
                                << Elapsed(job) << std::endl;
    if (job.result() == v1::Job::RESULT_UNABLE_TO_DELETE_FILES) {
      err() << "Some temporary file could not be deleted." << std::endl;
    }
  }

  // An older server does not tell the path.
  static const std::string& PathOf(const v1::File& file) {
    return file.path().empty() ? file.local_name() : file.path();
  }

  static std::string Elapsed(const v1::Job& job) {
    const absl::Duration time = ToTime(job.transfer_completion_time()) - ToTime(job.create_time());
    return time < absl::Seconds(1) ? "less than 1s" : DurationText(time);
  }

  ExitCode OnInterrupted() {
    if (!context_.json) TellHowToGoOn("Interrupted. The job goes on without bitsctl.");
    return ExitCode::kInterrupted;
  }

  void TellHowToGoOn(const std::string& first) {
    err() << first << "\n  " << context_.program << " transfer --resume " << id_
          << "\n      shows it again and completes it\n  " << context_.program << " cancel " << id_
          << "\n      ends it and deletes what it fetched" << std::endl;
  }

  Context& context_;
  const bool quiet_;
  std::string id_;
};

std::string BaseName(const std::string& path) {
  const std::string name = path.substr(path.rfind('/') + 1);
  return name.empty() ? path : name;
}

ExitCode RunResume(const Arguments& arguments, Context& context) {
  if (!arguments.rest().empty()) {
    return context.Misused("--resume takes up a job that is there; it takes no URL");
  }
  for (const auto& option : JobOptionSpecs()) {
    if (arguments.Has(option.name)) {
      return context.Misused("--resume changes no properties; `bitsctl set` does");
    }
  }
  const std::string text = *arguments.Get("resume");
  const std::string doing = absl::StrCat("go on with ", Printable(text));
  const auto name = ResolveJob(context.client, text);
  if (!name.ok()) return context.Fail(doing, name.status());
  auto job = context.client.GetJob(*name);
  // What has ended is shown as it ended.
  if (job.ok() && job->state() != v1::Job::STATE_ACKNOWLEDGED &&
      job->state() != v1::Job::STATE_CANCELLED) {
    job = context.client.ResumeJob(*name);
  }
  if (!job.ok()) return context.Fail(doing, job.status());
  return Transfer(context, arguments.Has("quiet")).Run(*job);
}

ExitCode RunTransfer(const Arguments& arguments, Context& context) {
  if (arguments.Has("resume")) return RunResume(arguments, context);
  if (arguments.rest().empty()) return context.Misused("which URL?");
  auto files = FilesFromPairs(arguments.rest(), true);
  if (!files.ok()) return context.Misused(std::string(files.status().message()));
  if (auto status = ApplyFileOptions(arguments, *files); !status.ok()) {
    return context.Misused(std::string(status.message()));
  }
  v1::CreateJobRequest request;
  v1::Job& job = *request.mutable_job();
  job.set_display_name(arguments.Get("name").value_or(BaseName(files->front().local_name())));
  job.set_priority(v1::Job::PRIORITY_FOREGROUND);
  const auto mask = ApplyJobOptions(arguments, job);
  if (!mask.ok()) return context.Misused(std::string(mask.status().message()));
  for (auto& file : *files) *request.add_files() = std::move(file);
  request.set_start(true);

  const auto created = context.client.CreateJob(request);
  if (!created.ok()) return context.Fail("create the job", created.status());
  return Transfer(context, arguments.Has("quiet")).Run(*created);
}

}  // namespace

Command TransferCommand() {
  Command command;
  command.name = "transfer";
  command.arguments = "URL [LOCAL] | URL LOCAL [URL LOCAL ...] | --resume JOB";
  command.summary = "fetch files, and wait until they are there";
  command.help =
      "Creates a job, shows its progress, and completes it. LOCAL is a path under a root of\n"
      "bitsd; without it, and after a LOCAL/, the last part of the URL. After a transient error it "
      "waits for the\n"
      "next try. When an error stops the job it says which and what can be done, leaves the job\n"
      "as it is, and exits with 3. Ctrl-C leaves the job running and exits with 130.\n"
      "With --json the job as it ended is printed, and on exit code 3 its error on standard\n"
      "error.\n";
  command.options = {
      {"resume", "JOB", "go on with a job that is there: resume, show, complete"},
      {"name", "NAME", "what the job is called (default: the name of the first file)"},
      {"quiet", "", "show no progress"}};
  const std::vector<OptionSpec> of_files = FileOptionSpecs();
  command.options.insert(command.options.end() - 1, of_files.begin(), of_files.end());
  command.options.insert(command.options.end(), JobOptionSpecs().begin(), JobOptionSpecs().end());
  for (auto& option : command.options) {
    if (option.name == "priority") {
      option.help = "foreground (the default here), high, normal or low";
    }
  }
  command.waits = true;
  command.run = RunTransfer;
  return command;
}

}  // namespace bits::cli

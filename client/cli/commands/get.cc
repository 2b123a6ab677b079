// get: the content of a downloaded file, from a server elsewhere.
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <optional>

#include "client/cli/command.h"
#include "client/cli/job_ref.h"
#include "client/cli/progress_display.h"
#include "client/cli/text.h"
#include "client/cli/units.h"

namespace bits::cli {
namespace {

// Where the content goes: beside its name until it is whole, or to standard output.
class Target {
 public:
  ~Target() {
    if (descriptor_ > STDERR_FILENO) ::close(descriptor_);
    if (!part_.empty() && descriptor_ > STDERR_FILENO && written_ == 0) ::unlink(part_.c_str());  // nothing to go on from
  }
  Target() = default;
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;

  // `go_on`: what an earlier `get` of the same content left is kept. `content` tells it from others.
  absl::Status Open(const std::string& path, const std::string& content, bool go_on) {
    if (path == "-") {
      descriptor_ = STDOUT_FILENO;
      return absl::OkStatus();
    }
    path_ = path;
    part_ = absl::StrCat(path, ".", content, ".part");
    descriptor_ = ::open(part_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (descriptor_ < 0) return Failure("open");
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
      part_.clear();
      return absl::FailedPreconditionError(
          absl::StrCat("another bitsctl is writing ", path, " now"));
    }
    if (!go_on && ::ftruncate(descriptor_, 0) != 0) return Failure("empty");
    const off_t end = ::lseek(descriptor_, 0, SEEK_END);
    if (end < 0) return Failure("look at");
    written_ = static_cast<std::uint64_t>(end);
    return absl::OkStatus();
  }
  std::uint64_t written() const { return written_; }

  absl::Status Write(std::string_view data) {
    while (!data.empty()) {
      const ssize_t put = ::write(descriptor_, data.data(), data.size());
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return Failure("write to");
      data.remove_prefix(static_cast<std::size_t>(put));
      written_ += static_cast<std::uint64_t>(put);
    }
    return absl::OkStatus();
  }

  absl::Status Keep() {
    if (path_.empty()) return absl::OkStatus();
    if (::fsync(descriptor_) != 0) return Failure("sync");
    if (std::rename(part_.c_str(), path_.c_str()) != 0) return Failure("rename");
    part_.clear();
    return absl::OkStatus();
  }

 private:
  absl::Status Failure(const char* what) const {
    return absl::ErrnoToStatus(
        errno, absl::StrCat("cannot ", what, " ", part_.empty() ? "standard output" : part_));
  }

  std::string path_;
  std::string part_;
  int descriptor_ = -1;
  std::uint64_t written_ = 0;
};

// Of one fetching of one file: "1a2b3c4d-1-0".
std::string ContentId(const v1::File& file, const std::string& job) {
  return absl::StrCat(JobId(job).substr(0, 8), "-",
                      file.name().substr(file.name().rfind('/') + 1), "-", file.restarts());
}

// The job as a display of progress wants it.
v1::Job ProgressOf(const v1::File& file, std::uint64_t here) {
  v1::Job job;
  job.set_state(v1::Job::STATE_TRANSFERRING);
  job.mutable_progress()->set_files_total(1);
  job.mutable_progress()->set_bytes_total(file.progress().bytes_total());
  job.mutable_progress()->set_bytes_transferred(here);
  return job;
}

absl::StatusOr<v1::File> FileToGet(const Context& context, const std::string& job,
                                   const std::string& which) {
  if (!which.empty()) return context.client.GetFile(absl::StrCat(job, "/files/", which));
  v1::ListFilesRequest request;
  request.set_parent(job);
  request.set_page_size(2);
  auto files = context.client.ListFiles(request);
  if (!files.ok()) return files.status();
  if (files->files_size() != 1) {
    return absl::FailedPreconditionError(absl::StrCat(
        "it has ", files->files_size() == 0 ? "no" : "several", " files; say which: --file=NUMBER"));
  }
  return files->files(0);
}

ExitCode RunGet(const Arguments& arguments, Context& context) {
  const auto& words = arguments.rest();
  if (words.empty() || words.size() > 2) return context.Misused("get wants JOB [LOCAL]");
  const std::string which = arguments.Get("file").value_or("");
  std::uint32_t number = 0;
  if (!which.empty() && (!absl::SimpleAtoi(which, &number) || number == 0)) {
    return context.Misused("--file wants a number, as `bitsctl files JOB` shows it");
  }
  const std::string doing = absl::StrCat("get ", Printable(words[0]));
  const auto job = ResolveJob(context.client, words[0]);
  if (!job.ok()) return context.Fail(doing, job.status());
  const auto file = FileToGet(context, *job, which);
  if (!file.ok()) return context.Fail(doing, file.status());

  std::string local = words.size() == 2
                          ? words[1]
                          : std::filesystem::path(file->local_name()).filename().string();
  if (std::filesystem::is_directory(local)) {
    local = (std::filesystem::path(local) / std::filesystem::path(file->local_name()).filename());
  }
  if (local != "-" && std::filesystem::exists(local) && !arguments.Has("force")) {
    return context.Misused(absl::StrCat(Printable(local), " is there already; --force replaces it"));
  }
  Target target;
  if (auto opened = target.Open(local, ContentId(*file, *job), arguments.Has("continue")); !opened.ok()) {
    return context.Misused(std::string(opened.message()));
  }
  absl::Status local_failure;
  absl::Status status;
  {
    std::optional<ProgressDisplay> display;
    const bool quiet = arguments.Has("quiet") || context.json;
    if (!quiet) display.emplace(context.console.err, Printable(local), "");
    if (display) display->OnJob(ProgressOf(*file, target.written()));
    status = context.client.ReadContent(
        file->name(), target.written(), [&](std::string_view piece) -> absl::Status {
          local_failure = target.Write(piece);
          if (display) display->OnJob(ProgressOf(*file, target.written()));
          return local_failure;
        });
  }
  if (status.ok() && target.written() != file->progress().bytes_total()) {
    status = absl::DataLossError("what came is not as long as the file; it was fetched anew meanwhile");
  }
  if (status.ok()) local_failure = target.Keep();
  if (!local_failure.ok()) return context.Misused(std::string(local_failure.message()));
  if (!status.ok()) return context.Fail(doing, status);
  if (context.json && local != "-") {
    context.PrintJson(*file);
  } else if (!context.json && local != "-") {
    context.console.out.stream << "Saved " << Printable(local) << ": "
                               << BytesText(target.written()) << std::endl;
  }
  return ExitCode::kOk;
}

}  // namespace

Command GetCommand() {
  Command command;
  command.name = "get";
  command.arguments = "JOB [LOCAL]";
  command.summary = "copy what a job has downloaded from the server to here";
  command.help =
      "For who shares no file system with bitsd. The file must be all there; the job may be\n"
      "complete. LOCAL is a file, a directory, or - for standard output; without it, the name of\n"
      "the server's file, here. Until it is whole it is called LOCAL.JOB-FILE-N.part, from which\n"
      "--continue goes on.\n";
  command.options = {{"file", "NUMBER", "which of the job's files; needed if there are several"},
                     {"continue", "", "go on from what an earlier get of the same content has left"},
                     {"force", "", "replace LOCAL"},
                     {"quiet", "", "show no progress"}};
  command.run = RunGet;
  return command;
}

}  // namespace bits::cli

#include "client/cli/exit_code.h"

namespace bits::cli {

ExitCode ExitCodeFor(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return ExitCode::kOk;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
      return ExitCode::kUnreachable;
    default:
      return ExitCode::kRefused;
  }
}

ExitCode ExitCodeForFinal(const v1::Job& job) {
  const bool whole = job.state() == v1::Job::STATE_ACKNOWLEDGED &&
                     job.result() != v1::Job::RESULT_PARTIAL_COMPLETE;
  return whole ? ExitCode::kOk : ExitCode::kIncomplete;
}

ExitCode Combine(ExitCode first, ExitCode second) {
  return first == ExitCode::kOk ? second : first;
}

const char* ExitCodeHelp() {
  return "Exit codes:\n"
         "  0    done\n"
         "  1    the command line is wrong, or the output could not be written\n"
         "  2    the server refused (no such job, not in this state, a wrong value)\n"
         "  3    the job stopped in STATE_ERROR\n"
         "  4    the job was cancelled, or completed with only some of its files\n"
         "  5    no answer from the server, or not in time\n"
         "  130  interrupted; a job that was started goes on\n";
}

}  // namespace bits::cli

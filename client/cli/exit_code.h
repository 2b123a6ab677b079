// How bitsctl ends, for scripts to decide by.
#ifndef BITS_CLIENT_CLI_EXIT_CODE_H_
#define BITS_CLIENT_CLI_EXIT_CODE_H_

#include <absl/status/status.h>

#include "bits/v1/job.pb.h"

namespace bits::cli {

enum class ExitCode {
  kOk = 0,
  // The command line is wrong, and nothing was asked of the server; or what it answered
  // could not be written.
  kUsage = 1,
  // The server refused: no such job, not in this state, a wrong value.
  kRefused = 2,
  // The job stopped in STATE_ERROR.
  kJobError = 3,
  // The job was cancelled, or completed with only some of its files.
  kIncomplete = 4,
  // No answer from the server, or not in time.
  kUnreachable = 5,
  kInterrupted = 130,
};

// Of a call's status.
ExitCode ExitCodeFor(const absl::Status& status);

// Of a job that is final: kOk or kIncomplete.
ExitCode ExitCodeForFinal(const v1::Job& job);

// Of several things done one after the other: the first that is not kOk.
ExitCode Combine(ExitCode first, ExitCode second);

// The table, for `bitsctl help`.
const char* ExitCodeHelp();

}  // namespace bits::cli

#endif  // BITS_CLIENT_CLI_EXIT_CODE_H_

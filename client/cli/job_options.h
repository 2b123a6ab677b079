// The options that are properties of a job: of create, transfer and set.
#ifndef BITS_CLIENT_CLI_JOB_OPTIONS_H_
#define BITS_CLIENT_CLI_JOB_OPTIONS_H_

#include <absl/status/statusor.h>

#include <string>
#include <vector>

#include "bits/v1/job.pb.h"
#include "client/cli/arguments.h"

namespace bits::cli {

// --description, --priority, --retry-delay, --no-progress-timeout,
// --max-download-time, --label, --max-parallel-files, --max-rate, --require-ranges, and those of
// timing_args.h and http_args.h.
const std::vector<OptionSpec>& JobOptionSpecs();
// --auto-complete and --no-auto-complete, which ApplyJobOptions knows too: of create and set, as
// transfer completes its job itself.
const std::vector<OptionSpec>& AutoCompleteSpecs();

// Writes the options that were given into `job`, and says which as paths of an update
// mask. Labels are added to those that `job` has. kInvalidArgument, in words for
// the user, for a value that is wrong.
absl::StatusOr<std::vector<std::string>> ApplyJobOptions(const Arguments& arguments, v1::Job& job);

absl::StatusOr<v1::Job::Priority> ParsePriority(const std::string& text);

}  // namespace bits::cli

#endif  // BITS_CLIENT_CLI_JOB_OPTIONS_H_

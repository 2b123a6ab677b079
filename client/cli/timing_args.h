// When a job may run, as options of create, transfer and set, and in words for people.
#ifndef BITS_CLIENT_CLI_TIMING_ARGS_H_
#define BITS_CLIENT_CLI_TIMING_ARGS_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <string>
#include <utility>
#include <vector>

#include "bits/v1/job.pb.h"
#include "client/cli/arguments.h"

namespace bits::cli {

const std::vector<OptionSpec>& TimingOptionSpecs();

// Writes the options that were given into `job`, and adds their paths to the mask.
// kInvalidArgument, in words for the user, for a value that is wrong.
absl::Status ApplyTimingOptions(const Arguments& arguments, v1::Job& job,
                                std::vector<std::string>& mask);

// What is not as it is by default: a title and a value each.
std::vector<std::pair<std::string, std::string>> TimingDetails(const v1::Job& job,
                                                               absl::TimeZone zone);

// "+2h30m" from `now`, or "2026-12-24T18:00:00+01:00" (RFC 3339).
absl::StatusOr<absl::Time> ParseWhen(const std::string& text, absl::Time now);

}  // namespace bits::cli

#endif  // BITS_CLIENT_CLI_TIMING_ARGS_H_

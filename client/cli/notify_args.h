// Who is told of what becomes of a job, as options of create, transfer and set, and in words for
// people.
#ifndef BITS_CLIENT_CLI_NOTIFY_ARGS_H_
#define BITS_CLIENT_CLI_NOTIFY_ARGS_H_

#include <absl/status/status.h>

#include <string>
#include <utility>
#include <vector>

#include "bits/v1/job.pb.h"
#include "client/cli/arguments.h"

namespace bits::cli {

const std::vector<OptionSpec>& NotifyOptionSpecs();

// Writes the options that were given into `job`, and adds their paths to the mask.
// kInvalidArgument, in words for the user, for a value that is wrong.
absl::Status ApplyNotifyOptions(const Arguments& arguments, v1::Job& job,
                                std::vector<std::string>& mask);

// What is not as it is by default: a title and a value each.
std::vector<std::pair<std::string, std::string>> NotifyDetails(const v1::Job& job);

// "transferred".
std::string NotifyFlagText(v1::NotifyFlag flag);

}  // namespace bits::cli

#endif  // BITS_CLIENT_CLI_NOTIFY_ARGS_H_

#include "client/cli/job_options.h"

#include <absl/strings/ascii.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

#include "client/cli/http_args.h"
#include "client/cli/notify_args.h"
#include "client/cli/text.h"
#include "client/cli/timing_args.h"
#include "client/cli/units.h"

namespace bits::cli {
namespace {

absl::Status ApplyDuration(const Arguments& arguments, const char* option, const char* path,
                           google::protobuf::Duration* (v1::Job::*field)(), v1::Job& job,
                           std::vector<std::string>& mask) {
  const auto text = arguments.Get(option);
  if (!text) return absl::OkStatus();
  const auto duration = ParseDuration(*text);
  if (!duration.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--", option, ": ", std::string(duration.status().message())));
  }
  *(job.*field)() = ToProto(*duration);
  mask.emplace_back(path);
  return absl::OkStatus();
}

absl::Status ApplyLabels(const Arguments& arguments, v1::Job& job, std::vector<std::string>& mask) {
  for (const auto& label : arguments.GetAll("label")) {
    const auto equals = label.find('=');
    if (equals == std::string::npos || equals == 0) {
      return absl::InvalidArgumentError("--label wants KEY=VALUE");
    }
    (*job.mutable_labels())[label.substr(0, equals)] = label.substr(equals + 1);
  }
  if (arguments.Has("label")) mask.emplace_back("labels");
  return absl::OkStatus();
}

absl::Status ApplyTransferOptions(const Arguments& arguments, v1::Job& job,
                                  std::vector<std::string>& mask) {
  if (const auto text = arguments.Get("max-parallel-files")) {
    std::uint32_t count = 0;
    if (!absl::SimpleAtoi(*text, &count)) {
      return absl::InvalidArgumentError("--max-parallel-files wants a number");
    }
    job.mutable_transfer_options()->set_max_parallel_files(count);
    mask.emplace_back("transfer_options.max_parallel_files");
  }
  if (const auto text = arguments.Get("max-rate")) {
    const auto rate = ParseRate(*text);
    if (!rate.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--max-rate: ", std::string(rate.status().message())));
    }
    job.mutable_transfer_options()->set_max_bytes_per_second(*rate);
    mask.emplace_back("transfer_options.max_bytes_per_second");
  }
  if (const auto text = arguments.Get("max-size")) {
    const auto size = ParseSize(*text);
    if (!size.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--max-size: ", std::string(size.status().message())));
    }
    job.mutable_transfer_options()->set_max_download_size(*size);
    mask.emplace_back("transfer_options.max_download_size");
  }
  if (arguments.Has("dynamic-content") && arguments.Has("no-dynamic-content")) {
    return absl::InvalidArgumentError(
        "--dynamic-content and --no-dynamic-content exclude each other");
  }
  if (arguments.Has("dynamic-content") || arguments.Has("no-dynamic-content")) {
    job.mutable_transfer_options()->set_dynamic_content(arguments.Has("dynamic-content"));
    mask.emplace_back("transfer_options.dynamic_content");
  }
  if (arguments.Has("high-performance") && arguments.Has("no-high-performance")) {
    return absl::InvalidArgumentError(
        "--high-performance and --no-high-performance exclude each other");
  }
  if (arguments.Has("high-performance") || arguments.Has("no-high-performance")) {
    job.mutable_transfer_options()->set_high_performance(arguments.Has("high-performance"));
    mask.emplace_back("transfer_options.high_performance");
  }
  if (arguments.Has("require-ranges") && arguments.Has("no-require-ranges")) {
    return absl::InvalidArgumentError(
        "--require-ranges and --no-require-ranges exclude each other");
  }
  if (arguments.Has("require-ranges") || arguments.Has("no-require-ranges")) {
    job.mutable_transfer_options()->set_require_ranges(arguments.Has("require-ranges"));
    mask.emplace_back("transfer_options.require_ranges");
  }
  return absl::OkStatus();
}

}  // namespace

const std::vector<OptionSpec>& JobOptionSpecs() {
  static const std::vector<OptionSpec> specs = [] {
    std::vector<OptionSpec> all = {
      {"description", "TEXT", "what the job is for"},
      {"priority", "PRIORITY", "foreground, high, normal or low"},
      {"retry-delay", "DURATION", "wait between a transient error and the next try (default 10m)"},
      {"no-progress-timeout", "DURATION",
       "how long transient errors may last with no new byte (default 14d; 0: none may)"},
      {"max-download-time", "DURATION",
       "how long the transfer may take (default 90d; 0: no limit)"},
      {"label", "KEY=VALUE", "a mark of your own, to filter by", true},
      {"max-parallel-files", "N", "how many files at once, 1 to 64 (default 4)"},
      {"max-rate", "RATE", "bytes a second of all its files together, as 500k or 2M (0: no limit)"},
      {"max-size", "SIZE", "an error if all its files come to more, as 500k or 2Gi (0: no limit)"},
      {"dynamic-content", "", "start a file over that was interrupted: it may be another each time"},
      {"no-dynamic-content", "", "go on with such files where it is proven the same (the default)"},
      {"high-performance", "",
       "write straight to LOCAL and record no progress; only before the job has files"},
      {"no-high-performance", "", "write to a temporary file first (the default)"},
      {"progress-interval", "DURATION", "the least time between two news of progress (default 500ms)"},
      {"require-ranges", "", "fail at origins without lengths or byte ranges, as BITS does"},
      {"no-require-ranges", "", "fetch from such origins in one stream (the default)"},
    };
    all.insert(all.end(), TimingOptionSpecs().begin(), TimingOptionSpecs().end());
    all.insert(all.end(), HttpOptionSpecs().begin(), HttpOptionSpecs().end());
    all.insert(all.end(), NotifyOptionSpecs().begin(), NotifyOptionSpecs().end());
    return all;
  }();
  return specs;
}

const std::vector<OptionSpec>& AutoCompleteSpecs() {
  static const std::vector<OptionSpec> specs = {
      {"auto-complete", "", "complete the job when all of it is there"},
      {"no-auto-complete", "", "leave that to `bitsctl complete` (the default)"},
  };
  return specs;
}

absl::StatusOr<std::vector<std::string>> ApplyJobOptions(const Arguments& arguments, v1::Job& job) {
  std::vector<std::string> mask;
  if (const auto text = arguments.Get("description")) {
    job.set_description(*text);
    mask.emplace_back("description");
  }
  if (const auto text = arguments.Get("priority")) {
    const auto priority = ParsePriority(*text);
    if (!priority.ok()) return priority.status();
    job.set_priority(*priority);
    mask.emplace_back("priority");
  }
  if (arguments.Has("auto-complete") && arguments.Has("no-auto-complete")) {
    return absl::InvalidArgumentError("--auto-complete and --no-auto-complete exclude each other");
  }
  if (arguments.Has("auto-complete") || arguments.Has("no-auto-complete")) {
    job.set_auto_complete(arguments.Has("auto-complete"));
    mask.emplace_back("auto_complete");
  }
  for (const auto& status :
       {ApplyDuration(arguments, "retry-delay", "minimum_retry_delay",
                      &v1::Job::mutable_minimum_retry_delay, job, mask),
        ApplyDuration(arguments, "no-progress-timeout", "no_progress_timeout",
                      &v1::Job::mutable_no_progress_timeout, job, mask),
        ApplyDuration(arguments, "max-download-time", "maximum_download_time",
                      &v1::Job::mutable_maximum_download_time, job, mask),
        ApplyDuration(arguments, "progress-interval", "minimum_notification_interval",
                      &v1::Job::mutable_minimum_notification_interval, job, mask),
        ApplyLabels(arguments, job, mask), ApplyTransferOptions(arguments, job, mask),
        ApplyTimingOptions(arguments, job, mask), ApplyHttpOptions(arguments, job, mask),
        ApplyNotifyOptions(arguments, job, mask)}) {
    if (!status.ok()) return status;
  }
  return mask;
}

absl::StatusOr<v1::Job::Priority> ParsePriority(const std::string& text) {
  v1::Job::Priority priority = v1::Job::PRIORITY_UNSPECIFIED;
  if (!v1::Job::Priority_Parse(absl::StrCat("PRIORITY_", absl::AsciiStrToUpper(text)), &priority) ||
      priority == v1::Job::PRIORITY_UNSPECIFIED) {
    return absl::InvalidArgumentError(absl::StrCat(
        "\"", Printable(text), "\" is not a priority: foreground, high, normal or low"));
  }
  return priority;
}

}  // namespace bits::cli

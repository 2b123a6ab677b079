#include "client/cli/timing_args.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>

#include "client/cli/text.h"
#include "client/cli/units.h"

namespace bits::cli {
namespace {

// "none" leaves the field unset: named in the mask, that clears it.
absl::Status ApplyTime(const Arguments& arguments, const char* option, const char* path,
                       google::protobuf::Timestamp* (v1::Job::*field)(), v1::Job& job,
                       std::vector<std::string>& mask) {
  const auto text = arguments.Get(option);
  if (!text) return absl::OkStatus();
  mask.emplace_back(path);
  if (*text == "none") return absl::OkStatus();
  const auto time = ParseWhen(*text, absl::Now());
  if (!time.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--", option, ": ", std::string(time.status().message())));
  }
  google::protobuf::Timestamp& to = *(job.*field)();
  to.set_seconds(absl::ToUnixSeconds(*time));
  to.set_nanos(static_cast<std::int32_t>(
      absl::ToInt64Nanoseconds(*time - absl::FromUnixSeconds(to.seconds()))));
  return absl::OkStatus();
}

absl::Status ApplyBackoff(const Arguments& arguments, v1::Job& job,
                          std::vector<std::string>& mask) {
  const auto text = arguments.Get("backoff");
  if (!text) return absl::OkStatus();
  mask.emplace_back("retry_options");
  job.clear_retry_options();
  if (*text == "none") return absl::OkStatus();
  const auto x = text->find('x');
  const auto most = ParseDuration(text->substr(0, x));
  if (!most.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--backoff: ", std::string(most.status().message())));
  }
  *job.mutable_retry_options()->mutable_maximum_retry_delay() = ToProto(*most);
  if (x == std::string::npos) return absl::OkStatus();
  double multiplier = 0;
  if (!absl::SimpleAtod(text->substr(x + 1), &multiplier)) {
    return absl::InvalidArgumentError("--backoff wants a time, and a number after x");
  }
  job.mutable_retry_options()->set_multiplier(multiplier);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<absl::Time> ParseWhen(const std::string& text, absl::Time now) {
  if (text.starts_with('+')) {
    const auto ahead = ParseDuration(text.substr(1));
    if (!ahead.ok()) return ahead.status();
    return now + *ahead;
  }
  absl::Time time;
  // absl alone would take "infinite-future" and blanks, too.
  const bool shaped =
      text.size() >= 20 && text.find_first_not_of("0123456789-+:.TZtz") == std::string::npos;
  if (!shaped || !absl::ParseTime(absl::RFC3339_full, text, &time, nullptr)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "\"", Printable(text), "\" is no time: say +2h30m, 2026-12-24T18:00:00Z, or none"));
  }
  return time;
}

const std::vector<OptionSpec>& TimingOptionSpecs() {
  static const std::vector<OptionSpec> specs = {
      {"not-before", "WHEN", "no turn before then: +2h30m from now, 2026-12-24T18:00:00Z, or none"},
      {"deadline", "WHEN", "an error if it is not all there by then, or none"},
      {"backoff", "MAX[xN]",
       "let the waits between tries grow up to MAX, N-fold each (1h, 1hx3; default x2), or none"},
  };
  return specs;
}

absl::Status ApplyTimingOptions(const Arguments& arguments, v1::Job& job,
                                std::vector<std::string>& mask) {
  for (const auto& status :
       {ApplyTime(arguments, "not-before", "not_before_time", &v1::Job::mutable_not_before_time,
                  job, mask),
        ApplyTime(arguments, "deadline", "deadline", &v1::Job::mutable_deadline, job, mask),
        ApplyBackoff(arguments, job, mask)}) {
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

std::vector<std::pair<std::string, std::string>> TimingDetails(const v1::Job& job,
                                                               absl::TimeZone zone) {
  std::vector<std::pair<std::string, std::string>> details;
  if (job.has_not_before_time()) {
    details.emplace_back("Not before", TimeText(job.not_before_time(), zone));
  }
  if (job.has_deadline()) details.emplace_back("Deadline", TimeText(job.deadline(), zone));
  if (job.has_retry_options()) {
    details.emplace_back(
        "Backoff",
        absl::StrCat("up to ", DurationText(ToDuration(job.retry_options().maximum_retry_delay())),
                     ", ", job.retry_options().multiplier(), "-fold"));
  }
  return details;
}

}  // namespace bits::cli

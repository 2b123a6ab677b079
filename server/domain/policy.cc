#include "server/domain/policy.h"

#include <algorithm>
#include <array>
#include <optional>
#include <type_traits>

#include "absl/strings/str_cat.h"
#include "server/base/error_info.h"
#include "server/base/strings.h"
#include "server/domain/error_code.h"

namespace bits::domain {
namespace {

constexpr absl::Duration kDay = absl::Hours(24);

constexpr uint64_t Number(uint64_t value) { return value; }

// NOLINTNEXTLINE(bugprone-throwing-static-initialization): a failure to start, at worst.
const std::array kFields = {
    PolicyField{"max_jobs_per_owner", &Policy::max_jobs_per_owner, Number(1), Number(10'000'000)},
    PolicyField{"max_jobs", &Policy::max_jobs, Number(1), Number(100'000'000)},
    PolicyField{"max_files_per_job", &Policy::max_files_per_job, Number(1), Number(10'000'000)},
    PolicyField{"max_ranges_per_file", &Policy::max_ranges_per_file, Number(1), Number(100'000)},
    PolicyField{"job_inactivity_timeout", &Policy::job_inactivity_timeout, absl::Seconds(1),
                999 * kDay},
    PolicyField{"default_maximum_download_time", &Policy::default_maximum_download_time,
                absl::ZeroDuration(), 365 * kDay},
    PolicyField{"longest_maximum_download_time", &Policy::longest_maximum_download_time,
                absl::ZeroDuration(), 365 * kDay},
    PolicyField{"background_slots", &Policy::background_slots, Number(1), Number(10'000)},
    PolicyField{"time_slice", &Policy::time_slice, absl::Seconds(1), kDay},
    PolicyField{"probe_interval", &Policy::probe_interval, absl::Seconds(1), absl::Hours(1)},
    PolicyField{"maximum_probe_interval", &Policy::maximum_probe_interval, absl::Seconds(1), kDay},
    PolicyField{"tombstone_retention", &Policy::tombstone_retention, absl::ZeroDuration(),
                3650 * kDay},
    PolicyField{"events_kept", &Policy::events_kept, Number(1'000), Number(100'000'000)},
    PolicyField{"rate_limits", &Policy::rate_limits, RateLimits()},
    PolicyField{"time_zone", &Policy::time_zone, std::string()},
    PolicyField{"work_hours", &Policy::work_hours, std::vector<WeeklyHours>()},
    PolicyField{"work_rate_limits", &Policy::work_rate_limits, RateLimits()},
    PolicyField{"maintenance_hours", &Policy::maintenance_hours, std::vector<WeeklyHours>()},
    PolicyField{"maintenance_rate_limits", &Policy::maintenance_rate_limits, RateLimits()},
};

std::string Text(const PolicyValue& value) {
  if (const auto* number = std::get_if<uint64_t>(&value)) return absl::StrCat(*number);
  return absl::FormatDuration(std::get<absl::Duration>(value));
}

// What is wrong with a value of the field's type; nullopt: nothing.
std::optional<std::string> FaultOf(const PolicyField& field, const PolicyValue& value) {
  if (value.index() != field.least.index()) return "must be of its type";
  if (const auto* limits = std::get_if<RateLimits>(&value)) return FaultOf(*limits);
  if (const auto* hours = std::get_if<std::vector<WeeklyHours>>(&value)) return FaultOf(*hours);
  if (std::holds_alternative<std::string>(value)) return std::nullopt;
  bool within = false;
  if (const auto* number = std::get_if<uint64_t>(&value)) {
    within = *number >= std::get<uint64_t>(field.least) && *number <= std::get<uint64_t>(field.most);
  } else {
    const auto length = std::get<absl::Duration>(value);
    within = length >= std::get<absl::Duration>(field.least) &&
             length <= std::get<absl::Duration>(field.most);
  }
  if (within) return std::nullopt;
  return absl::StrCat("must be between ", Text(field.least), " and ", Text(field.most));
}

bool IsAllowed(const PolicyField& field, const PolicyValue& value) {
  return !FaultOf(field, value).has_value();
}

void Set(Policy& policy, const PolicyField& field, const PolicyValue& value) {
  std::visit(
      [&]<typename T>(T Policy::*member) {
        if constexpr (std::is_integral_v<T>) {
          policy.*member = static_cast<T>(std::get<uint64_t>(value));
        } else {
          policy.*member = std::get<T>(value);
        }
      },
      field.member);
}

absl::Status TooMany(absl::StatusCode code, Hresult hresult, std::string_view what,
                     uint64_t limit) {
  return MakeRefusal(code, SymbolOf(hresult),
                     absl::StrCat(Av(what), " at most ", limit, " by the policy."),
                     {{"limit", absl::StrCat(limit)}});
}

}  // namespace

HoldPolicy Policy::holds() const {
  return {probe_interval, std::max(probe_interval, maximum_probe_interval)};
}

TurnPolicy Policy::turns() const {
  TurnPolicy turns;
  turns.background_slots = background_slots;
  turns.time_slice = time_slice;
  for (size_t i = 0; i < turns.stopped.size(); ++i) {
    turns.stopped[i] = StopsJobs(rates.limits, static_cast<Priority>(i));
  }
  return turns;
}

std::span<const PolicyField> PolicyFields() { return kFields; }

const PolicyField* FindPolicyField(std::string_view name) {
  const auto it = std::find_if(kFields.begin(), kFields.end(),
                               [&](const PolicyField& field) { return field.name == name; });
  return it == kFields.end() ? nullptr : &*it;
}

absl::Status CheckPolicyValue(const PolicyField& field, const PolicyValue& value,
                              std::string_view prefix) {
  const std::optional<std::string> fault = FaultOf(field, value);
  if (!fault.has_value()) return absl::OkStatus();
  return InvalidField(absl::StrCat(Av(prefix), Av(field.name)), *fault);
}

Policy ResolvePolicy(const PolicySettings& file, const PolicySettings& written) {
  Policy policy;
  for (const PolicySettings* settings : {&file, &written}) {
    for (const PolicyField& field : kFields) {
      const auto it = settings->find(field.name);
      if (it != settings->end() && IsAllowed(field, it->second)) Set(policy, field, it->second);
    }
  }
  return policy;
}

PolicyValue ValueOf(const Policy& policy, const PolicyField& field) {
  return std::visit([&](auto member) -> PolicyValue { return policy.*member; }, field.member);
}

absl::Status CheckJobCount(const Policy& policy, const LiveJobs& live) {
  if (live.of_owner >= policy.max_jobs_per_owner) {
    return TooMany(absl::StatusCode::kResourceExhausted, kTooManyJobsPerUser,
                   "The owner may have live jobs:", policy.max_jobs_per_owner);
  }
  if (live.in_all >= policy.max_jobs) {
    return TooMany(absl::StatusCode::kResourceExhausted, kTooManyJobsPerMachine,
                   "There may be live jobs in all:", policy.max_jobs);
  }
  return absl::OkStatus();
}

absl::Status CheckFileCount(const Policy& policy, uint64_t files) {
  if (files <= policy.max_files_per_job) return absl::OkStatus();
  return TooMany(absl::StatusCode::kFailedPrecondition, kTooManyFilesInJob,
                 "A job may have files:", policy.max_files_per_job);
}

absl::Status CheckRangeCount(const Policy& policy, uint64_t ranges, std::string_view field) {
  if (ranges <= policy.max_ranges_per_file) return absl::OkStatus();
  return InvalidField(field,
                      absl::StrCat("must be at most ", policy.max_ranges_per_file, " by the policy"),
                      SymbolOf(kTooManyRangesInFile));
}

absl::Status CheckMaximumDownloadTime(const Policy& policy, absl::Duration time) {
  const absl::Duration longest = policy.longest_maximum_download_time;
  const bool unlimited = time == absl::ZeroDuration();
  if (longest == absl::ZeroDuration() || (!unlimited && time <= longest)) return absl::OkStatus();
  return InvalidField("job.maximum_download_time",
                      absl::StrCat("must be at most ", absl::FormatDuration(longest),
                                   ", and not 0, by the policy"));
}

absl::Duration DefaultMaximumDownloadTime(const Policy& policy) {
  const absl::Duration time = policy.default_maximum_download_time;
  return CheckMaximumDownloadTime(policy, time).ok() ? time : policy.longest_maximum_download_time;
}

}  // namespace bits::domain

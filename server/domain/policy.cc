#include "server/domain/policy.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "server/base/error_info.h"
#include "server/base/strings.h"
#include "server/domain/error_code.h"

namespace bits::domain {
namespace {

constexpr absl::Duration kDay = absl::Hours(24);

constexpr uint64_t Number(uint64_t value) { return value; }

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
};

std::string Text(const PolicyValue& value) {
  if (const auto* number = std::get_if<uint64_t>(&value)) return absl::StrCat(*number);
  return absl::FormatDuration(std::get<absl::Duration>(value));
}

bool IsAllowed(const PolicyField& field, const PolicyValue& value) {
  return value.index() == field.least.index() && value >= field.least && value <= field.most;
}

void Set(Policy& policy, const PolicyField& field, const PolicyValue& value) {
  if (const auto* narrow = std::get_if<uint32_t Policy::*>(&field.member)) {
    policy.*(*narrow) = static_cast<uint32_t>(std::get<uint64_t>(value));
  } else if (const auto* wide = std::get_if<uint64_t Policy::*>(&field.member)) {
    policy.*(*wide) = std::get<uint64_t>(value);
  } else {
    policy.*std::get<absl::Duration Policy::*>(field.member) = std::get<absl::Duration>(value);
  }
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

std::span<const PolicyField> PolicyFields() { return kFields; }

const PolicyField* FindPolicyField(std::string_view name) {
  const auto it = std::find_if(kFields.begin(), kFields.end(),
                               [&](const PolicyField& field) { return field.name == name; });
  return it == kFields.end() ? nullptr : &*it;
}

absl::Status CheckPolicyValue(const PolicyField& field, const PolicyValue& value,
                              std::string_view prefix) {
  if (IsAllowed(field, value)) return absl::OkStatus();
  return InvalidField(absl::StrCat(Av(prefix), Av(field.name)),
                      absl::StrCat("must be between ", Text(field.least), " and ",
                                   Text(field.most)));
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

#include "client/cli/job_ref.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <vector>

#include "client/cli/text.h"

namespace bits::cli {
namespace {

constexpr std::size_t kMostNamed = 5;  // in the message for several

constexpr std::size_t kLeastOfId = 4;

bool IsHex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

// Adds the jobs that `text` means, at most a few more than one.
absl::Status Collect(const Client& client, const std::string& text, bool show_final,
                     bool all_owners, std::vector<v1::Job>& found) {
  v1::ListJobsRequest request;
  request.set_all_owners(all_owners);
  request.set_page_size(1'000);
  request.set_show_final(show_final);
  const auto collect = [&](const v1::Job& job, bool means) {
    const bool known = std::any_of(found.begin(), found.end(),
                                   [&](const auto& other) { return other.name() == job.name(); });
    if (means && !known) found.push_back(job);
    return found.size() <= kMostNamed;
  };

  v1::ListJobsRequest by_name = request;
  by_name.set_filter(absl::StrCat("display_name = ", QuoteForFilter(text)));
  // The filter takes a `*` at either end as a wildcard; here it is a star.
  auto status = client.ForEachJob(
      by_name, [&](const v1::Job& job) { return collect(job, job.display_name() == text); });
  if (!status.ok() || !IsIdPrefix(text)) return status;

  const std::string prefix = absl::AsciiStrToLower(text);
  return client.ForEachJob(request, [&](const v1::Job& job) {
    return collect(job, JobId(job.name()).starts_with(prefix));
  });
}

}  // namespace

std::optional<std::string> JobNameFrom(const std::string& text) {
  std::string id = text.starts_with("jobs/") ? text.substr(5) : text;
  absl::AsciiStrToLower(&id);
  if (id.size() != 36) return std::nullopt;
  for (std::size_t i = 0; i < id.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? id[i] != '-' : !IsHex(id[i])) return std::nullopt;
  }
  return "jobs/" + id;
}

bool IsIdPrefix(const std::string& text) {
  const std::string lower = absl::AsciiStrToLower(text);
  return text.size() >= kLeastOfId && text.size() <= 36 && lower[0] != '-' &&
         std::all_of(lower.begin(), lower.end(), [](char c) { return IsHex(c) || c == '-'; });
}

absl::StatusOr<std::string> ResolveJob(const Client& client, const std::string& text) {
  if (auto name = JobNameFrom(text)) return *name;
  if (text.empty()) return absl::NotFoundError("the name of the job is empty");

  std::vector<v1::Job> found;
  // Only an administrator may look among those of others.
  for (const bool all_owners : {false, true}) {
    for (const bool show_final : {false, true}) {
      if (!found.empty()) break;
      auto status = Collect(client, text, show_final, all_owners, found);
      if (absl::IsPermissionDenied(status) && all_owners) break;
      if (!status.ok()) return status;
    }
  }
  if (found.empty()) {
    const std::string lower = absl::AsciiStrToLower(text);
    const bool too_short =
        text.size() < kLeastOfId && std::all_of(lower.begin(), lower.end(), IsHex);
    return absl::NotFoundError(absl::StrCat(
        "no job has the name ", too_short ? "" : "or id ", "\"", Printable(text), "\"",
        too_short ? absl::StrCat("; of an id, give ", kLeastOfId, " characters or more") : ""));
  }
  if (found.size() == 1) return found[0].name();

  std::string message =
      absl::StrCat("several jobs are called \"", Printable(text), "\"; say which by its id:");
  for (std::size_t i = 0; i < std::min(found.size(), kMostNamed); ++i) {
    absl::StrAppend(&message, "\n  ", JobId(found[i].name()), "  ",
                    Printable(found[i].display_name()));
  }
  if (found.size() > kMostNamed) absl::StrAppend(&message, "\n  and others");
  return absl::FailedPreconditionError(message);
}

std::string QuoteForFilter(const std::string& literal) {
  std::string quoted = "\"";
  for (const char c : literal) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

std::string JobId(const std::string& name) {
  return name.starts_with("jobs/") ? name.substr(5) : name;
}

}  // namespace bits::cli

#include "server/domain/holds.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "server/base/strings.h"
#include "server/domain/error_code.h"

namespace bits::domain {
namespace {

constexpr absl::Duration kLeastGap = absl::Seconds(1);
// A hold that nobody has tried for so long is forgotten once there are many.
constexpr absl::Duration kOld = absl::Hours(1);
constexpr size_t kMany = 1000;

}  // namespace

std::string HostOf(std::string_view remote_name) {
  const size_t colon = remote_name.find("://");
  if (colon == std::string_view::npos) return "";
  const std::string scheme = absl::AsciiStrToLower(Av(remote_name.substr(0, colon)));
  if (scheme != "http" && scheme != "https") return "";
  std::string_view authority = remote_name.substr(colon + 3);
  authority = authority.substr(0, authority.find_first_of("/?#"));
  if (const size_t at = authority.rfind('@'); at != std::string_view::npos) {
    authority.remove_prefix(at + 1);
  }
  const size_t port = authority.rfind(':');
  const size_t bracket = authority.rfind(']');
  const bool has_port = port != std::string_view::npos &&
                        (bracket == std::string_view::npos || bracket < port);
  std::string_view host = authority.substr(0, has_port ? port : authority.size());
  std::string_view number = has_port ? authority.substr(port + 1) : "";
  if (number.empty()) number = scheme == "https" ? "443" : "80";
  return absl::AsciiStrToLower(absl::StrCat(Av(host), ":", Av(number)));
}

bool IsConnectionFailure(const Failure& failure) {
  switch (failure.hresult) {
    case kNameNotResolved:
    case kCannotConnect:
    case kConnectTimeout:
    case kConnectionError:
      return true;
    default:
      return false;
  }
}

bool IsHostFailure(const Failure& failure) {
  return failure.contact == Contact::kFailed && IsConnectionFailure(failure);
}

bool IsHostAnswer(const Failure& failure) {
  return failure.contact == Contact::kMade || failure.http_status != 0;
}

bool IsDestinationFailure(const Failure& failure) {
  return failure.context == ErrorContext::kLocalFile &&
         (failure.hresult == kDiskFull || failure.hresult == kWriteProtect);
}

bool Holds::OnFailure(const std::string& key, const JobId& job, absl::Time now,
                      const HoldPolicy& policy) {
  if (key.empty()) return false;
  const auto it = holds_.find(key);
  if (it == holds_.end()) {
    ForgetOld(now);
    const absl::Duration interval = policy.least_probe_interval;
    holds_.emplace(key, Hold{interval, now, now + interval, {}});
    return true;
  }
  // Those that were under way when the hold began tell nothing new.
  Hold& hold = it->second;
  if (hold.probe != job || hold.probe.empty()) return false;
  hold.probe.clear();
  hold.interval = std::clamp(hold.interval * 2, policy.least_probe_interval,
                             policy.most_probe_interval);
  hold.last_try = now;
  hold.next_probe = now + hold.interval;
  return false;
}

bool Holds::OnAnswer(const std::string& key) {
  return holds_.erase(key) != 0;
}

bool Holds::OnAnswerTo(const std::string& key, const JobId& job) {
  const auto it = holds_.find(key);
  return it != holds_.end() && it->second.probe == job && OnAnswer(key);
}

bool Holds::MayStart(const std::string& key, absl::Time now) const {
  const auto it = holds_.find(key);
  return it == holds_.end() || (it->second.probe.empty() && it->second.next_probe <= now);
}

bool Holds::MayGoOn(const std::string& key, const JobId& job) const {
  const auto it = holds_.find(key);
  return it == holds_.end() || it->second.probe == job;
}

bool Holds::OnStart(const std::string& key, const JobId& job) {
  const auto it = holds_.find(key);
  if (it == holds_.end()) return true;
  if (!it->second.probe.empty()) return false;
  it->second.probe = job;
  return true;
}

void Holds::OnTurnEnded(const JobId& job, absl::Time now) {
  for (auto& [key, hold] : holds_) {
    if (hold.probe != job) continue;
    hold.probe.clear();
    hold.next_probe = now + std::min(hold.interval, kLeastGap);
  }
}

void Holds::ProbeNow(const std::string& key, absl::Time now) {
  const auto it = holds_.find(key);
  if (it == holds_.end()) return;
  Hold& hold = it->second;
  hold.next_probe = std::min(hold.next_probe, std::max(now, hold.last_try + kLeastGap));
}

std::optional<absl::Time> Holds::HeldUntil(const std::string& key, absl::Time now) const {
  const auto it = holds_.find(key);
  if (it == holds_.end()) return std::nullopt;
  return it->second.probe.empty() ? std::max(it->second.next_probe, now) : now;
}

absl::Time Holds::NextProbe(absl::Time now) const {
  absl::Time next = absl::InfiniteFuture();
  for (const auto& [key, hold] : holds_) {
    if (hold.probe.empty() && hold.next_probe > now) next = std::min(next, hold.next_probe);
  }
  return next;
}

void Holds::ForgetOld(absl::Time now) {
  if (holds_.size() < kMany) return;
  std::erase_if(holds_, [&](const auto& entry) {
    return entry.second.probe.empty() && entry.second.next_probe < now - kOld;
  });
}

}  // namespace bits::domain

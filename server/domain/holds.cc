#include "server/domain/holds.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "server/base/strings.h"
#include "server/domain/error_code.h"

namespace bits::domain {
namespace {

constexpr absl::Duration kLeastGap = absl::Seconds(1);

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

std::string HostFor(const Job& job, std::string_view remote_name) {
  return job.proxy.usage == ProxyUsage::kPreconfigured ? HostOf(remote_name) : "";
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

void Holds::SetProbe(Map::iterator it, const JobId& probe, absl::Time next_probe) {
  const std::string& key = it->first;
  Hold& hold = it->second;
  due_.erase({hold.next_probe, key});
  probed_.erase({hold.probe, key});
  hold.probe = probe;
  hold.next_probe = next_probe;
  if (probe.empty()) {
    due_.emplace(next_probe, key);
  } else {
    probed_.emplace(probe, key);
  }
}

void Holds::Erase(Map::iterator it) {
  due_.erase({it->second.next_probe, it->first});
  probed_.erase({it->second.probe, it->first});
  holds_.erase(it);
}

bool Holds::OnFailure(const std::string& key, const JobId& job, absl::Time now,
                      const HoldPolicy& policy) {
  if (key.empty()) return false;
  const auto it = holds_.find(key);
  if (it == holds_.end()) {
    if (holds_.size() >= kMostHolds && !due_.empty()) Erase(holds_.find(due_.begin()->second));
    const absl::Duration interval = policy.least_probe_interval;
    SetProbe(holds_.emplace(key, Hold{interval, now, now + interval, {}}).first, "",
             now + interval);
    return true;
  }
  // Those that were under way when the hold began tell nothing new.
  Hold& hold = it->second;
  if (hold.probe != job || hold.probe.empty()) return false;
  hold.interval = std::clamp(hold.interval * 2, policy.least_probe_interval,
                             policy.most_probe_interval);
  hold.last_try = now;
  SetProbe(it, "", now + hold.interval);
  return false;
}

bool Holds::OnAnswer(const std::string& key) {
  const auto it = holds_.find(key);
  if (it == holds_.end()) return false;
  Erase(it);
  return true;
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
  if (it == holds_.end()) return false;
  if (it->second.probe.empty()) SetProbe(it, job, it->second.next_probe);
  return it->second.probe == job;
}

void Holds::OnTurnEnded(const JobId& job, absl::Time now) {
  while (true) {
    const auto probed = probed_.lower_bound({job, ""});
    if (probed == probed_.end() || probed->first != job) return;
    const auto it = holds_.find(probed->second);
    SetProbe(it, "", now + std::min(it->second.interval, kLeastGap));
  }
}

void Holds::ProbeNow(const std::string& key, absl::Time now) {
  const auto it = holds_.find(key);
  if (it == holds_.end()) return;
  const Hold& hold = it->second;
  SetProbe(it, JobId(hold.probe),
           std::min(hold.next_probe, std::max(now, hold.last_try + kLeastGap)));
}

std::optional<absl::Time> Holds::HeldUntil(const std::string& key, absl::Time now) const {
  const auto it = holds_.find(key);
  if (it == holds_.end()) return std::nullopt;
  return it->second.probe.empty() ? std::max(it->second.next_probe, now) : now;
}

absl::Time Holds::NextProbe(absl::Time now) const {
  const auto next = std::find_if(due_.lower_bound({now, ""}), due_.end(),
                                 [&](const auto& due) { return due.first > now; });
  return next == due_.end() ? absl::InfiniteFuture() : next->first;
}

}  // namespace bits::domain

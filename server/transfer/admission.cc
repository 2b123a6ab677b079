#include "server/transfer/admission.h"

#include <utility>

namespace bits::transfer {

bool Admission::HasEnough(const std::string& host) const {
  if (per_host_ == 0 || host.empty()) return false;
  auto it = hosts_.find(host);
  return it != hosts_.end() && it->second.running >= per_host_;
}

void Admission::Add(uint64_t id, const std::string& host) {
  hosts_of_.emplace(id, host);
  if (HasEnough(host)) {
    hosts_[host].held.insert(id);
  } else {
    ready_.insert(id);
  }
}

std::optional<uint64_t> Admission::Next() {
  while (running_.size() < most_ && !ready_.empty()) {
    const uint64_t id = *ready_.begin();
    ready_.erase(ready_.begin());
    const std::string& name = hosts_of_[id];
    Host& host = hosts_[name];
    if (HasEnough(name)) {
      host.held.insert(id);
      continue;
    }
    ++host.running;
    running_.insert(id);
    return id;
  }
  return std::nullopt;
}

void Admission::Leave(uint64_t id) {
  auto it = hosts_of_.find(id);
  if (it == hosts_of_.end()) return;
  const std::string name = std::move(it->second);
  hosts_of_.erase(it);
  const bool ran = running_.erase(id) != 0;
  // It may have been let out of `held` for the chance that it now does not take.
  const bool was_ready = ready_.erase(id) != 0;
  auto found = hosts_.find(name);
  if (found == hosts_.end()) return;
  Host& host = found->second;
  host.held.erase(id);
  if (ran) --host.running;
  if ((ran || was_ready) && !host.held.empty()) {
    ready_.insert(*host.held.begin());
    host.held.erase(host.held.begin());
  }
  if (host.running == 0 && host.held.empty()) hosts_.erase(found);
}

}  // namespace bits::transfer

#include "server/rpc/watch_interest.h"

#include <functional>
#include <utility>

namespace bits::rpc {
namespace {

uint64_t HashOf(const domain::JobId& id) { return std::hash<domain::JobId>()(id); }

}  // namespace

WatchInterest::WatchInterest(domain::JobFilter filter, std::optional<std::string> owner,
                             bool from_snapshot, size_t capacity)
    : filter_(std::move(filter)),
      owner_(std::move(owner)),
      capacity_(capacity),
      all_(filter_.kind == domain::JobFilter::Kind::kAll),
      in_doubt_(!from_snapshot) {}

void WatchInterest::NoteSnapshot(const domain::JobId& id) {
  if (!all_) Remember(HashOf(id), true);
}

bool WatchInterest::Wants(const app::EventRecord& event) {
  if (owner_ && event.job.owner != *owner_) return false;
  if (all_) return true;
  const bool matches = domain::Matches(filter_, event.job);
  const uint64_t job = HashOf(event.job.id);
  const bool matched = event.kind != domain::ChangeKind::kCreated && MatchedBefore(job);
  if (event.kind == domain::ChangeKind::kDeleted) {
    known_.erase(job);
  } else {
    Remember(job, matches);
  }
  return matches || matched;
}

bool WatchInterest::MatchedBefore(uint64_t job) const {
  const auto it = known_.find(job);
  return it == known_.end() ? in_doubt_ : it->second;
}

void WatchInterest::Remember(uint64_t job, bool matches) {
  if (!in_doubt_ && !matches) {
    known_.erase(job);
    return;
  }
  if (known_.size() >= capacity_ && !known_.contains(job)) {
    known_.clear();
    in_doubt_ = true;
  }
  known_[job] = matches;
}

}  // namespace bits::rpc

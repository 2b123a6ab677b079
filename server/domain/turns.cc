#include "server/domain/turns.h"

#include <algorithm>
#include <deque>
#include <map>
#include <utility>

namespace bits::domain {
namespace {

constexpr Priority kBackground[] = {Priority::kHigh, Priority::kNormal, Priority::kLow};

class Planner {
 public:
  Planner(const TurnPolicy& policy, absl::Time now) : policy_(policy), now_(now) {}

  void Take(const ActiveTurn& turn) {
    if (turn.priority == Priority::kForeground) return;
    holders_.push_back(&turn);
    ++shares_[{turn.priority, turn.owner}];
  }

  void Take(const WaitingJob& job) {
    if (job.priority == Priority::kForeground) {
      plan_.start.push_back(job);
      return;
    }
    std::vector<Queue>& queues = waiting_[job.priority];
    if (queues.empty() || queues.back().front()->owner != job.owner) queues.emplace_back();
    queues.back().push_back(&job);
  }

  TurnPlan Make() {
    // The first to go is the lowest, of the lowest the one that has run longest: it has had most
    // of its slice, while the others have still to get theirs.
    std::sort(holders_.begin(), holders_.end(), [](const ActiveTurn* a, const ActiveTurn* b) {
      if (a->priority != b->priority) return a->priority > b->priority;
      return a->since != b->since ? a->since < b->since : a->id < b->id;
    });
    while (holders_.size() > policy_.background_slots) PutBack(holders_.begin(), false);
    for (Priority priority : kBackground) Fill(priority);
    return std::move(plan_);
  }

 private:
  using Holders = std::vector<const ActiveTurn*>;
  using Queue = std::deque<const WaitingJob*>;  // of one owner, not empty

  void Fill(Priority priority) {
    std::vector<Queue>& waiting = waiting_[priority];
    while (!waiting.empty()) {
      if (holders_.size() + started_ == policy_.background_slots) {
        if (holders_.empty() || holders_.front()->priority <= priority) break;
        PutBack(holders_.begin(), false);
      }
      Start(waiting, Fairest(waiting));
    }
    if (!waiting.empty()) EndSlices(priority, waiting);
  }

  // Jobs of the priority wait, and there is no slot for them but those of their like.
  void EndSlices(Priority priority, std::vector<Queue>& waiting) {
    for (size_t i = 0; i < holders_.size();) {
      const ActiveTurn& turn = *holders_[i];
      const absl::Time end = turn.since + policy_.time_slice;
      const bool concerned = turn.priority == priority && !waiting.empty();
      if (concerned && end > now_) plan_.look_again = std::min(plan_.look_again, end);
      // What is replaced leaves holders_.
      if (!concerned || end > now_ || !Replace(i, waiting)) ++i;
    }
  }

  // Gives the slot to whose turn it is now, unless that is the one that has it.
  bool Replace(size_t index, std::vector<Queue>& waiting) {
    const ActiveTurn& turn = *holders_[index];
    const bool own_waits = std::any_of(waiting.begin(), waiting.end(), [&](const Queue& queue) {
      return queue.front()->owner == turn.owner;
    });
    const uint32_t left = --shares_[{turn.priority, turn.owner}];
    const auto next = Fairest(waiting);
    if (!own_waits && left < ShareOf(*next)) {
      ++shares_[{turn.priority, turn.owner}];
      return false;
    }
    ++shares_[{turn.priority, turn.owner}];
    PutBack(holders_.begin() + static_cast<ptrdiff_t>(index), true);
    Start(waiting, next);
    return true;
  }

  // Whose owner has the fewest slots of this priority; of several, the first in the round.
  std::vector<Queue>::iterator Fairest(std::vector<Queue>& waiting) {
    return std::min_element(waiting.begin(), waiting.end(),
                            [this](const Queue& a, const Queue& b) {
                              return ShareOf(a) < ShareOf(b);
                            });
  }

  uint32_t ShareOf(const Queue& queue) const {
    const auto it = shares_.find({queue.front()->priority, queue.front()->owner});
    return it == shares_.end() ? 0 : it->second;
  }

  void Start(std::vector<Queue>& waiting,
             std::vector<Queue>::iterator which) {
    const WaitingJob& job = *which->front();
    ++shares_[{job.priority, job.owner}];
    ++started_;
    plan_.start.push_back(job);
    which->pop_front();
    if (which->empty()) waiting.erase(which);
  }

  void PutBack(Holders::iterator which, bool slice_over) {
    const ActiveTurn& turn = **which;
    --shares_[{turn.priority, turn.owner}];
    plan_.put_back.push_back({turn.id, slice_over});
    holders_.erase(which);
  }

  const TurnPolicy& policy_;
  const absl::Time now_;
  Holders holders_;  // of a slot; the first to give way first
  size_t started_ = 0;
  // Slots, by priority and owner.
  std::map<std::pair<Priority, std::string>, uint32_t> shares_;
  std::map<Priority, std::vector<Queue>> waiting_;
  TurnPlan plan_;
};

}  // namespace

TurnPlan PlanTurns(std::span<const ActiveTurn> active, std::span<const WaitingJob> waiting,
                   const TurnPolicy& policy, absl::Time now) {
  Planner planner(policy, now);
  for (const ActiveTurn& turn : active) planner.Take(turn);
  for (const WaitingJob& job : waiting) planner.Take(job);
  return planner.Make();
}

}  // namespace bits::domain

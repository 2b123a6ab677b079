// Whose turn it is. Pure, deterministic; any thread.
//
// FOREGROUND jobs run at once, beside all others. The others share a number of slots: HIGH before
// NORMAL before LOW, by strict pre-emption. Only jobs that wait in QUEUED stand in the way of lower
// ones, so one in an error does not. Among jobs of one priority the turn goes round in time slices:
// first among their owners, so that one's 100,000 jobs do not starve another's one, then among
// an owner's jobs, longest waiting first.
#ifndef BITS_SERVER_DOMAIN_TURNS_H_
#define BITS_SERVER_DOMAIN_TURNS_H_

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "server/domain/job.h"

namespace bits::domain {

// What the operator may set.
struct TurnPolicy {
  // Jobs below FOREGROUND that may be active at once. 0: none.
  uint32_t background_slots = 16;
  // How long a job may keep its slot while one of the same priority waits.
  absl::Duration time_slice = absl::Minutes(5);
  // By Priority: these get no turn, and do not keep one (the bandwidth policy stops them).
  std::array<bool, 4> stopped = {};
};

// A job that has its turn.
struct ActiveTurn {
  JobId id;
  std::string owner;
  Priority priority = Priority::kNormal;
  absl::Time since;  // when the turn began
};

// A job that is among the next of its owner and priority to get a turn.
struct WaitingJob {
  JobId id;
  std::string owner;
  Priority priority = Priority::kNormal;
  // What it needs (Job.host, Job.destination). The plan does not go by them.
  std::string host = {};
  std::string destination = {};
};

struct TurnPlan {
  struct PutBack {
    JobId id;
    // It has had its slice: it waits behind all others of its owner and priority. Else it had to
    // give way, and keeps its place.
    bool slice_over = false;
  };
  // To be carried out first.
  std::vector<PutBack> put_back;
  // In the order in which they get their turns.
  std::vector<WaitingJob> start;
  // When a slice ends that somebody waits for; InfiniteFuture: nothing but a change of the jobs
  // changes the plan.
  absl::Time look_again = absl::InfiniteFuture();
};

// `waiting`: of each priority, owner by owner in the order in which their turn comes round, the first
// in their queues: one at least. Where something is started more may wait behind it: plan again.
TurnPlan PlanTurns(std::span<const ActiveTurn> active, std::span<const WaitingJob> waiting,
                   const TurnPolicy& policy, absl::Time now);

}  // namespace bits::domain

#endif  // BITS_SERVER_DOMAIN_TURNS_H_

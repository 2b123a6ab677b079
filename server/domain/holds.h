// Hosts and destinations that are out of order as a whole: what fails for one job would fail for
// all, so all but one wait while that one finds out from time to time whether it is over.
#ifndef BITS_SERVER_DOMAIN_HOLDS_H_
#define BITS_SERVER_DOMAIN_HOLDS_H_

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "absl/time/time.h"
#include "server/domain/error.h"
#include "server/domain/job.h"

namespace bits::domain {

// What the operator may set.
struct HoldPolicy {
  // The first probe comes so long after the failure; each that fails doubles the wait.
  absl::Duration least_probe_interval = absl::Seconds(1);
  absl::Duration most_probe_interval = absl::Minutes(1);
};

// "host:port" of a remote name, in lower case; empty if it has no host, as file:// has not.
std::string HostOf(std::string_view remote_name);
// The host whose being out of order would concern the job. None of a job that goes by proxies of its
// own, or past those of the others: its way to the host says nothing of theirs.
std::string HostFor(const Job& job, std::string_view remote_name);

// Whether it was the way to the host, or the host as a whole, that failed: also where a connection was
// cut or nothing came any more.
bool IsConnectionFailure(const Failure& failure);
// Whether, of these, no connection to the host of the remote name came about: its name is not resolved, it
// refuses, cannot be reached, does not answer in time, or ends the handshake.
bool IsHostFailure(const Failure& failure);
// Whether the host answered in the attempt, be it by an error, or was at least there.
bool IsHostAnswer(const Failure& failure);
// Whether nothing more can be written there: it is full or read-only.
bool IsDestinationFailure(const Failure& failure);

// So many keys are held at most: of more, that whose probe has been due for the longest time is
// forgotten, which costs a job one try.
inline constexpr size_t kMostHolds = 10'000;

// The holds of one kind, by key (HostFor, or the root that holds a path). Not thread-safe. While a key
// is held one job at a time gets through, as the probe, when its time has come. No call takes more than
// logarithmic time, but for each key of the job concerned.
class Holds {
 public:
  // A failure of the key's that `job` met. True if a hold begins.
  bool OnFailure(const std::string& key, const JobId& job, absl::Time now,
                 const HoldPolicy& policy);
  // It works. True if a hold ends by it.
  bool OnAnswer(const std::string& key);
  // It did when the job tried, which says something only if that is the probe: others may have
  // begun before the hold. True if a hold ends by it.
  bool OnAnswerTo(const std::string& key, const JobId& job);
  // Whether a job may have its turn: the key is not held, or its probe is due.
  bool MayStart(const std::string& key, absl::Time now) const;
  // Whether a job may turn to the key in its turn: it is not held, or the job is the probe.
  bool MayGoOn(const std::string& key, const JobId& job) const;
  // The job has been given its turn, and is the probe if the key is held and has none. True if it is.
  bool OnStart(const std::string& key, const JobId& job);
  // Where it was a probe (of several keys, if its files are of several) that found out nothing,
  // another may follow soon.
  void OnTurnEnded(const JobId& job, absl::Time now);
  // The owner of a job wants to know: the probe is due now, but never more than one a second.
  void ProbeNow(const std::string& key, absl::Time now);

  // When the next probe is due: nullopt if the key is not held. While one is under way: `now`.
  std::optional<absl::Time> HeldUntil(const std::string& key, absl::Time now) const;
  // The first probe that will be due after `now`; InfiniteFuture if there is none.
  absl::Time NextProbe(absl::Time now) const;
  bool empty() const { return holds_.empty(); }
  size_t size() const { return holds_.size(); }

 private:
  struct Hold {
    absl::Duration interval;
    absl::Time last_try;  // that failed
    absl::Time next_probe;
    JobId probe;  // under way; empty: none
  };
  using Map = std::map<std::string, Hold>;
  void SetProbe(Map::iterator it, const JobId& probe, absl::Time next_probe);
  void Erase(Map::iterator it);

  Map holds_;
  // The same by the time of their next probe: those that have none under way.
  std::set<std::pair<absl::Time, std::string>> due_;
  // The same by probe: the others.
  std::set<std::pair<JobId, std::string>> probed_;
};

}  // namespace bits::domain

#endif  // BITS_SERVER_DOMAIN_HOLDS_H_

// Hosts and destinations that are out of order as a whole: what fails for one job would fail for
// all, so all but one wait while that one finds out from time to time whether it is over.
#ifndef BITS_SERVER_DOMAIN_HOLDS_H_
#define BITS_SERVER_DOMAIN_HOLDS_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>

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

// The holds of one kind, by key (HostOf, or the root that holds a path). Not thread-safe. While a key
// is held one job at a time gets through, as the probe, when its time has come.
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
  // The job has been given its turn: it is the probe if the key is held. False if it is not, and
  // there is another already.
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

 private:
  struct Hold {
    absl::Duration interval;
    absl::Time last_try;  // that failed
    absl::Time next_probe;
    JobId probe;  // under way; empty: none
  };
  void ForgetOld(absl::Time now);

  std::map<std::string, Hold> holds_;
};

}  // namespace bits::domain

#endif  // BITS_SERVER_DOMAIN_HOLDS_H_

// Which events a watcher gets: those of jobs that it may see and that match its filter, and
// those by which a job leaves the filter.
#ifndef BITS_SERVER_RPC_WATCH_INTEREST_H_
#define BITS_SERVER_RPC_WATCH_INTEREST_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "server/app/ports/job_store.h"
#include "server/domain/job_filter.h"

namespace bits::rpc {

// An event does not say what the job was before, so whether it leaves the filter is told from
// what was seen of the job earlier in this watch: by default of up to `capacity` jobs. Where that
// is not known (a watch that goes on from a cursor has not seen the job yet, or there were too
// many jobs) the event is sent: none by which a job leaves is ever missed, but now and then one
// of a job that neither matches nor did. Not thread-safe.
class WatchInterest {
 public:
  // `owner`: only theirs; nullopt: everybody's. `from_snapshot`: every matching job is
  // told by NoteSnapshot before the first Wants, so that all others are known not to match.
  WatchInterest(domain::JobFilter filter, std::optional<std::string> owner, bool from_snapshot,
                size_t capacity);

  // A job of the snapshot, which matches.
  void NoteSnapshot(const domain::JobId& id);
  // Whether the event is to be sent. Once for each event, in their order.
  bool Wants(const app::EventRecord& event);

 private:
  bool MatchedBefore(uint64_t job) const;
  void Remember(uint64_t job, bool matches);

  const domain::JobFilter filter_;
  const std::optional<std::string> owner_;
  const size_t capacity_;
  const bool all_;  // the filter matches every job
  // Of jobs that are not in known_: false: they do not match; true: who knows.
  bool in_doubt_;
  absl::flat_hash_map<uint64_t, bool> known_;  // by the hash of the id: does it match?
};

}  // namespace bits::rpc

#endif  // BITS_SERVER_RPC_WATCH_INTEREST_H_

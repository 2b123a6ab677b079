// Who may take how many bytes now: limits for all together, by priority, by host and by job, at
// once.
#ifndef BITS_SERVER_TRANSFER_RATE_LIMITER_H_
#define BITS_SERVER_TRANSFER_RATE_LIMITER_H_

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "server/domain/bandwidth.h"
#include "server/domain/job.h"

namespace bits::transfer {

// A limit is a bucket that fills at its rate, to a quarter of a second's worth at most, and may be
// overdrawn by one piece: so no rate is too low for a piece, and the mean is exact. A flow passes
// through all buckets that hold it. Whoever has used up what it was granted waits; Grant goes round
// the waiting ones piece by piece, to the job first that has had the least, within a job to the
// flow. Those whose bucket is empty are passed over, so what they leave is shared by those that can
// use it: max-min fair among jobs. What a job did not take it cannot take later.
//
// One thread; time is an argument, and never goes back.
class RateLimiter {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using FlowId = uint64_t;
  struct Flow {
    domain::JobId job;
    domain::Priority priority = domain::Priority::kNormal;
    domain::Rate job_rate = 0;  // the job's own limit; 0: none
    std::string host;           // empty: none that has a limit
  };

  void SetLimits(const domain::RateLimits& limits, Time now);
  // Of the job's flows, also of those to come while there are some.
  void SetJob(const domain::JobId& id, domain::Priority priority, domain::Rate rate, Time now);

  void Add(FlowId id, const Flow& flow, Time now);
  void Remove(FlowId id);
  // Its bytes come from another host from now on.
  void SetHost(FlowId id, const std::string& host, Time now);

  // True: so many bytes may pass, and are counted. False: the flow waits until Grant names it.
  bool Take(FlowId id, size_t bytes, Time now);
  // What was taken did not pass after all.
  void GiveBack(FlowId id, size_t bytes);
  // Those that waited and may take some now.
  std::vector<FlowId> Grant(Time now);
  // When Grant may name somebody; nullopt: nobody waits, or for a change only.
  std::optional<Time> next_grant() const { return next_grant_; }
  // Since it was made: what Grant costs goes by it.
  uint64_t pieces_granted() const { return pieces_granted_; }

  // About what the flow can get, going by how many share its limits; nullopt: it has none.
  std::optional<domain::Rate> ShareOf(FlowId id) const;

 private:
  struct Bucket {
    std::optional<domain::Rate> rate;
    double tokens = 0;
    Time filled{};
    size_t flows = 0;  // that it holds

    void SetRate(std::optional<domain::Rate> to, Time now);
    void Fill(Time now);
    bool empty() const { return rate.has_value() && tokens <= 0; }
    // Until there is something in it; nullopt: never.
    std::optional<double> SecondsToWait() const;
  };
  struct Job {
    Bucket bucket;
    domain::Priority priority = domain::Priority::kNormal;
    uint64_t taken = 0;      // how much it has had, for turns: what it could have had counts too
    uint64_t flow_mark = 0;  // the same as mark_, of its flows
  };
  struct Entry {
    Flow flow;
    uint64_t taken = 0;
    size_t asked = 0;
    double credit = 0;  // granted, not yet taken
    bool waiting = false;
  };
  struct Turn;

  // The buckets that hold the flow.
  std::array<const Bucket*, 5> BucketsOf(const Entry& entry) const;
  std::array<Bucket*, 5> BucketsOf(const Entry& entry);
  void Count(const Entry& entry, bool add);
  void JoinHost(const std::string& host, Time now);
  void LeaveHost(const std::string& host);
  void FillAll(Time now);
  bool IsLimited(const Entry& entry) const;
  void Charge(const Entry& entry, double bytes);
  void GrantPiece(Entry& entry, double enough);
  void LookAgain(const Entry& entry, Time now);
  std::optional<domain::Rate> RateOfHost(const std::string& host) const;
  std::chrono::nanoseconds Tick() const;

  domain::RateLimits limits_;
  Bucket server_;
  Bucket background_;
  std::array<Bucket, 4> priority_;
  std::unordered_map<std::string, Bucket> hosts_;
  std::unordered_map<domain::JobId, Job> jobs_;
  std::unordered_map<FlowId, Entry> flows_;
  std::set<FlowId> waiting_;
  uint64_t mark_ = 0;  // `taken` of the job that had the last turn
  uint64_t pieces_granted_ = 0;
  std::optional<Time> next_grant_;
};

}  // namespace bits::transfer

#endif  // BITS_SERVER_TRANSFER_RATE_LIMITER_H_

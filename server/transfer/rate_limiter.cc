#include "server/transfer/rate_limiter.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <queue>
#include <tuple>
#include <utility>

namespace bits::transfer {
namespace {

using Seconds = std::chrono::duration<double>;

// What a bucket holds at most, in seconds of its rate: a loop that is late loses no less.
constexpr double kDepth = 0.25;
// So much a flow may be granted ahead, in seconds of the lowest of its rates.
constexpr double kAhead = 0.02;
// What is granted at a time is what was asked for, but no less than this or a part of what may be
// granted ahead: a byte that was asked for must not make for as many turns as a rate has bytes.
constexpr double kLeastPiece = 16 * 1024;
constexpr double kMostPiecesAhead = 64;
constexpr uint64_t kSlack = uint64_t{64} * 1024;
constexpr std::chrono::microseconds kLeastTick(5000);
// So that looking at them costs the loop some per cent at most.
constexpr std::chrono::microseconds kTickEach(20);

uint64_t AtLeast(uint64_t taken, uint64_t mark) {
  return std::max(taken, mark > kSlack ? mark - kSlack : 0);
}

}  // namespace

// Whose piece is next: the one that has had the least.
struct RateLimiter::Turn {
  uint64_t of_job;
  uint64_t of_flow;
  FlowId id;
  bool operator>(const Turn& other) const {
    return std::tie(of_job, of_flow, id) > std::tie(other.of_job, other.of_flow, other.id);
  }
};

void RateLimiter::Bucket::SetRate(std::optional<domain::Rate> to, Time now) {
  if (to == rate) return;
  Fill(now);
  rate = to;
  filled = now;
  const auto whole = static_cast<double>(rate.value_or(0));
  tokens = std::clamp(tokens, -whole, whole * kDepth);
}

void RateLimiter::Bucket::Fill(Time now) {
  if (rate.has_value() && now > filled) {
    const auto whole = static_cast<double>(*rate);
    tokens = std::min(tokens + whole * Seconds(now - filled).count(), whole * kDepth);
  }
  filled = std::max(filled, now);
}

std::optional<double> RateLimiter::Bucket::SecondsToWait() const {
  if (!empty()) return 0;
  if (*rate == 0) return std::nullopt;
  // A byte more than nothing.
  return (1 - tokens) / static_cast<double>(*rate);
}

std::array<const RateLimiter::Bucket*, 5> RateLimiter::BucketsOf(const Entry& entry) const {
  const Job& job = jobs_.at(entry.flow.job);
  const bool background = job.priority != domain::Priority::kForeground;
  const auto host = hosts_.find(entry.flow.host);
  return {&server_, background ? &background_ : nullptr,
          &priority_.at(static_cast<size_t>(job.priority)),
          host == hosts_.end() ? nullptr : &host->second, &job.bucket};
}

std::array<RateLimiter::Bucket*, 5> RateLimiter::BucketsOf(const Entry& entry) {
  std::array<Bucket*, 5> buckets{};
  const auto all = static_cast<const RateLimiter*>(this)->BucketsOf(entry);
  std::transform(all.begin(), all.end(), buckets.begin(),
                 [](const Bucket* bucket) { return const_cast<Bucket*>(bucket); });
  return buckets;
}

void RateLimiter::Count(const Entry& entry, bool add) {
  for (Bucket* bucket : BucketsOf(entry)) {
    if (bucket != nullptr) bucket->flows += add ? 1 : static_cast<size_t>(-1);
  }
}

std::optional<domain::Rate> RateLimiter::RateOfHost(const std::string& host) const {
  const auto named = limits_.hosts.find(host);
  return named == limits_.hosts.end() ? limits_.per_host : named->second;
}

void RateLimiter::SetLimits(const domain::RateLimits& limits, Time now) {
  limits_ = limits;
  server_.SetRate(limits.server, now);
  background_.SetRate(limits.background, now);
  for (size_t i = 0; i < priority_.size(); ++i) priority_[i].SetRate(limits.priority[i], now);
  for (auto& [name, bucket] : hosts_) bucket.SetRate(RateOfHost(name), now);
  if (!waiting_.empty()) next_grant_ = now;
}

void RateLimiter::SetJob(const domain::JobId& id, domain::Priority priority, domain::Rate rate,
                         Time now) {
  const auto it = jobs_.find(id);
  if (it == jobs_.end()) return;
  Job& job = it->second;
  if (job.priority != priority) {
    for (const bool add : {false, true}) {
      if (add) job.priority = priority;
      for (const auto& [flow, entry] : flows_) {
        if (entry.flow.job == id) Count(entry, add);
      }
    }
  }
  job.bucket.SetRate(rate == 0 ? std::nullopt : std::optional(rate), now);
  if (!waiting_.empty()) next_grant_ = now;
}

void RateLimiter::JoinHost(const std::string& host, Time now) {
  if (host.empty()) return;
  Bucket& bucket = hosts_[host];
  if (bucket.flows != 0) return;
  bucket.filled = now;
  bucket.SetRate(RateOfHost(host), now);
}

void RateLimiter::LeaveHost(const std::string& host) {
  const auto it = hosts_.find(host);
  if (it != hosts_.end() && it->second.flows == 0) hosts_.erase(it);
}

void RateLimiter::SetHost(FlowId id, const std::string& host, Time now) {
  const auto it = flows_.find(id);
  if (it == flows_.end() || it->second.flow.host == host) return;
  Entry& entry = it->second;
  Charge(entry, -std::exchange(entry.credit, 0));
  Count(entry, false);
  LeaveHost(entry.flow.host);
  entry.flow.host = host;
  JoinHost(host, now);
  Count(entry, true);
  if (!waiting_.empty()) next_grant_ = now;
}

void RateLimiter::Add(FlowId id, const Flow& flow, Time now) {
  Job& job = jobs_[flow.job];
  if (job.bucket.flows == 0) {
    job.taken = mark_;
    job.priority = flow.priority;
    job.bucket.filled = now;
    job.bucket.SetRate(flow.job_rate == 0 ? std::nullopt : std::optional(flow.job_rate), now);
  }
  JoinHost(flow.host, now);
  Entry& entry = flows_[id];
  entry.flow = flow;
  entry.taken = job.flow_mark;
  Count(entry, true);
}

void RateLimiter::Remove(FlowId id) {
  const auto it = flows_.find(id);
  if (it == flows_.end()) return;
  Entry& entry = it->second;
  Charge(entry, -entry.credit);
  Count(entry, false);
  const auto job = jobs_.find(entry.flow.job);
  if (job->second.bucket.flows == 0) jobs_.erase(job);
  LeaveHost(entry.flow.host);
  waiting_.erase(id);
  flows_.erase(it);
}

bool RateLimiter::IsLimited(const Entry& entry) const {
  const auto buckets = BucketsOf(entry);
  return std::any_of(buckets.begin(), buckets.end(),
                     [](const Bucket* b) { return b != nullptr && b->rate.has_value(); });
}

void RateLimiter::Charge(const Entry& entry, double bytes) {
  for (Bucket* bucket : BucketsOf(entry)) {
    if (bucket != nullptr && bucket->rate.has_value()) bucket->tokens -= bytes;
  }
}

bool RateLimiter::Take(FlowId id, size_t bytes, Time now) {
  const auto it = flows_.find(id);
  if (it == flows_.end()) return true;
  Entry& entry = it->second;
  if (!IsLimited(entry)) {
    entry.credit = 0;
    return true;
  }
  const auto wanted = static_cast<double>(bytes);
  if (entry.credit > 0) {
    const double more = std::max(wanted - entry.credit, 0.0);
    entry.credit -= wanted - more;
    if (more > 0) Charge(entry, more);
    return true;
  }
  entry.asked = bytes;
  if (!std::exchange(entry.waiting, true)) waiting_.insert(id);
  LookAgain(entry, now);
  return false;
}

void RateLimiter::GiveBack(FlowId id, size_t bytes) {
  const auto it = flows_.find(id);
  if (it != flows_.end() && IsLimited(it->second)) it->second.credit += static_cast<double>(bytes);
}

std::chrono::nanoseconds RateLimiter::Tick() const {
  return std::max<std::chrono::microseconds>(kLeastTick, kTickEach * waiting_.size());
}

// Sees to it that Grant comes when the flow's buckets have something.
void RateLimiter::LookAgain(const Entry& entry, Time now) {
  double wait = 0;
  for (Bucket* bucket : BucketsOf(entry)) {
    if (bucket == nullptr) continue;
    bucket->Fill(now);
    const std::optional<double> seconds = bucket->SecondsToWait();
    if (!seconds.has_value()) return;
    wait = std::max(wait, *seconds);
  }
  const Time then =
      now + std::max(Tick(), std::chrono::duration_cast<std::chrono::nanoseconds>(Seconds(wait)));
  if (!next_grant_.has_value() || then < *next_grant_) next_grant_ = then;
}

void RateLimiter::FillAll(Time now) {
  server_.Fill(now);
  background_.Fill(now);
  for (Bucket& bucket : priority_) bucket.Fill(now);
  for (auto& [name, bucket] : hosts_) bucket.Fill(now);
  for (auto& [id, job] : jobs_) job.bucket.Fill(now);
}

void RateLimiter::GrantPiece(Entry& entry, double enough) {
  const auto piece = static_cast<uint64_t>(
      std::max({static_cast<double>(entry.asked), std::min(enough, kLeastPiece),
                enough / kMostPiecesAhead}));
  Job& job = jobs_.at(entry.flow.job);
  job.taken = AtLeast(job.taken, mark_);
  mark_ = std::max(mark_, job.taken);
  entry.taken = AtLeast(entry.taken, job.flow_mark);
  job.flow_mark = std::max(job.flow_mark, entry.taken);
  job.taken += piece;
  entry.taken += piece;
  entry.credit += static_cast<double>(piece);
  Charge(entry, static_cast<double>(piece));
  ++pieces_granted_;
}

std::vector<RateLimiter::FlowId> RateLimiter::Grant(Time now) {
  next_grant_.reset();
  FillAll(now);
  std::priority_queue<Turn, std::vector<Turn>, std::greater<>> turns;
  const auto queue = [&](FlowId id, const Entry& entry) {
    turns.push({jobs_.at(entry.flow.job).taken, entry.taken, id});
  };
  for (const FlowId id : waiting_) queue(id, flows_.at(id));
  std::vector<FlowId> granted;
  while (!turns.empty()) {
    const Turn turn = turns.top();
    turns.pop();
    Entry& entry = flows_.at(turn.id);
    if (turn.of_job != jobs_.at(entry.flow.job).taken) {  // another flow of its had one since
      queue(turn.id, entry);
      continue;
    }
    const auto buckets = BucketsOf(entry);
    double lowest = std::numeric_limits<double>::infinity();
    bool empty = false;
    for (const Bucket* bucket : buckets) {
      if (bucket == nullptr || !bucket->rate.has_value()) continue;
      lowest = std::min(lowest, static_cast<double>(*bucket->rate));
      empty = empty || bucket->empty();
    }
    const bool unlimited = lowest == std::numeric_limits<double>::infinity();
    const auto enough = std::max(lowest * kAhead, 1.0);
    if (!empty && !unlimited) GrantPiece(entry, enough);
    if ((!empty || unlimited) && std::exchange(entry.waiting, false)) granted.push_back(turn.id);
    if (!empty && !unlimited && entry.credit < enough) queue(turn.id, entry);
  }
  for (const FlowId id : granted) waiting_.erase(id);
  for (const FlowId id : waiting_) LookAgain(flows_.at(id), now);
  return granted;
}

std::optional<domain::Rate> RateLimiter::ShareOf(FlowId id) const {
  const auto it = flows_.find(id);
  if (it == flows_.end()) return std::nullopt;
  std::optional<domain::Rate> share;
  for (const Bucket* bucket : BucketsOf(it->second)) {
    if (bucket == nullptr || !bucket->rate.has_value()) continue;
    const domain::Rate each = *bucket->rate / std::max<size_t>(bucket->flows, 1);
    share = std::min(share.value_or(each), each);
  }
  return share;
}

}  // namespace bits::transfer

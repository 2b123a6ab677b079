#include "server/store/sqlite/queue_query.h"

#include <algorithm>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "server/base/status_macros.h"
#include "server/store/job_id.h"

namespace bits::store {
namespace {

// So many of an owner's are passed over one by one.
constexpr uint32_t kMostPassedOver = 256;
// Beyond them so many pairs of a host and a destination are stepped over; of so many that are not
// held jobs are looked at, and so many of each.
constexpr uint32_t kMostPairs = 4096;
constexpr uint32_t kMostHosts = 256;
constexpr uint32_t kMostOfHost = 64;

static_assert(static_cast<int>(domain::JobState::kQueued) == 0);

// Columns: id, owner, host, destination.
absl::StatusOr<domain::WaitingJob> ReadWaiting(const Statement& statement,
                                               domain::Priority priority) {
  std::optional<domain::JobId> id = UnpackJobId(statement.Bytes(0));
  if (!id.has_value()) return absl::UnavailableError("the store holds an id that is none");
  return domain::WaitingJob{*std::move(id), std::string(statement.Bytes(1)), priority,
                            std::string(statement.Bytes(2)), std::string(statement.Bytes(3))};
}

class QueueReader {
 public:
  QueueReader(Database& database, const app::QueueQuery& query,
              const app::JobStore::PassOver& pass_over)
      : database_(database), query_(query), pass_over_(pass_over) {}

  // From owner to owner by a step into the index for each, so that the number of their jobs does
  // not matter: those behind after_owner, then from the first up to it.
  absl::StatusOr<std::vector<domain::WaitingJob>> Read() {
    BITS_RETURN_IF_ERROR(ReadOwners(query_.after_owner, /*behind=*/true, std::nullopt));
    BITS_RETURN_IF_ERROR(ReadOwners("", /*behind=*/false, query_.after_owner));
    return std::move(found_);
  }

 private:
  // `behind`: from behind `owner` on, else with it. `last`: no further than that.
  absl::Status ReadOwners(std::string owner, bool behind, const std::optional<std::string>& last) {
    while (owners_ < query_.owners) {
      const size_t before = found_.size();
      BITS_ASSIGN_OR_RETURN(const std::optional<std::string> next,
                            ReadNextOwner(owner, behind, last));
      if (found_.size() > before) ++owners_;
      if (!next.has_value()) return absl::OkStatus();
      owner = *next;
      behind = true;
    }
    return absl::OkStatus();
  }

  // The owner whose jobs were looked at; nullopt if there is none left.
  absl::StatusOr<std::optional<std::string>> ReadNextOwner(const std::string& from, bool behind,
                                                           const std::optional<std::string>& last) {
    std::optional<std::string> owner;
    {
      StatementLease statement =
          behind ? database_.Cached(
                       "SELECT id, owner, host, destination FROM jobs INDEXED BY jobs_turns"
                       " WHERE state = 0 AND deferred = 0 AND priority = ?1 AND owner > ?2"
                       " ORDER BY owner, queue_time, seq")
                 : database_.Cached(
                       "SELECT id, owner, host, destination FROM jobs INDEXED BY jobs_turns"
                       " WHERE state = 0 AND deferred = 0 AND priority = ?1 AND owner >= ?2"
                       " ORDER BY owner, queue_time, seq");
      statement->BindInt(1, static_cast<int64_t>(query_.priority));
      statement->BindText(2, from);
      uint32_t passed = 0;
      for (uint32_t given = 0; given < query_.per_owner && passed < kMostPassedOver;) {
        BITS_ASSIGN_OR_RETURN(const bool row, statement->Step());
        if (!row) return owner;
        BITS_ASSIGN_OR_RETURN(domain::WaitingJob job, ReadWaiting(*statement, query_.priority));
        if (owner.has_value() && job.owner != *owner) return owner;
        if (last.has_value() && job.owner > *last) return owner;
        owner = job.owner;
        const bool pass = pass_over_(job);
        pass ? ++passed : ++given;
        if (!pass) found_.push_back(std::move(job));
      }
      if (passed < kMostPassedOver) return owner;
    }
    BITS_RETURN_IF_ERROR(ReadByHost(*owner));
    return owner;
  }

  // Finds what is behind many that are passed over by a step into another index for each host and
  // destination; the longest waiting come first among what is looked at.
  absl::Status ReadByHost(const std::string& owner) {
    std::vector<std::tuple<int64_t, int64_t, domain::WaitingJob>> jobs;  // by queue_time and seq
    std::string host;
    std::string destination;
    uint32_t hosts = 0;
    for (uint32_t pairs = 0; pairs < kMostPairs && hosts < kMostHosts; ++pairs) {
      BITS_ASSIGN_OR_RETURN(const bool there, NextHost(owner, pairs > 0, host, destination));
      if (!there) break;
      if (query_.held && query_.held(host, destination)) continue;
      ++hosts;
      StatementLease statement = database_.Cached(
          "SELECT id, owner, host, destination, queue_time, seq FROM jobs"
          " INDEXED BY jobs_turns_by_host WHERE state = 0 AND deferred = 0 AND priority = ?1 AND owner = ?2"
          " AND host = ?3 AND destination = ?4 ORDER BY queue_time, seq LIMIT ?5");
      statement->BindInt(1, static_cast<int64_t>(query_.priority));
      statement->BindText(2, owner);
      statement->BindText(3, host);
      statement->BindText(4, destination);
      statement->BindInt(5, kMostOfHost);
      for (uint32_t given = 0; given < query_.per_owner;) {
        BITS_ASSIGN_OR_RETURN(const bool row, statement->Step());
        if (!row) break;
        BITS_ASSIGN_OR_RETURN(domain::WaitingJob job, ReadWaiting(*statement, query_.priority));
        if (WasFound(job.id) || pass_over_(job)) continue;
        ++given;
        jobs.emplace_back(statement->Int(4), statement->Int(5), std::move(job));
      }
    }
    std::sort(jobs.begin(), jobs.end(), [](const auto& a, const auto& b) {
      return std::tie(std::get<0>(a), std::get<1>(a)) < std::tie(std::get<0>(b), std::get<1>(b));
    });
    size_t given = GivenOf(owner);
    for (auto& job : jobs) {
      if (given++ == query_.per_owner) break;
      found_.push_back(std::move(std::get<2>(job)));
    }
    return absl::OkStatus();
  }

  // The pair behind this one, or the first.
  absl::StatusOr<bool> NextHost(const std::string& owner, bool behind, std::string& host,
                                std::string& destination) {
    StatementLease statement =
        behind ? database_.Cached(
                     "SELECT host, destination FROM jobs INDEXED BY jobs_turns_by_host"
                     " WHERE state = 0 AND deferred = 0 AND priority = ?1 AND owner = ?2"
                     " AND (host, destination) > (?3, ?4) ORDER BY host, destination LIMIT 1")
               : database_.Cached(
                     "SELECT host, destination FROM jobs INDEXED BY jobs_turns_by_host"
                     " WHERE state = 0 AND deferred = 0 AND priority = ?1 AND owner = ?2"
                     " AND (host, destination) >= (?3, ?4) ORDER BY host, destination LIMIT 1");
    statement->BindInt(1, static_cast<int64_t>(query_.priority));
    statement->BindText(2, owner);
    const std::string after_host = host;
    const std::string after_destination = destination;
    statement->BindText(3, after_host);
    statement->BindText(4, after_destination);
    BITS_ASSIGN_OR_RETURN(const bool row, statement->Step());
    if (!row) return false;
    host = statement->Bytes(0);
    destination = statement->Bytes(1);
    return true;
  }

  bool WasFound(const domain::JobId& id) const {
    return std::any_of(found_.rbegin(), found_.rend(),
                       [&](const domain::WaitingJob& job) { return job.id == id; });
  }
  size_t GivenOf(const std::string& owner) const {
    return static_cast<size_t>(
        std::count_if(found_.begin(), found_.end(),
                      [&](const domain::WaitingJob& job) { return job.owner == owner; }));
  }

  Database& database_;
  const app::QueueQuery& query_;
  const app::JobStore::PassOver& pass_over_;
  std::vector<domain::WaitingJob> found_;
  uint32_t owners_ = 0;  // of whom jobs were found
};

}  // namespace

absl::StatusOr<std::vector<domain::WaitingJob>> ReadQueued(
    Database& database, const app::QueueQuery& query, const app::JobStore::PassOver& pass_over) {
  return QueueReader(database, query, pass_over).Read();
}

}  // namespace bits::store

#include "server/store/memory/memory_state.h"

#include <algorithm>
#include <iterator>
#include <tuple>

#include "server/domain/job_filter.h"
#include "server/store/job_id.h"

namespace bits::store {
namespace {

absl::Status NoSuchJob() { return absl::NotFoundError("no such job"); }

bool IsUnsettled(const domain::Job& job) {
  return domain::IsActive(job.state) || job.pending != domain::Pending::kNone;
}

// The ids of the first `limit` in the order of the keys.
template <typename Key>
std::vector<domain::JobId> FirstIds(std::vector<std::pair<Key, domain::JobId>> found,
                                    uint32_t limit) {
  std::sort(found.begin(), found.end());
  std::vector<domain::JobId> ids;
  for (auto& [key, id] : found) {
    if (ids.size() == limit) break;
    ids.push_back(std::move(id));
  }
  return ids;
}

}  // namespace

void MemoryState::CountLive(const domain::Job& job, int by) {
  if (domain::IsFinal(job.state)) return;
  const auto change = static_cast<uint64_t>(by);  // -1 wraps, and so does the sum
  live_in_all += change;
  const auto it = live_of_owner.try_emplace(job.owner, 0).first;
  it->second += change;
  if (it->second == 0) live_of_owner.erase(it);
}

MemoryState::Row* MemoryState::Find(const domain::JobId& id) {
  const auto it = seqs.find(id);
  return it == seqs.end() ? nullptr : &jobs.at(it->second);
}

absl::StatusOr<domain::Job> MemoryState::GetJob(const domain::JobId& id) {
  const Row* row = Find(id);
  if (row == nullptr) return NoSuchJob();
  return row->job;
}

absl::StatusOr<domain::File> MemoryState::GetFile(const domain::JobId& id, uint32_t ordinal) {
  const Row* row = Find(id);
  if (row == nullptr) return NoSuchJob();
  const auto it = row->files.find(ordinal);
  if (it == row->files.end()) return absl::NotFoundError("no such file");
  return it->second;
}

std::vector<domain::File> MemoryState::ListFiles(const domain::JobId& id, uint32_t after,
                                                 uint32_t limit, bool untransferred_only) {
  std::vector<domain::File> files;
  const Row* row = Find(id);
  if (row == nullptr) return files;
  for (auto it = row->files.upper_bound(after); it != row->files.end(); ++it) {
    if (files.size() == limit) break;
    if (!untransferred_only || !it->second.transferred) files.push_back(it->second);
  }
  return files;
}

app::ErrorHistory MemoryState::ListErrors(const domain::JobId& id) {
  app::ErrorHistory history;
  const Row* row = Find(id);
  if (row == nullptr) return history;
  history.errors.assign(row->errors.begin(), row->errors.end());
  history.counts.assign(row->error_counts.begin(), row->error_counts.end());
  std::sort(history.counts.begin(), history.counts.end(), [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  history.total = row->error_total;
  return history;
}

app::JobPage MemoryState::ListJobs(const app::JobQuery& query, uint32_t row_limit) {
  app::JobPage page;
  page.last = query.after;
  if (query.limit == 0) return page;
  uint32_t looked_at = 0;
  for (auto it = jobs.upper_bound(query.after); it != jobs.end(); ++it) {
    const domain::Job& job = it->second.job;
    if (query.owner.has_value() && job.owner != *query.owner) continue;
    if (!query.show_final && domain::IsFinal(job.state)) continue;
    if (looked_at == row_limit || page.jobs.size() == query.limit) return page;
    ++looked_at;
    page.last = it->first;
    if (domain::Matches(query.filter, job)) page.jobs.push_back(job);
  }
  page.end = true;
  return page;
}

std::vector<domain::WaitingJob> MemoryState::ListQueued(const app::QueueQuery& query,
                                                        const app::JobStore::PassOver& pass_over) {
  // Behind after_owner first, then by owner, waiting, creation.
  using Place = std::tuple<bool, std::string, absl::Time, uint64_t>;
  std::map<Place, domain::WaitingJob> queue;
  for (const auto& [seq, row] : jobs) {
    const domain::Job& job = row.job;
    if (job.state != domain::JobState::kQueued || job.priority != query.priority) continue;
    if (job.deferred) continue;
    queue.emplace(Place(job.owner <= query.after_owner, job.owner, job.queue_time, seq),
                  domain::WaitingJob{job.id, job.owner, job.priority, job.host, job.destination});
  }
  std::vector<domain::WaitingJob> found;
  uint32_t owners = 0;
  uint32_t of_owner = 0;
  for (const auto& [place, job] : queue) {
    const bool next_owner = found.empty() || found.back().owner != job.owner;
    if (next_owner ? owners == query.owners : of_owner == query.per_owner) continue;
    if (pass_over(job)) continue;
    owners += next_owner ? 1 : 0;
    of_owner = next_owner ? 1 : of_owner + 1;
    found.push_back(job);
  }
  return found;
}

std::vector<domain::JobId> MemoryState::ListHostFailed(const std::string& host,
                                                       const domain::JobId& after, uint32_t limit) {
  std::vector<domain::JobId> ids;
  for (auto it = seqs.upper_bound(after); it != seqs.end() && ids.size() < limit; ++it) {
    const domain::Job& job = jobs.at(it->second).job;
    if (job.state == domain::JobState::kTransientError && job.host_failed && job.host == host) {
      ids.push_back(it->first);
    }
  }
  return ids;
}

std::vector<domain::JobId> MemoryState::ListDue(absl::Time now, uint32_t limit) {
  std::vector<std::pair<std::pair<absl::Time, uint64_t>, domain::JobId>> found;
  for (const auto& [seq, row] : jobs) {
    if (row.next_timer != absl::InfiniteFuture() && row.next_timer <= now) {
      found.push_back({{row.next_timer, seq}, row.job.id});
    }
  }
  return FirstIds(std::move(found), limit);
}

absl::Time MemoryState::NextTimer() {
  absl::Time next = absl::InfiniteFuture();
  for (const auto& [seq, row] : jobs) next = std::min(next, row.next_timer);
  return next;
}

std::vector<domain::JobId> MemoryState::ListUnsettled(const domain::JobId& after, uint32_t limit) {
  std::vector<domain::JobId> ids;
  for (auto it = seqs.upper_bound(after); it != seqs.end() && ids.size() < limit; ++it) {
    if (IsUnsettled(jobs.at(it->second).job)) ids.push_back(it->first);
  }
  return ids;
}

absl::StatusOr<std::vector<app::EventRecord>> MemoryState::ListEvents(app::Revision after,
                                                                      uint32_t limit) {
  if (after < OldestCursor()) {
    return absl::OutOfRangeError("events after the cursor are no longer kept");
  }
  if (after > last_revision) return absl::OutOfRangeError("the cursor lies after the last event");
  const auto first = events.begin() + static_cast<ptrdiff_t>(after - OldestCursor());
  const auto count = std::min<ptrdiff_t>(limit, events.end() - first);
  return std::vector<app::EventRecord>(first, first + count);
}

app::Revision MemoryState::OldestCursor() const { return last_revision - events.size(); }

void MemoryTransaction::Rollback() {
  for (; !undo_.empty(); undo_.pop_back()) undo_.back()();
}

absl::StatusOr<domain::Job> MemoryTransaction::GetJob(const domain::JobId& id) {
  return state_.GetJob(id);
}

absl::StatusOr<domain::File> MemoryTransaction::GetFile(const domain::JobId& id, uint32_t ordinal) {
  return state_.GetFile(id, ordinal);
}

absl::StatusOr<std::vector<domain::File>> MemoryTransaction::ListFiles(const domain::JobId& id,
                                                                       uint32_t after,
                                                                       uint32_t limit) {
  return state_.ListFiles(id, after, limit, /*untransferred_only=*/false);
}

absl::StatusOr<std::vector<domain::File>> MemoryTransaction::ListUntransferredFiles(
    const domain::JobId& id, uint32_t after, uint32_t limit) {
  return state_.ListFiles(id, after, limit, /*untransferred_only=*/true);
}

absl::Status MemoryTransaction::InsertJob(domain::Job& job, absl::Time next_timer) {
  if (!PackJobId(job.id).has_value()) {
    return absl::InvalidArgumentError("a job's id is not a UUID");
  }
  if (state_.Find(job.id) != nullptr) {
    return absl::AlreadyExistsError("there is a job with this id");
  }
  job.version = 1;
  const uint64_t seq = ++state_.last_seq;
  MemoryState::Row row;
  row.job = job;
  row.next_timer = next_timer;
  state_.jobs.emplace(seq, std::move(row));
  state_.seqs.emplace(job.id, seq);
  state_.CountLive(job, 1);
  undo_.emplace_back([&state = state_, id = job.id, seq] {
    state.CountLive(state.jobs.at(seq).job, -1);
    state.jobs.erase(seq);
    state.seqs.erase(id);
  });
  return absl::OkStatus();
}

absl::Status MemoryTransaction::UpdateJob(domain::Job& job, absl::Time next_timer) {
  MemoryState::Row* row = state_.Find(job.id);
  if (row == nullptr) return NoSuchJob();
  if (row->job.version != job.version) {
    return absl::AbortedError("the job was changed meanwhile");
  }
  ++job.version;
  state_.CountLive(row->job, -1);
  undo_.emplace_back(
      [&state = state_, row, before = std::move(row->job), timer = row->next_timer] {
        state.CountLive(row->job, -1);
        row->job = before;
        state.CountLive(row->job, 1);
        row->next_timer = timer;
      });
  row->job = job;
  state_.CountLive(row->job, 1);
  row->next_timer = next_timer;
  return absl::OkStatus();
}

absl::Status MemoryTransaction::DeleteJob(const domain::JobId& id) {
  if (state_.Find(id) == nullptr) return NoSuchJob();
  absl::Status released = ReleaseDestinations(id);
  if (!released.ok()) return released;
  // The node, so that pointers that `undo_` holds stay good.
  auto row = std::make_shared<std::map<uint64_t, MemoryState::Row>::node_type>(
      state_.jobs.extract(state_.seqs.at(id)));
  state_.seqs.erase(id);
  state_.CountLive(row->mapped().job, -1);
  undo_.emplace_back([&state = state_, id, row] {
    state.CountLive(row->mapped().job, 1);
    state.seqs.emplace(id, row->key());
    state.jobs.insert(std::move(*row));
  });
  return absl::OkStatus();
}

absl::Status MemoryTransaction::PutFile(const domain::JobId& id, const domain::File& file) {
  MemoryState::Row* row = state_.Find(id);
  if (row == nullptr) return NoSuchJob();
  const auto it = row->files.find(file.ordinal);
  if (it == row->files.end()) {
    undo_.emplace_back([row, ordinal = file.ordinal] { row->files.erase(ordinal); });
    row->files.emplace(file.ordinal, file);
  } else {
    undo_.emplace_back([it, before = std::move(it->second)] { it->second = before; });
    it->second = file;
  }
  return absl::OkStatus();
}

absl::Status MemoryTransaction::ReserveDestination(const std::string& path,
                                                   const domain::JobId& id) {
  if (state_.Find(id) == nullptr) return NoSuchJob();
  if (!state_.destinations.emplace(path, id).second) {
    return absl::AlreadyExistsError("the destination is taken");
  }
  undo_.emplace_back([&state = state_, path] { state.destinations.erase(path); });
  return absl::OkStatus();
}

absl::StatusOr<domain::JobId> MemoryTransaction::HolderOfDestination(const std::string& path) {
  const auto it = state_.destinations.find(path);
  return it == state_.destinations.end() ? domain::JobId() : it->second;
}

absl::Status MemoryTransaction::ReleaseDestinations(const domain::JobId& id) {
  for (auto it = state_.destinations.begin(); it != state_.destinations.end();) {
    if (it->second != id) {
      ++it;
      continue;
    }
    undo_.emplace_back(
        [&state = state_, path = it->first, id] { state.destinations.emplace(path, id); });
    it = state_.destinations.erase(it);
  }
  return absl::OkStatus();
}

absl::StatusOr<domain::LiveJobs> MemoryTransaction::CountLiveJobs(const std::string& owner) {
  const auto it = state_.live_of_owner.find(owner);
  return domain::LiveJobs{it == state_.live_of_owner.end() ? 0 : it->second, state_.live_in_all};
}

absl::StatusOr<app::PolicyRecord> MemoryTransaction::GetPolicy() { return state_.policy; }

absl::Status MemoryTransaction::PutPolicy(const app::PolicyRecord& record) {
  undo_.emplace_back([&state = state_, before = state_.policy] { state.policy = before; });
  state_.policy = record;
  return absl::OkStatus();
}

absl::Status MemoryTransaction::PutSecrets(const domain::JobId& id, std::string_view sealed) {
  MemoryState::Row* row = state_.Find(id);
  if (row == nullptr) return NoSuchJob();
  undo_.emplace_back([row, before = std::move(row->secrets)] { row->secrets = before; });
  row->secrets = sealed;
  return absl::OkStatus();
}

absl::StatusOr<std::string> MemoryTransaction::GetSecrets(const domain::JobId& id) {
  const MemoryState::Row* row = state_.Find(id);
  return row == nullptr ? std::string() : row->secrets;
}

absl::StatusOr<std::vector<domain::JobId>> MemoryTransaction::SomeWithSecrets(uint32_t limit) {
  std::vector<domain::JobId> ids;
  for (const auto& [seq, row] : state_.jobs) {
    if (ids.size() == limit) break;
    if (!row.secrets.empty()) ids.push_back(row.job.id);
  }
  return ids;
}

absl::Status MemoryTransaction::AddError(const domain::JobId& id, const domain::Error& error) {
  MemoryState::Row* row = state_.Find(id);
  if (row == nullptr) return NoSuchJob();
  undo_.emplace_back(
      [row, errors = row->errors, counts = row->error_counts, total = row->error_total] {
        row->errors = errors;
        row->error_counts = counts;
        row->error_total = total;
      });
  row->errors.push_back(error);
  ++row->error_counts[error.hresult];
  ++row->error_total;
  if (row->errors.size() > domain::kErrorsKeptFirst + domain::kErrorsKeptLast) {
    row->errors.erase(row->errors.begin() + domain::kErrorsKeptFirst);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<app::RequestRecord>> MemoryTransaction::FindRequest(
    std::string_view principal, std::string_view request_id, absl::Time not_before) {
  const auto it = state_.requests.find({std::string(principal), std::string(request_id)});
  if (it == state_.requests.end() || it->second.time < not_before) return std::nullopt;
  return it->second;
}

absl::Status MemoryTransaction::PutRequest(const app::RequestRecord& record) {
  const MemoryState::RequestKey key(record.principal, record.request_id);
  const auto it = state_.requests.find(key);
  std::optional<app::RequestRecord> before;
  if (it != state_.requests.end()) before = it->second;
  undo_.emplace_back([&state = state_, key, before] {
    if (before.has_value()) {
      state.requests[key] = *before;
    } else {
      state.requests.erase(key);
    }
  });
  state_.requests[key] = record;
  return absl::OkStatus();
}

absl::Status MemoryTransaction::AppendEvent(app::EventRecord& event) {
  if (event.kind == domain::ChangeKind::kProgress) {
    event.revision = state_.last_revision;
    return absl::OkStatus();
  }
  event.revision = ++state_.last_revision;
  event.job.revision = event.revision;
  state_.events.push_back(event);
  undo_.emplace_back([&state = state_] {
    state.events.pop_back();
    --state.last_revision;
  });
  return absl::OkStatus();
}

}  // namespace bits::store

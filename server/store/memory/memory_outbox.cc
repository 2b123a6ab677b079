// The outboxes of jobs in memory.
#include <algorithm>
#include <tuple>
#include <utility>

#include "server/store/memory/memory_state.h"

namespace bits::store {
namespace {

using Outbox = std::map<uint64_t, app::NotificationRecord>;

absl::Status NoJobHere() { return absl::NotFoundError("no such job"); }
absl::Status NoNotificationHere() { return absl::NotFoundError("no such notification"); }

const app::NotificationRecord* FirstPendingOf(const Outbox& outbox) {
  for (const auto& [number, notification] : outbox) {
    if (!notification.given_up) return &notification;
  }
  return nullptr;
}

}  // namespace

std::vector<app::NotificationRecord> MemoryState::ListNotifications(const domain::JobId& id,
                                                                    uint64_t after,
                                                                    uint32_t limit) {
  std::vector<app::NotificationRecord> found;
  const Row* row = Find(id);
  if (row == nullptr) return found;
  for (auto it = row->outbox.upper_bound(after); it != row->outbox.end(); ++it) {
    if (found.size() == limit) break;
    found.push_back(it->second);
  }
  return found;
}

std::vector<app::DueOutbox> MemoryState::ListDueOutboxes(const app::DueQuery& query) {
  // Behind after_owner first, then by owner, time, creation.
  using Place = std::tuple<bool, std::string, absl::Time, uint64_t>;
  std::map<Place, domain::JobId> due;
  for (const auto& [seq, row] : jobs) {
    const app::NotificationRecord* first = FirstPendingOf(row.outbox);
    if (first == nullptr || first->next_try > query.now) continue;
    due.emplace(Place(row.outbox_owner <= query.after_owner, row.outbox_owner, first->next_try, seq),
                row.job.id);
  }
  std::vector<app::DueOutbox> found;
  uint32_t owners = 0;
  uint32_t of_owner = 0;
  for (const auto& [place, job] : due) {
    const std::string& owner = std::get<1>(place);
    const bool next_owner = found.empty() || found.back().owner != owner;
    if (next_owner ? owners == query.owners : of_owner == query.per_owner) continue;
    owners += next_owner ? 1 : 0;
    of_owner = next_owner ? 1 : of_owner + 1;
    found.push_back({job, owner});
  }
  return found;
}

absl::Time MemoryState::NextOutbox(absl::Time after) {
  absl::Time next = absl::InfiniteFuture();
  for (const auto& [seq, row] : jobs) {
    const app::NotificationRecord* first = FirstPendingOf(row.outbox);
    if (first != nullptr && first->next_try > after) next = std::min(next, first->next_try);
  }
  return next;
}

absl::Status MemoryTransaction::PutNotification(const domain::JobId& id,
                                                const app::NotificationRecord& notification) {
  MemoryState::Row* row = state_.Find(id);
  if (row == nullptr) return NoJobHere();
  if (row->outbox.empty()) row->outbox_owner = row->job.owner;
  const auto it = row->outbox.find(notification.number);
  if (it == row->outbox.end()) {
    undo_.emplace_back([row, n = notification.number] { row->outbox.erase(n); });
    row->outbox.emplace(notification.number, notification);
  } else {
    undo_.emplace_back(
        [row, before = it->second] { row->outbox.insert_or_assign(before.number, before); });
    it->second = notification;
  }
  return absl::OkStatus();
}

absl::Status MemoryTransaction::DeleteNotification(const domain::JobId& id, uint64_t number) {
  MemoryState::Row* row = state_.Find(id);
  if (row == nullptr) return absl::OkStatus();
  const auto it = row->outbox.find(number);
  if (it == row->outbox.end()) return absl::OkStatus();
  undo_.emplace_back([row, before = std::move(it->second)] {
    row->outbox.insert_or_assign(before.number, before);
  });
  row->outbox.erase(it);
  return absl::OkStatus();
}

absl::Status MemoryTransaction::DeleteNotifications(const domain::JobId& id) {
  MemoryState::Row* row = state_.Find(id);
  if (row == nullptr) return absl::OkStatus();
  undo_.emplace_back([row, before = std::move(row->outbox)] { row->outbox = before; });
  row->outbox.clear();
  return absl::OkStatus();
}

absl::StatusOr<app::NotificationRecord> MemoryTransaction::GetNotification(const domain::JobId& id,
                                                                           uint64_t number) {
  const MemoryState::Row* row = state_.Find(id);
  if (row == nullptr) return NoJobHere();
  const auto it = row->outbox.find(number);
  if (it == row->outbox.end()) return NoNotificationHere();
  return it->second;
}

absl::StatusOr<app::NotificationRecord> MemoryTransaction::FirstPendingNotification(
    const domain::JobId& id) {
  const MemoryState::Row* row = state_.Find(id);
  if (row == nullptr) return NoJobHere();
  const app::NotificationRecord* first = FirstPendingOf(row->outbox);
  if (first == nullptr) return NoNotificationHere();
  return *first;
}

absl::StatusOr<uint32_t> MemoryTransaction::CountNotifications(const domain::JobId& id) {
  const MemoryState::Row* row = state_.Find(id);
  return row == nullptr ? 0 : static_cast<uint32_t>(row->outbox.size());
}

absl::Status MemoryTransaction::PutWebhookSecret(const domain::JobId& id,
                                                 std::string_view sealed) {
  MemoryState::Row* row = state_.Find(id);
  if (row == nullptr) return NoJobHere();
  undo_.emplace_back(
      [row, before = std::move(row->webhook_secret)] { row->webhook_secret = before; });
  row->webhook_secret = sealed;
  return absl::OkStatus();
}

absl::StatusOr<std::string> MemoryTransaction::GetWebhookSecret(const domain::JobId& id) {
  const MemoryState::Row* row = state_.Find(id);
  return row == nullptr ? std::string() : row->webhook_secret;
}

}  // namespace bits::store

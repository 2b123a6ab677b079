// The sessions of uploads in memory.
#include <algorithm>
#include <utility>

#include "server/store/memory/memory_state.h"

namespace bits::store {

absl::StatusOr<domain::UploadSession> MemoryState::GetUploadSession(const std::string& id) const {
  const auto it = uploads.find(id);
  if (it == uploads.end()) return absl::NotFoundError("no such upload session");
  return it->second;
}

std::vector<std::string> MemoryState::ListExpiredUploads(absl::Time now, uint32_t limit) const {
  std::vector<std::pair<absl::Time, std::string>> due;
  for (const auto& [id, session] : uploads) {
    if (session.expire_time <= now) due.emplace_back(session.expire_time, id);
  }
  std::sort(due.begin(), due.end());
  std::vector<std::string> ids;
  for (size_t i = 0; i < due.size() && i < limit; ++i) ids.push_back(std::move(due[i].second));
  return ids;
}

absl::Time MemoryState::NextUploadExpiry(absl::Time after) const {
  absl::Time next = absl::InfiniteFuture();
  for (const auto& [id, session] : uploads) {
    if (session.expire_time > after) next = std::min(next, session.expire_time);
  }
  return next;
}

absl::Status MemoryTransaction::PutUploadSession(const domain::UploadSession& session) {
  const auto it = state_.uploads.find(session.id);
  if (it == state_.uploads.end()) {
    undo_.emplace_back([this, id = session.id] { state_.uploads.erase(id); });
    state_.uploads.emplace(session.id, session);
  } else {
    undo_.emplace_back([this, before = it->second] { state_.uploads[before.id] = before; });
    it->second = session;
  }
  return absl::OkStatus();
}

absl::Status MemoryTransaction::DeleteUploadSession(const std::string& id) {
  const auto it = state_.uploads.find(id);
  if (it == state_.uploads.end()) return absl::OkStatus();
  undo_.emplace_back([this, before = it->second] { state_.uploads[before.id] = before; });
  state_.uploads.erase(it);
  return absl::OkStatus();
}

absl::StatusOr<uint32_t> MemoryTransaction::CountUploadSessions(const std::string& client,
                                                                uint32_t most) {
  const auto count = std::count_if(
      state_.uploads.begin(), state_.uploads.end(), [&client](const auto& entry) {
        return entry.second.client == client &&
               entry.second.state != domain::UploadState::kEnded;
      });
  return std::min(static_cast<uint32_t>(count), most);
}

}  // namespace bits::store

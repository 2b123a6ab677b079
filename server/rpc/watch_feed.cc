#include "server/rpc/watch_feed.h"

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "server/rpc/convert.h"
#include "server/rpc/convert_http.h"

namespace bits::rpc {
namespace {

std::optional<std::string> OwnerOf(const WatchSpec& spec) {
  if (spec.all_owners) return std::nullopt;
  return spec.principal.name;
}

}  // namespace

WatchFeed::WatchFeed(const WatchSpec& spec, const Options& options, const app::WatchHub* hub,
                     const TokenSealer* tokens)
    : options_(options),
      hub_(hub),
      tokens_(tokens),
      interest_(spec.filter, OwnerOf(spec), !spec.cursor, options.remembered_jobs),
      in_snapshot_(!spec.cursor),
      check_cursor_(spec.cursor.has_value()) {
  query_.filter = spec.filter;
  query_.limit = options.batch;
  if (spec.cursor) {
    cursor_ = *spec.cursor;
  } else {
    // The snapshot holds at least what was committed up to here, so events go on from here.
    cursor_ = hub->last_revision();
    hub->ReadProgress(&progress_position_);
  }
}

app::PolicyManager::Snapshot WatchFeed::CurrentPolicy() const {
  static const auto* const kDefault =
      new app::PolicyManager::Snapshot(std::make_shared<const domain::Policy>());
  return options_.policies == nullptr ? *kDefault : options_.policies->current();
}

WatchFeed::Step WatchFeed::Next(Instant now, v1::JobEvent* message,
                                std::optional<Instant>* wake_at) {
  wake_at->reset();
  if (in_snapshot_) {
    return TakeSnapshotMessage(message) ? Step::kMessage : Step::kReadJobs;
  }
  if (check_cursor_) return Step::kReadEvents;
  bool read = false;  // the progress, as of this call
  while (true) {
    if (TakeLiveMessage(message)) return Step::kMessage;
    // Progress waits for the events before it, so those are read after it.
    read = ReadProgress(now) || read;
    app::WatchHub::Batch batch = hub_->Read(cursor_, options_.batch);
    if (batch.behind) return Step::kReadEvents;
    if (!batch.events.empty()) {
      events_.assign(batch.events.begin(), batch.events.end());
      continue;
    }
    if (TakeLiveMessage(message)) return Step::kMessage;
    progress_.clear();
    if (!read || !early_.empty()) *wake_at = progress_due_;
    return Step::kIdle;
  }
}

void WatchFeed::OnJobs(app::JobPage page) {
  page_ = std::move(page);
  page_at_ = 0;
  page_read_ = true;
  query_.after = page_.last;
}

void WatchFeed::OnEvents(std::vector<app::EventRecord> events) {
  check_cursor_ = false;
  for (app::EventRecord& event : events) {
    events_.push_back(std::make_shared<const app::EventRecord>(std::move(event)));
  }
}

void WatchFeed::Bookmark(v1::JobEvent* message) const {
  message->Clear();
  message->set_type(v1::JobEvent::TYPE_BOOKMARK);
  message->set_cursor(tokens_->SealCursor(cursor_));
}

bool WatchFeed::IsBehind() const { return hub_->Read(cursor_, 1).behind; }

bool WatchFeed::TakeSnapshotMessage(v1::JobEvent* message) {
  if (!page_read_) return false;
  if (page_at_ == page_.jobs.size()) {
    page_read_ = false;
    if (!page_.end) return false;
    in_snapshot_ = false;
    page_ = {};
    message->Clear();
    message->set_type(v1::JobEvent::TYPE_SNAPSHOT_END);
    message->set_cursor(tokens_->SealCursor(cursor_));
    return true;
  }
  const domain::Job& job = page_.jobs[page_at_++];
  interest_.NoteSnapshot(job.id);
  if (job.revision > cursor_ && newer_.size() < options_.remembered_jobs) {
    newer_[job.id] = job.revision;
  }
  message->Clear();
  message->set_type(v1::JobEvent::TYPE_SNAPSHOT);
  ToProto(job, *CurrentPolicy(), message->mutable_job());
  HideFromEvents(message->mutable_job());
  return true;
}

bool WatchFeed::TakeLiveMessage(v1::JobEvent* message) {
  while (true) {
    if (TakeProgress(message)) return true;
    if (events_.empty()) return false;
    const app::WatchHub::Event event = std::move(events_.front());
    events_.pop_front();
    if (event->revision <= cursor_) continue;
    cursor_ = event->revision;
    const domain::JobId& id = event->job.id;
    if (const auto early = early_.find(id);
        early != early_.end() && early->second->revision < event->revision) {
      early_.erase(early);
    }
    recent_.full = recent_.full || recent_.revisions.size() >= options_.remembered_jobs;
    if (!recent_.full) recent_.revisions[id] = event->revision;
    if (const auto newer = newer_.find(id); newer != newer_.end()) {
      const bool older = event->revision <= newer->second;
      if (event->revision >= newer->second) newer_.erase(newer);
      if (older) continue;
    }
    if (!interest_.Wants(*event)) continue;
    ToProto(*event, *CurrentPolicy(), message);
    message->set_cursor(tokens_->SealCursor(cursor_));
    return true;
  }
}

// The next progress, if it was made before the next event and after all events taken.
bool WatchFeed::TakeProgress(v1::JobEvent* message) {
  while (!progress_.empty()) {
    const app::WatchHub::Event next = progress_.front();
    const bool before_events =
        events_.empty() ? next->revision <= cursor_ : next->revision < events_.front()->revision;
    if (!before_events) return false;
    progress_.pop_front();
    if (IsStale(*next) || !interest_.Wants(*next)) continue;
    ToProto(*next, *CurrentPolicy(), message);
    message->set_cursor(tokens_->SealCursor(cursor_));
    return true;
  }
  return false;
}

bool WatchFeed::ReadProgress(Instant now) {
  if (!progress_.empty() || now < progress_due_) return false;
  progress_due_ = now + options_.progress_interval;
  std::erase_if(next_progress_, [now](const auto& entry) { return entry.second <= now; });
  std::multimap<app::Revision, app::WatchHub::Event> read;  // of one revision as they came
  for (auto& [id, event] : std::exchange(early_, {})) {
    const app::Revision revision = event->revision;
    read.emplace(revision, std::move(event));
  }
  for (app::WatchHub::Event& event : hub_->ReadProgress(&progress_position_)) {
    std::erase_if(read, [&](const auto& early) { return early.second->job.id == event->job.id; });
    const app::Revision revision = event->revision;
    read.emplace(revision, std::move(event));
  }
  for (auto& [revision, event] : read) {
    if (IsStale(*event)) continue;
    if (IsDue(*event, now)) {
      progress_.push_back(std::move(event));
    } else {
      early_[event->job.id] = std::move(event);
    }
  }
  before_ = std::exchange(recent_, {});
  return true;
}

bool WatchFeed::IsDue(const app::EventRecord& progress, Instant now) {
  // Nobody else asks for what this watcher does not want.
  if (next_progress_.contains(progress.job.id)) return false;
  if (next_progress_.size() >= options_.remembered_jobs) return true;
  next_progress_[progress.job.id] =
      now + absl::ToChronoNanoseconds(progress.job.notification_interval);
  return true;
}

bool WatchFeed::IsStale(const app::EventRecord& progress) const {
  for (const Recent& recent : {std::cref(recent_), std::cref(before_)}) {
    if (recent.full && progress.revision < cursor_) return true;
    const auto taken = recent.revisions.find(progress.job.id);
    if (taken != recent.revisions.end() && taken->second > progress.revision) return true;
  }
  return false;
}

}  // namespace bits::rpc

#include "server/rpc/watch_reactor.h"

#include <algorithm>
#include <string>
#include <utility>

#include "server/base/error_info.h"
#include "server/rpc/status_convert.h"

namespace bits::rpc {
namespace {

// When to try again what a full executor refused.
constexpr std::chrono::milliseconds kRepost{50};

}  // namespace

std::shared_ptr<WatchReactor> WatchReactor::Make(WatchSpec spec, const WatchOptions& options,
                                                 const WatchEnvironment& env,
                                                 std::function<void()> on_done) {
  return std::shared_ptr<WatchReactor>(
      new WatchReactor(std::move(spec), options, env, std::move(on_done)));
}

WatchReactor::WatchReactor(WatchSpec spec, const WatchOptions& options, const WatchEnvironment& env,
                           std::function<void()> on_done)
    : spec_(std::move(spec)),
      options_(options),
      env_(env),
      on_done_(std::move(on_done)),
      last_write_(TimerQueue::Clock::now()) {}

void WatchReactor::Start() {
  feed_.emplace(spec_, options_.feed, env_.hub, env_.tokens);
  const app::WatchHub::WatcherId watcher = env_.hub->Add([weak = weak_from_this()] {
    if (auto self = weak.lock()) self->Wake();
  });
  {
    MutexLock lock(mutex_);
    self_ = shared_from_this();
    watcher_ = watcher;
  }
  Wake();
}

void WatchReactor::Refuse(const absl::Status& status) {
  {
    MutexLock lock(mutex_);
    self_ = shared_from_this();
  }
  End(status);
}

void WatchReactor::End(const absl::Status& status) {
  {
    MutexLock lock(mutex_);
    if (end_) return;
    end_ = status;
  }
  Run();
}

void WatchReactor::OnWriteDone(bool ok) {
  {
    MutexLock lock(mutex_);
    writing_ = false;
  }
  if (!ok) return End(absl::CancelledError("the caller is gone"));
  Run();
}

void WatchReactor::OnCancel() { End(absl::CancelledError("the caller is gone")); }

void WatchReactor::OnDone() {
  app::WatchHub::WatcherId watcher = 0;
  std::shared_ptr<WatchReactor> last;  // Outlives what follows.
  {
    MutexLock lock(mutex_);
    watcher = std::exchange(watcher_, 0);
    last = std::move(self_);
    env_.timers->Cancel(timer_);
  }
  if (watcher != 0) env_.hub->Remove(watcher);
  on_done_();
}

void WatchReactor::Run() {
  const auto self = shared_from_this();
  {
    MutexLock lock(mutex_);
    again_ = running_;
    if (running_) return;
    running_ = true;
  }
  do {
    while (Turn()) {
    }
  } while (GoRound());
}

bool WatchReactor::GoRound() {
  MutexLock lock(mutex_);
  running_ = std::exchange(again_, false);
  return running_;
}

bool WatchReactor::Turn() {
  const Instant now = TimerQueue::Clock::now();
  std::optional<absl::Status> end;
  std::optional<app::JobPage> jobs;
  std::optional<std::vector<app::EventRecord>> events;
  bool slow = false;
  {
    MutexLock lock(mutex_);
    if (finished_) return false;
    if (end_) {
      finished_ = true;
      end = end_;
    } else if (writing_) {
      const Instant patience = last_write_ + options_.slow_consumer_timeout;
      slow = now >= patience;
      if (!slow) ArmLocked(patience);
    } else if (!reading_) {
      jobs.swap(jobs_read_);
      events.swap(events_read_);
    }
    if (!end && !slow && (writing_ || reading_)) return false;
  }
  if (end) {
    Finish(ToGrpcStatus(*end));
    return false;
  }
  if (slow) {
    GiveUpIfBehind(now);
    return false;
  }

  if (jobs) feed_->OnJobs(*std::move(jobs));
  if (events) feed_->OnEvents(*std::move(events));
  std::optional<Instant> wake_at;
  switch (feed_->Next(now, &message_, &wake_at)) {
    case WatchFeed::Step::kMessage:
      Write();
      break;
    case WatchFeed::Step::kReadJobs:
      PostRead([query = feed_->query()](WatchReactor& self) { self.ReadJobs(query); });
      break;
    case WatchFeed::Step::kReadEvents:
      PostRead([cursor = feed_->cursor()](WatchReactor& self) { self.ReadEvents(cursor); });
      break;
    case WatchFeed::Step::kIdle:
      Idle(now, wake_at);
      break;
  }
  return false;
}

void WatchReactor::Write() {
  {
    MutexLock lock(mutex_);
    writing_ = true;
    last_write_ = TimerQueue::Clock::now();
    ArmLocked(last_write_ + std::min(options_.slow_consumer_timeout, options_.bookmark_interval));
  }
  StartWrite(&message_);
}

void WatchReactor::Idle(Instant now, std::optional<Instant> wake_at) {
  {
    MutexLock lock(mutex_);
    const Instant bookmark = last_write_ + options_.bookmark_interval;
    if (now < bookmark) {
      ArmLocked(wake_at ? std::min(*wake_at, bookmark) : bookmark);
      return;
    }
  }
  feed_->Bookmark(&message_);
  Write();
}

// The feed is at rest while a message is written.
void WatchReactor::GiveUpIfBehind(Instant now) {
  if (feed_->IsBehind()) {
    return End(MakeRefusal(absl::StatusCode::kResourceExhausted, "SLOW_CONSUMER",
                           "events are not read as fast as they come"));
  }
  MutexLock lock(mutex_);
  ArmLocked(now + options_.slow_consumer_timeout);
}

void WatchReactor::Wake() {
  {
    MutexLock lock(mutex_);
    // What is under way ends in a Run that looks at everything.
    if (writing_ || reading_) return;
  }
  PostRun();
}

void WatchReactor::PostRun() {
  {
    MutexLock lock(mutex_);
    if (posted_ || finished_) return;
    posted_ = true;
  }
  const absl::Status posted = env_.replies->TryPost([self = shared_from_this()] {
    {
      MutexLock lock(self->mutex_);
      self->posted_ = false;
    }
    self->Run();
  });
  if (posted.ok()) return;
  MutexLock lock(mutex_);
  posted_ = false;
  ArmLocked(TimerQueue::Clock::now() + kRepost);
}

void WatchReactor::PostRead(std::function<void(WatchReactor&)> read) {
  {
    MutexLock lock(mutex_);
    reading_ = true;
  }
  const absl::Status posted =
      env_.reads->TryPost([self = shared_from_this(), read = std::move(read)] { read(*self); });
  if (posted.ok()) return;
  MutexLock lock(mutex_);
  reading_ = false;
  ArmLocked(TimerQueue::Clock::now() + kRepost);
}

void WatchReactor::ReadJobs(const app::JobQuery& query) {
  absl::StatusOr<app::JobPage> page = env_.jobs->ListJobs(spec_.principal, query, spec_.all_owners);
  const absl::Status status = page.status();
  {
    MutexLock lock(mutex_);
    reading_ = false;
    if (status.ok()) jobs_read_ = *std::move(page);
  }
  if (!status.ok()) return End(status);
  Run();
}

void WatchReactor::ReadEvents(app::Revision cursor) {
  // In this order: events that are committed in between are no gap.
  const absl::StatusOr<app::Revision> last = env_.store->LastRevision();
  absl::StatusOr<std::vector<app::EventRecord>> events =
      env_.store->ListEvents(cursor, options_.feed.batch);
  absl::Status status = last.ok() ? events.status() : last.status();
  // A cursor ahead of the store is of a state that was since put back.
  if (status.ok() && events->empty() && *last != cursor) {
    status = absl::OutOfRangeError("events are missing");
  }
  {
    MutexLock lock(mutex_);
    reading_ = false;
    if (status.ok()) events_read_ = *std::move(events);
  }
  if (status.ok()) return Run();
  End(absl::IsOutOfRange(status) ? CursorExpired() : status);
}

absl::Status WatchReactor::CursorExpired() const {
  const absl::StatusOr<app::Revision> oldest = env_.store->OldestCursor();
  if (!oldest.ok()) return oldest.status();
  return MakeRefusal(absl::StatusCode::kOutOfRange, "CURSOR_EXPIRED",
                     "the events after the cursor are no longer all kept",
                     {{"oldest_cursor", env_.tokens->SealCursor(*oldest)}});
}

void WatchReactor::ArmLocked(Instant when) {
  if (finished_ || timer_at_ <= when) return;
  env_.timers->Cancel(timer_);
  timer_at_ = when;
  timer_ = env_.timers->Add(when, [weak = weak_from_this(), when] {
    if (auto self = weak.lock()) self->OnTimer(when);
  });
}

void WatchReactor::OnTimer(Instant armed_for) {
  {
    MutexLock lock(mutex_);
    if (timer_at_ == armed_for) timer_at_ = Instant::max();
  }
  PostRun();
}

}  // namespace bits::rpc

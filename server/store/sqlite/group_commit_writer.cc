#include "server/store/sqlite/group_commit_writer.h"

#include <algorithm>
#include <utility>

#include "server/base/executor.h"
#include "server/base/log.h"
#include "server/base/status_macros.h"

namespace bits::store {

using Clock = CondVar::Clock;

namespace {

// After a body has spoilt its group: who does so once often does so again.
constexpr int kCarefulGroups = 8;

// Infinite durations are taken as long ones, since time points have an end.
Clock::time_point After(absl::Duration duration) {
  return Clock::now() + absl::ToChronoNanoseconds(std::min(duration, absl::Hours(24 * 365)));
}

}  // namespace

GroupCommitWriter::GroupCommitWriter(Options options, std::unique_ptr<Database> database,
                                     Health& health)
    : options_(options),
      health_(health),
      database_(std::move(database)),
      transaction_(*database_, std::max<uint64_t>(options.events_kept, 1)),
      checkpoint_at_(options.checkpoint_bytes) {
  MutexLock lock(join_mutex_);
  thread_ = std::thread([this] { Run(); });
}

GroupCommitWriter::~GroupCommitWriter() { Close(); }

void GroupCommitWriter::Commit(Body body, Done done) {
  MutexLock lock(mutex_);
  absl::Status refusal;
  if (closing_) {
    refusal = absl::UnavailableError("the store is closed");
  } else if (queue_.size() >= options_.queue_capacity) {
    refusal = absl::ResourceExhaustedError("too many changes wait to be stored");
  }
  if (!refusal.ok()) {
    lock.Unlock();
    return done(std::move(refusal));
  }
  queue_.push_back({std::move(body), std::move(done), absl::OkStatus()});
  lock.Unlock();
  work_.Signal();
}

void GroupCommitWriter::Close() {
  MutexLock join_lock(join_mutex_);
  {
    MutexLock lock(mutex_);
    closing_ = true;
  }
  work_.Signal();
  if (thread_.joinable()) thread_.join();
}

void GroupCommitWriter::Run() {
  SetThreadName("store-writer");
  while (WaitForWork()) {
    if (!group_.empty()) CommitGroup();
  }
  database_.reset();
}

bool GroupCommitWriter::WaitForWork() {
  MutexLock lock(mutex_);
  const auto ready = [this] {
    mutex_.AssertHeld();
    return !queue_.empty() || closing_;
  };
  if (probing_) {
    if (!work_.WaitUntil(mutex_, next_probe_, ready) || Clock::now() >= next_probe_) {
      lock.Unlock();
      Probe();
      return true;
    }
  } else if (log_used_) {
    if (!work_.WaitUntil(mutex_, After(options_.checkpoint_idle), ready)) {
      lock.Unlock();
      CheckpointWhenIdle();
      return true;
    }
  } else {
    work_.Wait(mutex_, ready);
  }
  Take();
  return !group_.empty();
}

void GroupCommitWriter::Take() {
  while (!queue_.empty() && group_.size() < options_.group_bodies) {
    group_.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
}

void GroupCommitWriter::CommitGroup() {
  const absl::Status health = health_.Get();
  if (!health.ok()) {
    for (Item& item : group_) item.outcome = health;
    return Finish();
  }
  bool commit_tried = false;
  const absl::Status status = TryCommitGroup(commit_tried);
  if (!status.ok()) {
    BITS_LOG(kWarning, "a group of changes could not be stored",
             {{"changes", group_.size()}, {"why", status}});
    FailGroup(commit_tried);
  }
  Finish();
  if (status.ok()) CheckpointIfDue();
}

absl::Status GroupCommitWriter::TryCommitGroup(bool& commit_tried) {
  BITS_RETURN_IF_ERROR(database_->Cached("BEGIN IMMEDIATE")->Run());
  BITS_RETURN_IF_ERROR(RunBodies());
  BITS_RETURN_IF_ERROR(transaction_.Trim());
  commit_tried = true;
  BITS_RETURN_IF_ERROR(database_->Cached("COMMIT")->Run());
  log_used_ = true;
  return absl::OkStatus();
}

absl::Status GroupCommitWriter::RunBodies() {
  bool careful = careful_groups_ > 0;
  if (careful) --careful_groups_;
  auto end = After(options_.group_time);
  for (size_t next = 0; next < group_.size(); ++next) {
    bool spoilt = false;
    BITS_RETURN_IF_ERROR(RunBody(group_[next], careful, spoilt));
    if (spoilt) {
      BITS_RETURN_IF_ERROR(database_->Cached("ROLLBACK")->Run());
      BITS_RETURN_IF_ERROR(database_->Cached("BEGIN IMMEDIATE")->Run());
      careful = true;
      careful_groups_ = kCarefulGroups;
      end = After(options_.group_time);
      next = static_cast<size_t>(-1);
      continue;
    }
    if (Clock::now() >= end) {
      // The rest goes first next time.
      MutexLock lock(mutex_);
      for (size_t last = group_.size(); last > next + 1; --last) {
        queue_.push_front(std::move(group_[last - 1]));
      }
      group_.resize(next + 1);
    } else if (next + 1 == group_.size()) {
      MutexLock lock(mutex_);
      Take();
    }
  }
  return absl::OkStatus();
}

// OK unless the group is lost. `spoilt`: the body failed and left writes behind.
absl::Status GroupCommitWriter::RunBody(Item& item, bool with_savepoint, bool& spoilt) {
  if (with_savepoint) BITS_RETURN_IF_ERROR(database_->Cached("SAVEPOINT body")->Run());
  const int64_t changes = database_->total_changes();
  transaction_.Begin();
  item.outcome = item.body(transaction_);
  const Failure failure = database_->TakeFailure();
  if (failure != Failure::kNone) {
    Judge(failure);
    return absl::UnavailableError("the store failed in the midst of a change");
  }
  const bool left_writes = !item.outcome.ok() && database_->total_changes() != changes;
  if (!with_savepoint) {
    spoilt = left_writes;
    return absl::OkStatus();
  }
  if (left_writes) BITS_RETURN_IF_ERROR(database_->Cached("ROLLBACK TO body")->Run());
  return database_->Cached("RELEASE body")->Run();
}

void GroupCommitWriter::FailGroup(bool commit_tried) {
  Failure failure = database_->TakeFailure();
  if (commit_tried && failure == Failure::kPassing && !database_->in_transaction()) {
    failure = Failure::kBroken;  // it may be committed or not
  }
  if (database_->in_transaction()) {
    if (!database_->Execute("ROLLBACK").ok() && database_->in_transaction()) {
      failure = Failure::kBroken;
    }
    database_->TakeFailure();
  }
  Judge(failure);
  // Whoever lost a change takes it up when the store is said to be in order again.
  if (health_.Get().ok()) Judge(Failure::kPassing);
  const absl::Status outcome = health_.Get();
  for (Item& item : group_) item.outcome = outcome;
}

void GroupCommitWriter::Finish() {
  for (Item& item : group_) {
    item.body = nullptr;  // What it captured, `done` may be the last to hold.
    item.done(std::move(item.outcome));
    item.done = nullptr;
  }
  group_.clear();
}

void GroupCommitWriter::CheckpointIfDue() {
  if (database_->log_bytes() < options_.checkpoint_bytes) {
    checkpoint_at_ = options_.checkpoint_bytes;
    return;
  }
  if (database_->log_bytes() < checkpoint_at_) return;
  // Readers in the way leave some of the log: try again when it has grown by some, and wait
  // for them when it has grown by much.
  const bool passive = database_->log_bytes() < 4 * options_.checkpoint_bytes;
  const absl::Status status = database_->Checkpoint(passive);
  checkpoint_at_ = database_->log_bytes() + options_.checkpoint_bytes / 4;
  const Failure failure = database_->TakeFailure();
  // A full disk is for the next commit to find: the log still holds everything.
  if (failure == Failure::kBroken) Judge(failure);
  if (failure > Failure::kPassing) {
    BITS_LOG(kWarning, "the store's log could not be moved", {{"why", status}});
  }
}

void GroupCommitWriter::CheckpointWhenIdle() {
  log_used_ = false;
  if (!health_.Get().ok()) return;
  const absl::Status status = database_->Checkpoint(/*passive=*/false);
  const Failure failure = database_->TakeFailure();
  if (failure == Failure::kBroken) Judge(failure);
  if (failure == Failure::kPassing) log_used_ = true;  // a reader was in the way
}

void GroupCommitWriter::Probe() {
  const absl::Status status = TryProbe();
  const Failure failure = database_->TakeFailure();
  if (database_->in_transaction()) database_->Execute("ROLLBACK").IgnoreError();
  database_->TakeFailure();
  if (status.ok()) {
    probing_ = false;
    health_.Recover();
  } else {
    Judge(failure == Failure::kNone ? Failure::kPassing : failure);
  }
}

// Whether a small change can be committed. What is in the log is moved first, so that its
// room is used again.
absl::Status GroupCommitWriter::TryProbe() {
  database_->Checkpoint(/*passive=*/true).IgnoreError();
  BITS_RETURN_IF_ERROR(database_->Execute("BEGIN IMMEDIATE"));
  BITS_RETURN_IF_ERROR(database_->Execute("UPDATE probe SET count = count + 1"));
  return database_->Execute("COMMIT");
}

void GroupCommitWriter::Judge(Failure failure) {
  if (failure == Failure::kFull || failure == Failure::kPassing) {
    probing_ = true;
    next_probe_ = After(options_.probe_interval);
    health_.Fail(failure == Failure::kFull ? FullStatus() : BusyStatus());
  } else if (failure == Failure::kBroken) {
    probing_ = false;
    database_->LeaveLog();
    health_.Break(BrokenStatus());
  }
}

}  // namespace bits::store

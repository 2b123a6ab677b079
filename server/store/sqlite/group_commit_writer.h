// The one thread that writes: what waits is committed together, so that one sync of the disk
// serves many.
#ifndef BITS_SERVER_STORE_SQLITE_GROUP_COMMIT_WRITER_H_
#define BITS_SERVER_STORE_SQLITE_GROUP_COMMIT_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/app/ports/job_store.h"
#include "server/base/mutex.h"
#include "server/store/health.h"
#include "server/store/sqlite/database.h"
#include "server/store/sqlite/sqlite_transaction.h"

namespace bits::store {

// Owns the connection that writes and checkpoints. Thread-safe.
//
// A group is one transaction. It takes what waits and what comes while it runs, up to a
// number and a time; it never waits for more. A savepoint for each body would cost as much as
// the body. So bodies run without, which is right as long as none fails that has written
// something; when one does, the group is rolled back and run again with savepoints, and so
// are some groups after it. If the commit fails all of the group hear UNAVAILABLE, those
// refused by their body too, as they may have been refused for what others of the group wrote.
class GroupCommitWriter {
 public:
  using Body = app::JobStore::Body;
  using Done = app::JobStore::Done;

  struct Options {
    size_t queue_capacity = 8192;  // bodies that wait
    size_t group_bodies = 256;
    absl::Duration group_time = absl::Milliseconds(10);  // of running bodies
    int64_t checkpoint_bytes = int64_t{16} << 20;        // of the write-ahead log
    absl::Duration checkpoint_idle = absl::Seconds(2);   // after which the log is emptied
    absl::Duration probe_interval = absl::Seconds(2);    // while the disk is full
    uint64_t events_kept = 100000;
  };

  // `health` outlives the writer.
  GroupCommitWriter(Options options, std::unique_ptr<Database> database, Health& health);
  ~GroupCommitWriter();  // Close()
  GroupCommitWriter(const GroupCommitWriter&) = delete;
  GroupCommitWriter& operator=(const GroupCommitWriter&) = delete;

  // As app::JobStore::Commit.
  void Commit(Body body, Done done);

  // Commits what waits, refuses what comes, closes the connection. Idempotent.
  void Close();
  // 1 or more; from the next commit on. Any thread.
  void SetEventsKept(uint64_t events) { transaction_.SetEventsKept(events); }

 private:
  struct Item {
    Body body;
    Done done;
    absl::Status outcome;
  };

  void Run();
  // Waits for work, at most until something is to be done unasked; fills `group_`. False:
  // there is no more.
  bool WaitForWork();
  // Takes what waits, up to the group's limit.
  void Take() BITS_REQUIRES(mutex_);
  void CommitGroup();
  absl::Status TryCommitGroup(bool& commit_tried);
  absl::Status RunBodies();
  absl::Status RunBody(Item& item, bool with_savepoint, bool& spoilt);
  void FailGroup(bool commit_tried);
  void Finish();
  void CheckpointIfDue();
  void CheckpointWhenIdle();
  void Probe();
  absl::Status TryProbe();
  // Takes note of what the connection's failure says of the store's health.
  void Judge(Failure failure);

  const Options options_;
  Health& health_;

  // The writer's thread's alone.
  std::unique_ptr<Database> database_;
  SqliteTransaction transaction_;
  std::vector<Item> group_;
  int careful_groups_ = 0;  // so many groups to come use savepoints
  bool probing_ = false;
  CondVar::Clock::time_point next_probe_;
  int64_t checkpoint_at_;
  bool log_used_ = true;  // the log may hold something

  Mutex mutex_;
  CondVar work_;
  std::deque<Item> queue_ BITS_GUARDED_BY(mutex_);
  bool closing_ BITS_GUARDED_BY(mutex_) = false;

  Mutex join_mutex_;  // taken before mutex_, by Close() only
  std::thread thread_ BITS_GUARDED_BY(join_mutex_);
};

}  // namespace bits::store

#endif  // BITS_SERVER_STORE_SQLITE_GROUP_COMMIT_WRITER_H_

// The transfers of the jobs whose turn it is: which files are under way, and what the engine
// tells of them, turned into events of the job.
#ifndef BITS_SERVER_APP_TRANSFER_RUNNER_H_
#define BITS_SERVER_APP_TRANSFER_RUNNER_H_

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "absl/time/time.h"
#include "server/app/hold_board.h"
#include "server/app/job_writer.h"
#include "server/app/ports/transfer_engine.h"
#include "server/app/watch_hub.h"
#include "server/base/mutex.h"

namespace bits::app {

// Thread-safe; nothing here blocks but WaitIdle. In memory only: after a crash the jobs are
// queued anew and go on from what is recorded.
class TransferRunner {
 public:
  TransferRunner(TransferEngine* engine, JobWriter* writer, WatchHub* hub,
                 const SecretVault* vault, HoldBoard* holds)
      : engine_(engine), writer_(writer), hub_(hub), vault_(vault), holds_(holds) {}

  // Called on any thread, with no lock held, when a job's transfers have all ended. Set before use.
  void SetIdleListener(std::function<void()> listener) { on_idle_ = std::move(listener); }

  // Transfers the files of a job that was committed as active, a few at a time; of one that is
  // being transferred already, looks for files added since.
  void StartFiles(const domain::Job& job);
  // Fetches the file anew from its new remote name, if it is under way.
  void RestartFile(const domain::JobId& id, uint32_t ordinal);
  void StopFiles(const domain::JobId& id);
  // Calls `then` once none of the job's files is under way and all that the engine told of them was
  // handed to the store; at once if so already. On any thread.
  void WhenIdle(const domain::JobId& id, std::function<void()> then);
  // Whether something of the job is under way; its next turn must wait for that.
  bool IsBusy(const domain::JobId& id) const;

  // The progress as it is now, rather than as last recorded.
  void AddLiveProgress(domain::Job& job) const;
  void AddLiveProgress(const domain::JobId& id, domain::File& file) const;

  // After the store was out of order: jobs whose news it did not take are queued anew.
  void RecoverFromOutage();
  // Ends all turns, as for a restart of the server: the jobs are queued anew.
  void RequeueAll();
  // False if something was still under way at the deadline.
  bool WaitIdle(std::chrono::steady_clock::time_point deadline);

 private:
  class Observer;
  // Holds the mutex; what was put in deferred_ meanwhile is called once it is released.
  class Section;
  // What a try is of.
  struct Source {
    uint32_t attempt = 0;  // the job's
    std::string remote_name;
    uint32_t number = 0;  // of the file's (domain/mirrors.h)
    bool has_mirrors = false;
    std::string host;  // whose being out of order concerns it
    std::string path;
  };
  struct Transfer {
    TransferEngine::TransferId id = 0;
    bool restart = false;  // begin anew once it has stopped
    uint64_t recorded = 0;
    uint64_t arrived = 0;
    bool sized = false;  // its size is recorded
    uint32_t source = 0;  // of the file's (domain/mirrors.h)
    std::optional<uint64_t> total;
  };
  struct Turn {
    domain::Job job;
    std::shared_ptr<const RequestOptions> request;  // of this turn; null: not read yet
    std::map<uint32_t, Transfer> transfers;         // by ordinal
    std::deque<domain::File> ready;          // to be started next
    uint32_t cursor = 0;                     // files up to here were looked at
    int loads = 0;                           // reads of the store under way
    bool exhausted = false;                  // no files after cursor
    uint64_t unrecorded = 0;  // bytes of files that are whole, which job.progress does not have yet
    bool ending = false;                     // start nothing more
    bool bytes_arrived = false;
    absl::Time progress_time = absl::InfinitePast();
    std::optional<domain::Job> next;  // a turn that was granted before this one was over
    std::vector<std::function<void()>> waiters;
  };

  // What the engine tells. transfer_runner_reports.cc
  std::shared_ptr<TransferObserver> Observe(const domain::JobId& id, uint32_t ordinal,
                                            Source source);
  void OnBytesArrive(const domain::JobId& id, uint32_t attempt);
  void OnRestart(const domain::JobId& id, uint32_t ordinal, RestartReason reason,
                 std::function<void()> proceed);
  void OnCheckpoint(const domain::JobId& id, uint32_t ordinal, const domain::Checkpoint& at);
  void OnProgress(const domain::JobId& id, uint32_t ordinal, uint64_t arrived,
                  std::optional<uint64_t> total);
  void OnTransferred(const domain::JobId& id, uint32_t ordinal, const Source& source,
                     const domain::Checkpoint& last, const std::string& identity);
  void OnFailed(const domain::JobId& id, uint32_t ordinal, const Source& source,
                const domain::Failure& failure);
  // Its remote name was mended while it was under way: what becomes of it does not matter.
  bool IsToRestart(const domain::JobId& id, uint32_t ordinal) const;
  static absl::Status ApplyOfSource(Step& step, const domain::JobId& id, uint32_t ordinal,
                                    const Source& source, const std::string& final_name,
                                    const domain::Event& event);
  void OnEnded(const domain::JobId& id, uint32_t ordinal);

  void Pump(const domain::JobId& id, Turn& turn) BITS_REQUIRES(mutex_);
  void Begin(const domain::JobId& id, Turn& turn, domain::File file) BITS_REQUIRES(mutex_);
  static Source SourceOf(const Turn& turn, const domain::File& file);
  // The file's source counts as failed: the next one's turn, or the end of the job's.
  void PassOver(const domain::JobId& id, Turn& turn, const domain::File& file)
      BITS_REQUIRES(mutex_);
  // Ends the turn: what the job comes to next is held.
  void GiveWay(const domain::JobId& id, Turn& turn, domain::Requeue requeue) BITS_REQUIRES(mutex_);
  // transfer_runner_load.cc
  void Load(const domain::JobId& id, Turn& turn) BITS_REQUIRES(mutex_);
  void Reload(const domain::JobId& id, uint32_t ordinal, Turn& turn) BITS_REQUIRES(mutex_);
  struct Loaded {
    std::vector<domain::File> files;
    std::shared_ptr<const RequestOptions> request;  // null: none was read
    std::string missing;                            // of its secrets
  };
  void OnLoaded(const domain::JobId& id, const absl::Status& status, Loaded loaded, bool single,
                bool last);
  // One has failed, and another may do: one of `turn.loads`, which goes on with that or ends the turn.
  void TurnToSource(const domain::JobId& id, uint32_t ordinal, const Source& source,
                    const domain::Failure& failure);
  // Ends the turn in an error of the whole job.
  void FailTurn(const domain::JobId& id, Turn& turn, domain::Failure failure)
      BITS_REQUIRES(mutex_);
  void StopAll(Turn& turn) BITS_REQUIRES(mutex_);
  // Ends the turn if nothing is left of it.
  void EndIfOver(const domain::JobId& id) BITS_REQUIRES(mutex_);
  // The store did not take the job's news.
  void Lose(const domain::JobId& id);

  TransferEngine* const engine_;
  JobWriter* const writer_;
  WatchHub* const hub_;
  const SecretVault* const vault_;
  HoldBoard* const holds_;
  std::function<void()> on_idle_;

  mutable Mutex mutex_;
  CondVar idle_;
  std::unordered_map<domain::JobId, Turn> turns_ BITS_GUARDED_BY(mutex_);
  std::unordered_set<domain::JobId> lost_ BITS_GUARDED_BY(mutex_);
  std::vector<std::function<void()>> deferred_ BITS_GUARDED_BY(mutex_);
};

}  // namespace bits::app

#endif  // BITS_SERVER_APP_TRANSFER_RUNNER_H_

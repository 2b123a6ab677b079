// The uploads that the server receives: what becomes of each packet of the protocol.
#ifndef BITS_SERVER_APP_UPLOAD_MANAGER_H_
#define BITS_SERVER_APP_UPLOAD_MANAGER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/app/ports/application_notifier.h"
#include "server/app/ports/clock.h"
#include "server/app/ports/file_system.h"
#include "server/app/ports/job_store.h"
#include "server/app/upload_turns.h"
#include "server/base/executor.h"
#include "server/base/mutex.h"
#include "server/domain/upload_packet.h"
#include "server/domain/upload_session.h"

namespace bits::app {

class UploadFragment;

// Thread-safe; nothing blocks. Answers come on a thread of the executor, the store or the notifier, or
// before the call returns; whoever gets one must not block.
class UploadManager {
 public:
  struct Ports {  // all outlive the manager
    JobStore* store;
    FileSystem* files;
    const Clock* clock;
    Executor* executor;  // may block on files and the store
    ApplicationNotifier* application;
  };
  // A packet's circumstances.
  struct Request {
    const domain::UploadLocation* location;  // outlives the manager
    std::string client;                      // "user:…", "certificate:…" or "address:…"
    std::string name;   // the path within the location, decoded
    std::string url;    // whole, as the application is told it; may hold secrets
    std::string query;  // of it
  };
  using Done = std::function<void(domain::UploadAnswer)>;

  explicit UploadManager(Ports ports) : ports_(ports) {}

  void Create(Request request, const Done& done);
  // Close-Session: what is not delivered yet, and the reply, are deleted.
  void Close(const Request& request, const std::string& session_id, const Done& done);
  // Cancel-Session: the same; what was delivered stays.
  void Cancel(const Request& request, const std::string& session_id, const Done& done);

  // The answer, if the fragment's bytes are of no use; else where they go. `make_way`: another
  // connection has come with this session; end the body, if it is still under way. Must not block.
  using Begun =
      std::function<void(std::variant<domain::UploadAnswer, std::shared_ptr<UploadFragment>>)>;
  void BeginFragment(Request request, const domain::UploadPacket& packet,
                     std::function<void()> make_way, Begun begun);

  // An application's reply, open to be read; NOT_FOUND. To be closed on the executor.
  struct Reply {
    std::shared_ptr<LocalFile> file;
    uint64_t size = 0;
    absl::Time time;
    std::string etag;
  };
  void OpenReply(Request request, const std::string& session_id,
                 const std::function<void(absl::StatusOr<Reply>)>& done);

  // Ends sessions whose time has come, and deletes what is left of ended ones. `done`: when to call
  // it again. Call it once at the start.
  void Sweep(const std::function<void(absl::Time)>& done);
  // Told when Sweep is to be called earlier than it said; must not block. Set before use.
  void SetSweepListener(std::function<void(absl::Time)> listener) {
    sweep_listener_ = std::move(listener);
  }

  // Runs the task on the executor; `refused` here, if it takes none.
  void Post(std::function<void()> task, const std::function<void()>& refused);

 private:
  friend class UploadFragment;
  using Turn = std::shared_ptr<UploadTurns::Turn>;

  absl::StatusOr<std::string> DestinationOf(const Request& request) const;
  // On the executor. What the client may know of the session; nothing of one that is another's.
  std::variant<domain::UploadAnswer, domain::UploadSession> Find(const Request& request,
                                                                 const std::string& session_id);
  void CreateNow(const Request& request, const Done& done);
  void End(const Request& request, const std::string& session_id, bool cancel, const Done& done);
  void EndNow(const Request& request, const std::string& session_id, bool cancel, const Turn& turn,
              const Done& done);
  // Commits it as ended, answers, then deletes its files and forgets it.
  void Retire(domain::UploadSession session, Turn turn, std::function<void(absl::Status)> done);
  void DeleteFiles(domain::UploadSession session, Turn turn);
  // Commits the session; `done` on the store's thread.
  void Put(domain::UploadSession session, std::function<void(absl::Status)> done);
  void SweepBy(absl::Time time);
  void SweepNow(const std::function<void(absl::Time)>& done);

  const Ports ports_;
  UploadTurns turns_;
  std::function<void(absl::Time)> sweep_listener_;
  Mutex mutex_;
  absl::Time next_sweep_ BITS_GUARDED_BY(mutex_) = absl::InfinitePast();
};

// One line of the log for each event of a session.
void LogUpload(std::string_view event, const domain::UploadSession& session,
               const domain::UploadAnswer* error = nullptr);

}  // namespace bits::app

#endif  // BITS_SERVER_APP_UPLOAD_MANAGER_H_

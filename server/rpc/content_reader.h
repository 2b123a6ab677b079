// One caller of ByteStream.Read: the content of a file on a gRPC stream.
#ifndef BITS_SERVER_RPC_CONTENT_READER_H_
#define BITS_SERVER_RPC_CONTENT_READER_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/bytestream/bytestream.pb.h"
#include "server/app/job_manager.h"
#include "server/base/executor.h"
#include "server/base/mutex.h"
#include "server/rpc/gate.h"
#include "server/rpc/timer_queue.h"

namespace bits::rpc {

// Metadata of the answer, and of a request that goes on: app::Content::version.
inline constexpr char kContentVersion[] = "bits-content-version";

struct ContentOptions {
  size_t max_readers = 256;
  size_t max_readers_per_principal = 64;
  // How long a piece may wait to be taken: then the call is cancelled.
  std::chrono::milliseconds slow_consumer_timeout{60'000};
};

// What readers need of the server; all of it outlives them.
struct ContentEnvironment {
  Gate* gate = nullptr;
  Executor* contents = nullptr;  // where files are read
  TimerQueue* timers = nullptr;
  ContentOptions options;
};

// A piece is read on the executor, then written by gRPC, then the next one's turn comes: one thread
// at a time has it, and it alone ends the stream, but for End.
class ContentReader final : public grpc::ServerWriteReactor<google::bytestream::ReadResponse>,
                            public std::enable_shared_from_this<ContentReader> {
 public:
  using Open = std::function<absl::StatusOr<app::Content>()>;  // blocks
  struct Part {
    uint64_t offset = 0;
    std::optional<uint64_t> limit;
    std::string version;  // that it must be of; empty: any
  };

  // `on_done` is called at the very end, on one of gRPC's threads. gRPC's share in the reader begins,
  // and ends with OnDone.
  static std::shared_ptr<ContentReader> Make(const ContentEnvironment& env,
                                             grpc::CallbackServerContext* context,
                                             std::function<void()> on_done);
  // Once, either of them.
  void Start(Open open, Part part);
  void Refuse(const absl::Status& status);
  // Ends it, where it has not ended: at once, also while a disk does not answer or the caller takes
  // nothing. Any thread.
  void End(const absl::Status& status);

  void OnWriteDone(bool ok) override;
  void OnCancel() override { cancelled_ = true; }
  void OnDone() override;

 private:
  ContentReader(const ContentEnvironment& env, grpc::CallbackServerContext* context,
                std::function<void()> on_done)
      : env_(env), context_(context), on_done_(std::move(on_done)) {}

  void Post(void (ContentReader::*step)());
  void OpenFile();
  void ReadOn();
  void Write();
  // False if it was ended meanwhile. Whoever is told true calls Finish, or StartWrite.
  bool Leave(bool to_write);

  const ContentEnvironment env_;
  grpc::CallbackServerContext* const context_;
  const std::function<void()> on_done_;
  std::atomic<bool> cancelled_ = false;

  // Of whoever has the turn.
  Open open_;
  Part part_;
  app::Content content_;
  uint64_t position_ = 0;
  uint64_t end_ = 0;
  google::bytestream::ReadResponse message_;
  TimerQueue::TimerId timer_ = 0;

  Mutex mutex_;
  enum class Phase : uint8_t { kReading, kWriting, kFinished };
  Phase phase_ BITS_GUARDED_BY(mutex_) = Phase::kReading;
  std::shared_ptr<ContentReader> self_ BITS_GUARDED_BY(mutex_);  // gRPC's share
};

}  // namespace bits::rpc

#endif  // BITS_SERVER_RPC_CONTENT_READER_H_

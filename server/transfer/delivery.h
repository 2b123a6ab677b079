// The receiving half of one try: takes bytes from a source, makes them durable, and tells the
// observer.
#ifndef BITS_SERVER_TRANSFER_DELIVERY_H_
#define BITS_SERVER_TRANSFER_DELIVERY_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/time/time.h"
#include "server/app/ports/clock.h"
#include "server/app/ports/file_system.h"
#include "server/app/ports/transfer_engine.h"
#include "server/base/executor.h"
#include "server/transfer/buffer_pool.h"
#include "server/transfer/byte_taker.h"
#include "server/transfer/event_loop.h"
#include "server/transfer/file_sink.h"
#include "server/transfer/options.h"
#include "server/transfer/pacer.h"

namespace bits::transfer {

// What all tries share. Lives as long as any of them.
struct Context {
  std::shared_ptr<EventLoop> loop;
  Executor* io = nullptr;
  app::FileSystem* files = nullptr;
  app::Clock* clock = nullptr;
  BufferPool* buffers = nullptr;
  Pacer* pacer = nullptr;
  EngineOptions options;
  size_t active = 0;  // tries under way
};

// Where the bytes come from. Called by its Delivery, on the loop.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Get what follows Delivery::position(), of the version that validators() and total() name.
  virtual void Fetch() = 0;
  // Of an earlier try's bytes, as many as that was promised, with these validators: whether they are
  // all that this source would give, without having to ask it.
  virtual bool IsWholeOf(const domain::Validators& validators) const = 0;
  // Append refused; it would take some now.
  virtual void OnRoom() = 0;
  // Let go of everything, and call the Delivery no more. May come more than once.
  virtual void Abandon() = 0;
};

class SidecarFetch;

class Delivery final : public ByteTaker, public std::enable_shared_from_this<Delivery> {
 public:
  // `on_ended` is called after the observer's last call. `flow`: what the pacer knows it by.
  Delivery(Context* context, Pacer::FlowId flow, app::TransferSpec spec,
           std::shared_ptr<app::TransferObserver> observer, std::function<void()> on_ended);
  ~Delivery() override;

  // Of a file whose digest stands in one. Before Start.
  void SetSidecar(std::unique_ptr<SidecarFetch> sidecar);
  // Looks at what is here and has the source fetch the rest. Once; `source` outlives this.
  void Start(ByteSource* source);
  // From the engine: ends soon.
  void Stop();
  // From the pacer: Append may be tried again.
  void OnPaceGranted();

  // For the source.
  const app::TransferSpec& spec() const override { return spec_; }
  std::optional<domain::Rate> share() const override { return context_->pacer->ShareOf(flow_); }
  void SetHost(const std::string& host) override { context_->pacer->SetHost(flow_, host); }
  uint64_t position() const override { return position_; }
  std::optional<uint64_t> total() const override { return total_; }
  const domain::Validators& validators() const override { return validators_; }

  void Accept(std::optional<uint64_t> total, domain::Validators validators,
              std::optional<absl::Time> last_modified) override;
  void SetResponseHeaders(std::string lines) override { response_headers_ = std::move(lines); }
  // Of the remote name, not of its mirrors.
  void SetFinalName(std::string name) override {
    if (spec_.file.mirrors.source == 0) final_name_ = std::move(name);
  }
  bool Append(std::string_view data) override;
  void Restart(app::RestartReason reason, std::function<void()> then) override;
  void Finish() override;
  void Fail(domain::Failure failure, bool keep = true) override;

 private:
  enum class Phase : uint8_t { kFetching, kRestarting, kFinishing, kVerifying, kEnding, kEnded };
  enum class Outcome : uint8_t { kTransferred, kFailed, kStopped };

  void OnSizeKnown(absl::StatusOr<uint64_t> size);
  // Has the source fetch, or finishes, once the digest is known.
  void FetchSource();
  void FindDigest(std::function<void()> then);
  void AbandonAll();
  void OnProceed(uint64_t epoch, const std::function<void()>& then);
  void Check(const absl::Status& status);

  Buffer NextBuffer(size_t least);
  void Flush();
  void OnWritten(uint64_t epoch, uint64_t end, const absl::Status& status, Buffer buffer);
  void TellProgress();

  absl::Duration ShortInterval() const;
  absl::Duration LongInterval() const;
  void CheckpointIfDue();
  void BeginCheckpoint();
  void OnSynced(uint64_t epoch, const absl::Status& status);
  void ArmTimer();
  domain::Checkpoint CheckpointAt(uint64_t bytes) const;
  void TellCheckpoint();

  void OnFinished(const absl::Status& status);
  void OnVerified(const absl::StatusOr<bool>& matches);
  void FailLocally(const absl::Status& status);
  void WindDown(Outcome outcome, bool keep);
  void Close();

  // Wraps a method so that it is called only while this lives.
  template <typename... Args>
  auto Bind(void (Delivery::*method)(Args...));

  Context* const context_;
  const Pacer::FlowId flow_;
  const app::TransferSpec spec_;
  std::shared_ptr<app::TransferObserver> observer_;
  const std::function<void()> on_ended_;
  const bool in_place_;  // no checkpoints: nothing is gone on from
  const std::shared_ptr<FileSink> sink_;
  ByteSource* source_ = nullptr;
  std::unique_ptr<SidecarFetch> sidecar_;
  std::string digest_;  // that the sidecar gave; empty: not fetched, for the version that is here

  Phase phase_ = Phase::kFetching;
  Outcome outcome_ = Outcome::kStopped;
  domain::Failure failure_;
  bool stop_requested_ = false;
  uint32_t restarts_ = 0;
  uint64_t epoch_ = 0;  // answers about a version that was given up are not ours

  // Of the version that is here. told_ <= durable_ <= written_ <= position_, but for a
  // checkpoint recorded by an earlier try, which is all of them.
  uint64_t position_ = 0;
  uint64_t written_ = 0;
  uint64_t durable_ = 0;
  uint64_t told_ = 0;
  uint64_t syncing_ = 0;  // up to here a Sync was asked for
  std::optional<uint64_t> total_;
  domain::Validators validators_;
  std::optional<absl::Time> last_modified_;
  std::string response_headers_;
  std::string final_name_;
  bool bytes_arrived_ = false;
  bool emptied_ = false;   // the file holds nothing of before
  bool reserved_ = false;  // it may hold room beyond its end

  Buffer current_;
  size_t next_size_ = BufferPool::kLeast;
  size_t in_flight_ = 0;  // bytes of buffers that are being written
  bool refused_ = false;
  bool write_failed_ = false;
  bool sync_running_ = false;
  bool sync_failed_ = false;
  EventLoop::TimerId timer_ = 0;
  EventLoop::Clock::time_point checkpoint_time_;
  EventLoop::Clock::time_point progress_time_;
};

}  // namespace bits::transfer

#endif  // BITS_SERVER_TRANSFER_DELIVERY_H_

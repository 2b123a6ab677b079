// The transfer engine: http and https by libcurl on one event loop, file:// by copying.
#ifndef BITS_SERVER_TRANSFER_ENGINE_H_
#define BITS_SERVER_TRANSFER_ENGINE_H_

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/app/ports/clock.h"
#include "server/app/ports/file_system.h"
#include "server/app/ports/transfer_engine.h"
#include "server/base/executor.h"
#include "server/base/mutex.h"
#include "server/transfer/admission.h"
#include "server/transfer/buffer_pool.h"
#include "server/transfer/delivery.h"
#include "server/transfer/event_loop.h"
#include "server/transfer/gate.h"
#include "server/transfer/multi_driver.h"
#include "server/transfer/options.h"
#include "server/transfer/pacer.h"
#include "server/transfer/url.h"

namespace bits::transfer {

class Engine final : public app::TransferEngine {
 public:
  // `files` and `clock` outlive the engine. The first call initialises libcurl: before there are
  // other threads.
  static absl::StatusOr<std::unique_ptr<Engine>> Create(EngineOptions options,
                                                        app::FileSystem* files, app::Clock* clock);
  // Shutdown, for at most ten seconds; what has not ended by then is dropped without a word.
  ~Engine() override;

  // Observers are called on the loop's thread. After Shutdown nothing is started, and the
  // observer hears nothing.
  TransferId Start(app::TransferSpec spec,
                   std::shared_ptr<app::TransferObserver> observer) override;
  void Stop(TransferId id) override;
  void SetRateLimits(const domain::RateLimits& limits) override;
  void SetJobRate(const domain::JobId& job, domain::Priority priority,
                  domain::Rate max_bytes_per_second) override;

  // Stops all, and waits until all have ended; false if some had not after `timeout`. Not from an
  // observer.
  bool Shutdown(absl::Duration timeout);

 private:
  struct Transfer {
    app::TransferSpec spec;
    std::shared_ptr<app::TransferObserver> observer;
    Url url;
    std::string source;                  // of file://: the path
    std::optional<Url> sidecar;          // of the checksum, where that stands in one
    std::shared_ptr<Delivery> delivery;  // null while it waits for its turn
    std::unique_ptr<ByteSource> bytes;
  };

  Engine(const EngineOptions& options, std::shared_ptr<EventLoop> loop, app::FileSystem* files,
         app::Clock* clock);

  // On the loop.
  void Take(TransferId id, app::TransferSpec spec, std::shared_ptr<app::TransferObserver> observer);
  std::optional<domain::Failure> Locate(Transfer& transfer) const;
  void BeginAllowed();
  void Begin(TransferId id, Transfer& transfer);
  void StopOne(TransferId id);
  void OnEnded(TransferId id);
  void Forget(TransferId id);

  std::atomic<TransferId> next_id_ = 1;
  const std::shared_ptr<EventLoop> loop_;
  ThreadPool io_;
  BufferPool buffers_;
  Pacer pacer_;
  Context context_;
  MultiDriver multi_;
  Gate lookups_;

  // The loop's.
  Admission admission_;
  std::unordered_map<TransferId, Transfer> transfers_;
  bool stopping_ = false;

  Mutex mutex_;
  CondVar ended_;
  bool all_ended_ BITS_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace bits::transfer

#endif  // BITS_SERVER_TRANSFER_ENGINE_H_

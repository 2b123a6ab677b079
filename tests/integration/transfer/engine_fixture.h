// The engine on real files, against an origin of our own.
#ifndef BITS_TESTS_INTEGRATION_TRANSFER_ENGINE_FIXTURE_H_
#define BITS_TESTS_INTEGRATION_TRANSFER_ENGINE_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "server/app/ports/transfer_engine.h"
#include "server/base/mutex.h"
#include "server/domain/error_code.h"
#include "server/platform/posix_file_system.h"
#include "server/platform/system_clock.h"
#include "server/transfer/engine.h"
#include "tests/support/origin_server.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace bits::transfer {

// Longer than anything takes, on the slowest machine.
inline constexpr absl::Duration kLong = absl::Seconds(60);

// Remembers what it is told, and fails the test if that is against the contract of
// TransferObserver.
class RecordingObserver final : public app::TransferObserver {
 public:
  struct Hooks {
    // Called on the engine's thread, before it is recorded.
    std::function<void(const domain::Checkpoint&)> on_checkpoint = {};
    bool hold_restarts = false;  // Proceed() has to be called
  };

  explicit RecordingObserver(const app::TransferSpec& spec) : RecordingObserver(spec, Hooks()) {}
  RecordingObserver(const app::TransferSpec& spec, Hooks hooks);

  void OnBytesArrive() override;
  void OnRestart(app::RestartReason reason, std::function<void()> proceed) override;
  void OnCheckpoint(const domain::Checkpoint& checkpoint) override;
  void OnProgress(uint64_t bytes_arrived, std::optional<uint64_t> bytes_total) override;
  void OnTransferred(const domain::Checkpoint& last, const std::string& identity) override;
  void OnFailed(const domain::Failure& failure) override;
  void OnStopped() override;

  enum class End { kNone, kTransferred, kFailed, kStopped };
  // kNone if it has not ended after `timeout`.
  End Wait(absl::Duration timeout = kLong);
  bool WaitForCheckpoint(uint64_t bytes);
  bool WaitForRestart();
  bool WaitForProgress(uint64_t bytes);
  void Proceed();

  // What was recorded; once it has ended, or as far as it has come.
  std::vector<app::RestartReason> restarts() const;
  std::vector<domain::Checkpoint> checkpoints() const;
  domain::Checkpoint last() const;       // of OnTransferred
  domain::Failure failure() const;       // of OnFailed
  std::vector<std::string> log() const;  // "arrive", "restart", "checkpoint", "transferred" ..
  size_t progress_count() const;
  uint64_t progress() const;
  // What a store would have recorded of the file by now.
  domain::File Recorded() const;

 private:
  void Enter(const char* what) BITS_REQUIRES(mutex_);
  void Finish(End end) BITS_REQUIRES(mutex_);

  const Hooks hooks_;
  mutable Mutex mutex_;
  CondVar changed_;
  domain::File file_ BITS_GUARDED_BY(mutex_);
  bool arrived_ BITS_GUARDED_BY(mutex_) = false;
  bool restarting_ BITS_GUARDED_BY(mutex_) = false;
  std::function<void()> proceed_ BITS_GUARDED_BY(mutex_);
  std::vector<std::string> log_ BITS_GUARDED_BY(mutex_);
  std::vector<app::RestartReason> restarts_ BITS_GUARDED_BY(mutex_);
  std::vector<domain::Checkpoint> checkpoints_ BITS_GUARDED_BY(mutex_);
  domain::Checkpoint last_ BITS_GUARDED_BY(mutex_);
  domain::Failure failure_ BITS_GUARDED_BY(mutex_);
  size_t progress_count_ BITS_GUARDED_BY(mutex_) = 0;
  uint64_t progress_ BITS_GUARDED_BY(mutex_) = 0;
  End end_ BITS_GUARDED_BY(mutex_) = End::kNone;
};

class EngineTest : public ::testing::Test {
 protected:
  using End = RecordingObserver::End;

  EngineTest();
  ~EngineTest() override;

  // What the engine is made with when it is first used.
  EngineOptions options_;
  Engine& engine();
  // As a crash would leave things: no last checkpoint, files as they are.
  void DropEngine() { engine_ = nullptr; }

  // A fresh try at /f of the origin, to become "file".
  app::TransferSpec Spec() const { return Spec(origin_->Url("/f")); }
  app::TransferSpec Spec(const std::string& url, const std::string& name = "file") const;
  // A try that has `bytes` of a version with these validators, as found in the temporary file.
  app::TransferSpec Resume(const std::string& content, uint64_t bytes,
                           domain::Validators validators = {"\"v1\"",
                                                            "Wed, 21 Oct 2015 07:28:00 GMT"});
  // The next try at what `observer` saw.
  app::TransferSpec Again(const RecordingObserver& observer) const;

  std::shared_ptr<RecordingObserver> Begin(const app::TransferSpec& spec,
                                           RecordingObserver::Hooks hooks = {});
  // Until it has ended.
  std::shared_ptr<RecordingObserver> Run(const app::TransferSpec& spec,
                                         RecordingObserver::Hooks hooks = {});
  app::TransferEngine::TransferId last_id() const { return last_id_; }

  // Runs it and expects the content, whole and durable.
  std::shared_ptr<RecordingObserver> ExpectTransferred(const app::TransferSpec& spec,
                                                       const std::string& content);
  std::shared_ptr<RecordingObserver> ExpectFailed(
      const app::TransferSpec& spec, domain::Hresult hresult,
      domain::ErrorContext context = domain::ErrorContext::kRemoteFile);

  std::string TemporaryContent(const std::string& name = "file") const;

  testing::TempDir dir_;
  std::unique_ptr<testing::OriginServer> origin_;
  std::unique_ptr<platform::PosixFileSystem> files_;
  platform::SystemClock clock_;

 private:
  std::unique_ptr<Engine> engine_;
  app::TransferEngine::TransferId last_id_ = 0;
};

}  // namespace bits::transfer

#endif  // BITS_TESTS_INTEGRATION_TRANSFER_ENGINE_FIXTURE_H_

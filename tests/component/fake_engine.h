// An engine that moves no bytes: the test says what becomes of each try.
#ifndef BITS_TESTS_COMPONENT_FAKE_ENGINE_H_
#define BITS_TESTS_COMPONENT_FAKE_ENGINE_H_

#include <chrono>
#include <map>
#include <memory>
#include <utility>

#include "server/app/ports/transfer_engine.h"
#include "server/base/executor.h"
#include "server/base/mutex.h"

namespace bits::testing {

class FakeEngine final : public app::TransferEngine {
 public:
  TransferId Start(app::TransferSpec spec,
                   std::shared_ptr<app::TransferObserver> observer) override {
    MutexLock lock(mutex_);
    tries_[spec.job] = {++last_id_, std::move(observer)};
    changed_.SignalAll();
    return last_id_;
  }
  void Stop(TransferId id) override {
    std::shared_ptr<app::TransferObserver> observer;
    {
      MutexLock lock(mutex_);
      for (auto it = tries_.begin(); it != tries_.end(); ++it) {
        if (it->second.id != id) continue;
        observer = std::move(it->second.observer);
        tries_.erase(it);
        break;
      }
    }
    // On a thread of the engine's, as the port has it.
    if (observer != nullptr) (void)thread_.TryPost([observer] { observer->OnStopped(); });
  }

  // Waits for what its observers are being told. After the application has drained.
  void Shutdown() { thread_.Shutdown(); }

  void SetRateLimits(const domain::RateLimits& /*limits*/) override {}
  void SetJobRate(const domain::JobId& /*job*/, domain::Priority /*priority*/,
                  domain::Rate /*max_bytes_per_second*/) override {}

  // Waits for the job's (only) file to be tried; null after ten seconds. The try goes on.
  std::shared_ptr<app::TransferObserver> At(const domain::JobId& job) {
    MutexLock lock(mutex_);
    const bool there = changed_.WaitFor(mutex_, std::chrono::seconds(10), [&] {
      mutex_.AssertHeld();
      return tries_.count(job) == 1;
    });
    return there ? tries_[job].observer : nullptr;
  }
  // The same, and the try is over: one of the observer's last calls must follow.
  std::shared_ptr<app::TransferObserver> Take(const domain::JobId& job) {
    std::shared_ptr<app::TransferObserver> observer = At(job);
    MutexLock lock(mutex_);
    tries_.erase(job);
    return observer;
  }

 private:
  struct Try {
    TransferId id = 0;
    std::shared_ptr<app::TransferObserver> observer;
  };
  Mutex mutex_;
  CondVar changed_;
  TransferId last_id_ BITS_GUARDED_BY(mutex_) = 0;
  std::map<domain::JobId, Try> tries_ BITS_GUARDED_BY(mutex_);
  ThreadPool thread_{{"engine", 1, 1024}};
};

}  // namespace bits::testing

#endif  // BITS_TESTS_COMPONENT_FAKE_ENGINE_H_

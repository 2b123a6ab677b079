// Server applications are told of uploads over libcurl, on a loop of their own.
#ifndef BITS_SERVER_TRANSFER_APPLICATION_CALLER_H_
#define BITS_SERVER_TRANSFER_APPLICATION_CALLER_H_

#include <memory>
#include <string>
#include <thread>
#include <unordered_map>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/app/ports/application_notifier.h"
#include "server/app/ports/file_system.h"
#include "server/base/executor.h"
#include "server/base/mutex.h"
#include "server/transfer/event_loop.h"
#include "server/transfer/multi_driver.h"

namespace bits::transfer {

// A POST each, on a connection of its own; redirects are not followed. What an application is sent,
// and what it answers, goes through 64 KiB of memory.
class ApplicationCaller final : public app::ApplicationNotifier {
 public:
  struct Options {
    absl::Duration timeout = absl::Minutes(5);  // without a byte either way
    std::string ca_file = {};                   // as of EngineOptions
    std::string user_agent = "bitsd";
  };

  // As Engine::Create. Both outlive it; disk work is the executor's.
  static absl::StatusOr<std::unique_ptr<ApplicationCaller>> Create(Options options,
                                                                   app::FileSystem* files,
                                                                   Executor* disk);
  ~ApplicationCaller() override;  // Shutdown()

  void Notify(app::ApplicationRequest request, Done done) override;
  void Shutdown() override;

 private:
  class Call;

  ApplicationCaller(Options options, app::FileSystem* files, Executor* disk,
                    std::unique_ptr<EventLoop> loop);
  // On the loop.
  void Begin(app::ApplicationRequest request, Done done);
  void Forget(const Call* call);

  const Options options_;
  app::FileSystem* const files_;
  Executor* const disk_;
  // Also of what is under way on the disk when this ends.
  const std::shared_ptr<EventLoop> loop_;
  // The loop's.
  std::unique_ptr<MultiDriver> multi_;
  std::unordered_map<const Call*, std::shared_ptr<Call>> calls_;

  Mutex join_mutex_;
  std::thread thread_ BITS_GUARDED_BY(join_mutex_);
};

}  // namespace bits::transfer

#endif  // BITS_SERVER_TRANSFER_APPLICATION_CALLER_H_

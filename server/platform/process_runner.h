// Programs as processes: no shell, nothing inherited, a limit on their time.
#ifndef BITS_SERVER_PLATFORM_PROCESS_RUNNER_H_
#define BITS_SERVER_PLATFORM_PROCESS_RUNNER_H_

#include <sys/types.h>

#include <chrono>
#include <list>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/app/ports/command_runner.h"
#include "server/base/mutex.h"
#include "server/base/unique_fd.h"

namespace bits::platform {

// Each process is a session of its own in /, has no descriptors but /dev/null three times, no
// signals blocked or ignored, and is killed with all of its group at its end or when its time is over.
// One thread spawns and reaps, by pidfd: it touches no child of anybody else's.
class ProcessRunner final : public app::CommandRunner {
 public:
  static absl::StatusOr<std::unique_ptr<ProcessRunner>> Create(absl::Duration time_limit);
  ~ProcessRunner() override;  // Shutdown()

  void Run(app::CommandRequest request, Done done) override;
  void Shutdown() override;

 private:
  using Clock = std::chrono::steady_clock;
  struct Child {
    pid_t pid = 0;
    UniqueFd pidfd;
    Clock::time_point deadline;
    bool out_of_time = false;
    Done done;
  };
  ProcessRunner(absl::Duration time_limit, UniqueFd wake)
      : time_limit_(time_limit), wake_(std::move(wake)) {}

  void Loop();
  void StartNew();
  // Waits until something is to be looked at.
  void Wait();
  void KillLate();
  void ReapEnded();

  const absl::Duration time_limit_;
  const UniqueFd wake_;
  std::list<Child> children_;  // the thread's

  Mutex mutex_;
  std::vector<std::pair<app::CommandRequest, Done>> new_ BITS_GUARDED_BY(mutex_);
  bool stopping_ BITS_GUARDED_BY(mutex_) = false;

  Mutex join_mutex_;  // taken before mutex_, by Shutdown() only
  std::thread thread_ BITS_GUARDED_BY(join_mutex_);
};

}  // namespace bits::platform

#endif  // BITS_SERVER_PLATFORM_PROCESS_RUNNER_H_

// A program that a test starts, watches and ends.
#ifndef BITS_TESTS_SUPPORT_SUBPROCESS_H_
#define BITS_TESTS_SUPPORT_SUBPROCESS_H_

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/base/mutex.h"

namespace bits::testing {

// What it prints (stdout and stderr) goes to a file and, line by line, to a callback. It
// dies with the test program, whatever ends that. Thread-safe.
class Subprocess {
 public:
  struct Options {
    std::vector<std::string> argv = {};  // argv[0]: a path, or a name looked up in PATH
    std::vector<std::pair<std::string, std::string>> environment = {};  // set beside the test's own
    std::string log_path = {};  // appended to; empty: kept nowhere
    // Called on a thread of its own, without the newline.
    std::function<void(std::string_view line)> on_line = {};
    int inherited_fd = -1;  // becomes descriptor 3 of the program
    // What it gets when this object, or the test program, goes; followed by SIGKILL after 10 s.
    int end_signal = 9;
  };

  // OK once it was forked; a program that cannot be run exits with 127.
  static absl::StatusOr<std::unique_ptr<Subprocess>> Start(Options options);
  ~Subprocess();  // end_signal, and waits for the end
  Subprocess(const Subprocess&) = delete;
  Subprocess& operator=(const Subprocess&) = delete;

  pid_t pid() const { return pid_; }
  // Nothing happens once it has ended.
  void Signal(int signal);
  // As waitpid gives it; nullopt if it still runs after `timeout`. When this gives a value
  // all that was printed has been passed on.
  std::optional<int> Wait(absl::Duration timeout);

 private:
  explicit Subprocess(Options options);
  void Run();
  int Read(int pidfd, int pipe);

  const Options options_;
  pid_t pid_ = -1;
  Mutex mutex_;
  CondVar changed_;
  bool forked_ BITS_GUARDED_BY(mutex_) = false;
  int fork_error_ BITS_GUARDED_BY(mutex_) = 0;
  bool reaped_ BITS_GUARDED_BY(mutex_) = false;
  std::optional<int> status_ BITS_GUARDED_BY(mutex_);
  std::thread thread_;
};

// "exited with 3", "killed by signal 9".
std::string DescribeWaitStatus(int status);

}  // namespace bits::testing

#endif  // BITS_TESTS_SUPPORT_SUBPROCESS_H_

// The real bitsd, as a process of its own.
#ifndef BITS_TESTS_SUPPORT_BITSD_PROCESS_H_
#define BITS_TESTS_SUPPORT_BITSD_PROCESS_H_

#include <grpcpp/channel.h>
#include <sys/types.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/base/mutex.h"
#include "tests/support/subprocess.h"

namespace bits::testing {

// The program is the one that $BITSD names, else the one built beside the test. bitsd
// must log one line with the message "listening" and the field "address" (the one to
// connect to) once it is bound:
//   2026-01-31T12:34:56.789012Z INFO  listening address=127.0.0.1:40123 (main.cc:99)
// Start and Restart give OK once health Watch has said SERVING. One caller at a time.
class BitsdProcess {
 public:
  struct Options {
    std::string state_dir = {};           // made by the test
    std::vector<std::string> roots = {};  // at least one
    std::vector<std::string> flags = {};  // further ones, as they are
    std::string listen = "127.0.0.1:0";
    std::string log_path = {};  // appended to; empty: state_dir + ".log"
    absl::Duration start_timeout = absl::Seconds(30);
    std::vector<std::pair<std::string, std::string>> environment = {};  // beside the test's own
    // The binary to run instead; it gets the same flags.
    std::string binary = {};
  };

  static absl::StatusOr<std::unique_ptr<BitsdProcess>> Start(Options options);
  ~BitsdProcess();  // SIGKILL

  // SIGTERM. OK if it then exits with 0 within `timeout`; else it is killed and this says what
  // became of it.
  absl::Status Stop(absl::Duration timeout = absl::Seconds(30));
  // SIGKILL; returns when the process is gone. OK to call when it does not run.
  void Kill();
  // Starts it again, after Stop or Kill (which it does itself if it still runs), with the
  // same flags and on the same address, so that channels find it again.
  absl::Status Restart();

  bool running() const { return process_ != nullptr; }
  // What gRPC connects to: "127.0.0.1:40123", "unix:/…".
  const std::string& address() const { return address_; }
  pid_t pid() const;  // 0 if it does not run
  // One that the tests share; insecure.
  std::shared_ptr<grpc::Channel> channel();

  const std::string& log_path() const { return options_.log_path; }
  // All that was logged so far, by all its lives.
  std::string Log() const;
  // Waits until a line logged since the last (re)start has `text` in it.
  bool WaitForLog(std::string_view text, absl::Duration timeout);

  Options& options() { return options_; }  // Restart goes by them

 private:
  explicit BitsdProcess(Options options) : options_(std::move(options)) {}
  absl::Status Launch(const std::string& listen);
  absl::Status WaitUntilServing(absl::Time deadline);
  absl::Status Explain(std::string_view what) const;
  void OnLine(std::string_view line);

  Options options_;
  std::string address_;
  std::shared_ptr<grpc::Channel> channel_;
  Mutex mutex_;
  CondVar changed_;
  std::vector<std::string> lines_ BITS_GUARDED_BY(mutex_);
  std::unique_ptr<Subprocess> process_;
};

}  // namespace bits::testing

#endif  // BITS_TESTS_SUPPORT_BITSD_PROCESS_H_

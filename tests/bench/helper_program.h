// The programs that a measurement starts beside bitsd.
#ifndef BITS_TESTS_BENCH_HELPER_PROGRAM_H_
#define BITS_TESTS_BENCH_HELPER_PROGRAM_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "server/base/mutex.h"
#include "tests/support/subprocess.h"

namespace bits::bench {

// The path of one that is built with this.
std::string HelperProgram(std::string_view name);

// One that prints "listening ADDRESS" once it can be reached; killed when this goes.
class HelperServer {
 public:
  static absl::StatusOr<std::unique_ptr<HelperServer>> Start(std::vector<std::string> argv);

  const std::string& address() const { return address_; }
  pid_t pid() const { return process_->pid(); }

 private:
  HelperServer() = default;

  std::string address_;
  Mutex mutex_;
  CondVar changed_;
  std::string heard_ BITS_GUARDED_BY(mutex_);
  std::unique_ptr<testing::Subprocess> process_;
};

}  // namespace bits::bench

#endif  // BITS_TESTS_BENCH_HELPER_PROGRAM_H_

// A bitsd to be measured.
#ifndef BITS_TESTS_BENCH_SERVER_H_
#define BITS_TESTS_BENCH_SERVER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "tests/support/bitsd_process.h"

namespace bits::bench {

// Its state is in `directory`/state, its root is `directory`/root, `config` is the text of
// its configuration file. It may be started again on the same directory.
absl::StatusOr<std::unique_ptr<testing::BitsdProcess>> StartBitsd(const std::string& directory,
                                                                  const std::string& config = "");

// The root of such a bitsd.
std::string RootOf(const std::string& directory);

// As many open files as this process, and those that it starts, may have.
void RaiseOpenFilesLimit();

}  // namespace bits::bench

#endif  // BITS_TESTS_BENCH_SERVER_H_

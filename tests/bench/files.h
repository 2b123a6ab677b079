// What is fetched, and whether it arrived.
#ifndef BITS_TESTS_BENCH_FILES_H_
#define BITS_TESTS_BENCH_FILES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace bits::bench {

// A set of files in one directory; their names sort in their order.
struct FileSet {
  std::string directory;
  std::vector<std::string> names;
  uint64_t size = 0;  // of each

  uint64_t total() const { return size * names.size(); }
};

// Writes `count` files of `size` bytes that nothing compresses, each different.
absl::StatusOr<FileSet> MakeFileSet(const std::string& directory, size_t count, uint64_t size);

// OK if `directory` holds every file of the set, byte for byte.
absl::Status VerifyCopy(const FileSet& set, const std::string& directory);

// What makes files durable that a tool has written without: fsync of one file and its
// directory, syncfs for more (which is kind to the tool: it is one call).
absl::Status MakeDurable(const FileSet& set, const std::string& directory);

// An empty directory, and nothing of what was in it left to be written.
absl::Status Clear(const std::string& directory);

}  // namespace bits::bench

#endif  // BITS_TESTS_BENCH_FILES_H_

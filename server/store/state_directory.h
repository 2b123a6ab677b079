// The directory in which a bitsd keeps its state, held by one process at a time.
#ifndef BITS_SERVER_STORE_STATE_DIRECTORY_H_
#define BITS_SERVER_STORE_STATE_DIRECTORY_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "server/base/unique_fd.h"

namespace bits::store {

// Holds the directory as long as it lives, by a lock (flock) on `lock` in it, which ends
// with the process however that ends.
class StateDirectory {
 public:
  // Makes the directory (for its owner alone) if it is missing. FAILED_PRECONDITION if
  // another holds it, in this process too; UNAVAILABLE if the system refuses. The message
  // names the directory.
  static absl::StatusOr<StateDirectory> Hold(std::string path);

  // Lets another hold it.
  void Release() { lock_.reset(); }

  const std::string& path() const { return path_; }

  // The path of `name` in it; the file is made if it is missing, empty, to be read by its
  // owner alone, and so that it is there after a power failure.
  absl::StatusOr<std::string> MakeFile(const std::string& name) const;

 private:
  StateDirectory(std::string path, UniqueFd lock)
      : path_(std::move(path)), lock_(std::move(lock)) {}

  std::string path_;
  UniqueFd lock_;
};

}  // namespace bits::store

#endif  // BITS_SERVER_STORE_STATE_DIRECTORY_H_

// The roots, and the directories beneath them.
#ifndef BITS_SERVER_PLATFORM_DIRECTORIES_H_
#define BITS_SERVER_PLATFORM_DIRECTORIES_H_

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/base/mutex.h"
#include "server/base/unique_fd.h"

namespace bits::platform {

// One root, held open: what happens to its path later does not matter. Thread-safe.
class Root {
 public:
  // `path` is absolute and normal.
  static absl::StatusOr<std::shared_ptr<Root>> Open(std::string path);

  const std::string& path() const { return path_; }
  // The part of an absolute, normal path that lies beneath this root, without a leading slash;
  // empty if it does not.
  std::string_view Beneath(std::string_view path) const;

  // Whether a directory is the root or lies beneath it, whatever their names say. OK: it does not;
  // INVALID_ARGUMENT: it does.
  absl::Status KeepsOut(const std::string& directory) const;

  // openat2 with RESOLVE_BENEATH and RESOLVE_NO_MAGICLINKS. The descriptor, or -errno.
  int OpenAt(const std::string& relative, uint64_t flags, mode_t mode = 0) const;

  // A directory, readable. "" is the root itself. Missing ones are made, and their names durable.
  absl::StatusOr<UniqueFd> OpenDirectory(const std::string& relative, bool make) const;

  // Makes the names in a directory durable. Callers that come while another waits for the disk
  // share the next turn.
  absl::Status SyncDirectory(const std::string& relative);

 private:
  struct Turn {
    uint64_t asked = 0;  // tickets given
    uint64_t done = 0;   // tickets up to here are durable, or failed
    int waiting = 0;
    bool running = false;
    std::map<uint64_t, absl::Status> ended;  // how each turn did, by its last ticket
  };

  Root(std::string path, UniqueFd fd) : path_(std::move(path)), fd_(std::move(fd)) {}

  const std::string path_;
  const UniqueFd fd_;
  Mutex mutex_;
  CondVar turned_;
  std::map<std::string, Turn> turns_ BITS_GUARDED_BY(mutex_);
};

// "a/b/c" is ("a/b", "c"), "c" is ("", "c").
std::pair<std::string, std::string> SplitPath(std::string_view relative);

}  // namespace bits::platform

#endif  // BITS_SERVER_PLATFORM_DIRECTORIES_H_

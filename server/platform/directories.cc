#include "server/platform/directories.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "server/base/status_macros.h"
#include "server/platform/file_error.h"

namespace bits::platform {
namespace {

constexpr mode_t kDirectoryMode = 0777;  // less umask

// The descriptor, or -errno.
int OpenAt2(int dirfd, const char* path, uint64_t flags, mode_t mode) {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.mode = mode;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  // EAGAIN: something was renamed during the walk, and the kernel cannot tell whether it led out.
  constexpr int kTries = 100;
  int error = EAGAIN;
  for (int i = 0; i < kTries && (error == EAGAIN || error == EINTR); ++i) {
    const long fd = ::syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
    if (fd >= 0) return static_cast<int>(fd);
    error = errno;
  }
  return -error;
}

}  // namespace

std::pair<std::string, std::string> SplitPath(std::string_view relative) {
  const size_t slash = relative.rfind('/');
  if (slash == std::string_view::npos) return {"", std::string(relative)};
  return {std::string(relative.substr(0, slash)), std::string(relative.substr(slash + 1))};
}

absl::StatusOr<std::shared_ptr<Root>> Root::Open(std::string path) {
  UniqueFd fd(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return FileError(errno, "open the root", path);
  std::shared_ptr<Root> root(new Root(std::move(path), std::move(fd)));
  const int probe = root->OpenAt(".", O_PATH | O_DIRECTORY);
  if (probe == -ENOSYS) {
    return absl::UnimplementedError(
        "this kernel has no openat2, without which files cannot be kept beneath the roots; "
        "Linux 5.6 or later is needed, and a seccomp filter that allows openat2");
  }
  if (probe < 0) return FileError(-probe, "open the root", root->path_);
  ::close(probe);
  return root;
}

std::string_view Root::Beneath(std::string_view path) const {
  if (path_ == "/") return path.starts_with('/') ? path.substr(1) : std::string_view();
  if (!path.starts_with(path_) || path.size() <= path_.size() + 1 || path[path_.size()] != '/') {
    return {};
  }
  return path.substr(path_.size() + 1);
}

absl::Status Root::KeepsOut(const std::string& directory) const {
  struct stat root {};
  if (::fstat(fd_.get(), &root) != 0) return FileError(errno, "look at", path_);
  UniqueFd fd(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return FileError(errno, "open the directory", directory);
  struct stat here {};
  if (::fstat(fd.get(), &here) != 0) return FileError(errno, "look at", directory);
  while (true) {
    if (here.st_dev == root.st_dev && here.st_ino == root.st_ino) {
      return absl::InvalidArgumentError(
          absl::StrCat(directory, " must not lie beneath the root ", path_,
                       ": whoever may create jobs could read and replace what is in it"));
    }
    UniqueFd above(::openat(fd.get(), "..", O_PATH | O_DIRECTORY | O_CLOEXEC));
    struct stat there {};
    if (!above || ::fstat(above.get(), &there) != 0) return FileError(errno, "look above", directory);
    if (there.st_dev == here.st_dev && there.st_ino == here.st_ino) return absl::OkStatus();
    fd = std::move(above);
    here = there;
  }
}

int Root::OpenAt(const std::string& relative, uint64_t flags, mode_t mode) const {
  return OpenAt2(fd_.get(), relative.empty() ? "." : relative.c_str(), flags, mode);
}

absl::StatusOr<UniqueFd> Root::OpenDirectory(const std::string& relative, bool make) const {
  constexpr uint64_t kFlags = O_RDONLY | O_DIRECTORY;
  int fd = OpenAt(relative, kFlags);
  if (fd == -ENOENT && make && !relative.empty()) {
    const auto [parent, name] = SplitPath(relative);
    BITS_ASSIGN_OR_RETURN(UniqueFd above, OpenDirectory(parent, true));
    if (::mkdirat(above.get(), name.c_str(), kDirectoryMode) != 0 && errno != EEXIST) {
      return FileError(errno, "make the directory", path_ + "/" + relative);
    }
    if (::fsync(above.get()) != 0) return FileError(errno, "sync", path_ + "/" + parent);
    // By its whole name again: what stands there now may be a link that another made.
    fd = OpenAt(relative, kFlags);
  }
  if (fd < 0) return FileError(-fd, "open the directory", path_ + "/" + relative);
  return UniqueFd(fd);
}

absl::Status Root::SyncDirectory(const std::string& relative) {
  MutexLock lock(mutex_);
  Turn& turn = turns_[relative];
  const uint64_t ticket = ++turn.asked;
  ++turn.waiting;
  while (turn.done < ticket) {
    if (turn.running) {
      turned_.Wait(mutex_);
      continue;
    }
    turn.running = true;
    const uint64_t covered = turn.asked;
    lock.Unlock();
    absl::StatusOr<UniqueFd> fd = OpenDirectory(relative, false);
    absl::Status status = fd.status();
    if (fd.ok() && ::fsync(fd->get()) != 0) {
      status = FileError(errno, "sync", path_ + "/" + relative);
    }
    lock.Lock();
    turn.running = false;
    turn.ended[covered] = std::move(status);
    turn.done = covered;
    turned_.SignalAll();
  }
  absl::Status status = turn.ended.lower_bound(ticket)->second;
  if (--turn.waiting == 0) turns_.erase(relative);
  return status;
}

}  // namespace bits::platform

#include "server/store/state_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "server/base/status_macros.h"

namespace bits::store {
namespace {

absl::Status Refused(const std::string& what, const std::string& path, int error) {
  return absl::UnavailableError(what + " " + path + ": " + std::generic_category().message(error));
}

// So that what was made in the directory is there after a power failure.
absl::Status SyncDirectory(const std::string& path) {
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || fsync(fd.get()) != 0) return Refused("cannot sync directory", path, errno);
  return absl::OkStatus();
}

std::string Parent(const std::string& path) {
  const size_t end = path.find_last_not_of('/');
  const size_t slash = end == std::string::npos ? end : path.rfind('/', end);
  if (slash == std::string::npos) return path.starts_with('/') ? "/" : ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

absl::Status MakeDirectories(const std::string& path) {
  if (mkdir(path.c_str(), 0700) == 0) return SyncDirectory(Parent(path));
  if (errno == EEXIST) return absl::OkStatus();
  if (errno != ENOENT) return Refused("cannot make directory", path, errno);
  BITS_RETURN_IF_ERROR(MakeDirectories(Parent(path)));
  if (mkdir(path.c_str(), 0700) == 0) return SyncDirectory(Parent(path));
  return errno == EEXIST ? absl::OkStatus() : Refused("cannot make directory", path, errno);
}

}  // namespace

absl::StatusOr<StateDirectory> StateDirectory::Hold(std::string path) {
  BITS_RETURN_IF_ERROR(MakeDirectories(path));
  const std::string lock_path = path + "/lock";
  UniqueFd lock(open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock) return Refused("cannot open", lock_path, errno);
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) {
      return absl::FailedPreconditionError("state directory " + path +
                                           " is in use by another bitsd");
    }
    return Refused("cannot lock", lock_path, errno);
  }
  return StateDirectory(std::move(path), std::move(lock));
}

absl::StatusOr<std::string> StateDirectory::MakeFile(const std::string& name) const {
  std::string file = path_ + "/" + name;
  UniqueFd fd(open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) return Refused("cannot open", file, errno);
  BITS_RETURN_IF_ERROR(SyncDirectory(path_));
  return file;
}

}  // namespace bits::store

#include "server/platform/posix_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/base/status_macros.h"
#include "server/platform/file_error.h"

namespace bits::platform {
namespace {

// Pieces of this size are handed to the disk at once, so that a later Sync finds little to do.
constexpr size_t kWriteBehind = size_t{256} * 1024;

}  // namespace

PosixFile::PosixFile(UniqueFd fd, std::shared_ptr<Root> root, std::string relative, bool made)
    : fd_(std::move(fd)),
      root_(std::move(root)),
      relative_(std::move(relative)),
      name_is_new_(made) {}

absl::Status PosixFile::Error(int error_number, std::string_view what) const {
  return FileError(error_number, what, root_->path() + "/" + relative_);
}

absl::Status PosixFile::WriteAt(uint64_t offset, std::string_view data) {
  if (offset > std::numeric_limits<off_t>::max() - data.size()) return Error(EFBIG, "write to");
  const size_t size = data.size();
  auto at = static_cast<off_t>(offset);
  while (!data.empty()) {
    const ssize_t n = ::pwrite(fd_.get(), data.data(), data.size(), at);
    if (n < 0) {
      if (errno == EINTR) continue;
      return Error(errno, "write to");
    }
    data.remove_prefix(static_cast<size_t>(n));
    at += n;
  }
  if (size >= kWriteBehind) {
    ::sync_file_range(fd_.get(), static_cast<off_t>(offset), static_cast<off_t>(size),
                      SYNC_FILE_RANGE_WRITE);
  }
  return absl::OkStatus();
}

absl::StatusOr<size_t> PosixFile::ReadAt(uint64_t offset, char* buffer, size_t size) {
  size_t got = 0;
  while (got < size) {
    const ssize_t n =
        ::pread(fd_.get(), buffer + got, size - got, static_cast<off_t>(offset + got));
    if (n == 0) break;
    if (n > 0) {
      got += static_cast<size_t>(n);
    } else if (errno != EINTR) {
      return Error(errno, "read");
    }
  }
  return got;
}

absl::Status PosixFile::Truncate(uint64_t size) {
  int result = 0;
  do {
    result = ::ftruncate(fd_.get(), static_cast<off_t>(size));
  } while (result != 0 && errno == EINTR);
  return result == 0 ? absl::OkStatus() : Error(errno, "resize");
}

absl::Status PosixFile::Reserve(uint64_t size) {
  if (size == 0) return absl::OkStatus();
  int result = 0;
  do {
    result = ::fallocate(fd_.get(), FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(size));
  } while (result != 0 && errno == EINTR);
  if (result == 0 || errno == EOPNOTSUPP || errno == ENOSYS) return absl::OkStatus();
  return Error(errno, "reserve room for");
}

absl::Status PosixFile::Sync() {
  if (::fdatasync(fd_.get()) != 0) return Error(errno, "sync");
  if (name_is_new_) {
    BITS_RETURN_IF_ERROR(root_->SyncDirectory(SplitPath(relative_).first));
    name_is_new_ = false;
  }
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> PosixFile::Size() {
  struct stat info {};
  if (::fstat(fd_.get(), &info) != 0) return Error(errno, "look at");
  return static_cast<uint64_t>(info.st_size);
}

absl::StatusOr<absl::Time> PosixFile::ModificationTime() {
  struct stat info {};
  if (::fstat(fd_.get(), &info) != 0) return Error(errno, "look at");
  return absl::TimeFromTimespec(info.st_mtim);
}

absl::StatusOr<std::string> PosixFile::Identity() {
  std::string identity = IdentityOf(fd_.get());
  if (identity.empty()) return Error(errno, "look at");
  return identity;
}

std::string IdentityOf(int fd) {
  struct statx info {};
  if (::statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &info) != 0) return "";
  // The time of birth, where it is known, tells a file from one that had its inode before.
  // No device: its number may be another after a restart.
  return absl::StrCat(info.stx_ino, ".", info.stx_btime.tv_sec, ".", info.stx_btime.tv_nsec);
}

}  // namespace bits::platform

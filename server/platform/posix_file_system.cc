#include "server/platform/posix_file_system.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/base/status_macros.h"
#include "server/base/strings.h"
#include "server/domain/error_code.h"
#include "server/platform/file_error.h"
#include "server/platform/posix_file.h"

namespace bits::platform {
namespace {

constexpr size_t kLongestPath = 4096;
constexpr size_t kLongestComponent = 255;
constexpr mode_t kTemporaryMode = 0600;
// So many share a sync of their directory, and are open meanwhile.
constexpr size_t kPublishedTogether = 64;
// What a file system may round a modification time by.
constexpr absl::Duration kCoarsestTime = absl::Seconds(2);
// O_NONBLOCK: opening a FIFO or a device must not wait. It changes nothing for a regular file.
constexpr uint64_t kCareful = O_NONBLOCK | O_NOCTTY;

absl::Status InvalidName(std::string_view why) {
  return FileRefusal(absl::StatusCode::kInvalidArgument, domain::kInvalidArgument,
                     absl::StrCat("the local name ", Av(why)));
}

// Checks components and joins them with single slashes; a leading slash is kept.
absl::StatusOr<std::string> Normalize(std::string_view name) {
  if (name.empty()) return InvalidName("is empty");
  if (name.find('\0') != std::string_view::npos) return InvalidName("holds a NUL");
  if (name.size() > kLongestPath) return InvalidName("is longer than 4,096 bytes");
  if (name.ends_with('/')) return InvalidName("ends with a slash");
  std::string normal(name.starts_with('/') ? "/" : "");
  while (!name.empty()) {
    const size_t slash = name.find('/');
    const std::string_view component = name.substr(0, slash);
    name.remove_prefix(slash == std::string_view::npos ? name.size() : slash + 1);
    if (component.empty()) continue;
    if (component == "." || component == "..") return InvalidName("has a component . or ..");
    if (component.size() > kLongestComponent) {
      return InvalidName("has a component longer than 255 bytes");
    }
    if (!normal.empty() && !normal.ends_with('/')) normal += '/';
    normal += component;
  }
  return normal;
}

absl::Status NotRegular(const std::string& path) {
  return FileRefusal(absl::StatusCode::kPermissionDenied, domain::kAccessDenied,
                     absl::StrCat(path, " is not a regular file"));
}

absl::Status RequireRegular(int fd, const std::string& path) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return FileError(errno, "look at", path);
  return S_ISREG(info.st_mode) ? absl::OkStatus() : NotRegular(path);
}

}  // namespace

absl::StatusOr<std::unique_ptr<PosixFileSystem>> PosixFileSystem::Open(
    const std::vector<std::string>& roots) {
  if (roots.empty()) return absl::InvalidArgumentError("at least one root is needed");
  std::vector<std::shared_ptr<Root>> opened;
  for (const std::string& given : roots) {
    std::error_code error;
    std::string path = std::filesystem::absolute(given, error).lexically_normal().string();
    if (given.empty() || error) {
      return absl::InvalidArgumentError(absl::StrCat("not a directory's name: '", given, "'"));
    }
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    BITS_ASSIGN_OR_RETURN(std::shared_ptr<Root> root, Root::Open(std::move(path)));
    opened.push_back(std::move(root));
  }
  const mode_t mask = ::umask(077);
  ::umask(mask);
  return std::unique_ptr<PosixFileSystem>(new PosixFileSystem(std::move(opened), 0666 & ~mask));
}

PosixFileSystem::PosixFileSystem(std::vector<std::shared_ptr<Root>> roots, mode_t published_mode)
    : roots_(std::move(roots)), published_mode_(published_mode) {}

absl::StatusOr<std::string> PosixFileSystem::Resolve(std::string_view local_name) const {
  BITS_ASSIGN_OR_RETURN(std::string path, Normalize(local_name));
  if (!path.starts_with('/')) {
    const std::string& first = roots_.front()->path();
    path = first == "/" ? first + path : first + "/" + path;
  }
  if (path.size() > kLongestPath) return InvalidName("is longer than 4,096 bytes");
  BITS_RETURN_IF_ERROR(Locate(path).status());
  return path;
}

absl::StatusOr<PosixFileSystem::Place> PosixFileSystem::Locate(std::string_view path) const {
  Place place;
  for (const std::shared_ptr<Root>& root : roots_) {
    const std::string_view relative = root->Beneath(path);
    if (relative.empty()) continue;
    if (place.root == nullptr || root->path().size() > place.root->path().size()) {
      place.root = root;
      place.relative = relative;
    }
  }
  if (place.root == nullptr) {
    return FileRefusal(absl::StatusCode::kPermissionDenied, domain::kAccessDenied,
                       absl::StrCat(Av(path), " lies beneath no root"));
  }
  std::tie(place.directory, place.name) = SplitPath(place.relative);
  return place;
}

absl::StatusOr<std::unique_ptr<app::LocalFile>> PosixFileSystem::OpenSource(
    const std::string& path) {
  BITS_ASSIGN_OR_RETURN(Place place, Locate(path));
  UniqueFd fd(place.root->OpenAt(place.relative, O_RDONLY | kCareful));
  if (!fd) return FileError(-fd.release(), "open", path);
  BITS_RETURN_IF_ERROR(RequireRegular(fd.get(), path));
  return std::make_unique<PosixFile>(std::move(fd), place.root, place.relative, false);
}

absl::StatusOr<std::unique_ptr<app::LocalFile>> PosixFileSystem::OpenTemporary(
    const std::string& path) {
  BITS_ASSIGN_OR_RETURN(Place place, Locate(path));
  constexpr uint64_t kFlags = O_RDWR | O_NOFOLLOW | kCareful;
  constexpr int kTries = 3;  // somebody may make or remove it between our looking and opening
  int fd = -ENOENT;
  bool made = false;
  for (int i = 0; i < kTries && (fd == -ENOENT || fd == -EEXIST); ++i) {
    fd = place.root->OpenAt(place.relative, kFlags);
    if (fd != -ENOENT) break;
    fd = place.root->OpenAt(place.relative, kFlags | O_CREAT | O_EXCL, kTemporaryMode);
    made = fd >= 0;
    if (fd == -ENOENT) {
      BITS_RETURN_IF_ERROR(place.root->OpenDirectory(place.directory, true).status());
    }
  }
  if (fd < 0) return FileError(-fd, "open", path);
  UniqueFd owned(fd);
  BITS_RETURN_IF_ERROR(RequireRegular(owned.get(), path));
  return std::make_unique<PosixFile>(std::move(owned), place.root, place.relative, made);
}

absl::Status PosixFileSystem::Publish(const std::vector<app::Publication>& files, size_t* done) {
  *done = 0;
  while (*done < files.size()) {
    Unsynced unsynced;
    absl::Status renamed;
    size_t count = 0;
    while (renamed.ok() && count < kPublishedTogether && *done + count < files.size()) {
      renamed = PublishOne(files[*done + count], unsynced);
      if (renamed.ok()) ++count;
    }
    BITS_RETURN_IF_ERROR(SyncAll(unsynced));
    *done += count;
    BITS_RETURN_IF_ERROR(renamed);
  }
  return absl::OkStatus();
}

absl::Status PosixFileSystem::PublishOne(const app::Publication& file, Unsynced& unsynced) {
  const auto& [from, to, size, modification_time] = file;
  BITS_ASSIGN_OR_RETURN(const Place source, Locate(from));
  BITS_ASSIGN_OR_RETURN(const Place target, Locate(to));
  BITS_ASSIGN_OR_RETURN(const UniqueFd directory,
                        target.root->OpenDirectory(target.directory, true));
  UniqueFd fd(source.root->OpenAt(source.relative, O_RDONLY | O_NOFOLLOW | kCareful));
  if (fd.get() == -ENOENT) {
    BITS_RETURN_IF_ERROR(PublishedBefore(file, target, directory.get()));
    unsynced.directories.emplace(target.root, target.directory);
    return absl::OkStatus();
  }
  if (!fd) return FileError(-fd.release(), "open", from);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return FileError(errno, "look at", from);
  if (!S_ISREG(info.st_mode)) return NotRegular(from);
  if (static_cast<uint64_t>(info.st_size) != size) {
    return FileRefusal(absl::StatusCode::kFailedPrecondition, domain::kValidationFailed,
                       absl::StrCat("the size of ", from, " was changed by somebody"));
  }
  struct stat there {};
  if (::fstatat(directory.get(), target.name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 &&
      S_ISDIR(there.st_mode)) {
    return FileRefusal(absl::StatusCode::kFailedPrecondition, domain::kAccessDenied,
                       absl::StrCat(to, " is a directory"));
  }

  if (::fchmod(fd.get(), published_mode_) != 0) return FileError(errno, "set the mode of", from);
  if (modification_time.has_value()) {
    const timespec times[2] = {{0, UTIME_OMIT}, absl::ToTimespec(*modification_time)};
    if (::futimens(fd.get(), times) != 0) return FileError(errno, "set the time of", from);
  }
  BITS_ASSIGN_OR_RETURN(const UniqueFd source_directory,
                        source.root->OpenDirectory(source.directory, false));
  if (::renameat(source_directory.get(), source.name.c_str(), directory.get(),
                 target.name.c_str()) != 0) {
    return FileError(errno, "rename to", to);
  }
  unsynced.directories.emplace(target.root, target.directory);
  unsynced.directories.emplace(source.root, source.directory);
  unsynced.files.emplace_back(std::move(fd), to);
  return absl::OkStatus();
}

absl::Status PosixFileSystem::SyncAll(const Unsynced& unsynced) {
  for (const auto& [root, directory] : unsynced.directories) {
    BITS_RETURN_IF_ERROR(root->SyncDirectory(directory));
  }
  // The data is durable since its last Sync; this is for mode and time. It comes last since most
  // file systems have just written them along with the name.
  for (const auto& [fd, path] : unsynced.files) {
    if (::fsync(fd.get()) != 0) return FileError(errno, "sync", path);
  }
  return absl::OkStatus();
}

absl::Status PosixFileSystem::PublishedBefore(const app::Publication& file, const Place& to,
                                              int directory) {
  struct stat there {};
  if (::fstatat(directory, to.name.c_str(), &there, AT_SYMLINK_NOFOLLOW) != 0 ||
      !S_ISREG(there.st_mode) || static_cast<uint64_t>(there.st_size) != file.size ||
      (file.modification_time &&
       absl::AbsDuration(absl::TimeFromTimespec(there.st_mtim) - *file.modification_time) >
           kCoarsestTime)) {
    return FileError(ENOENT, "open", file.from);
  }
  return absl::OkStatus();
}

absl::Status PosixFileSystem::Remove(const std::string& path) {
  BITS_ASSIGN_OR_RETURN(const Place place, Locate(path));
  UniqueFd directory(place.root->OpenAt(place.directory, O_PATH | O_DIRECTORY));
  if (directory.get() == -ENOENT) return absl::OkStatus();
  if (!directory) return FileError(-directory.release(), "remove", path);
  if (::unlinkat(directory.get(), place.name.c_str(), 0) != 0 && errno != ENOENT) {
    return FileError(errno, "remove", path);
  }
  return absl::OkStatus();
}

}  // namespace bits::platform

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
constexpr std::string_view kTemporaryPrefix = ".BIT-";
// So many share a sync of their directory, and are open meanwhile.
constexpr size_t kPublishedTogether = 64;
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
    if (component.starts_with(kTemporaryPrefix)) {
      return InvalidName("has a component that begins with .BIT-, as temporary files do");
    }
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

absl::Status PosixFileSystem::KeepsOut(const std::string& directory) const {
  for (const std::shared_ptr<Root>& root : roots_) {
    BITS_RETURN_IF_ERROR(root->KeepsOut(directory));
  }
  return absl::OkStatus();
}

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

std::string PosixFileSystem::RootOf(std::string_view path) const {
  const absl::StatusOr<Place> place = Locate(path);
  return place.ok() ? place->root->path() : "";
}

absl::StatusOr<domain::FileKind> PosixFileSystem::Look(const std::string& path) {
  BITS_ASSIGN_OR_RETURN(const Place place, Locate(path));
  UniqueFd fd(place.root->OpenAt(place.relative, O_PATH | O_NOFOLLOW));
  if (fd.get() == -ENOENT) return domain::FileKind::kNothing;
  if (!fd) return FileError(-fd.release(), "look at", path);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return FileError(errno, "look at", path);
  if (S_ISREG(info.st_mode)) return domain::FileKind::kRegular;
  return S_ISDIR(info.st_mode) ? domain::FileKind::kDirectory : domain::FileKind::kOther;
}

absl::StatusOr<std::unique_ptr<app::LocalFile>> PosixFileSystem::OpenSource(
    const std::string& path) {
  BITS_ASSIGN_OR_RETURN(Place place, Locate(path));
  UniqueFd fd(place.root->OpenAt(place.relative, O_RDONLY | kCareful));
  if (!fd) return FileError(-fd.release(), "open", path);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return FileError(errno, "look at", path);
  if (!S_ISREG(info.st_mode)) return NotRegular(path);
  return std::make_unique<PosixFile>(std::move(fd), place.root, place.relative, false);
}

absl::StatusOr<std::unique_ptr<app::LocalFile>> PosixFileSystem::OpenTemporary(
    const std::string& path, bool anew) {
  BITS_ASSIGN_OR_RETURN(Place place, Locate(path));
  constexpr uint64_t kFlags = O_RDWR | O_NOFOLLOW | kCareful;
  UniqueFd there(place.root->OpenAt(place.relative, kFlags));
  if (there) {
    struct stat info {};
    if (::fstat(there.get(), &info) != 0) return FileError(errno, "look at", path);
    if (!S_ISREG(info.st_mode)) return NotRegular(path);
    if (!anew && info.st_nlink == 1) {
      return std::make_unique<PosixFile>(std::move(there), place.root, place.relative, false);
    }
    BITS_RETURN_IF_ERROR(Remove(path));
  } else if (there.get() != -ENOENT) {
    return FileError(-there.release(), "open", path);
  }
  int fd = place.root->OpenAt(place.relative, kFlags | O_CREAT | O_EXCL, kTemporaryMode);
  if (fd == -ENOENT) {
    BITS_RETURN_IF_ERROR(place.root->OpenDirectory(place.directory, true).status());
    fd = place.root->OpenAt(place.relative, kFlags | O_CREAT | O_EXCL, kTemporaryMode);
  }
  if (fd < 0) return FileError(-fd, "make", path);
  return std::make_unique<PosixFile>(UniqueFd(fd), place.root, place.relative, true);
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
  const auto& [from, to, size, identity, modification_time, replace] = file;
  BITS_ASSIGN_OR_RETURN(const Place source, Locate(from));
  BITS_ASSIGN_OR_RETURN(const Place target, Locate(to));
  BITS_ASSIGN_OR_RETURN(const UniqueFd directory,
                        target.root->OpenDirectory(target.directory, true));
  UniqueFd fd(source.root->OpenAt(source.relative, O_RDONLY | O_NOFOLLOW | kCareful));
  if (fd.get() == -ENOENT) {
    BITS_RETURN_IF_ERROR(PublishedBefore(file, target));
    unsynced.directories.emplace(target.root, target.directory);
    return absl::OkStatus();
  }
  if (!fd) return FileError(-fd.release(), "open", from);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return FileError(errno, "look at", from);
  if (!S_ISREG(info.st_mode)) return NotRegular(from);
  if (static_cast<uint64_t>(info.st_size) != size ||
      (!identity.empty() && IdentityOf(fd.get()) != identity)) {
    return FileRefusal(absl::StatusCode::kDataLoss, domain::kValidationFailed,
                       absl::StrCat(from, " was changed by somebody"));
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
  if (::renameat2(source_directory.get(), source.name.c_str(), directory.get(),
                  target.name.c_str(), replace ? 0 : RENAME_NOREPLACE) != 0) {
    if (errno == EEXIST) {
      return FileRefusal(absl::StatusCode::kAlreadyExists, domain::FromErrno(EEXIST),
                         absl::StrCat(to, " exists already"));
    }
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

absl::Status PosixFileSystem::PublishedBefore(const app::Publication& file, const Place& to) {
  const UniqueFd fd(to.root->OpenAt(to.relative, O_RDONLY | O_NOFOLLOW | kCareful));
  struct stat there {};
  if (fd && ::fstat(fd.get(), &there) == 0 && S_ISREG(there.st_mode) &&
      static_cast<uint64_t>(there.st_size) == file.size && !file.identity.empty() &&
      IdentityOf(fd.get()) == file.identity) {
    return absl::OkStatus();
  }
  return FileRefusal(absl::StatusCode::kDataLoss, domain::FromErrno(ENOENT),
                     absl::StrCat(file.from, " was deleted by somebody"));
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

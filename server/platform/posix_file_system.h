// The files of this machine, beneath the roots.
#ifndef BITS_SERVER_PLATFORM_POSIX_FILE_SYSTEM_H_
#define BITS_SERVER_PLATFORM_POSIX_FILE_SYSTEM_H_

#include <sys/types.h>

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/app/ports/file_system.h"
#include "server/base/unique_fd.h"
#include "server/platform/directories.h"

namespace bits::platform {

class PosixFileSystem final : public app::FileSystem {
 public:
  // Opens the roots and keeps them open. Errors: INVALID_ARGUMENT there are none, or one is no
  // directory's name; UNIMPLEMENTED the kernel cannot keep files beneath them; what FileSystem
  // says of others. Reads the umask, so it is called before there are threads that make files.
  static absl::StatusOr<std::unique_ptr<PosixFileSystem>> Open(
      const std::vector<std::string>& roots);

  // INVALID_ARGUMENT if the directory, which is there, is a root or lies beneath one.
  absl::Status KeepsOut(const std::string& directory) const;

  absl::StatusOr<std::string> Resolve(std::string_view local_name) const override;
  std::string RootOf(std::string_view path) const override;
  absl::StatusOr<domain::FileKind> Look(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<app::LocalFile>> OpenSource(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<app::LocalFile>> OpenTemporary(const std::string& path,
                                                                bool anew) override;
  absl::Status Publish(const std::vector<app::Publication>& files, size_t* done) override;
  absl::Status Remove(const std::string& path) override;

 private:
  // A path, taken apart.
  struct Place {
    std::shared_ptr<Root> root;
    std::string relative;
    std::string directory;  // of `relative`
    std::string name;
  };

  struct Unsynced {
    std::set<std::pair<std::shared_ptr<Root>, std::string>> directories;
    std::vector<std::pair<UniqueFd, std::string>> files;  // and what each is called
  };

  PosixFileSystem(std::vector<std::shared_ptr<Root>> roots, mode_t published_mode);
  absl::StatusOr<Place> Locate(std::string_view path) const;
  // Renames. What must be synced for that to be durable is added to `unsynced`.
  absl::Status PublishOne(const app::Publication& file, Unsynced& unsynced);
  absl::Status PublishedBefore(const app::Publication& file, const Place& to);
  static absl::Status SyncAll(const Unsynced& unsynced);

  // As given, the first for relative names; of those that hold a path the longest is used.
  const std::vector<std::shared_ptr<Root>> roots_;
  const mode_t published_mode_;
};

}  // namespace bits::platform

#endif  // BITS_SERVER_PLATFORM_POSIX_FILE_SYSTEM_H_

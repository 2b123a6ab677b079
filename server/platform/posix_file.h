// An open file of this machine.
#ifndef BITS_SERVER_PLATFORM_POSIX_FILE_H_
#define BITS_SERVER_PLATFORM_POSIX_FILE_H_

#include <memory>
#include <string>

#include "server/app/ports/file_system.h"
#include "server/base/unique_fd.h"
#include "server/platform/directories.h"

namespace bits::platform {

class PosixFile final : public app::LocalFile {
 public:
  // `root` and `relative` are where it stands. `made`: its name is new, and made durable by the
  // first Sync.
  PosixFile(UniqueFd fd, std::shared_ptr<Root> root, std::string relative, bool made);

  absl::Status WriteAt(uint64_t offset, std::string_view data) override;
  absl::StatusOr<size_t> ReadAt(uint64_t offset, char* buffer, size_t size) override;
  absl::Status Truncate(uint64_t size) override;
  absl::Status Reserve(uint64_t size) override;
  absl::Status Sync() override;
  absl::StatusOr<uint64_t> Size() override;
  absl::StatusOr<absl::Time> ModificationTime() override;
  absl::StatusOr<std::string> Identity() override;

 private:
  absl::Status Error(int error_number, std::string_view what) const;

  const UniqueFd fd_;
  const std::shared_ptr<Root> root_;
  const std::string relative_;
  bool name_is_new_;
};

// What Identity() gives; empty, with errno set, if it cannot be told.
std::string IdentityOf(int fd);

}  // namespace bits::platform

#endif  // BITS_SERVER_PLATFORM_POSIX_FILE_H_

// The local files, beneath the server's roots and nowhere else.
#ifndef BITS_SERVER_APP_PORTS_FILE_SYSTEM_H_
#define BITS_SERVER_APP_PORTS_FILE_SYSTEM_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/domain/error.h"
#include "server/domain/file_kind.h"

namespace bits::app {

// An open local file. One caller at a time, on a thread that may block.
class LocalFile {
 public:
  virtual ~LocalFile() = default;  // closes, without making anything durable
  // Writes all of data at `offset`.
  virtual absl::Status WriteAt(uint64_t offset, std::string_view data) = 0;
  // Reads up to `size` bytes at `offset` into `buffer`; fewer only at the end.
  virtual absl::StatusOr<size_t> ReadAt(uint64_t offset, char* buffer, size_t size) = 0;
  // Cuts or extends.
  virtual absl::Status Truncate(uint64_t size) = 0;
  // Asks for room for the whole file early, so that a full disk is told before the
  // transfer. OK where the file system cannot tell.
  virtual absl::Status Reserve(uint64_t size) = 0;
  // Data and size survive a power loss once this returns OK. After a failure nothing is
  // known of what was written since the last success.
  virtual absl::Status Sync() = 0;
  virtual absl::StatusOr<uint64_t> Size() = 0;
  virtual absl::StatusOr<absl::Time> ModificationTime() = 0;
  // Tells one file from any other of its file system, whatever it is called; also after a
  // restart.
  virtual absl::StatusOr<std::string> Identity() = 0;
};

// A temporary file that is to have its final name.
struct Publication {
  std::string from;
  std::string to;
  uint64_t size = 0;
  std::string identity = {};                         // LocalFile::Identity(); empty: not known
  std::optional<absl::Time> modification_time = {};  // to be set
  bool replace = true;  // what stands there; else ALREADY_EXISTS
};

// Thread-safe; all but Resolve and RootOf may block. Every path below is one that Resolve gave; it is
// opened beneath its root by the kernel (openat2, RESOLVE_BENEATH), so that no `..` and no
// symbolic link leads out, now or later. A failure carries the Win32 code of
// domain::FromErrno as its reason (symbol) and metadata `hresult`, read by HresultOf().
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  // The absolute, normal form of a local name: relative ones fall under the first root.
  // INVALID_ARGUMENT (E_INVALIDARG): empty, a NUL, a `.`/`..` component, a trailing slash,
  // too long (path 4,096 bytes, component 255), or a component that begins with `.BIT-`
  // (names of temporary files). PERMISSION_DENIED (E_ACCESSDENIED): beneath no root. Looks at
  // no file.
  virtual absl::StatusOr<std::string> Resolve(std::string_view local_name) const = 0;

  // The root that a path which Resolve gave lies beneath; empty if it is none's any more. Looks at
  // no file.
  virtual std::string RootOf(std::string_view path) const = 0;

  // What stands there, whoever's it is. PERMISSION_DENIED: it cannot be told.
  virtual absl::StatusOr<domain::FileKind> Look(const std::string& path) = 0;
  // For reading; a regular file only.
  virtual absl::StatusOr<std::unique_ptr<LocalFile>> OpenSource(const std::string& path) = 0;
  // For reading and writing, made if it is not there (mode 0600 less umask), with the
  // directories that lead to it; a regular file with this one name only. `anew`: what stands
  // there is of no use, and is replaced by an empty file, as is one that somebody gave a second
  // name.
  virtual absl::StatusOr<std::unique_ptr<LocalFile>> OpenTemporary(const std::string& path,
                                                                   bool anew) = 0;

  // Gives temporary files their final names, in this order until one fails; says in `*done` how
  // many of the first have theirs, durably, failure or not. What stands there is replaced, unless
  // `replace` says no (which takes a file system with RENAME_NOREPLACE); the mode becomes 0666 less umask. One that was published before (as after a crash: `from` is not
  // there, and `to` is it) counts as done. FAILED_PRECONDITION: `to` is a directory. DATA_LOSS:
  // `from` is gone, or is not the file of this identity and size any more.
  virtual absl::Status Publish(const std::vector<Publication>& files, size_t* done) = 0;
  // OK if it is not there.
  virtual absl::Status Remove(const std::string& path) = 0;
};

// The Win32 code of a failure of the above; ERROR_IO_DEVICE if it carries none.
domain::Hresult HresultOf(const absl::Status& status);

}  // namespace bits::app

#endif  // BITS_SERVER_APP_PORTS_FILE_SYSTEM_H_

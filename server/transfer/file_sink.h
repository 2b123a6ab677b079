// The temporary file of one try: what is asked on the loop is done on the I/O threads, in order,
// and answered on the loop.
#ifndef BITS_SERVER_TRANSFER_FILE_SINK_H_
#define BITS_SERVER_TRANSFER_FILE_SINK_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/app/ports/file_system.h"
#include "server/domain/job.h"
#include "server/transfer/buffer_pool.h"
#include "server/transfer/checksum.h"
#include "server/transfer/event_loop.h"
#include "server/transfer/strand.h"

namespace bits::transfer {

// Made and called on the loop's thread. Answers come there too, in the order of asking, never from
// within the asking, and also after the last owner has let go: capture accordingly. Whatever is
// asked first opens the file, and makes it if need be.
class FileSink : public std::enable_shared_from_this<FileSink> {
 public:
  using Done = std::function<void(absl::Status)>;

  // `anew`: nothing that is in the file is of use.
  FileSink(app::FileSystem* files, Executor* io, EventLoop* loop, std::string path, bool anew);

  // How long the file is now.
  void Size(std::function<void(absl::StatusOr<uint64_t>)> done);
  void Truncate(uint64_t size, Done done);
  void Reserve(uint64_t size, Done done);
  // Gives the buffer back. After a Write or Truncate that failed the following ones fail alike,
  // and touch nothing.
  void Write(uint64_t offset, Buffer buffer, std::function<void(absl::Status, Buffer)> done);
  // All that was written before is durable, or nothing is known of it.
  void Sync(Done done);
  // Whether the first `size` bytes have the checksum. CANCELLED after CancelVerify.
  void Verify(const domain::Checksum& checksum, uint64_t size,
              std::function<void(absl::StatusOr<bool>)> done);
  void CancelVerify() { verify_cancelled_ = true; }
  // The file is not touched any more. With its identity; empty if that is not known, or if it was
  // never opened.
  void Close(std::function<void(std::string identity)> done);

 private:
  struct Verification;
  // On the I/O threads.
  absl::Status Open();
  void VerifySome(std::shared_ptr<Verification> verification);

  app::FileSystem* const files_;
  EventLoop* const loop_;
  const std::string path_;
  const bool anew_;
  const std::shared_ptr<Strand> strand_;
  std::atomic<bool> verify_cancelled_ = false;

  // The strand's.
  std::unique_ptr<app::LocalFile> file_;
  absl::Status write_status_;
};

}  // namespace bits::transfer

#endif  // BITS_SERVER_TRANSFER_FILE_SINK_H_

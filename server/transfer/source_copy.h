// One try's source on this machine: file:// beneath a root.
#ifndef BITS_SERVER_TRANSFER_SOURCE_COPY_H_
#define BITS_SERVER_TRANSFER_SOURCE_COPY_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/transfer/delivery.h"
#include "server/transfer/strand.h"

namespace bits::transfer {

// On the loop's thread; reads on the I/O threads.
class SourceCopy final : public ByteSource {
 public:
  // `path` is one that FileSystem::Resolve gave.
  SourceCopy(Context* context, Delivery* delivery, std::string path);

  void Fetch() override;
  // It may have changed after the last byte was read: the end of a copy looks again.
  bool IsWholeOf(const domain::Validators& /*validators*/) const override { return false; }
  void OnRoom() override;
  void Abandon() override;

 private:
  // The version of the source: what it is, and how it was last written.
  struct Version {
    std::string etag;  // strong; of identity, time and size
    absl::Time modified;
    uint64_t size = 0;
  };
  // The strand's. Outlives this while a read is under way.
  struct Reader {
    app::FileSystem* files = nullptr;
    std::string path;
    std::unique_ptr<app::LocalFile> file;
    absl::StatusOr<Version> Look();
    absl::StatusOr<std::vector<char>> Read(uint64_t offset, size_t size);
  };

  template <typename T>
  void OnStrand(std::function<T(Reader&)> work, void (SourceCopy::*then)(T));
  void OnOpened(absl::StatusOr<Version> version);
  void ReadNext();
  void OnRead(absl::StatusOr<std::vector<char>> bytes);
  void AppendSome();
  void OnLookedAgain(absl::StatusOr<Version> version);

  Context* const context_;
  Delivery* const delivery_;
  const std::shared_ptr<Strand> strand_;
  const std::shared_ptr<Reader> reader_;
  std::shared_ptr<int> alive_;  // of the Fetch under way
  Version version_;
  std::vector<char> bytes_;
  size_t appended_ = 0;  // of bytes_
};

}  // namespace bits::transfer

#endif  // BITS_SERVER_TRANSFER_SOURCE_COPY_H_

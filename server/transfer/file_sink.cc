#include "server/transfer/file_sink.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "server/base/status_macros.h"

namespace bits::transfer {
namespace {

constexpr size_t kVerifyPiece = size_t{1} << 20;
constexpr uint64_t kVerifyTurn = uint64_t{16} << 20;  // then others have the thread

}  // namespace

struct FileSink::Verification {
  std::unique_ptr<Digest> digest;
  std::string expected;
  uint64_t size = 0;
  uint64_t offset = 0;
  std::vector<char> buffer;
  std::function<void(absl::StatusOr<bool>)> done;
};

FileSink::FileSink(app::FileSystem* files, Executor* io, EventLoop* loop, std::string path,
                   bool anew)
    : files_(files),
      loop_(loop),
      path_(std::move(path)),
      anew_(anew),
      strand_(std::make_shared<Strand>(io)) {}

absl::Status FileSink::Open() {
  if (file_ != nullptr) return absl::OkStatus();
  BITS_ASSIGN_OR_RETURN(file_, files_->OpenTemporary(path_, anew_));
  return absl::OkStatus();
}

void FileSink::Size(std::function<void(absl::StatusOr<uint64_t>)> done) {
  strand_->Post([self = shared_from_this(), done = std::move(done)]() mutable {
    absl::Status opened = self->Open();
    absl::StatusOr<uint64_t> size = opened.ok() ? self->file_->Size() : opened;
    self->loop_->Post([done = std::move(done), size = std::move(size)] { done(size); });
  });
}

void FileSink::Truncate(uint64_t size, Done done) {
  strand_->Post([self = shared_from_this(), size, done = std::move(done)]() mutable {
    absl::Status status = self->Open();
    if (status.ok()) status = self->file_->Truncate(size);
    // What follows would stand beside what should have gone.
    if (!status.ok() && self->write_status_.ok()) self->write_status_ = status;
    self->loop_->Post([done = std::move(done), status = std::move(status)] { done(status); });
  });
}

void FileSink::Reserve(uint64_t size, Done done) {
  strand_->Post([self = shared_from_this(), size, done = std::move(done)]() mutable {
    absl::Status status = self->Open();
    if (status.ok()) status = self->file_->Reserve(size);
    self->loop_->Post([done = std::move(done), status = std::move(status)] { done(status); });
  });
}

void FileSink::Write(uint64_t offset, Buffer buffer,
                     std::function<void(absl::Status, Buffer)> done) {
  // std::function wants what it holds to be copyable.
  auto held = std::make_shared<Buffer>(std::move(buffer));
  strand_->Post([self = shared_from_this(), offset, held, done = std::move(done)]() mutable {
    absl::Status& status = self->write_status_;
    if (status.ok()) status = self->Open();
    if (status.ok()) status = self->file_->WriteAt(offset, held->view());
    self->loop_->Post([done = std::move(done), held = std::move(held), status] {
      done(status, std::move(*held));
    });
  });
}

void FileSink::Sync(Done done) {
  strand_->Post([self = shared_from_this(), done = std::move(done)]() mutable {
    absl::Status status = self->Open();
    if (status.ok()) status = self->file_->Sync();
    self->loop_->Post([done = std::move(done), status = std::move(status)] { done(status); });
  });
}

void FileSink::Verify(const domain::Checksum& checksum, uint64_t size,
                      std::function<void(absl::StatusOr<bool>)> done) {
  auto verification = std::make_shared<Verification>();
  verification->digest = MakeDigest(checksum.algorithm);
  verification->expected = checksum.hex;
  verification->size = size;
  verification->done = std::move(done);
  strand_->Post([self = shared_from_this(), verification] { self->VerifySome(verification); });
}

void FileSink::VerifySome(std::shared_ptr<Verification> verification) {
  Verification& v = *verification;
  const auto finish = [&](absl::StatusOr<bool> result) {
    loop_->Post([verification, result = std::move(result)] { verification->done(result); });
  };
  if (v.digest == nullptr) {
    return finish(absl::UnimplementedError("this algorithm is not allowed on this machine"));
  }
  if (absl::Status status = Open(); !status.ok()) return finish(status);
  v.buffer.resize(std::min<uint64_t>(kVerifyPiece, std::max<uint64_t>(v.size, 1)));
  const uint64_t pause_at = v.offset + kVerifyTurn;
  while (v.offset < v.size) {
    if (verify_cancelled_) return finish(absl::CancelledError());
    if (v.offset >= pause_at) {
      strand_->Post([self = shared_from_this(), verification] { self->VerifySome(verification); });
      return;
    }
    const size_t wanted = std::min<uint64_t>(v.buffer.size(), v.size - v.offset);
    absl::StatusOr<size_t> got = file_->ReadAt(v.offset, v.buffer.data(), wanted);
    if (!got.ok()) return finish(got.status());
    if (*got == 0) return finish(false);
    v.digest->Update({v.buffer.data(), *got});
    v.offset += *got;
  }
  finish(v.digest->Finish() == v.expected);
}

void FileSink::Close(std::function<void(std::string identity)> done) {
  strand_->Post([self = shared_from_this(), done = std::move(done)]() mutable {
    std::string identity;
    if (self->file_ != nullptr) identity = self->file_->Identity().value_or("");
    self->file_ = nullptr;
    self->loop_->Post([done = std::move(done), identity] { done(identity); });
  });
}

}  // namespace bits::transfer

#include "server/transfer/source_copy.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/base/status_macros.h"
#include "server/domain/error_code.h"
#include "server/transfer/failure.h"
#include "server/transfer/http_date.h"
#include "server/transfer/response_check.h"

namespace bits::transfer {
namespace {

constexpr size_t kPiece = size_t{1} << 20;

}  // namespace

absl::StatusOr<SourceCopy::Version> SourceCopy::Reader::Look() {
  if (file == nullptr) {
    BITS_ASSIGN_OR_RETURN(file, files->OpenSource(path));
  }
  Version version;
  BITS_ASSIGN_OR_RETURN(const std::string identity, file->Identity());
  BITS_ASSIGN_OR_RETURN(version.modified, file->ModificationTime());
  BITS_ASSIGN_OR_RETURN(version.size, file->Size());
  version.etag = absl::StrCat("\"", identity, "-", absl::ToUnixNanos(version.modified), "-",
                              version.size, "\"");
  return version;
}

absl::StatusOr<std::vector<char>> SourceCopy::Reader::Read(uint64_t offset, size_t size) {
  std::vector<char> bytes(size);
  BITS_ASSIGN_OR_RETURN(const size_t got, file->ReadAt(offset, bytes.data(), size));
  bytes.resize(got);
  return bytes;
}

SourceCopy::SourceCopy(Context* context, Delivery* delivery, std::string path)
    : context_(context),
      delivery_(delivery),
      strand_(std::make_shared<Strand>(context->io)),
      reader_(std::make_shared<Reader>()) {
  reader_->files = context->files;
  reader_->path = std::move(path);
}

template <typename T>
void SourceCopy::OnStrand(std::function<T(Reader&)> work, void (SourceCopy::*then)(T)) {
  strand_->Post([this, then, work = std::move(work), reader = reader_, loop = context_->loop,
                 alive = std::weak_ptr(alive_)] {
    auto result = std::make_shared<T>(work(*reader));
    loop->Post([this, then, result, alive] {
      if (!alive.expired()) (this->*then)(std::move(*result));
    });
  });
}

void SourceCopy::Fetch() {
  alive_ = std::make_shared<int>();
  // Opened anew: the name may stand for another file by now.
  OnStrand<absl::StatusOr<Version>>(
      [](Reader& reader) {
        reader.file = nullptr;
        return reader.Look();
      },
      &SourceCopy::OnOpened);
}

void SourceCopy::OnOpened(absl::StatusOr<Version> version) {
  if (!version.ok()) return delivery_->Fail(SourceFailure(version.status()));
  version_ = *std::move(version);
  domain::Validators validators{version_.etag, FormatHttpDate(version_.modified)};
  const domain::FileRanges& ranges = delivery_->spec().file.ranges;
  if (!domain::LieWithin(ranges, version_.size)) {
    return delivery_->Fail(RemoteFailure(
        domain::kInvalidRange,
        absl::StrCat("a range does not lie within the remote file of ", version_.size, " bytes")));
  }
  if (!ranges.empty()) validators.remote_size = version_.size;
  if (delivery_->position() > 0) {
    const domain::Validators& known = delivery_->validators();
    const VersionMatch match =
        CompareVersions(known, ranges.empty() ? delivery_->total() : known.remote_size, validators,
                        version_.size);
    if (match != VersionMatch::kSame) {
      return delivery_->Restart(match == VersionMatch::kDifferent ? app::RestartReason::kChanged
                                                                  : app::RestartReason::kUnproven,
                                [this] { Fetch(); });
    }
  }
  const std::optional<uint64_t> total =
      ranges.empty() ? version_.size : domain::LengthOf(ranges, version_.size);
  if (total && *total > delivery_->spec().max_size.value_or(*total)) {
    return delivery_->Fail(
        RemoteFailure(domain::kMaxDownloadSizeReached,
                      "the file is larger than what is left of the job's max_download_size"));
  }
  delivery_->Accept(total, std::move(validators), version_.modified);
  ReadNext();
}

void SourceCopy::ReadNext() {
  static const domain::FileRanges kAll = {{}};
  const domain::FileRanges& ranges = delivery_->spec().file.ranges;
  const std::optional<domain::FileRange> next = domain::Following(
      ranges.empty() ? kAll : ranges, version_.size, delivery_->position());
  if (!next) {
    return OnStrand<absl::StatusOr<Version>>([](Reader& reader) { return reader.Look(); },
                                             &SourceCopy::OnLookedAgain);
  }
  const size_t size = std::min<uint64_t>(kPiece, next->length.value_or(0));
  OnStrand<absl::StatusOr<std::vector<char>>>(
      [offset = next->offset, size](Reader& reader) { return reader.Read(offset, size); }, &SourceCopy::OnRead);
}

void SourceCopy::OnRead(absl::StatusOr<std::vector<char>> bytes) {
  if (!bytes.ok()) return delivery_->Fail(SourceFailure(bytes.status()));
  if (bytes->empty()) {  // it was cut short
    if (delivery_->spec().dynamic_content) return delivery_->Finish();
    return delivery_->Restart(app::RestartReason::kChanged, [this] { Fetch(); });
  }
  bytes_ = *std::move(bytes);
  appended_ = 0;
  AppendSome();
}

void SourceCopy::AppendSome() {
  const std::string_view all(bytes_.data(), bytes_.size());
  while (appended_ < all.size()) {
    const std::string_view some = all.substr(appended_, BufferPool::kLeast);
    if (!delivery_->Append(some)) return;  // OnRoom goes on
    appended_ += some.size();
  }
  bytes_.clear();
  ReadNext();
}

void SourceCopy::OnRoom() {
  if (alive_ != nullptr && !bytes_.empty()) AppendSome();
}

void SourceCopy::OnLookedAgain(absl::StatusOr<Version> version) {
  if (!version.ok()) return delivery_->Fail(SourceFailure(version.status()));
  if (version->etag != version_.etag && !delivery_->spec().dynamic_content) {
    return delivery_->Restart(app::RestartReason::kChanged, [this] { Fetch(); });
  }
  delivery_->Finish();
}

void SourceCopy::Abandon() {
  alive_.reset();
  bytes_.clear();
}

}  // namespace bits::transfer

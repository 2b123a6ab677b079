#include "server/domain/file_range.h"

#include <algorithm>
#include <limits>

#include "server/domain/error_code.h"

namespace bits::domain {
namespace {

// BG_LENGTH_TO_EOF and BG_SIZE_UNKNOWN, which is no offset and no length.
constexpr uint64_t kNoNumber = std::numeric_limits<uint64_t>::max();

// Where the range ends; kNoNumber: with the file.
uint64_t EndOf(const FileRange& range) {
  return range.length ? range.offset + *range.length : kNoNumber;
}

// Its length in a file of this size; nullopt if it takes the size and that is not known.
std::optional<uint64_t> LengthIn(const FileRange& range, std::optional<uint64_t> remote_size) {
  if (range.length) return range.length;
  if (!remote_size) return std::nullopt;
  return *remote_size - std::min(range.offset, *remote_size);
}

}  // namespace

std::optional<RangesFault> FaultOf(const FileRanges& ranges) {
  for (const FileRange& range : ranges) {
    if (range.offset == kNoNumber) {
      return RangesFault{kInvalidRange, "each offset must be less than 2^64-1"};
    }
    if (range.length == 0u) return RangesFault{kInvalidRange, "each length must be at least 1"};
    if (range.length && *range.length >= kNoNumber - range.offset) {
      return RangesFault{kInvalidRange, "each range must end before 2^64-1"};
    }
  }
  FileRanges sorted = ranges;
  std::sort(sorted.begin(), sorted.end(),
            [](const FileRange& a, const FileRange& b) { return a.offset < b.offset; });
  for (size_t i = 1; i < sorted.size(); ++i) {
    if (sorted[i].offset < EndOf(sorted[i - 1])) {
      return RangesFault{kOverlappingRanges, "must not overlap"};
    }
  }
  return std::nullopt;
}

bool LieWithin(const FileRanges& ranges, uint64_t remote_size) {
  return std::all_of(ranges.begin(), ranges.end(), [remote_size](const FileRange& range) {
    return range.offset < remote_size && (!range.length || EndOf(range) <= remote_size);
  });
}

std::optional<uint64_t> LengthOf(const FileRanges& ranges, std::optional<uint64_t> remote_size) {
  uint64_t sum = 0;
  for (const FileRange& range : ranges) {
    const std::optional<uint64_t> length = LengthIn(range, remote_size);
    if (!length) return std::nullopt;
    sum += *length;
  }
  return sum;
}

std::optional<FileRange> Following(const FileRanges& ranges, std::optional<uint64_t> remote_size,
                                   uint64_t position) {
  for (const FileRange& range : ranges) {
    const std::optional<uint64_t> length = LengthIn(range, remote_size);
    if (!length) return FileRange{range.offset + position, std::nullopt};
    if (position < *length) return FileRange{range.offset + position, *length - position};
    position -= *length;
  }
  return std::nullopt;
}

}  // namespace bits::domain

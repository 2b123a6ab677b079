// Parts of a remote file, as BITS's BG_FILE_RANGE: what is fetched of it is put one after the other in
// the order given. Pure; any thread.
#ifndef BITS_SERVER_DOMAIN_FILE_RANGE_H_
#define BITS_SERVER_DOMAIN_FILE_RANGE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "server/domain/error.h"

namespace bits::domain {

struct FileRange {
  uint64_t offset = 0;
  std::optional<uint64_t> length = {};  // none: to the end of the file (BG_LENGTH_TO_EOF)
  bool operator==(const FileRange&) const = default;
};

// In the order in which they stand in the local file. Empty: the whole remote file.
using FileRanges = std::vector<FileRange>;

// What a list of ranges is refused for, whatever file it is of. How many there may be is the policy's.
struct RangesFault {
  Hresult hresult = 0;  // BG_E_INVALID_RANGE or BG_E_OVERLAPPING_RANGES
  std::string rule;      // which it breaks: "must ..."
};
std::optional<RangesFault> FaultOf(const FileRanges& ranges);

// Whether all of them lie within a file of so many bytes, none of them empty.
bool LieWithin(const FileRanges& ranges, uint64_t remote_size);

// How many bytes they come to; nullopt if that takes the remote file's size and it is not given.
std::optional<uint64_t> LengthOf(const FileRanges& ranges, std::optional<uint64_t> remote_size);

// What is to be fetched next once `position` bytes of the local file are there; nullopt if nothing
// is. Its length is none only where the remote file's size is not given.
std::optional<FileRange> Following(const FileRanges& ranges, std::optional<uint64_t> remote_size,
                                   uint64_t position);

}  // namespace bits::domain

#endif  // BITS_SERVER_DOMAIN_FILE_RANGE_H_

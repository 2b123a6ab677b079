// The sources of a file: its remote name, and its mirrors, which are other names of the same
// content. They are tried in order, by failure. Pure; any thread.
//
// In a round each source has one try. A failure that another source may mend turns the file to the
// next one, and the job does not hear of it; the failure of the last one is the job's. The next
// round then begins with the source that what is here came from, or with the remote name if nothing
// is here.
//
// Another source would have to begin anew where bytes of several may not be joined. So a mebibyte
// or more, or anything once the file has started over, is not given up for a failure that waiting
// may mend, until a whole try has brought nothing: the first such failure is the job's, and the
// next try goes on with the same source.
#ifndef BITS_SERVER_DOMAIN_MIRRORS_H_
#define BITS_SERVER_DOMAIN_MIRRORS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "server/domain/error.h"

namespace bits::domain {

struct File;
struct Job;

inline constexpr size_t kMirrorsPerFile = 16;
inline constexpr uint64_t kWorthKeeping = uint64_t{1} << 20;
// Of Validators::source: a remote name that the file had before.
inline constexpr uint32_t kNoSource = 0xFFFFFFFF;

struct Mirrors {
  std::vector<std::string> names;  // http and https; at most kMirrorsPerFile
  uint32_t source = 0;             // in use: 0 is the remote name, n the n-th of `names`
  // Of this round: the sources that have failed, each a bit; and whether waiting may mend one of
  // those failures.
  uint32_t failed = 0;
  bool transient = false;
  bool operator==(const Mirrors&) const = default;
};

// The URL of a source of the file; of the one in use.
const std::string& SourceName(const File& file, uint32_t source);
const std::string& SourceName(const File& file);

// Whether it was of this source alone, so that another may do: not the local file, nor what the job
// or the policy wants.
bool AnotherSourceMayMend(const Failure& failure);

// The source that follows when one has failed, so that the round goes on: nullopt if none is left,
// or there are no mirrors, or no source can mend it, or what is here is not to be given up for it.
// It is the same one, from the beginning, where the checksum does not fit what was joined of
// several: that tells nothing of any one of them.
std::optional<uint32_t> SourceAfter(const Job& job, const File& file, uint32_t failed,
                                    const Failure& failure);
// The next in order after `source` that has not failed in this round; nullopt if there is none.
std::optional<uint32_t> NextSource(const Mirrors& mirrors, uint32_t source);

// Whether all have, once this one has.
bool AllFailed(const Mirrors& mirrors, uint32_t failed);

// SourceAfter is `next`.
void TurnTo(Mirrors& mirrors, uint32_t next, uint32_t failed, bool transient);
// The round is over. For File::mirrors, as the rest of the file is by now.
void BeginRound(File& file);
// All sources, and this failure of the last one: whether waiting may mend one of the others'
// failures.
bool MayAnotherBeRetried(const File& file, const Failure& failure);

// Whether bytes of several sources may be joined, if the size is the same: a checksum over the
// whole proves them to be of one content in the end.
bool MayJoinSources(const File& file);

}  // namespace bits::domain

#endif  // BITS_SERVER_DOMAIN_MIRRORS_H_

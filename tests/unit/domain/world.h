// A job with its files, as a store would hold them, for tests of the rules.
#ifndef BITS_TESTS_UNIT_DOMAIN_WORLD_H_
#define BITS_TESTS_UNIT_DOMAIN_WORLD_H_

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/domain/decide.h"

namespace bits::domain {

// For messages of gtest.
inline void PrintTo(JobState state, std::ostream* out) { *out << StateName(state); }
inline void PrintTo(EventKind kind, std::ostream* out) { *out << EventName(kind); }

inline constexpr JobState kStates[] = {
    JobState::kQueued,      JobState::kConnecting,   JobState::kTransferring,
    JobState::kSuspended,   JobState::kError,        JobState::kTransientError,
    JobState::kTransferred, JobState::kAcknowledged, JobState::kCancelled,
};
static_assert(std::size(kStates) == kJobStateCount);

absl::Time StartTime();
Failure FatalFailure();      // HTTP 404
Failure TransientFailure();  // HTTP 503
Failure ConnectFailure();    // no status: transient, before anything arrived
File NewFile(const std::string& leaf);
Event FailWith(const Failure& failure);

struct World {
  // A suspended job with `files` files, at StartTime().
  explicit World(int files = 2);
  // Brought to `state` by events alone; none or, where the state wants it, all of its two
  // files are transferred.
  static World In(JobState state);

  File& file(uint32_t ordinal) { return files.at(ordinal - 1); }
  // Decides at `now`; unless refused, what was decided becomes the world.
  absl::StatusOr<Decision> Do(const Event& event, uint32_t ordinal = 0);
  // The same, and the test fails if it is refused or changes nothing.
  Decision Must(const Event& event, uint32_t ordinal = 0);
  // Bytes of a file are durable; its size is `total`.
  Decision Checkpointed(uint32_t ordinal, uint64_t bytes, std::optional<uint64_t> total);
  Decision Transferred(uint32_t ordinal, uint64_t bytes);

  Job job;
  std::vector<File> files;
  absl::Time now = StartTime();
};

// The reason of a refusal, or "" of what is none.
std::string ReasonOf(const absl::StatusOr<Decision>& decision);

// What must hold of job and files in every state; a gtest failure for each that does not.
void ExpectConsistent(const World& world);

// Whether two decisions are the same in every field.
bool Same(const Decision& a, const Decision& b);

}  // namespace bits::domain

#endif  // BITS_TESTS_UNIT_DOMAIN_WORLD_H_

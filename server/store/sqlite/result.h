// What SQLite's result codes mean to us. By code alone, never by text.
#ifndef BITS_SERVER_STORE_SQLITE_RESULT_H_
#define BITS_SERVER_STORE_SQLITE_RESULT_H_

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"

namespace bits::store {

// In the order of gravity.
enum class Failure : uint8_t {
  kNone,
  kPassing,  // this call failed; the next may well not (busy, out of memory, a wrong statement)
  kFull,     // no room on the disk: nothing was written, and nothing can be until there is room
  kBroken,   // what is on the disk is unknown or damaged
};

// `result` is SQLite's, extended or not; SQLITE_OK, _ROW and _DONE are no failure.
Failure ClassifyResult(int result);

// UNAVAILABLE, with SQLite's words for the code and the code. `what` was tried.
absl::Status ResultStatus(int result, std::string_view what);

// What the store says of itself after a failure that is kFull, kPassing, kBroken.
absl::Status FullStatus();
absl::Status BusyStatus();
absl::Status BrokenStatus();

}  // namespace bits::store

#endif  // BITS_SERVER_STORE_SQLITE_RESULT_H_

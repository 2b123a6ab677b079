#include "server/store/sqlite/result.h"

#include <sqlite3.h>

#include <string>

#include "absl/strings/string_view.h"

namespace bits::store {

Failure ClassifyResult(int result) {
  constexpr int kPrimary = 0xff;
  switch (result & kPrimary) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
      return Failure::kNone;
    case SQLITE_FULL:
      return Failure::kFull;
    case SQLITE_IOERR:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_READONLY:
    case SQLITE_PROTOCOL:
      return Failure::kBroken;
    default:
      return Failure::kPassing;
  }
}

absl::Status ResultStatus(int result, std::string_view what) {
  std::string message = "store: ";
  message += what;
  message += ": ";
  message += sqlite3_errstr(result);
  message += " (";
  message += std::to_string(result);
  message += ')';
  return absl::UnavailableError(message);
}

absl::Status FullStatus() {
  return absl::UnavailableError("the disk that holds the state directory is full");
}

absl::Status BusyStatus() {
  return absl::UnavailableError(
      "the store takes no change now: its database is locked by another process, or memory is short");
}

absl::Status BrokenStatus() {
  return absl::UnavailableError(
      "the state directory cannot be read or written any more; bitsd must be restarted");
}

}  // namespace bits::store

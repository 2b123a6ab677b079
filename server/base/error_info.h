// The machine-readable part of a refusal. It travels on an absl::Status as
// payloads, in an encoding of our own; the rpc layer turns it into
// google.rpc.ErrorInfo and google.rpc.BadRequest.

#ifndef BITS_SERVER_BASE_ERROR_INFO_H_
#define BITS_SERVER_BASE_ERROR_INFO_H_

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"

namespace bits {

struct ErrorInfo {
  std::string reason;                                         // A BITS symbol: BG_E_INVALID_STATE.
  std::vector<std::pair<std::string, std::string>> metadata;  // In the order given.

  bool operator==(const ErrorInfo&) const = default;
};

struct FieldViolation {
  std::string field;  // The path in the request: "job.display_name", "files[2].ranges".
  std::string description;

  bool operator==(const FieldViolation&) const = default;
};

// A status that says no, and why. `code` is not kOk, which would drop the rest.
absl::Status MakeRefusal(absl::StatusCode code, std::string_view reason, std::string_view message,
                         std::vector<std::pair<std::string, std::string>> metadata = {});

// INVALID_ARGUMENT for one field of a request; the message names it.
absl::Status InvalidField(std::string_view field, std::string_view description,
                          std::string_view reason = "E_INVALIDARG");

// Replaces what the status carried. Nothing happens to an OK status.
void SetErrorInfo(absl::Status& status, const ErrorInfo& info);
void SetFieldViolations(absl::Status& status, const std::vector<FieldViolation>& violations);

// What the status carries: nullopt or empty if nothing, or nothing readable.
std::optional<ErrorInfo> GetErrorInfo(const absl::Status& status);
std::vector<FieldViolation> GetFieldViolations(const absl::Status& status);

// The reason, or "" if the status carries none.
std::string GetReason(const absl::Status& status);

}  // namespace bits

#endif  // BITS_SERVER_BASE_ERROR_INFO_H_

// What a refused call says beside its code and message.
//
// A call that bitsd refuses gives an absl::Status whose payloads are the
// google.rpc details of the answer. These functions read them; all may be called
// from any thread, and give nothing for a status that has no such detail (an OK
// one, or one that was made on this side, such as "no connection").
#ifndef BITS_STATUS_H_
#define BITS_STATUS_H_

#include <absl/status/status.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace bits {
inline namespace client_0 {

// google.rpc.ErrorInfo.
struct ErrorInfo {
  // The BITS symbol: `BG_E_INVALID_STATE`. Decide by this, never by a message.
  std::string reason;
  // `bits.v1` where bitsd said it.
  std::string domain;
  // Every variable part of the message, and `hresult` as 0x%08X.
  std::map<std::string, std::string> metadata;
};

// One entry of google.rpc.BadRequest: a field of the request, and the rule that it breaks.
struct FieldViolation {
  std::string field;
  std::string description;
};

std::optional<ErrorInfo> GetErrorInfo(const absl::Status& status);

// ErrorInfo.reason; empty if there is none.
std::string GetErrorReason(const absl::Status& status);

// The 32-bit code of the refusal: 0x80200002 for BG_E_INVALID_STATE.
std::optional<std::uint32_t> GetHresult(const absl::Status& status);

// Which fields of the request were wrong; empty unless the code is kInvalidArgument.
std::vector<FieldViolation> GetFieldViolations(const absl::Status& status);

// google.rpc.RetryInfo: the least time to wait before the call is tried again.
std::optional<std::chrono::milliseconds> GetRetryDelay(const absl::Status& status);

}  // namespace client_0
}  // namespace bits

#endif  // BITS_STATUS_H_

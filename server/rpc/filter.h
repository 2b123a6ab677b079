// The text of a filter: a part of AIP-160's language, as ListJobsRequest.filter says. Pure;
// any thread.
//
//   filter     = [ expression ]
//   expression = factor { "AND" factor }
//   factor     = term { "OR" term }            OR binds tighter than AND
//   term       = [ "NOT" ] ( "(" expression ")" | comparison )
//   comparison = field operator literal
//
// A literal is a word without blanks and ( ) < > = ! : " ', or a text in double or single
// quotes, where a backslash takes away the meaning of the next character.
#ifndef BITS_SERVER_RPC_FILTER_H_
#define BITS_SERVER_RPC_FILTER_H_

#include <cstddef>
#include <string_view>

#include "absl/status/statusor.h"
#include "server/domain/job_filter.h"

namespace bits::rpc {

inline constexpr size_t kFilterMaxBytes = 2048;
inline constexpr int kFilterMaxLevels = 16;  // of parentheses

// INVALID_ARGUMENT on the field `filter`, with the byte (from 1) at which it went wrong.
absl::StatusOr<domain::JobFilter> ParseFilter(std::string_view text);

}  // namespace bits::rpc

#endif  // BITS_SERVER_RPC_FILTER_H_

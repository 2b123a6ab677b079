// A refusal on the wire: absl::Status with what base/error_info.h put into it becomes
// grpc::Status with google.rpc details. Pure; any thread.
#ifndef BITS_SERVER_RPC_STATUS_CONVERT_H_
#define BITS_SERVER_RPC_STATUS_CONVERT_H_

#include <grpcpp/support/status.h>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace bits::rpc {

// Says when to come again; of RESOURCE_EXHAUSTED and UNAVAILABLE, which else say 1 s.
// Nothing happens to an OK status.
void SetRetryDelay(absl::Status& status, absl::Duration delay);

// The details are exactly one ErrorInfo, with domain `bits.v1` and the reason that the status
// carries (or the Windows symbol that comes nearest to its code), and metadata `hresult`: the
// reason's code as 0x%08X, or that of the nearest symbol where the reason is a word of our
// own; then BadRequest where fields are named, and RetryInfo of RESOURCE_EXHAUSTED and
// UNAVAILABLE. All of it is valid UTF-8 and small enough for gRPC's 8 KiB of trailers, long
// texts being cut.
grpc::Status ToGrpcStatus(const absl::Status& status);

}  // namespace bits::rpc

#endif  // BITS_SERVER_RPC_STATUS_CONVERT_H_

// Checks and converts what a request says of when a job may run and is tried again. Pure; any
// thread.
#ifndef BITS_SERVER_RPC_VALIDATE_TIMING_H_
#define BITS_SERVER_RPC_VALIDATE_TIMING_H_

#include <optional>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bits/v1/job_service.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "server/domain/retry_options.h"
#include "server/domain/timing.h"

namespace bits::rpc {

// A time that google.protobuf.Timestamp can hold: of the years 1 to 9999.
absl::StatusOr<absl::Time> TimeFrom(const google::protobuf::Timestamp& time,
                                    std::string_view field);

// The form alone: whether the times may be set now is domain::CheckTiming's.
absl::StatusOr<domain::Timing> TimingFrom(const v1::Job& job);

// Whether they go with minimum_retry_delay is domain::CheckRetryOptions'.
absl::StatusOr<domain::RetryOptions> RetryOptionsFrom(const v1::Job& job);

// Whether a path of an update mask is one of those.
bool IsTimingPath(std::string_view path);
// What the mask names of them; nullopt: nothing.
absl::StatusOr<std::optional<domain::TimingUpdate>> TimingUpdateFrom(
    const v1::UpdateJobRequest& request);
absl::StatusOr<std::optional<domain::RetryOptions>> RetryOptionsUpdateFrom(
    const v1::UpdateJobRequest& request);

}  // namespace bits::rpc

#endif  // BITS_SERVER_RPC_VALIDATE_TIMING_H_

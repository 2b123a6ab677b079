#ifndef BITS_CLIENT_SRC_STATUS_CONVERT_H_
#define BITS_CLIENT_SRC_STATUS_CONVERT_H_

#include <absl/status/status.h>
#include <grpcpp/support/status.h>

namespace bits::client_internal {

// The same code and message; every detail of the grpc-status-details-bin trailer
// becomes a payload under its type URL. Details that cannot be read are dropped.
absl::Status ToAbslStatus(const grpc::Status& status);

}  // namespace bits::client_internal

#endif  // BITS_CLIENT_SRC_STATUS_CONVERT_H_

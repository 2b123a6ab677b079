#include "client/src/status_convert.h"

#include <absl/strings/cord.h>

#include "google/rpc/status.pb.h"

namespace bits::client_internal {

absl::Status ToAbslStatus(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  // The numbers are the same; absl maps one it does not know to kUnknown.
  absl::Status result(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
  google::rpc::Status details;
  if (!status.error_details().empty() && details.ParseFromString(status.error_details())) {
    for (const auto& detail : details.details()) {
      result.SetPayload(detail.type_url(), absl::Cord(detail.value()));
    }
  }
  return result;
}

}  // namespace bits::client_internal

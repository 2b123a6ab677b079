#include "tests/component/call_details.h"

#include <grpcpp/support/error_details.h>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace bits::testing {

CallDetails DetailsOf(const grpc::Status& status) {
  CallDetails details;
  google::rpc::Status all;
  if (!grpc::ExtractErrorDetails(status, &all).ok()) return details;
  for (const auto& any : all.details()) {
    google::rpc::ErrorInfo info;
    google::rpc::BadRequest bad_request;
    if (any.UnpackTo(&info)) {
      ++details.error_infos;
      details.reason = info.reason();
      details.domain = info.domain();
      details.metadata.insert(info.metadata().begin(), info.metadata().end());
    } else if (any.UnpackTo(&bad_request)) {
      for (const auto& violation : bad_request.field_violations()) {
        details.fields.push_back(violation.field());
      }
    } else if (any.Is<google::rpc::RetryInfo>()) {
      details.has_retry_info = true;
    }
  }
  return details;
}

}  // namespace bits::testing

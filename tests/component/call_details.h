// What the status of a refused call carries.
#ifndef BITS_TESTS_COMPONENT_CALL_DETAILS_H_
#define BITS_TESTS_COMPONENT_CALL_DETAILS_H_

#include <gmock/gmock.h>
#include <grpcpp/support/status.h>

#include <map>
#include <ostream>
#include <string>
#include <vector>

namespace bits::testing {

struct CallDetails {
  int error_infos = 0;
  std::string reason;
  std::string domain;
  std::map<std::string, std::string> metadata;
  std::vector<std::string> fields;  // of BadRequest
  bool has_retry_info = false;
};

CallDetails DetailsOf(const grpc::Status& status);

// The code, exactly one ErrorInfo of `bits.v1` with the reason, and an hresult.
MATCHER_P2(IsRefusal, code, reason, std::string("is refused with the reason ") + reason) {
  const CallDetails details = DetailsOf(arg);
  *result_listener << "code " << arg.error_code() << ", reason " << details.reason << ", "
                   << arg.error_message();
  return arg.error_code() == code && details.error_infos == 1 && details.reason == reason &&
         details.domain == "bits.v1" && details.metadata.count("hresult") == 1;
}

// INVALID_ARGUMENT (E_INVALIDARG) for that one field.
MATCHER_P(IsWrongField, field, std::string("is refused for the field ") + field) {
  const CallDetails details = DetailsOf(arg);
  *result_listener << "code " << arg.error_code() << ", " << arg.error_message();
  return arg.error_code() == grpc::StatusCode::INVALID_ARGUMENT &&
         details.fields == std::vector<std::string>{field};
}

MATCHER(IsGrpcOk, "is OK") {
  *result_listener << "code " << arg.error_code() << ", " << arg.error_message();
  return arg.ok();
}

}  // namespace bits::testing

#define ASSERT_GRPC_OK(expr) ASSERT_THAT((expr), ::bits::testing::IsGrpcOk())
#define EXPECT_GRPC_OK(expr) EXPECT_THAT((expr), ::bits::testing::IsGrpcOk())

#endif  // BITS_TESTS_COMPONENT_CALL_DETAILS_H_

// What a call to bitsd came to, and what a refusal must look like.
#ifndef BITS_TESTS_CONFORMANCE_HARNESS_CALLS_H_
#define BITS_TESTS_CONFORMANCE_HARNESS_CALLS_H_

#include <gmock/gmock.h>
#include <grpcpp/support/status.h>

#include <cstdint>
#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace bits::testing {

// The answer to a call: a value where the status is OK.
template <typename T>
struct Reply {
  grpc::Status status;
  T value;

  bool ok() const { return status.ok(); }
  const T& operator*() const { return value; }
  const T* operator->() const { return &value; }
};

// The google.rpc details of a status.
struct Refusal {
  int error_infos = 0;  // how many ErrorInfo there are
  std::string reason;
  std::string domain;
  std::map<std::string, std::string> metadata;
  std::vector<std::string> fields;  // that BadRequest names
  bool retry_info = false;
  bool well_formed = false;  // the details repeat code and message of the status
};
Refusal RefusalOf(const grpc::Status& status);

// The code of a symbol of bitsmsg.h, winerror.h or winhttp.h, as the reference has it; nullopt for
// words that are bitsd's own.
std::optional<uint32_t> HresultOf(std::string_view symbol);

// "" if the status is a refusal as the protos promise: this code, exactly one ErrorInfo with
// this reason, domain bits.v1 and the reason's hresult, BadRequest iff INVALID_ARGUMENT,
// RetryInfo where one may come again. Else what is wrong with it.
std::string FaultOfRefusal(const grpc::Status& status, grpc::StatusCode code,
                           std::string_view reason);

std::string Describe(const grpc::Status& status);

inline const grpc::Status& GrpcStatusOf(const grpc::Status& status) { return status; }
template <typename T>
const grpc::Status& GrpcStatusOf(const Reply<T>& reply) {
  return reply.status;
}

MATCHER(Accepted, negation ? "is refused" : "is accepted") {
  *result_listener << Describe(GrpcStatusOf(arg));
  return GrpcStatusOf(arg).ok();
}

MATCHER_P2(Refused, code, reason, std::string("is refused with ") + reason) {
  const std::string fault = FaultOfRefusal(GrpcStatusOf(arg), code, reason);
  *result_listener << Describe(GrpcStatusOf(arg)) << "; " << fault;
  return fault.empty();
}

// INVALID_ARGUMENT that names `field` and no other.
MATCHER_P2(RefusedField, field, reason,
           std::string("is refused for the field ") + field + " with " + reason) {
  const grpc::Status& status = GrpcStatusOf(arg);
  std::string fault = FaultOfRefusal(status, grpc::StatusCode::INVALID_ARGUMENT, reason);
  const std::vector<std::string> fields = RefusalOf(status).fields;
  if (fault.empty() && (fields.size() != 1 || fields[0] != field)) {
    fault = "names the field " + (fields.empty() ? "-" : fields[0]);
  }
  *result_listener << Describe(status) << "; " << fault;
  return fault.empty();
}

template <typename T>
void PrintTo(const Reply<T>& reply, std::ostream* out) {
  *out << (reply.ok() ? reply.value.ShortDebugString() : Describe(reply.status));
}

}  // namespace bits::testing

#define BITS_ASSERT_ACCEPTED(reply) ASSERT_THAT((reply), ::bits::testing::Accepted())
#define BITS_EXPECT_ACCEPTED(reply) EXPECT_THAT((reply), ::bits::testing::Accepted())

#endif  // BITS_TESTS_CONFORMANCE_HARNESS_CALLS_H_

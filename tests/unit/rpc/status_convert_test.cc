#include "server/rpc/status_convert.h"

#include <gmock/gmock.h>
#include <grpcpp/support/error_details.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "server/base/error_info.h"
#include "server/domain/error_code.h"
#include "server/rpc/utf8.h"

namespace bits::rpc {
namespace {

// The details of a status; at most one of each.
struct Details {
  google::rpc::Status status;
  int error_infos = 0;
  google::rpc::ErrorInfo info;
  std::optional<google::rpc::BadRequest> bad_request;
  std::optional<google::rpc::RetryInfo> retry;
};

Details DetailsOf(const grpc::Status& status) {
  Details details;
  EXPECT_TRUE(grpc::ExtractErrorDetails(status, &details.status).ok());
  for (const auto& any : details.status.details()) {
    google::rpc::BadRequest bad_request;
    google::rpc::RetryInfo retry;
    if (any.UnpackTo(&details.info)) {
      ++details.error_infos;
    } else if (any.UnpackTo(&bad_request)) {
      EXPECT_FALSE(details.bad_request.has_value());
      details.bad_request = bad_request;
    } else if (any.UnpackTo(&retry)) {
      EXPECT_FALSE(details.retry.has_value());
      details.retry = retry;
    } else {
      ADD_FAILURE() << any.type_url();
    }
  }
  EXPECT_EQ(details.error_infos, 1);
  EXPECT_EQ(details.status.code(), static_cast<int>(status.error_code()));
  EXPECT_EQ(details.status.message(), status.error_message());
  return details;
}

TEST(StatusConvertTest, OkStaysOk) {
  const grpc::Status status = ToGrpcStatus(absl::OkStatus());
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(status.error_details(), "");
}

TEST(StatusConvertTest, ABitsRefusal) {
  const grpc::Status status =
      ToGrpcStatus(MakeRefusal(absl::StatusCode::kFailedPrecondition, "BG_E_INVALID_STATE",
                               "the job is final", {{"state", "ACKNOWLEDGED"}}));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(status.error_message(), "the job is final");
  const Details details = DetailsOf(status);
  EXPECT_EQ(details.info.reason(), "BG_E_INVALID_STATE");
  EXPECT_EQ(details.info.domain(), "bits.v1");
  EXPECT_EQ(details.info.metadata().at("hresult"), "0x80200002");
  EXPECT_EQ(details.info.metadata().at("state"), "ACKNOWLEDGED");
  EXPECT_FALSE(details.bad_request.has_value());
  EXPECT_FALSE(details.retry.has_value());
}

TEST(StatusConvertTest, AFieldThatIsWrong) {
  const Details details = DetailsOf(ToGrpcStatus(
      InvalidField("job.description", "must be at most 1,024 characters", "BG_E_STRING_TOO_LONG")));
  EXPECT_EQ(details.info.reason(), "BG_E_STRING_TOO_LONG");
  EXPECT_EQ(details.info.metadata().at("hresult"), "0x80200021");
  ASSERT_TRUE(details.bad_request.has_value());
  ASSERT_EQ(details.bad_request->field_violations_size(), 1);
  EXPECT_EQ(details.bad_request->field_violations(0).field(), "job.description");
  EXPECT_EQ(details.bad_request->field_violations(0).description(),
            "must be at most 1,024 characters");
}

TEST(StatusConvertTest, EveryCodeHasAReasonAndAnHresult) {
  const std::vector<std::pair<absl::StatusCode, std::string>> kReasons = {
      {absl::StatusCode::kCancelled, "ERROR_CANCELLED"},
      {absl::StatusCode::kUnknown, "E_UNEXPECTED"},
      {absl::StatusCode::kInvalidArgument, "E_INVALIDARG"},
      {absl::StatusCode::kDeadlineExceeded, "ERROR_TIMEOUT"},
      {absl::StatusCode::kNotFound, "BG_E_NOT_FOUND"},
      {absl::StatusCode::kAlreadyExists, "ERROR_ALREADY_EXISTS"},
      {absl::StatusCode::kPermissionDenied, "E_ACCESSDENIED"},
      {absl::StatusCode::kResourceExhausted, "ERROR_BUSY"},
      {absl::StatusCode::kFailedPrecondition, "BG_E_INVALID_STATE"},
      {absl::StatusCode::kAborted, "E_ABORT"},
      {absl::StatusCode::kOutOfRange, "E_BOUNDS"},
      {absl::StatusCode::kUnimplemented, "E_NOTIMPL"},
      {absl::StatusCode::kInternal, "E_UNEXPECTED"},
      {absl::StatusCode::kUnavailable, "ERROR_SERVICE_NOT_ACTIVE"},
      {absl::StatusCode::kDataLoss, "ERROR_FILE_CORRUPT"},
      {absl::StatusCode::kUnauthenticated, "E_ACCESSDENIED"},
  };
  for (const auto& [code, reason] : kReasons) {
    const Details details = DetailsOf(ToGrpcStatus(absl::Status(code, "why")));
    EXPECT_EQ(details.info.reason(), reason);
    const std::string& hresult = details.info.metadata().at("hresult");
    EXPECT_EQ(hresult.size(), 10u) << reason;
    EXPECT_EQ(hresult.substr(0, 3), "0x8") << reason;
    // DescribeError knows it.
    const auto number = static_cast<domain::Hresult>(std::stoul(hresult, nullptr, 16));
    EXPECT_EQ(domain::SymbolOf(number), reason);
    EXPECT_TRUE(domain::DescriptionOf(number).has_value()) << reason;
  }
}

// The reason is a word of ours: the number is that of the nearest code.
TEST(StatusConvertTest, AReasonThatBitsDoesNotKnow) {
  const Details details =
      DetailsOf(ToGrpcStatus(MakeRefusal(absl::StatusCode::kAborted, "ETAG_MISMATCH", "changed")));
  EXPECT_EQ(details.info.reason(), "ETAG_MISMATCH");
  EXPECT_EQ(details.info.metadata().at("hresult"), "0x80004004");
}

TEST(StatusConvertTest, SaysWhenToComeAgain) {
  const Details unasked = DetailsOf(ToGrpcStatus(absl::UnavailableError("busy")));
  ASSERT_TRUE(unasked.retry.has_value());
  EXPECT_EQ(unasked.retry->retry_delay().seconds(), 1);

  absl::Status status = absl::ResourceExhaustedError("busy");
  SetRetryDelay(status, absl::Milliseconds(2500));
  const Details asked = DetailsOf(ToGrpcStatus(status));
  ASSERT_TRUE(asked.retry.has_value());
  EXPECT_EQ(asked.retry->retry_delay().seconds(), 2);
  EXPECT_EQ(asked.retry->retry_delay().nanos(), 500'000'000);

  absl::Status other = absl::NotFoundError("no");
  SetRetryDelay(other, absl::Seconds(1));
  EXPECT_FALSE(DetailsOf(ToGrpcStatus(other)).retry.has_value());
}

size_t PercentEncoded(const std::string& text) {
  size_t size = 0;
  for (const char c : text) size += (c >= ' ' && c <= '~' && c != '%') ? 1 : 3;
  return size;
}

// gRPC clients give up on more than 8 KiB of trailers, and with them on the reason.
TEST(StatusConvertTest, FitsIntoTrailersWhateverIsInIt) {
  const std::string longest(100'000, '\xE4');
  absl::Status status = MakeRefusal(absl::StatusCode::kResourceExhausted, std::string(500, 'R'),
                                    longest, {{"a", longest}, {"b", longest}, {longest, longest}});
  std::vector<FieldViolation> violations;
  for (int i = 0; i < 100; ++i) violations.push_back({longest, longest});
  SetFieldViolations(status, violations);
  const grpc::Status converted = ToGrpcStatus(status);
  EXPECT_LT(PercentEncoded(converted.error_message()) + converted.error_details().size() * 4 / 3,
            7000u);
  const Details details = DetailsOf(converted);
  EXPECT_TRUE(CountCharacters(details.status.message()).has_value());
  EXPECT_LE(details.info.reason().size(), 63u);
  EXPECT_EQ(details.info.metadata().count("a"), 1u);
  EXPECT_EQ(details.info.metadata().count("b"), 1u);
  EXPECT_EQ(details.info.metadata().count("hresult"), 1u);
  ASSERT_TRUE(details.bad_request.has_value());
  EXPECT_GE(details.bad_request->field_violations_size(), 1);

  const grpc::Status snowmen =
      ToGrpcStatus(absl::InternalError(absl::StrCat(std::string(5000, 'x'), "☃☃☃")));
  EXPECT_LE(snowmen.error_message().size(), 768u);
}

}  // namespace
}  // namespace bits::rpc

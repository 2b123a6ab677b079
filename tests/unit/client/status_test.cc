#include "bits/status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/src/address.h"
#include "client/src/status_convert.h"
#include "client/src/uuid.h"
#include "google/rpc/error_details.pb.h"
#include "tests/unit/client/fake_bitsd.h"

namespace bits {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

TEST(StatusTest, ReadsWhatBitsdSays) {
  const absl::Status status = client_internal::ToAbslStatus(
      testing::Refusal(grpc::StatusCode::FAILED_PRECONDITION, "BG_E_INVALID_STATE",
                       "The job is final.", {{"hresult", "0x80200002"}, {"state", "CANCELLED"}}));
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(status.message(), "The job is final.");
  EXPECT_EQ(GetErrorReason(status), "BG_E_INVALID_STATE");
  EXPECT_EQ(GetHresult(status), 0x80200002U);
  const auto info = GetErrorInfo(status);
  ASSERT_TRUE(info.has_value());
  EXPECT_EQ(info->domain, "bits.v1");
  EXPECT_THAT(info->metadata,
              UnorderedElementsAre(Pair("hresult", "0x80200002"), Pair("state", "CANCELLED")));
  EXPECT_THAT(GetFieldViolations(status), IsEmpty());
  EXPECT_EQ(GetRetryDelay(status), std::nullopt);
}

TEST(StatusTest, ReadsTheFieldsThatAreWrong) {
  const absl::Status status = client_internal::ToAbslStatus(
      testing::InvalidField("files[2].local_name", "must not be empty"));
  const auto violations = GetFieldViolations(status);
  ASSERT_THAT(violations, SizeIs(1));
  EXPECT_EQ(violations[0].field, "files[2].local_name");
  EXPECT_EQ(violations[0].description, "must not be empty");
}

TEST(StatusTest, AStatusOfThisSideSaysNothing) {
  for (const absl::Status& status : {absl::OkStatus(), absl::UnavailableError("no connection")}) {
    EXPECT_EQ(GetErrorInfo(status), std::nullopt);
    EXPECT_EQ(GetErrorReason(status), "");
    EXPECT_EQ(GetHresult(status), std::nullopt);
    EXPECT_THAT(GetFieldViolations(status), IsEmpty());
  }
}

TEST(StatusTest, DetailsThatCannotBeReadLeaveCodeAndMessage) {
  const absl::Status status = client_internal::ToAbslStatus(
      grpc::Status(grpc::StatusCode::NOT_FOUND, "no such job", "\xff\xff not a protobuf"));
  EXPECT_EQ(status, absl::NotFoundError("no such job"));
  absl::Status broken = absl::NotFoundError("no such job");
  broken.SetPayload("type.googleapis.com/google.rpc.ErrorInfo", absl::Cord("\xff\xff"));
  EXPECT_EQ(GetErrorReason(broken), "");
}

TEST(StatusTest, AnHresultThatIsNoNumberIsNone) {
  for (const char* text : {"", "many", "0x80200002 or so", "0x180200002"}) {
    const absl::Status status = client_internal::ToAbslStatus(
        testing::Refusal(grpc::StatusCode::NOT_FOUND, "R", "m", {{"hresult", text}}));
    EXPECT_EQ(GetHresult(status), std::nullopt) << text;
  }
}

TEST(StatusTest, RetryDelay) {
  google::rpc::RetryInfo info;
  info.mutable_retry_delay()->set_seconds(2);
  info.mutable_retry_delay()->set_nanos(500'000'000);
  absl::Status status = absl::ResourceExhaustedError("busy");
  status.SetPayload("type.googleapis.com/google.rpc.RetryInfo",
                    absl::Cord(info.SerializeAsString()));
  EXPECT_EQ(GetRetryDelay(status), std::chrono::milliseconds(2'500));
  info.mutable_retry_delay()->set_seconds(INT64_MAX);
  status.SetPayload("type.googleapis.com/google.rpc.RetryInfo",
                    absl::Cord(info.SerializeAsString()));
  EXPECT_EQ(GetRetryDelay(status), std::nullopt);
}

TEST(UuidTest, IsVersion4AndNeverTheSame) {
  std::set<std::string> seen;
  for (int i = 0; i < 1'000; ++i) {
    const std::string uuid = client_internal::NewUuid();
    EXPECT_THAT(uuid, MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-"
                                   "[0-9a-f]{12}"));
    EXPECT_TRUE(seen.insert(uuid).second) << uuid;
  }
}

TEST(AddressTest, WhatIsOne) {
  for (const char* address :
       {"127.0.0.1:7310", "bitsd.example:1", "[::1]:65535", "unix:/run/bitsd.sock",
        "unix:relative.sock", "dns:///bitsd.example:7310", "localhost:7310"}) {
    EXPECT_TRUE(client_internal::CheckAddress(address).ok()) << address;
  }
}

TEST(AddressTest, WhatIsNotAndWhy) {
  const std::pair<const char*, const char*> wrong[] = {{"", "empty"},
                                                       {"localhost", "port is missing"},
                                                       {"unix:", "path"},
                                                       {"/run/bitsd.sock", "neither"},
                                                       {"host:", "65535"},
                                                       {"host:0", "65535"},
                                                       {"host:65536", "65535"},
                                                       {"host:http", "65535"},
                                                       {":7310", "host"},
                                                       {"::1:7310", "brackets"},
                                                       {"http://host:1", "neither"}};
  for (const auto& [address, why] : wrong) {
    const absl::Status status = client_internal::CheckAddress(address);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << address;
    EXPECT_THAT(std::string(status.message()), HasSubstr(why)) << address;
  }
}

}  // namespace
}  // namespace bits

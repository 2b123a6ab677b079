#include "server/base/error_info.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/cord.h"

namespace bits {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

TEST(ErrorInfo, ComesBackAsItWasGiven) {
  const absl::Status status =
      MakeRefusal(absl::StatusCode::kFailedPrecondition, "BG_E_INVALID_STATE", "job is final",
                  {{"hresult", "0x80200002"}, {"job", "jobs/1"}});
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(status.message(), "job is final");
  const std::optional<ErrorInfo> info = GetErrorInfo(status);
  ASSERT_TRUE(info.has_value());
  EXPECT_EQ(info->reason, "BG_E_INVALID_STATE");
  EXPECT_THAT(info->metadata, ElementsAre(Pair("hresult", "0x80200002"), Pair("job", "jobs/1")));
  EXPECT_EQ(GetReason(status), "BG_E_INVALID_STATE");
  EXPECT_THAT(GetFieldViolations(status), IsEmpty());
}

TEST(ErrorInfo, KeepsAnyBytes) {
  const std::string odd("1:x\0\xff:", 6);
  const ErrorInfo info{"", {{odd, ""}, {"", odd}, {"k", std::string(5000, 'v')}}};
  absl::Status status = absl::AbortedError("x");
  SetErrorInfo(status, info);
  EXPECT_EQ(GetErrorInfo(status), info);
}

TEST(ErrorInfo, SettingItAgainReplacesIt) {
  absl::Status status = MakeRefusal(absl::StatusCode::kNotFound, "A", "x");
  SetErrorInfo(status, {"B", {}});
  EXPECT_EQ(GetReason(status), "B");
}

TEST(ErrorInfo, IsAbsentFromAPlainStatus) {
  EXPECT_EQ(GetErrorInfo(absl::InternalError("x")), std::nullopt);
  EXPECT_EQ(GetErrorInfo(absl::OkStatus()), std::nullopt);
  EXPECT_EQ(GetReason(absl::InternalError("x")), "");
}

TEST(ErrorInfo, IsNotCarriedByOk) {
  absl::Status status;
  SetErrorInfo(status, {"A", {}});
  EXPECT_EQ(GetErrorInfo(status), std::nullopt);
}

TEST(ErrorInfo, SurvivesCopies) {
  const absl::Status copy = [] {
    absl::Status status = MakeRefusal(absl::StatusCode::kNotFound, "BG_E_NOT_FOUND", "x");
    absl::Status other = status;
    return other;
  }();
  EXPECT_EQ(GetReason(copy), "BG_E_NOT_FOUND");
}

TEST(ErrorInfo, ADamagedPayloadIsNone) {
  for (const char* payload : {"x", "5:abc", "99999999999999999999:a", "1", ":", "1:a1:b", "-1:a"}) {
    absl::Status status = absl::AbortedError("x");
    status.SetPayload("bits/error_info", absl::Cord(payload));
    EXPECT_EQ(GetErrorInfo(status), std::nullopt) << payload;
  }
}

TEST(InvalidField, NamesTheFieldInTextAndInDetail) {
  const absl::Status status = InvalidField("job.display_name", "is longer than 256 characters");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "job.display_name: is longer than 256 characters");
  EXPECT_EQ(GetReason(status), "E_INVALIDARG");
  EXPECT_THAT(GetFieldViolations(status),
              ElementsAre(FieldViolation{"job.display_name", "is longer than 256 characters"}));
}

TEST(InvalidField, TakesAnotherReason) {
  EXPECT_EQ(GetReason(InvalidField("f", "d", "BG_E_INVALID_RANGE")), "BG_E_INVALID_RANGE");
}

TEST(FieldViolations, ComeBackInOrder) {
  const std::vector<FieldViolation> violations = {{"a", "x"}, {"b", ""}};
  absl::Status status = absl::InvalidArgumentError("x");
  SetFieldViolations(status, violations);
  EXPECT_EQ(GetFieldViolations(status), violations);
}

}  // namespace
}  // namespace bits

#include "server/rpc/names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/support/status_matchers.h"

namespace bits::rpc {
namespace {

using ::bits::testing::HasCode;
using ::bits::testing::HasReason;
using ::testing::AllOf;
using ::testing::Eq;
using ::testing::Optional;

constexpr char kNameId[] = "0b54b2a1-9d2c-4a5e-8f00-aabbccddeeff";

TEST(NamesTest, UuidsAreOfOneForm) {
  EXPECT_TRUE(IsUuid(kNameId));
  EXPECT_TRUE(IsUuid("0B54B2A1-9D2C-4A5E-8F00-AABBCCDDEEFF"));
  for (const char* text :
       {"", "x", "0b54b2a1-9d2c-4a5e-8f00-aabbccddeef", "0b54b2a1-9d2c-4a5e-8f00-aabbccddeefff",
        "{b54b2a1-9d2c-4a5e-8f00-aabbccddeeff", "0b54b2a1-9d2c-4a5e-8f00_aabbccddeeff",
        "0b54b2a19-d2c-4a5e-8f00-aabbccddeeff", "0g54b2a1-9d2c-4a5e-8f00-aabbccddeeff"}) {
    EXPECT_FALSE(IsUuid(text)) << text;
  }
  EXPECT_EQ(CanonicalUuid("0B54B2A1-9D2C-4A5E-8F00-AABBCCDDEEFF"), kNameId);
}

TEST(NamesTest, JobNamesThereAndBack) {
  const std::string name = JobName(kNameId);
  EXPECT_EQ(name, std::string("jobs/") + kNameId);
  EXPECT_EQ(ParseJobName(name, "name").value(), kNameId);
  EXPECT_EQ(ParseJobName("jobs/0B54B2A1-9D2C-4A5E-8F00-AABBCCDDEEFF", "name").value(), kNameId);
}

TEST(NamesTest, OtherNamesAreRefusedByField) {
  for (const std::string& name :
       {std::string(), std::string(kNameId), std::string("jobs/"), std::string("jobs/-"),
        std::string("jobs/x"), std::string("Jobs/") + kNameId, std::string("jobs/") + kNameId + "/",
        std::string("jobs/") + kNameId + "/files/1", std::string(" jobs/") + kNameId,
        std::string("/jobs/") + kNameId}) {
    const auto parsed = ParseJobName(name, "parent");
    EXPECT_THAT(parsed,
                AllOf(HasCode(absl::StatusCode::kInvalidArgument), HasReason("E_INVALIDARG")))
        << name;
    const auto violations = GetFieldViolations(parsed.status());
    ASSERT_EQ(violations.size(), 1u);
    EXPECT_EQ(violations[0].field, "parent");
  }
}

TEST(NamesTest, FileNamesThereAndBack) {
  for (const uint32_t ordinal : {1u, 10u, 4294967295u}) {
    const auto parsed = ParseFileName(FileName(kNameId, ordinal), "name");
    ASSERT_TRUE(parsed.ok());
    EXPECT_EQ(parsed->job, kNameId);
    EXPECT_EQ(parsed->ordinal, ordinal);
  }
}

TEST(NamesTest, OtherFileNamesAreRefused) {
  const std::string job = std::string("jobs/") + kNameId;
  for (const std::string& name :
       {job, job + "/files", job + "/files/", job + "/files/0", job + "/files/01",
        job + "/files/+1", job + "/files/-1", job + "/files/1 ", job + "/files/x",
        job + "/files/1/", job + "/files/4294967296", job + "/errors/1",
        std::string("jobs/x/files/1")}) {
    EXPECT_THAT(ParseFileName(name, "name"), HasCode(absl::StatusCode::kInvalidArgument)) << name;
  }
}

TEST(NamesTest, EtagsThereAndBack) {
  EXPECT_EQ(FormatEtag(17), "\"17\"");
  EXPECT_THAT(ParseEtag(FormatEtag(17)), Optional(Eq(17u)));
  EXPECT_THAT(ParseEtag(FormatEtag(UINT64_MAX)), Optional(Eq(UINT64_MAX)));
  EXPECT_EQ(ParseEtag(""), std::nullopt);
}

// They match no job, rather than any.
TEST(NamesTest, WhatIsNoEtagOfOursAsksForRevisionZero) {
  for (const char* etag : {"17", "\"\"", "\"", "\"17", "17\"", "W/\"17\"", "\"017\"", "\"-1\"",
                           "\"x\"", "*", "\"18446744073709551616\"", "\"1\" "}) {
    EXPECT_THAT(ParseEtag(etag), Optional(Eq(0u))) << etag;
  }
}

}  // namespace
}  // namespace bits::rpc

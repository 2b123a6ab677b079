#include "server/receive/response.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bits::receive {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const absl::Time kNow = absl::FromUnixSeconds(1'790'000'000);

TEST(UploadResponse, ErrorHasBothNamesAndTheContext) {
  const std::string text = AckText(
      domain::UploadError(500, 0x8020001F, "not to be told", domain::ErrorContext::kRemoteApplication),
      {}, kNow);
  EXPECT_THAT(text, ::testing::StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(text, HasSubstr("\r\nBITS-Error-Code: 0x8020001F\r\n"));
  EXPECT_THAT(text, HasSubstr("\r\nBITS-Error: 0x8020001F\r\n"));
  EXPECT_THAT(text, HasSubstr("\r\nBITS-Error-Context: 0x7\r\n"));
  EXPECT_THAT(text, Not(HasSubstr("told")));
  EXPECT_THAT(text, ::testing::EndsWith("Content-Length: 0\r\n\r\n"));
}

TEST(UploadResponse, HostIdIsForNewSessionsOnly) {
  domain::UploadLocation location;
  location.host_id = "node7";
  location.host_id_fallback_timeout = absl::Seconds(90);
  ResponseOptions options;
  options.location = &location;
  domain::UploadAnswer answer;
  EXPECT_THAT(AckText(answer, options, kNow), Not(HasSubstr("Host-Id")));
  answer.created = true;
  EXPECT_THAT(AckText(answer, options, kNow),
              HasSubstr("BITS-Host-Id: node7\r\nBITS-Host-Id-Fallback-Timeout: 90\r\n"));
}

TEST(ReplyRange, Table) {
  struct Row {
    std::optional<std::string_view> range;
    std::optional<std::string_view> if_range;
    uint32_t status;
    uint64_t first;
    uint64_t length;
  };
  for (const Row& row : std::vector<Row>{{{}, {}, 200, 0, 100},
                                         {"bytes=0-9", {}, 206, 0, 10},
                                         {"bytes=90-", {}, 206, 90, 10},
                                         {"bytes=90-1000", {}, 206, 90, 10},
                                         {"bytes=-10", {}, 206, 90, 10},
                                         {"bytes=-1000", {}, 206, 0, 100},
                                         {"bytes=100-", {}, 416, 0, 0},
                                         {"bytes=-0", {}, 416, 0, 0},
                                         {"bytes=9-0", {}, 200, 0, 100},
                                         {"bytes=0-1,3-4", {}, 200, 0, 100},
                                         {"bytes=x-", {}, 200, 0, 100},
                                         {"bytes=-", {}, 200, 0, 100},
                                         {"lines=0-9", {}, 200, 0, 100},
                                         {"bytes=0-9", "\"e\"", 206, 0, 10},
                                         {"bytes=0-9", "date", 206, 0, 10},
                                         {"bytes=0-9", "\"other\"", 200, 0, 100}}) {
    const ReplyPart part = ChoosePart(row.range, row.if_range, "\"e\"", "date", 100);
    EXPECT_EQ(part.status, row.status) << row.range.value_or("none");
    EXPECT_EQ(part.first, row.first) << row.range.value_or("none");
    EXPECT_EQ(part.length, row.length) << row.range.value_or("none");
  }
  EXPECT_THAT(ReplyHead({206, 90, 10}, "\"e\"", "date", 100, true, kNow),
              HasSubstr("Content-Range: bytes 90-99/100\r\n"));
  EXPECT_EQ(HttpDate(absl::FromUnixSeconds(784111777)), "Sun, 06 Nov 1994 08:49:37 GMT");
}

}  // namespace
}  // namespace bits::receive

// Packets and targets of uploads, from the text of a request.
#include "server/domain/upload_packet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <variant>
#include <vector>

#include "server/domain/upload_target.h"

namespace bits::domain {
namespace {

std::variant<UploadPacket, UploadAnswer> FragmentOf(std::string_view range, uint64_t length) {
  UploadFields fields;
  fields.packet_type = "Fragment";
  fields.session_id = "{x}";
  fields.content_range = range;
  fields.content_length = length;
  return ParseUploadPacket(fields);
}

TEST(UploadPacketTexts, Ranges) {
  struct Row {
    std::string range;
    uint64_t length;
    bool good;
    UploadRange parsed;
  };
  const std::vector<Row> rows = {
      {"bytes 0-3/10", 4, true, {0, 4, 10}},
      {"BYTES  0-3/10", 4, true, {0, 4, 10}},
      {"bytes 9-9/10", 1, true, {9, 1, 10}},
      {"bytes */0", 0, true, {0, 0, 0}},
      {"bytes 9223372036854775805-9223372036854775806/9223372036854775807", 2, true,
       {9223372036854775805u, 2, 9223372036854775807u}},
      {"bytes 0-3/9223372036854775808", 4, false, {}},
      {"bytes 9-10/10", 2, false, {}},
      {"bytes 3-2/10", 0, false, {}},
      {"bytes 0-3/10", 5, false, {}},
      {"bytes 0-3/10", 3, false, {}},
      {"bytes */10", 0, false, {}},
      {"bytes 0-/10", 10, false, {}},
      {"bytes -3/10", 3, false, {}},
      {"bytes +0-3/10", 4, false, {}},
      {"bytes 0-3/10 ", 4, false, {}},
      {"bytes=0-3/10", 4, false, {}},
      {"bytes 0/3-10", 4, false, {}},
      {"", 0, false, {}},
  };
  for (const Row& row : rows) {
    const auto parsed = FragmentOf(row.range, row.length);
    if (const auto* packet = std::get_if<UploadPacket>(&parsed)) {
      EXPECT_TRUE(row.good) << row.range;
      EXPECT_EQ(packet->range, row.parsed) << row.range;
    } else {
      EXPECT_FALSE(row.good) << row.range;
      EXPECT_EQ(std::get<UploadAnswer>(parsed).status, 400u);
    }
  }
}

TEST(UploadPacketTexts, TypesInAnyCase) {
  for (const auto& [name, type] : std::vector<std::pair<std::string, UploadPacketType>>{
           {"CREATE-SESSION", UploadPacketType::kCreate},
           {"ping", UploadPacketType::kPing},
           {"Close-Session", UploadPacketType::kClose},
           {"cancel-Session", UploadPacketType::kCancel}}) {
    UploadFields fields;
    fields.packet_type = name;
    fields.session_id = "{x}";
    fields.protocols = kUploadProtocol;
    fields.content_length = 0;
    const auto parsed = ParseUploadPacket(fields);
    ASSERT_TRUE(std::holds_alternative<UploadPacket>(parsed)) << name;
    EXPECT_EQ(std::get<UploadPacket>(parsed).type, type);
    fields.content_length = std::nullopt;
    EXPECT_EQ(std::get<UploadAnswer>(ParseUploadPacket(fields)).status, 411u);
    fields.content_length = 1;
    EXPECT_EQ(std::get<UploadAnswer>(ParseUploadPacket(fields)).status, 400u);
  }
}

TEST(UploadTargets, AreDecoded) {
  const auto path = [](std::string_view target) {
    const auto parsed = ParseUploadTarget(target);
    return parsed.has_value() ? parsed->path : "none";
  };
  EXPECT_EQ(path("/a/b%20c?d=e%20f"), "/a/b c");
  EXPECT_EQ(path("HTTP://h:1/a"), "/a");
  EXPECT_EQ(path("https://h"), "/");
  EXPECT_EQ(path("/%41%c3%a4"), "/A\xC3\xA4");
  for (const char* wrong : {"", "a", "*", "ftp://h/a", "/%", "/%4", "/%4g", "/a%2Fb", "/%00", "/%7f"}) {
    EXPECT_EQ(path(wrong), "none") << wrong;
  }
  for (const std::string_view target : {"//", "//a", "/a//b", "/a//", "http://h//a", "/a/%2fb"}) {
    EXPECT_FALSE(ParseUploadTarget(target).has_value()) << target;
  }
  EXPECT_EQ(ParseUploadTarget("/a?b=%2F?c")->query, "b=%2F?c");
}

TEST(UploadTargets, LocationsAndReplies) {
  EXPECT_EQ(WithinLocation("/a/", "/a/b/c"), "b/c");
  EXPECT_EQ(WithinLocation("/a/", "/a/"), "");
  EXPECT_EQ(WithinLocation("/a/", "/a"), "");
  EXPECT_EQ(WithinLocation("/a/", "/ab"), std::nullopt);
  EXPECT_EQ(WithinLocation("/", "/ab"), "ab");
  const std::string path = ReplyPath("/a/", "{a0ff}");
  EXPECT_EQ(ReplySession(*WithinLocation("/a/", path)), "{a0ff}");
  EXPECT_EQ(ReplySession("a0ff"), std::nullopt);
  EXPECT_EQ(AppendQuery("http://h/n", ""), "http://h/n");
  EXPECT_EQ(AppendQuery("http://h/n", "a=b"), "http://h/n?a=b");
  EXPECT_EQ(AppendQuery("http://h/n?x", "a=b"), "http://h/n?x&a=b");
}

}  // namespace
}  // namespace bits::domain

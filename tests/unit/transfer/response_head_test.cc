#include "server/transfer/response_head.h"

#include <gtest/gtest.h>

#include <initializer_list>

namespace bits::transfer {
namespace {

ResponseHead Parse(std::initializer_list<std::string_view> lines) {
  ResponseHeadParser parser;
  for (std::string_view line : lines) EXPECT_FALSE(parser.Add(std::string(line) + "\r\n"));
  EXPECT_TRUE(parser.Add("\r\n"));
  return parser.head();
}

TEST(ResponseHeadTest, Fields) {
  const ResponseHead head = Parse({"HTTP/1.1 206 Partial Content", "content-length: 10",
                                   "ETag:\"a b\" ", "LAST-MODIFIED:  yesterday", "Date: today",
                                   "Content-Range: bytes 0-9/10", "Content-Type: text/plain",
                                   "Content-Encoding: gzip", "Content-Encoding: br",
                                   "Accept-Ranges: bytes", "Retry-After: 3", "Location: /there",
                                   "no field", "X-Other: x"});
  EXPECT_EQ(head.status, 206u);
  EXPECT_TRUE(head.persistent);
  EXPECT_EQ(head.content_length, 10u);
  EXPECT_FALSE(head.bad_length);
  EXPECT_FALSE(head.chunked);
  EXPECT_EQ(head.etag, "\"a b\"");
  EXPECT_EQ(head.last_modified, "yesterday");
  EXPECT_EQ(head.date, "today");
  EXPECT_EQ(head.content_range, "bytes 0-9/10");
  EXPECT_EQ(head.content_type, "text/plain");
  EXPECT_EQ(head.content_encoding, "gzip, br");
  EXPECT_EQ(head.accept_ranges, "bytes");
  EXPECT_EQ(head.retry_after, "3");
  EXPECT_EQ(head.location, "/there");
}

TEST(ResponseHeadTest, StatusLines) {
  EXPECT_EQ(Parse({"HTTP/1.1 200 OK"}).status, 200u);
  EXPECT_EQ(Parse({"HTTP/1.1 404"}).status, 404u);
  EXPECT_EQ(Parse({"HTTP/1.1   503   x"}).status, 503u);
  EXPECT_EQ(Parse({"HTTP/1.1 abc"}).status, 0u);
  EXPECT_EQ(Parse({"HTTP/1.1"}).status, 0u);
  EXPECT_EQ(Parse({"HTTP/1.1 99999"}).status, 0u);
}

TEST(ResponseHeadTest, TheLastHeadCounts) {
  ResponseHeadParser parser;
  parser.Add("HTTP/1.1 103 Early Hints\r\n");
  parser.Add("ETag: \"early\"\r\n");
  EXPECT_TRUE(parser.Add("\r\n"));
  parser.Add("HTTP/1.1 200 OK\r\n");
  EXPECT_TRUE(parser.Add("\n"));
  EXPECT_EQ(parser.head().status, 200u);
  EXPECT_EQ(parser.head().etag, "");
}

TEST(ResponseHeadTest, Connections) {
  EXPECT_TRUE(Parse({"HTTP/1.1 200 OK", "Connection: keep-alive"}).persistent);
  EXPECT_FALSE(Parse({"HTTP/1.1 200 OK", "Connection: Close"}).persistent);
  EXPECT_FALSE(Parse({"HTTP/1.1 200 OK", "Connection: foo, close"}).persistent);
  EXPECT_FALSE(Parse({"HTTP/1.1 200 OK", "Proxy-Connection: close"}).persistent);
  EXPECT_FALSE(Parse({"HTTP/1.0 200 OK"}).persistent);
}

TEST(ResponseHeadTest, Lengths) {
  EXPECT_TRUE(Parse({"HTTP/1.1 200 OK", "Transfer-Encoding: chunked"}).chunked);
  EXPECT_FALSE(
      Parse({"HTTP/1.1 200 OK", "Content-Length: 5", "Content-Length: 5"}).bad_length);
  EXPECT_TRUE(Parse({"HTTP/1.1 200 OK", "Content-Length: 5", "Content-Length: 6"}).bad_length);
  for (std::string_view value : {"-1", "+5", "5 5", "5,5", "0x5", "", "99999999999999999999"}) {
    EXPECT_TRUE(Parse({"HTTP/1.1 200 OK", "Content-Length: " + std::string(value)}).bad_length)
        << value;
  }
}

TEST(ContentRangeTest, Good) {
  EXPECT_EQ(ParseContentRange("bytes 0-9/10"), (ContentRange{0, 9, 10}));
  EXPECT_EQ(ParseContentRange("bytes 5-5/*"), (ContentRange{5, 5, std::nullopt}));
  EXPECT_EQ(ParseContentRange(" Bytes  0 - 9 / 10 "), (ContentRange{0, 9, 10}));
  EXPECT_EQ(ParseContentRange("bytes=0-9/10"), (ContentRange{0, 9, 10}));
  EXPECT_EQ(ParseContentRange("bytes 0-18446744073709551614/18446744073709551615"),
            (ContentRange{0, 18446744073709551614u, 18446744073709551615u}));
}

TEST(ContentRangeTest, Bad) {
  for (std::string_view text :
       {"", "bytes", "bytes ", "bytes 0-9", "bytes 9-0/10", "bytes 0-10/10", "bytes -9/10",
        "bytes 0-/10", "bytes */10", "bytes 0-9/", "bytes 0-9/x", "bytes a-b/c", "items 0-9/10",
        "bytes0-9/10", "bytes 0/9-10", "bytes 0-9/10, 20-29/30", "bytes -1-9/10",
        "bytes 0-18446744073709551616/18446744073709551617"}) {
    EXPECT_EQ(ParseContentRange(text), std::nullopt) << text;
  }
}

TEST(UnsatisfiedRangeTest, Totals) {
  EXPECT_EQ(ParseUnsatisfiedRange("bytes */10"), 10u);
  EXPECT_EQ(ParseUnsatisfiedRange("bytes */0"), 0u);
  for (std::string_view text : {"", "bytes */*", "bytes *", "bytes 0-9/10", "bytes */-1", "*/10"}) {
    EXPECT_EQ(ParseUnsatisfiedRange(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace bits::transfer

#include "server/receive/request_head.h"

#include <gtest/gtest.h>

#include <string>

namespace bits::receive {
namespace {

HeadState Take(std::string text, RequestHead& head, std::string* rest = nullptr) {
  const HeadState state = TakeHead(text, head);
  if (rest != nullptr) *rest = text;
  return state;
}

TEST(RequestHead, IsTakenApartAndWhatFollowsIsLeft) {
  RequestHead head;
  std::string rest;
  ASSERT_EQ(Take("\r\nBITS_POST /a?b HTTP/1.1\r\nHost: h\r\nBITS-Session-Id: {x}\r\n"
                 "Content-Length: 3\r\nExpect: 100-Continue\r\n\r\nabcBITS",
                 head, &rest),
            HeadState::kDone);
  EXPECT_EQ(rest, "abcBITS");
  EXPECT_EQ(head.method, "BITS_POST");
  EXPECT_EQ(head.target, "/a?b");
  EXPECT_TRUE(head.http11);
  EXPECT_TRUE(head.keep_alive);
  EXPECT_TRUE(head.expects_continue);
  EXPECT_FALSE(head.chunked);
  EXPECT_EQ(head.content_length, 3u);
  EXPECT_EQ(head.Find("bits-session-id"), "{x}");
  EXPECT_EQ(head.Find("range"), std::nullopt);
  ASSERT_EQ(Take("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", head), HeadState::kDone);
  EXPECT_FALSE(head.keep_alive);
  EXPECT_EQ(head.content_length, std::nullopt);
  ASSERT_EQ(Take("GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", head), HeadState::kDone);
  EXPECT_TRUE(head.chunked);
  for (const std::string coding : {"chunked, chunked", "gzip", "identity", "x"}) {
    ASSERT_EQ(Take("GET / HTTP/1.1\r\nTransfer-Encoding: " + coding + "\r\n\r\n", head),
              HeadState::kDone)
        << coding;
    EXPECT_TRUE(head.chunked) << coding;
  }
  EXPECT_EQ(head.content_length, std::nullopt);
  ASSERT_EQ(Take("GET / HTTP/1.0\r\n\r\n", head), HeadState::kDone);
  EXPECT_FALSE(head.http11);
  ASSERT_EQ(Take("P / HTTP/1.1\r\nContent-Length: 18446744073709551615\r\n\r\n", head),
            HeadState::kDone);
  EXPECT_EQ(head.content_length, UINT64_MAX);
}

TEST(RequestHead, NotAllThereYet) {
  const std::string whole = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
  RequestHead head;
  for (size_t n = 0; n < whole.size(); ++n) {
    EXPECT_EQ(Take(whole.substr(0, n), head), HeadState::kMore) << n;
  }
  EXPECT_EQ(Take(whole, head), HeadState::kDone);
}

TEST(RequestHead, BadOnes) {
  RequestHead head;
  for (const char* bad :
       {"GET\r\n\r\n", "GET / HTTP/9.9x\r\n\r\n", "GET / HTTP/1.1\r\nno colon\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET / HTTP/1.1\r\nBITS-Session-Id: a\r\nbits-session-id: a\r\n\r\n",
        "GET / HTTP/1.1\nHost: a\r\n\r\n", "\x16\x03\x01\r\n\r\n"}) {
    EXPECT_EQ(Take(bad, head), HeadState::kBad) << bad;
  }
}

TEST(RequestHead, Bounds) {
  RequestHead head;
  const auto with = [](const std::string& fields) {
    return "GET / HTTP/1.1\r\n" + fields + "\r\n";
  };
  const std::string name = "X: ";
  EXPECT_EQ(Take(with(name + std::string(4095, 'x') + "\r\n"), head), HeadState::kDone);
  EXPECT_EQ(Take(with(name + std::string(4096, 'x') + "\r\n"), head), HeadState::kTooLong);
  std::string many;
  for (int i = 0; i < 64; ++i) many += "X: y\r\n";
  EXPECT_EQ(Take(with(many), head), HeadState::kDone);
  EXPECT_EQ(Take(with(many + "X: y\r\n"), head), HeadState::kTooLong);
  EXPECT_EQ(Take(std::string(kLongestHead + 1, 'x'), head), HeadState::kTooLong);
  std::string large;
  for (int i = 0; i < 5; ++i) large += "X: " + std::string(4000, 'x') + "\r\n";
  EXPECT_EQ(Take(with(large), head), HeadState::kTooLong);
}

}  // namespace
}  // namespace bits::receive

#include "tests/support/origin_server.h"

#include <curl/curl.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace bits::testing {
namespace {

constexpr absl::Duration kLong = absl::Seconds(20);

struct Answer {
  CURLcode code = CURLE_OK;
  long status = 0;
  std::string head;
  std::string body;
};

size_t Append(char* data, size_t size, size_t count, void* to) {
  static_cast<std::string*>(to)->append(data, size * count);
  return size * count;
}

Answer Get(const std::string& url, const std::vector<std::string>& headers = {},
           const std::string& ca_pem = "") {
  Answer answer;
  CURL* curl = curl_easy_init();
  curl_slist* list = nullptr;
  for (const std::string& header : headers) list = curl_slist_append(list, header.c_str());
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &Append);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer.body);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, &Append);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &answer.head);
  TempDir dir;
  if (!ca_pem.empty()) {
    WriteFile(dir / "ca.pem", ca_pem);
    curl_easy_setopt(curl, CURLOPT_CAINFO, (dir / "ca.pem").c_str());
  }
  answer.code = curl_easy_perform(curl);
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer.status);
  curl_slist_free_all(list);
  curl_easy_cleanup(curl);
  return answer;
}

class OriginServerTest : public ::testing::Test {
 protected:
  OriginServerTest() : origin_(OriginServer::Start().value()) {}
  Answer GetIt(const std::vector<std::string>& headers = {}) {
    return Get(origin_->Url("/f"), headers);
  }
  std::unique_ptr<OriginServer> origin_;
};

TEST_F(OriginServerTest, WholeAndParts) {
  origin_->Put("/f", "0123456789");
  Answer whole = GetIt();
  EXPECT_EQ(whole.status, 200);
  EXPECT_EQ(whole.body, "0123456789");
  EXPECT_NE(whole.head.find("ETag: \"v1\""), std::string::npos) << whole.head;
  Answer part = GetIt({"Range: bytes=4-", "If-Range: \"v1\""});
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, "456789");
  EXPECT_NE(part.head.find("Content-Range: bytes 4-9/10"), std::string::npos) << part.head;
  EXPECT_EQ(GetIt({"Range: bytes=4-", "If-Range: \"v2\""}).status, 200);
  EXPECT_EQ(GetIt({"Range: bytes=10-"}).status, 416);
  EXPECT_EQ(origin_->RequestCount("/f"), 4u);
  EXPECT_EQ(origin_->Requests("/f")[1].Header("range"), "bytes=4-");
  EXPECT_EQ(origin_->BytesSent("/f"), 26u);
  EXPECT_EQ(Get(origin_->Url("/other")).status, 404);
}

TEST_F(OriginServerTest, Misbehaves) {
  const std::string body = MakeContent(100000, 1);
  origin_->Put("/f", body);
  auto once = [&](Behavior behavior) { origin_->Script("/f", {std::move(behavior)}); };
  const std::vector<std::string> range = {"Range: bytes=10-", "If-Range: \"other\""};

  once({.ignore_if_range = true});
  EXPECT_EQ(GetIt(range).status, 206);
  once({.ignore_range = true});
  EXPECT_EQ(GetIt({"Range: bytes=10-"}).status, 200);
  once({.status = 503, .headers = {{"Retry-After", "7"}}});
  Answer unavailable = GetIt();
  EXPECT_EQ(unavailable.status, 503);
  EXPECT_NE(unavailable.head.find("Retry-After: 7"), std::string::npos);
  once({.length_lie = 10});
  EXPECT_EQ(GetIt().code, CURLE_PARTIAL_FILE);
  once({.cut_after = 5000});
  EXPECT_EQ(GetIt().body, body.substr(0, 5000));
  once({.framing = Behavior::Framing::kChunked});
  EXPECT_EQ(GetIt().body, body);
  once({.framing = Behavior::Framing::kUntilClose});
  EXPECT_EQ(GetIt().body, body);
  once({.part_limit = 7});
  EXPECT_EQ(GetIt({"Range: bytes=10-"}).body, body.substr(10, 7));
  once({.raw = "junk\r\n\r\n"});
  EXPECT_NE(GetIt().code, CURLE_OK);
  EXPECT_EQ(GetIt().body, body);
}

TEST_F(OriginServerTest, KeepsItsRate) {
  origin_->Put("/f", MakeContent(100000, 1), {.bytes_per_second = 500000});
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(GetIt().body.size(), 100000u);
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(180));
}

TEST_F(OriginServerTest, StallsUntilReleased) {
  origin_->Put("/f", MakeContent(1000, 1), {.stall_after = 100});
  std::thread client([&] { EXPECT_EQ(GetIt().body.size(), 1000u); });
  EXPECT_TRUE(origin_->WaitForBytes("/f", 100, kLong));
  EXPECT_EQ(origin_->BytesSent("/f"), 100u);
  origin_->Release();
  client.join();
}

TEST_F(OriginServerTest, EndsWhileOthersWait) {
  origin_->Put("/f", "x", {.stall_before_head = true});
  std::thread client([&] { EXPECT_NE(GetIt().code, CURLE_OK); });
  EXPECT_TRUE(origin_->WaitForRequests("/f", 1, kLong));
  origin_ = nullptr;
  client.join();
}

TEST(OriginServerTlsTest, ProvesItself) {
  auto origin = OriginServer::Start({.tls = true});
  BITS_ASSERT_OK(origin);
  (*origin)->Put("/f", "secret");
  EXPECT_EQ(Get((*origin)->Url("/f")).code, CURLE_PEER_FAILED_VERIFICATION);
  EXPECT_EQ(Get((*origin)->Url("/f"), {}, (*origin)->ca_pem()).body, "secret");
}

TEST(MakeContentTest, DiffersBySeedAndPlace) {
  EXPECT_NE(MakeContent(64, 1), MakeContent(64, 2));
  EXPECT_EQ(MakeContent(100, 1), MakeContent(200, 1).substr(0, 100));
  EXPECT_NE(MakeContent(200, 1).substr(0, 100), MakeContent(200, 1).substr(96, 100));
}

}  // namespace
}  // namespace bits::testing

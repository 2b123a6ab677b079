// The server application behind an upload: how it is told, and what its answers mean to the client.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <future>
#include <memory>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/conformance/harness/upload_client.h"
#include "tests/support/listener.h"
#include "tests/support/origin_server.h"
#include "tests/support/webhook_receiver.h"

namespace bits::testing {
namespace {

using ::testing::IsEmpty;
using How = WebhookAnswer::How;

WebhookAnswer Answer(int status, std::vector<std::string> headers = {}, size_t body = 0) {
  return {How::kAnswer, status, std::move(headers), body};
}

class UploadApplicationTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    application_ = std::make_unique<WebhookReceiver>();
    dead_ = ReserveDeadPort().value();
    TestBitsd::Options options;
    options.config = absl::StrCat(
        "receive { application_timeout { seconds: 1 } location { path: \"/value/\" root: \"value\" "
        "notification: NOTIFICATION_BY_VALUE notification_url: \"", application_->Url("/app?fixed=1"),
        "\" } location { path: \"/ref/\" root: \"ref\" notification: NOTIFICATION_BY_REFERENCE "
        "notification_url: \"", application_->Url("/app"), "\" } location { path: \"/dead/\" root: \"dead\" "
        "notification: NOTIFICATION_BY_VALUE notification_url: \"http://127.0.0.1:", dead_.port,
        "/\" } }");
    options.flags = {"--receive=127.0.0.1:0"};
    bitsd_ = std::make_unique<TestBitsd>(std::move(options));
  }
  static void TearDownTestSuite() {
    EXPECT_TRUE(bitsd_->Stop().ok());
    bitsd_ = nullptr;
    application_ = nullptr;
  }
  UploadApplicationTest() : client_(ReceivePort(bitsd_->process())) {
    before_ = application_->Received().size();
    application_->SetAnswer([] { return Answer(200); });
    application_->SetOnRequest(nullptr);
  }

  static std::string NewPath(const std::string& location) {
    return absl::StrCat("/", location, "/f", ++paths_);
  }
  // What the application was told in this test.
  std::vector<ReceivedWebhook> Told() const {
    std::vector<ReceivedWebhook> all = application_->Received();
    all.erase(all.begin(), all.begin() + static_cast<ptrdiff_t>(before_));
    return all;
  }
  static std::vector<std::string> Names() {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(bitsd_->root())) {
      if (entry.is_regular_file()) found.push_back(entry.path().filename());
    }
    return found;
  }

  static std::unique_ptr<WebhookReceiver> application_;
  static std::unique_ptr<TestBitsd> bitsd_;
  static Listener dead_;
  static int paths_;
  UploadClient client_;
  size_t before_ = 0;
};
std::unique_ptr<WebhookReceiver> UploadApplicationTest::application_;
std::unique_ptr<TestBitsd> UploadApplicationTest::bitsd_;
Listener UploadApplicationTest::dead_;
int UploadApplicationTest::paths_ = 0;

TEST_F(UploadApplicationTest, ByValueItGetsTheUploadAndItsAnswerIsTheReply) {
  const std::string path = NewPath("value");
  const std::string content = MakeContent(300'000, 3);
  application_->Script({Answer(200, {}, 200'000)});
  const std::string id = client_.Create(path + "?job=7").session();
  EXPECT_EQ(client_.Fragment(path, id, 0, content.substr(0, 100'000), content.size()).status, 200);
  EXPECT_THAT(Told(), IsEmpty());
  const UploadReply last = client_.Fragment(path + "?job=7", id, 100'000, content.substr(100'000),
                                            content.size());
  EXPECT_EQ(last.status, 200);
  EXPECT_EQ(last.received(), "300000");
  const std::string url = last.Header("bits-reply-url");
  EXPECT_THAT(url, ::testing::StartsWith("/value/"));

  ASSERT_EQ(Told().size(), 1u);
  const ReceivedWebhook told = Told().front();
  EXPECT_EQ(told.method, "POST");
  EXPECT_EQ(told.target, "/app?fixed=1&job=7");
  EXPECT_EQ(told.Header("bits-original-request-url"), "http://127.0.0.1" + path + "?job=7");
  EXPECT_EQ(told.Header("bits-session-id"), id);
  EXPECT_EQ("{" + told.Header("idempotency-key") + "}", id);
  EXPECT_EQ(told.body, content);

  // A download that can be gone on with.
  const UploadReply head = client_.Get(url, {}, "HEAD");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.Header("content-length"), "200000");
  EXPECT_EQ(head.Header("accept-ranges"), "bytes");
  EXPECT_THAT(head.Header("last-modified"), ::testing::EndsWith(" GMT"));
  EXPECT_EQ(client_.Get(url).body, std::string(200'000, 'x'));
  const UploadReply part = client_.Get(
      url, {{"Range", "bytes=150000-199999"}, {"If-Range", head.Header("etag")}});
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.Header("content-range"), "bytes 150000-199999/200000");
  EXPECT_EQ(part.Header("etag"), head.Header("etag"));
  EXPECT_EQ(part.body.size(), 50'000u);
  EXPECT_EQ(client_.Get(url, {{"Range", "bytes=200000-"}}).status, 416);

  EXPECT_FALSE(FileExists(bitsd_->root() + path));  // not asked for
  EXPECT_EQ(client_.Close(path, id).status, 200);
  EXPECT_EQ(client_.Get(url).status, 404);
  for (int i = 0; i < 200 && !Names().empty(); ++i) client_.Packet("Ping", path);
  EXPECT_THAT(Names(), IsEmpty());
}

TEST_F(UploadApplicationTest, CopyToDestinationStoresTheUploadToo) {
  const std::string path = NewPath("value");
  application_->Script({Answer(200, {"BITS-Copy-File-To-Destination: any"})});
  const std::string id = client_.Create(path).session();
  const UploadReply reply = client_.Fragment(path, id, 0, "0123", 4);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.Header("bits-reply-url"), "");  // an answer without a body is none
  EXPECT_EQ(ReadFile(bitsd_->root() + path), "0123");
  EXPECT_EQ(client_.Close(path, id).status, 200);
  std::filesystem::remove(bitsd_->root() + path);
}

TEST_F(UploadApplicationTest, ByReferenceItIsToldWhereTheUploadIsAndWhereItsReplyMayGo) {
  const std::string path = NewPath("ref");
  std::string seen;
  application_->SetOnRequest([&seen](const ReceivedWebhook& told) {
    seen = ReadFile(told.Header("bits-request-datafile-name"));
    WriteFile(told.Header("bits-response-datafile-name"), "the reply");
  });
  const std::string id = client_.Create(path).session();
  const UploadReply last = client_.Fragment(path, id, 0, "0123", 4);
  EXPECT_EQ(last.status, 200);
  EXPECT_EQ(seen, "0123");
  ASSERT_EQ(Told().size(), 1u);
  EXPECT_EQ(Told().front().body, "");
  EXPECT_EQ(client_.Get(last.Header("bits-reply-url")).body, "the reply");
  EXPECT_EQ(client_.Close(path, id).status, 200);

  // One that wrote none, and took the file away: Close finds that it is gone.
  application_->SetOnRequest([](const ReceivedWebhook& told) {
    std::filesystem::remove(told.Header("bits-request-datafile-name"));
  });
  const std::string other = client_.Create(path).session();
  const UploadReply without = client_.Fragment(path, other, 0, "0123", 4);
  EXPECT_EQ(without.status, 200);
  EXPECT_EQ(without.Header("bits-reply-url"), "");
  EXPECT_EQ(client_.Close(path, other).status, 404);
}

TEST_F(UploadApplicationTest, StaticUrlIsTheReply) {
  const std::string path = NewPath("value");
  application_->Script({Answer(200, {"BITS-Static-Response-URL: http://elsewhere/r?x"}, 9)});
  const std::string id = client_.Create(path).session();
  EXPECT_EQ(client_.Fragment(path, id, 0, "0123", 4).Header("bits-reply-url"),
            "http://elsewhere/r?x");
  client_.Close(path, id);
}

TEST_F(UploadApplicationTest, FailureIsTheClientsErrorAndTheLastFragmentAsksAgainWithTheSameKey) {
  const std::string path = NewPath("value");
  const std::string id = client_.Create(path).session();
  struct Row {
    int application;
    int status;
    std::string error;
  };
  const std::vector<Row> rows = {{500, 500, "0x801901F4 0x7"}, {503, 503, "0x801901F7 0x7"},
                                 {404, 404, "0x80190194 0x7"}, {401, 400, "0x80190191 0x7"},
                                 {416, 400, "0x801901A0 0x7"}, {204, 500, "0x801900CC 0x7"},
                                 {302, 400, "0x8019012E 0x7"}};
  UploadReply reply;
  for (const Row& row : rows) {
    application_->Script({Answer(row.application, {"Location: http://127.0.0.1:1/"}, 3)});
    reply = client_.Fragment(path, id, 0, "0123", 4);
    EXPECT_EQ(reply.status, row.status) << row.application;
    EXPECT_EQ(reply.Error(), row.error) << row.application;
    EXPECT_EQ(reply.headers.count("bits-reply-url"), 0u);
  }
  EXPECT_EQ(client_.Fragment(path, id, 2, "23", 4).status, 200);
  // It has succeeded: that is remembered.
  EXPECT_EQ(client_.Fragment(path, id, 2, "23", 4).status, 200);
  std::set<std::string> keys;
  for (const ReceivedWebhook& told : Told()) keys.insert(told.Header("idempotency-key"));
  EXPECT_EQ(Told().size(), rows.size() + 1);
  EXPECT_EQ(keys.size(), 1u);
  client_.Close(path, id);
}

TEST_F(UploadApplicationTest, AfterForbiddenItIsNotAskedAgain) {
  const std::string path = NewPath("value");
  application_->Script({Answer(403)});
  const std::string id = client_.Create(path).session();
  for (int i = 0; i < 3; ++i) {
    const UploadReply reply = client_.Fragment(path, id, 0, "0123", 4);
    EXPECT_EQ(reply.status, 403);
    EXPECT_EQ(reply.Error(), "0x80190193 0x7");
  }
  EXPECT_EQ(Told().size(), 1u);
  EXPECT_EQ(client_.Cancel(path, id).status, 200);
}

TEST_F(UploadApplicationTest, ThatIsSlowTimesOutAndDisturbsNobodyElse) {
  const std::string path = NewPath("value");
  application_->Script({{.how = How::kStall}, Answer(200)});
  const std::string id = client_.Create(path).session();
  ASSERT_TRUE(client_.Send(PacketText("Fragment", path, FragmentHeaders(id, 0, 4, 4), 4) + "0123"));
  ASSERT_TRUE(application_->WaitFor(before_ + 1, absl::Seconds(30)));
  UploadClient other(ReceivePort(bitsd_->process()));
  const std::string quick = NewPath("value");
  const std::string quick_id = other.Create(quick).session();
  EXPECT_EQ(other.Fragment(quick, quick_id, 0, "x", 1).status, 200);
  EXPECT_EQ(other.Close(quick, quick_id).status, 200);
  const UploadReply reply = client_.Receive();
  EXPECT_EQ(reply.status, 408);
  EXPECT_EQ(reply.Error(), "0x80070112 0x7");
  EXPECT_EQ(client_.Fragment(path, id, 0, "0123", 4).status, 200);
  client_.Close(path, id);
}

TEST_F(UploadApplicationTest, ThatIsNotThereIsATransientError) {
  const std::string path = NewPath("dead");
  const std::string id = client_.Create(path).session();
  const UploadReply reply = client_.Fragment(path, id, 0, "0123", 4);
  EXPECT_EQ(reply.status, 502);
  EXPECT_EQ(reply.Header("bits-error-context"), "0x7");
  client_.Cancel(path, id);
  application_->Script({{.how = How::kDie}, {.how = How::kDieInRequest}});
  const std::string other = NewPath("value");
  const std::string other_id = client_.Create(other).session();
  EXPECT_EQ(client_.Fragment(other, other_id, 0, "0123", 4).status, 502);
  EXPECT_EQ(client_.Fragment(other, other_id, 0, "0123", 4).status, 502);
  EXPECT_EQ(client_.Fragment(other, other_id, 0, "0123", 4).status, 200);
  client_.Close(other, other_id);
}

TEST_F(UploadApplicationTest, QueryThatMakesTheUrlTooLongIsRefused) {
  const UploadReply reply = client_.Create(NewPath("value") + "?" + std::string(2200, 'q'));
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.Error(), "0x80070057 0x5");
}

TEST_F(UploadApplicationTest, IsToldAtLeastOnceThoughBitsdIsKilledMeanwhile) {
  const std::string path = NewPath("value");
  const std::string content = MakeContent(100'000, 4);
  std::string id = client_.Create(path).session();
  for (int i = 0; i < 5; ++i) {
    application_->Script({{.how = How::kStall}});
    UploadClient client(ReceivePort(bitsd_->process()));
    ASSERT_TRUE(client.Send(PacketText("Fragment", path,
                                       FragmentHeaders(id, 0, content.size(), content.size()),
                                       content.size()) + content));
    ASSERT_TRUE(application_->WaitFor(before_ + static_cast<size_t>(i) + 1, absl::Seconds(30)));
    bitsd_->Kill();
    bitsd_->Restart();
  }
  application_->Script({Answer(200, {"BITS-Copy-File-To-Destination: any"}, 10)});
  UploadClient client(ReceivePort(bitsd_->process()));
  const UploadReply last = client.Fragment(path, id, 99'999, content.substr(99'999), content.size());
  EXPECT_EQ(last.status, 200);
  EXPECT_EQ(ReadFile(bitsd_->root() + path), content);
  // The reply outlives the server too.
  bitsd_->Kill();
  bitsd_->Restart();
  UploadClient again(ReceivePort(bitsd_->process()));
  EXPECT_EQ(again.Get(last.Header("bits-reply-url")).body, std::string(10, 'x'));
  EXPECT_EQ(again.Fragment(path, id, 0, content, content.size()).Header("bits-reply-url"),
            last.Header("bits-reply-url"));
  EXPECT_EQ(again.Close(path, id).status, 200);
  std::set<std::string> keys;
  for (const ReceivedWebhook& told : Told()) {
    keys.insert(told.Header("idempotency-key"));
    EXPECT_EQ(told.body, content);
  }
  EXPECT_EQ(Told().size(), 6u);
  EXPECT_EQ(keys.size(), 1u);
}

}  // namespace
}  // namespace bits::testing

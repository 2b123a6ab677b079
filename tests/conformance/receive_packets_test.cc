// The packets of the BITS upload protocol, as the receiver answers them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/conformance/harness/upload_client.h"

namespace bits::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kInvalid[] = "0x80070057 0x5";
constexpr char kDenied[] = "0x80070005 0x5";
constexpr char kNoSession[] = "0x8020001F 0x5";

class UploadPacketTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    TestBitsd::Options options;
    options.config =
        "receive { location { path: \"/\" } "
        "location { path: \"/over/\" root: \"over\" overwrite: true } "
        "location { path: \"/over/deep/\" root: \"deep\" } }";
    options.flags = {"--receive=127.0.0.1:0"};
    bitsd_ = std::make_unique<TestBitsd>(std::move(options));
    port_ = ReceivePort(bitsd_->process());
  }
  static void TearDownTestSuite() {
    EXPECT_TRUE(bitsd_->Stop().ok());
    bitsd_ = nullptr;
  }

  // A path that no other test uses.
  static std::string NewPath() { return absl::StrCat("/f", ++paths_, ".txt"); }
  static std::string File(const std::string& path) { return bitsd_->root() + path; }
  static std::vector<std::string> Temporaries() {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(bitsd_->root())) {
      const std::string name = entry.path().filename();
      if (name.starts_with(".BIT-")) found.push_back(name);
    }
    return found;
  }
  // They are deleted behind the answer; the next answers of the session's come after.
  void ExpectNoTemporaries() {
    for (int i = 0; i < 200 && !Temporaries().empty(); ++i) client_.Packet("Ping", "/x");
    EXPECT_THAT(Temporaries(), IsEmpty());
  }

  static std::unique_ptr<TestBitsd> bitsd_;
  static uint16_t port_;
  static int paths_;
  UploadClient client_{port_};
};
std::unique_ptr<TestBitsd> UploadPacketTest::bitsd_;
uint16_t UploadPacketTest::port_ = 0;
int UploadPacketTest::paths_ = 0;

TEST_F(UploadPacketTest, CreateIsAnsweredWithProtocolAndSession) {
  const UploadReply reply = client_.Create(NewPath());
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.Header("bits-packet-type"), "Ack");
  EXPECT_EQ(reply.Header("bits-protocol"), kUploadProtocol);
  EXPECT_THAT(reply.session(), ::testing::MatchesRegex("\\{[0-9a-f-]{36}\\}"));
  EXPECT_EQ(reply.Header("accept-encoding"), "Identity");
  EXPECT_EQ(reply.Header("content-length"), "0");
  EXPECT_EQ(reply.headers.count("bits-host-id"), 0u);
  EXPECT_NE(client_.Create(NewPath()).session(), reply.session());
}

TEST_F(UploadPacketTest, CreateNeedsOurProtocolAmongTheClients) {
  const auto create = [&](const std::string& protocols) {
    return client_.Packet("create-session", NewPath(), {{"bits-supported-protocols", protocols}});
  };
  const std::string other = "{00000000-249b-430f-820d-3d2a9bef4931}";
  const std::string upper = "{7DF0354D-249B-430F-820D-3D2A9BEF4931}";
  EXPECT_EQ(create(upper).status, 200);
  EXPECT_EQ(create(absl::StrCat(other, ",", upper)).status, 200);
  EXPECT_EQ(create(absl::StrCat(other, " ", kUploadProtocol)).status, 200);
  std::string many;
  for (int i = 0; i < 99; ++i) many += "{x} ";
  EXPECT_EQ(create(many + kUploadProtocol).status, 200);
  for (const std::string& wrong : {other, std::string(), many + "{x} " + kUploadProtocol}) {
    const UploadReply reply = create(wrong);
    EXPECT_EQ(reply.status, 400) << wrong;
    EXPECT_EQ(reply.Error(), kInvalid);
  }
  EXPECT_EQ(client_.Packet("Create-Session", NewPath()).Error(), kInvalid);
}

TEST_F(UploadPacketTest, PingIsAnsweredWithNothingElse) {
  const UploadReply reply = client_.Packet("Ping", NewPath());
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.Header("bits-packet-type"), "Ack");
  EXPECT_EQ(reply.session(), "");
  EXPECT_EQ(reply.Error(), "");
}

TEST_F(UploadPacketTest, FragmentsMakeTheFileWhichIsThereWithTheLastOne) {
  const std::string path = NewPath();
  const std::string id = client_.Create(path).session();
  UploadReply reply = client_.Fragment(path, id, 0, "hello ", 11);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.received(), "6");
  EXPECT_EQ(reply.session(), id);
  EXPECT_FALSE(FileExists(File(path)));
  reply = client_.Fragment(path, id, 6, "world", 11);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.received(), "11");
  EXPECT_EQ(reply.headers.count("bits-reply-url"), 0u);
  EXPECT_EQ(ReadFile(File(path)), "hello world");
  EXPECT_EQ(client_.Close(path, id).status, 200);
  EXPECT_EQ(ReadFile(File(path)), "hello world");
  ExpectNoTemporaries();
}

TEST_F(UploadPacketTest, OfAnOverlapOnlyWhatIsNewIsKept) {
  const std::string path = NewPath();
  const std::string id = client_.Create(path).session();
  EXPECT_EQ(client_.Fragment(path, id, 0, "0123", 10).received(), "4");
  EXPECT_EQ(client_.Fragment(path, id, 2, "XX45", 10).received(), "6");
  EXPECT_EQ(client_.Fragment(path, id, 0, "YYY", 10).received(), "6");  // all of it old
  EXPECT_EQ(client_.Fragment(path, id, 0, "ZZZZZZ6789", 10).received(), "10");
  EXPECT_EQ(ReadFile(File(path)), "0123456789");
  client_.Close(path, id);
}

TEST_F(UploadPacketTest, GapSaysWhereToGoOn) {
  const std::string path = NewPath();
  const std::string id = client_.Create(path).session();
  UploadReply reply = client_.Fragment(path, id, 3, "xyz", 10);
  EXPECT_EQ(reply.status, 416);
  EXPECT_EQ(reply.received(), "0");
  EXPECT_EQ(reply.Error(), "0x0 0x5");
  EXPECT_EQ(client_.Fragment(path, id, 0, "0123", 10).received(), "4");
  reply = client_.Fragment(path, id, 5, "5", 10);
  EXPECT_EQ(reply.status, 416);
  EXPECT_EQ(reply.received(), "4");
  EXPECT_EQ(client_.Fragment(path, id, 4, "456789", 10).received(), "10");
  EXPECT_EQ(ReadFile(File(path)), "0123456789");
  client_.Close(path, id);
}

TEST_F(UploadPacketTest, TotalIsFixedByTheFirstFragment) {
  const std::string path = NewPath();
  const std::string id = client_.Create(path).session();
  EXPECT_EQ(client_.Fragment(path, id, 0, "0123", 10).status, 200);
  const UploadReply reply = client_.Fragment(path, id, 4, "4567", 12);
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.Error(), kInvalid);
  EXPECT_EQ(client_.Fragment(path, id, 4, "456789", 10).status, 200);
  client_.Close(path, id);
}

TEST_F(UploadPacketTest, WrongRangesAreRefusedAndChangeNothing) {
  const std::string path = NewPath();
  const std::string id = client_.Create(path).session();
  for (const char* range :
       {"bytes 0-3/3", "bytes 0-4/10", "bytes 3-0/10", "bytes 0-3", "0-3/10", "bytes */10",
        "bytes 0-3/*", "bytes -1-2/10", "bytes 0x0-3/10", "bytes 0-3/99999999999999999999",
        "bytes 18446744073709551612-18446744073709551615/18446744073709551616", "bytes", "bytes  ",
        "bytes 0-3/10,4-7/10", "chars 0-3/10"}) {
    const UploadReply reply = client_.Packet(
        "Fragment", path, {{"BITS-Session-Id", id}, {"Content-Range", range}}, "0123");
    EXPECT_EQ(reply.status, 400) << range;
    EXPECT_EQ(reply.Error(), kInvalid) << range;
  }
  EXPECT_EQ(client_.Packet("Fragment", path, {{"BITS-Session-Id", id}}, "0123").Error(), kInvalid);
  EXPECT_EQ(client_.Fragment(path, id, 0, "0123", 4).status, 200);
  EXPECT_EQ(ReadFile(File(path)), "0123");
  client_.Close(path, id);
}

TEST_F(UploadPacketTest, UnknownSessionIsSessionNotFound) {
  const std::string path = NewPath();
  const std::string id = client_.Create(path).session();
  for (const std::string& unknown :
       {std::string("{a0ff0000-249b-430f-820d-3d2a9bef4931}"), std::string("x"),
        std::string(200, 'x')}) {
    for (const UploadReply& reply :
         {client_.Fragment(path, unknown, 0, "0123", 4), client_.Close(path, unknown),
          client_.Cancel(path, unknown)}) {
      EXPECT_EQ(reply.status, 500);
      EXPECT_EQ(reply.Error(), kNoSession);
    }
  }
  // A session of one URL is none of another.
  EXPECT_EQ(client_.Fragment(NewPath(), id, 0, "0123", 4).Error(), kNoSession);
  EXPECT_EQ(client_.Close("/over/x", id).Error(), kNoSession);
  EXPECT_EQ(client_.Close(path, id).status, 200);
  EXPECT_EQ(client_.Close(path, id).Error(), kNoSession);
}

TEST_F(UploadPacketTest, WhatIsNoPacketIsRefused) {
  const std::string path = NewPath();
  const auto expect_invalid = [](const UploadReply& reply, int status) {
    EXPECT_EQ(reply.status, status);
    EXPECT_EQ(reply.Error(), kInvalid);
  };
  expect_invalid(client_.Packet("Explode", path), 400);
  expect_invalid(client_.Packet("", path), 400);
  expect_invalid(client_.Ask("BITS_POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"), 400);
  expect_invalid(client_.Packet("Close-Session", path), 400);                       // no session
  expect_invalid(client_.Packet("Fragment", path, {{"Content-Range", "bytes 0-0/1"}}, "x"), 400);
  expect_invalid(client_.Packet("Ping", path, {}, "a body"), 400);
  expect_invalid(client_.Ask(absl::StrCat("BITS_POST ", path, " HTTP/1.1\r\nHost: x\r\n"
                                          "BITS-Packet-Type: Ping\r\n\r\n")), 411);
  expect_invalid(client_.Packet("Ping", path, {{"BITS-Packet-Type", "Cancel-Session"}}), 400);
  EXPECT_TRUE(client_.AwaitEnd());
  // A length of chunks is none; where they end is not looked for.
  UploadClient chunked(port_);
  expect_invalid(chunked.Ask(absl::StrCat("BITS_POST ", path, " HTTP/1.1\r\nHost: x\r\n"
                                          "BITS-Packet-Type: Fragment\r\nBITS-Session-Id: x\r\n"
                                          "Content-Range: bytes 0-0/1\r\n"
                                          "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n")),
                 411);
  EXPECT_TRUE(chunked.AwaitEnd());
  for (const std::string& nonsense :
       {std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n", 13), std::string("hello\r\n\r\n"),
        absl::StrCat("BITS_POST ", path, " HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
                     "Content-Length: 2\r\n\r\n"),
        absl::StrCat("BITS_POST ", path, " HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n")}) {
    UploadClient client(port_);
    expect_invalid(client.Ask(nonsense), 400);
    EXPECT_TRUE(client.AwaitEnd());
  }
  UploadClient old(port_);
  EXPECT_EQ(old.Ask("BITS_POST / HTTP/1.0\r\nContent-Length: 0\r\n\r\n").status, 505);
  UploadClient hostless(port_);
  expect_invalid(hostless.Ask("BITS_POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n"), 400);
}

TEST_F(UploadPacketTest, HeadersAreBounded) {
  const auto ask = [&](const UploadHeaders& headers) {
    UploadClient client(port_);
    return client.Packet("Ping", "/x", headers);
  };
  EXPECT_EQ(ask({{"X-Long", std::string(4000, 'x')}}).status, 200);
  UploadHeaders many(50, {"X-Many", "x"});
  EXPECT_EQ(ask(many).status, 200);
  many.resize(70, many.front());
  const UploadHeaders large(4, {"X-Large", std::string(4080, 'x')});
  for (const UploadHeaders& headers :
       {UploadHeaders{{"X-Long", std::string(4097, 'x')}}, many, large}) {
    const UploadReply reply = ask(headers);
    EXPECT_EQ(reply.status, 400);
    EXPECT_EQ(reply.Error(), kInvalid);
  }
  UploadClient endless(port_);
  EXPECT_EQ(endless.Ask("BITS_POST /" + std::string(20000, 'x')).status, 400);
}

TEST_F(UploadPacketTest, CloseBeforeTheEndDeletesTheUpload) {
  const std::string path = NewPath();
  const std::string id = client_.Create(path).session();
  client_.Fragment(path, id, 0, "0123", 10);
  EXPECT_FALSE(Temporaries().empty());
  EXPECT_EQ(client_.Close(path, id).status, 200);
  EXPECT_FALSE(FileExists(File(path)));
  ExpectNoTemporaries();
  EXPECT_EQ(client_.Fragment(path, id, 4, "456789", 10).Error(), kNoSession);
}

TEST_F(UploadPacketTest, CancelDeletesTheUploadButNotOneThatWasDelivered) {
  const std::string path = NewPath();
  std::string id = client_.Create(path).session();
  client_.Fragment(path, id, 0, "0123", 10);
  EXPECT_EQ(client_.Cancel(path, id).status, 200);
  ExpectNoTemporaries();
  EXPECT_EQ(client_.Cancel(path, id).Error(), kNoSession);
  id = client_.Create(path).session();
  client_.Fragment(path, id, 0, "0123", 4);
  EXPECT_EQ(client_.Cancel(path, id).status, 200);
  EXPECT_EQ(ReadFile(File(path)), "0123");
}

TEST_F(UploadPacketTest, FileThatExistsIsRefusedUnlessItMayBeOverwritten) {
  const std::string path = NewPath();
  WriteFile(File(path), "old");
  UploadReply reply = client_.Create(path);
  EXPECT_EQ(reply.status, 403);
  EXPECT_EQ(reply.Error(), kDenied);
  // One that appears meanwhile is not replaced either, and the upload not lost.
  std::filesystem::remove(File(path));
  const std::string id = client_.Create(path).session();
  client_.Fragment(path, id, 0, "01", 4);
  WriteFile(File(path), "old");
  reply = client_.Fragment(path, id, 2, "23", 4);
  EXPECT_EQ(reply.status, 403);
  EXPECT_EQ(reply.Error(), kDenied);
  EXPECT_EQ(ReadFile(File(path)), "old");
  std::filesystem::remove(File(path));
  EXPECT_EQ(client_.Fragment(path, id, 2, "23", 4).status, 200);
  EXPECT_EQ(ReadFile(File(path)), "0123");
  client_.Close(path, id);

  std::filesystem::create_directory(File("/over"));
  WriteFile(File("/over/x"), "old");
  const std::string other = client_.Create("/over/x").session();
  EXPECT_EQ(client_.Fragment("/over/x", other, 0, "new!", 4).status, 200);
  EXPECT_EQ(ReadFile(File("/over/x")), "new!");
  client_.Close("/over/x", other);
}

TEST_F(UploadPacketTest, NamesMustBeFilesBeneathTheDirectoryOfTheirLocation) {
  std::filesystem::create_directory(File("/a-directory"));
  std::filesystem::create_symlink("/etc/passwd", File("/a-link"));
  std::filesystem::create_symlink("/tmp", File("/out"));
  struct Case {
    std::string path;
    int status;
  };
  for (const Case& c : std::vector<Case>{{"/", 400},
                                         {"/a-directory", 400},
                                         {"/a-directory/", 400},
                                         {"/../x", 400},
                                         {"/a/%2e%2e/x", 400},
                                         {"/a%2fb", 400},
                                         {"/a%00b", 400},
                                         {"/a%0ab", 400},
                                         {"/a%zz", 400},
                                         {"/a%2", 400},
                                         {"/.BIT-up-x", 400},
                                         {"/.BIT-reply/x", 400},
                                         {"/over", 400},
                                         {"/over/", 400},
                                         {"relative", 400},
                                         {"/" + std::string(300, 'x'), 400},
                                         {"/a-link", 403},
                                         {"/out/x", 403}}) {
    UploadClient client(port_);
    const UploadReply reply = client.Create(c.path);
    EXPECT_EQ(reply.status, c.status) << c.path;
    EXPECT_EQ(reply.Error(), c.status == 400 ? kInvalid : kDenied) << c.path;
  }
}

TEST_F(UploadPacketTest, UrlIsDecodedAndTheLongestPathWins) {
  const auto upload = [&](const std::string& path) {
    const std::string id = client_.Create(path).session();
    EXPECT_EQ(client_.Fragment(path, id, 0, "x", 1).status, 200) << path;
    EXPECT_EQ(client_.Close(path, id).status, 200);
  };
  upload("/sp%20ace/%C3%A4.txt?query=1");
  EXPECT_EQ(ReadFile(File("/sp ace/\xC3\xA4.txt")), "x");
  upload("http://127.0.0.1/absolute.txt");
  EXPECT_EQ(ReadFile(File("/absolute.txt")), "x");
  upload("/over/one");
  EXPECT_EQ(ReadFile(File("/over/one")), "x");
  upload("/over/deep/one");
  EXPECT_EQ(ReadFile(File("/deep/one")), "x");
  upload("/overt");
  EXPECT_EQ(ReadFile(File("/overt")), "x");
  // No second way to the same file, past the rules of its location.
  for (const std::string past : {"//over/past", "/over//past", "/over//deep/past", "//deep/past"}) {
    EXPECT_EQ(client_.Create(past).status, 400) << past;
  }
}

TEST_F(UploadPacketTest, LastFragmentAgainIsAnsweredAsBefore) {
  const std::string path = NewPath();
  const std::string id = client_.Create(path).session();
  client_.Fragment(path, id, 0, "01", 4);
  client_.Fragment(path, id, 2, "23", 4);
  WriteFile(File(path), "used by somebody since");
  UploadClient again(port_);
  EXPECT_EQ(again.Packet("Ping", path).status, 200);
  const UploadReply reply = again.Fragment(path, id, 2, "23", 4);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.received(), "4");
  EXPECT_EQ(ReadFile(File(path)), "used by somebody since");
  EXPECT_EQ(again.Close(path, id).status, 200);
}

TEST_F(UploadPacketTest, EmptyFileIsARangeOfNothing) {
  const std::string path = NewPath();
  const std::string id = client_.Create(path).session();
  const UploadReply reply = client_.Packet(
      "Fragment", path, {{"BITS-Session-Id", id}, {"Content-Range", "bytes */0"}});
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.received(), "0");
  EXPECT_EQ(ReadFile(File(path)), "");
  EXPECT_EQ(client_.Close(path, id).status, 200);
}

TEST_F(UploadPacketTest, OtherMethodsAndPathsAreRefused) {
  EXPECT_EQ(client_.Get("/x").status, 404);
  EXPECT_EQ(client_.Get("/.BIT-reply/a0ff0000-249b-430f-820d-3d2a9bef4931").status, 404);
  EXPECT_EQ(client_.Get("/x", {}, "HEAD").status, 404);
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "BITS_POSTS", "bits_post"}) {
    const UploadReply reply = client_.Get("/x", {{"Content-Length", "0"}}, method);
    EXPECT_EQ(reply.status, 405) << method;
    EXPECT_EQ(reply.Header("allow"), "BITS_POST, GET, HEAD");
  }
}

TEST_F(UploadPacketTest, ExpectContinueIsAnsweredBeforeTheBody) {
  const std::string path = NewPath();
  const std::string id = client_.Create(path).session();
  UploadHeaders headers = FragmentHeaders(id, 0, 4, 4);
  headers.emplace_back("Expect", "100-continue");
  UploadReply reply = client_.Ask(PacketText("Fragment", path, headers, 4));
  EXPECT_EQ(reply.status, 100);
  reply = client_.Ask("0123");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(ReadFile(File(path)), "0123");
  EXPECT_EQ(client_.Close(path, id).status, 200);
  // Where the body is of no use it is not asked for.
  UploadClient refused(port_);
  reply = refused.Ask(PacketText("Fragment", path, headers, 4));
  EXPECT_EQ(reply.Error(), kNoSession);
  EXPECT_EQ(reply.Header("connection"), "close");
  EXPECT_TRUE(refused.AwaitEnd());
}

TEST_F(UploadPacketTest, RequestsMayComeAtOnceAndInPieces) {
  const std::string path = NewPath();
  const std::string id = client_.Create(path).session();
  const std::string all = absl::StrCat(
      PacketText("Ping", path, {}, 0), PacketText("Fragment", path, FragmentHeaders(id, 0, 2, 4), 2),
      "01", "\r\n", PacketText("Fragment", path, FragmentHeaders(id, 3, 1, 4), 1), "X",
      PacketText("Fragment", path, FragmentHeaders(id, 2, 2, 4), 2), "23",
      PacketText("Close-Session", path, {{"BITS-Session-Id", id}}, 0));
  ASSERT_TRUE(client_.Send(all));
  for (const int status : {200, 200, 416, 200, 200}) EXPECT_EQ(client_.Receive().status, status);
  EXPECT_EQ(ReadFile(File(path)), "0123");
  for (const char c : PacketText("Ping", path, {}, 0)) ASSERT_TRUE(client_.Send({&c, 1}));
  EXPECT_EQ(client_.Receive().status, 200);
}

TEST_F(UploadPacketTest, NewConnectionTakesTheSessionFromADeadOneAndKeepsWhatCame) {
  const std::string path = NewPath();
  const std::string id = client_.Create(path).session();
  UploadClient dead(port_);
  ASSERT_TRUE(dead.Send(PacketText("Fragment", path, FragmentHeaders(id, 0, 10, 10), 10) + "0123"));
  // Still open, and nothing comes. Until its bytes are there this is a gap, and then none.
  UploadReply reply;
  for (int i = 0; i < 100 && reply.status != 200; ++i) {
    UploadClient alive(port_);
    reply = alive.Fragment(path, id, 4, "456789", 10);
    if (reply.status == 416) {
      ASSERT_EQ(reply.received(), "0");
      UploadClient first(port_);
      ASSERT_EQ(first.Fragment(path, id, 0, "0123", 10).status, 200);
    }
  }
  EXPECT_EQ(reply.status, 200);
  EXPECT_TRUE(dead.AwaitEnd());
  EXPECT_EQ(ReadFile(File(path)), "0123456789");
  client_.Close(path, id);
}

TEST_F(UploadPacketTest, SecretsOfUrlsAreNotInTheLog) {
  const std::string path = NewPath() + "?token=verysecret";
  const std::string id = client_.Create(path).session();
  client_.Fragment(path, id, 0, "01", 2);
  client_.Close(path, id);
  client_.Get("/x?token=verysecret");
  const std::string log = bitsd_->process().Log();
  EXPECT_THAT(log, HasSubstr("upload session created"));
  EXPECT_THAT(log, HasSubstr("upload delivered"));
  EXPECT_THAT(log, Not(HasSubstr("verysecret")));
}

}  // namespace
}  // namespace bits::testing

// What can go wrong, and the code, context and text that each gives.

#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "tests/integration/transfer/engine_fixture.h"
#include "tests/support/listener.h"

namespace bits::transfer {
namespace {

using domain::ErrorContext;
using domain::FromHttpStatus;
using domain::FromWin32;
using testing::Behavior;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::MakeContent;
using ::testing::Not;

constexpr size_t kSize = 2'000'000;

class FailureTest : public EngineTest {
 protected:
  void Put(Behavior behavior) { origin_->Put("/f", content_, std::move(behavior)); }
  std::shared_ptr<RecordingObserver> ExpectFailedAt(const std::string& url,
                                                    domain::Hresult hresult) {
    return ExpectFailed(Spec(url), hresult);
  }
  const std::string content_ = MakeContent(kSize, 1);
};

TEST_F(FailureTest, HttpStatuses) {
  for (int status : {201, 204, 300, 304, 305, 400, 401, 403, 404, 407,
                     409, 410, 412, 416, 429, 500, 501, 502, 503, 504}) {
    Put({.status = status});
    auto observer = ExpectFailed(Spec(), FromHttpStatus(static_cast<uint32_t>(status)));
    EXPECT_EQ(observer->failure().http_status, static_cast<uint32_t>(status));
    EXPECT_EQ(observer->failure().retry_after, std::nullopt);
    EXPECT_THAT(observer->log(), ElementsAre("failed"));
  }
  EXPECT_FALSE(testing::FileExists(Spec().file.temporary_path));
  EXPECT_LE(origin_->connections(), 2u);  // a body of no interest does not cost the connection
}

TEST_F(FailureTest, StatusesThatAreNone) {
  Put({.raw = "HTTP/1.1 999 Denied\r\nContent-Length: 0\r\n\r\n"});
  auto observer = ExpectFailed(Spec(), domain::kInvalidHttpResponse);
  EXPECT_EQ(observer->failure().http_status, 999u);
}

TEST_F(FailureTest, AnErrorPageWithoutEnd) {
  Put({.raw = "HTTP/1.1 500 Bad\r\n\r\n" + std::string(10'000'000, 'x')});
  ExpectFailed(Spec(), FromHttpStatus(500));
}

TEST_F(FailureTest, AnErrorPageThatStalls) {
  options_.stall_timeout = absl::Milliseconds(100);
  origin_->Put("/f", content_, {.headers = {}, .raw = "", .stall_after = 10});
  origin_->Change("/f", [](testing::Resource& r) {
    r.behavior.status = 404;
    r.behavior.stall_after = 1;
  });
  ExpectFailed(Spec(), FromHttpStatus(404));
}

TEST_F(FailureTest, RetryAfter) {
  Put({.status = 503, .headers = {{"Retry-After", "120"}}});
  auto observer = ExpectFailed(Spec(), FromHttpStatus(503));
  EXPECT_EQ(observer->failure().retry_after, absl::Seconds(120));
  Put({.status = 429,
       .headers = {
           {"Retry-After", absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT",
                                            clock_.Now() + absl::Hours(1), absl::UTCTimeZone())}}});
  observer = ExpectFailed(Spec(), FromHttpStatus(429));
  ASSERT_TRUE(observer->failure().retry_after.has_value());
  EXPECT_LE(*observer->failure().retry_after, absl::Hours(1));
  EXPECT_GT(*observer->failure().retry_after, absl::Minutes(59));
  Put({.status = 503, .headers = {{"Retry-After", "soon"}}});
  observer = ExpectFailed(Spec(), FromHttpStatus(503));
  EXPECT_EQ(observer->failure().retry_after, std::nullopt);
}

TEST_F(FailureTest, RemoteNamesThatAreNone) {
  ExpectFailedAt("nonsense", domain::kInvalidUrl);
  ExpectFailedAt("http://", domain::kInvalidUrl);
  ExpectFailedAt("http://host:99999/", domain::kInvalidUrl);
  ExpectFailedAt("ftp://host/file", domain::kUnrecognizedScheme);
  ExpectFailedAt("gopher://host/file", domain::kUnrecognizedScheme);
  ExpectFailedAt("nosuchscheme://host/file", domain::kUnrecognizedScheme);
}

TEST_F(FailureTest, NameNotResolved) {
  auto observer = ExpectFailedAt("http://user:secret@no-such-host.invalid/f?sig=secret",
                                 domain::kNameNotResolved);
  EXPECT_THAT(observer->failure().detail, Not(HasSubstr("secret")));
  EXPECT_THAT(observer->failure().detail, HasSubstr("no-such-host.invalid"));
  EXPECT_EQ(observer->failure().http_status, 0u);
}

TEST_F(FailureTest, ConnectionRefused) {
  auto dead = testing::ReserveDeadPort().value();
  ExpectFailedAt("http://127.0.0.1:" + std::to_string(dead.port) + "/f", domain::kCannotConnect);
}

TEST_F(FailureTest, ConnectionsThatAreNotTaken) {
  // One connection waits to be accepted, and there is room for no other.
  auto full = testing::ReserveDeadPort().value();
  ASSERT_EQ(::listen(full.fd.get(), 0), 0);
  auto waiting = testing::ConnectToLoopback(full.port);
  BITS_ASSERT_OK(waiting);
  options_.connect_timeout = absl::Milliseconds(200);
  ExpectFailedAt("http://127.0.0.1:" + std::to_string(full.port) + "/f", domain::kConnectTimeout);
}

TEST_F(FailureTest, ATlsHandshakeThatIsNotAnswered) {
  auto silent = testing::ListenOnLoopback().value();
  options_.connect_timeout = absl::Milliseconds(200);
  ExpectFailedAt("https://127.0.0.1:" + std::to_string(silent.port) + "/f",
                 domain::kConnectTimeout);
}

TEST_F(FailureTest, NoAnswer) {
  options_.stall_timeout = absl::Milliseconds(150);
  Put({.stall_before_head = true});
  auto observer = ExpectFailed(Spec(), domain::kConnectTimeout);
  EXPECT_EQ(observer->failure().http_status, 0u);
}

TEST_F(FailureTest, AStallInTheMiddle) {
  options_.stall_timeout = absl::Milliseconds(300);
  Put({.stall_after = 1'000'000});
  auto observer = ExpectFailed(Spec(), domain::kConnectTimeout);
  EXPECT_EQ(observer->failure().http_status, 200u);
  EXPECT_THAT(observer->failure().detail, HasSubstr("1000000 of 2000000"));
  EXPECT_EQ(observer->Recorded().bytes_transferred, 1'000'000u);
  EXPECT_TRUE(TemporaryContent() == content_.substr(0, 1'000'000));
}

TEST_F(FailureTest, ATransferThatCrawlsIsNoStall) {
  options_.stall_timeout = absl::Milliseconds(400);
  origin_->Put("/f", MakeContent(60, 1), {.bytes_per_second = 40});
  ExpectTransferred(Spec(), MakeContent(60, 1));
}

TEST_F(FailureTest, CutOff) {
  for (Behavior::Framing framing :
       {Behavior::Framing::kContentLength, Behavior::Framing::kChunked}) {
    Put({.framing = framing, .cut_after = 1'000'000});
    auto observer = ExpectFailed(Spec(), domain::kConnectionError);
    EXPECT_EQ(observer->Recorded().bytes_transferred, 1'000'000u);
    EXPECT_EQ(observer->failure().http_status, 200u);
    EXPECT_THAT(observer->log().back(), "failed");
  }
}

TEST_F(FailureTest, RoomThatWasReservedGoesWithTheTry) {
  options_.reserve_from = 1000;
  Put({.cut_after = 100'000});
  const app::TransferSpec spec = Spec();
  ExpectFailed(spec, domain::kConnectionError);
  struct stat info {};
  ASSERT_EQ(::stat(spec.file.temporary_path.c_str(), &info), 0);
  EXPECT_EQ(info.st_size, 100'000);
  EXPECT_LT(info.st_blocks * 512, 200'000) << "of 2,000,000 that were expected";
}

TEST_F(FailureTest, Reset) {
  Put({.cut_after = 1'000'000, .reset = true});
  ExpectFailed(Spec(), domain::kConnectionError);
  Put({.framing = Behavior::Framing::kUntilClose, .cut_after = 1'000'000, .reset = true});
  ExpectFailed(Spec(), domain::kConnectionError);
}

TEST_F(FailureTest, LessThanPromised) {
  Put({.length_lie = 1000});
  auto observer = ExpectFailed(Spec(), domain::kConnectionError);
  EXPECT_THAT(observer->failure().detail, HasSubstr("2000000 of 2001000"));
  EXPECT_EQ(observer->Recorded().bytes_total, 2'001'000u);
}

TEST_F(FailureTest, WhatIsNoHttp) {
  for (const char* raw : {"SSH-2.0-OpenSSH_9.2\r\n", "\r\n\r\n", "HTTP/1.1 200 OK\r\nno colon",
                          "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
                          "HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\nhello",
                          "HTTP/1.1 206 Partial\r\nContent-Length: 5\r\n"
                          "Content-Range: bytes 0-4/5\r\n\r\nhello"}) {
    SCOPED_TRACE(raw);
    Put({.raw = raw});
    auto observer = Run(Spec());
    EXPECT_EQ(observer->Wait(), End::kFailed);
    EXPECT_THAT(domain::SymbolOf(observer->failure().hresult),
                ::testing::AnyOf(domain::SymbolOf(domain::kInvalidHttpResponse),
                                 domain::SymbolOf(domain::kConnectionError)))
        << observer->failure().detail;
    EXPECT_THAT(observer->checkpoints(), IsEmpty());
  }
}

TEST_F(FailureTest, ACodedBody) {
  Put({.content_encoding = "gzip"});
  ExpectFailed(Spec(), domain::kInvalidServerResponse);
  Put({.content_encoding = "identity"});
  ExpectTransferred(Spec(), content_);
}

TEST_F(FailureTest, TransferCodings) {
  const auto answer = [](const std::string& coding) {
    return "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nTransfer-Encoding: " + coding +
           "\r\n\r\nhello";
  };
  for (const char* coding : {"gzip", "gzip, chunked", "chunked, chunked", "x"}) {
    SCOPED_TRACE(coding);
    Put({.raw = answer(coding)});
    ExpectFailed(Spec(), domain::kInvalidServerResponse);
  }
  // None, in the words of older servers: the length holds.
  Put({.raw = answer("identity")});
  ExpectFailed(Spec(), domain::kConnectionError);
  Put({.headers = {{"Transfer-Encoding", "identity"}}});
  ExpectTransferred(Spec(), content_);
}

// What a server sends on an idle connection (a 408, or worse) answers no later request.
TEST_F(FailureTest, WhatCameUnaskedIsNoAnswer) {
  for (const char* unasked :
       {"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL", "x"}) {
    SCOPED_TRACE(unasked);
    Put({});
    ExpectTransferred(Spec(), content_);
    const uint64_t before = origin_->connections();
    origin_->SendUnasked(unasked);
    origin_->Put("/other", "other");
    for (int i = 0; i < 3; ++i) {
      ExpectTransferred(Spec(origin_->Url("/other"), "other" + std::to_string(i)), "other");
    }
    EXPECT_EQ(origin_->connections(), before + 1) << "one is left, one is shared";
  }
}

TEST_F(FailureTest, Certificates) {
  auto secure = testing::OriginServer::Start({.tls = true}).value();
  secure->Put("/f", content_);
  auto observer = ExpectFailedAt(secure->Url("/f"), domain::kSecureFailure);
  EXPECT_THAT(observer->failure().detail, HasSubstr("certificate"));

  DropEngine();
  testing::WriteFile(dir_ / "ca.pem", secure->ca_pem());
  options_.ca_file = dir_ / "ca.pem";
  ExpectTransferred(Spec(secure->Url("/f")), content_);
  ExpectTransferred(Spec("https://localhost:" + std::to_string(secure->port()) + "/f"), content_);

  secure->Put("/f", content_, {.framing = Behavior::Framing::kUntilClose});
  ExpectTransferred(Spec(secure->Url("/f")), content_);
  // The end of the connection is not the end of the body: nobody signed it.
  secure->Put("/f", content_, {.framing = Behavior::Framing::kUntilClose, .cut_after = 1'000'000});
  ExpectFailedAt(secure->Url("/f"), domain::kConnectionError);
}

TEST_F(FailureTest, PlainHttpWhereTlsIsExpected) {
  auto plain = testing::ListenOnLoopback().value();
  std::thread server([&] {
    UniqueFd connection(::accept(plain.fd.get(), nullptr, nullptr));
    const std::string answer = "HTTP/1.0 400 Bad Request\r\n\r\n";
    EXPECT_GT(::send(connection.get(), answer.data(), answer.size(), MSG_NOSIGNAL), 0);
    char byte = 0;
    while (::recv(connection.get(), &byte, 1, 0) > 0) {
    }
  });
  ExpectFailedAt("https://127.0.0.1:" + std::to_string(plain.port) + "/f", domain::kSecureFailure);
  server.join();
}

TEST_F(FailureTest, LocalNames) {
  origin_->Put("/f", "x");
  const auto expect = [&](const std::string& temporary, domain::Hresult hresult) {
    app::TransferSpec spec = Spec();
    spec.file.temporary_path = temporary;
    ExpectFailed(spec, hresult, ErrorContext::kLocalFile);
  };
  std::filesystem::create_directory(dir_ / "directory");
  testing::WriteFile(dir_ / "file", "");
  std::filesystem::create_symlink("/etc/passwd", dir_ / "link");
  expect(dir_ / "directory", domain::kAccessDenied);
  expect(dir_ / "file/below", FromWin32(267));
  expect(dir_ / "link", domain::kAccessDenied);
  expect("/etc/elsewhere", domain::kAccessDenied);
}

class FullDiskTest : public FailureTest {
 protected:
  FullDiskTest() {
    std::filesystem::create_directory(mount_);
    mounted_ = ::mount("none", mount_.c_str(), "tmpfs", 0, "size=1m") == 0;
    files_ = platform::PosixFileSystem::Open({mount_}).value();
  }
  ~FullDiskTest() override {
    DropEngine();
    files_ = nullptr;
    ::umount2(mount_.c_str(), MNT_DETACH);
  }
  app::TransferSpec SpecThere() const {
    app::TransferSpec spec = Spec();
    spec.file.temporary_path = mount_ + "/file";
    return spec;
  }
  const std::string mount_ = dir_ / "small";
  bool mounted_ = false;
};

TEST_F(FullDiskTest, IsToldBeforeTheTransfer) {
  if (!mounted_) GTEST_SKIP() << "cannot mount a tmpfs: not root";
  options_.reserve_from = 1000;
  Put({.stall_after = 0});
  auto observer = ExpectFailed(SpecThere(), domain::kDiskFull, ErrorContext::kLocalFile);
  EXPECT_THAT(observer->log(), ElementsAre("arrive", "failed"));
}

TEST_F(FullDiskTest, IsToldWhenItHappens) {
  if (!mounted_) GTEST_SKIP() << "cannot mount a tmpfs: not root";
  Put({.framing = Behavior::Framing::kChunked});
  auto observer = ExpectFailed(SpecThere(), domain::kDiskFull, ErrorContext::kLocalFile);
  // What had found room is kept.
  const uint64_t kept = observer->Recorded().bytes_transferred;
  EXPECT_GT(kept, 0u);
  EXPECT_TRUE(testing::ReadFile(mount_ + "/file").substr(0, kept) == content_.substr(0, kept));
}

class RedirectTest : public FailureTest {
 protected:
  void Redirect(const std::string& path, const std::string& to, int status = 302) {
    origin_->Put(path, "", {.status = status, .headers = {{"Location", to}}});
  }
};

TEST_F(RedirectTest, AreFollowed) {
  Put({});
  for (int status : {301, 302, 303, 307, 308}) {
    Redirect("/a", "/b?query=1 2", status);
    Redirect("/b", "f", status);
    ExpectTransferred(Spec(origin_->Url("/a")), content_);
  }
  Redirect("/a", origin_->Url("/f"));
  ExpectTransferred(Spec(origin_->Url("/a")), content_);
  EXPECT_EQ(origin_->Requests("/b").back().target, "/b?query=1%202");
}

TEST_F(RedirectTest, KeepTheRange) {
  Put({});
  Redirect("/a", "/f");
  app::TransferSpec spec = Resume(content_, 1000);  // the validators are of where it leads
  spec.file.remote_name = origin_->Url("/a");
  ExpectTransferred(spec, content_);
  EXPECT_EQ(origin_->Requests("/f").at(0).Header("range"), "bytes=1000-");
  EXPECT_EQ(origin_->Requests("/f").at(0).Header("if-range"), "\"v1\"");
}

TEST_F(RedirectTest, AreLimited) {
  Put({});
  for (int i = 0; i < 10; ++i) {
    Redirect("/" + std::to_string(i), i == 9 ? "/f" : "/" + std::to_string(i + 1));
  }
  ExpectTransferred(Spec(origin_->Url("/0")), content_);
  Redirect("/more", "/0");
  ExpectFailedAt(origin_->Url("/more"), domain::kRedirectFailed);
  Redirect("/loop", "/loop");
  ExpectFailedAt(origin_->Url("/loop"), domain::kRedirectFailed);
  EXPECT_EQ(origin_->RequestCount("/loop"), 11u);
}

TEST_F(RedirectTest, LeadOnlyToHttp) {
  for (const char* target : {"file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://x/",
                             "http://:80/", "http://127.0.0.1:99999/"}) {
    Redirect("/a", target);
    auto observer = ExpectFailedAt(origin_->Url("/a"), domain::kRedirectFailed);
    EXPECT_EQ(observer->failure().http_status, 302u);
  }
  Redirect("/a", "");
  ExpectFailedAt(origin_->Url("/a"), FromHttpStatus(302));
}

TEST_F(RedirectTest, DoNotLeaveTls) {
  auto secure = testing::OriginServer::Start({.tls = true}).value();
  testing::WriteFile(dir_ / "ca.pem", secure->ca_pem());
  options_.ca_file = dir_ / "ca.pem";
  Put({});
  secure->Put("/f", content_);
  secure->Put("/down", "", {.status = 302, .headers = {{"Location", origin_->Url("/f?token=x")}}});
  auto observer = ExpectFailedAt(secure->Url("/down"), domain::kHttpsToHttpRedirect);
  EXPECT_THAT(observer->failure().detail, Not(HasSubstr("token")));
  EXPECT_EQ(origin_->RequestCount("/f"), 0u);
  Redirect("/up", secure->Url("/f"));
  ExpectTransferred(Spec(origin_->Url("/up")), content_);
}

TEST_F(RedirectTest, DoNotCarryCredentialsElsewhere) {
  auto other = testing::OriginServer::Start().value();
  other->Put("/f", content_);
  Put({});
  Redirect("/here", "/f");
  Redirect("/there", other->Url("/f"));
  const auto url = [&](const std::string& path) {
    return "http://user:pass@127.0.0.1:" + std::to_string(origin_->port()) + path;
  };
  ExpectTransferred(Spec(url("/here")), content_);
  EXPECT_EQ(origin_->Requests("/here").at(0).Header("authorization"), "Basic dXNlcjpwYXNz");
  EXPECT_EQ(origin_->Requests("/f").at(0).Header("authorization"), "Basic dXNlcjpwYXNz");
  ExpectTransferred(Spec(url("/there")), content_);
  EXPECT_EQ(other->Requests("/f").at(0).Header("authorization"), "");
}

TEST_F(RedirectTest, ABodyAlongWithARedirectIsIgnored) {
  Put({});
  origin_->Put("/a", "",
               {.raw = "HTTP/1.1 302 Found\r\nLocation: /f\r\n\r\n" + std::string(1'000'000, 'x')});
  ExpectTransferred(Spec(origin_->Url("/a")), content_);
}

class ChecksumTest : public FailureTest {
 protected:
  app::TransferSpec With(domain::ChecksumAlgorithm algorithm, const std::string& hex) const {
    app::TransferSpec spec = Spec();
    spec.file.checksum = domain::Checksum{algorithm, hex};
    return spec;
  }
};

TEST_F(ChecksumTest, Match) {
  using enum domain::ChecksumAlgorithm;
  origin_->Put("/f", "123456789");
  ExpectTransferred(
      With(kSha256, "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"),
      "123456789");
  ExpectTransferred(With(kSha512,
                         "d9e6762dd1c8eaf6d61b3c6192fc408d4d6d5f1176d0c29169bc24e71c3f274a"
                         "d27fcd5811b313d681f7e55ec02d73d499c95455b6b5bb503acf574fba8ffe85"),
                    "123456789");
  ExpectTransferred(With(kMd5, "25f9e794323b453885f5181f1b624d0b"), "123456789");
  ExpectTransferred(With(kCrc32c, "e3069283"), "123456789");
  origin_->Put("/f", "");
  ExpectTransferred(With(kMd5, "d41d8cd98f00b204e9800998ecf8427e"), "");
}

TEST_F(ChecksumTest, Mismatch) {
  Put({});
  auto observer = ExpectFailed(With(domain::ChecksumAlgorithm::kCrc32c, "00000000"),
                               domain::kValidationFailed, ErrorContext::kLocalFile);
  EXPECT_THAT(observer->failure().detail, HasSubstr("crc32c"));
}

TEST_F(ChecksumTest, IsOfWhatIsInTheFile) {
  // What an earlier try left there is not what it fetched.
  Put({});
  app::TransferSpec good = Resume(content_, 1'000'000);
  good.file.checksum = domain::Checksum{domain::ChecksumAlgorithm::kCrc32c, "00000000"};
  ExpectFailed(good, domain::kValidationFailed, ErrorContext::kLocalFile);
}

TEST_F(ChecksumTest, AStopWhileItIsComputed) {
  const std::string large = MakeContent(size_t{64} << 20, 1);
  app::TransferSpec spec = Resume(large, large.size());
  spec.file.checksum = domain::Checksum{domain::ChecksumAlgorithm::kSha512, std::string(128, '0')};
  auto observer = Begin(spec);
  engine().Stop(last_id());
  EXPECT_THAT(observer->Wait(), ::testing::AnyOf(End::kStopped, End::kFailed));
}

}  // namespace
}  // namespace bits::transfer

// Checksum files (ours): the digest of a file stands in another, beside it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "tests/conformance/harness/world.h"
#include "tests/support/status_matchers.h"

namespace bits::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using v1::Job;

constexpr size_t kSize = 200'000;
const char* const kPath = "/pub/my%20file.iso";
const char* const kSums = "/pub/SHA256SUMS";

std::string HexOf(const std::string& content) {
  std::string digest(32, '\0');
  size_t size = digest.size();
  EXPECT_EQ(EVP_Q_digest(nullptr, "SHA256", nullptr, content.data(), content.size(),
                         reinterpret_cast<unsigned char*>(digest.data()), &size),
            1);
  return absl::BytesToHexString(digest);
}

class Sidecar : public ::testing::Test {
 protected:
  Sidecar() {
    origin_->Put(kPath, content_);
    origin_->Put(kSums, hex_ + "  my file.iso\n");
  }

  FileSpec File() const { return FileOf(origin_->Url(kSums)); }
  FileSpec FileOf(const std::string& uri) const {
    FileSpec file{.url = origin_->Url(kPath)};
    file.checksum.emplace().set_algorithm(v1::Checksum::ALGORITHM_SHA256);
    file.checksum->set_uri(uri);
    return file;
  }
  void ExpectTransferred(const std::string& job) { ExpectTransferred(job, content_); }
  void ExpectTransferred(const std::string& job, const std::string& content) {
    BITS_ASSERT_OK(world_.bitsd.Await(job, Job::STATE_TRANSFERRED));
    EXPECT_EQ(world_.bitsd.GetFile(job)->checksum().hex(), HexOf(content));
    BITS_ASSERT_ACCEPTED(world_.bitsd.Complete(job));
    EXPECT_TRUE(ReadFileOr(world_.bitsd.PathOf(job), "-") == content);
  }
  v1::Error ErrorOf(const std::string& job, Job::State state) {
    EXPECT_TRUE(world_.bitsd.Await(job, state).ok());
    return *world_.bitsd.GetError(job);
  }

  World& world_ = SharedWorld();
  const std::unique_ptr<OriginServer> origin_ = *OriginServer::Start();
  const std::string content_ = MakeContent(kSize, 1);
  const std::string other_ = MakeContent(kSize, 2);
  const std::string hex_ = HexOf(content_);
  const std::string other_hex_ = HexOf(other_);
};

TEST_F(Sidecar, IsReadInTheFormatsThatPeoplePublish) {
  for (const std::string& text :
       {hex_, absl::AsciiStrToUpper(hex_) + "\r\n", hex_ + "  whatever\n",
        other_hex_ + "  other.iso\n" + hex_ + " *./pub/my file.iso\n",
        "SHA256 (other.iso) = " + other_hex_ + "\nSHA256 (my file.iso) = " + hex_ + "\n"}) {
    origin_->Put(kSums, text);
    const std::string job = world_.bitsd.Create({.files = {File()}});
    ExpectTransferred(job);
    EXPECT_EQ(world_.bitsd.GetFile(job)->checksum().uri(), origin_->Url(kSums));
  }
}

TEST_F(Sidecar, IsAskedBeforeTheFileAndSaysWhatTheContentMustBe) {
  origin_->Put(kSums, other_hex_);
  const std::string job = world_.bitsd.Create({.files = {File()}});
  const v1::Error error = ErrorOf(job, Job::STATE_ERROR);
  EXPECT_EQ(error.code(), "BG_E_VALIDATION_FAILED");
  EXPECT_EQ(error.context(), v1::ERROR_CONTEXT_LOCAL_FILE);
  EXPECT_THAT(error.description(), HasSubstr(other_hex_));
  EXPECT_EQ(world_.bitsd.GetFile(job)->progress().bytes_transferred(), 0u);
  EXPECT_EQ(world_.bitsd.GetFile(job)->checksum().hex(), "");
  // It is mended, and asked again.
  origin_->Put(kSums, hex_);
  BITS_ASSERT_ACCEPTED(world_.bitsd.Resume(job));
  ExpectTransferred(job);
  EXPECT_EQ(origin_->RequestCount(kSums), 2u);
}

TEST_F(Sidecar, ThatCannotBeHadIsAnErrorOfTheFile) {
  origin_->Put(kSums, "", {.status = 404});
  const std::string gone = world_.bitsd.Create({.files = {File()}});
  const v1::Error error = ErrorOf(gone, Job::STATE_ERROR);
  EXPECT_EQ(error.code(), "BG_E_HTTP_ERROR_404");
  EXPECT_EQ(error.http_status(), 404u);
  EXPECT_EQ(error.context(), v1::ERROR_CONTEXT_REMOTE_FILE);
  EXPECT_EQ(error.remote_name(), origin_->Url(kPath));
  EXPECT_THAT(error.description(), HasSubstr("checksum file " + origin_->Url(kSums)));
  EXPECT_EQ(origin_->RequestCount(kPath), 0u);

  origin_->Put(kSums, "", {.status = 503});
  const std::string busy = world_.bitsd.Create({.files = {File()}});
  EXPECT_TRUE(ErrorOf(busy, Job::STATE_TRANSIENT_ERROR).transient());
  origin_->Put(kSums, hex_);
  BITS_ASSERT_ACCEPTED(world_.bitsd.Resume(busy));
  ExpectTransferred(busy);
}

TEST_F(Sidecar, HostThatIsDownHoldsNobodyElse) {
  std::unique_ptr<OriginServer> down = *OriginServer::Start();
  const std::string uri = down->Url("/sums");
  down.reset();
  const std::string job = world_.bitsd.Create({.files = {FileOf(uri)}});
  EXPECT_EQ(ErrorOf(job, Job::STATE_TRANSIENT_ERROR).code(), "ERROR_WINHTTP_CANNOT_CONNECT");
  const std::string other = world_.bitsd.Fetch(origin_->Url(kPath));
  BITS_ASSERT_OK(world_.bitsd.Await(other, Job::STATE_TRANSFERRED));
  EXPECT_TRUE(world_.bitsd.watch().StatesOf(other) ==
              (std::vector<Job::State>{Job::STATE_QUEUED, Job::STATE_CONNECTING,
                                       Job::STATE_TRANSFERRING, Job::STATE_TRANSFERRED}))
      << NamesOf(world_.bitsd.watch().StatesOf(other));
}

TEST_F(Sidecar, WithoutAFittingLineNothingCanBeValidated) {
  const std::string many = other_hex_ + "  a\n" + other_hex_ + "  b\n";
  for (const std::string& text : {std::string(), std::string("<html>sorry</html>"), many,
                                  hex_ + "\n" + std::string(70'000, '\n'), hex_.substr(1)}) {
    origin_->Put(kSums, text);
    const std::string job = world_.bitsd.Create({.files = {File()}});
    const v1::Error error = ErrorOf(job, Job::STATE_ERROR);
    EXPECT_EQ(error.code(), "BG_E_VALIDATION_FAILED");
    EXPECT_EQ(error.context(), v1::ERROR_CONTEXT_REMOTE_FILE);
    EXPECT_THAT(error.description(), HasSubstr("checksum file"));
  }
  EXPECT_EQ(origin_->RequestCount(kPath), 0u);
}

TEST_F(Sidecar, WhatItSaidHoldsAlsoAfterAKill) {
  World world;
  origin_->Script(kPath, {{.cut_after = kSize / 2}, {.stall_before_head = true}});
  const std::string job = world.bitsd.Create({.files = {File()}});
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSIENT_ERROR));
  EXPECT_EQ(world.bitsd.GetFile(job)->checksum().hex(), hex_);
  origin_->Remove(kSums);
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  ASSERT_TRUE(origin_->WaitForRequests(kPath, 2, kPatience));
  world.bitsd.Kill();
  world.bitsd.Restart();
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  EXPECT_EQ(origin_->RequestCount(kSums), 1u);
  EXPECT_EQ(world.bitsd.GetFile(job)->restarts(), 0u);
  BITS_ASSERT_ACCEPTED(world.bitsd.Complete(job));
  EXPECT_TRUE(ReadFileOr(world.bitsd.PathOf(job), "-") == content_);
}

TEST_F(Sidecar, IsAskedAgainWhenTheFileStartsOver) {
  origin_->Script(kPath, {{.cut_after = kSize / 2}});
  const std::string job = world_.bitsd.Create({.files = {File()}});
  BITS_ASSERT_OK(world_.bitsd.Await(job, Job::STATE_TRANSIENT_ERROR));
  origin_->Change(kPath, [&](Resource& resource) {
    resource.body = std::make_shared<std::string>(other_);
    resource.etag = "\"v2\"";
  });
  origin_->Put(kSums, other_hex_ + "  my file.iso\n");
  BITS_ASSERT_ACCEPTED(world_.bitsd.Resume(job));
  ExpectTransferred(job, other_);
  EXPECT_EQ(origin_->RequestCount(kSums), 2u);
  EXPECT_EQ(world_.bitsd.GetFile(job)->restarts(), 1u);
}

TEST_F(Sidecar, IsFetchedInTheJobsWayButSecretsAreForTheOriginOfTheRemoteName) {
  const Behavior asks = {.status = 401, .headers = {{"WWW-Authenticate", "Basic realm=\"r\""}}};
  const std::unique_ptr<OriginServer> elsewhere = *OriginServer::Start();
  elsewhere->Put("/sums", hex_);
  v1::HttpOptions http;
  http.set_user_agent("agent of the job");
  http.set_headers_write_only(true);
  auto* header = http.add_headers();
  header->set_name("X-Secret");
  header->set_value("secret");
  for (const bool same_origin : {true, false}) {
    OriginServer& where = same_origin ? *origin_ : *elsewhere;
    const std::string path = same_origin ? kSums : "/sums";
    where.Script(path, {asks});
    const std::string job =
        world_.bitsd.Create({.files = {FileOf(where.Url(path))}, .start = false, .http = http});
    BITS_ASSERT_ACCEPTED(world_.bitsd.SetCredentials(job, v1::AUTH_TARGET_SERVER,
                                                     v1::AUTH_SCHEME_BASIC, "user", "password"));
    BITS_ASSERT_ACCEPTED(world_.bitsd.Resume(job));
    BITS_ASSERT_OK(
        world_.bitsd.Await(job, same_origin ? Job::STATE_TRANSFERRED : Job::STATE_ERROR));
    for (const OriginRequest& request : where.Requests(path)) {
      EXPECT_EQ(request.Header("user-agent"), "agent of the job");
      EXPECT_EQ(request.headers.contains("x-secret"), same_origin);
    }
    EXPECT_EQ(where.Requests(path).back().headers.contains("authorization"), same_origin);
    EXPECT_EQ(where.RequestCount(path), same_origin ? 2u : 1u);
  }
}

TEST_F(Sidecar, RedirectToItIsFollowedAndAMethodIsTheFilesAlone) {
  origin_->Put("/led", hex_);
  origin_->Put(kSums, "", {.status = 302, .headers = {{"Location", origin_->Url("/led")}}});
  v1::HttpOptions http;
  http.set_method("POST");
  http.set_redirect_policy(v1::HttpOptions::REDIRECT_POLICY_REPORT);
  const std::string job = world_.bitsd.Create({.files = {File()}, .http = http});
  BITS_ASSERT_OK(world_.bitsd.Await(job, Job::STATE_TRANSFERRED));
  EXPECT_EQ(origin_->Requests("/led").at(0).method, "GET");
  EXPECT_EQ(origin_->Requests(kPath).at(0).method, "POST");
  EXPECT_EQ(world_.bitsd.GetFile(job)->remote_name(), origin_->Url(kPath));
  EXPECT_EQ(world_.bitsd.GetFile(job)->checksum().uri(), origin_->Url(kSums));
}

TEST_F(Sidecar, LetsMirrorsGoOnWhereOneStoppedAndIsNoneOfThem) {
  const std::unique_ptr<OriginServer> mirror = *OriginServer::Start();
  mirror->Put("/m", content_);
  origin_->Script(kPath, {{.cut_after = kSize / 2}});
  FileSpec file = File();
  file.mirrors = {mirror->Url("/m")};
  const std::string job = world_.bitsd.Create({.files = {file}});
  ExpectTransferred(job);
  EXPECT_EQ(world_.bitsd.GetFile(job)->mirror(), 1u);
  EXPECT_EQ(mirror->Requests("/m").at(0).Header("range"), absl::StrCat("bytes=", kSize / 2, "-"));
  EXPECT_EQ(origin_->RequestCount(kSums), 1u);

  origin_->Remove(kSums);
  const std::string without = world_.bitsd.Create({.files = {file}});
  EXPECT_EQ(ErrorOf(without, Job::STATE_ERROR).code(), "BG_E_HTTP_ERROR_404");
  EXPECT_EQ(mirror->RequestCount("/m"), 1u);
}

TEST_F(Sidecar, OfAFileSource) {
  WriteFile(world_.bitsd.InRoot("sidecar source"), content_);
  FileSpec file = File();
  file.url = "file://" + world_.bitsd.root() + "/sidecar%20source";
  ExpectTransferred(world_.bitsd.Create({.files = {file}}));
  origin_->Put(kSums, other_hex_);
  EXPECT_EQ(ErrorOf(world_.bitsd.Create({.files = {file}}), Job::STATE_ERROR).code(),
            "BG_E_VALIDATION_FAILED");
}

TEST_F(Sidecar, IsCheckedBeforeTheFileIsAdded) {
  const auto create = [&](const v1::Checksum& checksum) {
    FileSpec file = File();
    file.checksum = checksum;
    return world_.bitsd.CreateJob(
        world_.bitsd.RequestFor({.files = {std::move(file)}, .start = false}));
  };
  v1::Checksum both = *File().checksum;
  both.set_hex(hex_);
  EXPECT_THAT(create(both), RefusedField("files[0].checksum.uri", "E_INVALIDARG"));
  for (const std::string& uri : {std::string("file:///etc/passwd"), std::string("ftp://a/b"),
                                 std::string("sums"), "http://a/" + std::string(2200, 'a')}) {
    v1::Checksum wrong = *File().checksum;
    wrong.set_uri(uri);
    EXPECT_THAT(create(wrong), RefusedField("files[0].checksum.uri", "E_INVALIDARG"));
  }
  v1::Checksum neither = *File().checksum;
  neither.clear_uri();
  EXPECT_THAT(create(neither), RefusedField("files[0].checksum.hex", "E_INVALIDARG"));
  v1::Checksum nameless = *File().checksum;
  nameless.clear_algorithm();
  EXPECT_THAT(create(nameless), RefusedField("files[0].checksum.algorithm", "E_INVALIDARG"));
}

}  // namespace
}  // namespace bits::testing

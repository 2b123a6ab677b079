// Mirrors (ours): several names of one content, tried in order by failure.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "tests/conformance/harness/world.h"
#include "tests/support/status_matchers.h"

namespace bits::testing {
namespace {

using ::testing::IsEmpty;
using v1::Job;

constexpr size_t kSize = 300'000;
constexpr size_t kHalf = kSize / 2;
const char* const kPath = "/file";

v1::Checksum Sha256Of(const std::string& content) {
  std::string digest(32, '\0');
  size_t size = digest.size();
  EXPECT_EQ(EVP_Q_digest(nullptr, "SHA256", nullptr, content.data(), content.size(),
                         reinterpret_cast<unsigned char*>(digest.data()), &size),
            1);
  v1::Checksum checksum;
  checksum.set_algorithm(v1::Checksum::ALGORITHM_SHA256);
  checksum.set_hex(absl::BytesToHexString(digest));
  return checksum;
}

// Three servers that hold the same at the same path, until a test says otherwise.
class Mirrors : public ::testing::Test {
 protected:
  Mirrors() {
    for (int i = 0; i < 3; ++i) {
      origins_.push_back(*OriginServer::Start());
      origins_.back()->Put(kPath, content_);
      // No two servers have the same ETag for it.
      origins_.back()->Change(kPath, [i](Resource& r) { r.etag = absl::StrCat("\"", i, "\""); });
    }
  }

  std::string Url(int source) const { return origins_[static_cast<size_t>(source)]->Url(kPath); }
  FileSpec File(int mirrors, bool checksum = false) const {
    FileSpec file{.url = Url(0)};
    for (int i = 1; i <= mirrors; ++i) file.mirrors.push_back(Url(i));
    if (checksum) file.checksum = Sha256Of(content_);
    return file;
  }
  void Behave(int source, const Behavior& behavior) {
    origins_[static_cast<size_t>(source)]->Change(
        kPath, [&](Resource& resource) { resource.behavior = behavior; });
  }
  void Script(int source, std::vector<Behavior> behaviors) {
    origins_[static_cast<size_t>(source)]->Script(kPath, std::move(behaviors));
  }
  void Give(int source, std::string content) {
    origins_[static_cast<size_t>(source)]->Change(kPath, [&](Resource& resource) {
      resource.body = std::make_shared<std::string>(std::move(content));
    });
  }
  // The Range of each request that came there; "-" of one without.
  std::vector<std::string> Asked(int source) const {
    std::vector<std::string> ranges;
    for (const OriginRequest& r : origins_[static_cast<size_t>(source)]->Requests(kPath)) {
      ranges.push_back(r.headers.contains("range") ? r.Header("range") : "-");
    }
    return ranges;
  }
  uint64_t Sent(int source) const {
    return origins_[static_cast<size_t>(source)]->BytesSent(kPath);
  }
  std::vector<std::string> CodesOf(const std::string& job) {
    std::vector<std::string> codes;
    const auto errors = world_.bitsd.ListErrors(job);
    for (const v1::Error& error : errors->errors()) codes.push_back(error.code());
    return codes;
  }
  // The job becomes TRANSFERRED without any error of its own, of this source.
  void ExpectTransferred(const std::string& job, uint32_t source) {
    BITS_ASSERT_OK(world_.bitsd.Await(job, Job::STATE_TRANSFERRED));
    EXPECT_EQ(world_.bitsd.GetFile(job)->mirror(), source);
    EXPECT_EQ(world_.bitsd.Get(job)->error_count(), 0u);
    EXPECT_THAT(world_.bitsd.GetError(job), Refused(grpc::StatusCode::FAILED_PRECONDITION,
                                                    "BG_E_ERROR_INFORMATION_UNAVAILABLE"));
    BITS_ASSERT_ACCEPTED(world_.bitsd.Complete(job));
    EXPECT_TRUE(ReadFileOr(world_.bitsd.PathOf(job), "-") == content_);
  }

  World& world_ = SharedWorld();
  const std::string content_ = MakeContent(kSize, 1);
  const std::string other_ = MakeContent(kSize, 2);
  std::vector<std::unique_ptr<OriginServer>> origins_;
};

TEST_F(Mirrors, NextIsAskedForWhateverIsWrongWithOne) {
  const std::vector<std::pair<Behavior, std::string>> faults = {
      {{.status = 404}, "BG_E_HTTP_ERROR_404"},
      {{.status = 503}, "BG_E_HTTP_ERROR_503"},
      {{.status = 401, .headers = {{"WWW-Authenticate", "Basic realm=\"r\""}}},
       "BG_E_HTTP_ERROR_401"},
      {{.raw = "nonsense\r\n\r\n"}, "ERROR_WINHTTP_INVALID_SERVER_RESPONSE"},
      {{.status = 302, .headers = {{"Location", "ftp://elsewhere/"}}},
       "ERROR_WINHTTP_REDIRECT_FAILED"},
      {{.content_encoding = "gzip"}, "BG_E_INVALID_SERVER_RESPONSE"},
      {{.cut_after = 10}, "ERROR_WINHTTP_CONNECTION_ERROR"},
  };
  for (const auto& [behavior, code] : faults) {
    Behave(0, behavior);
    const std::string job = world_.bitsd.Create({.files = {File(1)}});
    ExpectTransferred(job, 1);
    EXPECT_EQ(CodesOf(job), std::vector{code});
    const v1::Error error = world_.bitsd.ListErrors(job)->errors(0);
    EXPECT_EQ(error.remote_name(), Url(0));
    EXPECT_TRUE(error.transient());
    EXPECT_FALSE(error.has_retry_time());
    for (const v1::JobEvent& event : world_.bitsd.watch().EventsOf(job)) {
      EXPECT_NE(event.job().state(), Job::STATE_ERROR);
      EXPECT_NE(event.job().state(), Job::STATE_TRANSIENT_ERROR);
    }
  }
}

TEST_F(Mirrors, OneThatIsNotThereIsPassedOverFromThenOn) {
  const std::string dead = Url(0);
  origins_[0].reset();  // nobody listens there any more
  FileSpec file{.url = dead, .mirrors = {Url(1)}};
  const std::string first = world_.bitsd.Create({.files = {file}});
  ExpectTransferred(first, 1);
  EXPECT_EQ(CodesOf(first), std::vector<std::string>{"ERROR_WINHTTP_CANNOT_CONNECT"});
  // Within the first second its host is held, and nobody tries.
  const std::string second = world_.bitsd.Create({.files = {file}});
  ExpectTransferred(second, 1);
  EXPECT_LE(CodesOf(second).size(), 1u);
}

TEST_F(Mirrors, ErrorOfAllIsTheLastOnes) {
  Behave(0, {.status = 503});
  Behave(1, {.status = 410});
  Behave(2, {.status = 404});
  const std::string job = world_.bitsd.Create({.files = {File(2)}});
  // Waiting may mend the first one's.
  BITS_ASSERT_OK(world_.bitsd.Await(job, Job::STATE_TRANSIENT_ERROR));
  const auto error = world_.bitsd.GetError(job);
  EXPECT_EQ(error->code(), "BG_E_HTTP_ERROR_404");
  EXPECT_EQ(error->remote_name(), Url(2));
  EXPECT_TRUE(error->transient());
  EXPECT_TRUE(error->has_retry_time());
  EXPECT_EQ(CodesOf(job), (std::vector<std::string>{"BG_E_HTTP_ERROR_503", "BG_E_HTTP_ERROR_410",
                                                    "BG_E_HTTP_ERROR_404"}));
  EXPECT_EQ(world_.bitsd.Get(job)->error_count(), 1u);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Asked(i).size(), 1u);

  Behave(0, {.status = 403});
  BITS_ASSERT_ACCEPTED(world_.bitsd.Resume(job));
  BITS_ASSERT_OK(world_.bitsd.Await(job, Job::STATE_ERROR));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Asked(i).size(), 2u);
  // A new round begins with the remote name, as nothing is here.
  Behave(0, {});
  BITS_ASSERT_ACCEPTED(world_.bitsd.Resume(job));
  BITS_ASSERT_OK(world_.bitsd.Await(job, Job::STATE_TRANSFERRED));
  EXPECT_EQ(world_.bitsd.GetFile(job)->mirror(), 0u);
}

TEST_F(Mirrors, AnotherGoesOnWhereOneStopped) {
  Behave(0, {.cut_after = kHalf});
  const std::string job = world_.bitsd.Create({.files = {File(1, true)}});
  ExpectTransferred(job, 1);
  EXPECT_EQ(world_.bitsd.GetFile(job)->restarts(), 0u);
  EXPECT_EQ(Asked(1), std::vector{absl::StrCat("bytes=", kHalf, "-")});
  EXPECT_FALSE(origins_[1]->Requests(kPath)[0].headers.contains("if-range"));
  EXPECT_EQ(Sent(0) + Sent(1), kSize);  // no byte twice
}

TEST_F(Mirrors, WithoutAChecksumAnotherGivesAll) {
  Behave(0, {.cut_after = kHalf});
  Behave(1, {.status = 503});
  const std::string job = world_.bitsd.Create({.files = {File(2)}});
  ExpectTransferred(job, 2);
  EXPECT_EQ(world_.bitsd.GetFile(job)->restarts(), 1u);
  EXPECT_EQ(Asked(1), std::vector<std::string>{"-"});
  EXPECT_EQ(Asked(2), std::vector<std::string>{"-"});
  EXPECT_EQ(Sent(2), kSize);
}

TEST_F(Mirrors, WhatIsHereStaysUntilAnotherHasAnsweredWell) {
  Script(0, {{.cut_after = kHalf}});
  Behave(1, {.status = 404});
  const std::string job = world_.bitsd.Create({.files = {File(1)}});
  BITS_ASSERT_OK(world_.bitsd.Await(job, Job::STATE_TRANSIENT_ERROR));
  EXPECT_EQ(world_.bitsd.GetFile(job)->progress().bytes_transferred(), kHalf);
  EXPECT_EQ(world_.bitsd.GetFile(job)->mirror(), 0u);
  BITS_ASSERT_ACCEPTED(world_.bitsd.Resume(job));
  BITS_ASSERT_OK(world_.bitsd.Await(job, Job::STATE_TRANSFERRED));
  EXPECT_EQ(Asked(0), (std::vector<std::string>{"-", absl::StrCat("bytes=", kHalf, "-")}));
  EXPECT_EQ(Sent(0), kSize);
  EXPECT_EQ(Asked(1).size(), 1u);
}

TEST_F(Mirrors, OfAnotherSizeIsNotJoined) {
  Behave(0, {.cut_after = kHalf});
  Give(1, MakeContent(kSize + 1, 3));
  const std::string job = world_.bitsd.Create({.files = {File(2, true)}});
  ExpectTransferred(job, 2);
  // The half of the first is gone with the other's answer; that other's content has failed the
  // check.
  EXPECT_EQ(Asked(1), (std::vector<std::string>{absl::StrCat("bytes=", kHalf, "-"), "-"}));
  EXPECT_EQ(Asked(2), std::vector<std::string>{"-"});
  EXPECT_EQ(CodesOf(job),
            (std::vector<std::string>{"ERROR_WINHTTP_CONNECTION_ERROR", "BG_E_VALIDATION_FAILED"}));
}

TEST_F(Mirrors, OtherBytesOfTheSameSizeAreFoundOut) {
  Behave(0, {.cut_after = kHalf});
  Give(1, other_);
  const std::string job = world_.bitsd.Create({.files = {File(2, true)}});
  ExpectTransferred(job, 2);
  // Joined, then alone, and only then given up.
  EXPECT_EQ(Asked(1), (std::vector<std::string>{absl::StrCat("bytes=", kHalf, "-"), "-"}));
  EXPECT_EQ(Asked(2), std::vector<std::string>{"-"});
  EXPECT_EQ(CodesOf(job),
            (std::vector<std::string>{"ERROR_WINHTTP_CONNECTION_ERROR", "BG_E_VALIDATION_FAILED",
                                      "BG_E_VALIDATION_FAILED"}));
}

TEST_F(Mirrors, BadBytesOfTheFirstDoNotSpoilTheSecond) {
  Give(0, other_);
  Behave(0, {.cut_after = kHalf});
  const std::string job = world_.bitsd.Create({.files = {File(1, true)}});
  ExpectTransferred(job, 1);
  EXPECT_EQ(Asked(0).size(), 1u);
  EXPECT_EQ(Asked(1), (std::vector<std::string>{absl::StrCat("bytes=", kHalf, "-"), "-"}));
}

TEST_F(Mirrors, FileWithRangesStartsOver) {
  Script(0, {{}, {.status = 503}});
  FileSpec file = File(1);
  file.ranges = {{0, 1000}, {kHalf, 1000}};
  const std::string job = world_.bitsd.Create({.files = {file}});
  BITS_ASSERT_OK(world_.bitsd.Await(job, Job::STATE_TRANSFERRED));
  EXPECT_EQ(Asked(1), (std::vector<std::string>{"bytes=0-999", "bytes=150000-150999"}));
  BITS_ASSERT_ACCEPTED(world_.bitsd.Complete(job));
  EXPECT_TRUE(ReadFileOr(world_.bitsd.PathOf(job), "-") ==
              content_.substr(0, 1000) + content_.substr(kHalf, 1000));
}

TEST_F(Mirrors, SecretsAreForTheOriginOfTheRemoteNameAlone) {
  const Behavior asks = {.status = 401, .headers = {{"WWW-Authenticate", "Basic realm=\"r\""}}};
  Behave(0, asks);
  Script(1, {asks});
  v1::HttpOptions http;
  http.set_headers_write_only(true);
  for (const char* name : {"Authorization", "Cookie", "X-Secret"}) {
    auto* header = http.add_headers();
    header->set_name(name);
    header->set_value("secret");
  }
  origins_[0]->Put("/second", content_);
  FileSpec file = File(2);
  file.mirrors.insert(file.mirrors.begin() + 1, origins_[0]->Url("/second"));
  Script(2, {asks});
  const std::string job = world_.bitsd.Create({.files = {file}, .start = false, .http = http});
  BITS_ASSERT_ACCEPTED(world_.bitsd.SetCredentials(job, v1::AUTH_TARGET_SERVER,
                                                   v1::AUTH_SCHEME_BASIC, "user", "password"));
  origins_[0]->Script("/second", {asks, {.status = 404}});
  BITS_ASSERT_ACCEPTED(world_.bitsd.Resume(job));
  BITS_ASSERT_OK(world_.bitsd.Await(job, Job::STATE_ERROR));
  const auto has_secret = [](const OriginRequest& request) {
    return request.headers.contains("authorization") || request.headers.contains("cookie") ||
           request.headers.contains("x-secret");
  };
  for (int i : {1, 2}) {
    ASSERT_EQ(Asked(i).size(), 1u);
    for (const OriginRequest& request : origins_[static_cast<size_t>(i)]->Requests(kPath)) {
      EXPECT_FALSE(has_secret(request)) << "mirror " << i;
    }
  }
  // The remote name's own origin gets them, also by a mirror's name.
  EXPECT_TRUE(has_secret(origins_[0]->Requests(kPath).back()));
  EXPECT_TRUE(has_secret(origins_[0]->Requests("/second").back()));
}

TEST_F(Mirrors, RedirectOfAMirrorThatIsReportedLeavesTheRemoteName) {
  Behave(0, {.status = 404});
  origins_[2]->Put("/led", content_);
  Behave(1, {.status = 302, .headers = {{"Location", origins_[2]->Url("/led")}}});
  v1::HttpOptions http;
  http.set_redirect_policy(v1::HttpOptions::REDIRECT_POLICY_REPORT);
  const std::string job = world_.bitsd.Create({.files = {File(1)}, .http = http});
  ExpectTransferred(job, 1);
  EXPECT_EQ(world_.bitsd.GetFile(job)->remote_name(), Url(0));
  EXPECT_EQ(world_.bitsd.GetFile(job)->mirrors(0), Url(1));
}

TEST_F(Mirrors, AnotherRemoteNameIsAskedBeforeThem) {
  Behave(0, {.status = 404});
  Behave(1, {.stall_after = kHalf});
  const std::string job = world_.bitsd.Create({.files = {File(1, true)}});
  ASSERT_TRUE(origins_[1]->WaitForBytes(kPath, kHalf, kPatience));
  const auto file = world_.bitsd.SetRemoteName(job, 1, Url(2));
  BITS_ASSERT_ACCEPTED(file);
  EXPECT_EQ(file->mirror(), 0u);
  ExpectTransferred(job, 0);
  EXPECT_EQ(world_.bitsd.GetFile(job)->mirrors_size(), 1);
  EXPECT_EQ(Asked(0).size(), 1u);
  EXPECT_EQ(Asked(1).size(), 1u);
  EXPECT_GE(Asked(2).size(), 1u);
}

TEST_F(Mirrors, WhatTheOwnerCallsInvalidComesFromTheNext) {
  Give(0, other_);
  const std::string job = world_.bitsd.Create({.files = {File(1)}});
  BITS_ASSERT_OK(world_.bitsd.Await(job, Job::STATE_TRANSFERRED));
  v1::UpdateFileRequest request;
  request.mutable_file()->set_name(job + "/files/1");
  request.mutable_file()->set_validation_state(v1::File::VALIDATION_STATE_INVALID);
  BITS_ASSERT_ACCEPTED(world_.bitsd.UpdateFile(request));
  BITS_ASSERT_ACCEPTED(world_.bitsd.Resume(job));
  BITS_ASSERT_OK(world_.bitsd.Await(job, Job::STATE_TRANSFERRED));
  EXPECT_EQ(world_.bitsd.GetFile(job)->mirror(), 1u);
  BITS_ASSERT_ACCEPTED(world_.bitsd.Complete(job));
  EXPECT_TRUE(ReadFileOr(world_.bitsd.PathOf(job), "-") == content_);
}

TEST_F(Mirrors, ThatFailedBeforeACrashAreNotAskedAgain) {
  World world;
  Behave(0, {.status = 404});
  Script(1, {{.stall_after = kHalf}});
  const std::string job = world.bitsd.Create({.files = {File(1, true)}});
  ASSERT_TRUE(origins_[1]->WaitForBytes(kPath, kHalf, kPatience));
  BITS_ASSERT_OK(world.bitsd.watch().AwaitEvent([&](const v1::JobEvent& event) {
    return event.job().name() == job && event.job().progress().bytes_transferred() >= kHalf;
  }));
  world.bitsd.Kill();
  world.bitsd.Restart();
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  EXPECT_EQ(world.bitsd.GetFile(job)->mirror(), 1u);
  EXPECT_EQ(world.bitsd.ListErrors(job)->errors_size(), 1);
  EXPECT_EQ(Asked(0).size(), 1u) << "what is known of it is in the store";
  EXPECT_EQ(Asked(1).size(), 2u);
  BITS_ASSERT_ACCEPTED(world.bitsd.Complete(job));
  EXPECT_TRUE(ReadFileOr(world.bitsd.PathOf(job), "-") == content_);
}

TEST_F(Mirrors, OtherFilesOfTheJobGoOn) {
  Behave(0, {.status = 404});
  const std::string beside = world_.Serve(content_);
  const std::string job =
      world_.bitsd.Create({.files = {File(1), {.url = beside}, File(2)}, .parallel_files = 2});
  BITS_ASSERT_OK(world_.bitsd.Await(job, Job::STATE_TRANSFERRED));
  for (int i : {1, 3}) EXPECT_EQ(world_.bitsd.GetFile(job, i)->mirror(), 1u);
  EXPECT_EQ(world_.bitsd.Get(job)->progress().files_transferred(), 3u);
}

TEST_F(Mirrors, AreCheckedBeforeTheFileIsAdded) {
  const auto create = [&](std::vector<std::string> mirrors) {
    FileSpec file = File(0);
    file.mirrors = std::move(mirrors);
    return world_.bitsd.CreateJob(
        world_.bitsd.RequestFor({.files = {std::move(file)}, .start = false}));
  };
  const auto refused = [](const std::string& field) { return RefusedField(field, "E_INVALIDARG"); };
  EXPECT_THAT(create({Url(1), "file:///etc/passwd"}), refused("files[0].mirrors[1]"));
  EXPECT_THAT(create({"ftp://a/b"}), refused("files[0].mirrors[0]"));
  EXPECT_THAT(create({""}), refused("files[0].mirrors[0]"));
  EXPECT_THAT(create({Url(0)}), refused("files[0].mirrors[0]"));
  EXPECT_THAT(create({Url(1), Url(2), Url(1)}), refused("files[0].mirrors[2]"));
  std::vector<std::string> many;
  for (int i = 0; i < 17; ++i) many.push_back(absl::StrCat("http://m", i, ".test/"));
  EXPECT_THAT(create(many), refused("files[0].mirrors"));
  many.pop_back();
  const auto job = create(many);
  BITS_ASSERT_ACCEPTED(job);
  EXPECT_EQ(world_.bitsd.GetFile(job->name())->mirrors_size(), 16);

  v1::CreateJobRequest dynamic = world_.bitsd.RequestFor({.files = {File(1)}, .start = false});
  dynamic.mutable_job()->mutable_transfer_options()->set_dynamic_content(true);
  EXPECT_THAT(world_.bitsd.CreateJob(dynamic), refused("files[0].mirrors"));
  v1::HttpOptions post;
  post.set_method("POST");
  EXPECT_THAT(
      world_.bitsd.CreateJob(
          world_.bitsd.RequestFor({.files = {File(1)}, .start = false, .http = post})),
      Refused(grpc::StatusCode::FAILED_PRECONDITION, "BG_E_NOT_SUPPORTED_WITH_CUSTOM_HTTP_METHOD"));
  v1::UpdateJobRequest update;
  update.mutable_job()->set_name(job->name());
  update.mutable_job()->mutable_http_options()->set_method("POST");
  EXPECT_THAT(world_.bitsd.Update(update), Refused(grpc::StatusCode::FAILED_PRECONDITION,
                                                   "BG_E_NOT_SUPPORTED_WITH_CUSTOM_HTTP_METHOD"));
  v1::UpdateFileRequest file;
  file.mutable_file()->set_name(job->name() + "/files/1");
  file.mutable_update_mask()->add_paths("mirrors");
  EXPECT_THAT(world_.bitsd.UpdateFile(file), refused("update_mask"));
}

}  // namespace
}  // namespace bits::testing

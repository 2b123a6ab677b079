// Names, passwords and queries in URLs are shown to who may see the job, and to nobody else.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "tests/conformance/harness/world.h"
#include "tests/support/status_matchers.h"

namespace bits::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using v1::Job;

constexpr char kUser[] = "secret-user";
constexpr char kPassword[] = "secret-password";
constexpr char kQuery[] = "secret-signature";

void ExpectNoSecret(const std::string& text) {
  for (const char* secret : {kUser, kPassword, kQuery}) {
    EXPECT_EQ(text.find(secret), std::string::npos) << text;
  }
}

TEST(Secrets, OfUrlsAreInNoErrorAndInNoLog) {
  World world({.flags = {"--log_level=debug"}});
  const auto secret_url = [&](const std::string& host, const std::string& path) {
    return absl::StrCat("http://", kUser, ":", kPassword, "@", host, path, "?sig=", kQuery);
  };
  const std::string host = absl::StrCat("127.0.0.1:", world.origin->port());
  const std::string missing = world.Put("", {.status = 404});
  const std::string cut = world.Put(MakeContent(50'000, 1), {.cut_after = 20'000});
  const std::string garbage = world.Put("", {.raw = "garbage\r\n\r\n"});
  const std::string target = secret_url(host, "/target");
  const std::string redirect = world.Put("", {.status = 302, .headers = {{"Location", target}}});
  world.origin->Put("/target", "", {.status = 403});
  for (const std::string& url :
       {secret_url(host, missing), secret_url(host, cut), secret_url(host, garbage),
        secret_url(host, redirect), secret_url("127.0.0.1:1", "/x"),
        secret_url("no-such-host.invalid", "/x")}) {
    const std::string job = world.bitsd.Fetch(url);
    BITS_ASSERT_OK_AND_ASSIGN(const v1::JobEvent event,
                              world.bitsd.watch().AwaitEvent([&](const v1::JobEvent& e) {
                                return e.job().name() == job && e.has_error();
                              }));
    ExpectNoSecret(event.ShortDebugString());
    ExpectNoSecret(world.bitsd.GetError(job)->ShortDebugString());
    ExpectNoSecret(world.bitsd.ListErrors(job)->ShortDebugString());
    // As given, to who may see the job.
    EXPECT_EQ(world.bitsd.GetFile(job)->remote_name(), url);
    // The origin was shown the query, or nothing would work.
  }
  EXPECT_THAT(world.origin->Requests(missing).front().target, HasSubstr(kQuery));

  // Refusals, too, hold nothing of it.
  for (const std::string& url :
       {absl::StrCat("ftp://", kUser, ":", kPassword, "@h/x?", kQuery),
        absl::StrCat("http://", kUser, ":", kPassword, "@h:port/x?", kQuery)}) {
    v1::CreateJobRequest request;
    request.mutable_job()->set_display_name("test");
    *request.add_files() = FileOf(url, "secret");
    const Reply<Job> refused = world.bitsd.CreateJob(request);
    EXPECT_THAT(refused, Not(Accepted()));
    ExpectNoSecret(Describe(refused.status));
  }
  // Nor does the log of all this, restart included.
  world.bitsd.Kill();
  world.bitsd.Restart();
  BITS_EXPECT_OK(world.bitsd.Stop());
  ExpectNoSecret(world.bitsd.process().Log());
}

// Every file beneath the directory, one after the other.
std::string AllFilesOf(const std::string& directory) {
  std::string all;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file()) all += ReadFileOr(entry.path().string(), "");
  }
  return all;
}

TEST(Secrets, OfJobsAreNowhereButWithTheServerTheyAreFor) {
  constexpr std::string_view kHeaderValue = "header-value-that-is-secret";
  constexpr std::string_view kCookie = "cookie-that-is-secret";
  constexpr std::string_view kName = "user-name-that-is-secret";
  constexpr std::string_view kPass = "password-that-is-secret";
  constexpr std::string_view kToken = "token-that-is-secret";
  const std::vector<std::string_view> secrets = {kHeaderValue, kCookie, kName, kPass, kToken};
  const auto expect_none = [&](const std::string& text, const char* where) {
    for (const std::string_view secret : secrets) {
      EXPECT_EQ(text.find(secret), std::string::npos) << secret << " in " << where;
    }
  };
  const TempDir keys;
  WriteFile(keys / "key", std::string(64, 'a'));
  ::chmod((keys / "key").c_str(), 0600);
  World world({.flags = {"--log_level=debug", "--secrets_key_file=" + (keys / "key")}});
  Behavior refusal{.status = 401, .headers = {{"WWW-Authenticate", "Basic realm=\"r\""}}};
  const std::string path = world.Put("content", refusal);

  v1::CreateJobRequest create =
      world.bitsd.RequestFor({.files = {{world.Url(path)}}, .start = false});
  v1::HttpOptions& http = *create.mutable_job()->mutable_http_options();
  http.set_headers_write_only(true);
  http.add_headers()->set_name("X-Key");
  http.mutable_headers(0)->set_value(std::string(kHeaderValue));
  http.add_headers()->set_name("Cookie");
  http.mutable_headers(1)->set_value(std::string(kCookie));
  create.set_request_id("0b1de3f2-6a4c-4f0e-8e0b-1c2d3e4f5a6b");
  world.bitsd.watch();
  const Reply<Job> created = world.bitsd.CreateJob(create);
  BITS_ASSERT_ACCEPTED(created);
  const std::string job = created->name();
  BITS_ASSERT_ACCEPTED(world.bitsd.SetCredentials(job, v1::AUTH_TARGET_SERVER,
                                                  v1::AUTH_SCHEME_BASIC, std::string(kName),
                                                  std::string(kPass)));
  BITS_ASSERT_ACCEPTED(world.bitsd.SetCredentials(
      job, v1::AUTH_TARGET_SERVER, v1::AUTH_SCHEME_BEARER, "", std::string(kToken)));
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_ERROR));
  // They were sent, or all this would show nothing.
  const OriginRequest shown = world.origin->Requests(path).back();
  EXPECT_EQ(shown.Header("x-key"), kHeaderValue);
  EXPECT_EQ(shown.Header("cookie"), kCookie);
  EXPECT_EQ(shown.Header("authorization"),
            "Basic " + absl::Base64Escape(absl::StrCat(std::string(kName), ":",
                                                       std::string(kPass))));
  expect_none(world.bitsd.Get(job)->ShortDebugString(), "the job");
  expect_none(world.bitsd.GetFile(job)->ShortDebugString(), "the file");
  expect_none(world.bitsd.GetError(job)->ShortDebugString(), "the error");
  for (const v1::JobEvent& event : world.bitsd.watch().Events()) {
    expect_none(event.ShortDebugString(), "an event");
  }
  // A refusal repeats nothing of what was given.
  expect_none(Describe(world.bitsd.SetCredentials(job, v1::AUTH_TARGET_SERVER,
                                                  v1::AUTH_SCHEME_BASIC,
                                                  std::string(kName) + ":",
                                                  std::string(kPass) + "\n")
                           .status),
              "a refusal");
  expect_none(AllFilesOf(world.bitsd.state_dir()), "the state, while it runs");
  BITS_ASSERT_OK(world.bitsd.Stop());
  const std::string state = AllFilesOf(world.bitsd.state_dir());
  EXPECT_NE(state.find("X-Key"), std::string::npos);  // the names may be seen: this looks at it
  expect_none(state, "the state");
  expect_none(world.bitsd.process().Log(), "the log");
}

}  // namespace
}  // namespace bits::testing

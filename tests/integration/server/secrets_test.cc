// Names, passwords and queries in URLs are shown to who may see the job, and to nobody else.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

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

}  // namespace
}  // namespace bits::testing

// bits.md 2.4: which failures are transient, which are fatal, and what each is called.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/conformance/harness/world.h"
#include "tests/support/listener.h"
#include "tests/support/status_matchers.h"

namespace bits::testing {
namespace {

using v1::Job;

struct Expected {
  uint32_t hresult;
  std::string code;
  bool transient;
  v1::ErrorContext context = v1::ERROR_CONTEXT_REMOTE_FILE;
};

// The job fails as expected.
void ExpectFailure(World& world, const std::string& job, const Expected& expected) {
  BITS_ASSERT_OK(world.bitsd.Await(
      job, expected.transient ? Job::STATE_TRANSIENT_ERROR : Job::STATE_ERROR));
  const Reply<v1::Error> error = world.bitsd.GetError(job);
  BITS_ASSERT_ACCEPTED(error);
  EXPECT_EQ(error->hresult(), expected.hresult);
  EXPECT_EQ(error->code(), expected.code);
  EXPECT_EQ(error->transient(), expected.transient);
  EXPECT_EQ(error->context(), expected.context);
  EXPECT_EQ(error->file(), job + "/files/1");
}

struct StatusCase {
  int status;
  bool transient;
};

std::vector<StatusCase> StatusTable() {
  std::vector<StatusCase> cases;
  for (int status : {300, 301, 302, 303, 304, 305, 307, 308, 400, 401, 402, 403, 404, 405, 406, 407,
                     410, 411, 412, 413, 414, 415, 416, 417, 418, 422, 451, 499, 501, 505}) {
    cases.push_back({status, false});
  }
  // 425 and 429 are bitsd's own (design.md), and so is 308 above: as 307, which it resembles.
  for (int status : {202, 204, 306, 408, 409, 425, 429, 500, 502, 503, 504, 507, 511, 599}) {
    cases.push_back({status, true});
  }
  return cases;
}

class HttpStatusClass : public ::testing::TestWithParam<StatusCase> {};

TEST_P(HttpStatusClass, IsTransientOrFatalAsTheTableSays) {
  World& world = SharedWorld();
  const auto& [status, transient] = GetParam();
  const std::string job = world.bitsd.Fetch(world.Serve("", {.status = status, .close = true}));
  ExpectFailure(world, job,
                {0x80190000u + static_cast<uint32_t>(status),
                 absl::StrCat("BG_E_HTTP_ERROR_", status), transient});
  EXPECT_EQ(world.bitsd.GetError(job)->http_status(), static_cast<uint32_t>(status));
}

INSTANTIATE_TEST_SUITE_P(Status, HttpStatusClass, ::testing::ValuesIn(StatusTable()),
                         [](const ::testing::TestParamInfo<StatusCase>& test) {
                           return absl::StrCat(test.param.status,
                                               test.param.transient ? "_transient" : "_fatal");
                         });

TEST(Failure, NameThatCannotBeResolvedIsTransient) {
  World& world = SharedWorld();
  const std::string job = world.bitsd.Fetch("http://no-such-host.invalid/x");
  ExpectFailure(world, job, {0x80072EE7, "ERROR_WINHTTP_NAME_NOT_RESOLVED", true});
}

TEST(Failure, RefusedConnectionIsTransient) {
  World& world = SharedWorld();
  BITS_ASSERT_OK_AND_ASSIGN(const Listener dead, ReserveDeadPort());
  const std::string job = world.bitsd.Fetch(absl::StrCat("http://127.0.0.1:", dead.port, "/x"));
  ExpectFailure(world, job, {0x80072EFD, "ERROR_WINHTTP_CANNOT_CONNECT", true});
}

TEST(Failure, TruncatedBodyIsTransientAndNeverTransferred) {
  World& world = SharedWorld();
  const std::string job =
      world.bitsd.Fetch(world.Serve(MakeContent(50'000, 1), {.length_lie = 1000}));
  ExpectFailure(world, job, {0x80072EFE, "ERROR_WINHTTP_CONNECTION_ERROR", true});
}

TEST(Failure, ResetConnectionIsTransient) {
  World& world = SharedWorld();
  const std::string job = world.bitsd.Fetch(
      world.Serve(MakeContent(50'000, 1), {.cut_after = 20'000, .reset = true}));
  ExpectFailure(world, job, {0x80072EFE, "ERROR_WINHTTP_CONNECTION_ERROR", true});
}

TEST(Failure, AnswerThatIsNoHttpIsTransient) {
  World& world = SharedWorld();
  const std::string job = world.bitsd.Fetch(world.Serve("", {.raw = "SSH-2.0-OpenSSH_9.2\r\n"}));
  ExpectFailure(world, job, {0x80072F78, "ERROR_WINHTTP_INVALID_SERVER_RESPONSE", true});
}

TEST(Failure, SilenceForTheStallTimeoutIsTransient) {
  World world({.config = "transfer { stall_timeout { seconds: 1 } }"});
  for (const std::string& url : {world.ServeSilence(), world.ServeStall()}) {
    const std::string job = world.bitsd.Fetch(url);
    ExpectFailure(world, job, {0x80072EE2, "ERROR_WINHTTP_TIMEOUT", true});
  }
}

TEST(Failure, CertificateThatIsNotTrustedIsFatal) {
  World& world = SharedWorld();
  BITS_ASSERT_OK_AND_ASSIGN(const auto origin, OriginServer::Start({.tls = true}));
  origin->Put("/x", "content");
  const std::string job = world.bitsd.Fetch(origin->Url("/x"));
  ExpectFailure(world, job, {0x80072F8F, "ERROR_WINHTTP_SECURE_FAILURE", false});
  EXPECT_EQ(world.bitsd.GetError(job)->protocol(), "https");
  EXPECT_EQ(origin->RequestCount("/x"), 0u);
}

TEST(Failure, CertificateOfATrustedAuthorityIsAccepted) {
  BITS_ASSERT_OK_AND_ASSIGN(const auto origin, OriginServer::Start({.tls = true}));
  origin->Put("/x", "content");
  const TempDir dir;
  WriteFile(dir / "ca.pem", origin->ca_pem());
  TestBitsd bitsd({.flags = {"--ca_file=" + (dir / "ca.pem")}});
  const std::string job = bitsd.Fetch(origin->Url("/x"));
  BITS_EXPECT_OK(bitsd.Await(job, Job::STATE_TRANSFERRED));
}

TEST(Failure, RedirectFromHttpsToHttpIsFatalAndNotFollowed) {
  BITS_ASSERT_OK_AND_ASSIGN(const auto origin, OriginServer::Start({.tls = true}));
  const TempDir dir;
  WriteFile(dir / "ca.pem", origin->ca_pem());
  World world({.flags = {"--ca_file=" + (dir / "ca.pem")}});
  const std::string target = world.Put("content");
  origin->Put("/x", "", {.status = 302, .headers = {{"Location", world.Url(target)}}});
  const std::string job = world.bitsd.Fetch(origin->Url("/x"));
  ExpectFailure(world, job, {0x80072F08, "ERROR_INTERNET_HTTPS_TO_HTTP_ON_REDIR", false});
  EXPECT_EQ(world.origin->RequestCount(target), 0u);
}

TEST(Failure, EndlessRedirectIsFatal) {
  World& world = SharedWorld();
  const std::string path = world.Put("");
  world.origin->Change(path, [&](Resource& resource) {
    resource.behavior = {.status = 302, .headers = {{"Location", world.Url(path)}}};
  });
  const std::string job = world.bitsd.Fetch(world.Url(path));
  ExpectFailure(world, job, {0x80072F7C, "ERROR_WINHTTP_REDIRECT_FAILED", false});
  EXPECT_GE(world.origin->RequestCount(path), 5u);
  EXPECT_LE(world.origin->RequestCount(path), 30u);
}

TEST(Failure, LocalDirectoryThatIsAFileIsFatalAndLocal) {
  World& world = SharedWorld();
  WriteFile(world.bitsd.InRoot("a-file"), "");
  const std::string job =
      world.bitsd.Create({.files = {{world.Serve("content"), "a-file/below"}}});
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_ERROR));
  const Reply<v1::Error> error = world.bitsd.GetError(job);
  EXPECT_EQ(error->context(), v1::ERROR_CONTEXT_LOCAL_FILE);
  EXPECT_EQ(error->hresult() >> 16, 0x8007u) << error->code();
  EXPECT_EQ(error->local_name(), "a-file/below");
}

TEST(Failure, MendedByAnotherRemoteNameAndResume) {
  World& world = SharedWorld();
  BITS_ASSERT_OK_AND_ASSIGN(const std::string job, world.JobIn(Job::STATE_ERROR));
  BITS_ASSERT_ACCEPTED(world.bitsd.SetRemoteName(job, 1, world.Serve("content")));
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  BITS_ASSERT_ACCEPTED(world.bitsd.Complete(job));
  EXPECT_EQ(ReadFileOr(world.bitsd.PathOf(job), "-"), "content");
}

}  // namespace
}  // namespace bits::testing

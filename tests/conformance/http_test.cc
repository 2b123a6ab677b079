// bits.md 6.1 and 6.2: what is asked of an HTTP server, and what becomes of answers that fall short.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/conformance/harness/world.h"
#include "tests/support/nginx_server.h"
#include "tests/support/status_matchers.h"

namespace bits::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using v1::Job;

void ExpectError(World& world, const std::string& job, uint32_t hresult, const std::string& code) {
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_ERROR));
  const Reply<v1::Error> error = world.bitsd.GetError(job);
  EXPECT_EQ(error->hresult(), hresult);
  EXPECT_EQ(error->code(), code);
  EXPECT_EQ(error->context(), v1::ERROR_CONTEXT_REMOTE_FILE);
}

// Completes the job, whose first file must then hold just this.
void ExpectContent(World& world, const std::string& job, const std::string& content) {
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  BITS_ASSERT_ACCEPTED(world.bitsd.Complete(job));
  EXPECT_TRUE(ReadFileOr(world.bitsd.PathOf(job), "-") == content);
}

// A job on a resource whose first answer breaks off in the middle; in TRANSIENT_ERROR.
std::string Interrupted(World& world, const std::string& path, bool require_ranges = false) {
  Behavior cut;
  world.origin->Change(path, [&](Resource& resource) {
    cut = resource.behavior;
    cut.cut_after = resource.body->size() / 2;
  });
  world.origin->Script(path, {cut});
  const std::string job = world.bitsd.Create(
      {.files = {{world.Url(path)}}, .require_ranges = require_ranges});
  BITS_EXPECT_OK(world.bitsd.Await(job, Job::STATE_TRANSIENT_ERROR));
  return job;
}

TEST(HttpRequest, WholeFileIsAskedForOnceInIdentityEncoding) {
  World& world = SharedWorld();
  const std::string path = world.Put("content");
  const std::string job = world.bitsd.Fetch(world.Url(path) + "?key=value");
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  const std::vector<OriginRequest> requests = world.origin->Requests(path);
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].method, "GET");
  EXPECT_EQ(requests[0].target, path + "?key=value");
  EXPECT_EQ(requests[0].Header("accept-encoding"), "identity");
  EXPECT_EQ(requests[0].Header("range"), "");
}

TEST(HttpRequest, AfterAnInterruptionOnlyTheRestIsAskedFor) {
  World& world = SharedWorld();
  const std::string content = MakeContent(200'000, 1);
  const std::string path = world.Put(content);
  const std::string job = Interrupted(world, path);
  EXPECT_EQ(world.bitsd.GetFile(job)->progress().bytes_transferred(), 100'000u);
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  ExpectContent(world, job, content);
  const OriginRequest request = world.origin->Requests(path).back();
  EXPECT_THAT(request.Header("range"), StartsWith("bytes=100000-"));
  EXPECT_EQ(request.Header("if-range"), "\"v1\"");
  EXPECT_EQ(world.origin->BytesSent(path), 200'000u);
  EXPECT_EQ(world.bitsd.GetFile(job)->restarts(), 0u);
}

TEST(HttpRequest, WithoutStrongETagTheRestIsAskedForByLastModified) {
  World& world = SharedWorld();
  const std::string content = MakeContent(200'000, 1);
  for (const std::string etag : {"", "W/\"weak\""}) {
    const std::string path = world.Put(content);
    world.origin->Change(path, [&](Resource& resource) { resource.etag = etag; });
    const std::string job = Interrupted(world, path);
    BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
    ExpectContent(world, job, content);
    EXPECT_EQ(world.origin->Requests(path).back().Header("if-range"),
              "Wed, 21 Oct 2015 07:28:00 GMT");
    EXPECT_EQ(world.bitsd.GetFile(job)->restarts(), 0u);
  }
}

TEST(HttpRequest, RedirectIsFollowed) {
  World& world = SharedWorld();
  for (int status : {301, 302, 303, 307, 308}) {
    const std::string target = world.Put("content");
    const std::string job = world.bitsd.Fetch(
        world.Serve("", {.status = status, .headers = {{"Location", target}}}));
    ExpectContent(world, job, "content");
  }
}

TEST(MissingLength, IsFetchedInOneStreamByDefault) {
  World& world = SharedWorld();
  const std::string content = MakeContent(300'000, 1);
  for (auto framing : {Behavior::Framing::kChunked, Behavior::Framing::kUntilClose}) {
    const std::string job = world.bitsd.Fetch(world.Serve(content, {.framing = framing}));
    ExpectContent(world, job, content);
  }
}

TEST(MissingLength, IsMissingFileSizeWhereRangesAreRequired) {
  World& world = SharedWorld();
  const std::string job = world.bitsd.Create(
      {.files = {{world.Serve("content", {.ignore_range = true,
                                          .framing = Behavior::Framing::kChunked})}},
       .require_ranges = true});
  ExpectError(world, job, 0x80200011, "BG_E_MISSING_FILE_SIZE");
}

TEST(MissingLength, ChunkedBodyThatBreaksOffIsNotTransferred) {
  World& world = SharedWorld();
  const std::string job = world.bitsd.Fetch(
      world.Serve(MakeContent(100'000, 1),
                  {.framing = Behavior::Framing::kChunked, .cut_after = 50'000}));
  BITS_EXPECT_OK(world.bitsd.Await(job, Job::STATE_TRANSIENT_ERROR));
}

TEST(MissingRanges, IsFetchedInOneStreamByDefault) {
  World& world = SharedWorld();
  const std::string content = MakeContent(300'000, 1);
  const std::string job = world.bitsd.Fetch(
      world.Serve(content, {.ignore_range = true, .accept_ranges = false}));
  ExpectContent(world, job, content);
}

TEST(MissingRanges, StartsOverAfterAnInterruptionAndSaysSo) {
  World& world = SharedWorld();
  const std::string content = MakeContent(300'000, 1);
  const std::string path = world.Put(content, {.ignore_range = true, .accept_ranges = false});
  const std::string job = Interrupted(world, path);
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  BITS_EXPECT_OK(world.bitsd.watch().AwaitEvent([&](const v1::JobEvent& event) {
    return event.type() == v1::JobEvent::TYPE_FILE_RESTARTED && event.file() == job + "/files/1";
  }));
  ExpectContent(world, job, content);
  EXPECT_EQ(world.bitsd.GetFile(job)->restarts(), 1u);
}

TEST(MissingRanges, IsInsufficientRangeSupportWhereRangesAreRequired) {
  World& world = SharedWorld();
  const std::string job = world.bitsd.Create(
      {.files = {{world.Serve("content", {.ignore_range = true, .accept_ranges = false})}},
       .require_ranges = true});
  ExpectError(world, job, 0x80200013, "BG_E_INSUFFICIENT_RANGE_SUPPORT");
}

TEST(MissingRanges, WholeFileInPlaceOfTheRestIsInsufficientRangeSupportWhereRequired) {
  World& world = SharedWorld();
  const std::string path = world.Put(MakeContent(300'000, 1));
  const std::string job = Interrupted(world, path, true);
  world.origin->Change(path, [](Resource& resource) { resource.behavior.ignore_range = true; });
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  ExpectError(world, job, 0x80200013, "BG_E_INSUFFICIENT_RANGE_SUPPORT");
}

TEST(RequireRanges, ServerThatGivesThemIsFine) {
  World& world = SharedWorld();
  const std::string content = MakeContent(300'000, 1);
  const std::string path = world.Put(content);
  const std::string job = Interrupted(world, path, true);
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  ExpectContent(world, job, content);
  EXPECT_EQ(world.origin->BytesSent(path), 300'000u);
}

TEST(RequireRanges, EmptyFileIsFine) {
  World& world = SharedWorld();
  const std::string job =
      world.bitsd.Create({.files = {{world.Serve("")}}, .require_ranges = true});
  ExpectContent(world, job, "");
}

TEST(WrongRange, IsInvalidServerResponseWhereRangesAreRequired) {
  World& world = SharedWorld();
  const std::string path = world.Put(MakeContent(300'000, 1));
  const std::string job = Interrupted(world, path, true);
  world.origin->Change(path, [](Resource& resource) {
    resource.behavior.content_range = "bytes 0-149999/300000";
  });
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  ExpectError(world, job, 0x8020001B, "BG_E_INVALID_SERVER_RESPONSE");
}

TEST(WrongRange, IsFetchedAnewByDefaultAndNeverMixed) {
  World& world = SharedWorld();
  const std::string content = MakeContent(300'000, 1);
  for (const std::string wrong : {"bytes 0-149999/300000", "bytes 150000-299999/400000",
                                  "nonsense", "bytes 150001-299999/300000"}) {
    const std::string path = world.Put(content);
    const std::string job = Interrupted(world, path);
    world.origin->Script(path, {{.content_range = wrong}});
    BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
    ExpectContent(world, job, content);
    EXPECT_EQ(world.bitsd.GetFile(job)->restarts(), 1u) << wrong;
  }
}

TEST(ShortRange, IsGoneOnFrom) {
  World& world = SharedWorld();
  const std::string content = MakeContent(300'000, 1);
  const std::string path = world.Put(content);
  const std::string job = Interrupted(world, path);
  world.origin->Change(path,
                       [](Resource& resource) { resource.behavior.part_limit = 40'000; });
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  ExpectContent(world, job, content);
  EXPECT_EQ(world.origin->BytesSent(path), 300'000u);
}

TEST(CodedBody, ThatWasNotAskedForIsInvalidServerResponse) {
  World& world = SharedWorld();
  const std::string job =
      world.bitsd.Fetch(world.Serve("content", {.content_encoding = "gzip"}));
  ExpectError(world, job, 0x8020001B, "BG_E_INVALID_SERVER_RESPONSE");
}

TEST(HttpVersion, OneDotZeroIsTolerated) {
  World& world = SharedWorld();
  const std::string job = world.bitsd.Fetch(world.Serve(
      "", {.raw = "HTTP/1.0 200 OK\r\nContent-Length: 7\r\n\r\ncontent"}));
  ExpectContent(world, job, "content");
}

TEST(LastModified, IsOptional) {
  World& world = SharedWorld();
  const std::string path = world.Put("content");
  world.origin->Change(path, [](Resource& resource) {
    resource.last_modified = "";
    resource.etag = "";
  });
  const std::string job = world.bitsd.Fetch(world.Url(path));
  ExpectContent(world, job, "content");
  EXPECT_FALSE(world.bitsd.GetFile(job)->has_last_modified());
  EXPECT_EQ(world.bitsd.GetFile(job)->remote_etag(), "");
}

TEST(RealServer, FileIsResumedFromNginxWithItsTime) {
  if (!HaveNginx()) GTEST_SKIP() << "nginx is not installed";
  World& world = SharedWorld();
  const std::string content = MakeContent(20'000'000, 1);
  const TempDir docroot;
  WriteFile(docroot / "file", content);
  BITS_ASSERT_OK_AND_ASSIGN(
      const auto nginx,
      NginxServer::Start({.docroot = docroot.path(),
                          .server_config = "limit_rate_after 8m; limit_rate 4m;",
                          .access_log = true}));
  const std::string job = world.bitsd.Fetch(nginx->Url("/file"));
  BITS_ASSERT_OK(world.bitsd.watch().AwaitEvent([&](const v1::JobEvent& event) {
    return event.job().name() == job && event.job().progress().bytes_transferred() > 1'000'000;
  }));
  BITS_ASSERT_ACCEPTED(world.bitsd.Suspend(job));
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  ExpectContent(world, job, content);
  EXPECT_EQ(world.bitsd.GetFile(job)->restarts(), 0u);
  EXPECT_THAT(nginx->AccessLog(), HasSubstr("GET /file 206"));
}

}  // namespace
}  // namespace bits::testing

// bits.md 3.4 (AddFileWithRanges) and 6.1: parts of a remote file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "tests/conformance/harness/world.h"
#include "tests/support/status_matchers.h"

namespace bits::testing {
namespace {

using v1::Job;

using Ranges = std::vector<std::pair<uint64_t, std::optional<uint64_t>>>;
constexpr auto kToEof = std::nullopt;
constexpr size_t kSize = 300'000;

std::string Concatenated(const std::string& content, const Ranges& ranges) {
  std::string all;
  for (const auto& [offset, length] : ranges) {
    all += content.substr(offset, length.value_or(std::string::npos));
  }
  return all;
}

std::string FetchRanges(World& world, const std::string& url, const Ranges& ranges) {
  return world.bitsd.Create({.files = {{.url = url, .ranges = ranges}}});
}

void ExpectPublished(World& world, const std::string& job, const std::string& content) {
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  const v1::FileProgress progress = world.bitsd.GetFile(job)->progress();
  EXPECT_EQ(progress.bytes_total(), content.size());
  EXPECT_EQ(progress.bytes_transferred(), content.size());
  BITS_ASSERT_ACCEPTED(world.bitsd.Complete(job));
  EXPECT_TRUE(ReadFileOr(world.bitsd.PathOf(job), "-") == content);
}

void ExpectRangeError(World& world, const std::string& job, const std::string& code) {
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_ERROR));
  EXPECT_EQ(world.bitsd.GetError(job)->code(), code);
  EXPECT_EQ(world.bitsd.GetError(job)->context(), v1::ERROR_CONTEXT_REMOTE_FILE);
}

TEST(Ranges, StandOneAfterTheOtherInTheOrderGiven) {
  World& world = SharedWorld();
  const std::string content = MakeContent(kSize, 1);
  for (const Ranges& ranges :
       {Ranges{{0, 100}}, Ranges{{0, kToEof}}, Ranges{{200, 50}, {0, 100}},
        Ranges{{kSize - 10, kToEof}, {5, 1}, {1000, 100'000}}, Ranges{{0, 100}, {100, 100}}}) {
    const std::string path = world.Put(content);
    const std::string job = FetchRanges(world, world.Url(path), ranges);
    ExpectPublished(world, job, Concatenated(content, ranges));
    EXPECT_EQ(world.origin->BytesSent(path), Concatenated(content, ranges).size());
    EXPECT_EQ(world.bitsd.GetFile(job)->ranges_size(), static_cast<int>(ranges.size()));
  }
}

TEST(Ranges, OfAFileSource) {
  World& world = SharedWorld();
  const std::string content = MakeContent(kSize, 1);
  const Ranges ranges = {{kSize / 2, kToEof}, {7, 1000}};
  WriteFile(world.bitsd.InRoot("ranges source"), content);
  ExpectPublished(world,
                  FetchRanges(world, "file://" + world.bitsd.root() + "/ranges%20source", ranges),
                  Concatenated(content, ranges));
  ExpectRangeError(world,
                   FetchRanges(world, "file://" + world.bitsd.root() + "/ranges%20source",
                               {{kSize, 1}}),
                   "BG_E_INVALID_RANGE");
}

TEST(Ranges, AreCheckedBeforeTheFileIsAdded) {
  World& world = SharedWorld();
  constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();
  const std::string url = world.Serve("content");
  const auto add = [&](const Ranges& ranges) {
    return world.bitsd.CreateJob(
        world.bitsd.RequestFor({.files = {{.url = url, .ranges = ranges}}, .start = false}));
  };
  const std::string field = "files[0].ranges";
  EXPECT_THAT(add({{0, 0}}), RefusedField(field, "BG_E_INVALID_RANGE"));
  EXPECT_THAT(add({{kMost, 1}}), RefusedField(field, "BG_E_INVALID_RANGE"));
  EXPECT_THAT(add({{kMost - 5, 6}}), RefusedField(field, "BG_E_INVALID_RANGE"));
  EXPECT_THAT(add({{0, 10}, {9, 1}}), RefusedField(field, "BG_E_OVERLAPPING_RANGES"));
  EXPECT_THAT(add({{9, 1}, {0, kToEof}}), RefusedField(field, "BG_E_OVERLAPPING_RANGES"));
  const Reply<Job> to_eof = add({{3, kMost}});  // BG_LENGTH_TO_EOF
  BITS_ASSERT_ACCEPTED(to_eof);
  EXPECT_FALSE(world.bitsd.GetFile(to_eof->name())->ranges(0).has_length());
}

TEST(Ranges, OutsideTheRemoteFileIsInvalidRangeBeforeAnythingIsFetched) {
  World& world = SharedWorld();
  const std::string content = MakeContent(1000, 1);
  for (const Ranges& ranges :
       {Ranges{{1000, kToEof}}, Ranges{{999, 2}}, Ranges{{0, 10}, {1000, 5}}}) {
    const std::string job = FetchRanges(world, world.Serve(content), ranges);
    ExpectRangeError(world, job, "BG_E_INVALID_RANGE");
    EXPECT_EQ(world.bitsd.GetFile(job)->progress().bytes_transferred(), 0u);
  }
}

TEST(Ranges, OriginWithoutThemIsInsufficientRangeSupport) {
  World& world = SharedWorld();
  const std::string content = MakeContent(1000, 1);
  for (bool says_so : {false, true}) {
    ExpectRangeError(world,
                     FetchRanges(world,
                                 world.Serve(content, {.ignore_range = true,
                                                       .accept_ranges = says_so}),
                                 {{0, 1000}}),
                     "BG_E_INSUFFICIENT_RANGE_SUPPORT");
  }
}

TEST(Ranges, OfWhichNothingProvesTheVersionAreNotPutTogether) {
  World& world = SharedWorld();
  Resource unproven;
  unproven.body = std::make_shared<std::string>(MakeContent(1000, 1));
  unproven.etag = unproven.last_modified = "";
  const std::string path = world.Put(unproven);
  ExpectPublished(world, FetchRanges(world, world.Url(path), {{100, 10}}),
                  unproven.body->substr(100, 10));
  ExpectRangeError(world, FetchRanges(world, world.Url(path), {{100, 10}, {0, 10}}),
                   "BG_E_INSUFFICIENT_RANGE_SUPPORT");
}

TEST(Ranges, GoOnWithinARangeAfterAnInterruptionAndARestartOfTheServer) {
  World& world = SharedWorld();
  const std::string content = MakeContent(kSize, 1);
  const Ranges ranges = {{200'000, 10'000}, {0, 100'000}, {250'000, kToEof}};
  const std::string path = world.Put(content);
  world.origin->Script(path, {Behavior{}, Behavior{.cut_after = 40'000}});
  const std::string job = FetchRanges(world, world.Url(path), ranges);
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSIENT_ERROR));
  EXPECT_EQ(world.bitsd.GetFile(job)->progress().bytes_transferred(), 50'000u);
  BITS_ASSERT_OK(world.bitsd.Stop());
  world.bitsd.Restart();
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  ExpectPublished(world, job, Concatenated(content, ranges));
  const std::vector<OriginRequest> requests = world.origin->Requests(path);
  ASSERT_EQ(requests.size(), 4u);
  EXPECT_EQ(requests[1].Header("range"), "bytes=0-99999");
  EXPECT_EQ(requests[2].Header("range"), "bytes=40000-99999");
  EXPECT_EQ(requests[2].Header("if-range"), "\"v1\"");
  EXPECT_EQ(requests[3].Header("range"), "bytes=250000-299999");
  EXPECT_EQ(world.bitsd.GetFile(job)->restarts(), 0u);
}

TEST(Ranges, OfTwoVersionsAreNeverMixed) {
  World& world = SharedWorld();
  for (const Behavior& behavior : {Behavior{}, Behavior{.ignore_if_range = true}}) {
    const Ranges ranges = {{200'000, 10'000}, {0, 100'000}};
    const std::string path = world.Put(MakeContent(kSize, 1), behavior);
    Behavior cut = behavior;
    cut.cut_after = 40'000;
    world.origin->Script(path, {behavior, cut});
    const std::string job = FetchRanges(world, world.Url(path), ranges);
    BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSIENT_ERROR));
    const std::string second = MakeContent(kSize, 2);
    world.origin->Change(path, [&](Resource& resource) {
      resource.body = std::make_shared<std::string>(second);
      resource.etag = "\"v2\"";
    });
    BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
    ExpectPublished(world, job, Concatenated(second, ranges));
    EXPECT_EQ(world.bitsd.GetFile(job)->restarts(), 1u);
  }
}

TEST(Ranges, ChecksumIsOverWhatTheLocalFileHolds) {
  World& world = SharedWorld();
  v1::Checksum checksum;  // of "345012"
  checksum.set_algorithm(v1::Checksum::ALGORITHM_MD5);
  checksum.set_hex("a81b71e6a5ad3f6eae4c5c1a2b0ce6d4");
  const std::string url = world.Serve("0123456789");
  const std::string wrong = world.bitsd.Create(
      {.files = {{.url = url, .checksum = checksum, .ranges = {{3, 3}, {0, 3}}}}});
  BITS_ASSERT_OK(world.bitsd.Await(wrong, Job::STATE_ERROR));
  EXPECT_EQ(world.bitsd.GetError(wrong)->code(), "BG_E_VALIDATION_FAILED");
  checksum.set_hex("f19a73fc4700b2e2af2e0376daf065b4");
  const std::string right = world.bitsd.Create(
      {.files = {{.url = url, .checksum = checksum, .ranges = {{3, 3}, {0, 3}}}}});
  ExpectPublished(world, right, "345012");
}

}  // namespace
}  // namespace bits::testing

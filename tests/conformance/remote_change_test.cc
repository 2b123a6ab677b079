// bits.md 6.3: the remote file changes while it is being fetched, or is to be had elsewhere. No byte
// of a new version may stand beside one of an old.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/conformance/harness/world.h"
#include "tests/support/status_matchers.h"

namespace bits::testing {
namespace {

using ::testing::StartsWith;
using v1::Job;

constexpr size_t kSize = 200'000;
constexpr char kOther[] = "Thu, 22 Oct 2015 07:28:00 GMT";

std::shared_ptr<const std::string> Version(uint64_t seed, size_t size = kSize) {
  return std::make_shared<std::string>(MakeContent(size, seed));
}

struct Change {
  std::string name;
  std::function<void(Resource&)> before;  // of the first version
  std::function<void(Resource&)> after;   // makes it the second
};

std::vector<Change> Changes() {
  const auto nothing = [](Resource&) {};
  std::vector<Change> changes = {
      {"ETag_and_LastModified", nothing,
       [](Resource& r) { r.etag = "\"v2\"", r.last_modified = kOther; }},
      {"ETag_only", nothing, [](Resource& r) { r.etag = "\"v2\""; }},
      {"ETag_and_no_LastModified", [](Resource& r) { r.last_modified = ""; },
       [](Resource& r) { r.etag = "\"v2\""; }},
      {"LastModified_beside_the_same_ETag", nothing,
       [](Resource& r) { r.last_modified = kOther; }},
      {"LastModified_and_no_ETag", [](Resource& r) { r.etag = ""; },
       [](Resource& r) { r.last_modified = kOther; }},
      {"LastModified_and_weak_ETag", [](Resource& r) { r.etag = "W/\"v1\""; },
       [](Resource& r) { r.last_modified = kOther; }},
      {"no_validators", [](Resource& r) { r.etag = r.last_modified = ""; }, nothing},
      {"weak_ETag_alone", [](Resource& r) { r.etag = "W/\"v1\"", r.last_modified = ""; }, nothing},
      {"larger", nothing, [](Resource& r) { r.body = Version(2, kSize * 2), r.etag = "\"v2\""; }},
      {"smaller_than_what_is_here", nothing,
       [](Resource& r) { r.body = Version(2, kSize / 4), r.etag = "\"v2\""; }},
      {"as_small_as_what_is_here", nothing,
       [](Resource& r) { r.body = Version(2, kSize / 2), r.etag = "\"v2\""; }},
      {"empty", nothing, [](Resource& r) { r.body = Version(2, 0), r.etag = "\"v2\""; }},
  };
  return changes;
}

struct Case {
  Change change;
  std::string origin;  // how the origin treats If-Range
  Behavior behavior;
};

std::vector<Case> Cases() {
  std::vector<Case> cases;
  for (const Change& change : Changes()) {
    cases.push_back({change, "heeds_IfRange", {}});
    cases.push_back({change, "ignores_IfRange", {.ignore_if_range = true}});
    cases.push_back({change, "ignores_Range", {.ignore_range = true}});
  }
  return cases;
}

class RemoteFileChange : public ::testing::TestWithParam<Case> {};

TEST_P(RemoteFileChange, StartsTheFileOverAndNeverMixes) {
  World& world = SharedWorld();
  const Change& change = GetParam().change;
  const Behavior& behavior = GetParam().behavior;
  Resource first;
  first.body = Version(1);
  first.behavior = behavior;
  change.before(first);
  const std::string path = world.Put(first);
  Behavior cut = behavior;
  cut.cut_after = kSize / 2;
  world.origin->Script(path, {cut});
  const std::string job = world.bitsd.Fetch(world.Url(path));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSIENT_ERROR));
  ASSERT_GT(world.bitsd.GetFile(job)->progress().bytes_transferred(), 0u);

  std::shared_ptr<const std::string> second;
  world.origin->Change(path, [&](Resource& resource) {
    resource.body = Version(2);
    change.after(resource);
    second = resource.body;
  });
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  BITS_ASSERT_ACCEPTED(world.bitsd.Complete(job));
  EXPECT_TRUE(ReadFileOr(world.bitsd.PathOf(job), "-") == *second);
  EXPECT_EQ(world.bitsd.GetFile(job)->restarts(), 1u);
  int told = 0;
  for (const v1::JobEvent& event : world.bitsd.watch().EventsOf(job)) {
    if (event.type() != v1::JobEvent::TYPE_FILE_RESTARTED) continue;
    ++told;
    EXPECT_EQ(event.file(), job + "/files/1");
    EXPECT_EQ(event.job().progress().bytes_transferred(), 0u);
  }
  EXPECT_EQ(told, 1);
}

INSTANTIATE_TEST_SUITE_P(Every, RemoteFileChange, ::testing::ValuesIn(Cases()),
                         [](const ::testing::TestParamInfo<Case>& test) {
                           return test.param.change.name + "_origin_" + test.param.origin;
                         });

TEST(RemoteChange, FinishedFilesOfTheJobAreNotFetchedAgain) {
  World& world = SharedWorld();
  const std::string first = world.Put("first version");
  const std::string second = world.Put(MakeContent(kSize, 1));
  world.origin->Script(second, {{.cut_after = kSize / 2}});
  const std::string job = world.bitsd.Create(
      {.files = {{world.Url(first)}, {world.Url(second)}}, .parallel_files = 1});
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSIENT_ERROR));
  world.origin->Change(first, [](Resource& resource) {
    resource.body = std::make_shared<std::string>("second version");
    resource.etag = "\"v2\"";
  });
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  EXPECT_EQ(world.origin->RequestCount(first), 1u);
  BITS_ASSERT_ACCEPTED(world.bitsd.Complete(job));
  EXPECT_EQ(ReadFileOr(world.bitsd.PathOf(job), "-"), "first version");
}

// A job with half of its file here, in TRANSIENT_ERROR.
std::string HalfHere(World& world, const std::string& path) {
  world.origin->Script(path, {{.cut_after = kSize / 2}});
  const std::string job = world.bitsd.Fetch(world.Url(path));
  BITS_EXPECT_OK(world.bitsd.Await(job, Job::STATE_TRANSIENT_ERROR));
  return job;
}

TEST(SetRemoteName, SameVersionElsewhereIsGoneOnFrom) {
  World& world = SharedWorld();
  const std::string content = MakeContent(kSize, 1);
  const std::string job = HalfHere(world, world.Put(content));
  const std::string elsewhere = world.Put(content);
  BITS_ASSERT_ACCEPTED(world.bitsd.SetRemoteName(job, 1, world.Url(elsewhere)));
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  EXPECT_EQ(world.origin->BytesSent(elsewhere), kSize / 2);
  BITS_ASSERT_ACCEPTED(world.bitsd.Complete(job));
  EXPECT_TRUE(ReadFileOr(world.bitsd.PathOf(job), "-") == content);
}

TEST(SetRemoteName, AnotherVersionElsewhereStartsOver) {
  World& world = SharedWorld();
  const std::string job = HalfHere(world, world.Put(MakeContent(kSize, 1)));
  Resource other;
  other.body = Version(2);
  other.etag = "\"other\"";
  BITS_ASSERT_ACCEPTED(world.bitsd.SetRemoteName(job, 1, world.Url(world.Put(other))));
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  BITS_ASSERT_ACCEPTED(world.bitsd.Complete(job));
  EXPECT_TRUE(ReadFileOr(world.bitsd.PathOf(job), "-") == *other.body);
  EXPECT_EQ(world.bitsd.GetFile(job)->restarts(), 1u);
}

TEST(SetRemoteName, FileThatIsBeingFetchedIsFetchedFromThere) {
  World& world = SharedWorld();
  for (Job::State state : {Job::STATE_CONNECTING, Job::STATE_TRANSFERRING}) {
    BITS_ASSERT_OK_AND_ASSIGN(const std::string job, world.JobIn(state));
    Resource other;
    other.body = std::make_shared<std::string>("from elsewhere");
    other.etag = "\"other\"";
    const std::string url = world.Url(world.Put(other));
    const Reply<v1::File> file = world.bitsd.SetRemoteName(job, 1, url);
    BITS_ASSERT_ACCEPTED(file);
    EXPECT_EQ(file->remote_name(), url);
    BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
    BITS_ASSERT_ACCEPTED(world.bitsd.Complete(job));
    EXPECT_EQ(ReadFileOr(world.bitsd.PathOf(job), "-"), "from elsewhere");
  }
}

TEST(SetRemoteName, OfAFinishedFileFetchesNothing) {
  World& world = SharedWorld();
  BITS_ASSERT_OK_AND_ASSIGN(const std::string job, world.JobIn(Job::STATE_TRANSFERRED));
  const std::string elsewhere = world.Put("another content");
  BITS_ASSERT_ACCEPTED(world.bitsd.SetRemoteName(job, 1, world.Url(elsewhere)));
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  BITS_ASSERT_ACCEPTED(world.bitsd.Complete(job));
  EXPECT_EQ(ReadFileOr(world.bitsd.PathOf(job), "-"), "content");
  EXPECT_EQ(world.origin->RequestCount(elsewhere), 0u);
}

TEST(SetRemoteName, WritesNothingButTheRemoteName) {
  World& world = SharedWorld();
  BITS_ASSERT_OK_AND_ASSIGN(const std::string job, world.JobIn(Job::STATE_SUSPENDED));
  v1::UpdateFileRequest request;
  request.mutable_file()->set_name(job + "/files/1");
  request.mutable_file()->set_remote_name("http://127.0.0.1:1/other");
  request.mutable_update_mask()->add_paths("local_name");
  EXPECT_THAT(world.bitsd.UpdateFile(request), RefusedField("update_mask", "E_INVALIDARG"));
  EXPECT_THAT(world.bitsd.SetRemoteName(job, 1, "nonsense"),
              RefusedField("file.remote_name", "E_INVALIDARG"));
}

}  // namespace
}  // namespace bits::testing

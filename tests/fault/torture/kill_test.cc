// SIGKILL at random moments: the result is right, and little is fetched again; also if the remote
// file is replaced meanwhile.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/fault/torture/torture.h"

namespace bits::testing {
namespace {

constexpr uint64_t kMegabyte = 1'000'000;
constexpr uint64_t kMostFetchedAgain = 8 * kMiB;

std::shared_ptr<const std::string> Version(uint64_t size, int n) {
  return std::make_shared<std::string>(MakeContent(size, static_cast<uint64_t>(n)));
}

TEST(KillTorture, ResultIsRightAndNoKillCostsMoreThanEightMebibytes) {
  constexpr uint64_t size = 200 * kMiB;
  constexpr int kills = 20;
  Resource resource;
  resource.body = Version(size, 1);
  Torture torture(resource, 20 * kMegabyte);
  torture.KillAtRandom(size, kills);
  EXPECT_TRUE(torture.Finish() == *resource.body);

  const std::vector<uint64_t> again = torture.FetchedAgain();
  std::printf("fetched again: %s\n", InMiB(again).c_str());
  for (uint64_t bytes : again) EXPECT_LE(bytes, kMostFetchedAgain);
  const uint64_t in_all = torture.BytesSent() - size;
  EXPECT_LE(in_all, static_cast<uint64_t>(kills) * kMostFetchedAgain);
  EXPECT_EQ(torture.bitsd().GetFile(torture.job())->restarts(), 0u);
}

struct Replacement {
  std::string name;
  std::function<void(Resource&)> first;
  std::function<void(Resource&, int version)> next;
};

void NewETag(Resource& resource, int version) { resource.etag = absl::StrCat("\"v", version, "\""); }
void NewLastModified(Resource& resource, int version) {
  resource.last_modified = absl::StrCat("Wed, ", 10 + version, " Oct 2015 07:28:00 GMT");
}

std::vector<Replacement> Replacements() {
  const auto as_it_is = [](Resource&) {};
  return {
      {"new_ETag_and_LastModified", as_it_is,
       [](Resource& r, int version) {
         NewETag(r, version);
         NewLastModified(r, version);
       }},
      {"new_ETag_only", as_it_is, NewETag},
      {"new_LastModified_only", as_it_is, NewLastModified},
      {"new_LastModified_and_no_ETag", [](Resource& r) { r.etag = ""; }, NewLastModified},
      {"no_validators", [](Resource& r) { r.etag = r.last_modified = ""; },
       [](Resource&, int) {}},
  };
}

class ReplacedFile : public ::testing::TestWithParam<Replacement> {};

TEST_P(ReplacedFile, IsNeverMixedWithTheOneBefore) {
  const uint64_t size = (FullTorture() ? 200 : 16) * kMiB;
  const int kills = FullTorture() ? 20 : 6;
  const int replaced_at_every = FullTorture() ? 5 : 2;
  std::vector<std::shared_ptr<const std::string>> versions = {Version(size, 1)};
  Resource resource;
  resource.body = versions.front();
  GetParam().first(resource);
  Torture torture(resource, 20 * kMegabyte);
  bool last_while_down = false;
  size_t asked_before_last = 0;  // requests that the origin had seen when it was last replaced
  const auto replace = [&] {
    versions.push_back(Version(size, static_cast<int>(versions.size()) + 1));
    torture.origin().Change(torture.path(), [&](Resource& r) {
      r.body = versions.back();
      GetParam().next(r, static_cast<int>(versions.size()));
    });
    asked_before_last = torture.origin().Requests(torture.path()).size();
  };
  for (int left = kills; left > 0; --left) {
    const bool replaced = left % replaced_at_every == 0;
    const bool while_down = (torture.random()() & 1) != 0;
    // An answer that is under way goes on with what was there when it began.
    if (replaced && !while_down) replace();
    torture.KillAt(torture.Moment(size, left));
    if (replaced && while_down) replace();
    if (replaced) last_while_down = while_down;
    torture.Restart();
  }
  const std::string content = torture.Finish();
  const auto found = std::find_if(versions.begin(), versions.end(),
                                  [&](const auto& version) { return *version == content; });
  ASSERT_NE(found, versions.end()) << "what came is no version of the file";
  // A transfer that had ended before asks no more, and keeps what it has.
  const bool asked_again =
      torture.origin().Requests(torture.path()).size() > asked_before_last;
  if (last_while_down && asked_again) {
    EXPECT_EQ(found - versions.begin() + 1, static_cast<long>(versions.size()));
  }
  std::printf("version %ld of %zu; fetched again: %s\n", found - versions.begin() + 1,
              versions.size(), InMiB(torture.FetchedAgain()).c_str());
}

INSTANTIATE_TEST_SUITE_P(With, ReplacedFile, ::testing::ValuesIn(Replacements()),
                         [](const ::testing::TestParamInfo<Replacement>& test) {
                           return test.param.name;
                         });

}  // namespace
}  // namespace bits::testing

// ListJobs and ListFiles: pages and filters (BITS: EnumJobs, EnumFiles).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/conformance/harness/world.h"
#include "tests/support/status_matchers.h"

namespace bits::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using v1::Job;

// The display names of all jobs that the request gives, over all pages.
std::vector<std::string> ListAll(TestBitsd& bitsd, v1::ListJobsRequest request) {
  std::vector<std::string> names;
  do {
    const auto reply = bitsd.List(request);
    EXPECT_THAT(reply, Accepted());
    for (const Job& job : reply->jobs()) names.push_back(job.display_name());
    request.set_page_token(reply->next_page_token());
  } while (!request.page_token().empty());
  return names;
}

std::vector<std::string> Filtered(TestBitsd& bitsd, const std::string& filter) {
  v1::ListJobsRequest request;
  request.set_filter(filter);
  return ListAll(bitsd, request);
}

class ListJobs : public ::testing::Test {
 protected:
  // Jobs "one" to "five", which differ in all that can be filtered by.
  void SetUp() override {
    TestBitsd& bitsd = world_.bitsd;
    bitsd.Create({.start = false, .display_name = "one", .labels = {{"team", "a"}}});
    bitsd.Create({.start = false,
                  .display_name = "two",
                  .priority = Job::PRIORITY_LOW,
                  .labels = {{"team", "b"}, {"x/y.z", ""}}});
    const std::string failed =
        bitsd.Create({.files = {{world_.ServeStatus(404)}}, .display_name = "three"});
    BITS_ASSERT_OK(bitsd.Await(failed, Job::STATE_ERROR));
    const std::string transferred =
        bitsd.Create({.files = {{world_.Serve("content")}}, .display_name = "four"});
    BITS_ASSERT_OK(bitsd.Await(transferred, Job::STATE_TRANSFERRED));
    const std::string cancelled = bitsd.Create({.start = false, .display_name = "five"});
    BITS_ASSERT_ACCEPTED(bitsd.Cancel(cancelled));
  }

  World world_;
};

TEST_F(ListJobs, OldestFirstAndNoFinalOnesUnlessAsked) {
  v1::ListJobsRequest request;
  EXPECT_THAT(ListAll(world_.bitsd, request), ElementsAre("one", "two", "three", "four"));
  request.set_show_final(true);
  EXPECT_THAT(ListAll(world_.bitsd, request), ElementsAre("one", "two", "three", "four", "five"));
  request.set_all_owners(true);
  EXPECT_THAT(ListAll(world_.bitsd, request), ElementsAre("one", "two", "three", "four", "five"));
}

TEST_F(ListJobs, FilterByEveryField) {
  TestBitsd& bitsd = world_.bitsd;
  EXPECT_THAT(Filtered(bitsd, "state = STATE_ERROR"), ElementsAre("three"));
  EXPECT_THAT(Filtered(bitsd, "state != STATE_SUSPENDED"), ElementsAre("three", "four"));
  EXPECT_THAT(Filtered(bitsd, "type = TYPE_DOWNLOAD"),
              ElementsAre("one", "two", "three", "four"));
  EXPECT_THAT(Filtered(bitsd, "priority = PRIORITY_LOW"), ElementsAre("two"));
  EXPECT_THAT(Filtered(bitsd, "display_name = \"t*\""), ElementsAre("two", "three"));
  EXPECT_THAT(Filtered(bitsd, "display_name = \"*e\""), ElementsAre("one", "three"));
  EXPECT_THAT(Filtered(bitsd, "display_name = \"*w*\""), ElementsAre("two"));
  EXPECT_THAT(Filtered(bitsd, "display_name != one"), ElementsAre("two", "three", "four"));
  EXPECT_THAT(Filtered(bitsd, "labels.team = a"), ElementsAre("one"));
  EXPECT_THAT(Filtered(bitsd, "labels.team != a"), ElementsAre("two", "three", "four"));
  EXPECT_THAT(Filtered(bitsd, "labels.team:*"), ElementsAre("one", "two"));
  EXPECT_THAT(Filtered(bitsd, "labels.x/y.z:*"), ElementsAre("two"));
  EXPECT_THAT(Filtered(bitsd, "error_count > 0"), ElementsAre("three"));
  EXPECT_THAT(Filtered(bitsd, "create_time < \"2001-01-01T00:00:00Z\""), IsEmpty());
  EXPECT_THAT(Filtered(bitsd, "update_time >= \"2001-01-01T00:00:00+02:00\""),
              ElementsAre("one", "two", "three", "four"));
  EXPECT_THAT(Filtered(bitsd, "owner = nobody"), IsEmpty());
}

TEST_F(ListJobs, FilterWithAndOrNotAndParentheses) {
  TestBitsd& bitsd = world_.bitsd;
  EXPECT_THAT(Filtered(bitsd, "state = STATE_SUSPENDED AND labels.team = b"),
              ElementsAre("two"));
  EXPECT_THAT(Filtered(bitsd, "state = STATE_ERROR OR state = STATE_TRANSFERRED"),
              ElementsAre("three", "four"));
  EXPECT_THAT(Filtered(bitsd, "NOT state = STATE_SUSPENDED"), ElementsAre("three", "four"));
  // OR binds tighter than AND.
  EXPECT_THAT(Filtered(bitsd, "display_name = one OR display_name = two AND labels.team = b"),
              ElementsAre("two"));
  EXPECT_THAT(
      Filtered(bitsd, "display_name = one OR (display_name = two AND labels.team = b)"),
      ElementsAre("one", "two"));
}

TEST_F(ListJobs, WrongFilterIsRefused) {
  for (const std::string wrong :
       {"state", "state =", "state = STATE_WRONG", "state > STATE_ERROR", "wrong = 1", "(",
        "state = STATE_ERROR AND", "create_time > yesterday", "error_count > many",
        "display_name : *", "labels.team ~ a"}) {
    v1::ListJobsRequest request;
    request.set_filter(wrong);
    EXPECT_THAT(world_.bitsd.List(request), RefusedField("filter", "E_INVALIDARG")) << wrong;
  }
  v1::ListJobsRequest request;
  request.set_filter("display_name = \"" + std::string(2048, 'x') + "\"");
  EXPECT_THAT(world_.bitsd.List(request), RefusedField("filter", "E_INVALIDARG"));
}

TEST(ListPages, HoldEveryJobOnceAndOneCreatedMeanwhileAtTheEnd) {
  TestBitsd bitsd;
  std::vector<std::string> expected;
  for (int i = 0; i < 25; ++i) {
    expected.push_back(absl::StrCat("job ", i));
    bitsd.Create({.start = false, .display_name = expected.back()});
  }
  v1::ListJobsRequest request;
  request.set_page_size(10);
  std::vector<std::string> names;
  int pages = 0;
  do {
    const auto reply = bitsd.List(request);
    BITS_ASSERT_ACCEPTED(reply);
    EXPECT_LE(reply->jobs_size(), 10);
    for (const Job& job : reply->jobs()) names.push_back(job.display_name());
    request.set_page_token(reply->next_page_token());
    if (++pages == 1) {
      expected.emplace_back("meanwhile");
      bitsd.Create({.start = false, .display_name = "meanwhile"});
    }
  } while (!request.page_token().empty() && pages < 100);
  EXPECT_THAT(names, ::testing::ElementsAreArray(expected));
}

TEST(ListPages, TokensAreOfTheirRequestOnly) {
  TestBitsd& bitsd = SharedWorld().bitsd;
  for (int i = 0; i < 3; ++i) bitsd.Create({.start = false});
  v1::ListJobsRequest request;
  request.set_page_size(1);
  const std::string token = bitsd.List(request)->next_page_token();
  ASSERT_NE(token, "");
  request.set_page_token(token);
  BITS_EXPECT_ACCEPTED(bitsd.List(request));
  v1::ListJobsRequest other = request;
  other.set_filter("state = STATE_SUSPENDED");
  EXPECT_THAT(bitsd.List(other), RefusedField("page_token", "E_INVALIDARG"));
  other = request;
  other.set_show_final(true);
  EXPECT_THAT(bitsd.List(other), RefusedField("page_token", "E_INVALIDARG"));
  for (const std::string& wrong : {std::string("nonsense"), token + "x", token.substr(1)}) {
    other = request;
    other.set_page_token(wrong);
    EXPECT_THAT(bitsd.List(other), RefusedField("page_token", "E_INVALIDARG"));
  }
}

TEST(ListPages, SizeIsBounded) {
  TestBitsd& bitsd = SharedWorld().bitsd;
  v1::ListJobsRequest request;
  request.set_page_size(-1);
  EXPECT_THAT(bitsd.List(request), RefusedField("page_size", "E_INVALIDARG"));
  request.set_page_size(1'000'000);
  BITS_EXPECT_ACCEPTED(bitsd.List(request));
}

TEST(ListFiles, PagesHoldEveryFileInOrder) {
  TestBitsd& bitsd = SharedWorld().bitsd;
  JobSpec spec{.start = false};
  for (int i = 0; i < 250; ++i) spec.files.push_back({absl::StrCat("http://127.0.0.1:1/", i)});
  const std::string job = bitsd.Create(spec);
  v1::ListFilesRequest request;
  request.set_parent(job);
  std::vector<int> sizes;
  int ordinal = 0;
  do {
    const auto reply = bitsd.ListFiles(request);
    BITS_ASSERT_ACCEPTED(reply);
    sizes.push_back(reply->files_size());
    for (const v1::File& file : reply->files()) {
      EXPECT_EQ(file.name(), absl::StrCat(job, "/files/", ++ordinal));
    }
    request.set_page_token(reply->next_page_token());
  } while (!request.page_token().empty() && sizes.size() < 100);
  EXPECT_EQ(ordinal, 250);
  EXPECT_EQ(sizes.front(), 100);  // the default
}

}  // namespace
}  // namespace bits::testing

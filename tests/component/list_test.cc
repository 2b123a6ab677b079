// ListJobs and ListFiles: pages, their tokens, filters.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "server/rpc/pages.h"
#include "server/rpc/sealed_token.h"
#include "tests/component/call_details.h"
#include "tests/component/rpc_world.h"
#include "tests/support/status_matchers.h"

namespace bits::testing {
namespace {

using grpc::StatusCode;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class ListTest : public ::testing::Test {
 protected:
  grpc::Status List(const v1::ListJobsRequest& request, v1::ListJobsResponse* response,
                    const std::string& user = "anna") {
    return world_.jobs->ListJobs(world_.Context(user).get(), request, response);
  }
  // The display names, page by page until the end.
  std::vector<std::string> All(v1::ListJobsRequest request, const std::string& user = "anna") {
    std::vector<std::string> names;
    v1::ListJobsResponse response;
    do {
      const grpc::Status status = List(request, &response, user);
      EXPECT_GRPC_OK(status);
      if (!status.ok()) return names;
      if (request.page_size() > 0) {
        EXPECT_LE(response.jobs_size(), request.page_size());
      }
      for (const v1::Job& job : response.jobs()) names.push_back(job.display_name());
      request.set_page_token(response.next_page_token());
    } while (!response.next_page_token().empty());
    return names;
  }
  std::vector<std::string> Filtered(const std::string& filter) {
    v1::ListJobsRequest request;
    request.set_filter(filter);
    return All(request);
  }

  RpcWorld world_;
};

TEST_F(ListTest, PagesInTheOrderOfCreation) {
  std::vector<std::string> created;
  for (int i = 0; i < 25; ++i) {
    created.push_back("job" + std::to_string(i));
    world_.CreateJob(created.back());
  }
  v1::ListJobsRequest request;
  EXPECT_EQ(All(request), created);
  for (const int size : {1, 7, 25, 26, 100'000}) {
    request.set_page_size(size);
    EXPECT_EQ(All(request), created) << size;
  }
}

TEST_F(ListTest, OwnersAndAdministrators) {
  world_.CreateJob("annas");
  world_.CreateJob("berts", false, "bert");
  v1::ListJobsRequest request;
  EXPECT_THAT(All(request), ElementsAre("annas"));
  EXPECT_THAT(All(request, "bert"), ElementsAre("berts"));
  EXPECT_THAT(All(request, "root"), IsEmpty());
  request.set_all_owners(true);
  EXPECT_THAT(All(request, "root"), ElementsAre("annas", "berts"));
  v1::ListJobsResponse response;
  EXPECT_THAT(List(request, &response), IsRefusal(StatusCode::PERMISSION_DENIED, "E_ACCESSDENIED"));
}

TEST_F(ListTest, Filters) {
  world_.CreateJob("one");
  world_.CreateJob("two", /*start=*/true);
  EXPECT_THAT(Filtered("state = STATE_SUSPENDED"), ElementsAre("one"));
  EXPECT_THAT(Filtered("display_name = \"t*\" OR display_name = one"), ElementsAre("one", "two"));
  EXPECT_THAT(Filtered("NOT display_name = \"*o*\""), IsEmpty());
  v1::ListJobsRequest request;
  request.set_filter("colour = red");
  v1::ListJobsResponse response;
  EXPECT_THAT(List(request, &response), IsWrongField("filter"));
}

TEST_F(ListTest, FinalJobsOnlyIfAsked) {
  const v1::Job job = world_.CreateJob("gone");
  v1::CancelJobRequest cancel;
  cancel.set_name(job.name());
  v1::Job cancelled;
  ASSERT_GRPC_OK(world_.jobs->CancelJob(world_.Context().get(), cancel, &cancelled));
  v1::ListJobsRequest request;
  EXPECT_THAT(All(request), IsEmpty());
  request.set_show_final(true);
  EXPECT_THAT(All(request), ElementsAre("gone"));
}

TEST_F(ListTest, APageTokenIsForTheSameRequestOfTheSameCaller) {
  for (int i = 0; i < 3; ++i) world_.CreateJob("job");
  v1::ListJobsRequest request;
  request.set_page_size(1);
  v1::ListJobsResponse response;
  ASSERT_GRPC_OK(List(request, &response));
  ASSERT_FALSE(response.next_page_token().empty());
  request.set_page_token(response.next_page_token());
  EXPECT_GRPC_OK(List(request, &response));
  EXPECT_THAT(List(request, &response, "bert"), IsWrongField("page_token"));

  v1::ListJobsRequest other = request;
  other.set_filter("state = STATE_SUSPENDED");
  EXPECT_THAT(List(other, &response), IsWrongField("page_token"));
  other = request;
  other.set_show_final(true);
  EXPECT_THAT(List(other, &response), IsWrongField("page_token"));
  other = request;
  other.set_page_token(request.page_token() + "x");
  EXPECT_THAT(List(other, &response), IsWrongField("page_token"));
  other = request;
  other.set_page_size(-1);
  EXPECT_THAT(List(other, &response), IsWrongField("page_size"));
}

TEST_F(ListTest, FilesInPages) {
  v1::CreateJobRequest create;
  create.mutable_job()->set_display_name("job");
  for (int i = 0; i < 10; ++i) *create.add_files() = FileNamed(std::to_string(i));
  v1::Job job;
  ASSERT_GRPC_OK(world_.jobs->CreateJob(world_.Context().get(), create, &job));

  v1::ListFilesRequest request;
  request.set_parent(job.name());
  for (const int size : {1, 3, 5, 9, 10, 11, 0}) {
    request.set_page_size(size);
    request.clear_page_token();
    v1::ListFilesResponse response;
    std::vector<std::string> names;
    int pages = 0;
    do {
      ASSERT_GRPC_OK(world_.jobs->ListFiles(world_.Context().get(), request, &response));
      for (const v1::File& file : response.files()) names.push_back(file.local_name());
      request.set_page_token(response.next_page_token());
      ++pages;
    } while (!response.next_page_token().empty());
    EXPECT_THAT(names, SizeIs(10)) << size;
    EXPECT_EQ(names.back(), "dir/9");
    EXPECT_EQ(pages, size == 0 ? 1 : (10 + size - 1) / size);
  }
  request.set_page_size(1);
  v1::ListFilesResponse response;
  ASSERT_GRPC_OK(world_.jobs->ListFiles(world_.Context().get(), request, &response));
  request.set_page_token(response.next_page_token());
  request.set_parent("jobs/00000000-0000-4000-8000-000000000000");
  EXPECT_THAT(world_.jobs->ListFiles(world_.Context().get(), request, &response),
              IsWrongField("page_token"));  // another request's
  request.clear_page_token();
  EXPECT_THAT(world_.jobs->ListFiles(world_.Context("root").get(), request, &response),
              IsRefusal(StatusCode::NOT_FOUND, "BG_E_NOT_FOUND"));
}

// Large jobs and files make pages short, so that a client with gRPC's default limit of 4 MiB can
// receive them.
TEST_F(ListTest, PagesAreBoundedInBytes) {
  v1::CreateJobRequest create;
  for (int i = 0; i < 60; ++i) {
    (*create.mutable_job()->mutable_labels())["label" + std::to_string(i)] = std::string(256, 'v');
  }
  for (int i = 0; i < 300; ++i) {
    create.mutable_job()->set_display_name("job" + std::to_string(i));
    v1::Job job;
    ASSERT_GRPC_OK(world_.jobs->CreateJob(world_.Context().get(), create, &job));
  }
  v1::ListJobsRequest request;
  request.set_page_size(1000);
  EXPECT_THAT(All(request), SizeIs(300));
  v1::ListJobsResponse page;
  ASSERT_GRPC_OK(List(request, &page));
  EXPECT_LT(page.ByteSizeLong(), 4u << 20);
  EXPECT_GT(page.jobs_size(), 100);
}

TEST_F(ListTest, APageHoldsOneAtLeast) {
  v1::CreateJobRequest create;
  create.mutable_job()->set_display_name("job");
  for (int i = 0; i < 3; ++i) *create.add_files() = FileNamed(std::to_string(i));
  v1::Job job;
  ASSERT_GRPC_OK(world_.jobs->CreateJob(world_.Context().get(), create, &job));
  world_.CreateJob("other");

  const rpc::TokenSealer tokens(world_.token_key);
  rpc::FilePageRequest files;
  files.principal = {"anna", false};
  files.job = RpcWorld::IdOf(job);
  files.limit = 100;
  rpc::JobPageRequest jobs;
  jobs.principal = files.principal;
  jobs.query.limit = 100;
  int pages = 0;
  for (; pages < 10; ++pages) {
    const auto page = rpc::ReadFilePage(&world_.application->jobs(), tokens, files, 1);
    BITS_ASSERT_OK(page);
    ASSERT_EQ(page->files_size(), 1);
    if (page->next_page_token().empty()) break;
    files.after = static_cast<uint32_t>(*tokens.OpenPage(page->next_page_token(), ""));
  }
  EXPECT_EQ(pages, 2);
  const auto page = rpc::ReadJobPage(&world_.application->jobs(), tokens, jobs, 1);
  BITS_ASSERT_OK(page);
  ASSERT_EQ(page->jobs_size(), 1);
  jobs.query.after = *tokens.OpenPage(page->next_page_token(), "");
  const auto next = rpc::ReadJobPage(&world_.application->jobs(), tokens, jobs, 1);
  BITS_ASSERT_OK(next);
  ASSERT_EQ(next->jobs_size(), 1);
  EXPECT_EQ(next->jobs(0).display_name(), "other");
}

}  // namespace
}  // namespace bits::testing

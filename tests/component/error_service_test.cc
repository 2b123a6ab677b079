// ErrorService: the error of a job, its history, the texts of codes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/component/call_details.h"
#include "tests/component/rpc_world.h"
#include "tests/component/watcher.h"

namespace bits::testing {
namespace {

using grpc::StatusCode;

class ErrorServiceTest : public ::testing::Test {
 protected:
  // A job whose only file was not found.
  v1::Job Failed() {
    const v1::Job job = world_.CreateJob("job");
    Watcher watcher(world_.jobs.get(), {});
    watcher.Until("SNAPSHOT_END");  // so that nothing happens before the watch begins
    v1::ResumeJobRequest resume;
    resume.set_name(job.name());
    v1::Job resumed;
    EXPECT_GRPC_OK(world_.jobs->ResumeJob(world_.Context().get(), resume, &resumed));
    const auto observer = world_.engine.Take(RpcWorld::IdOf(job));
    domain::Failure failure;
    failure.hresult = 0x80190194;
    failure.context = domain::ErrorContext::kRemoteFile;
    failure.http_status = 404;
    observer->OnFailed(failure);
    v1::JobEvent event;
    do {
      event = watcher.Next();
    } while (Short(event) != "STATE_CHANGED job ERROR" && Short(event) != "END");
    EXPECT_EQ(event.error().code(), "BG_E_HTTP_ERROR_404");
    return job;
  }
  grpc::Status GetError(const std::string& job, v1::Error* error, const std::string& language = "",
                        const std::string& user = "anna") {
    v1::GetErrorRequest request;
    request.set_job(job);
    request.set_language_code(language);
    return world_.errors->GetError(world_.Context(user).get(), request, error);
  }

  RpcWorld world_;
  v1::Error error_;
};

TEST_F(ErrorServiceTest, TheErrorOfAJob) {
  const v1::Job job = Failed();
  for (const char* language : {"", "en", "en-GB"}) {
    ASSERT_GRPC_OK(GetError(job.name(), &error_, language));
    EXPECT_EQ(error_.hresult(), 0x80190194u);
    EXPECT_EQ(error_.code(), "BG_E_HTTP_ERROR_404");
    EXPECT_EQ(error_.context(), v1::ERROR_CONTEXT_REMOTE_FILE);
    EXPECT_EQ(error_.file(), job.name() + "/files/1");
    EXPECT_EQ(error_.remote_name(), "http://origin.example/job");
    EXPECT_EQ(error_.http_status(), 404u);
    EXPECT_FALSE(error_.transient());
    EXPECT_EQ(error_.attempt(), 1u);
  }
  EXPECT_EQ(world_.GetJob(job.name()).wait().reason(), v1::Wait::REASON_ERROR);
}

TEST_F(ErrorServiceTest, NoErrorNoJobNoLanguage) {
  const v1::Job job = world_.CreateJob("job");
  EXPECT_THAT(GetError(job.name(), &error_),
              IsRefusal(StatusCode::FAILED_PRECONDITION, "BG_E_ERROR_INFORMATION_UNAVAILABLE"));
  EXPECT_THAT(GetError("jobs/00000000-0000-4000-8000-000000000000", &error_, "", "root"),
              IsRefusal(StatusCode::NOT_FOUND, "BG_E_NOT_FOUND"));
  EXPECT_THAT(GetError(job.name() + "/", &error_), IsWrongField("job"));
  EXPECT_THAT(GetError(job.name(), &error_, "nl"),
              IsRefusal(StatusCode::FAILED_PRECONDITION, "ERROR_RESOURCE_LANG_NOT_FOUND"));
  EXPECT_THAT(GetError(job.name(), &error_, "e"), IsWrongField("language_code"));
  EXPECT_THAT(GetError(job.name(), &error_, "", "bert"),
              IsRefusal(StatusCode::PERMISSION_DENIED, "E_ACCESSDENIED"));
}

TEST_F(ErrorServiceTest, TheHistoryOfAJob) {
  const v1::Job job = Failed();
  v1::ListErrorsRequest request;
  request.set_parent(job.name());
  v1::ListErrorsResponse response;
  ASSERT_GRPC_OK(world_.errors->ListErrors(world_.Context().get(), request, &response));
  ASSERT_EQ(response.errors_size(), 1);
  EXPECT_EQ(response.errors(0).code(), "BG_E_HTTP_ERROR_404");
  ASSERT_EQ(response.counts_size(), 1);
  EXPECT_EQ(response.counts(0).count(), 1u);
  EXPECT_EQ(response.total_count(), 1u);
  request.set_parent("jobs/00000000-0000-4000-8000-000000000000");
  EXPECT_THAT(world_.errors->ListErrors(world_.Context("root").get(), request, &response),
              IsRefusal(StatusCode::NOT_FOUND, "BG_E_NOT_FOUND"));
}

TEST_F(ErrorServiceTest, WhatACodeMeans) {
  const auto describe = [this](uint32_t hresult, const std::string& language,
                               v1::DescribeErrorResponse* response) {
    v1::DescribeErrorRequest request;
    request.set_hresult(hresult);
    request.set_language_code(language);
    return world_.errors->DescribeError(world_.Context().get(), request, response);
  };
  v1::DescribeErrorResponse response;
  ASSERT_GRPC_OK(describe(0x80200001, "en", &response));
  EXPECT_EQ(response.code(), "BG_E_NOT_FOUND");
  EXPECT_FALSE(response.description().empty());
  EXPECT_GRPC_OK(describe(0x80190194, "en-US", &response));
  EXPECT_EQ(response.code(), "BG_E_HTTP_ERROR_404");
  EXPECT_GRPC_OK(describe(0, "en", &response));
  EXPECT_THAT(describe(0x81234567, "en", &response),
              IsRefusal(StatusCode::NOT_FOUND, "ERROR_MR_MID_NOT_FOUND"));
  EXPECT_GRPC_OK(describe(0x80200001, "", &response));
  EXPECT_THAT(describe(0x80200001, "e", &response), IsWrongField("language_code"));
  EXPECT_THAT(describe(0x80200001, "fr", &response),
              IsRefusal(StatusCode::FAILED_PRECONDITION, "ERROR_RESOURCE_LANG_NOT_FOUND"));
}

}  // namespace
}  // namespace bits::testing

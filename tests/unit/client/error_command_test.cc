// bitsctl error, errors and describe.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/client/cli_fixture.h"

namespace bits::testing {
namespace {

using cli::ExitCode;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

using ErrorCommandTest = CliTest;

TEST_F(ErrorCommandTest, ErrorGivesAdviceForThisJobAndServer) {
  handlers_.get_error = [](const v1::GetErrorRequest& request, v1::Error& error) {
    error.set_code("BG_E_HTTP_ERROR_404");
    error.set_hresult(0x80190194);
    error.set_context(v1::ERROR_CONTEXT_REMOTE_FILE);
    error.set_file(request.job() + "/files/3");
    error.set_http_status(404);
    return grpc::Status::OK;
  };
  Serve();
  const auto ran = Run({"--server=" + server_->address(), "error", IdOf(1)});
  EXPECT_EQ(ran.code, ExitCode::kOk);
  EXPECT_THAT(ran.out, AllOf(HasSubstr("BG_E_HTTP_ERROR_404 (0x80190194)"),
                             HasSubstr("REMOTE_FILE"), HasSubstr("HTTP status: 404"),
                             HasSubstr("bitsctl --server=" + server_->address() + " set-remote " +
                                       IdOf(1) + " 3 URL")));
}

TEST_F(ErrorCommandTest, ErrorAdvisesByItsKind) {
  v1::Error error;
  handlers_.get_error = [&error](const auto&, v1::Error& response) {
    response = error;
    return grpc::Status::OK;
  };
  Serve();
  error.set_context(v1::ERROR_CONTEXT_LOCAL_FILE);
  error.set_code("BG_E_VALIDATION_FAILED");
  EXPECT_THAT(Run({"error", IdOf(1)}).out,
              AllOf(HasSubstr("not what the checksum says"), HasSubstr("set-remote")));
  error.set_code("ERROR_DIRECTORY");
  EXPECT_THAT(Run({"error", IdOf(1)}).out, HasSubstr("needs a directory"));
  error.set_code("ERROR_HANDLE_DISK_FULL");
  EXPECT_THAT(Run({"error", IdOf(1)}).out, HasSubstr("Make room"));
  error.set_transient(true);
  EXPECT_THAT(Run({"error", IdOf(1)}).out,
              AllOf(HasSubstr("tries again by itself"), HasSubstr("bitsctl resume " + IdOf(1)),
                    Not(HasSubstr("cancel"))));
}

TEST_F(ErrorCommandTest, AFileThatCouldNotGetItsNameIsAdvisedUpon) {
  std::string reason;
  std::map<std::string, std::string> metadata = {{"local_name", "a"}};
  handlers_.complete_job = [&](const auto&, auto&) {
    return Refusal(grpc::StatusCode::PERMISSION_DENIED, reason, "File 1 could not.", metadata);
  };
  Serve();
  reason = "E_ACCESSDENIED";
  EXPECT_THAT(Run({"complete", IdOf(1)}).err, HasSubstr("not that of a directory"));
  reason = "ERROR_DIRECTORY";
  EXPECT_THAT(Run({"complete", IdOf(1)}).err, HasSubstr("needs a directory"));
  metadata.clear();
  EXPECT_THAT(Run({"complete", IdOf(1)}).err, Not(HasSubstr("directory:")));
}

TEST_F(ErrorCommandTest, ErrorWhereThereIsNoneIsRefused) {
  handlers_.get_error = [](const auto&, auto&) {
    return Refusal(grpc::StatusCode::FAILED_PRECONDITION, "BG_E_ERROR_INFORMATION_UNAVAILABLE",
                   "The job has no error now.", {{"hresult", "0x8020000F"}});
  };
  Serve();
  const auto ran = Run({"error", IdOf(1)});
  EXPECT_EQ(ran.code, ExitCode::kRefused);
  EXPECT_THAT(ran.err, HasSubstr("(BG_E_ERROR_INFORMATION_UNAVAILABLE, 0x8020000F)"));
}

TEST_F(ErrorCommandTest, ErrorsShowsWhereSomeAreLeftOut) {
  handlers_.list_errors = [](const v1::ListErrorsRequest&, v1::ListErrorsResponse& response) {
    for (const std::uint32_t attempt : {1U, 2U, 40U}) {
      auto* error = response.add_errors();
      error->set_attempt(attempt);
      error->set_code("BG_E_HTTP_ERROR_503");
    }
    auto* count = response.add_counts();
    count->set_code("BG_E_HTTP_ERROR_503");
    count->set_count(40);
    response.set_total_count(40);
    return grpc::Status::OK;
  };
  Serve();
  EXPECT_THAT(Run({"errors", IdOf(1)}).out,
              AllOf(HasSubstr("attempt 1 "), HasSubstr("  ...\n"), HasSubstr("attempt 40"),
                    HasSubstr("      40  BG_E_HTTP_ERROR_503")));
}

TEST_F(ErrorCommandTest, DescribeTakesEveryWayToWriteACode) {
  std::vector<std::uint32_t> seen;
  handlers_.describe_error = [&seen](const v1::DescribeErrorRequest& request,
                                     v1::DescribeErrorResponse& response) {
    seen.push_back(request.hresult());
    EXPECT_EQ(request.language_code(), "en");
    response.set_code("BG_E_HTTP_ERROR_404");
    response.set_description("Not found.");
    return grpc::Status::OK;
  };
  Serve();
  EXPECT_EQ(Run({"describe", "0x80190194"}).out, "0x80190194  BG_E_HTTP_ERROR_404\nNot found.\n");
  EXPECT_EQ(Run({"describe", "2149122452"}).code, ExitCode::kOk);
  EXPECT_EQ(Run({"describe", "--", "-2145844844"}).code, ExitCode::kOk);
  EXPECT_THAT(seen, ElementsAre(0x80190194U, 0x80190194U, 0x80190194U));
}

}  // namespace
}  // namespace bits::testing

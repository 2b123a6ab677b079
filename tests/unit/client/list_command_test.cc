// bitsctl list, info and files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/client/cli_fixture.h"

namespace bits::testing {
namespace {

using cli::ExitCode;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

using ListCommandTest = CliTest;

TEST_F(ListCommandTest, ListShowsPagesAsOneTableOrOneDocument) {
  v1::ListJobsRequest seen;
  handlers_.list_jobs = [&seen](const v1::ListJobsRequest& request,
                                v1::ListJobsResponse& response) {
    seen = request;
    const int page = request.page_token().empty() ? 1 : std::stoi(request.page_token());
    *response.add_jobs() = MakeJob(page, v1::Job::STATE_ERROR, "job\t" + std::to_string(page));
    if (page < 3) response.set_next_page_token(std::to_string(page + 1));
    return grpc::Status::OK;
  };
  Serve();
  const auto ran = Run({"list", "--filter=state = STATE_ERROR", "--all", "--final"});
  EXPECT_EQ(ran.code, ExitCode::kOk);
  EXPECT_THAT(ran.out, AllOf(StartsWith("ID        NAME   STATE  PRIORITY  FILES  PROGRESS\n"),
                             HasSubstr("00010000  job?1  ERROR  NORMAL    0/1    "),
                             HasSubstr("00030000  job?3")));
  EXPECT_EQ(seen.filter(), "state = STATE_ERROR");
  EXPECT_TRUE(seen.all_owners());
  EXPECT_TRUE(seen.show_final());

  const auto json = FromJson<v1::ListJobsResponse>(Run({"list", "--json"}).out);
  EXPECT_THAT(json.jobs(), SizeIs(3));
  EXPECT_THAT(FromJson<v1::ListJobsResponse>(Run({"list", "--json", "--limit=2"}).out).jobs(),
              SizeIs(2));
  EXPECT_EQ(seen.page_size(), 2);
  EXPECT_THAT(Run({"list", "--long"}).out, HasSubstr(IdOf(2)));
}

TEST_F(ListCommandTest, ListOfNothing) {
  handlers_.list_jobs = [](const auto&, auto&) { return grpc::Status::OK; };
  Serve();
  const auto ran = Run({"list"});
  EXPECT_EQ(ran.out, "");
  EXPECT_EQ(ran.err, "There are no jobs.\n");
  EXPECT_EQ(Run({"list", "--json"}).out, "{\"jobs\":[]}\n");
}

TEST_F(ListCommandTest, FilesAsDocument) {
  handlers_.list_files = [](const v1::ListFilesRequest& request, v1::ListFilesResponse& response) {
    auto* file = response.add_files();
    file->set_name(request.parent() + "/files/1");
    file->set_local_name("a.iso");
    file->set_remote_name("http://me:secret@a/a.iso?sig=1");
    file->mutable_progress()->set_bytes_total(10);
    file->mutable_progress()->set_bytes_transferred(10);
    return grpc::Status::OK;
  };
  Serve();
  EXPECT_EQ(Run({"files", IdOf(1)}).out,
            "1  a.iso  10 B of 10 B (100%)  WHOLE\n    from http://a/a.iso?…\n");
  EXPECT_THAT(Run({"files", IdOf(1), "--show-urls"}).out,
              HasSubstr("    from http://me:secret@a/a.iso?sig=1\n"));
  const auto files = FromJson<v1::ListFilesResponse>(Run({"files", IdOf(1), "--json"}).out);
  EXPECT_EQ(files.files(0).local_name(), "a.iso");
  EXPECT_EQ(files.files(0).remote_name(), "http://me:secret@a/a.iso?sig=1");
}

TEST_F(ListCommandTest, FilesTellWhereTheyMayComeFrom) {
  handlers_.list_files = [](const v1::ListFilesRequest& request, v1::ListFilesResponse& response) {
    v1::File* file = response.add_files();
    file->set_name(request.parent() + "/files/1");
    file->set_remote_name("http://a/x?sig=1");
    file->add_mirrors("http://b/x?sig=2");
    file->add_mirrors("http://c/x");
    file->set_mirror(2);
    file->mutable_checksum()->set_algorithm(v1::Checksum::ALGORITHM_SHA256);
    file->mutable_checksum()->set_uri("http://a/x.sha256?sig=3");
    return grpc::Status::OK;
  };
  Serve();
  const auto hidden = Run({"files", IdOf(1)}).out;
  EXPECT_THAT(hidden, HasSubstr("or from http://c/x  (in use)\n"));
  EXPECT_THAT(hidden, HasSubstr("checksum SHA256 from http://a/x.sha256?"));
  EXPECT_THAT(hidden, Not(HasSubstr("sig")));
  const auto shown = Run({"files", IdOf(1), "--show-urls"}).out;
  EXPECT_THAT(shown, HasSubstr("or from http://b/x?sig=2\n"));
  EXPECT_THAT(shown, HasSubstr("from http://a/x.sha256?sig=3\n"));
}

TEST_F(ListCommandTest, InfoTellsTheErrorToo) {
  handlers_.get_job = [](const v1::GetJobRequest&, v1::Job& job) {
    job = MakeJob(1, v1::Job::STATE_ERROR);
    (*job.mutable_labels())["team"] = "web";
    job.mutable_wait()->set_reason(v1::Wait::REASON_ERROR);
    return grpc::Status::OK;
  };
  handlers_.get_error = [](const v1::GetErrorRequest&, v1::Error& error) {
    error.set_code("BG_E_HTTP_ERROR_404");
    error.set_hresult(0x80190194);
    return grpc::Status::OK;
  };
  Serve();
  const auto ran = Run({"info", IdOf(1)});
  EXPECT_EQ(ran.code, ExitCode::kOk);
  EXPECT_THAT(ran.out, AllOf(HasSubstr("State:                 ERROR\n"), HasSubstr("team=web"),
                             HasSubstr("BG_E_HTTP_ERROR_404 (0x80190194)"),
                             HasSubstr("waits for its owner to mend the error")));
  EXPECT_EQ(FromJson<v1::Job>(Run({"info", IdOf(1), "--json"}).out).state(), v1::Job::STATE_ERROR);
}

TEST_F(ListCommandTest, JsonWritesZeroesAndLeavesOutWhatIsUnknown) {
  handlers_.get_job = [](const v1::GetJobRequest&, v1::Job& job) {
    job = MakeJob(1, v1::Job::STATE_QUEUED);
    return grpc::Status::OK;
  };
  Serve();
  const std::string json = Run({"info", IdOf(1), "--json"}).out;
  EXPECT_THAT(json, AllOf(HasSubstr("\"errorCount\":0"), HasSubstr("\"bytesTransferred\":\"0\""),
                          Not(HasSubstr("bytesTotal")), EndsWith("}\n")));
}

}  // namespace
}  // namespace bits::testing

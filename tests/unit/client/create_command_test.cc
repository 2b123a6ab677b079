// bitsctl create and add.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "tests/unit/client/cli_fixture.h"

namespace bits::testing {
namespace {

using cli::ExitCode;
using ::testing::HasSubstr;
using ::testing::SizeIs;

using CreateCommandTest = CliTest;

TEST_F(CreateCommandTest, CreateSendsWhatItWasGivenAndPrintsTheId) {
  v1::CreateJobRequest seen;
  handlers_.create_job = [&seen](const v1::CreateJobRequest& request, v1::Job& job) {
    seen = request;
    job = MakeJob(1, v1::Job::STATE_QUEUED);
    return grpc::Status::OK;
  };
  Serve();
  const auto ran = Run({"create", "nightly", "--file=http://a/b?c=d=e", "--file", "http://a/f=g",
                        "--start", "--priority=high", "--label=team=web"});
  EXPECT_EQ(ran.code, ExitCode::kOk);
  EXPECT_EQ(ran.out, IdOf(1) + "\n");
  EXPECT_EQ(seen.job().display_name(), "nightly");
  EXPECT_EQ(seen.job().priority(), v1::Job::PRIORITY_HIGH);
  EXPECT_EQ(seen.job().labels().at("team"), "web");
  EXPECT_TRUE(seen.start());
  ASSERT_THAT(seen.files(), SizeIs(2));
  EXPECT_EQ(seen.files(0).remote_name(), "http://a/b?c=d");
  EXPECT_EQ(seen.files(0).local_name(), "e");

  EXPECT_EQ(FromJson<v1::Job>(Run({"create", "nightly", "--json"}).out).name(), "jobs/" + IdOf(1));
  EXPECT_EQ(seen.job().priority(), v1::Job::PRIORITY_UNSPECIFIED);
}

TEST_F(CreateCommandTest, AddSendsPairsAndChecksums) {
  v1::AddFilesRequest seen;
  handlers_.add_files = [&seen](const v1::AddFilesRequest& request,
                                v1::AddFilesResponse& response) {
    seen = request;
    *response.add_files() = request.files(0);
    response.mutable_files(0)->set_name(request.parent() + "/files/7");
    *response.mutable_job() = MakeJob(1, v1::Job::STATE_TRANSFERRED);
    return grpc::Status::OK;
  };
  Serve();
  const auto ran = Run({"add", IdOf(1), "http://a/b", "b", "--checksum=crc32c:00000000"});
  EXPECT_EQ(ran.code, ExitCode::kOk);
  EXPECT_EQ(ran.out, "jobs/" + IdOf(1) + "/files/7  b\n");
  EXPECT_THAT(ran.err, HasSubstr("bitsctl resume " + IdOf(1)));
  EXPECT_EQ(seen.files(0).checksum().hex(), "00000000");
}

TEST_F(CreateCommandTest, AddReadsAListOfFiles) {
  v1::AddFilesRequest seen;
  handlers_.add_files = [&seen](const v1::AddFilesRequest& request, v1::AddFilesResponse&) {
    seen = request;
    return grpc::Status::OK;
  };
  Serve();
  const std::string path = ::testing::TempDir() + "/files_" + IdOf(1) + ".txt";
  const auto write = [&path](const std::string& text) { std::ofstream(path) << text; };
  write("# two\n\nhttp://a/b?c=d \t b c.txt \nhttp://a/e dir/\n");
  EXPECT_EQ(Run({"add", IdOf(1), "--from=" + path}).code, ExitCode::kOk);
  ASSERT_THAT(seen.files(), SizeIs(2));
  EXPECT_EQ(seen.files(0).remote_name(), "http://a/b?c=d");
  EXPECT_EQ(seen.files(0).local_name(), "b c.txt");
  EXPECT_EQ(seen.files(1).local_name(), "dir/e");
  for (const char* wrong : {"http://a/b\n", "# none\n", "b http://a/b\n"}) {
    write(std::string("\n") + wrong);
    const auto ran = Run({"add", IdOf(1), "--from=" + path});
    EXPECT_EQ(ran.code, ExitCode::kUsage) << wrong;
    EXPECT_THAT(ran.err, HasSubstr(path)) << wrong;
  }
  EXPECT_EQ(Run({"add", IdOf(1), "--from=" + path + ".not"}).code, ExitCode::kUsage);
  EXPECT_EQ(Run({"add", IdOf(1), "--from=" + path, "http://a/b", "b"}).code, ExitCode::kUsage);
}

}  // namespace
}  // namespace bits::testing

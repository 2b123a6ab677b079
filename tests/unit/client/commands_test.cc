// What holds for all commands of bitsctl, and its verbs. The others: *_command_test.cc.
#include <gmock/gmock.h>
#include <google/protobuf/struct.pb.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "client/cli/console.h"
#include "client/cli/text.h"
#include "tests/unit/client/cli_fixture.h"

namespace bits::testing {
namespace {

using cli::ExitCode;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

using CommandsTest = CliTest;

TEST_F(CommandsTest, HelpKnowsEveryCommandAndTheExitCodes) {
  const auto help = Run({"help"});
  EXPECT_EQ(help.code, ExitCode::kOk);
  for (const std::string name :
       {"transfer", "create", "add", "resume", "suspend", "complete", "cancel", "take", "reset", "set", "set-remote",
        "set-credentials", "remove-credentials",
        "list", "info", "files", "error", "errors", "describe", "monitor"}) {
    EXPECT_THAT(help.out, HasSubstr("\n  " + name + " "));
    const auto of_command = Run({"help", name});
    EXPECT_EQ(of_command.code, ExitCode::kOk);
    EXPECT_THAT(of_command.out, AllOf(StartsWith("bitsctl " + name + ": "),
                                      HasSubstr("Usage: bitsctl " + name), HasSubstr("130")));
    EXPECT_EQ(Run({name, "--help"}).out, of_command.out);
    EXPECT_EQ(Run({name, "-h"}).out, of_command.out);
  }
  EXPECT_EQ(Run({"--help"}).out, help.out);
  EXPECT_THAT(Run({"--version"}).out, StartsWith("bitsctl 0."));
}

TEST_F(CommandsTest, WhatIsNotUtf8IsNamedByItsPlace) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"create", "na\xffme"}, {"list", "--filter=\xc3"},
        {"fro\xc3", "a"}, {"create", "a", "--json", "--description=\xff"}}) {
    const auto ran = Run(words);
    EXPECT_EQ(ran.code, ExitCode::kUsage);
    EXPECT_THAT(ran.err, HasSubstr("is not UTF-8"));
    EXPECT_TRUE(cli::IsUtf8(ran.err));
  }
}

TEST_F(CommandsTest, AWrongCommandLineIsUsage) {
  const std::vector<std::string> wrong[] = {{},
                                            {"frobnicate"},
                                            {"help", "frobnicate"},
                                            {"list", "extra"},
                                            {"list", "--limit=0"},
                                            {"list", "--limit=x"},
                                            {"list", "--frobnicate"},
                                            {"list", "--wait=soon"},
                                            {"--server=nowhere", "list"},
                                            {"info"},
                                            {"info", "a", "b"},
                                            {"files"},
                                            {"error"},
                                            {"errors"},
                                            {"describe"},
                                            {"describe", "many"},
                                            {"describe", "0x1ffffffff"},
                                            {"resume"},
                                            {"create"},
                                            {"create", "a", "--file=x"},
                                            {"create", "a", "--priority=urgent"},
                                            {"add", "a", "http://a/b"},
                                            {"add", "a", "http://a/b", "b", "--checksum=md5:0"},
                                            {"set", "a"},
                                            {"set", "--name=a"},
                                            {"set-remote", "a", "0", "http://a/b"},
                                            {"set-remote", "a", "b", "http://a/b"},
                                            {"transfer"},
                                            {"transfer", "http://a/b", "http://a/c"},
                                            {"transfer", "http://a/"},
                                            {"transfer", "--resume=a", "http://a/b"},
                                            {"transfer", "--resume=a", "--priority=low"},
                                            {"monitor", "a", "--filter=b"}};
  for (const auto& words : wrong) {
    const auto ran = Run(words);
    EXPECT_EQ(ran.code, ExitCode::kUsage) << ::testing::PrintToString(words);
    EXPECT_THAT(ran.err, Not(::testing::IsEmpty())) << ::testing::PrintToString(words);
    EXPECT_EQ(ran.out, "");
  }
}

TEST_F(CommandsTest, NobodyThere) {
  const auto ran = Run({"--server=unix:/nonexistent/socket", "--wait=0", "list"});
  EXPECT_EQ(ran.code, ExitCode::kUnreachable);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("no bitsd answers at unix:/nonexistent/socket: "
                                       "No such file or directory\n"),
                             HasSubstr("BITS_SERVER")));
}

TEST_F(CommandsTest, ARefusalSaysReasonCodeAndFields) {
  handlers_.get_job = [](const auto&, auto&) { return NotFound(); };
  handlers_.create_job = [](const auto&, auto&) {
    return InvalidField("job.display_name", "must have 1 to 256 characters");
  };
  Serve();
  const auto info = Run({"info", IdOf(1)});
  EXPECT_EQ(info.code, ExitCode::kRefused);
  EXPECT_EQ(info.err, "bitsctl: cannot show " + IdOf(1) +
                          ": There is no such job. (BG_E_NOT_FOUND, 0x80200001)\n");
  const auto create = Run({"create", ""});
  EXPECT_EQ(create.code, ExitCode::kRefused);
  EXPECT_THAT(create.err, HasSubstr("job.display_name: must have 1 to 256 characters"));

  const auto json = FromJson<google::protobuf::Struct>(Run({"--json", "info", IdOf(1)}).err);
  EXPECT_EQ(json.fields().at("code").number_value(), 5);
  EXPECT_EQ(json.fields()
                .at("details")
                .list_value()
                .values(0)
                .struct_value()
                .fields()
                .at("reason")
                .string_value(),
            "BG_E_NOT_FOUND");
}

TEST_F(CommandsTest, VerbsGoOnAfterARefusalAndSaySo) {
  std::vector<std::string> resumed;
  handlers_.resume_job = [&resumed](const v1::ResumeJobRequest& request, v1::Job& job) {
    resumed.push_back(request.name());
    if (request.name() == "jobs/" + IdOf(2)) return NotFound();
    job = MakeJob(1, v1::Job::STATE_QUEUED);
    return grpc::Status::OK;
  };
  Serve();
  const auto ran = Run({"resume", IdOf(1), IdOf(2), IdOf(3)});
  EXPECT_EQ(ran.code, ExitCode::kRefused);
  EXPECT_THAT(resumed, SizeIs(3));
  EXPECT_EQ(ran.out, IdOf(1) + "  a.iso  QUEUED\n" + IdOf(1) + "  a.iso  QUEUED\n");
  EXPECT_THAT(ran.err, HasSubstr("cannot resume " + IdOf(2)));
  // A document a line.
  std::istringstream lines(Run({"resume", IdOf(1), IdOf(3), "--json"}).out);
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    EXPECT_EQ(FromJson<v1::Job>(line).state(), v1::Job::STATE_QUEUED);
  }
  EXPECT_EQ(count, 2);
}

TEST_F(CommandsTest, CompleteOfApartIsIncomplete) {
  handlers_.complete_job = [](const v1::CompleteJobRequest&, v1::Job& job) {
    job = MakeJob(1, v1::Job::STATE_ACKNOWLEDGED);
    job.set_result(v1::Job::RESULT_PARTIAL_COMPLETE);
    return grpc::Status::OK;
  };
  handlers_.cancel_job = [](const v1::CancelJobRequest&, v1::Job& job) {
    job = MakeJob(1, v1::Job::STATE_CANCELLED);
    return grpc::Status::OK;
  };
  Serve();
  const auto ran = Run({"complete", IdOf(1)});
  EXPECT_EQ(ran.code, ExitCode::kIncomplete);
  EXPECT_THAT(ran.out, HasSubstr("only the files that were whole"));
  EXPECT_EQ(Run({"cancel", IdOf(1)}).code, ExitCode::kOk);
}

TEST_F(CommandsTest, ResetCancelsWhatIsListed) {
  std::vector<std::string> cancelled;
  v1::ListJobsRequest listed;
  handlers_.list_jobs = [&](const v1::ListJobsRequest& request, v1::ListJobsResponse& response) {
    listed = request;
    for (int i = 1; i <= 3; ++i) *response.add_jobs() = MakeJob(i, v1::Job::STATE_QUEUED);
    return grpc::Status::OK;
  };
  handlers_.cancel_job = [&](const v1::CancelJobRequest& request, v1::Job& job) {
    cancelled.push_back(request.name());
    if (cancelled.size() == 2) return NotFound();
    job = MakeJob(1, v1::Job::STATE_CANCELLED);
    return grpc::Status::OK;
  };
  Serve();
  EXPECT_EQ(Run({"reset"}).code, ExitCode::kOk) << "one that ended meanwhile is no failure";
  EXPECT_THAT(cancelled, SizeIs(3));
  EXPECT_FALSE(listed.all_owners());
  EXPECT_EQ(Run({"reset", "--all"}).code, ExitCode::kOk);
  EXPECT_TRUE(listed.all_owners());
  EXPECT_EQ(Run({"reset", IdOf(1)}).code, ExitCode::kUsage);
}

TEST_F(CommandsTest, ColoursOnlyWhereTheyAreOn) {
  std::ostringstream out;
  cli::Terminal terminal{out};
  EXPECT_EQ(terminal.Paint(cli::Style::kRed, "x"), "x");
  terminal.colour = true;
  EXPECT_EQ(terminal.Paint(cli::Style::kRed, "x"), "\x1b[31mx\x1b[0m");
}

}  // namespace
}  // namespace bits::testing

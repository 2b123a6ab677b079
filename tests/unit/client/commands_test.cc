// The commands that ask once. Those that wait: transfer_command_test.cc,
// monitor_command_test.cc.
#include <gmock/gmock.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <fstream>

#include "client/cli/console.h"
#include "client/cli/job_ref.h"
#include "tests/unit/client/cli_fixture.h"

namespace bits::testing {
namespace {

using cli::ExitCode;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

using CommandsTest = CliTest;

grpc::Status NotFound() {
  return Refusal(grpc::StatusCode::NOT_FOUND, "BG_E_NOT_FOUND", "There is no such job.",
                 {{"hresult", "0x80200001"}});
}

// A job or whatever else a line of JSON holds.
template <typename Message>
Message FromJson(const std::string& json) {
  Message message;
  const auto status = google::protobuf::util::JsonStringToMessage(json, &message);
  EXPECT_TRUE(status.ok()) << status.ToString() << "\n" << json;
  return message;
}

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

TEST_F(CommandsTest, CreateSendsWhatItWasGivenAndPrintsTheId) {
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

TEST_F(CommandsTest, AddSendsPairsAndChecksums) {
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

TEST_F(CommandsTest, AddReadsAListOfFiles) {
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

TEST_F(CommandsTest, SetWritesWhatWasGivenAndNothingElse) {
  v1::UpdateJobRequest seen;
  handlers_.update_job = [&seen](const v1::UpdateJobRequest& request, v1::Job& job) {
    seen = request;
    job = request.job();
    return grpc::Status::OK;
  };
  Serve();
  const auto ran = Run({"set", IdOf(1), "--name=new", "--retry-delay=1m"});
  EXPECT_EQ(ran.code, ExitCode::kOk);
  EXPECT_EQ(ran.out, "");
  EXPECT_THAT(seen.update_mask().paths(), ElementsAre("minimum_retry_delay", "display_name"));
  EXPECT_EQ(seen.job().name(), "jobs/" + IdOf(1));
  EXPECT_EQ(seen.job().display_name(), "new");
  EXPECT_EQ(seen.job().etag(), "");
}

TEST_F(CommandsTest, SetTimesAndClearsThem) {
  v1::UpdateJobRequest seen;
  handlers_.update_job = [&seen](const v1::UpdateJobRequest& request, v1::Job& job) {
    seen = request;
    job = request.job();
    return grpc::Status::OK;
  };
  Serve();
  const absl::Time before = absl::Now();
  EXPECT_EQ(Run({"set", IdOf(1), "--not-before=2023-11-14T22:13:20.5Z", "--deadline=+2h"}).code,
            ExitCode::kOk);
  EXPECT_THAT(seen.update_mask().paths(), ElementsAre("not_before_time", "deadline"));
  EXPECT_EQ(seen.job().not_before_time().seconds(), 1'700'000'000);
  EXPECT_EQ(seen.job().not_before_time().nanos(), 500'000'000);
  EXPECT_NEAR(static_cast<double>(seen.job().deadline().seconds()),
              static_cast<double>(absl::ToUnixSeconds(before + absl::Hours(2))), 60);
  EXPECT_EQ(Run({"set", IdOf(1), "--deadline=none"}).code, ExitCode::kOk);
  EXPECT_THAT(seen.update_mask().paths(), ElementsAre("deadline"));
  EXPECT_FALSE(seen.job().has_deadline());
  for (const std::string wrong : {"", "+", "+soon", "tomorrow", "2023-11-14", "infinite-future"}) {
    EXPECT_EQ(Run({"set", IdOf(1), "--deadline=" + wrong}).code, ExitCode::kUsage) << wrong;
  }
}

TEST_F(CommandsTest, SetBackoffAndAutoComplete) {
  v1::UpdateJobRequest seen;
  handlers_.update_job = [&seen](const v1::UpdateJobRequest& request, v1::Job& job) {
    seen = request;
    job = request.job();
    return grpc::Status::OK;
  };
  Serve();
  EXPECT_EQ(Run({"set", IdOf(1), "--backoff=1hx1.5", "--auto-complete"}).code, ExitCode::kOk);
  EXPECT_THAT(seen.update_mask().paths(), ElementsAre("auto_complete", "retry_options"));
  EXPECT_TRUE(seen.job().auto_complete());
  EXPECT_EQ(seen.job().retry_options().maximum_retry_delay().seconds(), 3600);
  EXPECT_EQ(seen.job().retry_options().multiplier(), 1.5);
  EXPECT_EQ(Run({"set", IdOf(1), "--backoff=none", "--no-auto-complete"}).code, ExitCode::kOk);
  EXPECT_FALSE(seen.job().has_retry_options() || seen.job().auto_complete());
  EXPECT_EQ(Run({"set", IdOf(1), "--backoff=2h"}).code, ExitCode::kOk);
  EXPECT_EQ(seen.job().retry_options().multiplier(), 0);
  for (const std::string wrong : {"", "x2", "1hx", "1hxy", "soon"}) {
    EXPECT_EQ(Run({"set", IdOf(1), "--backoff=" + wrong}).code, ExitCode::kUsage) << wrong;
  }
}

TEST_F(CommandsTest, SetSizesAndIntervals) {
  v1::UpdateJobRequest seen;
  handlers_.update_job = [&seen](const v1::UpdateJobRequest& request, v1::Job& job) {
    seen = request;
    job = request.job();
    return grpc::Status::OK;
  };
  Serve();
  EXPECT_EQ(Run({"set", IdOf(1), "--max-size=2Ti", "--dynamic-content", "--high-performance",
                 "--progress-interval=2s"})
                .code,
            ExitCode::kOk);
  EXPECT_THAT(seen.update_mask().paths(),
              UnorderedElementsAre("transfer_options.max_download_size",
                                   "transfer_options.dynamic_content",
                                   "transfer_options.high_performance",
                                   "minimum_notification_interval"));
  EXPECT_EQ(seen.job().transfer_options().max_download_size(), 2'199'023'255'552u);
  EXPECT_TRUE(seen.job().transfer_options().dynamic_content());
  EXPECT_TRUE(seen.job().transfer_options().high_performance());
  EXPECT_EQ(seen.job().minimum_notification_interval().seconds(), 2);
  for (const std::string wrong : {"--max-size=many", "--max-size=9100T", "--max-size=-1",
                                  "--progress-interval=soon"}) {
    EXPECT_EQ(Run({"set", IdOf(1), wrong}).code, ExitCode::kUsage) << wrong;
  }
}

TEST_F(CommandsTest, SetLabelsKeepsTheOthersThoughSomebodyComesBetween) {
  int reads = 0;
  v1::UpdateJobRequest seen;
  handlers_.get_job = [&reads](const v1::GetJobRequest&, v1::Job& job) {
    job = MakeJob(1, v1::Job::STATE_QUEUED);
    job.set_etag("e" + std::to_string(++reads));
    (*job.mutable_labels())["read"] = std::to_string(reads);
    (*job.mutable_labels())["old"] = "1";
    return grpc::Status::OK;
  };
  handlers_.update_job = [&seen](const v1::UpdateJobRequest& request, v1::Job&) {
    seen = request;
    return request.job().etag() == "e1"
               ? Refusal(grpc::StatusCode::ABORTED, "ETAG_MISMATCH", "It has changed.")
               : grpc::Status::OK;
  };
  Serve();
  EXPECT_EQ(Run({"set", IdOf(1), "--label=new=2", "--remove-label=old"}).code, ExitCode::kOk);
  EXPECT_THAT(seen.job().labels(), UnorderedElementsAre(Pair("read", "2"), Pair("new", "2")));
  EXPECT_THAT(seen.update_mask().paths(), ElementsAre("labels"));
  EXPECT_EQ(seen.job().etag(), "e2");
  EXPECT_EQ(Run({"set", IdOf(1), "--remove-label=old"}).code, ExitCode::kOk);
  EXPECT_THAT(seen.update_mask().paths(), ElementsAre("labels"));
}

TEST_F(CommandsTest, SetRemoteNamesTheFile) {
  v1::UpdateFileRequest seen;
  handlers_.update_file = [&seen](const v1::UpdateFileRequest& request, v1::File&) {
    seen = request;
    return grpc::Status::OK;
  };
  Serve();
  EXPECT_EQ(Run({"set-remote", IdOf(1), "2", "http://b/c"}).code, ExitCode::kOk);
  EXPECT_EQ(seen.file().name(), "jobs/" + IdOf(1) + "/files/2");
  EXPECT_EQ(seen.file().remote_name(), "http://b/c");
}

TEST_F(CommandsTest, ValidateAndReplacePrefixNameWhatTheyAreOf) {
  v1::UpdateFileRequest seen;
  handlers_.update_file = [&seen](const v1::UpdateFileRequest& request, v1::File&) {
    seen = request;
    return grpc::Status::OK;
  };
  v1::ReplaceRemotePrefixRequest replaced;
  handlers_.replace_remote_prefix = [&replaced](const v1::ReplaceRemotePrefixRequest& request,
                                                v1::ReplaceRemotePrefixResponse& response) {
    replaced = request;
    response.set_files_changed(3);
    return grpc::Status::OK;
  };
  Serve();
  EXPECT_EQ(Run({"validate", IdOf(1), "2", "invalid"}).code, ExitCode::kOk);
  EXPECT_EQ(seen.file().name(), "jobs/" + IdOf(1) + "/files/2");
  EXPECT_EQ(seen.file().validation_state(), v1::File::VALIDATION_STATE_INVALID);
  EXPECT_EQ(Run({"replace-prefix", IdOf(1), "http://a/", "http://b/"}).out, "3 files changed\n");
  EXPECT_EQ(replaced.name(), "jobs/" + IdOf(1));
  EXPECT_EQ(replaced.old_prefix(), "http://a/");
  EXPECT_EQ(replaced.new_prefix(), "http://b/");
}

TEST_F(CommandsTest, SetWritesHowTheJobGoesOverHttp) {
  v1::UpdateJobRequest seen;
  handlers_.update_job = [&seen](const v1::UpdateJobRequest& request, v1::Job&) {
    seen = request;
    return grpc::Status::OK;
  };
  Serve();
  const TempDir dir;
  WriteFile(dir / "headers", "X-From-File:  a b \n\nX-Other:c\n");
  EXPECT_EQ(Run({"set", IdOf(1), "--header=X-One: 1", "--header-file=" + (dir / "headers"),
                 "--write-only-headers", "--http-method=post", "--user-agent=mine",
                 "--redirects=report", "--https-to-http=allow",
                 "--certificate-checks=revocation,no-name", "--min-tls=1.3",
                 "--client-certificate=seven", "--proxy=p:3128", "--proxy-bypass=<local>"})
                .code,
            ExitCode::kOk);
  const v1::HttpOptions& http = seen.job().http_options();
  ASSERT_THAT(http.headers(), SizeIs(3));
  EXPECT_EQ(http.headers(0).value(), "1");
  EXPECT_EQ(http.headers(1).value(), "a b");
  EXPECT_EQ(http.headers(2).name(), "X-Other");
  EXPECT_TRUE(http.headers_write_only());
  EXPECT_EQ(http.method(), "POST");
  EXPECT_EQ(http.redirect_policy(), v1::HttpOptions::REDIRECT_POLICY_REPORT);
  EXPECT_TRUE(http.allow_https_to_http());
  EXPECT_TRUE(http.certificate_checks().check_revocation());
  EXPECT_TRUE(http.certificate_checks().ignore_common_name());
  EXPECT_FALSE(http.certificate_checks().ignore_date());
  EXPECT_EQ(http.minimum_tls_version(), v1::HttpOptions::TLS_VERSION_1_3);
  EXPECT_EQ(http.client_certificate(), "seven");
  EXPECT_EQ(http.user_agent(), "mine");
  EXPECT_EQ(seen.job().proxy_settings().usage(), v1::ProxySettings::USAGE_OVERRIDE);
  EXPECT_EQ(seen.job().proxy_settings().list(), "p:3128");
  EXPECT_EQ(seen.job().proxy_settings().bypass(), "<local>");
  EXPECT_THAT(seen.update_mask().paths(),
              UnorderedElementsAre(
                  "http_options.headers", "http_options.headers_write_only", "http_options.method",
                  "http_options.user_agent", "http_options.redirect_policy",
                  "http_options.allow_https_to_http", "http_options.certificate_checks",
                  "http_options.minimum_tls_version", "http_options.client_certificate",
                  "proxy_settings"));
  for (const char* wrong : {"--header=none", "--redirects=perhaps", "--https-to-http=yes",
                            "--certificate-checks=all", "--min-tls=1", "--proxy-bypass=x"}) {
    EXPECT_EQ(Run({"set", IdOf(1), wrong}).code, ExitCode::kUsage) << wrong;
  }
}

TEST_F(CommandsTest, SetCredentialsTakesThePasswordFromAFileOrTheEnvironment) {
  v1::SetCredentialsRequest seen;
  handlers_.set_credentials = [&seen](const v1::SetCredentialsRequest& request, v1::Job& job) {
    seen = request;
    job.mutable_secrets()->set_in_memory_only(true);
    return grpc::Status::OK;
  };
  Serve();
  const TempDir dir;
  WriteFile(dir / "password", "pass word\n");
  const auto ran = Run({"set-credentials", IdOf(1), "--target=proxy", "--scheme=digest",
                        "--user=me", "--password-file=" + (dir / "password")});
  EXPECT_EQ(ran.code, ExitCode::kOk);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("lost when bitsd stops"), Not(HasSubstr("pass word"))));
  EXPECT_EQ(ran.out, "");
  EXPECT_EQ(seen.target(), v1::AUTH_TARGET_PROXY);
  EXPECT_EQ(seen.scheme(), v1::AUTH_SCHEME_DIGEST);
  EXPECT_EQ(seen.user_name(), "me");
  EXPECT_EQ(seen.password(), "pass word");
  variables_["BITS_PASSWORD"] = "token";
  EXPECT_EQ(Run({"set-credentials", IdOf(1), "--scheme=bearer"}).code, ExitCode::kOk);
  EXPECT_EQ(seen.target(), v1::AUTH_TARGET_SERVER);
  EXPECT_EQ(seen.scheme(), v1::AUTH_SCHEME_BEARER);
  EXPECT_EQ(seen.password(), "token");
  EXPECT_EQ(Run({"set-credentials", IdOf(1)}).code, ExitCode::kUsage);
  EXPECT_EQ(Run({"set-credentials", IdOf(1), "--scheme=magic"}).code, ExitCode::kUsage);
  EXPECT_EQ(Run({"set-credentials", IdOf(1), "--scheme=basic", "--target=x"}).code,
            ExitCode::kUsage);
}

TEST_F(CommandsTest, RemoveCredentialsSaysWhereThereWereNone) {
  handlers_.remove_credentials = [](const v1::RemoveCredentialsRequest& request,
                                    v1::RemoveCredentialsResponse& response) {
    response.set_removed(request.scheme() == v1::AUTH_SCHEME_BASIC);
    return grpc::Status::OK;
  };
  Serve();
  EXPECT_EQ(Run({"remove-credentials", IdOf(1), "--scheme=basic"}).out, "");
  EXPECT_THAT(Run({"remove-credentials", IdOf(1), "--scheme=ntlm"}).out,
              HasSubstr("none for SERVER NTLM"));
}

TEST_F(CommandsTest, ListShowsPagesAsOneTableOrOneDocument) {
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

TEST_F(CommandsTest, ListOfNothing) {
  handlers_.list_jobs = [](const auto&, auto&) { return grpc::Status::OK; };
  Serve();
  const auto ran = Run({"list"});
  EXPECT_EQ(ran.out, "");
  EXPECT_EQ(ran.err, "There are no jobs.\n");
  EXPECT_EQ(Run({"list", "--json"}).out, "{\"jobs\":[]}\n");
}

TEST_F(CommandsTest, FilesAsDocument) {
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

TEST_F(CommandsTest, InfoTellsTheErrorToo) {
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

TEST_F(CommandsTest, JsonWritesZeroesAndLeavesOutWhatIsUnknown) {
  handlers_.get_job = [](const v1::GetJobRequest&, v1::Job& job) {
    job = MakeJob(1, v1::Job::STATE_QUEUED);
    return grpc::Status::OK;
  };
  Serve();
  const std::string json = Run({"info", IdOf(1), "--json"}).out;
  EXPECT_THAT(json, AllOf(HasSubstr("\"errorCount\":0"), HasSubstr("\"bytesTransferred\":\"0\""),
                          Not(HasSubstr("bytesTotal")), EndsWith("}\n")));
}

TEST_F(CommandsTest, ErrorGivesAdviceForThisJobAndServer) {
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

TEST_F(CommandsTest, ErrorAdvisesByItsKind) {
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

TEST_F(CommandsTest, AFileThatCouldNotGetItsNameIsAdvisedUpon) {
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

TEST_F(CommandsTest, ErrorWhereThereIsNoneIsRefused) {
  handlers_.get_error = [](const auto&, auto&) {
    return Refusal(grpc::StatusCode::FAILED_PRECONDITION, "BG_E_ERROR_INFORMATION_UNAVAILABLE",
                   "The job has no error now.", {{"hresult", "0x8020000F"}});
  };
  Serve();
  const auto ran = Run({"error", IdOf(1)});
  EXPECT_EQ(ran.code, ExitCode::kRefused);
  EXPECT_THAT(ran.err, HasSubstr("(BG_E_ERROR_INFORMATION_UNAVAILABLE, 0x8020000F)"));
}

TEST_F(CommandsTest, ErrorsShowsWhereSomeAreLeftOut) {
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

TEST_F(CommandsTest, DescribeTakesEveryWayToWriteACode) {
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

TEST_F(CommandsTest, ColoursOnlyWhereTheyAreOn) {
  std::ostringstream out;
  cli::Terminal terminal{out};
  EXPECT_EQ(terminal.Paint(cli::Style::kRed, "x"), "x");
  terminal.colour = true;
  EXPECT_EQ(terminal.Paint(cli::Style::kRed, "x"), "\x1b[31mx\x1b[0m");
}

}  // namespace
}  // namespace bits::testing

// bitsctl set, set-remote, replace-prefix and validate.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/client/cli_fixture.h"

namespace bits::testing {
namespace {

using cli::ExitCode;
using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

using SetCommandTest = CliTest;

TEST_F(SetCommandTest, SetWritesWhatWasGivenAndNothingElse) {
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

TEST_F(SetCommandTest, SetTimesAndClearsThem) {
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

TEST_F(SetCommandTest, SetBackoffAndAutoComplete) {
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

TEST_F(SetCommandTest, SetSizesAndIntervals) {
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

TEST_F(SetCommandTest, SetLabelsKeepsTheOthersThoughSomebodyComesBetween) {
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

TEST_F(SetCommandTest, SetRemoteNamesTheFile) {
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

TEST_F(SetCommandTest, ValidateAndReplacePrefixNameWhatTheyAreOf) {
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

TEST_F(SetCommandTest, SetWritesHowTheJobGoesOverHttp) {
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

}  // namespace
}  // namespace bits::testing

// bitsctl set-credentials and remove-credentials.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/client/cli_fixture.h"

namespace bits::testing {
namespace {

using cli::ExitCode;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

using CredentialsCommandTest = CliTest;

TEST_F(CredentialsCommandTest, SetCredentialsTakesThePasswordFromAFileOrTheEnvironment) {
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

TEST_F(CredentialsCommandTest, RemoveCredentialsSaysWhereThereWereNone) {
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

}  // namespace
}  // namespace bits::testing

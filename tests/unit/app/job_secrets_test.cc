#include "server/app/job_secrets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bits::app {
namespace {

using domain::AuthScheme;
using domain::AuthTarget;
using domain::HttpHeader;
using domain::HttpOptions;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr domain::CredentialSlot kBasic{AuthTarget::kServer, AuthScheme::kBasic};
constexpr domain::CredentialSlot kDigest{AuthTarget::kProxy, AuthScheme::kDigest};

JobSecrets Sample() {
  JobSecrets secrets;
  secrets.headers = {{"Authorization", Secret("one")},
                     {"X-Empty", Secret()},
                     {"X-Bytes", Secret(std::string("\0\xff", 2))}};
  SetCredentials({kBasic, Secret("user"), Secret(std::string(70'000, 'p'))}, secrets);
  SetCredentials({kDigest, Secret("other"), Secret("word")}, secrets);
  return secrets;
}

TEST(JobSecretsTest, AreReadAsTheyWereWritten) {
  for (const JobSecrets& secrets : {Sample(), JobSecrets()}) {
    EXPECT_EQ(DecodeSecrets(EncodeSecrets(secrets).Reveal()), secrets);
  }
}

TEST(JobSecretsTest, PartsOfThemAreNotRead) {
  JobSecrets secrets;
  secrets.headers = {SecretHeader{"Name", Secret("value")}};
  const std::string text = EncodeSecrets(secrets).Reveal();
  for (size_t size = 0; size < text.size(); ++size) {
    const auto read = DecodeSecrets(std::string_view(text).substr(0, size));
    if (size == 1) continue;  // the version alone: none
    EXPECT_EQ(read, std::nullopt) << size;
  }
  EXPECT_EQ(DecodeSecrets("\1x"), std::nullopt);
  EXPECT_EQ(DecodeSecrets("\2"), std::nullopt);
  EXPECT_EQ(DecodeSecrets("\1h\xff\xff\xff\xff"), std::nullopt);
}

TEST(JobSecretsTest, OneForEachSlot) {
  JobSecrets secrets = Sample();
  SetCredentials({kBasic, Secret("new"), Secret("pass")}, secrets);
  ASSERT_EQ(secrets.credentials.size(), 2u);
  EXPECT_EQ(secrets.credentials.back().user_name.Reveal(), "new");
  RemoveCredentials(kBasic, secrets);
  ASSERT_EQ(secrets.credentials.size(), 1u);
  EXPECT_EQ(secrets.credentials.front().slot, kDigest);
}

TEST(JobSecretsTest, HeadersAfterAnUpdateComeFromItOrFromBefore) {
  HttpOptions before;
  before.headers = {HttpHeader{"X-Shown", "s"}};
  before.secret_headers = {"authorization"};
  HttpOptions after;
  after.secret_headers = {"Authorization", "x-shown", "Lost"};
  const auto kept = SecretHeadersAfter(before, after, nullptr, Sample());
  EXPECT_THAT(kept, ElementsAre(SecretHeader{"Authorization", Secret("one")},
                                SecretHeader{"x-shown", Secret("s")}));
  const std::vector<HttpHeader> given = {HttpHeader{"Authorization", "new"}};
  const auto replaced = SecretHeadersAfter(before, after, &given, JobSecrets());
  EXPECT_THAT(replaced, ElementsAre(SecretHeader{"Authorization", Secret("new")}));
}

TEST(JobSecretsTest, WhatIsMissingIsNamed) {
  domain::Job job;
  EXPECT_EQ(MissingSecrets(job, JobSecrets()), "");
  job.credentials = {kBasic, kDigest};
  job.http.secret_headers = {"X-Key", "authorization"};
  JobSecrets secrets = Sample();
  EXPECT_EQ(MissingSecrets(job, secrets), "the header X-Key");
  EXPECT_THAT(MissingSecrets(job, JobSecrets()),
              AllOf(HasSubstr("SERVER BASIC"), HasSubstr("PROXY DIGEST"),
                    HasSubstr("the header authorization")));
}

}  // namespace
}  // namespace bits::app

// bits.md 3.3 and 3.4: a job's secrets are for the origin that its owner named, also once a redirect
// has become the remote name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/conformance/harness/world.h"
#include "tests/support/status_matchers.h"

namespace bits::testing {
namespace {

using ::testing::IsEmpty;
using ::testing::Not;
using v1::HttpOptions;
using v1::Job;

constexpr size_t kSize = 200'000;

class SecretsAfterARedirect : public ::testing::Test {
 protected:
  SecretsAfterARedirect() {
    there_->Put("/x/there", content_);
    path_ = world_.Put("", {.status = 302, .headers = {{"Location", there_->Url("/x/there")}}});
  }

  // A job with all kinds of secrets, for the origin that leads elsewhere.
  std::string Create(HttpOptions::RedirectPolicy policy) {
    HttpOptions http;
    http.set_redirect_policy(policy);
    http.set_headers_write_only(true);
    for (const char* name : {"Authorization", "Cookie", "X-Secret"}) {
      auto* header = http.add_headers();
      header->set_name(name);
      header->set_value("secret");
    }
    const std::string job =
        world_.bitsd.Create({.files = {{world_.Url(path_)}}, .start = false, .http = http});
    BITS_EXPECT_ACCEPTED(world_.bitsd.SetCredentials(job, v1::AUTH_TARGET_SERVER,
                                                     v1::AUTH_SCHEME_BASIC, "user", "password"));
    BITS_EXPECT_ACCEPTED(world_.bitsd.Resume(job));
    return job;
  }
  static bool HasSecret(const OriginRequest& request) {
    return request.headers.contains("authorization") || request.headers.contains("cookie") ||
           request.headers.contains("x-secret");
  }
  // Of the requests that came there since the last look.
  std::vector<OriginRequest> NewRequests() {
    std::vector<OriginRequest> all = there_->Requests("/x/there");
    all.erase(all.begin(), all.begin() + static_cast<ptrdiff_t>(seen_));
    seen_ += all.size();
    return all;
  }
  void ExpectNoSecretThere() {
    const std::vector<OriginRequest> requests = NewRequests();
    EXPECT_THAT(requests, Not(IsEmpty()));
    for (const OriginRequest& request : requests) EXPECT_FALSE(HasSecret(request));
  }
  // It asks whoever comes for credentials, once.
  void AskOnce() {
    there_->Script("/x/there",
                   {{.status = 401, .headers = {{"WWW-Authenticate", "Basic realm=\"r\""}}}});
  }

  World& world_ = SharedWorld();
  const std::unique_ptr<OriginServer> there_ = *OriginServer::Start();
  const std::string content_ = MakeContent(kSize, 1);
  std::string path_;
  size_t seen_ = 0;
};

TEST_F(SecretsAfterARedirect, ThatIsReportedAreNotSentToItsTarget) {
  there_->Script("/x/there", {{.cut_after = kSize / 2}});
  const std::string job = Create(HttpOptions::REDIRECT_POLICY_REPORT);
  BITS_ASSERT_OK(world_.bitsd.Await(job, Job::STATE_TRANSIENT_ERROR));
  EXPECT_TRUE(HasSecret(world_.origin->Requests(path_).at(0)));
  EXPECT_EQ(world_.bitsd.GetFile(job)->remote_name(), there_->Url("/x/there"));
  ExpectNoSecretThere();
  // The next try begins there.
  AskOnce();
  BITS_ASSERT_ACCEPTED(world_.bitsd.Resume(job));
  BITS_ASSERT_OK(world_.bitsd.Await(job, Job::STATE_ERROR));
  EXPECT_EQ(world_.bitsd.GetError(job)->hresult(), 0x80190191u);
  ExpectNoSecretThere();
  BITS_ASSERT_ACCEPTED(world_.bitsd.Resume(job));
  BITS_ASSERT_OK(world_.bitsd.Await(job, Job::STATE_TRANSFERRED));
  ExpectNoSecretThere();
  EXPECT_EQ(world_.origin->RequestCount(path_), 1u);
}

TEST_F(SecretsAfterARedirect, ThatIsNotAllowedAreNotSentToItsTargetByResume) {
  AskOnce();
  const std::string job = Create(HttpOptions::REDIRECT_POLICY_DISALLOW);
  BITS_ASSERT_OK(world_.bitsd.Await(job, Job::STATE_ERROR));
  EXPECT_EQ(world_.bitsd.GetFile(job)->remote_name(), there_->Url("/x/there"));
  EXPECT_THAT(NewRequests(), IsEmpty());
  BITS_ASSERT_ACCEPTED(world_.bitsd.Resume(job));
  BITS_ASSERT_OK(world_.bitsd.watch().AwaitEvent([&](const v1::JobEvent& event) {
    return event.job().name() == job && event.has_error() &&
           event.error().hresult() == 0x80190191u;
  }));
  ExpectNoSecretThere();
  BITS_ASSERT_ACCEPTED(world_.bitsd.Resume(job));
  BITS_ASSERT_OK(world_.bitsd.Await(job, Job::STATE_TRANSFERRED));
  ExpectNoSecretThere();
}

TEST_F(SecretsAfterARedirect, AreSentWhereTheOwnerSaysSo) {
  for (const bool by_prefix : {false, true}) {
    const std::string job = Create(HttpOptions::REDIRECT_POLICY_DISALLOW);
    BITS_ASSERT_OK(world_.bitsd.Await(job, Job::STATE_ERROR));
    if (by_prefix) {
      v1::ReplaceRemotePrefixRequest request;
      request.set_name(job);
      request.set_old_prefix(there_->Url("/x/"));
      request.set_new_prefix(there_->Url("/x/"));
      BITS_ASSERT_ACCEPTED(TestBitsd::Call<v1::ReplaceRemotePrefixResponse>([&](auto* c, auto* r) {
        return world_.bitsd.jobs().ReplaceRemotePrefix(c, request, r);
      }));
    } else {
      BITS_ASSERT_ACCEPTED(world_.bitsd.SetRemoteName(job, 1, there_->Url("/x/there")));
    }
    BITS_ASSERT_ACCEPTED(world_.bitsd.Resume(job));
    BITS_ASSERT_OK(world_.bitsd.Await(job, Job::STATE_TRANSFERRED));
    const std::vector<OriginRequest> requests = NewRequests();
    ASSERT_THAT(requests, Not(IsEmpty()));
    EXPECT_TRUE(HasSecret(requests.front())) << (by_prefix ? "by prefix" : "by name");
  }
}

}  // namespace
}  // namespace bits::testing

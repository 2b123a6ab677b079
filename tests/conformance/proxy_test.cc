// bits.md 3.3, SetProxySettings.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "tests/conformance/harness/world.h"
#include "tests/support/status_matchers.h"

namespace bits::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using v1::Job;
using v1::ProxySettings;

ProxySettings Settings(ProxySettings::Usage usage, const std::string& list = "",
                       const std::string& bypass = "") {
  ProxySettings settings;
  settings.set_usage(usage);
  settings.set_list(list);
  settings.set_bypass(bypass);
  return settings;
}

ProxySettings Override(const std::string& list, const std::string& bypass = "") {
  return Settings(ProxySettings::USAGE_OVERRIDE, list, bypass);
}

std::string AddressOf(const OriginServer& server) {
  return absl::StrCat("127.0.0.1:", server.port());
}

// A proxy is asked for whole URLs; this one has the content of one itself.
std::unique_ptr<OriginServer> ProxyWith(const std::string& url) {
  std::unique_ptr<OriginServer> proxy = *OriginServer::Start();
  proxy->Put(url, "from the proxy");
  return proxy;
}

Reply<Job> Create(World& world, const ProxySettings& settings) {
  return world.bitsd.CreateJob(world.bitsd.RequestFor({.start = false, .proxy = settings}));
}

std::string ContentOf(World& world, const std::string& job) {
  BITS_EXPECT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  BITS_EXPECT_ACCEPTED(world.bitsd.Complete(job));
  return ReadFileOr(world.bitsd.PathOf(job), "-");
}

TEST(Proxy, PreconfiguredIsTheServersEnvironmentAndNoneGoesPastIt) {
  BITS_ASSERT_OK_AND_ASSIGN(const auto proxy, OriginServer::Start());
  World world({.environment = {{"http_proxy", "http://" + AddressOf(*proxy)},
                               {"no_proxy", "elsewhere.example"}}});
  const std::string url = world.Serve("direct");
  proxy->Put(url, "from the proxy");
  const std::string preconfigured = world.bitsd.Fetch(url);
  EXPECT_EQ(world.bitsd.Get(preconfigured)->proxy_settings().usage(),
            ProxySettings::USAGE_PRECONFIGURED);
  EXPECT_EQ(ContentOf(world, preconfigured), "from the proxy");
  const std::string none = world.bitsd.Create(
      {.files = {{url}}, .proxy = Settings(ProxySettings::USAGE_NONE)});
  EXPECT_EQ(ContentOf(world, none), "direct");
  const auto other = ProxyWith(url);
  const std::string override_job =
      world.bitsd.Create({.files = {{url}}, .proxy = Override(AddressOf(*other))});
  EXPECT_EQ(ContentOf(world, override_job), "from the proxy");
  EXPECT_EQ(proxy->RequestCount(url), 1u);
}

TEST(Proxy, OverrideUsesTheFirstOfItsListThatFitsAndCanBeReached) {
  World& world = SharedWorld();
  const std::string url = world.Serve("direct");
  const auto proxy = ProxyWith(url);
  const auto list = absl::StrCat("https=127.0.0.1:1 http=http://127.0.0.1:1;http://",
                                 AddressOf(*proxy));
  const std::string job = world.bitsd.Create({.files = {{url}}, .proxy = Override(list)});
  EXPECT_EQ(world.bitsd.Get(job)->proxy_settings().list(), list);
  EXPECT_EQ(ContentOf(world, job), "from the proxy");
  // Without one for the scheme the request goes straight.
  const std::string of_https = world.bitsd.Create(
      {.files = {{url}}, .proxy = Override("https=" + AddressOf(*proxy))});
  EXPECT_EQ(ContentOf(world, of_https), "direct");
}

TEST(Proxy, BypassGoesPastTheList) {
  World& world = SharedWorld();
  const std::string url = world.Serve("direct");
  const auto proxy = ProxyWith(url);
  for (const char* bypass : {"127.0.0.1", "*.0.0.1", "*", "elsewhere 127.0.0.1;x", "http://127.0.0.1"}) {
    const std::string job = world.bitsd.Create(
        {.files = {{url}}, .proxy = Override(AddressOf(*proxy), bypass)});
    EXPECT_EQ(ContentOf(world, job), "direct") << bypass;
  }
  for (const char* bypass : {"", "127.0.0.2", "<local>", "https://127.0.0.1", "127.0.0.1:1"}) {
    const std::string job = world.bitsd.Create(
        {.files = {{url}}, .proxy = Override(AddressOf(*proxy), bypass)});
    EXPECT_EQ(ContentOf(world, job), "from the proxy") << bypass;
  }
}

TEST(Proxy, ListThatIsNoneIsErrorWhenTheJobRuns) {
  World& world = SharedWorld();
  const std::string url = world.Serve("content");
  for (const ProxySettings& settings :
       {Override("gopher://proxy"), Override("a b:port"), Override("ftp=proxy"), Override(";"),
        Override("proxy", "a*b")}) {
    const std::string job = world.bitsd.Create({.files = {{url}}, .proxy = settings});
    BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_ERROR));
    EXPECT_EQ(world.bitsd.GetError(job)->hresult(), 0x8020003Fu) << settings.ShortDebugString();
    EXPECT_EQ(world.bitsd.GetError(job)->code(), "BG_E_INVALID_PROXY_INFO");
    // Mended by other settings.
    v1::UpdateJobRequest update;
    update.mutable_job()->set_name(job);
    *update.mutable_job()->mutable_proxy_settings() = Settings(ProxySettings::USAGE_NONE);
    update.mutable_update_mask()->add_paths("proxy_settings");
    BITS_ASSERT_ACCEPTED(world.bitsd.Update(update));
    BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
    BITS_EXPECT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  }
}

TEST(Proxy, ListsAreForOverrideOnlyWhichNeedsOne) {
  World& world = SharedWorld();
  for (ProxySettings::Usage usage :
       {ProxySettings::USAGE_UNSPECIFIED, ProxySettings::USAGE_PRECONFIGURED,
        ProxySettings::USAGE_NONE}) {
    EXPECT_THAT(Create(world, Settings(usage, "proxy")),
                RefusedField("job.proxy_settings.list", "E_INVALIDARG"));
    EXPECT_THAT(Create(world, Settings(usage, "", "host")),
                RefusedField("job.proxy_settings.bypass", "E_INVALIDARG"));
  }
  EXPECT_THAT(Create(world, Override("")),
              RefusedField("job.proxy_settings.list", "E_INVALIDARG"));
}

TEST(Proxy, ListsAreAtMostFourThousandCharacters) {
  World& world = SharedWorld();
  BITS_EXPECT_ACCEPTED(Create(world, Override(std::string(4'000, 'p'), std::string(4'000, 'b'))));
  EXPECT_THAT(Create(world, Override(std::string(4'001, 'p'))),
              RefusedField("job.proxy_settings.list", "BG_E_PROXY_LIST_TOO_LARGE"));
  EXPECT_THAT(Create(world, Override("p", std::string(4'001, 'b'))),
              RefusedField("job.proxy_settings.bypass", "BG_E_PROXY_BYPASS_LIST_TOO_LARGE"));
}

TEST(Proxy, CredentialsInAListAreRefusedAndNotRepeated) {
  World& world = SharedWorld();
  const Reply<Job> refused = Create(world, Override("http://user:secret@proxy"));
  EXPECT_THAT(refused, RefusedField("job.proxy_settings.list", "E_INVALIDARG"));
  EXPECT_THAT(Describe(refused.status), Not(HasSubstr("secret")));
}

TEST(Proxy, AutodetectIsNotImplemented) {
  EXPECT_THAT(Create(SharedWorld(), Settings(ProxySettings::USAGE_AUTODETECT)),
              Refused(grpc::StatusCode::UNIMPLEMENTED, "E_NOTIMPL"));
}

TEST(Proxy, ThatCannotBeReachedIsTransient) {
  World& world = SharedWorld();
  const std::string job =
      world.bitsd.Create({.files = {{world.Serve("content")}}, .proxy = Override("127.0.0.1:1")});
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSIENT_ERROR));
  EXPECT_EQ(world.bitsd.GetError(job)->hresult(), 0x80072EFDu);
}

// A redirect to a scheme with a list of its own goes through that, from its first on, and never past
// all; and what one proxy asked for another is not shown.
TEST(Proxy, RedirectToAnotherSchemeBeginsWithTheFirstOfItsOwn) {
  World& world = SharedWorld();
  OriginServer::Options tls;
  tls.tls = true;
  BITS_ASSERT_OK_AND_ASSIGN(const auto origin, OriginServer::Start(tls));
  BITS_ASSERT_OK_AND_ASSIGN(const auto plain, OriginServer::Start());
  BITS_ASSERT_OK_AND_ASSIGN(const auto tunnel, OriginServer::Start());
  const std::string url = "http://origin.example/x";
  Behavior asks;
  asks.choose = [&](const OriginRequest& request) -> std::optional<Behavior> {
    if (request.Header("proxy-authorization").empty()) {
      return Behavior{.status = 407, .headers = {{"Proxy-Authenticate", "Basic realm=\"p\""}}};
    }
    return Behavior{.status = 302, .headers = {{"Location", origin->Url("/x")}}};
  };
  plain->Put(url, "", asks);
  const std::string target = AddressOf(*origin);
  tunnel->Put(target, "", {.status = 403});
  const std::string job = world.bitsd.Create(
      {.files = {{url}},
       .start = false,
       .proxy = Override(absl::StrCat("http=127.0.0.1:1;http=", AddressOf(*plain),
                                      ";https=", AddressOf(*tunnel)))});
  BITS_ASSERT_ACCEPTED(world.bitsd.SetCredentials(job, v1::AUTH_TARGET_PROXY,
                                                  v1::AUTH_SCHEME_BASIC, "user", "password"));
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_ERROR));
  EXPECT_EQ(world.bitsd.GetError(job)->hresult(), 0x80190193u);
  EXPECT_EQ(origin->connections(), 0u);
  ASSERT_EQ(tunnel->RequestCount(target), 1u);
  EXPECT_EQ(tunnel->Requests(target).at(0).Header("proxy-authorization"), "");
}

TEST(Proxy, OriginThatAsksForAProxysCredentialsGetsNoSecondRequest) {
  World& world = SharedWorld();
  const std::string path = world.Put(
      "", {.status = 407, .headers = {{"Proxy-Authenticate", "Basic realm=\"p\""}}});
  const std::string job =
      world.bitsd.Create({.files = {{world.Url(path)}},
                          .start = false,
                          .proxy = Settings(ProxySettings::USAGE_NONE)});
  BITS_ASSERT_ACCEPTED(world.bitsd.SetCredentials(job, v1::AUTH_TARGET_PROXY,
                                                  v1::AUTH_SCHEME_BASIC, "user", "password"));
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_ERROR));
  EXPECT_EQ(world.bitsd.GetError(job)->hresult(), 0x80190197u);
  EXPECT_EQ(world.origin->RequestCount(path), 1u);
}

TEST(Proxy, ThatIsSpokenToByTlsIsProvenByTheOperatorsAuthorities) {
  OriginServer::Options options;
  options.tls = true;
  BITS_ASSERT_OK_AND_ASSIGN(const auto proxy, OriginServer::Start(options));
  proxy->Put("http://origin.example/x", "from the proxy");
  TempDir dir;
  WriteFile(dir / "ca.pem", proxy->ca_pem());
  World world({.flags = {"--ca_file=" + (dir / "ca.pem")}});
  const ProxySettings settings = Override("https://" + AddressOf(*proxy));
  const std::string job =
      world.bitsd.Create({.files = {{"http://origin.example/x"}}, .proxy = settings});
  EXPECT_EQ(ContentOf(world, job), "from the proxy");
  // What a job ignores of its servers' certificates would be ignored of the proxy's.
  v1::HttpOptions http;
  http.mutable_certificate_checks()->set_ignore_unknown_authority(true);
  const std::string refused = world.bitsd.Create(
      {.files = {{"http://origin.example/x"}}, .http = http, .proxy = settings});
  BITS_ASSERT_OK(world.bitsd.Await(refused, Job::STATE_ERROR));
  EXPECT_EQ(world.bitsd.GetError(refused)->code(), "BG_E_INVALID_PROXY_INFO");
  EXPECT_THAT(world.bitsd.GetError(refused)->ShortDebugString(), HasSubstr("certificates"));
}

}  // namespace
}  // namespace bits::testing

// bits.md 3.5 and 6.2: how a job asks over HTTP.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/conformance/harness/world.h"
#include "tests/support/status_matchers.h"

namespace bits::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using v1::HttpOptions;
using v1::Job;

HttpOptions WithHeader(const std::string& name, const std::string& value) {
  HttpOptions http;
  http.add_headers()->set_name(name);
  http.mutable_headers(0)->set_value(value);
  return http;
}

HttpOptions WithMethod(const std::string& method) {
  HttpOptions http;
  http.set_method(method);
  return http;
}

// What a redirect to `url` looks like.
Behavior RedirectTo(const std::string& url, int status = 302) {
  return {.status = status, .headers = {{"Location", url}}};
}

v1::UpdateJobRequest UpdateOf(const std::string& job, const std::vector<std::string>& paths) {
  v1::UpdateJobRequest request;
  request.mutable_job()->set_name(job);
  for (const std::string& path : paths) request.mutable_update_mask()->add_paths(path);
  return request;
}

void ExpectErrorCode(TestBitsd& bitsd, const std::string& job, uint32_t hresult) {
  BITS_ASSERT_OK(bitsd.Await(job, Job::STATE_ERROR));
  const Reply<v1::Error> error = bitsd.GetError(job);
  EXPECT_EQ(error->hresult(), hresult) << error->ShortDebugString();
  EXPECT_FALSE(error->transient());
}

// An https origin, and flags with which bitsd trusts it.
struct TlsOrigin {
  explicit TlsOrigin(OriginServer::Options options = {}) {
    options.tls = true;
    origin = *OriginServer::Start(std::move(options));
    origin->Put("/x", "content");
    WriteFile(dir / "ca.pem", origin->ca_pem());
  }
  std::string trust() const { return "--ca_file=" + (dir / "ca.pem"); }
  std::string url() const { return origin->Url("/x"); }
  TempDir dir;
  std::unique_ptr<OriginServer> origin;
};

// --- Headers -----------------------------------------------------------------------------------

TEST(CustomHeaders, NoneByDefaultAndSentWithEveryRequestOnceSet) {
  World& world = SharedWorld();
  const std::string path = world.Put(MakeContent(50'000, 1));
  world.origin->Script(path, {{.cut_after = 20'000}});
  const std::string job = world.bitsd.Create({.files = {{world.Url(path)}}, .start = false});
  EXPECT_THAT(world.bitsd.Get(job)->http_options().headers(), IsEmpty());
  v1::UpdateJobRequest update = UpdateOf(job, {"http_options.headers"});
  *update.mutable_job()->mutable_http_options() = WithHeader("X-Client", "the value");
  auto* empty = update.mutable_job()->mutable_http_options()->add_headers();
  empty->set_name("X-Empty");
  const Reply<Job> updated = world.bitsd.Update(update);
  BITS_ASSERT_ACCEPTED(updated);
  ASSERT_THAT(updated->http_options().headers(), SizeIs(2));
  EXPECT_EQ(updated->http_options().headers(0).value(), "the value");
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSIENT_ERROR));
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  const std::vector<OriginRequest> requests = world.origin->Requests(path);
  ASSERT_THAT(requests, SizeIs(2));
  for (const OriginRequest& request : requests) {
    EXPECT_EQ(request.Header("x-client"), "the value");
    EXPECT_EQ(request.headers.count("x-empty"), 1u);
  }
  // The transfer's own are as they were.
  EXPECT_THAT(requests[1].Header("range"), HasSubstr("bytes="));
}

TEST(CustomHeaders, AreRemovedByNone) {
  World& world = SharedWorld();
  const std::string path = world.Put("content");
  const std::string job = world.bitsd.Create(
      {.files = {{world.Url(path)}}, .start = false, .http = WithHeader("X-Client", "value")});
  EXPECT_THAT(world.bitsd.Update(UpdateOf(job, {"http_options.headers"}))->http_options().headers(),
              IsEmpty());
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  EXPECT_EQ(world.origin->Requests(path).at(0).headers.count("x-client"), 0u);
}

TEST(CustomHeaders, ThatTheTransferDependsOnAreRefused) {
  World& world = SharedWorld();
  for (const char* name :
       {"Range", "range", "If-Range", "If-None-Match", "If-Anything", "Host", "Accept-Encoding",
        "Connection", "Keep-Alive", "Transfer-Encoding", "Content-Length", "Content-Range", "TE",
        "Trailer", "Upgrade", "HTTP2-Settings", "Expect", "Proxy-Authorization", "User-Agent"}) {
    v1::CreateJobRequest request =
        world.bitsd.RequestFor({.files = {}, .start = false, .http = WithHeader(name, "secret")});
    const Reply<Job> refused = world.bitsd.CreateJob(request);
    EXPECT_THAT(refused, RefusedField("job.http_options.headers[0]", "E_INVALIDARG")) << name;
    EXPECT_THAT(refused.status.error_message(), Not(HasSubstr("secret")));
  }
}

TEST(CustomHeaders, MustBeHeaders) {
  World& world = SharedWorld();
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"", "x"}, {"a b", "x"}, {"a:", "x"}, {"a\r\nRange", "x"}, {"X", "a\r\nRange: bytes=0-1"},
      {"X", "a\nb"}, {"X", std::string("a\0b", 3)}, {"X\xc3\xa9", "x"}};
  for (const auto& [name, value] : wrong) {
    EXPECT_THAT(world.bitsd.CreateJob(
                    world.bitsd.RequestFor({.start = false, .http = WithHeader(name, value)})),
                RefusedField("job.http_options.headers[0]", "E_INVALIDARG"));
  }
  HttpOptions twice = WithHeader("X-Twice", "1");
  twice.add_headers()->set_name("x-twice");
  EXPECT_THAT(world.bitsd.CreateJob(world.bitsd.RequestFor({.start = false, .http = twice})),
              RefusedField("job.http_options.headers", "E_INVALIDARG"));
}

TEST(CustomHeaders, AreAtMostSixteenThousandCharactersInAll) {
  World& world = SharedWorld();
  // `Name: value` and a line end.
  const std::string longest(16'384 - std::string("X-Long: \r\n").size(), 'v');
  const std::string path = world.Put("content");
  const std::string job = world.bitsd.Create(
      {.files = {{world.Url(path)}}, .http = WithHeader("X-Long", longest)});
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  EXPECT_EQ(world.origin->Requests(path).at(0).Header("x-long"), longest);
  EXPECT_THAT(world.bitsd.CreateJob(world.bitsd.RequestFor(
                  {.start = false, .http = WithHeader("X-Long", longest + "v")})),
              RefusedField("job.http_options.headers", "E_INVALIDARG"));
}

TEST(CustomHeaders, CanBeSetInTransferredAndNotInAFinalState) {
  World& world = SharedWorld();
  BITS_ASSERT_OK_AND_ASSIGN(const std::string job, world.JobIn(Job::STATE_TRANSFERRED));
  BITS_EXPECT_ACCEPTED(world.bitsd.Update(UpdateOf(job, {"http_options"})));
  BITS_ASSERT_ACCEPTED(world.bitsd.Complete(job));
  EXPECT_THAT(world.bitsd.Update(UpdateOf(job, {"http_options"})),
              Refused(grpc::StatusCode::FAILED_PRECONDITION, "BG_E_INVALID_STATE"));
}

TEST(SecretHeaders, AreSentToTheOriginAndNeverShown) {
  World& world = SharedWorld();
  BITS_ASSERT_OK_AND_ASSIGN(const auto other, OriginServer::Start());
  other->Put("/there", "content");
  const std::string here = world.Put("", RedirectTo(other->Url("/there")));
  const std::string first = world.Put("", RedirectTo(world.Url(here)));
  HttpOptions http = WithHeader("Authorization", "Custom top-secret");
  http.add_headers()->set_name("X-Plain");
  http.mutable_headers(1)->set_value("seen");
  const std::string job = world.bitsd.Create({.files = {{world.Url(first)}}, .http = http});
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  EXPECT_EQ(world.origin->Requests(first).at(0).Header("authorization"), "Custom top-secret");
  EXPECT_EQ(world.origin->Requests(here).at(0).Header("authorization"), "Custom top-secret");
  // A redirect to another host takes no secret along.
  EXPECT_EQ(other->Requests("/there").at(0).headers.count("authorization"), 0u);
  EXPECT_EQ(other->Requests("/there").at(0).Header("x-plain"), "seen");
  const Reply<Job> shown = world.bitsd.Get(job);
  EXPECT_THAT(shown->ShortDebugString(), AllOf(Not(HasSubstr("top-secret")), HasSubstr("seen")));
  for (const v1::HttpHeader& header : shown->http_options().headers()) {
    EXPECT_EQ(header.value_hidden(), header.name() == "Authorization");
  }
  for (const v1::JobEvent& event : world.bitsd.watch().EventsOf(job)) {
    EXPECT_THAT(event.ShortDebugString(), Not(HasSubstr("top-secret")));
    EXPECT_THAT(event.ShortDebugString(), Not(HasSubstr("seen")));
  }
  // Nor those of a snapshot.
  Watch snapshot(&world.bitsd.jobs());
  BITS_ASSERT_OK_AND_ASSIGN(
      const v1::JobEvent there,
      snapshot.AwaitEvent([&](const v1::JobEvent& event) { return event.job().name() == job; }));
  EXPECT_THAT(there.ShortDebugString(), AllOf(HasSubstr("X-Plain"), Not(HasSubstr("seen"))));
}

TEST(WriteOnlyHeaders, AreNeverShownAgainAndStillSent) {
  World& world = SharedWorld();
  const std::string path = world.Put("content");
  const std::string job = world.bitsd.Create(
      {.files = {{world.Url(path)}}, .start = false, .http = WithHeader("X-Key", "the-key")});
  EXPECT_EQ(world.bitsd.Get(job)->http_options().headers(0).value(), "the-key");
  v1::UpdateJobRequest update = UpdateOf(job, {"http_options.headers_write_only"});
  update.mutable_job()->mutable_http_options()->set_headers_write_only(true);
  const Reply<Job> hidden = world.bitsd.Update(update);
  BITS_ASSERT_ACCEPTED(hidden);
  EXPECT_THAT(hidden->ShortDebugString(), Not(HasSubstr("the-key")));
  ASSERT_THAT(hidden->http_options().headers(), SizeIs(1));
  EXPECT_EQ(hidden->http_options().headers(0).name(), "X-Key");
  EXPECT_TRUE(hidden->http_options().headers(0).value_hidden());
  // What was read cannot be written back without its value.
  v1::UpdateJobRequest back = UpdateOf(job, {"http_options.headers"});
  *back.mutable_job()->mutable_http_options() = hidden->http_options();
  EXPECT_THAT(world.bitsd.Update(back),
              RefusedField("job.http_options.headers[0]", "E_INVALIDARG"));
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  EXPECT_EQ(world.origin->Requests(path).at(0).Header("x-key"), "the-key");
}

TEST(WriteOnlyHeaders, StayWriteOnlyForGood) {
  World& world = SharedWorld();
  HttpOptions http = WithHeader("X-Key", "the-key");
  http.set_headers_write_only(true);
  const std::string path = world.Put("content");
  const std::string job =
      world.bitsd.Create({.files = {{world.Url(path)}}, .start = false, .http = http});
  EXPECT_THAT(world.bitsd.Update(UpdateOf(job, {"http_options.headers_write_only"})),
              Refused(grpc::StatusCode::FAILED_PRECONDITION, "BG_E_READ_ONLY_PROPERTY"));
  // Others can take their place, unseen too.
  v1::UpdateJobRequest update = UpdateOf(job, {"http_options.headers"});
  *update.mutable_job()->mutable_http_options() = WithHeader("X-Key", "another-key");
  EXPECT_THAT(world.bitsd.Update(update)->ShortDebugString(), Not(HasSubstr("another-key")));
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  EXPECT_EQ(world.origin->Requests(path).at(0).Header("x-key"), "another-key");
}

TEST(UserAgent, IsBitsdsOwnUnlessTheJobHasOne) {
  World& world = SharedWorld();
  const std::string path = world.Put("content");
  const std::string own = world.bitsd.Fetch(world.Url(path));
  BITS_ASSERT_OK(world.bitsd.Await(own, Job::STATE_TRANSFERRED));
  HttpOptions http;
  http.set_user_agent("Mine/1.0 (x)");
  const std::string job = world.bitsd.Create({.files = {{world.Url(path)}}, .http = http});
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  EXPECT_EQ(world.origin->Requests(path).at(0).Header("user-agent"), "bitsd");
  EXPECT_EQ(world.origin->Requests(path).at(1).Header("user-agent"), "Mine/1.0 (x)");
  for (const std::string& wrong : {std::string("a\r\nb"), std::string(513, 'u')}) {
    http.set_user_agent(wrong);
    EXPECT_THAT(world.bitsd.CreateJob(world.bitsd.RequestFor({.start = false, .http = http})),
                RefusedField("job.http_options.user_agent", "E_INVALIDARG"));
  }
}

// --- Method ------------------------------------------------------------------------------------

TEST(HttpMethod, OtherThanGetIsSentAndMakesTheJobForeground) {
  World& world = SharedWorld();
  const std::string path = world.Put("content");
  v1::CreateJobRequest request =
      world.bitsd.RequestFor({.files = {{world.Url(path)}}, .http = WithMethod("POST")});
  request.mutable_job()->clear_priority();
  world.bitsd.watch();
  const Reply<Job> job = world.bitsd.CreateJob(request);
  BITS_ASSERT_ACCEPTED(job);
  EXPECT_EQ(job->priority(), Job::PRIORITY_FOREGROUND);
  BITS_ASSERT_OK(world.bitsd.Await(job->name(), Job::STATE_TRANSFERRED));
  const OriginRequest asked = world.origin->Requests(path).at(0);
  EXPECT_EQ(asked.method, "POST");
  EXPECT_EQ(asked.Header("content-length"), "0");
}

TEST(HttpMethod, LocksThePriority) {
  World& world = SharedWorld();
  v1::CreateJobRequest request =
      world.bitsd.RequestFor({.start = false, .http = WithMethod("POST")});
  request.mutable_job()->set_priority(Job::PRIORITY_HIGH);
  EXPECT_THAT(world.bitsd.CreateJob(request),
              Refused(grpc::StatusCode::FAILED_PRECONDITION,
                      "BG_E_NOT_SUPPORTED_WITH_CUSTOM_HTTP_METHOD"));
  const std::string job = world.bitsd.Create(
      {.files = {}, .start = false, .priority = Job::PRIORITY_LOW});
  v1::UpdateJobRequest update = UpdateOf(job, {"http_options.method"});
  update.mutable_job()->mutable_http_options()->set_method("PUT");
  EXPECT_EQ(world.bitsd.Update(update)->priority(), Job::PRIORITY_FOREGROUND);
  v1::UpdateJobRequest lower = UpdateOf(job, {"priority"});
  lower.mutable_job()->set_priority(Job::PRIORITY_NORMAL);
  EXPECT_THAT(world.bitsd.Update(lower),
              Refused(grpc::StatusCode::FAILED_PRECONDITION,
                      "BG_E_NOT_SUPPORTED_WITH_CUSTOM_HTTP_METHOD"));
}

TEST(HttpMethod, CannotChangeAfterTheFirstResume) {
  World& world = SharedWorld();
  const std::string job =
      world.bitsd.Create({.files = {{world.Serve("content")}}, .start = false});
  v1::UpdateJobRequest update = UpdateOf(job, {"http_options.method"});
  update.mutable_job()->mutable_http_options()->set_method("POST");
  BITS_EXPECT_ACCEPTED(world.bitsd.Update(update));
  EXPECT_EQ(world.bitsd.Update(UpdateOf(job, {"http_options.method"}))->http_options().method(),
            "");
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  BITS_ASSERT_ACCEPTED(world.bitsd.Suspend(job));
  EXPECT_THAT(world.bitsd.Update(update),
              Refused(grpc::StatusCode::FAILED_PRECONDITION,
                      "BG_E_READ_ONLY_PROPERTY_AFTER_RESUME"));
}

TEST(HttpMethod, MakesEveryErrorFatalAndAnInterruptedFileStartOver) {
  World& world = SharedWorld();
  const std::string content = MakeContent(200'000, 1);
  const std::string path = world.Put(content);
  world.origin->Script(path, {{.status = 503}, {.cut_after = 100'000}});
  const std::string job =
      world.bitsd.Create({.files = {{world.Url(path)}}, .http = WithMethod("POST")});
  ExpectErrorCode(world.bitsd, job, 0x801901F7);
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  ExpectErrorCode(world.bitsd, job, 0x80072EFE);
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  for (const OriginRequest& request : world.origin->Requests(path)) {
    EXPECT_EQ(request.headers.count("range"), 0u);
  }
  BITS_ASSERT_ACCEPTED(world.bitsd.Complete(job));
  EXPECT_TRUE(ReadFileOr(world.bitsd.PathOf(job), "-") == content);
}

TEST(HttpMethod, MustGiveTheContent) {
  World& world = SharedWorld();
  for (const char* method : {"HEAD", "CONNECT", "TRACE", "get", "GE T", "G\r\nX"}) {
    EXPECT_THAT(world.bitsd.CreateJob(
                    world.bitsd.RequestFor({.start = false, .http = WithMethod(method)})),
                RefusedField("job.http_options.method", "E_INVALIDARG"))
        << method;
  }
  EXPECT_EQ(world.bitsd.CreateJob(world.bitsd.RequestFor({.start = false, .http = WithMethod("GET")}))
                ->http_options()
                .method(),
            "");
}

// --- Redirects ---------------------------------------------------------------------------------

TEST(RedirectPolicy, AllowKeepsTheRemoteName) {
  World& world = SharedWorld();
  const std::string url = world.Serve("", RedirectTo(world.Serve("content")));
  const std::string job = world.bitsd.Fetch(url);
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  EXPECT_EQ(world.bitsd.GetFile(job)->remote_name(), url);
  EXPECT_EQ(world.bitsd.Get(job)->http_options().redirect_policy(),
            HttpOptions::REDIRECT_POLICY_ALLOW);
}

TEST(RedirectPolicy, ReportMakesTheFinalUrlTheRemoteNameForGood) {
  World world;
  const std::string content = MakeContent(3'000'000, 1);
  const std::string target = world.Put(content, {.stall_after = 2'500'000});
  const std::string step = world.Put("", RedirectTo(world.Url(target), 307));
  const std::string path = world.Put("", RedirectTo(world.Url(step)));
  HttpOptions http;
  http.set_redirect_policy(HttpOptions::REDIRECT_POLICY_REPORT);
  const std::string job = world.bitsd.Create({.files = {{world.Url(path)}}, .http = http});
  BITS_ASSERT_OK(world.bitsd.watch().AwaitEvent([&](const v1::JobEvent& event) {
    return event.job().name() == job && event.job().progress().bytes_transferred() >= 2'500'000;
  }));
  BITS_ASSERT_OK(world.bitsd.Stop());  // what is here is made durable and recorded
  world.origin->Release();
  world.bitsd.Restart();
  world.bitsd.watch();
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  EXPECT_EQ(world.bitsd.GetFile(job)->remote_name(), world.Url(target));
  // Gone on from there, and not asked for where it was before.
  EXPECT_EQ(world.origin->RequestCount(path), 1u);
  EXPECT_THAT(world.origin->Requests(target).back().Header("range"), HasSubstr("bytes="));
  BITS_ASSERT_ACCEPTED(world.bitsd.Complete(job));
  EXPECT_TRUE(ReadFileOr(world.bitsd.PathOf(job), "-") == content);
}

TEST(RedirectPolicy, DisallowIsFatalWithTheStatusAndNamesTheTarget) {
  World& world = SharedWorld();
  HttpOptions http;
  http.set_redirect_policy(HttpOptions::REDIRECT_POLICY_DISALLOW);
  for (int status : {301, 302, 303, 307, 308}) {
    const std::string target = world.Put("content");
    const std::string url = world.Serve("", RedirectTo(world.Url(target), status));
    const std::string job = world.bitsd.Create({.files = {{url}}, .http = http});
    ExpectErrorCode(world.bitsd, job, 0x80190000u + static_cast<uint32_t>(status));
    EXPECT_EQ(world.origin->RequestCount(target), 0u);
    EXPECT_EQ(world.bitsd.GetFile(job)->remote_name(), world.Url(target));
    EXPECT_EQ(world.bitsd.GetError(job)->remote_name(), url);
    BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
    BITS_EXPECT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  }
}

TEST(RedirectPolicy, HttpsToHttpIsFollowedWhereTheJobAllowsIt) {
  TlsOrigin tls;
  World world({.flags = {tls.trust()}});
  const std::string target = world.Put("content");
  tls.origin->Put("/x", "", RedirectTo(world.Url(target)));
  const std::string refused = world.bitsd.Fetch(tls.url());
  ExpectErrorCode(world.bitsd, refused, 0x80072F08);
  HttpOptions http = WithHeader("Authorization", "Custom secret");
  http.set_allow_https_to_http(true);
  const std::string job = world.bitsd.Create({.files = {{tls.url()}}, .http = http});
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  EXPECT_EQ(world.origin->Requests(target).at(0).headers.count("authorization"), 0u);
}

// --- TLS ---------------------------------------------------------------------------------------

v1::CertificateChecks* ChecksOf(HttpOptions& http) { return http.mutable_certificate_checks(); }

struct BadCertificate {
  const char* what;
  CertificateOptions certificate;
  bool trusted;
  void (v1::CertificateChecks::*ignore)(bool);
};

TEST(CertificateChecks, EachFlagExcusesItsOwnFaultAndNoOther) {
  const std::vector<BadCertificate> all = {
      {"another host", {.names = "DNS:elsewhere.example"}, true,
       &v1::CertificateChecks::set_ignore_common_name},
      {"expired", {.begins = -7200, .ends = -3600}, true, &v1::CertificateChecks::set_ignore_date},
      {"not valid yet", {.begins = 3600}, true, &v1::CertificateChecks::set_ignore_date},
      {"unknown authority", {}, false, &v1::CertificateChecks::set_ignore_unknown_authority},
      {"wrong usage", {.usage = "clientAuth"}, true,
       &v1::CertificateChecks::set_ignore_wrong_usage}};
  for (const BadCertificate& bad : all) {
    TlsOrigin tls({.certificate = bad.certificate});
    TestBitsd bitsd({.flags = bad.trusted ? std::vector<std::string>{tls.trust()}
                                          : std::vector<std::string>{}});
    const std::string strict = bitsd.Fetch(tls.url());
    ExpectErrorCode(bitsd, strict, 0x80072F8F);
    HttpOptions others;
    for (const BadCertificate& other : all) {
      (ChecksOf(others)->*other.ignore)(true);
    }
    (ChecksOf(others)->*bad.ignore)(false);
    const std::string excused_otherwise = bitsd.Create({.files = {{tls.url()}}, .http = others});
    ExpectErrorCode(bitsd, excused_otherwise, 0x80072F8F);
    EXPECT_EQ(tls.origin->RequestCount("/x"), 0u) << bad.what;
    HttpOptions excused;
    (ChecksOf(excused)->*bad.ignore)(true);
    const std::string lax = bitsd.Create({.files = {{tls.url()}}, .http = excused});
    BITS_EXPECT_OK(bitsd.Await(lax, Job::STATE_TRANSFERRED)) << bad.what;
    // What one job does not mind is no other's business: neither connection nor session is shared.
    const std::string later = bitsd.Fetch(tls.url());
    ExpectErrorCode(bitsd, later, 0x80072F8F);
    EXPECT_EQ(tls.origin->RequestCount("/x"), 1u) << bad.what;
  }
}

TEST(CertificateChecks, RevokedCertificateIsFatalWhereRevocationIsChecked) {
  HttpOptions http;
  http.mutable_certificate_checks()->set_check_revocation(true);
  TlsOrigin tls;
  for (const bool revoked : {true, false}) {
    BITS_ASSERT_OK_AND_ASSIGN(const std::string list, tls.origin->RevocationList(revoked));
    WriteFile(tls.dir / "crl.pem", list);
    TestBitsd bitsd({.config = "crl_file: \"" + (tls.dir / "crl.pem") + "\"",
                     .flags = {tls.trust()}});
    const std::string unchecked = bitsd.Fetch(tls.url());
    BITS_EXPECT_OK(bitsd.Await(unchecked, Job::STATE_TRANSFERRED));
    const std::string checked = bitsd.Create({.files = {{tls.url()}}, .http = http});
    if (revoked) {
      ExpectErrorCode(bitsd, checked, 0x80072F8F);
    } else {
      BITS_EXPECT_OK(bitsd.Await(checked, Job::STATE_TRANSFERRED));
    }
  }
}

TEST(CertificateChecks, RevocationThatCannotBeCheckedIsFatal) {
  TlsOrigin tls;
  TestBitsd bitsd({.flags = {tls.trust()}});
  HttpOptions http;
  http.mutable_certificate_checks()->set_check_revocation(true);
  const std::string job = bitsd.Create({.files = {{tls.url()}}, .http = http});
  ExpectErrorCode(bitsd, job, 0x80072F8F);
}

TEST(MinimumTlsVersion, ServerThatIsOlderIsRefused) {
  TlsOrigin tls({.tls12_at_most = true});
  TestBitsd bitsd({.flags = {tls.trust()}});
  HttpOptions http;
  http.set_minimum_tls_version(HttpOptions::TLS_VERSION_1_2);
  const std::string enough = bitsd.Create({.files = {{tls.url()}}, .http = http});
  BITS_EXPECT_OK(bitsd.Await(enough, Job::STATE_TRANSFERRED));
  http.set_minimum_tls_version(HttpOptions::TLS_VERSION_1_3);
  const std::string job = bitsd.Create({.files = {{tls.url()}}, .http = http});
  ExpectErrorCode(bitsd, job, 0x80072F8F);
}

TEST(ClientCertificate, IsShownByNameToTheOriginAlone) {
  TlsOrigin tls({.ask_client_certificate = true});
  // Another port is another origin.
  BITS_ASSERT_OK_AND_ASSIGN(
      const auto other, OriginServer::Start({.tls = true, .ask_client_certificate = true}));
  WriteFile(tls.dir / "ca.pem", tls.origin->ca_pem() + other->ca_pem());
  other->Put("/there", "content");
  tls.origin->Put("/away", "", RedirectTo(other->Url("/there")));
  BITS_ASSERT_OK_AND_ASSIGN(const Certificate client, MakeCertificate({.common_name = "client-7"}));
  std::filesystem::create_directory(tls.dir / "certificates");
  WriteFile(tls.dir / "certificates/seven.pem", client.certificate + client.key);
  World world({.config = "client_certificates_dir: \"" + (tls.dir / "certificates") + "\"",
               .flags = {tls.trust()}});
  HttpOptions http;
  http.set_client_certificate("seven");
  const std::string job =
      world.bitsd.Create({.files = {{tls.url()}, {tls.origin->Url("/away")}}, .http = http});
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  EXPECT_EQ(tls.origin->Requests("/x").at(0).client_name, "client-7");
  EXPECT_EQ(tls.origin->Requests("/away").at(0).client_name, "client-7");
  EXPECT_EQ(other->Requests("/there").at(0).client_name, "");
  // Nor is it another job's.
  const std::string without = world.bitsd.Fetch(tls.url());
  BITS_ASSERT_OK(world.bitsd.Await(without, Job::STATE_TRANSFERRED));
  EXPECT_EQ(tls.origin->Requests("/x").at(1).client_name, "");
}

TEST(ClientCertificate, ThatIsNotThereIsRefused) {
  World& world = SharedWorld();
  HttpOptions http;
  for (const char* name : {"unknown", "../ca", "a/b", ".hidden"}) {
    http.set_client_certificate(name);
    EXPECT_THAT(world.bitsd.CreateJob(world.bitsd.RequestFor({.start = false, .http = http})),
                RefusedField("job.http_options.client_certificate", "E_INVALIDARG"))
        << name;
  }
  const std::string job = world.bitsd.Create({.files = {}, .start = false});
  v1::UpdateJobRequest update = UpdateOf(job, {"http_options.client_certificate"});
  update.mutable_job()->mutable_http_options()->set_client_certificate("unknown");
  EXPECT_THAT(world.bitsd.Update(update),
              RefusedField("job.http_options.client_certificate", "E_INVALIDARG"));
}

// --- Answers -----------------------------------------------------------------------------------

std::string ValueOf(const v1::File& file, const std::string& name) {
  for (const v1::HttpHeader& header : file.response_headers()) {
    if (header.name() == name) return header.value();
  }
  return "(none)";
}

TEST(ResponseHeaders, AreThoseOfTheLastAnswerWithoutItsSecrets) {
  World& world = SharedWorld();
  const std::string path = world.Put(
      "content", {.headers = {{"X-Served-By", "cache-7"},
                              {"Set-Cookie", "session=secret"},
                              {"Authentication-Info", "nextnonce=secret"}}});
  const std::string redirect =
      world.Put("", {.status = 302, .headers = {{"Location", world.Url(path)}, {"X-Step", "1"}}});
  const std::string job = world.bitsd.Create({.files = {{world.Url(redirect)}}, .start = false});
  EXPECT_THAT(world.bitsd.GetFile(job)->response_headers(), IsEmpty());
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  const Reply<v1::File> file = world.bitsd.GetFile(job);
  EXPECT_EQ(ValueOf(*file, "X-Served-By"), "cache-7");
  EXPECT_EQ(ValueOf(*file, "Content-Length"), "7");
  EXPECT_EQ(ValueOf(*file, "X-Step"), "(none)");
  EXPECT_THAT(file->ShortDebugString(), Not(HasSubstr("secret")));
}

TEST(ResponseHeaders, OfAnAnswerThatIsAnErrorAreThereTooAndBounded) {
  World& world = SharedWorld();
  const std::string large(9'000, 'x');
  const std::string job = world.bitsd.Fetch(world.Serve(
      "", {.status = 404, .headers = {{"X-Why", "gone"}, {"X-A", large}, {"X-B", large}}}));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_ERROR));
  const Reply<v1::File> file = world.bitsd.GetFile(job);
  EXPECT_EQ(ValueOf(*file, "X-Why"), "gone");
  EXPECT_EQ(ValueOf(*file, "X-A"), large);
  EXPECT_EQ(ValueOf(*file, "X-B"), "(none)");
}

}  // namespace
}  // namespace bits::testing

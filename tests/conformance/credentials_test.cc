// bits.md 3.4, SetCredentials and RemoveCredentials, and how they are shown (6.2, 7).
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <sys/stat.h>

#include <array>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "server/base/strings.h"
#include "tests/conformance/harness/world.h"
#include "tests/support/status_matchers.h"

namespace bits::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;
using v1::Job;
constexpr auto kInvalid = "E_INVALIDARG";

// 401 with these challenges, one header each.
Behavior Challenge(const std::vector<std::string>& challenges) {
  Behavior behavior{.status = 401};
  for (const std::string& challenge : challenges) {
    behavior.headers.emplace_back("WWW-Authenticate", challenge);
  }
  return behavior;
}

// Lets only those in whose Authorization is just this.
Behavior Guarded(const std::string& authorization, const std::vector<std::string>& challenges) {
  Behavior behavior;
  behavior.choose = [=](const OriginRequest& request) -> std::optional<Behavior> {
    if (request.Header("authorization") == authorization) return std::nullopt;
    return Challenge(challenges);
  };
  return behavior;
}

std::string Basic(const std::string& user, const std::string& password) {
  return "Basic " + absl::Base64Escape(absl::StrCat(user, ":", password));
}

std::string Md5(const std::string& text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_md5(), nullptr);
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(digest.data()), size));
}

// The value of `name` in a Digest header.
std::string Field(const std::string& header, const std::string& name) {
  const size_t at = header.find(name + "=");
  if (at == std::string::npos) return "";
  std::string value = header.substr(at + name.size() + 1);
  if (!value.empty() && value[0] == '"') {
    value.erase(0, 1);
    return value.substr(0, value.find('"'));
  }
  return value.substr(0, value.find(','));
}

bool DigestIsRight(const std::string& header, const std::string& user,
                   const std::string& password) {
  const std::string secret = Md5(absl::StrCat(user, ":r:", password));
  const std::string request = Md5("GET:" + Field(header, "uri"));
  return Field(header, "username") == user && Field(header, "nonce") == "n0" &&
         Field(header, "response") ==
             Md5(absl::StrCat(secret, ":n0:", Field(header, "nc"), ":", Field(header, "cnonce"),
                              ":auth:", request));
}

Behavior GuardedByDigest(const std::string& user, const std::string& password) {
  Behavior behavior;
  behavior.choose = [=](const OriginRequest& request) -> std::optional<Behavior> {
    if (DigestIsRight(request.Header("authorization"), user, password)) return std::nullopt;
    return Challenge({"Digest realm=\"r\", nonce=\"n0\", qop=\"auth\"", "Basic realm=\"r\""});
  };
  return behavior;
}

// NTLM's messages are numbered, and the last one must come on the connection of the first.
Behavior GuardedByNtlm() {
  Behavior behavior;
  const auto known = std::make_shared<std::map<uint64_t, int>>();
  behavior.choose = [known](const OriginRequest& request) -> std::optional<Behavior> {
    const std::string header = request.Header("authorization");
    int& stage = (*known)[request.connection];
    if (stage == 3) return std::nullopt;  // the connection is authenticated, as NTLM has it
    std::string message;
    if (header.rfind("NTLM ", 0) != 0 || !absl::Base64Unescape(header.substr(5), &message) ||
        message.size() < 9) {
      return Challenge({"NTLM"});
    }
    if (message[8] == 1) {
      stage = 1;
      const std::string second("NTLMSSP\0\2\0\0\0\0\0\0\0\x30\0\0\0\1\2\0\0"
                               "\1\2\3\4\5\6\7\x08\0\0\0\0\0\0\0\0\0\0\0\0\x30\0\0\0", 48);
      return Challenge({"NTLM " + absl::Base64Escape(second)});
    }
    if (message[8] != 3 || stage != 1) return Challenge({"NTLM"});
    stage = 3;
    return std::nullopt;
  };
  return behavior;
}

Reply<Job> SetBasic(World& world, const std::string& job, const std::string& user = "user",
                    const std::string& password = "password") {
  return world.bitsd.SetCredentials(job, v1::AUTH_TARGET_SERVER, v1::AUTH_SCHEME_BASIC, user,
                                    password);
}

std::string Suspended(World& world, const std::string& url) {
  return world.bitsd.Create({.files = {{url}}, .start = false});
}

void ExpectErrorOf(World& world, const std::string& job, uint32_t hresult) {
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_ERROR));
  EXPECT_EQ(world.bitsd.GetError(job)->hresult(), hresult)
      << world.bitsd.GetError(job)->ShortDebugString();
}

// --- How they are shown ------------------------------------------------------------------------

TEST(Credentials, BasicIsSentOnlyWhenTheServerAsks) {
  World& world = SharedWorld();
  const std::string open = world.Put("content");
  const std::string guarded =
      world.Put("content", Guarded(Basic("user", "password"), {"Basic realm=\"r\""}));
  const std::string job = Suspended(world, world.Url(open));
  BITS_ASSERT_ACCEPTED(world.bitsd.AddFile(job, {.url = world.Url(guarded)}));
  BITS_ASSERT_ACCEPTED(SetBasic(world, job));
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  EXPECT_EQ(world.origin->Requests(open).at(0).headers.count("authorization"), 0u);
  const std::vector<OriginRequest> requests = world.origin->Requests(guarded);
  ASSERT_THAT(requests, SizeIs(2));
  EXPECT_EQ(requests[0].headers.count("authorization"), 0u);
}

TEST(Credentials, DigestProvesThePasswordAndIsPreferredToBasic) {
  World& world = SharedWorld();
  const std::string path = world.Put("content", GuardedByDigest("user", "password"));
  const std::string job = Suspended(world, world.Url(path));
  BITS_ASSERT_ACCEPTED(SetBasic(world, job));
  BITS_ASSERT_ACCEPTED(world.bitsd.SetCredentials(job, v1::AUTH_TARGET_SERVER,
                                                  v1::AUTH_SCHEME_DIGEST, "user", "password"));
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  for (const OriginRequest& request : world.origin->Requests(path)) {
    EXPECT_THAT(request.Header("authorization"), Not(StartsWith("Basic")));
  }
}

TEST(Credentials, SchemeThatIsNotSetIsNotUsed) {
  World& world = SharedWorld();
  // The server would take Basic as well, and the job has Digest alone for another server's sake.
  const std::string path =
      world.Put("content", Guarded(Basic("user", "password"), {"Basic realm=\"r\""}));
  const std::string job = Suspended(world, world.Url(path));
  BITS_ASSERT_ACCEPTED(world.bitsd.SetCredentials(job, v1::AUTH_TARGET_SERVER,
                                                  v1::AUTH_SCHEME_DIGEST, "user", "password"));
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  ExpectErrorOf(world, job, 0x80190191);
  EXPECT_THAT(world.origin->Requests(path), SizeIs(1));
}

TEST(Credentials, BearerTokenIsSentWhenTheServerAsks) {
  World& world = SharedWorld();
  const std::string path = world.Put("content", Guarded("Bearer the-token", {"Bearer"}));
  const std::string job = Suspended(world, world.Url(path));
  BITS_ASSERT_ACCEPTED(world.bitsd.SetCredentials(job, v1::AUTH_TARGET_SERVER,
                                                  v1::AUTH_SCHEME_BEARER, "", "the-token"));
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  EXPECT_EQ(world.origin->Requests(path).at(0).headers.count("authorization"), 0u);
}

TEST(Credentials, ConnectionThatNtlmAuthenticatedServesNoOtherJob) {
  World& world = SharedWorld();
  const std::string path = world.Put("content", GuardedByNtlm());
  const std::string job = Suspended(world, world.Url(path));
  BITS_ASSERT_ACCEPTED(world.bitsd.SetCredentials(job, v1::AUTH_TARGET_SERVER,
                                                  v1::AUTH_SCHEME_NTLM, "DOMAIN\\user", "password"));
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  const uint64_t authenticated = world.origin->Requests(path).back().connection;
  const std::string other = world.bitsd.Fetch(world.Url(path));
  ExpectErrorOf(world, other, 0x80190191);
  EXPECT_NE(world.origin->Requests(path).back().connection, authenticated);
}

TEST(Credentials, AreNotSentToWhereARedirectLeads) {
  World& world = SharedWorld();
  BITS_ASSERT_OK_AND_ASSIGN(const auto other, OriginServer::Start());
  other->Put("/there", "content", Guarded(Basic("user", "password"), {"Basic realm=\"r\""}));
  const std::string path = world.Put(
      "", {.status = 302, .headers = {{"Location", other->Url("/there")}}});
  const std::string job = Suspended(world, world.Url(path));
  BITS_ASSERT_ACCEPTED(SetBasic(world, job));
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  ExpectErrorOf(world, job, 0x80190191);
  for (const OriginRequest& request : other->Requests("/there")) {
    EXPECT_EQ(request.headers.count("authorization"), 0u);
  }
}

TEST(Credentials, OfTheUrlComeBeforeTheJobs) {
  World& world = SharedWorld();
  const std::string path =
      world.Put("content", Guarded(Basic("of", "url"), {"Basic realm=\"r\""}));
  const std::string job = Suspended(
      world, absl::StrCat("http://of:url@127.0.0.1:", world.origin->port(), path));
  BITS_ASSERT_ACCEPTED(SetBasic(world, job));
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  EXPECT_THAT(world.origin->Requests(path), SizeIs(1));
}

// --- Refused by the server, and mended ---------------------------------------------------------

TEST(Credentials, MissingOnesAreErrorAndNewOnesGoOn) {
  World& world = SharedWorld();
  const std::string path =
      world.Put("content", Guarded(Basic("user", "right"), {"Basic realm=\"r\""}));
  const std::string job = world.bitsd.Fetch(world.Url(path));
  ExpectErrorOf(world, job, 0x80190191);
  EXPECT_EQ(world.bitsd.GetError(job)->code(), "BG_E_HTTP_ERROR_401");
  BITS_ASSERT_ACCEPTED(SetBasic(world, job, "user", "wrong"));
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  ExpectErrorOf(world, job, 0x80190191);
  // One for each pair: the new ones take the place of the others.
  BITS_ASSERT_ACCEPTED(SetBasic(world, job, "user", "right"));
  EXPECT_THAT(world.bitsd.Get(job)->secrets().credentials(), SizeIs(1));
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  BITS_EXPECT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
}

TEST(Credentials, OfTheProxyAreSentOnlyWhenItAsks) {
  World& world = SharedWorld();
  BITS_ASSERT_OK_AND_ASSIGN(const auto proxy, OriginServer::Start());
  Behavior behavior;
  behavior.choose = [](const OriginRequest& request) -> std::optional<Behavior> {
    if (request.Header("proxy-authorization") == Basic("user", "password")) return std::nullopt;
    return Behavior{.status = 407, .headers = {{"Proxy-Authenticate", "Basic realm=\"p\""}}};
  };
  proxy->Put("http://origin.example/x", "content", behavior);
  v1::ProxySettings settings;
  settings.set_usage(v1::ProxySettings::USAGE_OVERRIDE);
  settings.set_list(absl::StrCat("127.0.0.1:", proxy->port()));
  const std::string job =
      world.bitsd.Create({.files = {{"http://origin.example/x"}}, .proxy = settings});
  ExpectErrorOf(world, job, 0x80190197);
  EXPECT_EQ(world.bitsd.GetError(job)->code(), "BG_E_HTTP_ERROR_407");
  BITS_ASSERT_ACCEPTED(world.bitsd.SetCredentials(job, v1::AUTH_TARGET_PROXY,
                                                  v1::AUTH_SCHEME_BASIC, "user", "password"));
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  const auto requests = proxy->Requests("http://origin.example/x");
  ASSERT_THAT(requests, SizeIs(3));
  EXPECT_EQ(requests[1].headers.count("proxy-authorization"), 0u);
  EXPECT_EQ(requests[2].headers.count("authorization"), 0u);
}

TEST(Credentials, OfTheProxyOpenATunnel) {
  World& world = SharedWorld();
  BITS_ASSERT_OK_AND_ASSIGN(const auto proxy, OriginServer::Start());
  Behavior behavior;
  behavior.choose = [](const OriginRequest& request) -> std::optional<Behavior> {
    // It goes no further than to let the right ones through.
    if (request.Header("proxy-authorization") == Basic("user", "password")) {
      return Behavior{.status = 403};
    }
    return Behavior{.status = 407, .headers = {{"Proxy-Authenticate", "Basic realm=\"p\""}}};
  };
  proxy->Put("origin.example:443", "", behavior);
  v1::ProxySettings settings;
  settings.set_usage(v1::ProxySettings::USAGE_OVERRIDE);
  settings.set_list(absl::StrCat("https=127.0.0.1:", proxy->port()));
  const std::string job =
      world.bitsd.Create({.files = {{"https://origin.example/x"}}, .proxy = settings});
  ExpectErrorOf(world, job, 0x80190197);
  BITS_ASSERT_ACCEPTED(world.bitsd.SetCredentials(job, v1::AUTH_TARGET_PROXY,
                                                  v1::AUTH_SCHEME_BASIC, "user", "password"));
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  ExpectErrorOf(world, job, 0x80190193);
}

// --- The calls ---------------------------------------------------------------------------------

TEST(SetCredentials, ShowsWhichAreSetAndNothingElse) {
  World& world = SharedWorld();
  const std::string job = Suspended(world, world.Serve("content"));
  EXPECT_THAT(world.bitsd.Get(job)->secrets().credentials(), IsEmpty());
  const Reply<Job> set = SetBasic(world, job, "somebody", "pass-phrase");
  BITS_ASSERT_ACCEPTED(set);
  ASSERT_THAT(set->secrets().credentials(), SizeIs(1));
  EXPECT_EQ(set->secrets().credentials(0).target(), v1::AUTH_TARGET_SERVER);
  EXPECT_EQ(set->secrets().credentials(0).scheme(), v1::AUTH_SCHEME_BASIC);
  BITS_ASSERT_ACCEPTED(world.bitsd.SetCredentials(job, v1::AUTH_TARGET_PROXY,
                                                  v1::AUTH_SCHEME_DIGEST, "other", "pass-phrase"));
  const Reply<Job> both = world.bitsd.Get(job);
  EXPECT_THAT(both->secrets().credentials(), SizeIs(2));
  EXPECT_THAT(both->ShortDebugString(), Not(HasSubstr("somebody")));
  EXPECT_THAT(both->ShortDebugString(), Not(HasSubstr("pass-phrase")));
}

TEST(SetCredentials, LimitsAreThoseOfBits) {
  World& world = SharedWorld();
  const std::string job = Suspended(world, world.Serve("content"));
  BITS_EXPECT_ACCEPTED(SetBasic(world, job, std::string(300, 'u'), std::string(65'536, 'p')));
  EXPECT_THAT(SetBasic(world, job, std::string(301, 'u'), "p"),
              RefusedField("user_name", "BG_E_USERNAME_TOO_LARGE"));
  EXPECT_THAT(SetBasic(world, job, "u", std::string(65'537, 'p')),
              RefusedField("password", "BG_E_PASSWORD_TOO_LARGE"));
  EXPECT_THAT(SetBasic(world, job, "", "p"), RefusedField("user_name", kInvalid));
  EXPECT_THAT(SetBasic(world, job, "u", ""), RefusedField("password", kInvalid));
  EXPECT_THAT(SetBasic(world, job, "a:b", "p"), RefusedField("user_name", kInvalid));
  EXPECT_THAT(SetBasic(world, job, "u", "a\r\nb"), RefusedField("password", kInvalid));
}

TEST(SetCredentials, TargetsAndSchemesThatThereAreNotAreRefused) {
  World& world = SharedWorld();
  const std::string job = Suspended(world, world.Serve("content"));
  const auto set = [&](int target, int scheme) {
    return world.bitsd.SetCredentials(job, static_cast<v1::AuthTarget>(target),
                                      static_cast<v1::AuthScheme>(scheme), "u", "p");
  };
  for (int target : {0, 3, 99}) {
    EXPECT_THAT(set(target, v1::AUTH_SCHEME_BASIC),
                RefusedField("target", "BG_E_INVALID_AUTH_TARGET"));
    EXPECT_THAT(world.bitsd.RemoveCredentials(job, static_cast<v1::AuthTarget>(target),
                                              v1::AUTH_SCHEME_BASIC),
                RefusedField("target", "BG_E_INVALID_AUTH_TARGET"));
  }
  for (int scheme : {0, int{v1::AUTH_SCHEME_NEGOTIATE}, int{v1::AUTH_SCHEME_PASSPORT}, 7, 99}) {
    EXPECT_THAT(set(v1::AUTH_TARGET_SERVER, scheme),
                RefusedField("scheme", "BG_E_INVALID_AUTH_SCHEME"));
  }
  EXPECT_THAT(set(v1::AUTH_TARGET_PROXY, v1::AUTH_SCHEME_BEARER),
              RefusedField("scheme", "BG_E_INVALID_AUTH_SCHEME"));
  EXPECT_THAT(set(v1::AUTH_TARGET_SERVER, v1::AUTH_SCHEME_BEARER),
              RefusedField("user_name", kInvalid));
}

TEST(SetCredentials, NeedsALiveJob) {
  World& world = SharedWorld();
  for (Job::State state : {Job::STATE_ACKNOWLEDGED, Job::STATE_CANCELLED}) {
    BITS_ASSERT_OK_AND_ASSIGN(const std::string job, world.JobIn(state));
    EXPECT_THAT(SetBasic(world, job),
                Refused(grpc::StatusCode::FAILED_PRECONDITION, "BG_E_INVALID_STATE"));
    EXPECT_THAT(world.bitsd.RemoveCredentials(job, v1::AUTH_TARGET_SERVER, v1::AUTH_SCHEME_BASIC),
                Refused(grpc::StatusCode::FAILED_PRECONDITION, "BG_E_INVALID_STATE"));
  }
  EXPECT_THAT(SetBasic(world, "jobs/00000000-0000-4000-8000-000000000000"),
              Refused(grpc::StatusCode::NOT_FOUND, "BG_E_NOT_FOUND"));
}

TEST(SetCredentials, IsTheOwnersAloneNotAnAdministrators) {
  World world({.config = "development_principals: true"});
  const auto call = [&](const std::string& principal, const std::string& job) {
    v1::SetCredentialsRequest request;
    request.set_name(job);
    request.set_target(v1::AUTH_TARGET_SERVER);
    request.set_scheme(v1::AUTH_SCHEME_BASIC);
    request.set_user_name("user");
    request.set_password("password");
    return TestBitsd::Call<Job>([&](grpc::ClientContext* c, Job* r) {
      if (!principal.empty()) c->AddMetadata("x-bits-principal", principal);
      return world.bitsd.jobs().SetCredentials(c, request, r);
    });
  };
  v1::CreateJobRequest create = world.bitsd.RequestFor({.start = false});
  const Reply<Job> job = TestBitsd::Call<Job>([&](grpc::ClientContext* c, Job* r) {
    c->AddMetadata("x-bits-principal", "alice");
    return world.bitsd.jobs().CreateJob(c, create, r);
  });
  BITS_ASSERT_ACCEPTED(job);
  BITS_EXPECT_ACCEPTED(call("alice", job->name()));
  for (const char* other : {"bob", ""}) {  // "" is the local administrator
    EXPECT_THAT(call(other, job->name()),
                Refused(grpc::StatusCode::PERMISSION_DENIED, "E_ACCESSDENIED"));
  }
}

TEST(SetCredentials, GoWithTheOwnerWhoGaveThem) {
  World world({.config = "development_principals: true"});
  v1::CreateJobRequest create =
      world.bitsd.RequestFor({.files = {{world.Serve("content")}}, .start = false});
  auto* header = create.mutable_job()->mutable_http_options()->add_headers();
  header->set_name("Authorization");
  header->set_value("Custom secret");
  header = create.mutable_job()->mutable_http_options()->add_headers();
  header->set_name("X-Mine");
  create.mutable_job()->mutable_http_options()->set_user_agent("kept");
  const auto as_alice = [](grpc::ClientContext* c) { c->AddMetadata("x-bits-principal", "alice"); };
  const Reply<Job> job = TestBitsd::Call<Job>([&](grpc::ClientContext* c, Job* r) {
    as_alice(c);
    return world.bitsd.jobs().CreateJob(c, create, r);
  });
  BITS_ASSERT_ACCEPTED(job);
  v1::SetCredentialsRequest set;
  set.set_name(job->name());
  set.set_target(v1::AUTH_TARGET_SERVER);
  set.set_scheme(v1::AUTH_SCHEME_BASIC);
  set.set_user_name("user");
  set.set_password("password");
  BITS_ASSERT_ACCEPTED(TestBitsd::Call<Job>([&](grpc::ClientContext* c, Job* r) {
    as_alice(c);
    return world.bitsd.jobs().SetCredentials(c, set, r);
  }));
  v1::TakeOwnershipRequest take;
  take.set_name(job->name());
  const Reply<Job> taken = TestBitsd::Call<Job>([&](grpc::ClientContext* c, Job* r) {
    return world.bitsd.jobs().TakeOwnership(c, take, r);
  });
  BITS_ASSERT_ACCEPTED(taken);
  EXPECT_THAT(taken->secrets().credentials(), IsEmpty());
  EXPECT_FALSE(taken->secrets().in_memory_only());
  EXPECT_THAT(taken->http_options().headers(), IsEmpty());
  EXPECT_EQ(taken->http_options().user_agent(), "kept");
}

TEST(RemoveCredentials, RemovesThemAndSaysWhereThereWereNone) {
  World& world = SharedWorld();
  const std::string path =
      world.Put("content", Guarded(Basic("user", "password"), {"Basic realm=\"r\""}));
  const std::string job = Suspended(world, world.Url(path));
  BITS_ASSERT_ACCEPTED(SetBasic(world, job));
  const auto remove = [&] {
    return world.bitsd.RemoveCredentials(job, v1::AUTH_TARGET_SERVER, v1::AUTH_SCHEME_BASIC);
  };
  const auto removed = remove();
  BITS_ASSERT_ACCEPTED(removed);
  EXPECT_TRUE(removed->removed());
  EXPECT_THAT(removed->job().secrets().credentials(), IsEmpty());
  const auto again = remove();
  BITS_ASSERT_ACCEPTED(again);
  EXPECT_FALSE(again->removed());
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  ExpectErrorOf(world, job, 0x80190191);
}

TEST(RemoveCredentials, RepeatedRequestGivesTheFirstAnswer) {
  World& world = SharedWorld();
  const std::string job = Suspended(world, world.Serve("content"));
  BITS_ASSERT_ACCEPTED(SetBasic(world, job));
  v1::RemoveCredentialsRequest request;
  request.set_name(job);
  request.set_target(v1::AUTH_TARGET_SERVER);
  request.set_scheme(v1::AUTH_SCHEME_BASIC);
  request.set_request_id("8d6f7c9e-3b1a-4c55-9f0e-2a7d1b6c4e01");
  for (int i = 0; i < 2; ++i) {
    const auto reply = TestBitsd::Call<v1::RemoveCredentialsResponse>(
        [&](auto* c, auto* r) { return world.bitsd.jobs().RemoveCredentials(c, request, r); });
    BITS_ASSERT_ACCEPTED(reply);
    EXPECT_TRUE(reply->removed());
  }
}

// --- At rest -----------------------------------------------------------------------------------

// A key file that only its owner can read.
std::string WriteKey(const TempDir& dir, const std::string& name, char digit) {
  WriteFile(dir / name, std::string(64, digit) + "\n");
  ::chmod((dir / name).c_str(), 0600);
  return dir / name;
}

TEST(SecretsAtRest, WithoutAKeyAreLostWithTheServerAndTheJobSaysSo) {
  World world;
  const std::string path =
      world.Put("content", Guarded(Basic("user", "password"), {"Basic realm=\"r\""}));
  v1::HttpOptions http;
  http.set_headers_write_only(true);
  http.add_headers()->set_name("X-Key");
  http.mutable_headers(0)->set_value("value");
  const std::string job =
      world.bitsd.Create({.files = {{world.Url(path)}}, .start = false, .http = http});
  EXPECT_TRUE(world.bitsd.Get(job)->secrets().in_memory_only());
  BITS_ASSERT_ACCEPTED(SetBasic(world, job));
  BITS_ASSERT_OK(world.bitsd.Stop());
  world.bitsd.Restart();
  world.bitsd.watch();
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  ExpectErrorOf(world, job, 0x80200040);
  const Reply<v1::Error> error = world.bitsd.GetError(job);
  EXPECT_EQ(error->code(), "BG_E_INVALID_CREDENTIALS");
  EXPECT_THAT(error->description(), HasSubstr("SERVER BASIC"));
  EXPECT_THAT(error->description(), HasSubstr("X-Key"));
  EXPECT_EQ(world.origin->RequestCount(path), 0u);
  // Some of them are not enough.
  BITS_ASSERT_ACCEPTED(SetBasic(world, job));
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  ExpectErrorOf(world, job, 0x80200040);
  v1::UpdateJobRequest update;
  update.mutable_job()->set_name(job);
  update.mutable_update_mask()->add_paths("http_options.headers");
  *update.mutable_job()->mutable_http_options() = http;
  BITS_ASSERT_ACCEPTED(world.bitsd.Update(update));
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  EXPECT_EQ(world.origin->Requests(path).back().Header("x-key"), "value");
}

TEST(SecretsAtRest, WithAKeySurviveTheServer) {
  const TempDir keys;
  World world({.flags = {"--secrets_key_file=" + WriteKey(keys, "key", 'a')}});
  const std::string path =
      world.Put("content", Guarded(Basic("user", "password"), {"Basic realm=\"r\""}));
  const std::string job = Suspended(world, world.Url(path));
  EXPECT_FALSE(SetBasic(world, job)->secrets().in_memory_only());
  world.bitsd.Kill();
  world.bitsd.Restart();
  world.bitsd.watch();
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  BITS_EXPECT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
}

TEST(SecretsAtRest, OfAnOlderKeyAreOpenedAsLongAsItIsThere) {
  const TempDir keys;
  const std::string old_key = "--secrets_key_file=" + WriteKey(keys, "old", 'a');
  const std::string new_key = "--secrets_key_file=" + WriteKey(keys, "new", 'b');
  World world({.flags = {old_key}});
  const std::string path =
      world.Put("content", Guarded(Basic("user", "password"), {"Basic realm=\"r\""}));
  const std::string first = Suspended(world, world.Url(path));
  const std::string second = Suspended(world, world.Url(path));
  BITS_ASSERT_ACCEPTED(SetBasic(world, first));
  BITS_ASSERT_ACCEPTED(SetBasic(world, second));
  BITS_ASSERT_OK(world.bitsd.Stop());
  std::vector<std::string>& flags = world.bitsd.process().options().flags;
  flags[0] = new_key;
  flags.push_back(old_key);
  world.bitsd.Restart();
  world.bitsd.watch();
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(first));
  BITS_EXPECT_OK(world.bitsd.Await(first, Job::STATE_TRANSFERRED));
  BITS_ASSERT_OK(world.bitsd.Stop());
  constexpr char kNoneOpens[] = "no key opens the secrets";
  EXPECT_EQ(world.bitsd.process().Log().find(kNoneOpens), std::string::npos);
  flags.pop_back();
  world.bitsd.Restart();
  EXPECT_TRUE(world.bitsd.process().WaitForLog(kNoneOpens, kPatience));
  world.bitsd.watch();
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(second));
  ExpectErrorOf(world, second, 0x80200040);
}

}  // namespace
}  // namespace bits::testing

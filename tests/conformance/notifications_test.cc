// Notify flags, and webhooks in the place of IBackgroundCopyCallback.
#include <gmock/gmock.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "bits/v1/notification_service.grpc.pb.h"
#include "tests/conformance/harness/world.h"
#include "tests/support/status_matchers.h"
#include "tests/support/webhook_receiver.h"

namespace bits::testing {
namespace {

using grpc::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using v1::Job;

constexpr char kSecret[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
constexpr char kOtherSecret[] = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
constexpr char kConfig[] = "notifications { retry_delay { nanos: 20000000 } }";
constexpr v1::NotifyFlag kTransferred = v1::NOTIFY_FLAG_JOB_TRANSFERRED;
constexpr v1::NotifyFlag kError = v1::NOTIFY_FLAG_JOB_ERROR;
constexpr v1::NotifyFlag kModification = v1::NOTIFY_FLAG_JOB_MODIFICATION;
constexpr v1::NotifyFlag kFile = v1::NOTIFY_FLAG_FILE_TRANSFERRED;

// The JSON of a webhook's body.
class Json {
 public:
  explicit Json(const std::string& text) {
    EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(text, &value_).ok()) << text;
  }
  // A string at a path of names: "" if it is not there.
  std::string At(std::initializer_list<const char*> path) const {
    const google::protobuf::Struct* here = &value_;
    std::string text;
    for (const char* name : path) {
      const auto it = here->fields().find(name);
      if (it == here->fields().end()) return "";
      text = it->second.string_value();
      here = &it->second.struct_value();
    }
    return text;
  }

 private:
  google::protobuf::Struct value_;
};

std::string TypeOf(const ReceivedWebhook& webhook) { return Json(webhook.body).At({"type"}); }

class WebhookTest : public ::testing::Test {
 protected:
  explicit WebhookTest(TestBitsd::Options options = {.config = kConfig})
      : world_(std::move(options)) {}

  v1::CreateJobRequest Request(const std::vector<std::string>& urls,
                               const std::vector<v1::NotifyFlag>& flags = {}) {
    JobSpec spec;
    for (const std::string& url : urls) spec.files.push_back({url});
    spec.parallel_files = 1;
    v1::CreateJobRequest request = world_.bitsd.RequestFor(spec);
    for (const v1::NotifyFlag flag : flags) {
      request.mutable_job()->mutable_notifications()->add_flags(flag);
    }
    SetWebhook(*request.mutable_job());
    return request;
  }
  void SetWebhook(Job& job, const std::string& target = "/hook",
                  const std::string& secret = kSecret) {
    job.mutable_notifications()->mutable_webhook()->set_uri(receiver_.Url(target));
    job.mutable_notifications()->mutable_webhook()->set_secret(secret);
  }
  std::string Create(const v1::CreateJobRequest& request) {
    world_.bitsd.watch();
    const auto reply = world_.bitsd.CreateJob(request);
    EXPECT_THAT(reply, Accepted());
    return reply->name();
  }
  // What the receiver has got once there are so many.
  std::vector<ReceivedWebhook> Await(size_t count, const std::string& target = "") {
    EXPECT_TRUE(receiver_.WaitFor(count, kPatience, target));
    return receiver_.Received(target);
  }
  std::vector<std::string> TypesOf(const std::vector<ReceivedWebhook>& webhooks) {
    std::vector<std::string> types;
    for (const ReceivedWebhook& webhook : webhooks) types.push_back(TypeOf(webhook));
    return types;
  }
  Reply<Job> Update(const std::string& job, const Job& values, const std::string& path) {
    v1::UpdateJobRequest request;
    *request.mutable_job() = values;
    request.mutable_job()->set_name(job);
    request.mutable_update_mask()->add_paths(path);
    return world_.bitsd.Update(request);
  }
  Reply<v1::ListNotificationsResponse> List(const std::string& job, int page_size = 0,
                                            const std::string& token = "") {
    v1::ListNotificationsRequest request;
    request.set_parent(job);
    request.set_page_size(page_size);
    request.set_page_token(token);
    return TestBitsd::Call<v1::ListNotificationsResponse>(
        [&](auto* c, auto* r) { return Stub()->ListNotifications(c, request, r); });
  }
  Reply<v1::Notification> Replay(const std::string& name) {
    v1::ReplayNotificationRequest request;
    request.set_name(name);
    return TestBitsd::Call<v1::Notification>(
        [&](auto* c, auto* r) { return Stub()->ReplayNotification(c, request, r); });
  }
  std::unique_ptr<v1::NotificationService::Stub> Stub() {
    return v1::NotificationService::NewStub(world_.bitsd.process().channel());
  }

  WebhookReceiver receiver_;
  World world_;
};

TEST_F(WebhookTest, TransferredIsToldAsASignedCloudEvent) {
  v1::CreateJobRequest request = Request({world_.Serve("content")});
  request.mutable_job()->mutable_notifications()->mutable_webhook()->set_uri(
      receiver_.Url("/hook?token=x"));
  const std::string job = Create(request);
  const ReceivedWebhook webhook = Await(1)[0];
  EXPECT_EQ(webhook.method, "POST");
  EXPECT_EQ(webhook.target, "/hook?token=x");
  EXPECT_THAT(webhook.Header("content-type"), HasSubstr("application/cloudevents+json"));
  EXPECT_EQ(webhook.Header("expect"), "");
  EXPECT_TRUE(webhook.IsSignedWith(kSecret));
  EXPECT_FALSE(webhook.IsSignedWith(kOtherSecret));
  int64_t timestamp = 0;
  ASSERT_TRUE(absl::SimpleAtoi(webhook.Header("webhook-timestamp"), &timestamp));
  EXPECT_LT(absl::AbsDuration(absl::Now() - absl::FromUnixSeconds(timestamp)), absl::Minutes(1));
  const Json event(webhook.body);
  EXPECT_EQ(event.At({"specversion"}), "1.0");
  EXPECT_EQ(event.At({"id"}), webhook.id());
  EXPECT_EQ(event.At({"type"}), "bits.v1.job.transferred");
  EXPECT_EQ(event.At({"subject"}), job);
  EXPECT_THAT(event.At({"source"}), HasSubstr("/bitsd"));
  absl::Time time;
  EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full, event.At({"time"}), &time, nullptr));
  EXPECT_EQ(event.At({"datacontenttype"}), "application/json");
  EXPECT_EQ(event.At({"data", "job", "name"}), job);
  EXPECT_EQ(event.At({"data", "job", "state"}), "STATE_TRANSFERRED");
  EXPECT_EQ(event.At({"data", "notifyFlag"}), "NOTIFY_FLAG_JOB_TRANSFERRED");
  EXPECT_THAT(webhook.body, Not(HasSubstr("token=x")));
  EXPECT_THAT(webhook.body, Not(HasSubstr(std::string(kSecret).substr(6))));
}

TEST_F(WebhookTest, ErrorIsToldWithTheError) {
  const std::string job = Create(Request({world_.ServeStatus(404) + "?sig=hidden"}));
  const ReceivedWebhook webhook = Await(1)[0];
  const Json event(webhook.body);
  EXPECT_EQ(event.At({"type"}), "bits.v1.job.error");
  EXPECT_EQ(event.At({"data", "job", "state"}), "STATE_ERROR");
  EXPECT_EQ(event.At({"data", "error", "code"}), "BG_E_HTTP_ERROR_404");
  EXPECT_THAT(webhook.body, Not(HasSubstr("hidden")));
}

TEST_F(WebhookTest, TransientErrorIsNoError) {
  const std::string job = Create(Request({world_.ServeStatus(503)}));
  BITS_ASSERT_OK(world_.bitsd.Await(job, Job::STATE_TRANSIENT_ERROR));
  EXPECT_THAT(List(job)->notifications(), IsEmpty());
  EXPECT_THAT(receiver_.Received(), IsEmpty());
}

TEST_F(WebhookTest, FilesAreToldBeforeTheirJobOneAfterTheOther) {
  Create(Request({world_.Serve("a"), world_.Serve("b")}, {kTransferred, kFile}));
  const std::vector<ReceivedWebhook> webhooks = Await(3);
  EXPECT_THAT(TypesOf(webhooks), ElementsAre("bits.v1.file.transferred", "bits.v1.file.transferred",
                                             "bits.v1.job.transferred"));
  EXPECT_THAT(Json(webhooks[0].body).At({"subject"}), HasSubstr("/files/1"));
  EXPECT_THAT(Json(webhooks[1].body).At({"subject"}), HasSubstr("/files/2"));
}

TEST_F(WebhookTest, ModificationIsEveryStateButTransferredAndError) {
  const std::string job = Create(Request({world_.Serve("content")}, {kModification}));
  BITS_ASSERT_OK(world_.bitsd.Await(job, Job::STATE_TRANSFERRED));
  Job values;
  values.set_description("other");
  EXPECT_THAT(Update(job, values, "description"), Accepted());
  EXPECT_THAT(world_.bitsd.Complete(job), Accepted());
  std::vector<std::string> states;
  for (const ReceivedWebhook& webhook : Await(4)) {
    EXPECT_EQ(TypeOf(webhook), "bits.v1.job.modified");
    states.push_back(Json(webhook.body).At({"data", "job", "state"}));
  }
  // The last one after the job's end; TRANSFERRED is the change of its description.
  EXPECT_THAT(states, ElementsAre("STATE_CONNECTING", "STATE_TRANSFERRING", "STATE_TRANSFERRED",
                                  "STATE_ACKNOWLEDGED"));
}

TEST_F(WebhookTest, DisableSuppressesAllOthers) {
  const std::string silent = Create(
      Request({world_.Serve("content")}, {kTransferred, kFile, v1::NOTIFY_FLAG_DISABLE}));
  BITS_ASSERT_OK(world_.bitsd.Await(silent, Job::STATE_TRANSFERRED));
  EXPECT_THAT(List(silent)->notifications(), IsEmpty());
  // Until they are asked for.
  Job values;
  values.mutable_notifications()->add_flags(kTransferred);
  EXPECT_THAT(Update(silent, values, "notifications.flags"), Accepted());
  EXPECT_THAT(TypesOf(Await(1)), ElementsAre("bits.v1.job.transferred"));
}

TEST_F(WebhookTest, WhoRegistersAfterTheEventIsToldOfIt) {
  const std::string job = world_.bitsd.Fetch(world_.Serve("content"));
  BITS_ASSERT_OK(world_.bitsd.Await(job, Job::STATE_TRANSFERRED));
  Job values;
  SetWebhook(values, "/first");
  EXPECT_THAT(Update(job, values, "notifications.webhook"), Accepted());
  EXPECT_THAT(TypesOf(Await(1, "/first")), ElementsAre("bits.v1.job.transferred"));
  // And so is another one; the same one is not.
  EXPECT_THAT(Update(job, values, "notifications.webhook"), Accepted());
  SetWebhook(values, "/second", kOtherSecret);
  EXPECT_THAT(Update(job, values, "notifications.webhook"), Accepted());
  EXPECT_TRUE(Await(1, "/second")[0].IsSignedWith(kOtherSecret));
  EXPECT_THAT(receiver_.Received("/first"), SizeIs(1));
}

TEST_F(WebhookTest, IsCalledUntilItTakesItAndTheJobStaysAsItIs) {
  receiver_.Script({{.status = 500}, {.status = 302, .headers = {"Location: /elsewhere"}},
                    {.how = WebhookAnswer::How::kDie}});
  const std::string job = Create(Request({world_.Serve("content")}));
  const std::vector<ReceivedWebhook> webhooks = Await(4);
  for (const ReceivedWebhook& webhook : webhooks) {
    EXPECT_EQ(webhook.id(), webhooks[0].id());
    EXPECT_EQ(webhook.target, "/hook");
    EXPECT_TRUE(webhook.IsSignedWith(kSecret));
  }
  EXPECT_EQ(world_.bitsd.Get(job)->state(), Job::STATE_TRANSFERRED);
  EXPECT_EQ(world_.bitsd.Get(job)->error_count(), 0u);
  EXPECT_THAT(world_.bitsd.GetError(job),
              Refused(StatusCode::FAILED_PRECONDITION, "BG_E_ERROR_INFORMATION_UNAVAILABLE"));
}

TEST_F(WebhookTest, ThatIsGivenUpIsShownWithItsContextAndCanBeReplayed) {
  receiver_.Script({{.status = 410}});
  const std::string job = Create(Request({world_.Serve("content")}));
  Await(1);
  Reply<v1::ListNotificationsResponse> listed = List(job);
  // Recorded a moment after it was answered.
  for (const absl::Time end = absl::Now() + kPatience;
       absl::Now() < end && listed->notifications(0).state() != v1::Notification::STATE_DEAD;) {
    listed = List(job);
  }
  ASSERT_EQ(listed->notifications_size(), 1);
  const v1::Notification dead = listed->notifications(0);
  EXPECT_EQ(dead.name(), job + "/notifications/1");
  EXPECT_EQ(dead.flag(), kTransferred);
  EXPECT_EQ(dead.state(), v1::Notification::STATE_DEAD);
  EXPECT_EQ(dead.tries(), 1u);
  EXPECT_FALSE(dead.has_next_try_time());
  EXPECT_EQ(dead.error().code(), "BG_E_HTTP_ERROR_410");
  EXPECT_EQ(dead.error().context(), v1::ERROR_CONTEXT_QUEUE_MANAGER_NOTIFICATION);
  const auto replayed = Replay(dead.name());
  BITS_ASSERT_ACCEPTED(replayed);
  EXPECT_EQ(replayed->state(), v1::Notification::STATE_PENDING);
  EXPECT_EQ(replayed->tries(), 0u);
  const std::vector<ReceivedWebhook> webhooks = Await(2);
  EXPECT_EQ(webhooks[0].id(), webhooks[1].id());
}

TEST_F(WebhookTest, WhatIsNotThereCannotBeReplayed) {
  const std::string job = world_.bitsd.Create({.start = false});
  EXPECT_THAT(Replay(job + "/notifications/1"), Refused(StatusCode::NOT_FOUND, "BG_E_NOT_FOUND"));
  EXPECT_THAT(Replay("jobs/00000000-0000-4000-8000-000000000000/notifications/1"),
              Refused(StatusCode::NOT_FOUND, "BG_E_NOT_FOUND"));
  EXPECT_THAT(Replay(job + "/notifications/0"), RefusedField("name", "E_INVALIDARG"));
  EXPECT_THAT(List("jobs/x"), RefusedField("parent", "E_INVALIDARG"));
  EXPECT_THAT(List("jobs/00000000-0000-4000-8000-000000000000"),
              Refused(StatusCode::NOT_FOUND, "BG_E_NOT_FOUND"));
}

TEST_F(WebhookTest, WhatWaitsIsListedInPages) {
  receiver_.SetAnswer([] { return WebhookAnswer{.how = WebhookAnswer::How::kStall}; });
  const std::string job =
      Create(Request({world_.Serve("a"), world_.Serve("b")}, {kTransferred, kFile}));
  BITS_ASSERT_OK(world_.bitsd.Await(job, Job::STATE_TRANSFERRED));
  const auto first = List(job, 2);
  ASSERT_EQ(first->notifications_size(), 2);
  EXPECT_EQ(first->notifications(0).flag(), kFile);
  EXPECT_EQ(first->notifications(0).state(), v1::Notification::STATE_PENDING);
  const auto second = List(job, 2, first->next_page_token());
  ASSERT_EQ(second->notifications_size(), 1);
  EXPECT_EQ(second->notifications(0).flag(), kTransferred);
  EXPECT_EQ(second->next_page_token(), "");
}

TEST_F(WebhookTest, SurvivesARestartAndSaysThatItsSecretDoesNot) {
  receiver_.SetAnswer([] { return WebhookAnswer{.status = 503}; });
  const std::string job = Create(Request({world_.Serve("content")}));
  EXPECT_TRUE(world_.bitsd.Get(job)->notifications().webhook().in_memory_only());
  Await(1);
  BITS_ASSERT_OK(world_.bitsd.Stop());
  world_.bitsd.Restart();
  ASSERT_TRUE(world_.bitsd.process().WaitForLog("BG_E_INVALID_CREDENTIALS", kPatience));
  ASSERT_EQ(List(job)->notifications_size(), 1);
  receiver_.SetAnswer([] { return WebhookAnswer(); });
  const size_t before = receiver_.Received().size();
  Job values;
  SetWebhook(values, "/hook", kOtherSecret);
  EXPECT_THAT(Update(job, values, "notifications.webhook"), Accepted());
  EXPECT_TRUE(Await(before + 1).back().IsSignedWith(kOtherSecret));
}

TEST_F(WebhookTest, SecretIsShownNowhere) {
  const std::string job = Create(Request({world_.Serve("content")}));
  Await(1);
  const std::string secret = std::string(kSecret).substr(6);
  EXPECT_THAT(world_.bitsd.Get(job)->ShortDebugString(), Not(HasSubstr(secret)));
  EXPECT_EQ(world_.bitsd.Get(job)->notifications().webhook().secret(), "");
  for (const v1::JobEvent& event : world_.bitsd.watch().Events()) {
    EXPECT_THAT(event.ShortDebugString(), Not(HasSubstr(secret)));
  }
  EXPECT_THAT(world_.bitsd.process().Log(), Not(HasSubstr(secret)));
  std::string bytes;
  ASSERT_TRUE(absl::Base64Unescape(secret, &bytes));
  for (const auto& file : std::filesystem::directory_iterator(world_.bitsd.state_dir())) {
    const std::string content = ReadFile(file.path().string());
    EXPECT_EQ(content.find(secret), std::string::npos) << file.path();
    EXPECT_EQ(content.find(bytes), std::string::npos) << file.path();
  }
}

TEST_F(WebhookTest, MustBeHttpWithoutCredentialsAndHaveASecret) {
  constexpr char kUri[] = "job.notifications.webhook.uri";
  constexpr char kSecretField[] = "job.notifications.webhook.secret";
  for (const char* uri : {"", "file:///etc/passwd", "ftp://x/", "http://", "http://u:p@x/",
                          "http://x/#part", "http://x/ y", "x"}) {
    v1::CreateJobRequest request = Request({"http://127.0.0.1:1/x"});
    request.mutable_job()->mutable_notifications()->mutable_webhook()->set_uri(uri);
    EXPECT_THAT(world_.bitsd.CreateJob(request), RefusedField(kUri, "E_INVALIDARG")) << uri;
  }
  for (const char* secret : {"", "whsec_", "whsec_short", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}) {
    v1::CreateJobRequest request = Request({"http://127.0.0.1:1/x"});
    request.mutable_job()->mutable_notifications()->mutable_webhook()->set_secret(secret);
    EXPECT_THAT(world_.bitsd.CreateJob(request), RefusedField(kSecretField, "E_INVALIDARG"));
  }
  // An update may leave out the secret of the uri that is there, and no other's.
  const std::string job = Create(Request({world_.Serve("content")}));
  Await(1);
  Job values;
  SetWebhook(values);
  values.mutable_notifications()->mutable_webhook()->clear_secret();
  EXPECT_THAT(Update(job, values, "notifications.webhook"), Accepted());
  values.mutable_notifications()->mutable_webhook()->set_uri(receiver_.Url("/other"));
  EXPECT_THAT(Update(job, values, "notifications.webhook"),
              RefusedField(kSecretField, "E_INVALIDARG"));
  // Unset it is none.
  const auto without = Update(job, Job(), "notifications.webhook");
  BITS_ASSERT_ACCEPTED(without);
  EXPECT_FALSE(without->notifications().has_webhook());
}

TEST_F(WebhookTest, TakeOwnershipRemovesItAndWhatItWasNotTold) {
  receiver_.SetAnswer([] { return WebhookAnswer{.status = 503}; });
  const std::string job = Create(Request({world_.Serve("content")}, {kTransferred, kFile}));
  BITS_ASSERT_OK(world_.bitsd.Await(job, Job::STATE_TRANSFERRED));
  ASSERT_EQ(List(job)->notifications_size(), 2);
  const auto taken = world_.bitsd.TakeOwnership(job);
  BITS_ASSERT_ACCEPTED(taken);
  EXPECT_FALSE(taken->notifications().has_webhook());
  EXPECT_THAT(taken->notifications().flags(), ElementsAre(kTransferred, kFile));
  EXPECT_THAT(List(job)->notifications(), IsEmpty());
}

class ForbiddenWebhookTest : public WebhookTest {
 protected:
  ForbiddenWebhookTest() : WebhookTest({.config = "notifications { forbid_webhooks: true }"}) {}
};

TEST_F(ForbiddenWebhookTest, IsRefusedAndChangesNothing) {
  EXPECT_THAT(world_.bitsd.CreateJob(Request({"http://127.0.0.1:1/x"})),
              Refused(StatusCode::PERMISSION_DENIED, "E_ACCESSDENIED"));
  const std::string job = world_.bitsd.Create({.start = false});
  Job values;
  SetWebhook(values);
  EXPECT_THAT(Update(job, values, "notifications.webhook"),
              Refused(StatusCode::PERMISSION_DENIED, "E_ACCESSDENIED"));
  EXPECT_FALSE(world_.bitsd.Get(job)->notifications().has_webhook());
}

// Waits for somebody to open it for writing, then for the last of them to close it.
std::string ReadPipe(const std::string& path) {
  std::ifstream in(path);
  return std::string((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
}

// A job with a command line: a script that its operator allows.
class CommandLineTest : public ::testing::Test {
 protected:
  CommandLineTest() : script_(dir_ / "script") {
    world_ = std::make_unique<World>(TestBitsd::Options{
        .config = absl::StrCat("notifications { allowed_program: \"", script_, "\" }")});
    SetScript("exit 0");
  }
  // It tells what it was run with, to whoever reads the pipe.
  void SetScript(const std::string& end) {
    const std::string pipe = dir_ / "pipe";
    if (!FileExists(pipe)) {
      EXPECT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
    }
    WriteFile(script_, absl::StrCat("#!/bin/sh\necho \"$BITS_STATE $BITS_JOB $BITS_ERROR|$*\" > ",
                                    pipe, "\n", end, "\n"));
    EXPECT_EQ(::chmod(script_.c_str(), 0755), 0);
  }
  std::string AwaitRun() { return ReadPipe(dir_ / "pipe"); }
  std::string Create(const std::string& url) {
    v1::CreateJobRequest request = world_->bitsd.RequestFor(
        {.files = {{url}}, .retry_delay = absl::Seconds(5)});
    SetCommand(*request.mutable_job());
    world_->bitsd.watch();
    const auto reply = world_->bitsd.CreateJob(request);
    EXPECT_THAT(reply, Accepted());
    return reply->name();
  }
  void SetCommand(Job& job) {
    v1::CommandLine& command = *job.mutable_notifications()->mutable_command_line();
    command.set_program(script_);
    command.add_arguments("an $argument; x");
    command.add_arguments("b");
  }
  Reply<Job> Update(const std::string& job, const Job& values) {
    v1::UpdateJobRequest request;
    *request.mutable_job() = values;
    request.mutable_job()->set_name(job);
    request.mutable_update_mask()->add_paths("notifications.command_line");
    return world_->bitsd.Update(request);
  }

  TempDir dir_;
  const std::string script_;
  std::unique_ptr<World> world_;
};

TEST_F(CommandLineTest, IsRunWhenTheJobIsTransferred) {
  const std::string job = Create(world_->Serve("content"));
  EXPECT_EQ(AwaitRun(), "TRANSFERRED " + job + " |an $argument; x b\n");
}

TEST_F(CommandLineTest, IsRunWhenTheJobIsInError) {
  const std::string job = Create(world_->ServeStatus(404));
  EXPECT_EQ(AwaitRun(), "ERROR " + job + " BG_E_HTTP_ERROR_404|an $argument; x b\n");
}

TEST_F(CommandLineTest, IsRunAgainAfterTheRetryDelayUntilItEndsWithZero) {
  SetScript("exit 1");
  const std::string job = Create(world_->Serve("content"));
  const absl::Time begun = absl::Now();
  AwaitRun();
  SetScript("exit 0");
  EXPECT_EQ(AwaitRun(), "TRANSFERRED " + job + " |an $argument; x b\n");
  EXPECT_GE(absl::Now() - begun, absl::Seconds(5));
  EXPECT_EQ(world_->bitsd.Get(job)->state(), Job::STATE_TRANSFERRED);
}

TEST_F(CommandLineTest, ThatIsSetAfterTheEventIsRun) {
  const std::string job = world_->bitsd.Fetch(world_->Serve("content"));
  BITS_ASSERT_OK(world_->bitsd.Await(job, Job::STATE_TRANSFERRED));
  Job values;
  SetCommand(values);
  EXPECT_THAT(Update(job, values), Accepted());
  EXPECT_THAT(AwaitRun(), HasSubstr("TRANSFERRED " + job));
}

TEST_F(CommandLineTest, IsRefusedUnlessTheOperatorAllowsThatVeryProgram) {
  const std::string job = world_->bitsd.Create({.start = false});
  Job values;
  values.mutable_notifications()->mutable_command_line()->set_program("/bin/sh");
  EXPECT_THAT(Update(job, values), Refused(StatusCode::PERMISSION_DENIED, "E_ACCESSDENIED"));
  v1::CreateJobRequest request = SharedWorld().bitsd.RequestFor({.start = false});
  SetCommand(*request.mutable_job());
  EXPECT_THAT(SharedWorld().bitsd.CreateJob(request),
              Refused(StatusCode::PERMISSION_DENIED, "E_ACCESSDENIED"))
      << "off by default";
  EXPECT_FALSE(world_->bitsd.Get(job)->notifications().has_command_line());
}

TEST_F(CommandLineTest, ProgramAndArgumentsAreBounded) {
  const std::string job = world_->bitsd.Create({.start = false});
  Job values;
  v1::CommandLine& command = *values.mutable_notifications()->mutable_command_line();
  for (const char* program : {"", "sh", "./sh"}) {
    command.set_program(program);
    EXPECT_THAT(Update(job, values),
                RefusedField("job.notifications.command_line.program", "E_INVALIDARG"));
  }
  command.set_program(script_);
  command.add_arguments(std::string(4000, 'x'));
  EXPECT_THAT(Update(job, values), Accepted());
  command.add_arguments("x");
  EXPECT_THAT(Update(job, values),
              RefusedField("job.notifications.command_line.arguments", "BG_E_STRING_TOO_LONG"));
  // Unset it is none.
  const auto without = Update(job, Job());
  BITS_ASSERT_ACCEPTED(without);
  EXPECT_FALSE(without->notifications().has_command_line());
}

TEST_F(CommandLineTest, TakeOwnershipRemovesIt) {
  const std::string job = world_->bitsd.Create({.start = false});
  Job values;
  SetCommand(values);
  EXPECT_TRUE(Update(job, values)->notifications().has_command_line());
  EXPECT_FALSE(world_->bitsd.TakeOwnership(job)->notifications().has_command_line());
}

TEST(NotifyFlags, AreTransferredAndErrorByDefault) {
  TestBitsd& bitsd = SharedWorld().bitsd;
  const std::string job = bitsd.Create({.start = false});
  EXPECT_THAT(bitsd.Get(job)->notifications().flags(), ElementsAre(kTransferred, kError));
}

TEST(NotifyFlags, AreSettableInEveryLiveState) {
  World& world = SharedWorld();
  for (int state = Job::STATE_QUEUED; state <= Job::STATE_CANCELLED; ++state) {
    const auto job = world.JobIn(static_cast<Job::State>(state));
    BITS_ASSERT_OK(job);
    v1::UpdateJobRequest request;
    request.mutable_job()->set_name(*job);
    request.mutable_job()->mutable_notifications()->add_flags(kFile);
    request.mutable_update_mask()->add_paths("notifications.flags");
    const auto updated = world.bitsd.Update(request);
    if (state >= Job::STATE_ACKNOWLEDGED) {
      EXPECT_THAT(updated, Refused(StatusCode::FAILED_PRECONDITION, "BG_E_INVALID_STATE"));
    } else {
      BITS_EXPECT_ACCEPTED(updated);
      EXPECT_THAT(updated->notifications().flags(), ElementsAre(kFile));
      (void)world.bitsd.Cancel(*job);
    }
  }
}

TEST(NotifyFlags, WrongBitsAreNotImplemented) {
  TestBitsd& bitsd = SharedWorld().bitsd;
  const std::string job = bitsd.Create({.start = false});
  for (const int flag : {0, 3, 32, 64, -1}) {
    v1::UpdateJobRequest request;
    request.mutable_job()->set_name(job);
    request.mutable_job()->mutable_notifications()->add_flags(static_cast<v1::NotifyFlag>(flag));
    request.mutable_update_mask()->add_paths("notifications.flags");
    EXPECT_THAT(bitsd.Update(request), Refused(StatusCode::UNIMPLEMENTED, "E_NOTIMPL")) << flag;
  }
  EXPECT_THAT(bitsd.Get(job)->notifications().flags(), ElementsAre(kTransferred, kError));
}

TEST(NotifyFlags, SayWhichEventsOfAWatchAreCallbacks) {
  World& world = SharedWorld();
  const std::string job = world.bitsd.Fetch(world.Serve("content"));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  std::vector<v1::NotifyFlag> flags;
  for (const v1::JobEvent& event : world.bitsd.watch().EventsOf(job)) {
    if (event.notify_flag() != v1::NOTIFY_FLAG_UNSPECIFIED) flags.push_back(event.notify_flag());
  }
  EXPECT_THAT(flags, ElementsAre(kTransferred)) << "of many events";
}

}  // namespace
}  // namespace bits::testing

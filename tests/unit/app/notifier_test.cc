#include "server/app/notifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "absl/strings/str_cat.h"
#include "server/domain/error_code.h"
#include "tests/unit/app/world.h"

namespace bits::app::testing {
namespace {

using domain::JobId;
using domain::JobState;
using domain::NotifyFlag;
using domain::NotifyFlags;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr NotifyFlags kFilesToo = 3 | 16;
constexpr NotifyFlags kAllFour = 3 | 8 | 16;

// Webhooks that were asked for; the test says what becomes of each.
class FakeWebhooks final : public WebhookSender {
 public:
  struct Call {
    WebhookRequest request;
    Done done;
  };
  void Send(WebhookRequest request, Done done) override {
    sent.push_back(request.id);
    calls.push_back({std::move(request), std::move(done)});
  }
  void Shutdown() override { calls.clear(); }

  void Answer(std::optional<domain::Failure> failure = std::nullopt) {
    const Call call = std::move(calls.front());
    calls.pop_front();
    call.done(std::move(failure));
  }

  std::deque<Call> calls;
  std::vector<std::string> sent;  // ids, in order
};

class FakeFormat final : public NotificationFormat {
 public:
  std::string ContentType() const override { return "text/plain"; }
  std::string Format(const std::string& id, const NotificationRecord& notification,
                     const domain::Policy& /*policy*/) const override {
    return absl::StrCat(id, " ", static_cast<int>(notification.flag), " ",
                        std::string(domain::StateName(notification.event.job.state)));
  }
};

class FakeSealer final : public SecretSealer {
 public:
  absl::StatusOr<std::string> Seal(const Secret& secret, std::string_view context) const override {
    return absl::StrCat(std::string(context), "|", secret.Reveal());
  }
  absl::StatusOr<Secret> Open(std::string_view sealed, std::string_view context) const override {
    if (lost || !sealed.starts_with(context)) return absl::NotFoundError("no key");
    return Secret(std::string(sealed.substr(context.size() + 1)));
  }
  bool durable() const override { return true; }
  bool lost = false;
};

class FakeCommands final : public CommandRunner {
 public:
  void Run(CommandRequest request, Done done) override {
    runs.push_back(std::move(request));
    pending.push_back(std::move(done));
  }
  void Shutdown() override { pending.clear(); }
  void End(std::optional<domain::Failure> failure = std::nullopt) {
    const Done done = std::move(pending.front());
    pending.pop_front();
    done(std::move(failure));
  }
  std::vector<CommandRequest> runs;
  std::deque<Done> pending;
};

domain::Failure Status(uint32_t http_status) {
  domain::Failure failure;
  failure.hresult = 0x80190000 + http_status;
  failure.http_status = http_status;
  return failure;
}

class NotifierTest : public ::testing::Test {
 protected:
  NotifierTest() {
    world_.webhooks = &webhooks_;
    world_.format = &format_;
    world_.sealer = &sealer_;
    world_.commands = &commands_;
    world_.notifications.permissions.programs = {"/bin/allowed"};
    world_.notifications.delivery.max_tries = 3;
    world_.Restart();
  }

  JobId Create(uint32_t files, NotifyFlags flags = domain::kDefaultNotifyFlags,
               const std::string& owner = "alice") {
    domain::Job job;
    job.display_name = "x";
    job.priority = domain::Priority::kForeground;
    job.notifications.flags = flags;
    if (with_webhook_) job.notifications.webhook_uri = "http://receiver/hook?token=t";
    job.notifications.command = command_;
    job.minimum_retry_delay = absl::Seconds(60);
    std::vector<NewFile> new_files;
    for (uint32_t n = 1; n <= files; ++n) {
      new_files.push_back({absl::StrCat("http://origin/", n), absl::StrCat(++names_), {}});
    }
    Answer<domain::Job> answer;
    world_.app->jobs().CreateJob({owner, false}, job, new_files, true, {}, answer.Callback(),
                                 Secret("key"));
    EXPECT_TRUE(answer.value().ok()) << answer.value().status();
    world_.Turn();
    return answer.value()->id;
  }
  void Transfer(const JobId& id, uint32_t ordinal) { world_.engine->Transferred(id, ordinal, 10); }
  JobId Transferred(NotifyFlags flags = domain::kDefaultNotifyFlags,
                    const std::string& owner = "alice") {
    const JobId id = Create(1, flags, owner);
    Transfer(id, 1);
    return id;
  }
  absl::Time Run() { return world_.app->notifier().RunOnce(); }
  // The rest of the body after the id.
  std::string Sent() {
    EXPECT_FALSE(webhooks_.calls.empty());
    if (webhooks_.calls.empty()) return "";
    const WebhookRequest& request = webhooks_.calls.front().request;
    return request.body.substr(request.id.size() + 1);
  }
  std::vector<NotificationRecord> Outbox(const JobId& id) {
    return *world_.store->ListNotifications(id, 0, 100);
  }

  World world_;
  FakeWebhooks webhooks_;
  FakeFormat format_;
  FakeSealer sealer_;
  FakeCommands commands_;
  int names_ = 0;
  bool with_webhook_ = true;
  domain::CommandLine command_;
};

TEST_F(NotifierTest, TellsOfAJobInTheOrderOfItsChangesOneAfterTheOther) {
  const JobId id = Create(2, kAllFour);
  Transfer(id, 1);
  Transfer(id, 2);
  std::vector<std::string> told;
  for (int i = 0; i < 20 && !Outbox(id).empty(); ++i) {
    Run();
    ASSERT_THAT(webhooks_.calls, SizeIs(1));
    told.push_back(Sent());
    webhooks_.Answer();
  }
  // Created and resumed in one: the turn's two changes come first.
  EXPECT_THAT(told, ElementsAre("8 CONNECTING", "8 TRANSFERRING", "16 TRANSFERRING",
                                "16 TRANSFERRED", "1 TRANSFERRED"));
  EXPECT_THAT(webhooks_.sent,
              ElementsAre(id + "-1", id + "-2", id + "-3", id + "-4", id + "-5"));
  EXPECT_EQ(Run(), absl::InfiniteFuture());
}

TEST_F(NotifierTest, SendsToTheJobsWebhookWithItsKeyAndTheTimeOfTheTry) {
  Transferred();
  world_.clock.Advance(absl::Seconds(3));
  Run();
  ASSERT_THAT(webhooks_.calls, SizeIs(1));
  const WebhookRequest& request = webhooks_.calls.front().request;
  EXPECT_EQ(request.uri, "http://receiver/hook?token=t");
  EXPECT_EQ(request.key.Reveal(), "key");
  EXPECT_EQ(request.content_type, "text/plain");
}

TEST_F(NotifierTest, FailedOneIsTriedAgainAfterAWhileAndHoldsUpTheLaterOnesOfItsJobOnly) {
  const JobId id = Create(1, kFilesToo);
  Transfer(id, 1);
  Run();
  webhooks_.Answer(Status(500));
  const absl::Time next = Run();
  EXPECT_THAT(webhooks_.calls, IsEmpty());
  EXPECT_GT(next, world_.clock.Now() + absl::Seconds(2));
  EXPECT_LE(next, world_.clock.Now() + absl::Seconds(5));
  ASSERT_THAT(Outbox(id), SizeIs(2));
  EXPECT_EQ(Outbox(id)[0].tries, 1u);
  EXPECT_EQ(Outbox(id)[0].error->http_status, 500u);
  EXPECT_EQ(Outbox(id)[0].error->context, domain::ErrorContext::kQueueManagerNotification);
  EXPECT_EQ(world_.Get(id).error, std::nullopt);
  EXPECT_EQ(world_.State(id), JobState::kTransferred);
  const JobId other = Transferred();
  Run();
  EXPECT_THAT(webhooks_.sent, ElementsAre(id + "-1", other + "-1"));
  webhooks_.Answer();
  world_.clock.Advance(next - world_.clock.Now());
  Run();
  EXPECT_EQ(Sent(), "16 TRANSFERRED");
  webhooks_.Answer();
  Run();
  EXPECT_EQ(Sent(), "1 TRANSFERRED");
  webhooks_.Answer();
  EXPECT_THAT(webhooks_.sent,
              ElementsAre(id + "-1", other + "-1", id + "-1", id + "-2"));
}

TEST_F(NotifierTest, AfterTheLastTryItIsDeadAndLetsTheLaterOnesPass) {
  const JobId id = Create(1, kFilesToo);
  Transfer(id, 1);
  for (int i = 0; i < 3; ++i) {
    Run();
    webhooks_.Answer(Status(500));
    world_.clock.Advance(absl::Hours(2));
  }
  ASSERT_THAT(Outbox(id), SizeIs(2));
  EXPECT_TRUE(Outbox(id)[0].given_up);
  EXPECT_EQ(Outbox(id)[0].tries, 3u);
  Run();
  EXPECT_EQ(Sent(), "1 TRANSFERRED");
  webhooks_.Answer();
  ASSERT_THAT(Outbox(id), SizeIs(1));
}

TEST_F(NotifierTest, ReceiverThatIsGoneIsNotAskedAgain) {
  const JobId id = Transferred();
  Run();
  webhooks_.Answer(Status(410));
  ASSERT_THAT(Outbox(id), SizeIs(1));
  EXPECT_TRUE(Outbox(id)[0].given_up);
}

TEST_F(NotifierTest, WhatWasUnderWayAtTheEndOfTheProcessIsToldAgainWithTheSameId) {
  const JobId id = Transferred();
  Run();
  ASSERT_THAT(webhooks_.calls, SizeIs(1));
  webhooks_.Shutdown();
  world_.Restart();
  Run();
  EXPECT_THAT(webhooks_.sent, ElementsAre(id + "-1", id + "-1"));
  webhooks_.Answer();
  Run();
  EXPECT_THAT(Outbox(id), IsEmpty());
}

TEST_F(NotifierTest, OfOneOwnerFourAreUnderWayAndTheOthersGoOn) {
  for (int i = 0; i < 6; ++i) Transferred(domain::kDefaultNotifyFlags, "alice");
  Transferred(domain::kDefaultNotifyFlags, "bob");
  Run();
  EXPECT_THAT(webhooks_.calls, SizeIs(5));
  Run();
  EXPECT_THAT(webhooks_.calls, SizeIs(5));
  webhooks_.Answer();
  Run();
  EXPECT_THAT(webhooks_.calls, SizeIs(5));
  for (int i = 0; i < 10 && !webhooks_.calls.empty(); ++i) {
    webhooks_.Answer();
    Run();
  }
  EXPECT_THAT(webhooks_.sent, SizeIs(7));
}

TEST_F(NotifierTest, LastWordsOfACompletedJobAreToldAndSigned) {
  const JobId id = Create(1, kAllFour);
  Transfer(id, 1);
  world_.Do(&JobManager::CompleteJob, id);
  world_.executor.RunAll();
  EXPECT_EQ(world_.State(id), JobState::kAcknowledged);
  std::string last;
  for (int i = 0; i < 20 && !Outbox(id).empty(); ++i) {
    Run();
    EXPECT_EQ(webhooks_.calls.front().request.key.Reveal(), "key");
    last = Sent();
    webhooks_.Answer();
  }
  EXPECT_EQ(last, "8 ACKNOWLEDGED");
}

TEST_F(NotifierTest, WithoutTheSecretNothingIsSentAndItSaysSo) {
  const JobId id = Transferred();
  sealer_.lost = true;
  Run();
  EXPECT_THAT(webhooks_.calls, IsEmpty());
  ASSERT_THAT(Outbox(id), SizeIs(1));
  EXPECT_EQ(Outbox(id)[0].error->hresult, domain::kInvalidCredentials);
}

TEST_F(NotifierTest, WebhooksThatAreForbiddenSinceAreNotCalled) {
  const JobId id = Transferred();
  world_.notifications.permissions.webhooks = false;
  world_.Restart();
  Run();
  EXPECT_THAT(webhooks_.calls, IsEmpty());
  EXPECT_EQ(Outbox(id)[0].error->hresult, domain::kAccessDenied);
}

TEST_F(NotifierTest, TakeOwnershipDropsWhatWaitsAlsoWhileItIsUnderWay) {
  const JobId id = Transferred();
  Run();
  Answer<domain::Job> taken;
  world_.app->jobs().TakeOwnership({"root", true}, id, {}, taken.Callback());
  ASSERT_TRUE(taken.value().ok());
  EXPECT_THAT(Outbox(id), IsEmpty());
  webhooks_.Answer(Status(500));
  EXPECT_THAT(Outbox(id), IsEmpty());
  Run();
  EXPECT_THAT(webhooks_.sent, SizeIs(1));
  EXPECT_EQ(taken.value()->notifications.webhook_uri, "");
}

TEST_F(NotifierTest, WebhookThatIsSetAfterTheEventIsToldOfIt) {
  const JobId id = world_.Create(1);
  world_.Turn();
  Transfer(id, 1);
  EXPECT_THAT(Outbox(id), IsEmpty());
  domain::Update update;
  update.notifications.emplace();
  update.notifications->webhook_uri = "http://late/";
  Answer<domain::Job> refused;
  world_.app->jobs().UpdateJob(world_.alice, id, update, {}, refused.Callback());
  EXPECT_EQ(refused.value().status().code(), absl::StatusCode::kInvalidArgument) << "no secret";
  EXPECT_THAT(Outbox(id), IsEmpty());
  update.notifications->webhook_secret = Secret("late key");
  Answer<domain::Job> answer;
  world_.app->jobs().UpdateJob(world_.alice, id, update, {}, answer.Callback());
  ASSERT_TRUE(answer.value().ok()) << answer.value().status();
  Run();
  EXPECT_EQ(Sent(), "1 TRANSFERRED");
  EXPECT_EQ(webhooks_.calls.front().request.key.Reveal(), "late key");
}

TEST_F(NotifierTest, CommandLineIsRunForTransferredOnlyAndAgainAfterTheRetryDelay) {
  with_webhook_ = false;
  command_ = {"/bin/allowed", {"a", "b"}};
  const JobId id = Create(1, kAllFour);
  Transfer(id, 1);
  ASSERT_THAT(Outbox(id), SizeIs(1));
  Run();
  ASSERT_THAT(commands_.runs, SizeIs(1));
  EXPECT_EQ(commands_.runs[0].program, "/bin/allowed");
  EXPECT_THAT(commands_.runs[0].arguments, ElementsAre("a", "b"));
  EXPECT_THAT(commands_.runs[0].environment,
              ElementsAre("BITS_JOB=jobs/" + id, "BITS_NOTIFICATION=" + id + "-1",
                          "BITS_STATE=TRANSFERRED"));
  commands_.End(Status(0));
  EXPECT_EQ(Run(), world_.clock.Now() + absl::Seconds(60));
  world_.clock.Advance(absl::Seconds(60));
  Run();
  ASSERT_THAT(commands_.runs, SizeIs(2));
  commands_.End();
  EXPECT_THAT(Outbox(id), IsEmpty());
  EXPECT_THAT(webhooks_.sent, IsEmpty());
}

TEST_F(NotifierTest, CommandLineIsNotRunAgainOnceTheJobIsCompleted) {
  with_webhook_ = false;
  command_ = {"/bin/allowed", {}};
  const JobId id = Transferred();
  Run();
  world_.Do(&JobManager::CompleteJob, id);
  world_.executor.RunAll();
  commands_.End(Status(0));
  ASSERT_THAT(Outbox(id), SizeIs(1));
  EXPECT_TRUE(Outbox(id)[0].given_up);
}

TEST_F(NotifierTest, CommandLineIsRunInPlaceOfAWebhookThatFails) {
  command_ = {"/bin/allowed", {}};
  const JobId told = Transferred();
  Run();
  webhooks_.Answer();
  EXPECT_THAT(commands_.runs, IsEmpty());
  const JobId id = Transferred(kFilesToo);
  Run();
  webhooks_.Answer(Status(500));  // of the file: tried again
  EXPECT_THAT(commands_.runs, IsEmpty());
  world_.clock.Advance(absl::Seconds(10));
  Run();
  webhooks_.Answer();
  Run();
  webhooks_.Answer(Status(500));
  Run();
  ASSERT_THAT(commands_.runs, SizeIs(1));
  commands_.End();
  EXPECT_THAT(Outbox(id), IsEmpty());
}

TEST_F(NotifierTest, CommandLineOfAFormerOwnerIsNotRunWhenTheWebhookFails) {
  command_ = {"/bin/allowed", {}};
  const JobId id = Transferred();
  Run();
  Answer<domain::Job> taken;
  world_.app->jobs().TakeOwnership({"root", true}, id, {}, taken.Callback());
  ASSERT_TRUE(taken.value().ok());
  webhooks_.Answer(Status(500));
  Run();
  EXPECT_THAT(commands_.runs, IsEmpty());
}

TEST_F(NotifierTest, WebhookOfACompletedJobIsCalledAgainThoughItsCommandIsNot) {
  command_ = {"/bin/allowed", {}};
  const JobId id = Transferred();
  Run();
  world_.Do(&JobManager::CompleteJob, id);
  world_.executor.RunAll();
  webhooks_.Answer(Status(500));
  Run();
  ASSERT_THAT(commands_.runs, SizeIs(1));
  commands_.End(Status(0));
  ASSERT_FALSE(Outbox(id).empty());
  EXPECT_FALSE(Outbox(id)[0].given_up);
  world_.clock.Advance(absl::Seconds(10));
  Run();
  webhooks_.Answer(Status(500));
  Run();
  EXPECT_THAT(commands_.runs, SizeIs(1));
  world_.clock.Advance(absl::Seconds(20));
  Run();
  webhooks_.Answer();
  EXPECT_THAT(Outbox(id), IsEmpty());
}

TEST_F(NotifierTest, ProgramThatIsNotAllowedIsNotRun) {
  with_webhook_ = false;
  command_ = {"/bin/allowed", {}};
  const JobId id = Transferred();
  world_.notifications.permissions.programs = {"/bin/other"};
  world_.Restart();
  Run();
  EXPECT_THAT(commands_.runs, IsEmpty());
  EXPECT_EQ(Outbox(id)[0].error->hresult, domain::kAccessDenied);
}

TEST_F(NotifierTest, EventsOfAJobDoNotTellTheQueryOfItsWebhook) {
  const JobId id = Transferred();
  const auto events = world_.store->ListEvents(0, 100);
  for (const EventRecord& event : *events) {
    EXPECT_EQ(event.job.notifications.webhook_uri.find("token"), std::string::npos);
  }
  EXPECT_EQ(world_.Get(id).notifications.webhook_uri, "http://receiver/hook?token=t");
}

TEST_F(NotifierTest, FloodOfModificationsIsBounded) {
  const JobId id = Create(1, kAllFour);
  domain::Update update;
  for (int i = 0; i < 200; ++i) {
    update.description = absl::StrCat(i);
    Answer<domain::Job> answer;
    world_.app->jobs().UpdateJob(world_.alice, id, update, {}, answer.Callback());
    ASSERT_TRUE(answer.value().ok());
  }
  EXPECT_THAT(*world_.store->ListNotifications(id, 0, 1000), SizeIs(100));
  Transfer(id, 1);
  const auto all = *world_.store->ListNotifications(id, 0, 1000);
  ASSERT_THAT(all, SizeIs(102));
  EXPECT_EQ(all.back().flag, NotifyFlag::kJobTransferred);
}

TEST_F(NotifierTest, StoreThatFailsIsAskedAgainLater) {
  const JobId id = Transferred();
  Run();
  world_.store->SetHealth(absl::UnavailableError("full"));
  webhooks_.Answer();
  EXPECT_GT(Run(), world_.clock.Now());
  EXPECT_THAT(webhooks_.sent, SizeIs(1));
  world_.store->SetHealth(absl::OkStatus());
  world_.clock.Advance(absl::Seconds(2));
  Run();
  EXPECT_THAT(webhooks_.sent, SizeIs(2)) << "told again: nobody recorded that it was";
  webhooks_.Answer();
  EXPECT_THAT(Outbox(id), IsEmpty());
}

}  // namespace
}  // namespace bits::app::testing

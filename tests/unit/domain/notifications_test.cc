#include "server/domain/notifications.h"

#include <gtest/gtest.h>

#include "server/base/error_info.h"
#include "tests/unit/domain/world.h"

namespace bits::domain {
namespace {

Job JobWith(JobState state, NotifyFlags flags) {
  Job job;
  job.state = state;
  job.notifications.flags = flags;
  job.notifications.webhook_uri = "https://receiver.example/";
  return job;
}

constexpr NotifyFlags kEverything = kAllNotifyFlags & ~static_cast<int>(NotifyFlag::kDisable);

TEST(Notifications, DefaultIsTransferredAndError) {
  EXPECT_EQ(Job().notifications.flags, 3);
  EXPECT_EQ(NotificationOf(ChangeKind::kStateChanged, JobWith(JobState::kTransferred, 3)),
            NotifyFlag::kJobTransferred);
  EXPECT_EQ(NotificationOf(ChangeKind::kStateChanged, JobWith(JobState::kError, 3)),
            NotifyFlag::kJobError);
  for (const JobState state : kStates) {
    EXPECT_EQ(NotificationOf(ChangeKind::kModified, JobWith(state, 3)), NotifyFlag::kNone);
    EXPECT_EQ(NotificationOf(ChangeKind::kFileTransferred, JobWith(state, 3)), NotifyFlag::kNone);
  }
}

TEST(Notifications, ModificationIsEveryOtherChangeOfStateAndOfProperties) {
  for (const JobState state : kStates) {
    const Job job = JobWith(state, kEverything);
    EXPECT_EQ(NotificationOf(ChangeKind::kModified, job), NotifyFlag::kJobModification);
    EXPECT_EQ(NotificationOf(ChangeKind::kFileRestarted, job), NotifyFlag::kJobModification);
    EXPECT_EQ(NotificationOf(ChangeKind::kFileTransferred, job), NotifyFlag::kFileTransferred);
    EXPECT_EQ(NotificationOf(ChangeKind::kCreated, job), NotifyFlag::kNone);
    EXPECT_EQ(NotificationOf(ChangeKind::kProgress, job), NotifyFlag::kNone);
    EXPECT_EQ(NotificationOf(ChangeKind::kDeleted, job), NotifyFlag::kNone);
    if (state == JobState::kTransferred || state == JobState::kError) continue;
    EXPECT_EQ(NotificationOf(ChangeKind::kStateChanged, job), NotifyFlag::kJobModification);
  }
}

TEST(Notifications, TransferredAndErrorAreNoModifications) {
  const auto modification = static_cast<NotifyFlags>(NotifyFlag::kJobModification);
  for (const JobState state : {JobState::kTransferred, JobState::kError}) {
    EXPECT_EQ(NotificationOf(ChangeKind::kStateChanged, JobWith(state, modification)),
              NotifyFlag::kNone);
  }
}

TEST(Notifications, DisableSuppressesAll) {
  for (const JobState state : kStates) {
    for (int kind = 1; kind <= 7; ++kind) {
      EXPECT_EQ(NotificationOf(static_cast<ChangeKind>(kind), JobWith(state, kAllNotifyFlags)),
                NotifyFlag::kNone);
    }
  }
}

TEST(Notifications, WhoComesLateIsToldAllTheSame) {
  const Job with = JobWith(JobState::kTransferred, 3);
  Job without = with;
  RemoveReceivers(without.notifications);
  EXPECT_EQ(LateNotification(without, with), NotifyFlag::kJobTransferred);
  EXPECT_EQ(LateNotification(with, with), NotifyFlag::kNone);
  EXPECT_EQ(LateNotification(with, without), NotifyFlag::kNone);
  Job other = with;
  other.notifications.webhook_uri = "https://other.example/";
  EXPECT_EQ(LateNotification(with, other), NotifyFlag::kJobTransferred);
  Job both = with;
  both.notifications.command.program = "/bin/x";
  EXPECT_EQ(LateNotification(both, with), NotifyFlag::kNone) << "one less is no news";
  EXPECT_EQ(LateNotification(with, both), NotifyFlag::kNone) << "the webhook has heard it";
  Job silent = with;
  silent.notifications.flags = static_cast<NotifyFlags>(NotifyFlag::kJobError);
  EXPECT_EQ(LateNotification(silent, with), NotifyFlag::kJobTransferred);
  EXPECT_EQ(LateNotification(with, silent), NotifyFlag::kNone);
  Job failed = with;
  failed.state = JobState::kError;
  EXPECT_EQ(LateNotification(failed, with), NotifyFlag::kNone) << "the change itself tells it";
  without.state = failed.state;
  EXPECT_EQ(LateNotification(without, failed), NotifyFlag::kJobError);
  for (const JobState state : {JobState::kQueued, JobState::kSuspended, JobState::kCancelled}) {
    without.state = failed.state = state;
    EXPECT_EQ(LateNotification(without, failed), NotifyFlag::kNone);
  }
}

TEST(Notifications, HowAJobEndedHasMoreRoomThanSmallerNews) {
  EXPECT_LT(MostKept(NotifyFlag::kJobModification), MostKept(NotifyFlag::kFileTransferred));
  EXPECT_LT(MostKept(NotifyFlag::kFileTransferred), MostKept(NotifyFlag::kJobTransferred));
  EXPECT_EQ(MostKept(NotifyFlag::kJobError), MostKept(NotifyFlag::kJobTransferred));
}

TEST(NextTry, DoublesUpToTheLongestLessByChance) {
  const DeliveryPolicy policy;
  const absl::Time now = StartTime();
  const auto delay = [&](uint32_t tries, double jitter) {
    return *NextTry(policy, Failure(), tries, jitter, now) - now;
  };
  EXPECT_EQ(delay(1, 0), absl::Seconds(5));
  EXPECT_EQ(delay(2, 0), absl::Seconds(10));
  EXPECT_EQ(delay(5, 0), absl::Seconds(80));
  EXPECT_EQ(delay(5, 0.5), absl::Seconds(60));
  EXPECT_EQ(delay(5, 1), absl::Seconds(40));
  EXPECT_EQ(delay(19, 0), absl::Hours(1));
}

TEST(NextTry, IsNeverAfterTheLastOneOrIfTheReceiverIsGone) {
  DeliveryPolicy policy;
  policy.max_tries = 3;
  EXPECT_TRUE(NextTry(policy, Failure(), 2, 0, StartTime()).has_value());
  EXPECT_FALSE(NextTry(policy, Failure(), 3, 0, StartTime()).has_value());
  Failure gone;
  gone.http_status = 410;
  EXPECT_FALSE(NextTry(policy, gone, 1, 0, StartTime()).has_value());
  policy.max_tries = 1'000'000;
  EXPECT_EQ(*NextTry(policy, Failure(), 999'999, 0, StartTime()), StartTime() + absl::Hours(1));
}

TEST(NextTry, HeedsRetryAfterWithinBounds) {
  Failure failure;
  failure.http_status = 503;
  failure.retry_after = absl::Seconds(90);
  EXPECT_EQ(*NextTry({}, failure, 1, 1, StartTime()), StartTime() + absl::Seconds(90));
  failure.retry_after = absl::Hours(1000);
  EXPECT_EQ(*NextTry({}, failure, 1, 1, StartTime()), StartTime() + absl::Hours(1));
  failure.retry_after = absl::Seconds(1);
  EXPECT_EQ(*NextTry({}, failure, 1, 0, StartTime()), StartTime() + absl::Seconds(5));
}

TEST(NextRun, IsAfterTheJobsOwnDelayUnlessItIsFinal) {
  Job job = JobWith(JobState::kTransferred, 3);
  job.minimum_retry_delay = absl::Seconds(42);
  EXPECT_EQ(NextRun({}, job, 1, StartTime()), StartTime() + absl::Seconds(42));
  EXPECT_EQ(NextRun({}, job, 19, StartTime()), StartTime() + absl::Seconds(42));
  EXPECT_EQ(NextRun({}, job, 20, StartTime()), std::nullopt);
  for (const JobState state : {JobState::kAcknowledged, JobState::kCancelled}) {
    job.state = state;
    EXPECT_EQ(NextRun({}, job, 1, StartTime()), std::nullopt);
  }
}

TEST(NotificationOptions, CommandLineIsForTransferredAndErrorOnly) {
  NotificationOptions options;
  options.command = {"/bin/true", {}};
  EXPECT_TRUE(HasReceiver(options));
  for (const NotifyFlag flag : {NotifyFlag::kJobTransferred, NotifyFlag::kJobError}) {
    EXPECT_TRUE(HasReceiverFor(options, flag));
  }
  for (const NotifyFlag flag : {NotifyFlag::kJobModification, NotifyFlag::kFileTransferred}) {
    EXPECT_FALSE(HasReceiverFor(options, flag));
    options.webhook_uri = "https://x/";
    EXPECT_TRUE(HasReceiverFor(options, flag));
    options.webhook_uri.clear();
  }
}

TEST(NotificationOptions, OnlyTheVeryProgramThatTheOperatorAllows) {
  NotificationOptions options;
  options.command = {"/usr/bin/notify", {"x"}};
  EXPECT_TRUE(CheckPermissions({.programs = {"/bin/a", "/usr/bin/notify"}}, options).ok());
  for (const char* other : {"/usr/bin/notif", "/usr/bin/notify2", "/usr/bin/", "notify"}) {
    EXPECT_EQ(GetReason(CheckPermissions({.programs = {other}}, options)), "E_ACCESSDENIED");
  }
  EXPECT_EQ(GetReason(CheckPermissions({}, options)), "E_ACCESSDENIED");
}

TEST(WebhookKey, IsAsStandardWebhooksWriteIt) {
  EXPECT_EQ(WebhookKey(Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))->Reveal().size(), 24u);
  EXPECT_FALSE(WebhookKey(Secret("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")));
  EXPECT_FALSE(WebhookKey(Secret("whsec_")));
  EXPECT_FALSE(WebhookKey(Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa")));  // 23 bytes
  EXPECT_FALSE(WebhookKey(Secret("whsec_" + std::string(88, 'A'))));         // 66 bytes
  EXPECT_FALSE(WebhookKey(Secret("whsec_!!!!9r8GKYqrTwjUPD8ILPZIo2LaLaSw")));
}

TEST(NotificationOptions, TakeOwnershipRemovesTheReceiversAndKeepsTheFlags) {
  World world;
  NotificationUpdate update;
  update.flags = NotifyFlags{17};
  update.webhook_uri = "https://receiver.example/";
  update.webhook_volatile = true;
  update.command = CommandLine{"/bin/true", {"x"}};
  Update event;
  event.notifications = update;
  world.Must(event);
  EXPECT_EQ(world.job.notifications,
            (NotificationOptions{17, "https://receiver.example/", true, {"/bin/true", {"x"}}}));
  world.Must(TakeOwnership{"administrator"});
  EXPECT_EQ(world.job.notifications, (NotificationOptions{17, "", false}));
}

TEST(NotificationOptions, OperatorMayForbidWebhooks) {
  NotificationOptions options;
  EXPECT_TRUE(CheckPermissions({.webhooks = false}, options).ok());
  options.webhook_uri = "https://receiver.example/";
  EXPECT_TRUE(CheckPermissions({.webhooks = true}, options).ok());
  const absl::Status refused = CheckPermissions({.webhooks = false}, options);
  EXPECT_EQ(refused.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(GetReason(refused), "E_ACCESSDENIED");
}

}  // namespace
}  // namespace bits::domain

// What Update may not do, the life of secrets' names, and redirects that are reported.
#include "server/domain/update_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/base/error_info.h"
#include "server/domain/error_code.h"
#include "tests/unit/domain/world.h"

namespace bits::domain {
namespace {

using ::testing::IsEmpty;

Update WithMethod(const std::string& method) {
  Update update;
  update.http.emplace().method = method;
  return update;
}

TEST(UpdateRules, MethodIsFixedByTheFirstResume) {
  World world;
  world.Must(WithMethod("POST"));
  EXPECT_EQ(world.job.priority, Priority::kForeground);
  world.Must(Resume{});
  EXPECT_TRUE(world.job.resumed);
  world.Must(Suspend{});
  EXPECT_EQ(ReasonOf(world.Do(WithMethod("PUT"))), "BG_E_READ_ONLY_PROPERTY_AFTER_RESUME");
  EXPECT_EQ(ReasonOf(world.Do(WithMethod(""))), "BG_E_READ_ONLY_PROPERTY_AFTER_RESUME");
  world.Must(WithMethod("POST"));  // which changes nothing of it
}

TEST(UpdateRules, JobOfAnEarlierVersionThatRanWasResumed) {
  World world = World::In(JobState::kError);
  world.job.resumed = false;
  EXPECT_EQ(ReasonOf(world.Do(WithMethod("POST"))), "BG_E_READ_ONLY_PROPERTY_AFTER_RESUME");
}

TEST(UpdateRules, StateComesFirst) {
  for (JobState state : {JobState::kAcknowledged, JobState::kCancelled}) {
    World world = World::In(state);
    EXPECT_EQ(ReasonOf(world.Do(WithMethod("POST"))), "BG_E_INVALID_STATE");
  }
}

TEST(UpdateRules, CustomMethodIsNeverRetried) {
  World world;
  world.Must(WithMethod("POST"));
  world.Must(Resume{});
  world.Must(Start{});
  world.Must(FailWith(TransientFailure()), 1);
  EXPECT_EQ(world.job.state, JobState::kError);
  EXPECT_FALSE(world.job.error->transient);
}

TEST(UpdateRules, NewJobWithAMethodIsForegroundUnlessItSaysOtherwise) {
  Job job;
  job.http.method = "POST";
  EXPECT_TRUE(CheckNew(job, false).ok());
  EXPECT_EQ(job.priority, Priority::kForeground);
  job.priority = Priority::kLow;
  EXPECT_EQ(GetReason(CheckNew(job, true)), "BG_E_NOT_SUPPORTED_WITH_CUSTOM_HTTP_METHOD");
}

TEST(UpdateRules, SecretsAreForgottenWithTheEndOfTheJob) {
  for (const Event& end : {Event(Cancel{}), Event(Inactivity{})}) {
    World world;
    Update update;
    update.http.emplace().headers = std::vector{HttpHeader{"Authorization", "x"}};
    update.credentials = std::vector{CredentialSlot{AuthTarget::kServer, AuthScheme::kBasic}};
    update.secrets_volatile = true;
    world.Must(update);
    EXPECT_TRUE(HasSecrets(world.job));
    world.Must(end);
    EXPECT_FALSE(HasSecrets(world.job));
    EXPECT_FALSE(world.job.secrets_volatile);
  }
}

TEST(ReportedRedirect, ChangesTheRemoteNameThatWasAskedForAndNoOther) {
  World world = World::In(JobState::kTransferring);
  Checkpoint at{10, 100, {}, std::nullopt};
  at.asked_name = world.file(2).remote_name;
  at.final_name = "http://there/x";
  world.Must(at, 2);
  EXPECT_EQ(world.file(2).remote_name, "http://there/x");
  world.Must(SetRemoteName{"http://mended/x"}, 2);
  at.bytes_transferred = 20;
  world.Must(at, 2);
  EXPECT_EQ(world.file(2).remote_name, "http://mended/x");
}

TEST(ReportedRedirect, OfAFailureLeavesTheErrorWithWhatWasAskedFor) {
  World world = World::In(JobState::kTransferring);
  const std::string asked = world.file(2).remote_name;
  Failure failure = FatalFailure();
  failure.final_name = "http://there/x";
  failure.response_headers = "Location: http://there/x\r\n";
  world.Must(FailWith(failure), 2);
  EXPECT_EQ(world.file(2).remote_name, "http://there/x");
  EXPECT_EQ(world.file(2).response_headers, "Location: http://there/x\r\n");
  EXPECT_EQ(world.job.error->remote_name, asked);
}

// Where secrets go is what the owner said, whatever redirects lead to.
TEST(ReportedRedirect, LeavesTheNameThatWasGivenUntilTheOwnerGivesAnother) {
  World world = World::In(JobState::kTransferring);
  const std::string given = world.file(2).remote_name;
  EXPECT_EQ(world.file(2).given_name, "");
  Checkpoint at{10, 100, {}, std::nullopt};
  at.asked_name = given;
  at.final_name = given;
  world.Must(at, 2);
  EXPECT_EQ(world.file(2).given_name, "") << "it led nowhere else";
  at.bytes_transferred = 20;
  at.final_name = "http://there/x";
  world.Must(at, 2);
  EXPECT_EQ(world.file(2).given_name, given);
  Failure failure = FatalFailure();
  failure.final_name = "http://further/x";
  world.Must(FailWith(failure), 2);
  EXPECT_EQ(world.file(2).remote_name, "http://further/x");
  EXPECT_EQ(world.file(2).given_name, given) << "the first one stays";
  World by_prefix = world;
  world.Must(SetRemoteName{"http://further/x"}, 2);
  EXPECT_EQ(world.file(2).given_name, "");
  File changed = by_prefix.file(2);
  changed.remote_name = "http://mended/x";
  const Decision decision = by_prefix.Must(SetRemoteName{"", {changed}});
  EXPECT_EQ(decision.files.at(0).given_name, "");
}

Update WithOptions(std::optional<bool> dynamic, std::optional<uint64_t> most) {
  Update update;
  update.dynamic_content = dynamic;
  update.max_download_size = most;
  return update;
}

TEST(UpdateRules, DynamicContentAndTheLargestSizeAreFixedByTheFirstResume) {
  World world;
  world.Must(WithOptions(true, 100));
  world.Must(Resume{});
  EXPECT_EQ(ReasonOf(world.Do(WithOptions(false, {}))), "BG_E_READ_ONLY_PROPERTY_AFTER_RESUME");
  EXPECT_EQ(ReasonOf(world.Do(WithOptions({}, 0))), "BG_E_READ_ONLY_PROPERTY_AFTER_RESUME");
  world.Must(WithOptions(true, 100));
}

TEST(UpdateRules, DynamicContentGoesNotWithRangesOrAnotherMethod) {
  World world;
  world.Must(WithOptions(true, {}));
  File ranged = NewFile("ranged");
  ranged.ranges = {{0, 3}};
  EXPECT_EQ(ReasonOf(world.Do(AddFiles{{NewFile("a"), ranged}})), "E_INVALIDARG");
  EXPECT_EQ(ReasonOf(world.Do(WithMethod("POST"))), "BG_E_NOT_SUPPORTED_WITH_CUSTOM_HTTP_METHOD");
  Update strict;
  strict.require_ranges = true;
  EXPECT_EQ(ReasonOf(world.Do(strict)), "E_INVALIDARG");
  World with_ranges;
  with_ranges.Must(AddFiles{{ranged}});
  EXPECT_EQ(ReasonOf(with_ranges.Do(WithOptions(true, {}))), "E_INVALIDARG");
}

TEST(UpdateRules, HighPerformanceIsFixedByTheFirstFile) {
  World world(0);
  Update on;
  on.high_performance = true;
  Update off;
  off.high_performance = false;
  world.Must(on);
  world.Must(off);
  world.Must(on);
  world.Must(AddFiles{{NewFile("a")}});
  world.Must(on);
  EXPECT_EQ(ReasonOf(world.Do(off)), "BG_E_READ_ONLY_PROPERTY_AFTER_ADDFILE");
  EXPECT_TRUE(world.job.options.high_performance);
}

TEST(MaximumDownloadSize, IsOfAllFilesByTheirSizesOrByWhatIsHere) {
  World sizes = World::In(JobState::kTransferring);
  sizes.job.options.max_download_size = 100;
  sizes.Checkpointed(1, 1, 60);
  EXPECT_EQ(sizes.job.state, JobState::kTransferring);
  sizes.Checkpointed(2, 1, 40);
  EXPECT_EQ(sizes.job.state, JobState::kTransferring) << "exactly";
  World more = sizes;
  more.Checkpointed(2, 1, 41);
  EXPECT_EQ(more.job.state, JobState::kError);
  EXPECT_EQ(more.job.error->hresult, kMaxDownloadSizeReached);
  EXPECT_EQ(more.job.error->file, 2u);
  World unsized = World::In(JobState::kTransferring);
  unsized.job.options.max_download_size = 100;
  unsized.Checkpointed(1, 60, {});
  unsized.Checkpointed(2, 41, {});
  EXPECT_EQ(unsized.job.state, JobState::kError);
  EXPECT_EQ(unsized.file(2).bytes_transferred, 41u) << "it stays on record";
  World late = World::In(JobState::kTransferring);
  late.job.options.max_download_size = 100;
  late.Must(Suspend{});
  late.Checkpointed(1, 101, 200);
  EXPECT_EQ(late.job.state, JobState::kSuspended) << "the next turn finds it out";
}

}  // namespace
}  // namespace bits::domain

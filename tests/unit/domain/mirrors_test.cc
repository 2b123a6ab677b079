#include "server/domain/mirrors.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "server/domain/error_code.h"
#include "server/domain/holds.h"
#include "tests/unit/domain/world.h"

namespace bits::domain {
namespace {

constexpr uint64_t kSizeOfIt = 100;

// A job that is being transferred, of one file with so many mirrors.
World WithMirrors(size_t count) {
  World world(1);
  File& file = world.file(1);
  for (size_t i = 1; i <= count; ++i) {
    file.mirrors.names.push_back("http://mirror" + std::to_string(i) + ".test/file");
  }
  file.checksum = Checksum{ChecksumAlgorithm::kSha256, std::string(64, 'a')};
  world.job.has_mirrors = true;
  world.Must(Resume{});
  world.Must(Start{});
  return world;
}

Decision FailAt(World& world, uint32_t source, const Failure& failure) {
  return world.Must(Fail{failure, source}, 1);
}

void Checkpointed(World& world, uint32_t source, uint64_t bytes, bool joined = false) {
  Checkpoint checkpoint;
  checkpoint.bytes_transferred = bytes;
  checkpoint.bytes_total = kSizeOfIt;
  checkpoint.validators.source = source;
  checkpoint.validators.joined = joined;
  checkpoint.asked_name = world.file(1).remote_name;
  world.Must(checkpoint, 1);
}

Failure BadChecksum() {
  Failure failure;
  failure.hresult = kValidationFailed;
  failure.context = ErrorContext::kLocalFile;
  return failure;
}

Failure Local(Hresult hresult) {
  Failure failure;
  failure.hresult = hresult;
  failure.context = ErrorContext::kLocalFile;
  return failure;
}

TEST(MirrorsRule, OneThatFailsIsFollowedByTheNextAndTheJobDoesNotHearOfIt) {
  World world = WithMirrors(2);
  world.Must(BytesArrived{});
  const Job before = world.job;
  const Decision d = FailAt(world, 0, FatalFailure());
  EXPECT_EQ(world.job.state, JobState::kTransferring);
  EXPECT_EQ(world.job.error, std::nullopt);
  EXPECT_EQ(world.job.error_count, before.error_count);
  EXPECT_EQ(world.job.stalled_since, std::nullopt);
  EXPECT_EQ(world.file(1).mirrors.source, 1u);
  EXPECT_EQ(d.effects, kNoEffects);
  EXPECT_EQ(d.changes, std::vector{ChangeKind::kModified});
  ASSERT_TRUE(d.error.has_value());  // for the history
  EXPECT_EQ(d.error->hresult, FromHttpStatus(404));
  EXPECT_EQ(d.error->remote_name, "http://origin.test/file1");
  EXPECT_EQ(d.error->file, 1u);
  EXPECT_TRUE(d.error->transient);
  EXPECT_EQ(d.error->retry_time, std::nullopt);

  EXPECT_EQ(FailAt(world, 1, ConnectFailure()).error->remote_name, "http://mirror1.test/file");
  EXPECT_EQ(world.job.state, JobState::kTransferring);
  EXPECT_EQ(world.file(1).mirrors.source, 2u);
}

TEST(MirrorsRule, WhenAllHaveFailedTheJobGetsTheLastError) {
  World world = WithMirrors(2);
  FailAt(world, 0, FatalFailure());
  FailAt(world, 1, FatalFailure());
  FailAt(world, 2, FatalFailure());
  EXPECT_EQ(world.job.state, JobState::kError);
  ASSERT_TRUE(world.job.error.has_value());
  EXPECT_EQ(world.job.error->remote_name, "http://mirror2.test/file");
  EXPECT_NE(world.job.error->detail.find("all 3 sources"), std::string::npos);
  EXPECT_FALSE(world.job.error->transient);
  EXPECT_EQ(world.file(1).mirrors.source, 0u);
  EXPECT_EQ(world.file(1).mirrors.failed, 0u);
}

TEST(MirrorsRule, WhatWaitingMayMendOfOneMakesTheWholeRoundTransient) {
  const std::vector<Failure> all = {FatalFailure(), TransientFailure(), ConnectFailure()};
  for (const Failure& first : all) {
    for (const Failure& second : all) {
      World world = WithMirrors(1);
      FailAt(world, 0, first);
      FailAt(world, 1, second);
      const bool transient =
          first.hresult != FromHttpStatus(404) || second.hresult != FromHttpStatus(404);
      EXPECT_EQ(world.job.state, transient ? JobState::kTransientError : JobState::kError);
      EXPECT_EQ(world.job.error->transient, transient);
      EXPECT_EQ(world.job.retry_time.has_value(), transient);
      EXPECT_EQ(world.job.error->hresult, second.hresult);
      EXPECT_EQ(world.job.host, "");  // any of its hosts may be up
      EXPECT_EQ(world.job.host_failed, IsConnectionFailure(second));
    }
  }
}

TEST(MirrorsRule, NextRoundForgetsTheLastOne) {
  World world = WithMirrors(1);
  FailAt(world, 0, TransientFailure());
  FailAt(world, 1, FatalFailure());
  ASSERT_EQ(world.job.state, JobState::kTransientError);
  world.Must(RetryDue{});
  world.Must(Start{});
  FailAt(world, 0, FatalFailure());
  EXPECT_EQ(world.job.state, JobState::kConnecting);
  FailAt(world, 1, FatalFailure());
  EXPECT_EQ(world.job.state, JobState::kError) << "the transient failure was of the last round";
}

TEST(MirrorsRule, NextRoundBeginsWithTheSourceOfWhatIsHere) {
  World world = WithMirrors(2);
  FailAt(world, 0, FatalFailure());
  Checkpointed(world, 1, 50);
  FailAt(world, 1, ConnectFailure());
  FailAt(world, 2, FatalFailure());
  EXPECT_EQ(world.job.state, JobState::kTransientError);
  EXPECT_EQ(world.file(1).bytes_transferred, 50u);
  EXPECT_EQ(world.file(1).mirrors.source, 1u);
}

TEST(MirrorsRule, WhatIsHereIsNotGivenUpForAFailureThatMayPass) {
  for (const bool joinable : {false, true}) {
    World world = WithMirrors(1);
    if (!joinable) world.file(1).checksum.reset();
    Checkpoint much;
    much.bytes_transferred = kWorthKeeping;
    much.bytes_total = 2 * kWorthKeeping;
    much.asked_name = world.file(1).remote_name;
    world.Must(much, 1);
    FailAt(world, 0, ConnectFailure());
    if (joinable) {
      EXPECT_EQ(world.job.state, JobState::kTransferring);
      continue;
    }
    ASSERT_EQ(world.job.state, JobState::kTransientError);
    EXPECT_EQ(world.file(1).mirrors.source, 0u);
    EXPECT_EQ(world.job.error->detail.find("sources"), std::string::npos);
    world.Must(RetryDue{});
    world.Must(Start{});
    FailAt(world, 0, ConnectFailure());  // it has brought nothing
    EXPECT_EQ(world.job.state, JobState::kConnecting);
    EXPECT_EQ(world.file(1).mirrors.source, 1u);
    EXPECT_EQ(world.file(1).bytes_transferred, kWorthKeeping) << "until the other answers well";
  }
}

TEST(MirrorsRule, OnceStartedOverAnythingIsWorthKeeping) {
  World world = WithMirrors(1);
  world.file(1).checksum.reset();
  world.file(1).restarts = 1;
  Checkpointed(world, 0, 10);
  FailAt(world, 0, ConnectFailure());
  EXPECT_EQ(world.job.state, JobState::kTransientError);
}

TEST(MirrorsRule, WhatTheOwnerCallsInvalidIsBlamedOnWhoGaveIt) {
  const auto transferred = [](World& world, uint32_t source) {
    FileTransferred all;
    all.last.bytes_transferred = all.last.bytes_total.emplace(kSizeOfIt);
    all.last.validators.source = source;
    all.last.asked_name = world.file(1).remote_name;
    world.Must(all, 1);
    ASSERT_EQ(world.job.state, JobState::kTransferred);
  };
  for (const uint32_t gave : {0u, 1u, 2u}) {
    for (const bool renamed : {false, true}) {
      World world = WithMirrors(2);
      transferred(world, gave);
      if (renamed) world.Must(SetRemoteName{.remote_name = "http://mended.test/"}, 1);
      world.Must(SetValidationState{false}, 1);
      const bool nobody = renamed && gave == 0;
      EXPECT_EQ(world.file(1).mirrors.source, nobody ? 0 : (gave + 1) % 3) << gave << renamed;
      EXPECT_EQ(world.file(1).mirrors.failed, nobody ? 0 : 1u << gave);
    }
  }
}

TEST(MirrorsRule, OrderGoesRoundFromWhereTheRoundBegan) {
  World world = WithMirrors(2);
  FailAt(world, 2, FatalFailure());
  EXPECT_EQ(world.file(1).mirrors.source, 0u);
  FailAt(world, 0, FatalFailure());
  EXPECT_EQ(world.file(1).mirrors.source, 1u);
  FailAt(world, 1, FatalFailure());
  EXPECT_EQ(world.job.state, JobState::kError);
}

TEST(MirrorsRule, WhatNoSourceCanMendIsTheJobsAtOnce) {
  Failure too_large = FatalFailure();
  too_large.hresult = kMaxDownloadSizeReached;
  Failure secrets = FatalFailure();
  secrets.hresult = kInvalidCredentials;
  secrets.context = ErrorContext::kGeneralQueueManager;
  for (const Failure& failure :
       {Local(kDiskFull), Local(kAccessDenied), Local(kIoDevice), too_large, secrets}) {
    World world = WithMirrors(2);
    FailAt(world, 0, TransientFailure());
    FailAt(world, 1, failure);
    EXPECT_EQ(world.job.state, JobState::kError) << SymbolOf(failure.hresult);
    EXPECT_EQ(world.job.error->detail.find("sources"), std::string::npos);
  }
}

TEST(MirrorsRule, ChecksumThatDoesNotFitWhatWasJoinedSaysNothingOfOneSource) {
  World world = WithMirrors(1);
  Checkpointed(world, 0, 50);
  FailAt(world, 0, ConnectFailure());
  Checkpointed(world, 1, kSizeOfIt, true);
  FailAt(world, 1, BadChecksum());
  EXPECT_EQ(world.job.state, JobState::kTransferring);
  EXPECT_EQ(world.file(1).mirrors.source, 1u) << "the same, from its beginning";
  EXPECT_EQ(world.file(1).bytes_transferred, 0u);
  EXPECT_FALSE(world.file(1).validators.joined);
  EXPECT_EQ(world.file(1).restarts, 1u);
  ExpectConsistent(world);
  FailAt(world, 1, BadChecksum());
  EXPECT_EQ(world.job.state, JobState::kTransientError) << "the remote name's may pass";
  EXPECT_EQ(world.job.error->hresult, kValidationFailed);
}

TEST(MirrorsRule, WrongContentOfOneSourceIsThatSourcesFailure) {
  World world = WithMirrors(1);
  Checkpointed(world, 0, kSizeOfIt);
  FailAt(world, 0, BadChecksum());
  EXPECT_EQ(world.file(1).mirrors.source, 1u);
  EXPECT_EQ(world.file(1).bytes_transferred, 0u);
  EXPECT_EQ(world.job.state, JobState::kTransferring);
  ExpectConsistent(world);
}

TEST(MirrorsRule, AnotherRemoteNameIsAskedFirst) {
  World world = WithMirrors(1);
  Checkpointed(world, 0, 50);
  FailAt(world, 0, ConnectFailure());
  world.Must(SetRemoteName{"http://other.test/file"}, 1);
  EXPECT_EQ(world.file(1).mirrors.source, 0u);
  EXPECT_EQ(world.file(1).mirrors.failed, 0u);
  EXPECT_FALSE(world.file(1).mirrors.transient);
  // What a try of before still tells does not lead away from it.
  Checkpoint late;
  late.bytes_transferred = 60;
  late.bytes_total = kSizeOfIt;
  late.validators.source = 1;
  late.asked_name = "http://origin.test/file1";
  world.Must(late, 1);
  EXPECT_EQ(world.file(1).mirrors.source, 0u);
}

TEST(MirrorsRule, CheckpointTellsWhichSourceIsInUse) {
  World world = WithMirrors(1);
  Checkpointed(world, 1, 50);  // the host of the remote name was known to be down
  EXPECT_EQ(world.file(1).mirrors.source, 1u);
}

TEST(MirrorsRule, WhatTheOwnerCallsInvalidIsFetchedFromTheNextSource) {
  World world = WithMirrors(1);
  FileTransferred event;
  event.last.bytes_transferred = kSizeOfIt;
  event.last.asked_name = world.file(1).remote_name;
  world.Must(event, 1);
  world.Must(SetValidationState{false}, 1);
  EXPECT_EQ(world.job.state, JobState::kError);
  EXPECT_EQ(world.file(1).mirrors.source, 1u);
  world.Must(Resume{});
  world.Must(Start{});
  event.last.validators.source = 1;
  world.Must(event, 1);
  world.Must(SetValidationState{false}, 1);
  EXPECT_EQ(world.file(1).mirrors.source, 0u) << "all were: from the beginning";
  EXPECT_EQ(world.file(1).mirrors.failed, 1u << 1) << "but this counts in the round that begins";
}

TEST(MirrorsRule, WithoutMirrorsNothingIsOtherwise) {
  World world = WithMirrors(0);
  FailAt(world, 0, FatalFailure());
  EXPECT_EQ(world.job.state, JobState::kError);
  EXPECT_EQ(world.job.host, "origin.test:80");
  EXPECT_EQ(world.job.error->detail.find("sources"), std::string::npos);
}

TEST(MirrorsRule, JobWithMirrorsIsNotHeldForOneHost) {
  Job job;
  File file = NewFile("f");
  file.mirrors.names = {"http://mirror.test/f"};
  absl::StatusOr<Decision> created = DecideCreate(job, {file}, true, StartTime());
  ASSERT_TRUE(created.ok());
  EXPECT_EQ(created->job.host, "");
  EXPECT_TRUE(created->job.has_mirrors);
}

TEST(MirrorsRule, NotWithAMethodOrDynamicContent) {
  File file = NewFile("f");
  file.mirrors.names = {"http://mirror.test/f"};
  Job job;
  job.http.method = "POST";
  EXPECT_EQ(ReasonOf(DecideCreate(job, {file}, false, StartTime())),
            "BG_E_NOT_SUPPORTED_WITH_CUSTOM_HTTP_METHOD");
  job.http.method.clear();
  job.options.dynamic_content = true;
  EXPECT_EQ(ReasonOf(DecideCreate(job, {file}, false, StartTime())), "E_INVALIDARG");
  job.options.dynamic_content = false;
  absl::StatusOr<Decision> created = DecideCreate(job, {file}, false, StartTime());
  ASSERT_TRUE(created.ok());
  Update method;
  method.http.emplace().method = "POST";
  EXPECT_EQ(ReasonOf(Decide(created->job, nullptr, method, StartTime())),
            "BG_E_NOT_SUPPORTED_WITH_CUSTOM_HTTP_METHOD");
  Update dynamic;
  dynamic.dynamic_content = true;
  EXPECT_EQ(ReasonOf(Decide(created->job, nullptr, dynamic, StartTime())), "E_INVALIDARG");
}

TEST(MirrorsRule, BytesAreJoinedOnlyWhereAChecksumProvesThem) {
  File file = NewFile("f");
  EXPECT_FALSE(MayJoinSources(file));
  file.checksum = Checksum{};
  EXPECT_TRUE(MayJoinSources(file));
  file.ranges = {{0, 10}};
  EXPECT_FALSE(MayJoinSources(file));
}

}  // namespace
}  // namespace bits::domain

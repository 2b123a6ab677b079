// Whole downloads, and how they look from outside.

#include "tests/integration/transfer/engine_fixture.h"

namespace bits::transfer {
namespace {

using ::testing::AllOf;
using testing::Behavior;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Field;
using testing::MakeContent;

constexpr size_t kMebi = size_t{1} << 20;

TEST_F(EngineTest, SmallFile) {
  const std::string content = "content";
  origin_->Put("/f", content);
  auto observer = ExpectTransferred(Spec(), content);
  EXPECT_THAT(observer->log(), ElementsAre("arrive", "progress", "transferred"));
  const domain::Checkpoint last = observer->last();
  EXPECT_EQ(last.bytes_total, content.size());
  EXPECT_EQ(last.validators.etag, "\"v1\"");
  EXPECT_EQ(last.validators.last_modified, "Wed, 21 Oct 2015 07:28:00 GMT");
  EXPECT_EQ(last.last_modified, absl::FromUnixSeconds(1445412480));
  const testing::OriginRequest request = origin_->Requests("/f").at(0);
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.Header("accept-encoding"), "identity");
  EXPECT_EQ(request.Header("range"), "");
  EXPECT_EQ(request.Header("user-agent"), "bitsd");
}

TEST_F(EngineTest, EmptyFile) {
  origin_->Put("/f", "");
  auto observer = ExpectTransferred(Spec(), "");
  EXPECT_THAT(observer->log(), ElementsAre("arrive", "transferred"));
}

TEST_F(EngineTest, FilesOfManySizes) {
  for (size_t size : {1ul, 4095ul, 4096ul, 16383ul, 16384ul, 16385ul, 65536ul, 1000000ul,
                      5 * kMebi + 1, 17 * kMebi}) {
    SCOPED_TRACE(size);
    const std::string content = MakeContent(size, size);
    origin_->Put("/f", content);
    ExpectTransferred(Spec(), content);
  }
}

TEST_F(EngineTest, EveryFraming) {
  const std::string content = MakeContent(3 * kMebi + 17, 1);
  for (Behavior::Framing framing : {Behavior::Framing::kContentLength, Behavior::Framing::kChunked,
                                    Behavior::Framing::kUntilClose}) {
    origin_->Put("/f", content, {.framing = framing});
    auto observer = ExpectTransferred(Spec(), content);
    EXPECT_EQ(observer->last().bytes_total, content.size());
  }
  origin_->Put("/f", "", {.framing = Behavior::Framing::kChunked});
  ExpectTransferred(Spec(), "");
}

TEST_F(EngineTest, WhatLiesInTheWayIsReplaced) {
  const std::string content = MakeContent(1000, 1);
  origin_->Put("/f", content);
  testing::WriteFile(Spec().file.temporary_path, MakeContent(5000, 2));
  ExpectTransferred(Spec(), content);
}

TEST_F(EngineTest, ManyFilesShareConnections) {
  constexpr int kFiles = 200;
  options_.max_transfers = 8;
  std::vector<std::shared_ptr<RecordingObserver>> observers;
  for (int i = 0; i < kFiles; ++i) {
    const std::string name = std::to_string(i);
    origin_->Put("/" + name, MakeContent(1024, static_cast<uint64_t>(i)));
    observers.push_back(Begin(Spec(origin_->Url("/" + name), name)));
  }
  for (int i = 0; i < kFiles; ++i) {
    RecordingObserver& observer = *observers[static_cast<size_t>(i)];
    ASSERT_EQ(observer.Wait(), End::kTransferred)
        << domain::SymbolOf(observer.failure().hresult) << " " << observer.failure().detail;
    EXPECT_TRUE(TemporaryContent(std::to_string(i)) == MakeContent(1024, static_cast<uint64_t>(i)));
  }
  EXPECT_LE(origin_->connections(), 16u);
}

TEST_F(EngineTest, CheckpointsAreDurablePrefixes) {
  const std::string content = MakeContent(24 * kMebi, 1);
  origin_->Put("/f", content, {.bytes_per_second = 40'000'000});
  auto observer = Run(Spec(), {.on_checkpoint = [&](const domain::Checkpoint& checkpoint) {
                        const std::string here = TemporaryContent();
                        ASSERT_GE(here.size(), checkpoint.bytes_transferred);
                        EXPECT_EQ(here.compare(0, checkpoint.bytes_transferred, content, 0,
                                               checkpoint.bytes_transferred),
                                  0);
                      }});
  EXPECT_EQ(observer->Wait(), End::kTransferred);
  const std::vector<domain::Checkpoint> checkpoints = observer->checkpoints();
  EXPECT_GE(checkpoints.size(), 2u);
  EXPECT_THAT(checkpoints, Each(Field(&domain::Checkpoint::bytes_total, content.size())));
}

TEST_F(EngineTest, ASlowTransferIsCheckpointedByTime) {
  options_.checkpoint_most = absl::Milliseconds(200);
  origin_->Put("/f", MakeContent(100000, 1), {.bytes_per_second = 50000});
  auto observer = Begin(Spec());
  EXPECT_TRUE(observer->WaitForCheckpoint(5000));
  EXPECT_LT(observer->checkpoints().back().bytes_transferred, 90000u);
  engine().Stop(last_id());
  EXPECT_EQ(observer->Wait(), End::kStopped);
}

TEST_F(EngineTest, ProgressIsToldFourTimesASecondAtMost) {
  origin_->Put("/f", MakeContent(300000, 1), {.bytes_per_second = 300000});
  const auto start = std::chrono::steady_clock::now();
  auto observer = Run(Spec());
  const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start;
  EXPECT_GE(observer->progress_count(), 2u);
  EXPECT_LE(static_cast<double>(observer->progress_count()), passed.count() * 4 + 1);
}

TEST_F(EngineTest, StopKeepsWhatIsHere) {
  const std::string content = MakeContent(4 * kMebi, 1);
  origin_->Put("/f", content, {.stall_after = kMebi + 5});
  auto observer = Begin(Spec());
  EXPECT_TRUE(origin_->WaitForBytes("/f", kMebi + 5, kLong));
  EXPECT_TRUE(observer->WaitForProgress(1));
  engine().Stop(last_id());
  EXPECT_EQ(observer->Wait(), End::kStopped);
  const domain::File recorded = observer->Recorded();
  EXPECT_GT(recorded.bytes_transferred, 0u);
  EXPECT_LE(recorded.bytes_transferred, kMebi + 5);
  EXPECT_EQ(TemporaryContent(), content.substr(0, recorded.bytes_transferred));
  origin_->Put("/f", content);
  auto again = ExpectTransferred(Again(*observer), content);
  EXPECT_THAT(again->restarts(), ElementsAre());
  EXPECT_EQ(origin_->Requests("/f").back().Header("range"),
            "bytes=" + std::to_string(recorded.bytes_transferred) + "-");
}

TEST_F(EngineTest, StopBeforeAnythingCame) {
  origin_->Put("/f", "x", {.stall_before_head = true});
  auto observer = Begin(Spec());
  EXPECT_TRUE(origin_->WaitForRequests("/f", 1, kLong));
  engine().Stop(last_id());
  EXPECT_EQ(observer->Wait(), End::kStopped);
  EXPECT_THAT(observer->log(), ElementsAre("stopped"));
  EXPECT_FALSE(testing::FileExists(Spec().file.temporary_path));
  engine().Stop(last_id());
  engine().Stop(12345);
}

TEST_F(EngineTest, TheQueueIsFirstComeFirstServed) {
  options_.max_transfers = 1;
  origin_->Put("/f", "x", {.stall_before_head = true});
  origin_->Put("/g", "g");
  auto first = Begin(Spec());
  EXPECT_TRUE(origin_->WaitForRequests("/f", 1, kLong));
  auto second = Begin(Spec(origin_->Url("/g"), "second"));
  const auto second_id = last_id();
  auto third = Begin(Spec(origin_->Url("/g"), "third"));
  engine().Stop(second_id);
  EXPECT_EQ(second->Wait(), End::kStopped);
  EXPECT_EQ(origin_->RequestCount("/g"), 0u);
  origin_->Release();
  EXPECT_EQ(first->Wait(), End::kTransferred);
  EXPECT_EQ(third->Wait(), End::kTransferred);
  EXPECT_EQ(origin_->RequestCount("/g"), 1u);
}

TEST_F(EngineTest, AHostThatHasEnoughIsPassed) {
  options_.max_connections_per_host = 2;
  auto other = testing::OriginServer::Start().value();
  other->Put("/f", "other");
  origin_->Put("/f", "x", {.stall_before_head = true});
  std::vector<std::shared_ptr<RecordingObserver>> observers;
  for (const char* name : {"a", "b", "c", "d"}) {
    observers.push_back(Begin(Spec(origin_->Url("/f"), name)));
  }
  EXPECT_EQ(Run(Spec(other->Url("/f"), "other"))->Wait(), End::kTransferred);
  EXPECT_TRUE(origin_->WaitForRequests("/f", 2, kLong));
  EXPECT_EQ(origin_->connections(), 2u);
  origin_->Release();
  for (auto& observer : observers) EXPECT_EQ(observer->Wait(), End::kTransferred);
  EXPECT_EQ(origin_->connections(), 2u);
}

TEST_F(EngineTest, ShutdownStopsAll) {
  options_.max_transfers = 2;
  origin_->Put("/f", MakeContent(kMebi, 1), {.stall_after = 1000});
  auto first = Begin(Spec(origin_->Url("/f"), "a"));
  auto second = Begin(Spec(origin_->Url("/f"), "b"));
  auto queued = Begin(Spec(origin_->Url("/f"), "c"));
  EXPECT_TRUE(first->WaitForProgress(1));
  EXPECT_TRUE(second->WaitForProgress(1));
  EXPECT_TRUE(engine().Shutdown(kLong));
  EXPECT_EQ(first->Wait(), End::kStopped);
  EXPECT_EQ(second->Wait(), End::kStopped);
  EXPECT_EQ(queued->Wait(), End::kStopped);
  EXPECT_THAT(first->log(), ElementsAre("arrive", "progress", "checkpoint", "stopped"));
  auto late = Begin(Spec());
  EXPECT_EQ(late->Wait(absl::Milliseconds(20)), End::kNone);
}

TEST_F(EngineTest, LittleMemoryIsEnough) {
  options_.buffer_memory = 64 * 1024;
  const std::string content = MakeContent(2 * kMebi, 1);
  origin_->Put("/f", content);
  std::vector<std::shared_ptr<RecordingObserver>> observers;
  for (int i = 0; i < 20; ++i) {
    observers.push_back(Begin(Spec(origin_->Url("/f"), std::to_string(i))));
  }
  for (size_t i = 0; i < observers.size(); ++i) {
    EXPECT_EQ(observers[i]->Wait(), End::kTransferred);
    EXPECT_TRUE(TemporaryContent(std::to_string(i)) == content);
  }
}

}  // namespace
}  // namespace bits::transfer

#include "server/store/memory/memory_job_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "tests/contract/samples.h"
#include "tests/support/status_matchers.h"

// What every store does is in tests/contract.
namespace bits::store {
namespace {

using app::Transaction;
using ::testing::ElementsAre;

MemoryJobStore::Options Synchronous() {
  MemoryJobStore::Options options;
  options.synchronous = true;
  return options;
}

TEST(MemoryJobStore, SynchronousCommitIsDoneWhenItReturns) {
  MemoryJobStore store(Synchronous());
  const std::thread::id caller = std::this_thread::get_id();
  domain::Job job = testing::QueuedJob(testing::Samples(1).Id(), "owner", absl::UnixEpoch());
  bool done = false;
  store.Commit(
      [&](Transaction& t) {
        EXPECT_EQ(std::this_thread::get_id(), caller);
        return t.InsertJob(job, absl::InfiniteFuture());
      },
      [&](absl::Status status) {
        BITS_EXPECT_OK(status);
        EXPECT_EQ(std::this_thread::get_id(), caller);
        EXPECT_EQ(*store.GetJob(job.id), job) << "no lock is held that a read needs";
        done = true;
      });
  EXPECT_TRUE(done);
}

TEST(MemoryJobStore, SynchronousCommitFromWithinOneComesAfterIt) {
  MemoryJobStore store(Synchronous());
  std::vector<int> order;
  store.Commit(
      [&](Transaction&) {
        order.push_back(1);
        store.Commit(
            [&](Transaction&) {
              order.push_back(4);
              return absl::OkStatus();
            },
            [&](absl::Status) { order.push_back(5); });
        order.push_back(2);
        return absl::OkStatus();
      },
      [&](absl::Status) {
        order.push_back(3);
        store.Commit([](Transaction&) { return absl::OkStatus(); },
                     [&](absl::Status) { order.push_back(6); });
      });
  EXPECT_THAT(order, ElementsAre(1, 2, 3, 4, 5, 6));
  store.Close();
  store.Commit([](Transaction&) { return absl::OkStatus(); },
               [&](absl::Status status) {
                 EXPECT_THAT(status, testing::HasCode(absl::StatusCode::kUnavailable));
                 order.push_back(7);
               });
  EXPECT_EQ(order.back(), 7);
}

TEST(MemoryJobStore, UnhealthyStoreTakesNothingAndSaysSo) {
  MemoryJobStore store(Synchronous());
  std::vector<absl::Status> heard;
  store.SetHealthListener([&](absl::Status status) { heard.push_back(std::move(status)); });
  const absl::Status bad = absl::UnavailableError("bad");
  const auto commit = [&] {
    absl::Status outcome;
    store.Commit([](Transaction&) { return absl::OkStatus(); },
                 [&](absl::Status status) { outcome = std::move(status); });
    return outcome;
  };
  store.SetHealth(bad);
  EXPECT_EQ(store.Health(), bad);
  EXPECT_EQ(commit(), bad);
  store.SetHealth(absl::OkStatus());
  BITS_EXPECT_OK(commit());
  EXPECT_THAT(heard, ElementsAre(bad, absl::OkStatus()));
}

}  // namespace
}  // namespace bits::store

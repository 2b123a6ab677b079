// SIGKILL in the midst of 128 writers, again and again: what was acknowledged is there, whole.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "server/base/unique_fd.h"
#include "server/store/sqlite/sqlite_job_store.h"
#include "tests/contract/commit_and_wait.h"
#include "tests/fault/store/torture_job.h"
#include "tests/support/status_matchers.h"
#include "tests/support/subprocess.h"
#include "tests/support/temp_dir.h"

namespace bits::testing {
namespace {

constexpr int kKills = 50;

uint64_t Seed() {
  const char* given = std::getenv("BITS_TORTURE_SEED");
  if (given != nullptr) return std::strtoull(given, nullptr, 10);
  return std::random_device()();
}

class StoreTortureTest : public ::testing::Test {
 protected:
  StoreTortureTest() {
    std::printf("BITS_TORTURE_SEED=%llu\n", static_cast<unsigned long long>(seed_));
  }

  // Runs the writers until some have been acknowledged, then a little, and kills them.
  void RunAndKill(uint32_t round) {
    std::string numbers;
    for (const uint32_t number : next_) numbers += std::to_string(number) + ",";
    int ends[2];
    ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
    UniqueFd reading(ends[0]);
    UniqueFd writing(ends[1]);
    Subprocess::Options options;
    options.argv = {BITS_STORE_TORTURE_WRITER, directory_.path(), std::to_string(seed_),
                    std::to_string(round), numbers};
    options.inherited_fd = writing.get();
    options.on_line = [](std::string_view line) { ADD_FAILURE() << "the writer says: " << line; };
    auto writer = Subprocess::Start(std::move(options));
    ASSERT_THAT(writer, IsOk());
    writing.reset();
    // Now and then none at all: opening and recovery are killed too.
    const uint64_t enough = random_() % 8 == 0 ? 0 : random_() % 300;
    uint64_t seen = 0;
    while (seen < enough && ReadAck(reading.get(), -1)) ++seen;
    const absl::Time end =
        absl::Now() + absl::Microseconds(random_() % (enough == 0 ? 60000 : 8000));
    for (absl::Duration left = end - absl::Now(); left > absl::ZeroDuration();
         left = end - absl::Now()) {
      ReadAck(reading.get(), static_cast<int>(absl::ToInt64Milliseconds(left)));
    }
    (*writer)->Signal(SIGKILL);
    const std::optional<int> status = (*writer)->Wait(absl::Seconds(60));
    ASSERT_TRUE(status.has_value());
    ASSERT_TRUE(WIFSIGNALED(*status)) << DescribeWaitStatus(*status);
    while (ReadAck(reading.get(), -1)) {
    }
  }

  // False at the end of the pipe, or after the timeout (-1: none).
  bool ReadAck(int fd, int timeout_ms) {
    pollfd ready = {fd, POLLIN, 0};
    if (poll(&ready, 1, timeout_ms) <= 0) return false;
    TortureAck ack;
    const ssize_t size = read(fd, &ack, sizeof(ack));  // written in one piece
    if (size == 0) return false;
    EXPECT_EQ(size, static_cast<ssize_t>(sizeof(ack)));
    ++acks_;
    uint32_t& version = acknowledged_[{ack.writer, ack.number}];
    version = std::max(version, ack.version);
    next_[ack.writer] = std::max(next_[ack.writer], ack.number + (ack.version == 2 ? 1 : 0));
    return true;
  }

  std::unique_ptr<store::SqliteJobStore> Open() {
    store::SqliteJobStore::Options options;
    options.state_directory = directory_.path();
    options.writer.events_kept = uint64_t{1} << 40;
    auto store = store::SqliteJobStore::Open(options);
    EXPECT_THAT(store, IsOk());
    return store.ok() ? *std::move(store) : nullptr;
  }

  // Checks the jobs from the `after`th on and gives the last one's number.
  uint64_t Check(store::SqliteJobStore& store, uint64_t after, app::Revision from) {
    CheckEvents(store, from);
    app::JobQuery query;
    query.after = after;
    query.limit = 1000;
    while (true) {
      const absl::StatusOr<app::JobPage> page = store.ListJobs(query);
      EXPECT_THAT(page, IsOk());
      if (!page.ok()) return query.after;
      for (const domain::Job& job : page->jobs) CheckJob(store, job);
      query.after = page->last;
      if (page->end) break;
    }
    // Every acknowledged one.
    for (const auto& [key, version] : acknowledged_) {
      const TortureRequest request = {seed_, key.first, key.second};
      const auto made = made_.find(key);
      if (made == made_.end()) {
        ADD_FAILURE() << "an acknowledged job is not there: " << TortureRequestId(request);
        continue;
      }
      const absl::StatusOr<domain::Job> job = store.GetJob(made->second);
      EXPECT_THAT(job, IsOk());
      if (!job.ok()) continue;
      EXPECT_GE(job->version, version) << "an acknowledged change is not there";
      BITS_EXPECT_OK(CheckTortureJob(store, *job));
    }
    acknowledged_.clear();
    return query.after;
  }

  void CheckJob(store::SqliteJobStore& store, const domain::Job& job) {
    BITS_EXPECT_OK(CheckTortureJob(store, job));
    const std::optional<TortureRequest> request = RequestOf(job);
    ASSERT_TRUE(request.has_value());
    const auto [it, first] = made_.insert({{request->writer, request->number}, job.id});
    EXPECT_TRUE(first || it->second == job.id) << "a request made two jobs: " << job.id;
    EXPECT_EQ(events_of_[job.id], job.version) << "an event for each change";
    // The rest of the transaction is there too: its request, its destinations.
    EXPECT_THAT(
        CommitAndWait(store,
                      [&](app::Transaction& t) -> absl::Status {
                        const auto record = t.FindRequest(
                            kTorturePrincipal, TortureRequestId(*request), absl::InfinitePast());
                        EXPECT_THAT(record, IsOk());
                        EXPECT_TRUE(record.ok() && record->has_value() && (*record)->job == job.id);
                        return t.ReserveDestination("/srv/" + job.id + ".1", job.id);
                      }),
        HasCode(absl::StatusCode::kAlreadyExists));
  }

  // Counts the events of each job, and looks for gaps.
  void CheckEvents(store::SqliteJobStore& store, app::Revision from) {
    app::Revision last = from;
    while (true) {
      const auto events = store.ListEvents(last, 5000);
      ASSERT_THAT(events, IsOk());
      if (events->empty()) break;
      for (const app::EventRecord& event : *events) {
        EXPECT_EQ(event.revision, last + 1);
        last = event.revision;
        ++events_of_[event.job.id];
      }
    }
    EXPECT_EQ(*store.LastRevision(), last);
  }

  using Key = std::pair<uint32_t, uint32_t>;  // writer, number

  const uint64_t seed_ = Seed();
  std::mt19937_64 random_{seed_};
  TempDir directory_;
  std::vector<uint32_t> next_ = std::vector<uint32_t>(kTortureWriters);
  std::map<Key, uint32_t> acknowledged_;  // since the last check: the version
  std::map<Key, domain::JobId> made_;
  std::map<domain::JobId, uint64_t> events_of_;
  uint64_t acks_ = 0;
};

TEST_F(StoreTortureTest, NothingAcknowledgedIsLostAndNothingIsHalfThere) {
  uint64_t checked = 0;
  app::Revision revision = 0;
  for (uint32_t round = 0; round < kKills && !HasFailure(); ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    ASSERT_NO_FATAL_FAILURE(RunAndKill(round));
    const auto store = Open();
    ASSERT_NE(store, nullptr);
    checked = Check(*store, checked, revision);
    revision = *store->LastRevision();
  }
  // Once more from the start, all of them.
  const std::map<Key, domain::JobId> made = made_;
  made_.clear();
  events_of_.clear();
  const auto store = Open();
  ASSERT_NE(store, nullptr);
  Check(*store, 0, 0);
  EXPECT_EQ(made_, made);
  std::printf("%llu acknowledgements, %zu jobs\n", static_cast<unsigned long long>(acks_),
              made_.size());
  EXPECT_GT(acks_, 1000u);
}

}  // namespace
}  // namespace bits::testing

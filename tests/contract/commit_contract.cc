// Commit and Close: all or nothing, in order, durable before it is acknowledged.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/cord.h"
#include "server/base/mutex.h"
#include "server/base/status_macros.h"
#include "tests/contract/job_store_contract.h"
#include "tests/support/status_matchers.h"

namespace bits::testing {
namespace {

using absl::StatusCode;
using app::Transaction;
using ::testing::IsEmpty;

// Holds the store's thread inside a body, so that what is given to Commit meanwhile waits.
// Goes on when it is destroyed, or told to.
class Plug {
 public:
  explicit Plug(app::JobStore& store) {
    store.Commit(
        [this](Transaction&) {
          if (!std::exchange(inside_, true)) entered_.set_value();  // bodies may run again
          opened_future_.wait();
          return absl::OkStatus();
        },
        [this](absl::Status) { left_.set_value(); });
    entered_.get_future().wait();
  }
  ~Plug() {
    Open();
    left_.get_future().wait();
  }
  void Open() {
    if (!std::exchange(open_, true)) opened_.set_value();
  }

 private:
  bool inside_ = false;  // the store's thread's
  std::promise<void> entered_;
  std::promise<void> opened_;
  std::shared_future<void> opened_future_ = opened_.get_future().share();
  std::promise<void> left_;
  bool open_ = false;
};

TEST_P(JobStoreContract, NothingRemainsOfARefusedBody) {
  const domain::Job kept = InsertQueued();
  app::RequestRecord old_request = samples().Request();
  BITS_EXPECT_OK(Commit([&](Transaction& t) -> absl::Status {
    BITS_RETURN_IF_ERROR(t.PutFile(kept.id, samples().File(1)));
    BITS_RETURN_IF_ERROR(t.AddError(kept.id, samples().Error()));
    BITS_RETURN_IF_ERROR(t.ReserveDestination("/kept", kept.id));
    return t.PutRequest(old_request);
  }));
  AppendEvents(2);
  const domain::Job doomed = InsertQueued();
  domain::Job fresh = samples().Job();
  const std::string before = Dump(store(), {fresh.id});

  absl::Status refusal = absl::AlreadyExistsError("no");
  refusal.SetPayload("type", absl::Cord("payload"));
  const absl::Status outcome = Commit([&](Transaction& t) -> absl::Status {
    BITS_RETURN_IF_ERROR(t.InsertJob(fresh, absl::UnixEpoch()));
    BITS_RETURN_IF_ERROR(t.PutFile(fresh.id, samples().File(1)));
    domain::Job changed = kept;
    changed.state = domain::JobState::kConnecting;
    changed.owner = "other";
    BITS_RETURN_IF_ERROR(t.UpdateJob(changed, absl::UnixEpoch()));
    BITS_RETURN_IF_ERROR(t.PutFile(kept.id, samples().File(1)));
    BITS_RETURN_IF_ERROR(t.PutFile(kept.id, samples().File(2)));
    BITS_RETURN_IF_ERROR(t.AddError(kept.id, samples().Error()));
    BITS_RETURN_IF_ERROR(t.ReserveDestination("/fresh", fresh.id));
    BITS_RETURN_IF_ERROR(t.ReleaseDestinations(kept.id));
    app::RequestRecord request = old_request;
    request.fingerprint = "other";
    BITS_RETURN_IF_ERROR(t.PutRequest(request));
    request.request_id = "new";
    BITS_RETURN_IF_ERROR(t.PutRequest(request));
    app::EventRecord event = samples().Event();
    BITS_RETURN_IF_ERROR(t.AppendEvent(event));
    BITS_RETURN_IF_ERROR(t.DeleteJob(doomed.id));
    BITS_RETURN_IF_ERROR(t.DeleteJob(kept.id));
    return refusal;
  });
  EXPECT_EQ(outcome, refusal) << "with all that it carries";

  EXPECT_EQ(Dump(store(), {fresh.id}), before);
  BITS_EXPECT_OK(Commit([&](Transaction& t) -> absl::Status {
    EXPECT_THAT(t.ReserveDestination("/kept", doomed.id), HasCode(StatusCode::kAlreadyExists));
    EXPECT_THAT(t.ReserveDestination("/fresh", doomed.id), IsOk());
    const auto since = absl::InfinitePast();
    BITS_ASSIGN_OR_RETURN(const auto found,
                          t.FindRequest(old_request.principal, old_request.request_id, since));
    EXPECT_TRUE(found.has_value() && found->fingerprint == old_request.fingerprint);
    BITS_ASSIGN_OR_RETURN(const auto none, t.FindRequest(old_request.principal, "new", since));
    EXPECT_FALSE(none.has_value());
    return absl::OkStatus();
  }));
}

TEST_P(JobStoreContract, BodyMayGoOnAfterARefusedWrite) {
  const domain::Job job = InsertQueued();
  BITS_EXPECT_OK(Commit([&](Transaction& t) -> absl::Status {
    domain::Job again = job;
    EXPECT_THAT(t.InsertJob(again, absl::UnixEpoch()), HasCode(StatusCode::kAlreadyExists));
    domain::Job stale = job;
    stale.version = 0;
    EXPECT_THAT(t.UpdateJob(stale, absl::UnixEpoch()), HasCode(StatusCode::kAborted));
    EXPECT_THAT(t.GetFile(job.id, 9), HasCode(StatusCode::kNotFound));
    domain::Job changed = job;
    changed.display_name = "after all";
    return t.UpdateJob(changed, absl::UnixEpoch());
  }));
  EXPECT_EQ(store().GetJob(job.id)->display_name, "after all");
}

TEST_P(JobStoreContract, BodiesThatShareACommitDoNotShareTheirFate) {
  constexpr int kBodies = 600;  // more than go into one group
  std::vector<domain::Job> jobs;
  for (int i = 0; i < kBodies; ++i) jobs.push_back(samples().Job());
  std::vector<int> order;  // of the dones, on the store's thread
  std::vector<absl::Status> outcomes(kBodies);
  int runs = 0;
  std::vector<int> ran(kBodies);  // when each was run last
  {
    Plug plug(store());
    for (int i = 0; i < kBodies; ++i) {
      store().Commit(
          [&, i](Transaction& t) -> absl::Status {
            ran[i] = ++runs;
            domain::Job job = jobs[i];
            BITS_RETURN_IF_ERROR(t.InsertJob(job, absl::InfiniteFuture()));
            // Each sees what came before it.
            const int last = i - 1;
            if (i > 0) {
              EXPECT_EQ(t.GetJob(jobs[last].id).ok(), last % 3 != 1) << last;
            }
            return i % 3 == 1 ? absl::FailedPreconditionError(std::to_string(i)) : absl::OkStatus();
          },
          [&, i](absl::Status status) {
            order.push_back(i);
            outcomes[i] = std::move(status);
          });
    }
  }
  BITS_EXPECT_OK(Commit([](Transaction&) { return absl::OkStatus(); }));  // after them all
  for (int i = 0; i < kBodies; ++i) {
    EXPECT_GT(ran[i], i == 0 ? 0 : ran[i - 1]) << i;
    EXPECT_EQ(order[i], i);
    if (i % 3 == 1) {
      EXPECT_EQ(outcomes[i], absl::FailedPreconditionError(std::to_string(i)));
      EXPECT_THAT(store().GetJob(jobs[i].id), HasCode(StatusCode::kNotFound));
    } else {
      BITS_EXPECT_OK(outcomes[i]);
      EXPECT_EQ(store().GetJob(jobs[i].id)->display_name, jobs[i].display_name);
    }
  }
}

TEST_P(JobStoreContract, ReadsSeeWhatWasAcknowledged) {
  domain::Job job = InsertQueued();
  for (int i = 0; i < 60; ++i) {
    job.attempt_count = static_cast<uint32_t>(i);
    Update(job);
    EXPECT_EQ(store().GetJob(job.id)->attempt_count, static_cast<uint32_t>(i));
  }
}

TEST_P(JobStoreContract, DoneMayCommit) {
  std::promise<absl::Status> outcome;
  std::vector<int> order;
  const auto nothing = [](Transaction&) { return absl::OkStatus(); };
  store().Commit(nothing, [&](absl::Status) {
    order.push_back(1);
    store().Commit(nothing, [&](absl::Status status) {
      order.push_back(2);
      outcome.set_value(std::move(status));
    });
  });
  BITS_EXPECT_OK(outcome.get_future().get());
  EXPECT_THAT(order, ::testing::ElementsAre(1, 2));
}

TEST_P(JobStoreContract, ManyThreadsCountToTheSum) {
  constexpr int kThreads = 8;
  constexpr int kRounds = 20;
  const domain::JobId id = InsertQueued().id;
  std::atomic<int> aborted = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < kRounds;) {
        // Compare-and-set from a read outside of the transaction.
        absl::StatusOr<domain::Job> job = store().GetJob(id);
        ASSERT_THAT(job, IsOk());
        ++job->attempt_count;
        const absl::Status status = Commit([copy = *job](Transaction& t) {
          domain::Job written = copy;
          return t.UpdateJob(written, absl::InfiniteFuture());
        });
        if (status.ok()) {
          ++round;
        } else {
          EXPECT_THAT(status, HasCode(StatusCode::kAborted));
          ++aborted;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const absl::StatusOr<domain::Job> job = store().GetJob(id);
  ASSERT_THAT(job, IsOk());
  EXPECT_EQ(job->attempt_count, uint32_t{kThreads * kRounds});
  EXPECT_EQ(job->version, uint64_t{kThreads * kRounds + 1});
}

TEST_P(JobStoreContract, TooManyWaitingAreRefusedAtOnce) {
  StoreLimits limits;
  limits.queue_capacity = 5;
  Open(limits);
  std::latch stored(limits.queue_capacity);
  int refused = 0;
  {
    Plug plug(store());
    const std::thread::id caller = std::this_thread::get_id();
    for (int i = 0; i < 20; ++i) {
      bool answered = false;
      store().Commit([](Transaction&) { return absl::OkStatus(); },
                     [&](absl::Status status) {
                       if (status.ok()) {
                         stored.count_down();
                         return;
                       }
                       EXPECT_THAT(status, HasCode(StatusCode::kResourceExhausted));
                       EXPECT_EQ(std::this_thread::get_id(), caller);
                       answered = true;
                       ++refused;
                     });
      EXPECT_EQ(answered, i >= 5);
    }
  }
  stored.wait();
  EXPECT_EQ(refused, 15);
}

TEST_P(JobStoreContract, CloseCommitsWhatWaitsAndRefusesWhatComes) {
  std::vector<domain::Job> jobs;
  for (int i = 0; i < 20; ++i) jobs.push_back(samples().Job());
  std::atomic<int> stored = 0;
  {
    auto plug = std::make_unique<Plug>(store());
    for (domain::Job& job : jobs) {
      store().Commit([&job](Transaction& t) { return t.InsertJob(job, absl::UnixEpoch()); },
                     [&stored](absl::Status status) { stored += status.ok() ? 1 : 0; });
    }
    std::thread closer([this] { store().Close(); });
    plug->Open();
    closer.join();
  }
  EXPECT_EQ(stored, 20);
  store().Close();  // again: nothing happens

  bool answered = false;
  store().Commit(
      [](Transaction&) {
        ADD_FAILURE() << "a body ran in a closed store";
        return absl::OkStatus();
      },
      [&](absl::Status status) {
        EXPECT_THAT(status, HasCode(StatusCode::kUnavailable));
        answered = true;
      });
  EXPECT_TRUE(answered);
  EXPECT_THAT(store().GetJob(jobs[0].id), HasCode(StatusCode::kUnavailable));
  EXPECT_THAT(store().ListJobs({}), HasCode(StatusCode::kUnavailable));
  EXPECT_THAT(store().GetFile(jobs[0].id, 1), HasCode(StatusCode::kUnavailable));
  EXPECT_THAT(store().ListFiles(jobs[0].id, 0, 1), HasCode(StatusCode::kUnavailable));
  EXPECT_THAT(store().ListErrors(jobs[0].id), HasCode(StatusCode::kUnavailable));
  EXPECT_THAT(store().ListQueued({}, [](const domain::WaitingJob&) { return false; }),
              HasCode(StatusCode::kUnavailable));
  EXPECT_THAT(store().ListDue(absl::UnixEpoch(), 1), HasCode(StatusCode::kUnavailable));
  EXPECT_THAT(store().NextTimer(), HasCode(StatusCode::kUnavailable));
  EXPECT_THAT(store().ListUnsettled("", 1), HasCode(StatusCode::kUnavailable));
  EXPECT_THAT(store().ListEvents(0, 1), HasCode(StatusCode::kUnavailable));
  EXPECT_THAT(store().LastRevision(), HasCode(StatusCode::kUnavailable));
  EXPECT_THAT(store().OldestCursor(), HasCode(StatusCode::kUnavailable));
}

TEST_P(JobStoreContract, HealthIsOkAndTheListenerHearsNothing) {
  int heard = 0;
  store().SetHealthListener([&heard](absl::Status) { ++heard; });
  InsertQueued();
  EXPECT_THAT(Commit([](Transaction&) { return absl::CancelledError(); }),
              HasCode(StatusCode::kCancelled));
  BITS_EXPECT_OK(store().Health());
  store().Close();
  EXPECT_EQ(heard, 0);
}

TEST_P(DurableJobStoreContract, AllIsThereAfterARestart) {
  std::vector<domain::JobId> ids;
  for (int i = 0; i < 60; ++i) {
    domain::Job job = samples().Job();
    ids.push_back(job.id);
    BITS_EXPECT_OK(Commit([&](Transaction& t) -> absl::Status {
      app::EventRecord event = samples().Event();
      event.job = job;
      BITS_RETURN_IF_ERROR(t.AppendEvent(event));
      job.revision = event.revision;
      BITS_RETURN_IF_ERROR(t.InsertJob(job, samples().Time()));
      for (uint32_t file = 1; file <= 3; ++file) {
        BITS_RETURN_IF_ERROR(t.PutFile(job.id, samples().File(file)));
      }
      BITS_RETURN_IF_ERROR(t.AddError(job.id, samples().Error()));
      return t.ReserveDestination("/d/" + job.id, job.id);
    }));
    if (i % 2 == 0) Update(job, samples().Time());
    if (i % 7 == 0) {
      BITS_EXPECT_OK(Commit([&](Transaction& t) { return t.DeleteJob(job.id); }));
    }
  }
  const app::RequestRecord request = samples().Request();
  BITS_EXPECT_OK(Commit([&](Transaction& t) { return t.PutRequest(request); }));
  const std::string before = Dump(store(), ids);
  Open({});
  EXPECT_EQ(Dump(store(), ids), before);
  BITS_EXPECT_OK(Commit([&](Transaction& t) -> absl::Status {
                   EXPECT_THAT(t.ReserveDestination("/d/" + ids[1], ids[2]),
                               HasCode(StatusCode::kAlreadyExists));
                   EXPECT_THAT(t.ReserveDestination("/d/" + ids[0], ids[2]), IsOk())
                       << "its job was deleted";
                   BITS_ASSIGN_OR_RETURN(
                       const auto found,
                       t.FindRequest(request.principal, request.request_id, absl::InfinitePast()));
                   EXPECT_TRUE(found.has_value() && found->job == request.job);
                   return absl::CancelledError();
                 }).code() == StatusCode::kCancelled
                     ? absl::OkStatus()
                     : absl::InternalError("the body failed otherwise"));
  domain::Job job = *store().GetJob(ids[1]);
  Update(job);
}

}  // namespace
}  // namespace bits::testing

// bits.md 1.1, 1.2, 1.4: the states, what each method does in each of them, and what happens
// by itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/conformance/harness/world.h"
#include "tests/support/listener.h"
#include "tests/support/status_matchers.h"

namespace bits::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::MatchesRegex;
using v1::Job;

std::string NameOf(Job::State state) { return NamesOf({state}); }

// What a method does in a state: moves the job, leaves all as it is, changes the job but not its
// state, or is refused.
struct Outcome {
  enum class Kind { kMoves, kNothing, kChanges, kRefused } kind;
  Job::State to = Job::STATE_UNSPECIFIED;
};
const Outcome kNothing{Outcome::Kind::kNothing};
const Outcome kChanges{Outcome::Kind::kChanges};
const Outcome kRefused{Outcome::Kind::kRefused};
Outcome To(Job::State state) { return {Outcome::Kind::kMoves, state}; }

struct Cell {
  Job::State state;
  std::string method;
  Outcome outcome;
};

// The matrix of section 1.2, less its column on uploads. Suspend in ERROR and TRANSFERRED, and
// Resume in TRANSFERRED, are as design.md decided.
std::vector<Cell> Matrix() {
  const std::vector<std::string> methods = {"Resume",   "Suspend",   "Cancel",    "Complete",
                                            "AddFiles", "UpdateJob", "UpdateFile",
                                            "TakeOwnership"};
  const Outcome queued = To(Job::STATE_QUEUED);
  const Outcome suspended = To(Job::STATE_SUSPENDED);
  const Outcome cancelled = To(Job::STATE_CANCELLED);
  const Outcome done = To(Job::STATE_ACKNOWLEDGED);
  const std::vector<std::pair<Job::State, std::vector<Outcome>>> rows = {
      {Job::STATE_SUSPENDED, {queued, kNothing, cancelled, done, kChanges, kChanges, kChanges, kChanges}},
      {Job::STATE_QUEUED, {kNothing, suspended, cancelled, done, kChanges, kChanges, kChanges, kChanges}},
      {Job::STATE_CONNECTING,
       {kNothing, suspended, cancelled, done, kChanges, kChanges, kChanges, kChanges}},
      {Job::STATE_TRANSFERRING,
       {kNothing, suspended, cancelled, done, kChanges, kChanges, kChanges, kChanges}},
      {Job::STATE_TRANSIENT_ERROR,
       {queued, suspended, cancelled, done, kChanges, kChanges, kChanges, kChanges}},
      {Job::STATE_ERROR, {queued, kNothing, cancelled, done, kChanges, kChanges, kChanges, kChanges}},
      {Job::STATE_TRANSFERRED,
       {kNothing, kNothing, cancelled, done, kChanges, kChanges, kChanges, kChanges}},
      {Job::STATE_ACKNOWLEDGED,
       {kRefused, kRefused, kRefused, kRefused, kRefused, kRefused, kRefused, kRefused}},
      {Job::STATE_CANCELLED,
       {kRefused, kRefused, kRefused, kRefused, kRefused, kRefused, kRefused, kRefused}},
  };
  std::vector<Cell> cells;
  for (const auto& [state, outcomes] : rows) {
    for (size_t i = 0; i < methods.size(); ++i) cells.push_back({state, methods[i], outcomes[i]});
  }
  return cells;
}

grpc::Status CallMethod(World& world, const std::string& method, const std::string& job) {
  TestBitsd& bitsd = world.bitsd;
  if (method == "Resume") return bitsd.Resume(job).status;
  if (method == "Suspend") return bitsd.Suspend(job).status;
  if (method == "Cancel") return bitsd.Cancel(job).status;
  if (method == "Complete") return bitsd.Complete(job).status;
  if (method == "TakeOwnership") return bitsd.TakeOwnership(job).status;
  if (method == "AddFiles") return bitsd.AddFile(job, {world.ServeSilence()}).status;
  if (method == "UpdateFile") {
    // What keeps the job in its state now must go on keeping it there.
    const std::string url = bitsd.GetFile(job)->remote_name();
    return bitsd.SetRemoteName(job, 1, url + "?again").status;
  }
  v1::UpdateJobRequest request;
  request.mutable_job()->set_name(job);
  request.mutable_job()->set_description("changed");
  return bitsd.Update(request).status;
}

class StateMatrix : public ::testing::TestWithParam<Cell> {};

TEST_P(StateMatrix, MethodInState) {
  World& world = SharedWorld();
  const auto& [state, method, outcome] = GetParam();
  BITS_ASSERT_OK_AND_ASSIGN(const std::string job, world.JobIn(state));
  const Reply<Job> before = world.bitsd.Get(job);
  BITS_ASSERT_ACCEPTED(before);
  ASSERT_EQ(NameOf(before->state()), NameOf(state));

  const grpc::Status status = CallMethod(world, method, job);
  if (outcome.kind == Outcome::Kind::kRefused) {
    EXPECT_THAT(status, Refused(grpc::StatusCode::FAILED_PRECONDITION, "BG_E_INVALID_STATE"));
  } else {
    EXPECT_THAT(status, Accepted());
  }
  if (outcome.kind == Outcome::Kind::kMoves) {
    BITS_EXPECT_OK(world.bitsd.Await(job, outcome.to));
    // A job that was queued may have gone on already; that it was is what counts.
    return;
  }
  const Reply<Job> after = world.bitsd.Get(job);
  BITS_ASSERT_ACCEPTED(after);
  EXPECT_EQ(NameOf(after->state()), NameOf(state));
  EXPECT_EQ(after->etag() != before->etag(), outcome.kind == Outcome::Kind::kChanges);
}

INSTANTIATE_TEST_SUITE_P(Every, StateMatrix, ::testing::ValuesIn(Matrix()),
                         [](const ::testing::TestParamInfo<Cell>& test) {
                           return test.param.method + "_in_" + NameOf(test.param.state);
                         });

TEST(State, NewJobIsSuspendedAndDoesNothing) {
  World& world = SharedWorld();
  const std::string path = world.Put("content");
  const std::string job =
      world.bitsd.Create({.files = {{world.Url(path)}}, .start = false});
  const Reply<Job> reply = world.bitsd.Get(job);
  EXPECT_EQ(reply->state(), Job::STATE_SUSPENDED);
  EXPECT_EQ(reply->wait().reason(), v1::Wait::REASON_SUSPENDED);
  // A job that was started after it is done, and the origin has heard nothing of this one.
  BITS_ASSERT_OK(world.JobIn(Job::STATE_TRANSFERRED));
  EXPECT_EQ(world.origin->RequestCount(path), 0u);
}

TEST(State, DownloadGoesFromQueuedOverConnectingAndTransferringToTransferred) {
  World& world = SharedWorld();
  const std::string job = world.bitsd.Create(
      {.files = {{world.Serve(MakeContent(100'000, 1))}}, .start = false});
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  BITS_ASSERT_OK_AND_ASSIGN(const Job transferred,
                            world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  EXPECT_THAT(world.bitsd.watch().StatesOf(job),
              ElementsAre(Job::STATE_SUSPENDED, Job::STATE_QUEUED, Job::STATE_CONNECTING,
                          Job::STATE_TRANSFERRING, Job::STATE_TRANSFERRED));
  EXPECT_EQ(transferred.wait().reason(), v1::Wait::REASON_COMPLETE);
  EXPECT_EQ(transferred.progress().bytes_transferred(), 100'000u);
  EXPECT_EQ(transferred.progress().bytes_total(), 100'000u);
  EXPECT_EQ(transferred.progress().files_transferred(), 1u);
  EXPECT_TRUE(transferred.has_transfer_completion_time());
}

TEST(State, AnErrorOfOneFileStopsTheWholeJob) {
  World& world = SharedWorld();
  const std::string later = world.Put("later");
  const std::string job = world.bitsd.Create(
      {.files = {{world.Serve("first")}, {world.ServeStatus(404)}, {world.Url(later)}},
       .parallel_files = 1});
  BITS_ASSERT_OK_AND_ASSIGN(const Job failed, world.bitsd.Await(job, Job::STATE_ERROR));
  EXPECT_EQ(failed.progress().files_transferred(), 1u);
  EXPECT_EQ(world.origin->RequestCount(later), 0u);
}

TEST(State, ConnectFailureGoesFromConnectingToTransientError) {
  World& world = SharedWorld();
  BITS_ASSERT_OK_AND_ASSIGN(const Listener dead, ReserveDeadPort());
  const std::string job =
      world.bitsd.Fetch("http://127.0.0.1:" + std::to_string(dead.port) + "/x");
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSIENT_ERROR));
  const std::vector<Job::State> states = world.bitsd.watch().StatesOf(job);
  EXPECT_EQ(states[states.size() - 2], Job::STATE_CONNECTING) << NamesOf(states);
}

TEST(State, BrokenConnectionGoesFromTransferringToTransientError) {
  World& world = SharedWorld();
  const std::string job =
      world.bitsd.Fetch(world.Serve(MakeContent(100'000, 1), {.cut_after = 50'000}));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSIENT_ERROR));
  const std::vector<Job::State> states = world.bitsd.watch().StatesOf(job);
  EXPECT_EQ(states[states.size() - 2], Job::STATE_TRANSFERRING) << NamesOf(states);
}

TEST(State, SuspendKeepsWhatIsThereAndResumeGoesOnFromIt) {
  World& world = SharedWorld();
  const std::string content = MakeContent(3'000'000, 2);
  const std::string path = world.Put(content);
  world.origin->Script(path, {{.stall_after = 2'000'000}});
  const std::string job = world.bitsd.Fetch(world.Url(path));
  ASSERT_TRUE(world.origin->WaitForBytes(path, 2'000'000, kPatience));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRING));
  BITS_ASSERT_ACCEPTED(world.bitsd.Suspend(job));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_SUSPENDED));
  EXPECT_EQ(world.bitsd.Get(job)->wait().reason(), v1::Wait::REASON_SUSPENDED);
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  EXPECT_THAT(world.origin->Requests(path).back().Header("range"), MatchesRegex("bytes=[1-9].*-.*"));
  BITS_ASSERT_ACCEPTED(world.bitsd.Complete(job));
  EXPECT_EQ(ReadFile(world.bitsd.PathOf(job)), content);
}

TEST(Resume, EmptyJobIsRefusedAndStaysSuspended) {
  World& world = SharedWorld();
  const std::string job = world.bitsd.Create({.start = false});
  EXPECT_THAT(world.bitsd.Resume(job),
              Refused(grpc::StatusCode::FAILED_PRECONDITION, "BG_E_EMPTY"));
  EXPECT_EQ(world.bitsd.Get(job)->state(), Job::STATE_SUSPENDED);
}

TEST(Resume, EndsTheWaitForARetryAtOnce) {
  World& world = SharedWorld();
  const std::string path = world.Put("content");
  world.origin->Script(path, {{.status = 503}});
  const std::string job = world.bitsd.Create(
      {.files = {{world.Url(path)}}, .retry_delay = absl::Hours(1)});
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSIENT_ERROR));
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
}

TEST(Resume, TransferredJobWithNewFilesIsQueuedAndFetchesThemOnly) {
  World& world = SharedWorld();
  const std::string first = world.Put("first");
  const std::string second = world.Put("second");
  const std::string job = world.bitsd.Fetch(world.Url(first));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  BITS_ASSERT_ACCEPTED(world.bitsd.AddFile(job, {world.Url(second)}));
  EXPECT_EQ(world.bitsd.Get(job)->state(), Job::STATE_TRANSFERRED);
  EXPECT_EQ(world.origin->RequestCount(second), 0u);
  const Reply<Job> resumed = world.bitsd.Resume(job);
  BITS_ASSERT_ACCEPTED(resumed);
  EXPECT_EQ(resumed->state(), Job::STATE_QUEUED);
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  EXPECT_EQ(world.origin->RequestCount(first), 1u);
  BITS_ASSERT_ACCEPTED(world.bitsd.Complete(job));
  const std::vector<std::string> paths = world.bitsd.PathsOf(job);
  EXPECT_EQ(ReadFile(paths[0]), "first");
  EXPECT_EQ(ReadFile(paths[1]), "second");
}

TEST(Resume, TransferredJobWithNothingNewIsLeftAsItIs) {
  World& world = SharedWorld();
  BITS_ASSERT_OK_AND_ASSIGN(const std::string job, world.JobIn(Job::STATE_TRANSFERRED));
  const Reply<Job> resumed = world.bitsd.Resume(job);
  BITS_ASSERT_ACCEPTED(resumed);
  EXPECT_EQ(resumed->state(), Job::STATE_TRANSFERRED);
}

TEST(AddFiles, WhileTransferringTheNewFileIsFetchedToo) {
  World& world = SharedWorld();
  const std::string path = world.Put(MakeContent(2'000, 3), {.stall_after = 1'000});
  const std::string job = world.bitsd.Fetch(world.Url(path));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRING));
  BITS_ASSERT_ACCEPTED(world.bitsd.AddFile(job, {world.Serve("added")}));
  BITS_ASSERT_OK(world.bitsd.watch().AwaitEvent([&](const v1::JobEvent& event) {
    return event.type() == v1::JobEvent::TYPE_FILE_TRANSFERRED && event.file() == job + "/files/2";
  }));
}

TEST(UnknownJob, EveryMethodIsRefusedWithNotFound) {
  World& world = SharedWorld();
  TestBitsd& bitsd = world.bitsd;
  const std::string job = "jobs/01234567-89ab-4cde-8f01-23456789abcd";
  const auto not_found = Refused(grpc::StatusCode::NOT_FOUND, "BG_E_NOT_FOUND");
  for (const std::string method : {"Resume", "Suspend", "Cancel", "Complete", "AddFiles",
                                   "UpdateJob", "TakeOwnership"}) {
    EXPECT_THAT(CallMethod(world, method, job), not_found) << method;
  }
  EXPECT_THAT(bitsd.SetRemoteName(job, 1, world.ServeSilence()), not_found);
  EXPECT_THAT(bitsd.Get(job), not_found);
  EXPECT_THAT(bitsd.GetFile(job), not_found);
  v1::ListFilesRequest files;
  files.set_parent(job);
  EXPECT_THAT(bitsd.ListFiles(files), not_found);
  EXPECT_THAT(bitsd.GetError(job), not_found);
  EXPECT_THAT(bitsd.ListErrors(job), not_found);
}

TEST(UnknownFile, IsRefusedWithFileNotFound) {
  World& world = SharedWorld();
  BITS_ASSERT_OK_AND_ASSIGN(const std::string job, world.JobIn(Job::STATE_SUSPENDED));
  const auto not_found = Refused(grpc::StatusCode::NOT_FOUND, "BG_E_FILE_NOT_FOUND");
  EXPECT_THAT(world.bitsd.GetFile(job, 2), not_found);
  EXPECT_THAT(world.bitsd.SetRemoteName(job, 2, world.ServeSilence()), not_found);
}

TEST(Restart, ActionStatesReloadAsQueuedAndTheOthersAsTheyWere) {
  World world;
  std::vector<std::pair<std::string, Job::State>> active;
  std::vector<std::pair<std::string, Job::State>> kept;
  for (Job::State state : {Job::STATE_CONNECTING, Job::STATE_TRANSFERRING}) {
    BITS_ASSERT_OK_AND_ASSIGN(const std::string job, world.JobIn(state));
    active.emplace_back(job, state);
  }
  for (Job::State state : {Job::STATE_SUSPENDED, Job::STATE_ERROR, Job::STATE_TRANSIENT_ERROR,
                           Job::STATE_TRANSFERRED, Job::STATE_ACKNOWLEDGED,
                           Job::STATE_CANCELLED}) {
    BITS_ASSERT_OK_AND_ASSIGN(const std::string job, world.JobIn(state));
    kept.emplace_back(job, state);
  }
  v1::WatchJobsRequest since;
  since.set_cursor(world.bitsd.watch().LastCursor());
  world.bitsd.Kill();
  world.bitsd.Restart();
  Watch watch(&world.bitsd.jobs(), since);
  for (const auto& [job, state] : active) {
    BITS_EXPECT_OK(watch.Await(job, Job::STATE_QUEUED)) << NameOf(state);
    BITS_EXPECT_OK(watch.Await(job, state));
  }
  for (const auto& [job, state] : kept) {
    EXPECT_EQ(NameOf(world.bitsd.Get(job)->state()), NameOf(state));
  }
}

}  // namespace
}  // namespace bits::testing

// Long random courses of events: Decide() beside the reference model, and what must hold
// after every step. BITS_TEST_SEED repeats a course.
#include <gtest/gtest.h>

#include <cstdlib>
#include <deque>
#include <iostream>
#include <random>
#include <set>
#include <string>

#include "server/domain/decide.h"
#include "server/domain/error_code.h"
#include "server/domain/timers.h"
#include "tests/unit/domain/reference_model.h"
#include "tests/unit/domain/world.h"

namespace bits::domain {
namespace {

using S = JobState;
using E = EventKind;

constexpr int kSteps = 20'000;
constexpr int kStepsAfterTheEnd = 25;

class Course {
 public:
  explicit Course(uint32_t seed) : random_(seed) { Begin(); }

  // False once something is wrong.
  bool Step() {
    if (IsFinal(world_.job.state) && ++steps_after_the_end_ > kStepsAfterTheEnd) Begin();
    MoveClock();
    const Event event = Next();
    const E kind = KindOf(event);
    const uint32_t ordinal = NeedsFile(kind) ? AnyOrdinal() : 0;
    Note(kind, ordinal);
    const Job before = world_.job;
    const File* file = ordinal == 0 ? nullptr : &world_.file(ordinal);
    const absl::StatusOr<Decision> again = Decide(before, file, event, world_.now);
    const absl::StatusOr<Decision> decision = world_.Do(event, ordinal);
    const std::string answer = model_->Step(event, ordinal, world_.now);

    EXPECT_EQ(decision.ok(), again.ok());
    if (decision.ok() && again.ok()) {
      EXPECT_TRUE(Same(*decision, *again)) << "deterministic";
    }
    EXPECT_EQ(AnswerOf(decision), answer);
    EXPECT_EQ(model_->Difference(world_.job, world_.files), "");
    ExpectConsistent(world_);
    Check(before, event, decision);
    return !testing::Test::HasFailure();
  }

  std::string Trace() const {
    std::string text;
    for (const std::string& line : trace_) text += line + "\n";
    return text;
  }
  const std::set<std::pair<S, E>>& pairs() const { return pairs_; }

 private:
  void Begin() {
    const int files = Below(4);
    const absl::Time now = world_.now;
    world_ = World(files);
    model_.emplace(files, StartTime());
    world_.now = std::max(now, StartTime());
    steps_after_the_end_ = 0;
    trace_.clear();
  }

  static bool NeedsFile(E kind) {
    return kind == E::kSetRemoteName || kind == E::kSetValidationState || kind == E::kCheckpoint || kind == E::kFileRestarted ||
           kind == E::kFileTransferred || kind == E::kFilePublished || kind == E::kFileLost ||
           kind == E::kFail || kind == E::kPublishFailed;
  }
  static std::string AnswerOf(const absl::StatusOr<Decision>& decision) {
    if (!decision.ok()) return ReasonOf(decision);
    return decision->changed ? "" : "nothing";
  }

  void Check(const Job& before, const Event& event, const absl::StatusOr<Decision>& decision) {
    const Job& after = world_.job;
    pairs_.emplace(before.state, KindOf(event));
    if (IsFinal(before.state)) {
      EXPECT_EQ(after.state, before.state) << "final states absorb";
    }
    EXPECT_EQ(after.version, before.version);
    EXPECT_EQ(after.revision, before.revision);
    EXPECT_EQ(after.create_time, before.create_time);
    if (!decision.ok() || !decision->changed) {
      EXPECT_EQ(after, before);
    } else {
      EXPECT_EQ(after.update_time, world_.now);
      // Two deadlines of one moment give two errors that are the same.
      const bool made = KindOf(event) == E::kDeadline ||
                        (KindOf(event) == E::kPublishFailed && before.unasked) ||
                        (before.error != after.error && after.error.has_value() &&
                         KindOf(event) != E::kNoProgress);
      EXPECT_EQ(decision->error.has_value(), made)
          << "the history has what the job has";
    }
    if (decision.ok() && !decision->changed) {
      EXPECT_TRUE(decision->files.empty() && decision->changes.empty() &&
                  decision->effects == kNoEffects && !decision->error.has_value());
    }
    CheckTimer();
  }

  // A timer means something in the state in which it is set, or it would fire for ever.
  void CheckTimer() const {
    const std::optional<Timer> timer = NextTimer(world_.job, TimerPolicy());
    EXPECT_EQ(timer.has_value(), world_.job.pending == Pending::kNone);
    if (!timer.has_value()) return;
    const absl::StatusOr<Decision> fired =
        Decide(world_.job, nullptr, timer->event, std::max(world_.now, timer->time));
    ASSERT_TRUE(fired.ok()) << fired.status();
    EXPECT_TRUE(fired->changed) << EventName(KindOf(timer->event));
  }

  void MoveClock() {
    static constexpr int64_t kSeconds[] = {0, 0, 1, 1, 30, 601, 86'400, 1'728'000, -2};
    world_.now += absl::Seconds(kSeconds[Below(std::size(kSeconds))]);
  }

  Event Next() {
    if (Below(5) == 0) {
      if (const std::optional<Timer> timer = NextTimer(world_.job, TimerPolicy())) {
        if (KindOf(timer->event) != E::kInactivity || Below(10) == 0) {
          world_.now = std::max(world_.now, timer->time);
          return timer->event;
        }
      }
    }
    E kind = static_cast<E>(Below(kEventKindCount));
    const bool ends = kind == E::kCancel || kind == E::kInactivity || kind == E::kComplete;
    if (Below(2) == 0 || (ends && Below(4) != 0)) kind = Likely();
    return Make(kind);
  }

  // What brings a job on its way.
  E Likely() {
    if (world_.job.pending == Pending::kPublish) {
      return Pick({E::kFilePublished, E::kFilePublished, E::kFileLost, E::kPublished,
                   E::kPublishFailed});
    }
    switch (world_.job.state) {
      case S::kSuspended:
        return Pick({E::kResume, E::kResume, E::kAddFiles});
      case S::kQueued:
        return Pick({E::kStart, E::kStart, E::kStart, E::kNoProgress, E::kNotBefore});
      case S::kConnecting:
        return Pick({E::kBytesArrived, E::kBytesArrived, E::kFail, E::kFileTransferred});
      case S::kTransferring:
        return Pick({E::kCheckpoint, E::kCheckpoint, E::kFileTransferred, E::kFail, E::kRequeue,
                     E::kFileRestarted});
      case S::kError:
      case S::kTransientError:
        return Pick({E::kResume, E::kRetryDue, E::kCheckpoint, E::kNoProgress});
      case S::kTransferred:
        return Pick({E::kComplete, E::kAddFiles, E::kResume, E::kFileLost});
      default:
        return E::kCleanedUp;
    }
  }

  Event Make(E kind) {
    switch (kind) {
      case E::kResume:
        return Resume{};
      case E::kSuspend:
        return Suspend{};
      case E::kCancel:
        return Cancel{};
      case E::kComplete:
        return Complete{};
      case E::kAddFiles:
        return AddFiles{std::vector<File>(Below(world_.files.size() < 6 ? 3 : 1), NewFile("x"))};
      case E::kUpdate:
        return RandomUpdate();
      case E::kSetRemoteName:
        return SetRemoteName{"https://mirror.test/x?y=z"};
      case E::kSetValidationState:
        return SetValidationState{Below(3) != 0};
      case E::kTakeOwnership:
        return TakeOwnership{"root"};
      case E::kStart:
        return Start{Below(3) == 0};
      case E::kBytesArrived:
        return BytesArrived{};
      case E::kCheckpoint:
        return RandomCheckpoint();
      case E::kFileRestarted:
        return FileRestarted{};
      case E::kFileTransferred:
        return FileTransferred{RandomCheckpoint()};
      case E::kFail:
        return Fail{RandomFailure()};
      case E::kRequeue:
        return Requeue{.slice_over = Below(2) == 0};
      case E::kRetryDue:
        return RetryDue{};
      case E::kNoProgress:
        return NoProgress{};
      case E::kMaximumDownloadTime:
        return MaximumDownloadTime{};
      case E::kDeadline:
        return Deadline{};
      case E::kNotBefore:
        return NotBefore{};
      case E::kInactivity:
        return Inactivity{};
      case E::kForget:
        return Forget{};
      case E::kFilePublished:
        return FilePublished{};
      case E::kFileLost:
        return FileLost{};
      case E::kPublished:
        return Published{Below(4) == 0};
      case E::kPublishFailed:
        return PublishFailed{};
      case E::kCleanedUp:
        return CleanedUp{Below(4) == 0};
    }
    return Start{};
  }

  Event RandomUpdate() {
    static constexpr int64_t kDelays[] = {0, 5, 60, 600, 2'000'000};
    static constexpr int64_t kTimeouts[] = {0, 5, 3'600, 1'209'600, 1'209'600};
    Update update;
    if (Below(2) == 0) update.minimum_retry_delay = absl::Seconds(kDelays[Below(5)]);
    if (Below(2) == 0) update.no_progress_timeout = absl::Seconds(kTimeouts[Below(5)]);
    if (Below(2) == 0) update.maximum_download_time = absl::Seconds(kTimeouts[Below(5)]);
    if (Below(6) == 0) update.max_download_size = 1500 + Below(2000);
    if (Below(4) == 0) update.auto_complete = Below(4) == 0;
    if (Below(3) == 0) {
      static constexpr int64_t kAhead[] = {-5, 0, 1, 700, 1'000'000};
      TimingUpdate& timing = update.timing.emplace();
      if (Below(2) == 0) timing.not_before = world_.now + absl::Seconds(kAhead[Below(5)]);
      if (Below(2) == 0) timing.deadline = world_.now + absl::Seconds(kAhead[Below(5)]);
      if (Below(3) != 0) timing = {absl::InfinitePast(), absl::InfiniteFuture()};
    }
    return update;
  }
  Checkpoint RandomCheckpoint() {
    Checkpoint at;
    at.bytes_transferred = Below(1000);
    if (Below(3) != 0) at.bytes_total = Below(1000);
    at.validators.etag = std::to_string(Below(3));
    return at;
  }
  Failure RandomFailure() {
    static constexpr Hresult kCodes[] = {
        FromHttpStatus(404), FromHttpStatus(503), FromHttpStatus(429),
        kCannotConnect,      kCannotConnect,      kDiskFull,
        kValidationFailed,   0x80200010,          0x8020003E};
    Failure failure;
    failure.hresult = kCodes[Below(std::size(kCodes))];
    failure.context = ErrorContext::kRemoteFile;
    if (failure.hresult < 0x80200000u && failure.hresult > 0x80190000u) {
      failure.http_status = failure.hresult - 0x80190000u;
    }
    if (failure.hresult == kCannotConnect && Below(2) == 0) failure.contact = Contact::kFailed;
    if (Below(4) == 0) failure.retry_after = absl::Seconds(Below(200'000));
    return failure;
  }

  uint32_t AnyOrdinal() { return static_cast<uint32_t>(Below(world_.files.size() + 1)); }
  E Pick(std::initializer_list<E> kinds) { return kinds.begin()[Below(kinds.size())]; }
  // 0 to n - 1.
  uint32_t Below(size_t n) { return static_cast<uint32_t>(random_() % n); }

  void Note(E kind, uint32_t ordinal) {
    trace_.push_back(std::string(StateName(world_.job.state)) + " " + std::string(EventName(kind)) +
                     " file " + std::to_string(ordinal) + " at " +
                     std::to_string(absl::ToInt64Seconds(world_.now - StartTime())) + " s");
    if (trace_.size() > 40) trace_.pop_front();
  }

  std::mt19937 random_;
  World world_;
  std::optional<ReferenceModel> model_;
  int steps_after_the_end_ = 0;
  std::deque<std::string> trace_;
  std::set<std::pair<S, E>> pairs_;
};

TEST(RandomEvents, AgreeWithTheReferenceModel) {
  std::vector<uint32_t> seeds = {1, 2, std::random_device()()};
  if (const char* given = std::getenv("BITS_TEST_SEED")) {
    seeds = {static_cast<uint32_t>(std::strtoul(given, nullptr, 10))};
  }
  std::set<std::pair<S, E>> pairs;
  for (uint32_t seed : seeds) {
    std::cout << "BITS_TEST_SEED=" << seed << std::endl;
    Course course(seed);
    for (int step = 0; step < kSteps; ++step) {
      if (!course.Step()) {
        FAIL() << "BITS_TEST_SEED=" << seed << " step " << step << "; the last events:\n"
               << course.Trace();
      }
    }
    pairs.insert(course.pairs().begin(), course.pairs().end());
  }
  for (S state : kStates) {
    for (int e = 0; e < kEventKindCount; ++e) {
      EXPECT_TRUE(pairs.contains({state, static_cast<E>(e)}))
          << EventName(static_cast<E>(e)) << " never met " << StateName(state);
    }
  }
}

}  // namespace
}  // namespace bits::domain

// Decide() does what the table says, for every pair of state and event and every outcome of
// the guards; and what holds for all decisions alike.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "server/domain/decide.h"
#include "server/domain/error_code.h"
#include "tests/unit/domain/world.h"

namespace bits::domain {
namespace {

using S = JobState;
using E = EventKind;

void MarkTransferred(World& w, uint32_t ordinal) {
  File& file = w.file(ordinal);
  if (file.transferred) return;
  file.transferred = true;
  file.bytes_total = file.bytes_transferred = file.bytes_furthest = 10;
  --w.job.progress.files_unsized;
  w.job.progress.bytes_total += 10;
  w.job.progress.bytes_transferred += 10;
  ++w.job.progress.files_transferred;
}

// The state with every filling of its files that makes a difference to a guard.
std::vector<World> Variants(S state) {
  std::vector<World> worlds;
  World none = World::In(state);
  none.files.clear();
  none.job.progress = {};
  worlds.push_back(none);
  World added = World::In(state);  // nothing, or all but one file, transferred
  added.files.push_back(NewFile("added"));
  added.file(3).ordinal = 3;
  ++added.job.progress.files_total;
  ++added.job.progress.files_unsized;
  worlds.push_back(added);
  World one_missing = added;
  MarkTransferred(one_missing, 1);
  MarkTransferred(one_missing, 2);
  worlds.push_back(one_missing);
  World all = one_missing;
  MarkTransferred(all, 3);
  worlds.push_back(all);
  World host_failed = World::In(state);
  host_failed.job.host_failed = true;
  host_failed.job.stalled_since = host_failed.now;
  worlds.push_back(host_failed);
  World small = World::In(state);
  small.job.options.max_download_size = 1;
  worlds.push_back(small);
  World mirrored = World::In(state);
  mirrored.job.has_mirrors = true;
  for (File& file : mirrored.files) file.mirrors.names.push_back("http://mirror.test/file");
  worlds.push_back(mirrored);
  World late = World::In(state);
  late.job.timing.deadline = late.now;
  worlds.push_back(late);
  World late_with_more = added;
  late_with_more.job.timing.deadline = late.now;
  worlds.push_back(late_with_more);
  if (state == S::kQueued) {
    for (const World& w : {added, all}) {
      worlds.push_back(w);
      worlds.back().job.deferred = true;
      worlds.back().job.timing.not_before = w.now + absl::Hours(1);
    }
  }
  return worlds;
}

struct Sample {
  Event event;
  bool retryable = false;
  // Which file it needs.
  enum class Needs { kNothing, kAny, kUntransferred, kUnpublished } needs = Needs::kNothing;
};

std::vector<Sample> Samples(E kind) {
  using N = Sample::Needs;
  Update update;
  update.display_name = "other";
  Checkpoint half;
  half.bytes_transferred = 5;
  half.bytes_total = 10;
  Checkpoint whole = half;
  whole.bytes_transferred = 10;
  switch (kind) {
    case E::kResume:
      return {{Resume{}}};
    case E::kSuspend:
      return {{Suspend{}}};
    case E::kCancel:
      return {{Cancel{}}};
    case E::kComplete:
      return {{Complete{}}};
    case E::kAddFiles:
      return {{AddFiles{{NewFile("new")}}}};
    case E::kUpdate:
      return {{update}};
    case E::kSetRemoteName:
      return {{SetRemoteName{"http://mirror.test/x"}, false, N::kAny}};
    case E::kSetValidationState:
      return {{SetValidationState{true}, false, N::kUnpublished},
              {SetValidationState{false}, false, N::kUnpublished}};
    case E::kTakeOwnership:
      return {{TakeOwnership{"root"}}};
    case E::kStart:
      return {{Start{}}};
    case E::kBytesArrived:
      return {{BytesArrived{}}};
    case E::kCheckpoint:
      return {{half, false, N::kUntransferred}};
    case E::kFileRestarted:
      return {{FileRestarted{}, false, N::kUntransferred}};
    case E::kFileTransferred:
      return {{FileTransferred{whole}, false, N::kUntransferred}};
    case E::kFail:
      return {{Fail{FatalFailure()}, false},
              {Fail{TransientFailure()}, true},
              {Fail{FatalFailure()}, false, N::kAny}};
    case E::kRequeue:
      return {{Requeue{}}};
    case E::kRetryDue:
      return {{RetryDue{}}};
    case E::kNoProgress:
      return {{NoProgress{}}};
    case E::kMaximumDownloadTime:
      return {{MaximumDownloadTime{}}};
    case E::kDeadline:
      return {{Deadline{}}};
    case E::kNotBefore:
      return {{NotBefore{}}};
    case E::kInactivity:
      return {{Inactivity{}}};
    case E::kForget:
      return {{Forget{}}};
    case E::kFilePublished:
      return {{FilePublished{}, false, N::kUnpublished}};
    case E::kFileLost:
      return {{FileLost{}, false, N::kUnpublished}};
    case E::kPublished:
      return {{Published{}}};
    case E::kPublishFailed:
      return {{PublishFailed{}}};
    case E::kCleanedUp:
      return {{CleanedUp{}}};
  }
  return {};
}

// 0: none is needed. nullopt: there is none, and the pair is not tried with this world.
std::optional<uint32_t> Pick(const World& w, Sample::Needs needs) {
  if (needs == Sample::Needs::kNothing) return 0;
  for (auto it = w.files.rbegin(); it != w.files.rend(); ++it) {
    if (needs == Sample::Needs::kAny ||
        (needs == Sample::Needs::kUntransferred && !it->transferred) ||
        (needs == Sample::Needs::kUnpublished && it->transferred && !it->completed)) {
      return it->ordinal;
    }
  }
  return std::nullopt;
}

bool GuardHolds(Guard guard, const World& w, const Sample& sample) {
  size_t transferred = KindOf(sample.event) == E::kFileTransferred ? 1 : 0;
  for (const File& file : w.files) transferred += file.transferred ? 1 : 0;
  switch (guard) {
    case Guard::kAlways:
      return true;
    case Guard::kNoFiles:
      return w.files.empty();
    case Guard::kAllTransferred:
      return transferred == w.files.size();
    case Guard::kSaidInvalid:
      return !std::get<SetValidationState>(sample.event).valid;
    case Guard::kTooLarge:
      return w.job.options.max_download_size != 0;
    case Guard::kDeferred:
      return w.job.deferred;
    case Guard::kDeadlinePassed:
      return w.job.timing.deadline <= w.now;
    case Guard::kHostFailed:
      return w.job.host_failed;
    case Guard::kAnotherSource:
      return w.job.has_mirrors && sample.needs == Sample::Needs::kAny;
    case Guard::kRetryable:
      return sample.retryable;
  }
  return false;
}

const Rule& Applicable(const World& w, const Sample& sample) {
  const std::span<const Rule> rules = RulesFor(w.job.state, KindOf(sample.event));
  for (const Rule& rule : rules) {
    if (GuardHolds(rule.guard, w, sample)) return rule;
  }
  return rules.back();
}

void ExpectNothingChanged(const Decision& d, const Job& before) {
  EXPECT_FALSE(d.changed);
  EXPECT_EQ(d.job, before);
  EXPECT_TRUE(d.files.empty());
  EXPECT_EQ(d.effects, kNoEffects);
  EXPECT_TRUE(d.changes.empty());
  EXPECT_FALSE(d.error.has_value());
}

void ExpectAsTheRuleSays(const Rule& rule, const World& w, const absl::StatusOr<Decision>& d) {
  if (rule.verdict == Verdict::kRefuse) {
    ASSERT_FALSE(d.ok());
    EXPECT_EQ(d.status().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(ReasonOf(d), SymbolOf(rule.refusal));
    EXPECT_FALSE(d.status().message().empty());
    return;
  }
  ASSERT_TRUE(d.ok()) << d.status();
  if (rule.verdict == Verdict::kNoop || rule.verdict == Verdict::kIgnore) {
    return ExpectNothingChanged(*d, w.job);
  }
  EXPECT_TRUE(d->changed);
  EXPECT_EQ(d->job.state, rule.to);
  EXPECT_EQ(d->effects, rule.effects);
  EXPECT_EQ(d->job.update_time, w.now);
  EXPECT_EQ(d->job.version, w.job.version);
  EXPECT_EQ(d->job.revision, w.job.revision);
  EXPECT_EQ(d->job.id, w.job.id);
  EXPECT_EQ(d->job.owner, rule.event == E::kTakeOwnership ? "root" : w.job.owner);
  EXPECT_EQ(d->job.create_time, w.job.create_time);
  const bool told = std::find(d->changes.begin(), d->changes.end(), ChangeKind::kStateChanged) !=
                    d->changes.end();
  EXPECT_EQ(told, rule.to != rule.from);
  EXPECT_EQ(d->error.has_value(), rule.event == E::kFail || rule.event == E::kMaximumDownloadTime ||
                                      rule.event == E::kDeadline ||
                                      rule.guard == Guard::kSaidInvalid ||
                                      rule.guard == Guard::kTooLarge);
}

TEST(DecideTable, EveryPairWithEveryGuard) {
  std::set<const Rule*> tried;
  for (S state : kStates) {
    for (int e = 0; e < kEventKindCount; ++e) {
      const E kind = static_cast<E>(e);
      for (const Sample& sample : Samples(kind)) {
        int variant = 0;
        for (World w : Variants(state)) {
          SCOPED_TRACE(std::string(StateName(state)) + " " + std::string(EventName(kind)) +
                       " variant " + std::to_string(variant++) +
                       (sample.retryable ? " retryable" : ""));
          w.now += absl::Seconds(3);
          if (kind == E::kPublished || kind == E::kPublishFailed) {
            w.job.pending = IsFinal(state) ? Pending::kNone : Pending::kPublish;
          }
          if (kind == E::kCleanedUp && IsFinal(state)) w.job.pending = Pending::kCleanup;
          const std::optional<uint32_t> ordinal = Pick(w, sample.needs);
          if (!ordinal.has_value()) continue;
          Rule rule = Applicable(w, sample);
          tried.insert(&Applicable(w, sample));
          const File* file = *ordinal == 0 ? nullptr : &w.file(*ordinal);
          if (kind == E::kSetRemoteName && file->transferred) {
            rule.effects &= static_cast<uint8_t>(~kRestartFile);  // nothing of it is being fetched
          }
          ExpectAsTheRuleSays(rule, w, Decide(w.job, file, sample.event, w.now));
        }
      }
    }
  }
  for (const Rule& rule : TransitionTable()) {
    EXPECT_TRUE(tried.contains(&rule))
        << "no world for a rule of " << StateName(rule.from) << " " << EventName(rule.event);
  }
}

TEST(DecideTable, EventsOfAFileWithoutOneChangeNothing) {
  for (S state : kStates) {
    for (E kind : {E::kSetRemoteName, E::kSetValidationState, E::kCheckpoint, E::kFileRestarted, E::kFileTransferred,
                   E::kFilePublished, E::kFileLost}) {
      const World w = World::In(state);
      const absl::StatusOr<Decision> d = Decide(w.job, nullptr, Samples(kind)[0].event, w.now);
      if (d.ok()) ExpectNothingChanged(*d, w.job);
    }
  }
}

TEST(DecideTable, FailNeedsNoFile) {
  World w = World::In(S::kTransferring);
  w.Must(FailWith(FatalFailure()));
  EXPECT_EQ(w.job.state, S::kError);
  EXPECT_EQ(w.job.error->file, 0u);
  EXPECT_EQ(w.job.error->remote_name, "");
  EXPECT_EQ(w.job.error->local_name, "");
  EXPECT_EQ(w.job.error->protocol, "");
}

TEST(DecideTable, WhileFilesArePublishedVerbsAreRefused) {
  for (S state : kStates) {
    if (IsFinal(state)) continue;
    World w = World::In(state);
    w.Must(Complete{});
    for (E verb : {E::kResume, E::kSuspend, E::kCancel, E::kComplete, E::kAddFiles, E::kUpdate,
                   E::kSetRemoteName, E::kTakeOwnership, E::kSetValidationState}) {
      SCOPED_TRACE(std::string(StateName(state)) + " " + std::string(EventName(verb)));
      const absl::StatusOr<Decision> d = Decide(w.job, &w.file(1), Samples(verb)[0].event, w.now);
      EXPECT_EQ(ReasonOf(d), "BG_E_INVALID_STATE");
      EXPECT_EQ(d.status().code(), absl::StatusCode::kFailedPrecondition);
    }
  }
}

TEST(DecideTable, WhileFilesArePublishedTurnsErrorsAndTimersWait) {
  for (S state : kStates) {
    if (IsFinal(state)) continue;
    World w = World::In(state);
    w.Must(Complete{});
    for (E kind : {E::kStart, E::kBytesArrived, E::kFail, E::kRequeue, E::kRetryDue, E::kNoProgress,
                   E::kMaximumDownloadTime, E::kDeadline, E::kNotBefore, E::kInactivity, E::kForget, E::kCleanedUp}) {
      SCOPED_TRACE(std::string(StateName(state)) + " " + std::string(EventName(kind)));
      const absl::StatusOr<Decision> d = Decide(w.job, nullptr, Samples(kind)[0].event, w.now);
      ASSERT_TRUE(d.ok());
      ExpectNothingChanged(*d, w.job);
    }
  }
}

TEST(DecideTable, ReportsOfWorkThatIsNotPendingAreTooLate) {
  for (S state : kStates) {
    const World w = World::In(state);
    for (E kind : {E::kPublished, E::kPublishFailed, E::kCleanedUp}) {
      SCOPED_TRACE(std::string(StateName(state)) + " " + std::string(EventName(kind)));
      const absl::StatusOr<Decision> d = Decide(w.job, nullptr, Samples(kind)[0].event, w.now);
      ASSERT_TRUE(d.ok());
      ExpectNothingChanged(*d, w.job);
    }
  }
}

TEST(DecideTable, RefusalsNameTheState) {
  World w = World::In(S::kCancelled);
  EXPECT_NE(w.Do(Resume{}).status().message().find("CANCELLED"), absl::string_view::npos);
  EXPECT_EQ(ReasonOf(World(0).Do(Resume{})), "BG_E_EMPTY");
}

}  // namespace
}  // namespace bits::domain

#include "server/domain/transition_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <tuple>

#include "server/domain/error_code.h"
#include "tests/unit/domain/world.h"

namespace bits::domain {
namespace {

using S = JobState;
using E = EventKind;

TEST(TransitionTable, IsTotalAndInOrder) {
  size_t seen = 0;
  for (S state : kStates) {
    for (int e = 0; e < kEventKindCount; ++e) {
      const E event = static_cast<E>(e);
      const std::span<const Rule> rules = RulesFor(state, event);
      ASSERT_FALSE(rules.empty()) << StateName(state) << " " << EventName(event);
      EXPECT_EQ(rules.back().guard, Guard::kAlways);
      EXPECT_EQ(std::count_if(rules.begin(), rules.end(),
                              [](const Rule& r) { return r.guard == Guard::kAlways; }),
                1)
          << "what follows the unguarded rule could never apply";
      for (const Rule& rule : rules) {
        EXPECT_EQ(rule.from, state);
        EXPECT_EQ(rule.event, event);
      }
      seen += rules.size();
    }
  }
  EXPECT_EQ(seen, TransitionTable().size());
  EXPECT_TRUE(std::is_sorted(TransitionTable().begin(), TransitionTable().end(),
                             [](const Rule& a, const Rule& b) {
                               return std::tuple(a.from, a.event) < std::tuple(b.from, b.event);
                             }));
}

TEST(TransitionTable, RulesAgreeWithThemselves) {
  for (const Rule& rule : TransitionTable()) {
    SCOPED_TRACE(std::string(StateName(rule.from)) + " " + std::string(EventName(rule.event)));
    EXPECT_EQ(rule.verdict == Verdict::kRefuse, rule.refusal != kSuccess);
    if (rule.verdict == Verdict::kMove) {
      EXPECT_NE(rule.to, rule.from);
    } else {
      EXPECT_EQ(rule.to, rule.from);
    }
    if (rule.verdict != Verdict::kMove && rule.verdict != Verdict::kStay) {
      EXPECT_EQ(rule.effects, kNoEffects) << "nothing changes, so there is nothing to do";
    }
  }
}

TEST(TransitionTable, FinalStatesAbsorb) {
  for (const Rule& rule : TransitionTable()) {
    if (!IsFinal(rule.from)) continue;
    SCOPED_TRACE(std::string(StateName(rule.from)) + " " + std::string(EventName(rule.event)));
    EXPECT_NE(rule.verdict, Verdict::kMove);
    if (rule.event <= E::kSetValidationState) {
      EXPECT_EQ(rule.verdict, Verdict::kRefuse);
      EXPECT_EQ(rule.refusal, kInvalidState);
    } else if (rule.event != E::kForget && rule.event != E::kCleanedUp) {
      EXPECT_EQ(rule.verdict, Verdict::kIgnore);
    }
  }
}

TEST(TransitionTable, VerbsAreNeverIgnoredAndOthersNeverRefused) {
  for (const Rule& rule : TransitionTable()) {
    const bool verb = rule.event <= E::kSetValidationState;
    EXPECT_NE(rule.verdict, verb ? Verdict::kIgnore : Verdict::kRefuse)
        << StateName(rule.from) << " " << EventName(rule.event);
  }
}

// What a cell of the matrix in bits.md 1.2 says, read off the table: the state that follows,
// "-" a no-op, "ok" accepted without a change of state, or the symbol of the refusal; where a
// guard decides, both, the guarded one first.
std::string Cell(S state, E event) {
  std::string cell;
  for (const Rule& rule : RulesFor(state, event)) {
    if (!cell.empty()) cell += " else ";
    switch (rule.verdict) {
      case Verdict::kMove:
        cell += StateName(rule.to);
        break;
      case Verdict::kStay:
        // Complete is carried out first, and then reported.
        cell += (rule.effects & kPublish) != 0
                    ? std::string(StateName(RulesFor(state, E::kPublished).front().to))
                    : "ok";
        break;
      case Verdict::kNoop:
        cell += "-";
        break;
      case Verdict::kRefuse:
        cell += SymbolOf(rule.refusal);
        break;
      case Verdict::kIgnore:
        cell += "ignored";
        break;
    }
  }
  return cell;
}

// Complete of bits.md 1.2 is that of downloads; [?] cells are as design.md decides. Deadlines are ours.
TEST(TransitionTable, FollowsTheMatrixOfBits) {
  const struct {
    S state;
    const char *resume, *suspend, *cancel, *complete, *others;
  } kMatrix[] = {
      {S::kSuspended, "BG_E_EMPTY else ERROR_TIMEOUT else QUEUED", "-", "CANCELLED", "ACKNOWLEDGED", "ok"},
      {S::kQueued, "-", "SUSPENDED", "CANCELLED", "ACKNOWLEDGED", "ok"},
      {S::kConnecting, "-", "SUSPENDED", "CANCELLED", "ACKNOWLEDGED", "ok"},
      {S::kTransferring, "-", "SUSPENDED", "CANCELLED", "ACKNOWLEDGED", "ok"},
      {S::kTransientError, "ERROR_TIMEOUT else QUEUED", "SUSPENDED", "CANCELLED", "ACKNOWLEDGED", "ok"},
      {S::kError, "ERROR_TIMEOUT else QUEUED", "-", "CANCELLED", "ACKNOWLEDGED", "ok"},
      {S::kTransferred, "- else ERROR_TIMEOUT else QUEUED", "-", "CANCELLED", "ACKNOWLEDGED", "ok"},
      {S::kAcknowledged, "BG_E_INVALID_STATE", "BG_E_INVALID_STATE", "BG_E_INVALID_STATE",
       "BG_E_INVALID_STATE", "BG_E_INVALID_STATE"},
      {S::kCancelled, "BG_E_INVALID_STATE", "BG_E_INVALID_STATE", "BG_E_INVALID_STATE",
       "BG_E_INVALID_STATE", "BG_E_INVALID_STATE"},
  };
  static_assert(std::size(kMatrix) == kJobStateCount);
  for (const auto& row : kMatrix) {
    SCOPED_TRACE(StateName(row.state));
    EXPECT_EQ(Cell(row.state, E::kResume), row.resume);
    EXPECT_EQ(Cell(row.state, E::kSuspend), row.suspend);
    EXPECT_EQ(Cell(row.state, E::kCancel), row.cancel);
    EXPECT_EQ(Cell(row.state, E::kComplete), row.complete);
    for (E other : {E::kAddFiles, E::kUpdate, E::kSetRemoteName, E::kTakeOwnership}) {
      EXPECT_EQ(Cell(row.state, other), row.others) << EventName(other);
    }
  }
}

// bits.md 1.4: what moves a job without its owner, and nothing else does.
TEST(TransitionTable, MovesByItselfOnlyAsBitsDoes) {
  using Move = std::tuple<E, S, S>;
  std::set<Move> expected = {
      // The scheduler picks the job; bytes arrive; the last file is done.
      {E::kStart, S::kQueued, S::kConnecting},
      {E::kBytesArrived, S::kConnecting, S::kTransferring},
      {E::kCheckpoint, S::kConnecting, S::kTransferring},
      {E::kFileTransferred, S::kConnecting, S::kTransferring},
      {E::kFileTransferred, S::kConnecting, S::kTransferred},
      {E::kFileTransferred, S::kTransferring, S::kTransferred},
      // Late bytes were the last that were missing.
      {E::kStart, S::kQueued, S::kTransferred},
      // Errors.
      {E::kFail, S::kConnecting, S::kTransientError},
      {E::kFail, S::kTransferring, S::kTransientError},
      {E::kFail, S::kConnecting, S::kError},
      {E::kFail, S::kTransferring, S::kError},
      // The turn ends.
      {E::kRequeue, S::kConnecting, S::kQueued},
      {E::kRequeue, S::kTransferring, S::kQueued},
      // Timers.
      {E::kRetryDue, S::kTransientError, S::kQueued},
      {E::kNoProgress, S::kTransientError, S::kError},
      // Ours: while its host cannot be reached a job waits in QUEUED.
      {E::kNoProgress, S::kQueued, S::kError},
      {E::kMaximumDownloadTime, S::kConnecting, S::kError},
      {E::kMaximumDownloadTime, S::kTransferring, S::kError},
      // Ours: the deadline of a job that runs or wants to.
      {E::kDeadline, S::kQueued, S::kError},
      {E::kDeadline, S::kConnecting, S::kError},
      {E::kDeadline, S::kTransferring, S::kError},
      {E::kDeadline, S::kTransientError, S::kError},
      // MAX_DOWNLOAD_SIZE exceeded.
      {E::kCheckpoint, S::kConnecting, S::kError},
      {E::kCheckpoint, S::kTransferring, S::kError},
      {E::kFileTransferred, S::kConnecting, S::kError},
      {E::kFileTransferred, S::kTransferring, S::kError},
      // A rename failed: what was stopped for Complete waits for its owner.
      {E::kPublishFailed, S::kQueued, S::kSuspended},
      {E::kPublishFailed, S::kConnecting, S::kSuspended},
      {E::kPublishFailed, S::kTransferring, S::kSuspended},
      {E::kPublishFailed, S::kTransientError, S::kSuspended},
  };
  for (S live : kStates) {
    if (IsFinal(live)) continue;
    expected.insert({E::kInactivity, live, S::kCancelled});
    expected.insert({E::kPublished, live, S::kAcknowledged});
  }
  std::set<Move> actual;
  for (const Rule& rule : TransitionTable()) {
    if (rule.event > E::kSetValidationState && rule.verdict == Verdict::kMove) {
      actual.insert({rule.event, rule.from, rule.to});
    }
  }
  for (const auto& [event, from, to] : expected) {
    EXPECT_TRUE(actual.contains({event, from, to}))
        << "missing: " << EventName(event) << " " << StateName(from) << " -> " << StateName(to);
  }
  for (const auto& [event, from, to] : actual) {
    EXPECT_TRUE(expected.contains({event, from, to}))
        << "not BITS: " << EventName(event) << " " << StateName(from) << " -> " << StateName(to);
  }
}

// Whoever leaves the states in which files are fetched has their transfers ended, and the
// slot given on; whoever begins to wait for one is noticed.
TEST(TransitionTable, EffectsFollowFromTheStates) {
  for (const Rule& rule : TransitionTable()) {
    if (rule.verdict != Verdict::kMove) continue;
    SCOPED_TRACE(std::string(StateName(rule.from)) + " " + std::string(EventName(rule.event)));
    if (IsActive(rule.from) && !IsActive(rule.to)) {
      EXPECT_TRUE(rule.effects & kSchedule);
      const bool none_left = rule.to == S::kTransferred;
      const bool stopped_by_complete =
          rule.event == E::kPublished || rule.event == E::kPublishFailed;
      if (!none_left && !stopped_by_complete) {
        EXPECT_TRUE(rule.effects & kStopFiles);
      }
    }
    if (!IsActive(rule.from) && IsActive(rule.to)) {
      EXPECT_TRUE(rule.effects & kStartFiles);
    }
    if (rule.to == S::kQueued) {
      EXPECT_TRUE(rule.effects & kSchedule);
    }
    EXPECT_EQ((rule.effects & kCleanup) != 0, rule.to == S::kCancelled);
  }
}

TEST(TransitionTable, MarkdownIsDeterministicAndWhole) {
  const std::string markdown = TransitionTableMarkdown();
  EXPECT_EQ(markdown, TransitionTableMarkdown());
  EXPECT_EQ(std::count(markdown.begin(), markdown.end(), '\n'), kEventKindCount + 2);
  size_t begin = 0;
  while (begin < markdown.size()) {
    const size_t end = markdown.find('\n', begin);
    ASSERT_NE(end, std::string::npos) << "every line ends";
    const std::string line = markdown.substr(begin, end - begin);
    EXPECT_EQ(std::count(line.begin(), line.end(), '|'), kJobStateCount + 2) << line;
    EXPECT_EQ(line.find("||"), std::string::npos) << "an empty cell: " << line;
    begin = end + 1;
  }
  for (S state : kStates) EXPECT_NE(markdown.find(StateName(state)), std::string::npos);
  for (int e = 0; e < kEventKindCount; ++e) {
    EXPECT_NE(markdown.find("| " + std::string(EventName(static_cast<E>(e))) + " |"),
              std::string::npos);
  }
  EXPECT_NE(markdown.find("BG_E_INVALID_STATE"), std::string::npos);
}

TEST(Names, DifferAndAreKnown) {
  std::set<std::string_view> names;
  for (S state : kStates) names.insert(StateName(state));
  for (int e = 0; e < kEventKindCount; ++e) names.insert(EventName(static_cast<E>(e)));
  EXPECT_EQ(names.size(), static_cast<size_t>(kJobStateCount + kEventKindCount));
  EXPECT_EQ(names.count("UNKNOWN") + names.count("Unknown"), 0u);
  EXPECT_EQ(StateName(S::kTransientError), "TRANSIENT_ERROR");
  EXPECT_EQ(EventName(E::kFileTransferred), "FileTransferred");
}

}  // namespace
}  // namespace bits::domain

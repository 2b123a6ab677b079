#include "server/domain/transition_table.h"

#include <array>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "server/base/strings.h"
#include "server/domain/error_code.h"

namespace bits::domain {
namespace {

using S = JobState;
using E = EventKind;

using StateSet = uint16_t;
constexpr StateSet In(S s) { return static_cast<StateSet>(1u << static_cast<unsigned>(s)); }
template <typename... Rest>
constexpr StateSet In(S s, Rest... rest) {
  return static_cast<StateSet>(In(s) | In(rest...));
}
constexpr StateSet kFinal = In(S::kAcknowledged, S::kCancelled);
constexpr StateSet kActive = In(S::kConnecting, S::kTransferring);
constexpr StateSet kAll = (1u << kJobStateCount) - 1;
constexpr StateSet kLive = kAll & ~kFinal;

// What happens, less whom it happens to.
struct Then {
  Verdict verdict;
  S to = S::kQueued;
  uint8_t effects = kNoEffects;
  Hresult refusal = kSuccess;
};
constexpr Then Move(S to, int effects = kNoEffects) {
  return {Verdict::kMove, to, static_cast<uint8_t>(effects)};
}
constexpr Then Stay(int effects = kNoEffects) {
  return {Verdict::kStay, S::kQueued, static_cast<uint8_t>(effects)};
}
constexpr Then Noop() { return {Verdict::kNoop}; }
constexpr Then Ignore() { return {Verdict::kIgnore}; }
constexpr Then Refuse(Hresult why) { return {Verdict::kRefuse, S::kQueued, kNoEffects, why}; }

struct Row {
  E event;
  StateSet from;
  Guard guard;
  Then then;
};

// One pair's rules stand in the order in which they are tried.
constexpr Row kRows[] = {
    // The owner's verbs.
    {E::kResume, In(S::kSuspended), Guard::kNoFiles, Refuse(kEmpty)},
    {E::kResume, In(S::kSuspended, S::kError, S::kTransientError), Guard::kDeadlinePassed,
     Refuse(kTimeout)},
    {E::kResume, In(S::kSuspended, S::kError, S::kTransientError), Guard::kAlways,
     Move(S::kQueued, kSchedule)},
    {E::kResume, In(S::kQueued) | kActive, Guard::kAlways, Noop()},
    {E::kResume, In(S::kTransferred), Guard::kAllTransferred, Noop()},
    {E::kResume, In(S::kTransferred), Guard::kDeadlinePassed, Refuse(kTimeout)},
    {E::kResume, In(S::kTransferred), Guard::kAlways, Move(S::kQueued, kSchedule)},
    {E::kResume, kFinal, Guard::kAlways, Refuse(kInvalidState)},

    {E::kSuspend, In(S::kQueued, S::kTransientError), Guard::kAlways, Move(S::kSuspended)},
    {E::kSuspend, kActive, Guard::kAlways, Move(S::kSuspended, kStopFiles | kSchedule)},
    {E::kSuspend, In(S::kSuspended, S::kError, S::kTransferred), Guard::kAlways, Noop()},
    {E::kSuspend, kFinal, Guard::kAlways, Refuse(kInvalidState)},

    {E::kCancel, kLive, Guard::kAlways,
     Move(S::kCancelled, kStopFiles | kCleanup | kSchedule)},
    {E::kCancel, kFinal, Guard::kAlways, Refuse(kInvalidState)},

    {E::kComplete, kLive, Guard::kAlways, Stay(kStopFiles | kPublish)},
    {E::kComplete, kFinal, Guard::kAlways, Refuse(kInvalidState)},

    {E::kAddFiles, kLive & ~kActive, Guard::kAlways, Stay()},
    {E::kAddFiles, kActive, Guard::kAlways, Stay(kStartFiles)},
    {E::kAddFiles, kFinal, Guard::kAlways, Refuse(kInvalidState)},

    {E::kUpdate, kLive & ~kActive, Guard::kAlways, Stay(kSchedule)},
    {E::kUpdate, kActive, Guard::kAlways, Stay(kSchedule | kStartFiles)},
    {E::kUpdate, kFinal, Guard::kAlways, Refuse(kInvalidState)},

    {E::kSetRemoteName, In(S::kQueued), Guard::kAlways, Stay(kSchedule)},
    {E::kSetRemoteName, kLive & ~kActive & ~In(S::kQueued), Guard::kAlways, Stay()},
    {E::kSetRemoteName, kActive, Guard::kAlways, Stay(kRestartFile)},
    {E::kSetRemoteName, kFinal, Guard::kAlways, Refuse(kInvalidState)},

    {E::kTakeOwnership, kLive & ~kActive, Guard::kAlways, Stay(kSchedule)},
    // What is told of a turn under way is told to the new owner.
    {E::kTakeOwnership, kActive, Guard::kAlways, Stay(kSchedule | kStartFiles)},
    {E::kTakeOwnership, kFinal, Guard::kAlways, Refuse(kInvalidState)},

    {E::kSetValidationState, In(S::kError), Guard::kSaidInvalid, Stay()},
    {E::kSetValidationState, kLive & ~In(S::kError), Guard::kSaidInvalid,
     Move(S::kError, kStopFiles | kSchedule)},
    {E::kSetValidationState, kLive, Guard::kAlways, Stay()},
    {E::kSetValidationState, kFinal, Guard::kAlways, Refuse(kInvalidState)},

    // The transfer.
    {E::kStart, In(S::kQueued), Guard::kDeferred, Ignore()},
    {E::kStart, In(S::kQueued), Guard::kAllTransferred, Move(S::kTransferred)},
    {E::kStart, In(S::kQueued), Guard::kAlways, Move(S::kConnecting, kStartFiles)},
    {E::kStart, kAll & ~In(S::kQueued), Guard::kAlways, Ignore()},

    {E::kBytesArrived, In(S::kConnecting), Guard::kAlways, Move(S::kTransferring)},
    {E::kBytesArrived, kAll & ~In(S::kConnecting), Guard::kAlways, Ignore()},

    {E::kCheckpoint, kActive, Guard::kTooLarge, Move(S::kError, kStopFiles | kSchedule)},
    {E::kCheckpoint, In(S::kConnecting), Guard::kAlways, Move(S::kTransferring)},
    {E::kCheckpoint, kLive & ~In(S::kConnecting, S::kTransferred), Guard::kAlways, Stay()},
    {E::kCheckpoint, In(S::kTransferred) | kFinal, Guard::kAlways, Ignore()},

    {E::kFileRestarted, kLive & ~In(S::kTransferred), Guard::kAlways, Stay()},
    {E::kFileRestarted, In(S::kTransferred) | kFinal, Guard::kAlways, Ignore()},

    {E::kFileTransferred, kActive, Guard::kTooLarge, Move(S::kError, kStopFiles | kSchedule)},
    {E::kFileTransferred, kActive, Guard::kAllTransferred, Move(S::kTransferred, kSchedule)},
    {E::kFileTransferred, In(S::kConnecting), Guard::kAlways, Move(S::kTransferring)},
    {E::kFileTransferred, kLive & ~In(S::kConnecting, S::kTransferred), Guard::kAlways, Stay()},
    {E::kFileTransferred, In(S::kTransferred) | kFinal, Guard::kAlways, Ignore()},

    {E::kFail, kActive, Guard::kAnotherSource, Stay()},
    {E::kFail, kActive, Guard::kRetryable, Move(S::kTransientError, kStopFiles | kSchedule)},
    {E::kFail, kActive, Guard::kAlways, Move(S::kError, kStopFiles | kSchedule)},
    {E::kFail, kAll & ~kActive, Guard::kAlways, Ignore()},

    {E::kRequeue, kActive, Guard::kAlways, Move(S::kQueued, kStopFiles | kSchedule)},
    {E::kRequeue, kAll & ~kActive, Guard::kAlways, Ignore()},

    // Timers.
    {E::kRetryDue, In(S::kTransientError), Guard::kAlways, Move(S::kQueued, kSchedule)},
    {E::kRetryDue, kAll & ~In(S::kTransientError), Guard::kAlways, Ignore()},

    {E::kNoProgress, In(S::kTransientError), Guard::kAlways, Move(S::kError)},
    {E::kNoProgress, In(S::kQueued), Guard::kHostFailed, Move(S::kError)},
    {E::kNoProgress, kAll & ~In(S::kTransientError), Guard::kAlways, Ignore()},

    {E::kMaximumDownloadTime, kActive, Guard::kAlways, Move(S::kError, kStopFiles | kSchedule)},
    {E::kMaximumDownloadTime, kAll & ~kActive, Guard::kAlways, Ignore()},

    {E::kDeadline, kActive, Guard::kAlways, Move(S::kError, kStopFiles | kSchedule)},
    {E::kDeadline, In(S::kQueued, S::kTransientError), Guard::kAlways, Move(S::kError)},
    {E::kDeadline, In(S::kSuspended, S::kError, S::kTransferred) | kFinal, Guard::kAlways,
     Ignore()},

    {E::kNotBefore, In(S::kQueued), Guard::kDeferred, Stay(kSchedule)},
    {E::kNotBefore, kAll, Guard::kAlways, Ignore()},

    {E::kInactivity, kLive, Guard::kAlways,
     Move(S::kCancelled, kStopFiles | kCleanup | kSchedule)},
    {E::kInactivity, kFinal, Guard::kAlways, Ignore()},

    {E::kForget, kFinal, Guard::kAlways, Stay(kDelete)},
    {E::kForget, kLive, Guard::kAlways, Ignore()},

    // Outcomes of work on the file system.
    {E::kFilePublished, kLive, Guard::kAlways, Stay()},
    {E::kFilePublished, kFinal, Guard::kAlways, Ignore()},

    {E::kFileLost, kLive, Guard::kAlways, Stay()},
    {E::kFileLost, kFinal, Guard::kAlways, Ignore()},

    {E::kPublished, kLive, Guard::kAlways, Move(S::kAcknowledged, kSchedule)},
    {E::kPublished, kFinal, Guard::kAlways, Ignore()},

    {E::kPublishFailed, In(S::kQueued, S::kTransientError) | kActive, Guard::kAlways,
     Move(S::kSuspended, kSchedule)},
    {E::kPublishFailed, In(S::kSuspended, S::kError, S::kTransferred), Guard::kAlways, Stay()},
    {E::kPublishFailed, kFinal, Guard::kAlways, Ignore()},

    {E::kCleanedUp, kFinal, Guard::kAlways, Stay()},
    {E::kCleanedUp, kLive, Guard::kAlways, Ignore()},
};

constexpr size_t CountRules() {
  size_t n = 0;
  for (const Row& row : kRows) {
    for (int s = 0; s < kJobStateCount; ++s) n += (row.from >> s) & 1u;
  }
  return n;
}

struct Table {
  std::array<Rule, CountRules()> rules{};
  // Where each pair's rules begin; one more at the end.
  std::array<size_t, kJobStateCount * kEventKindCount + 1> begin{};
};

constexpr Table BuildTable() {
  Table table;
  size_t n = 0;
  for (int s = 0; s < kJobStateCount; ++s) {
    for (int e = 0; e < kEventKindCount; ++e) {
      table.begin[static_cast<size_t>(s) * kEventKindCount + static_cast<size_t>(e)] = n;
      for (const Row& row : kRows) {
        if (row.event != static_cast<E>(e) || ((row.from >> s) & 1u) == 0) continue;
        const S from = static_cast<S>(s);
        const Then& then = row.then;
        const S to = then.verdict == Verdict::kMove ? then.to : from;
        table.rules[n++] = {from, row.event, row.guard, then.verdict, to, then.effects,
                            then.refusal};
      }
    }
  }
  table.begin.back() = n;
  return table;
}
constexpr Table kTable = BuildTable();

constexpr bool IsTotal() {
  for (size_t pair = 0; pair + 1 < kTable.begin.size(); ++pair) {
    const size_t first = kTable.begin[pair];
    const size_t last = kTable.begin[pair + 1];
    if (first == last || kTable.rules[last - 1].guard != Guard::kAlways) return false;
    for (size_t i = first; i + 1 < last; ++i) {
      if (kTable.rules[i].guard == Guard::kAlways) return false;  // the next could never apply
    }
  }
  return true;
}
static_assert(IsTotal(), "every pair of state and event needs rules, the last unguarded");

std::string_view GuardText(Guard guard) {
  switch (guard) {
    case Guard::kAlways:
      return "";
    case Guard::kNoFiles:
      return "no files: ";
    case Guard::kAllTransferred:
      return "all files there: ";
    case Guard::kSaidInvalid:
      return "said to be invalid: ";
    case Guard::kTooLarge:
      return "too large: ";
    case Guard::kDeferred:
      return "deferred: ";
    case Guard::kDeadlinePassed:
      return "past its deadline: ";
    case Guard::kHostFailed:
      return "host failed: ";
    case Guard::kAnotherSource:
      return "another source may do: ";
    case Guard::kRetryable:
      return "may be retried: ";
  }
  return "";
}

std::string VerdictText(const Rule& rule) {
  switch (rule.verdict) {
    case Verdict::kMove:
      return std::string(StateName(rule.to));
    case Verdict::kStay:
      return "stays";
    case Verdict::kNoop:
      return "no-op";
    case Verdict::kIgnore:
      return "–";
    case Verdict::kRefuse:
      return absl::StrCat("✗ ", SymbolOf(rule.refusal));
  }
  return "";
}

}  // namespace

std::span<const Rule> TransitionTable() { return kTable.rules; }

std::span<const Rule> RulesFor(JobState state, EventKind event) {
  const size_t pair =
      static_cast<size_t>(state) * kEventKindCount + static_cast<size_t>(event);
  return std::span(kTable.rules).subspan(kTable.begin[pair],
                                         kTable.begin[pair + 1] - kTable.begin[pair]);
}

std::string TransitionTableMarkdown() {
  std::string out = "| event |";
  for (int s = 0; s < kJobStateCount; ++s) {
    absl::StrAppend(&out, " ", Av(StateName(static_cast<S>(s))), " |");
  }
  out += "\n|--|";
  for (int s = 0; s < kJobStateCount; ++s) out += "--|";
  out += '\n';
  for (int e = 0; e < kEventKindCount; ++e) {
    absl::StrAppend(&out, "| ", Av(EventName(static_cast<E>(e))), " |");
    for (int s = 0; s < kJobStateCount; ++s) {
      std::string cell;
      for (const Rule& rule : RulesFor(static_cast<S>(s), static_cast<E>(e))) {
        absl::StrAppend(&cell, cell.empty() ? "" : "; ", Av(GuardText(rule.guard)),
                        VerdictText(rule));
      }
      absl::StrAppend(&out, " ", cell, " |");
    }
    out += '\n';
  }
  return out;
}

}  // namespace bits::domain

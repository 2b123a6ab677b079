// The state machine: one table, from which the code, ARCHITECTURE.md and the tests come.
// Pure; any thread.
#ifndef BITS_SERVER_DOMAIN_TRANSITION_TABLE_H_
#define BITS_SERVER_DOMAIN_TRANSITION_TABLE_H_

#include <cstdint>
#include <span>
#include <string>

#include "server/domain/event.h"
#include "server/domain/job.h"

namespace bits::domain {

// What must also hold for a rule to apply. The first rule of a (state, event) pair whose
// guard holds is the one that does; the last has kAlways.
enum class Guard : uint8_t {
  kAlways,
  kNoFiles,          // the job has no files
  kAllTransferred,   // every file has all its bytes, once the event is counted in
  kSaidInvalid,      // the owner says that the content is not valid
  kTooLarge,         // the job is larger than its max_download_size, once the event is counted in
  kDeferred,         // it waits for its not_before_time
  kDeadlinePassed,   // its deadline has passed
  kHostFailed,       // the last failure was the host's, and nothing has arrived since
  kAnotherSource,    // the file has one that has not failed in this round: see mirrors.h
  kRetryable,        // the failure is transient and may be retried: see retry.h
};

// What becomes of the event.
enum class Verdict : uint8_t {
  kMove,    // the state becomes Rule.to
  kStay,    // accepted; the job changes, its state does not
  kNoop,    // accepted; nothing changes
  kRefuse,  // refused with Rule.refusal: nothing changes
  kIgnore,  // too late: nothing changes, nobody is told
};

// What has to be done once the decision is committed; a set of bits. Each may be done
// twice without harm.
enum Effects : uint8_t {
  kNoEffects = 0,
  kSchedule = 1,      // the scheduler should look: a job waits or a slot is free
  kStartFiles = 2,    // begin to transfer
  kStopFiles = 4,     // end all transfers of the job
  kRestartFile = 8,   // end the file's transfer, if there is one, and begin it anew
  kPublish = 16,      // publish finished files, then delete temporaries, then report
  kCleanup = 32,      // delete temporaries, then report
  kDelete = 64,       // delete the job's records
};

struct Rule {
  JobState from;
  EventKind event;
  Guard guard;
  Verdict verdict;
  JobState to;      // of kMove; else `from`
  uint8_t effects;  // of Effects
  Hresult refusal;  // of kRefuse
};

// Every rule, by state, then event, then precedence. Total: each pair has at least one.
std::span<const Rule> TransitionTable();

// The rules of one pair, in precedence.
std::span<const Rule> RulesFor(JobState state, EventKind event);

// The table as Markdown: what stands in ARCHITECTURE.md.
std::string TransitionTableMarkdown();

}  // namespace bits::domain

#endif  // BITS_SERVER_DOMAIN_TRANSITION_TABLE_H_

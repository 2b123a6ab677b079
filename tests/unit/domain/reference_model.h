// The rules told a second time, from bits.md and design.md and without the transition table:
// what Decide() is compared with.
#ifndef BITS_TESTS_UNIT_DOMAIN_REFERENCE_MODEL_H_
#define BITS_TESTS_UNIT_DOMAIN_REFERENCE_MODEL_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "server/domain/event.h"
#include "server/domain/job.h"

namespace bits::domain {

class ReferenceModel {
 public:
  // What becomes of an event: "" it changed something, "nothing", or the refusal's symbol.
  using Answer = std::string;

  // A new suspended job.
  ReferenceModel(int files, absl::Time now);

  // `ordinal` is the file that the event concerns, or 0.
  Answer Step(const Event& event, uint32_t ordinal, absl::Time now);

  // How job and files differ from the model, or "".
  std::string Difference(const Job& job, const std::vector<File>& files) const;

 private:
  struct ModelFile {
    std::optional<uint64_t> size;
    uint64_t here = 0;
    uint64_t furthest = 0;
    bool whole = false;
    bool published = false;
    uint32_t restarts = 0;
  };
  struct ModelError {
    Hresult code = 0;
    uint32_t file = 0;
    uint32_t attempt = 0;
    bool transient = false;
    absl::Time time;
    std::optional<absl::Time> retry;
  };

  bool Running() const {
    return state_ == JobState::kConnecting || state_ == JobState::kTransferring;
  }
  bool Over() const { return state_ == JobState::kAcknowledged || state_ == JobState::kCancelled; }
  bool Stopped() const {
    return state_ == JobState::kSuspended || state_ == JobState::kError ||
           state_ == JobState::kTransferred;
  }
  bool AllWhole() const;
  bool TooMuch() const;
  Answer Overflow(uint32_t ordinal);
  bool MayRetry(const Failure& failure) const;
  void Count(const Failure& failure);

  Answer Verb(const Event& event, uint32_t ordinal);
  Answer OfTransfer(const Event& event, uint32_t ordinal);
  Answer OfTimer(const Event& event);
  Answer OfFiles(const Event& event, uint32_t ordinal);

  void Go(JobState to);
  void Queue();
  void Unstall() {
    stalled_.reset();
    retries_ = 0;
  }
  Answer Times(const TimingUpdate& update);
  void Owner() { activity_ = now_; }
  void Durable(ModelFile& file, const Checkpoint& at);
  static void StartOver(ModelFile& file);
  void Break(const Failure& failure, uint32_t ordinal, bool retry);

  absl::Time now_;
  JobState state_ = JobState::kSuspended;
  std::vector<ModelFile> files_;
  bool publishing_ = false;
  bool cleaning_ = false;
  bool host_failed_ = false;
  bool deferred_ = false;
  bool auto_ = false;     // it completes itself
  bool unasked_ = false;  // it is doing that
  uint32_t retries_ = 0;
  uint64_t most_ = 0;  // bytes
  bool resumed_ = false;
  absl::Time not_before_ = absl::InfinitePast(), deadline_ = absl::InfiniteFuture();
  JobResult result_ = JobResult::kNone;
  std::optional<ModelError> error_;
  uint32_t errors_ = 0;
  uint32_t attempts_ = 0;
  std::optional<absl::Time> stalled_, retry_, completed_, ended_, clock_;
  absl::Duration used_;
  absl::Time activity_, queued_;
  absl::Duration delay_ = absl::Seconds(600);
  absl::Duration patience_ = absl::Hours(14 * 24);
};

}  // namespace bits::domain

#endif  // BITS_TESTS_UNIT_DOMAIN_REFERENCE_MODEL_H_

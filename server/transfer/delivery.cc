#include "server/transfer/delivery.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "server/base/strings.h"
#include "server/domain/error_code.h"
#include "server/transfer/failure.h"
#include "server/transfer/response_check.h"
#include "server/transfer/sidecar_fetch.h"

namespace bits::transfer {
namespace {

using app::RestartReason;

constexpr absl::Duration kProgressInterval = absl::Milliseconds(250);
// For each try under way, so that all together sync a hundred times a second at most.
constexpr absl::Duration kShortIntervalEach = absl::Milliseconds(10);
constexpr absl::Duration kLongIntervalEach = absl::Milliseconds(20);
constexpr absl::Duration kLongestInterval = absl::Minutes(1);
constexpr size_t kGrowth = 4;
constexpr size_t kShareOfMemory = 8;  // one try gets an eighth at most

}  // namespace

template <typename... Args>
auto Delivery::Bind(void (Delivery::*method)(Args...)) {
  return [weak = weak_from_this(), method](auto&&... args) {
    if (auto self = weak.lock()) (self.get()->*method)(std::forward<decltype(args)>(args)...);
  };
}

Delivery::Delivery(Context* context, Pacer::FlowId flow, app::TransferSpec spec,
                   std::shared_ptr<app::TransferObserver> observer, std::function<void()> on_ended)
    : context_(context),
      flow_(flow),
      spec_(std::move(spec)),
      observer_(std::move(observer)),
      on_ended_(std::move(on_ended)),
      in_place_(domain::IsWrittenInPlace(spec_.file)),
      sink_(std::make_shared<FileSink>(context->files, context->io, context->loop.get(),
                                       spec_.file.temporary_path,
                                       spec_.file.bytes_transferred == 0)) {
  checkpoint_time_ = context_->loop->now();
  progress_time_ = checkpoint_time_ - absl::ToChronoNanoseconds(kProgressInterval);
}

Delivery::~Delivery() = default;

void Delivery::SetSidecar(std::unique_ptr<SidecarFetch> sidecar) {
  sidecar_ = std::move(sidecar);
  if (spec_.file.bytes_transferred > 0) digest_ = spec_.file.checksum->hex;
}

void Delivery::FetchSource() {
  FindDigest([this] { source_->Fetch(); });
}

void Delivery::FindDigest(std::function<void()> then) {
  if (sidecar_ == nullptr || !digest_.empty()) return then();
  sidecar_->Fetch([this, then = std::move(then)](SidecarFetch::Found found) {
    if (phase_ != Phase::kFetching) return;
    if (auto* failure = std::get_if<domain::Failure>(&found)) return Fail(*std::move(failure));
    digest_ = std::get<std::string>(std::move(found));
    then();
  });
}

void Delivery::AbandonAll() {
  source_->Abandon();
  if (sidecar_ != nullptr) sidecar_->Abandon();
}

void Delivery::Start(ByteSource* source) {
  source_ = source;
  const domain::File& file = spec_.file;
  if (file.bytes_transferred == 0) return FetchSource();
  position_ = written_ = durable_ = told_ = syncing_ = file.bytes_transferred;
  total_ = file.bytes_total;
  validators_ = file.validators;
  last_modified_ = file.last_modified;
  const bool whole = total_ == position_ && source_->IsWholeOf(validators_);
  const bool unproven = !ProvesVersion(validators_) && !HoldsOtherSource();
  if (!whole && (spec_.dynamic_content || unproven)) {
    return Restart(RestartReason::kUnproven, [this] { FetchSource(); });
  }
  sink_->Size(Bind(&Delivery::OnSizeKnown));
}

void Delivery::OnSizeKnown(absl::StatusOr<uint64_t> size) {
  if (phase_ != Phase::kFetching) return;
  if (!size.ok()) return FailLocally(size.status());
  if (*size < position_) {
    return Restart(RestartReason::kLost, [this] { FetchSource(); });
  }
  // What an earlier try wrote beyond its last checkpoint.
  if (*size > position_) sink_->Truncate(position_, Bind(&Delivery::Check));
  emptied_ = true;
  // That it is whole was not recorded, and the remote name may be another since.
  if (total_ == position_ && source_->IsWholeOf(validators_)) return Finish();
  FetchSource();
}

void Delivery::Check(const absl::Status& status) {
  if (!status.ok()) FailLocally(status);
}

void Delivery::Accept(std::optional<uint64_t> total, domain::Validators validators,
                      std::optional<absl::Time> last_modified) {
  total_ = total;
  validators_ = std::move(validators);
  if (last_modified.has_value() || position_ == 0) last_modified_ = last_modified;
  if (!bytes_arrived_) {
    bytes_arrived_ = true;
    checkpoint_time_ = context_->loop->now();
    observer_->OnBytesArrive();
  }
  if (!std::exchange(emptied_, true)) sink_->Truncate(0, Bind(&Delivery::Check));
  if (total_ && *total_ > position_ && *total_ - position_ >= context_->options.reserve_from) {
    reserved_ = true;
    sink_->Reserve(*total_, Bind(&Delivery::Check));
  }
}

// --- Bytes -------------------------------------------------------------------------------------

bool Delivery::Append(std::string_view data) {
  if (phase_ != Phase::kFetching) return false;
  const size_t size = data.size();
  if (!context_->pacer->Take(flow_, size)) return false;
  if (current_.room() < size) {
    const size_t head = current_.room();
    Buffer next = NextBuffer(size - head);
    if (!next.allocated()) {
      context_->pacer->GiveBack(flow_, size);
      if (in_flight_ == 0) Flush();  // its return makes room
      refused_ = true;
      return false;
    }
    if (current_.allocated()) current_.Append(data.substr(0, head));
    data.remove_prefix(head);
    position_ += head;
    Flush();
    current_ = std::move(next);
  }
  current_.Append(data);
  position_ += data.size();
  if (current_.room() == 0) Flush();
  TellProgress();
  CheckpointIfDue();
  return true;
}

void Delivery::OnPaceGranted() {
  if (phase_ != Phase::kFetching || refused_) return;
  if (sidecar_ != nullptr) sidecar_->OnRoom();
  source_->OnRoom();
}

Buffer Delivery::NextBuffer(size_t least) {
  BufferPool& pool = *context_->buffers;
  size_t wanted = next_size_;
  if (total_ && *total_ > position_) wanted = std::min<uint64_t>(wanted, *total_ - position_);
  wanted = std::max(wanted, least);
  const size_t held = in_flight_ + current_.capacity();
  const bool nothing_held = held == 0;
  if (held + wanted > pool.limit() / kShareOfMemory && !nothing_held) return {};
  if (Buffer buffer = pool.Acquire(wanted, false); buffer.allocated()) return buffer;
  return pool.Acquire(std::min(wanted, std::max(least, BufferPool::kLeast)), nothing_held);
}

void Delivery::Flush() {
  if (current_.empty()) return;
  if (current_.room() == 0) {
    next_size_ = std::min(next_size_ * kGrowth, BufferPool::kMost);
  } else if (current_.view().size() < current_.capacity() / kGrowth) {
    next_size_ = std::max(next_size_ / kGrowth, BufferPool::kLeast);
  }
  in_flight_ += current_.capacity();
  const uint64_t end = position_;
  const uint64_t offset = end - current_.view().size();
  sink_->Write(
      offset, std::exchange(current_, Buffer()),
      [weak = weak_from_this(), epoch = epoch_, end](const absl::Status& status, Buffer buffer) {
        if (auto self = weak.lock()) {
          self->OnWritten(epoch, end, status, std::move(buffer));
        }
      });
}

void Delivery::OnWritten(uint64_t epoch, uint64_t end, const absl::Status& status, Buffer buffer) {
  in_flight_ -= buffer.capacity();
  context_->buffers->Release(std::move(buffer));
  if (!status.ok()) {
    write_failed_ = true;
    return FailLocally(status);
  }
  if (epoch == epoch_) written_ = end;
  if (phase_ == Phase::kFetching && std::exchange(refused_, false)) source_->OnRoom();
}

void Delivery::TellProgress() {
  const EventLoop::Clock::time_point now = context_->loop->now();
  if (now - progress_time_ < absl::ToChronoNanoseconds(kProgressInterval)) return;
  progress_time_ = now;
  observer_->OnProgress(position_, total_);
}

// --- Checkpoints -------------------------------------------------------------------------------

absl::Duration Delivery::ShortInterval() const {
  return std::max(context_->options.checkpoint_least,
                  kShortIntervalEach * static_cast<double>(context_->active));
}

absl::Duration Delivery::LongInterval() const {
  const absl::Duration all = kLongIntervalEach * static_cast<double>(context_->active);
  return std::max(context_->options.checkpoint_most, std::min(all, kLongestInterval));
}

void Delivery::CheckpointIfDue() {
  if (sync_running_ || in_place_ || phase_ != Phase::kFetching) return;
  const absl::Duration passed = absl::FromChrono(context_->loop->now() - checkpoint_time_);
  const uint64_t fresh = position_ - syncing_;
  // What proves nothing is of little use to a later try: it is only progress to be seen.
  const bool much = fresh >= context_->options.checkpoint_bytes && ProvesVersion(validators_);
  if (fresh > 0 && (passed >= LongInterval() || (much && passed >= ShortInterval()))) {
    BeginCheckpoint();
  } else {
    ArmTimer();
  }
}

void Delivery::ArmTimer() {
  if (timer_ != 0) return;
  const auto due = checkpoint_time_ + absl::ToChronoNanoseconds(LongInterval());
  timer_ = context_->loop->After(due - context_->loop->now(), [this] {
    timer_ = 0;
    if (position_ > syncing_) CheckpointIfDue();
  });
}

void Delivery::BeginCheckpoint() {
  Flush();
  sync_running_ = true;
  syncing_ = position_;
  checkpoint_time_ = context_->loop->now();
  sink_->Sync([weak = weak_from_this(), epoch = epoch_](const absl::Status& status) {
    if (auto self = weak.lock()) self->OnSynced(epoch, status);
  });
}

void Delivery::OnSynced(uint64_t epoch, const absl::Status& status) {
  sync_running_ = false;
  if (!status.ok()) {
    sync_failed_ = true;
    return FailLocally(status);
  }
  if (epoch != epoch_ || phase_ == Phase::kRestarting) return;
  durable_ = written_;
  TellCheckpoint();
  if (phase_ == Phase::kFetching && position_ > syncing_) ArmTimer();
}

domain::Checkpoint Delivery::CheckpointAt(uint64_t bytes) const {
  return {bytes,        total_, validators_, last_modified_, response_headers_, spec_.file.remote_name,
          final_name_, digest_};
}

void Delivery::TellCheckpoint() {
  if (durable_ <= told_ || in_place_) return;
  told_ = durable_;
  observer_->OnCheckpoint(CheckpointAt(durable_));
}

// --- Another version ---------------------------------------------------------------------------

void Delivery::Restart(RestartReason reason, std::function<void()> then) {
  if (phase_ != Phase::kFetching) return;
  if (++restarts_ > context_->options.max_restarts) {
    return Fail(RemoteFailure(domain::kRemoteFileChanged,
                              absl::StrCat("the file had to be started over more than ",
                                           context_->options.max_restarts, " times")));
  }
  phase_ = Phase::kRestarting;
  ++epoch_;
  if (current_.allocated()) context_->buffers->Release(std::exchange(current_, Buffer()));
  context_->loop->CancelTimer(std::exchange(timer_, 0));
  // The observer may call from any thread, and long after we are gone.
  auto proceed = [weak = weak_from_this(), weak_loop = std::weak_ptr(context_->loop),
                  epoch = epoch_, then = std::move(then)] {
    const std::shared_ptr<EventLoop> loop = weak_loop.lock();
    if (loop == nullptr) return;
    loop->Post([weak, epoch, then] {
      if (auto self = weak.lock()) self->OnProceed(epoch, then);
    });
  };
  if (told_ == 0) {
    proceed();
  } else {
    observer_->OnRestart(reason, std::move(proceed));
  }
}

void Delivery::OnProceed(uint64_t epoch, const std::function<void()>& then) {
  if (phase_ != Phase::kRestarting || epoch != epoch_) return;
  phase_ = Phase::kFetching;
  position_ = written_ = durable_ = told_ = syncing_ = 0;
  total_.reset();
  digest_.clear();
  validators_ = {};
  last_modified_.reset();
  next_size_ = BufferPool::kLeast;
  refused_ = false;
  checkpoint_time_ = context_->loop->now();
  emptied_ = true;
  sink_->Truncate(0, Bind(&Delivery::Check));
  then();
}

// --- The end -----------------------------------------------------------------------------------

void Delivery::Finish() {
  if (phase_ != Phase::kFetching) return;
  if (sidecar_ != nullptr && digest_.empty()) return FindDigest([this] { Finish(); });
  phase_ = Phase::kFinishing;
  context_->loop->CancelTimer(std::exchange(timer_, 0));
  total_ = position_;
  Flush();
  sink_->Sync(Bind(&Delivery::OnFinished));
}

void Delivery::OnFinished(const absl::Status& status) {
  if (phase_ != Phase::kFinishing) return;  // a write failed
  if (!status.ok()) {
    sync_failed_ = true;
    return FailLocally(status);
  }
  durable_ = written_;
  if (!spec_.file.checksum.has_value()) {
    outcome_ = Outcome::kTransferred;
    return Close();
  }
  TellCheckpoint();  // checking may take long
  if (stop_requested_) return WindDown(Outcome::kStopped, true);
  phase_ = Phase::kVerifying;
  domain::Checksum checksum = *spec_.file.checksum;
  if (sidecar_ != nullptr) checksum.hex = digest_;
  sink_->Verify(checksum, position_, Bind(&Delivery::OnVerified));
}

void Delivery::OnVerified(const absl::StatusOr<bool>& matches) {
  if (absl::IsCancelled(matches.status())) return WindDown(Outcome::kStopped, true);
  if (!matches.ok()) return FailLocally(matches.status());
  if (*matches) {
    outcome_ = Outcome::kTransferred;
    return Close();
  }
  failure_.hresult = domain::kValidationFailed;
  failure_.context = domain::ErrorContext::kLocalFile;
  failure_.detail = absl::StrCat("the ", Av(AlgorithmName(spec_.file.checksum->algorithm)),
                                 " checksum of what was received is not the one that ",
                                 digest_.empty() ? "was given" : "the checksum file gives: ",
                                 digest_);
  WindDown(Outcome::kFailed, false);
}

void Delivery::Fail(domain::Failure failure, bool keep) {
  if (phase_ >= Phase::kEnding) return;
  AbandonAll();
  failure_ = std::move(failure);
  WindDown(Outcome::kFailed, keep);
}

void Delivery::FailLocally(const absl::Status& status) {
  if (phase_ >= Phase::kEnding) return;
  AbandonAll();
  failure_ = LocalFailure(status);
  WindDown(Outcome::kFailed, true);
}

void Delivery::Stop() {
  stop_requested_ = true;
  if (phase_ == Phase::kVerifying) return sink_->CancelVerify();
  if (phase_ >= Phase::kFinishing) return;  // soon over anyway
  AbandonAll();
  WindDown(Outcome::kStopped, true);
}

// Makes durable what is good, and closes.
void Delivery::WindDown(Outcome outcome, bool keep) {
  outcome_ = outcome;
  // After a Sync that failed the next may well succeed, and prove nothing.
  keep = keep && phase_ != Phase::kRestarting && !sync_failed_ && !in_place_;
  if (!keep) ++epoch_;  // nor is a checkpoint that is under way
  phase_ = Phase::kEnding;
  context_->loop->CancelTimer(std::exchange(timer_, 0));
  if (keep && !write_failed_) Flush();
  if (current_.allocated()) context_->buffers->Release(std::exchange(current_, Buffer()));
  // Whoever waits for the next try does not hold the room that it will need.
  if (keep && !write_failed_ && reserved_) sink_->Truncate(position_, [](const absl::Status&) {});
  if (!keep || (in_flight_ == 0 && written_ <= durable_)) return Close();
  sink_->Sync([weak = weak_from_this()](const absl::Status& status) {
    auto self = weak.lock();
    if (self == nullptr) return;
    if (status.ok() && !self->sync_failed_) {
      self->durable_ = self->written_;
      self->TellCheckpoint();
    }
    self->Close();
  });
}

void Delivery::Close() {
  phase_ = Phase::kEnding;
  sink_->Close([self = shared_from_this()](const std::string& identity) {
    self->phase_ = Phase::kEnded;
    const std::shared_ptr<app::TransferObserver> observer = std::move(self->observer_);
    switch (self->outcome_) {
      case Outcome::kTransferred:
        observer->OnTransferred(self->CheckpointAt(self->position_), identity);
        break;
      case Outcome::kFailed:
        self->failure_.response_headers = self->response_headers_;
        if (!self->final_name_.empty()) self->failure_.final_name = self->final_name_;
        observer->OnFailed(self->failure_);
        break;
      case Outcome::kStopped:
        observer->OnStopped();
        break;
    }
    self->on_ended_();
  });
}

}  // namespace bits::transfer

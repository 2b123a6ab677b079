#include "server/rpc/content_reader.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/base/error_info.h"
#include "server/rpc/status_convert.h"

namespace bits::rpc {
namespace {

constexpr uint64_t kPiece = uint64_t{256} * 1024;

}  // namespace

std::shared_ptr<ContentReader> ContentReader::Make(const ContentEnvironment& env,
                                                   grpc::CallbackServerContext* context,
                                                   std::function<void()> on_done) {
  std::shared_ptr<ContentReader> reader(new ContentReader(env, context, std::move(on_done)));
  MutexLock lock(reader->mutex_);
  reader->self_ = reader;
  return reader;
}

void ContentReader::Start(Open open, Part part) {
  open_ = std::move(open);
  part_ = std::move(part);
  Post(&ContentReader::OpenFile);
}

void ContentReader::Refuse(const absl::Status& status) {
  if (Leave(false)) Finish(ToGrpcStatus(status));
}

bool ContentReader::Leave(bool to_write) {
  MutexLock lock(mutex_);
  if (phase_ == Phase::kFinished) return false;
  phase_ = to_write ? Phase::kWriting : Phase::kFinished;
  return true;
}

void ContentReader::End(const absl::Status& status) {
  {
    MutexLock lock(mutex_);
    if (phase_ == Phase::kFinished || self_ == nullptr) return;
    if (phase_ == Phase::kWriting) {
      cancelled_ = true;
      context_->TryCancel();  // OnWriteDone follows, and ends it
      return;
    }
    phase_ = Phase::kFinished;
  }
  Finish(ToGrpcStatus(status));
}

void ContentReader::Post(void (ContentReader::*step)()) {
  const absl::Status posted = env_.contents->TryPost(
      [self = shared_from_this(), step] { (self.get()->*step)(); });
  if (!posted.ok()) Refuse(posted);
}

void ContentReader::OpenFile() {
  absl::StatusOr<app::Content> content = open_();
  if (!content.ok()) return Refuse(content.status());
  content_ = *std::move(content);
  if (!part_.version.empty() && part_.version != content_.version) {
    return Refuse(MakeRefusal(absl::StatusCode::kFailedPrecondition, "BG_E_LOCAL_FILE_CHANGED",
                              "the file was fetched anew since it was begun to be read"));
  }
  if (part_.offset > content_.size) {
    return Refuse(MakeRefusal(absl::StatusCode::kOutOfRange, "BG_E_INVALID_RANGE",
                              absl::StrCat("read_offset: the file has ", content_.size, " bytes.")));
  }
  if (!Leave(true)) return;  // what follows is gRPC's too
  context_->AddInitialMetadata(kContentVersion, content_.version);
  {
    MutexLock lock(mutex_);
    phase_ = Phase::kReading;
  }
  position_ = part_.offset;
  end_ = position_ + std::min(part_.limit.value_or(content_.size), content_.size - position_);
  ReadOn();
}

void ContentReader::ReadOn() {
  if (cancelled_) return Refuse(absl::CancelledError("the caller is gone"));
  // A long one is not waited for by a server that ends: the next goes on from where this was.
  if (const absl::Status admitted = env_.gate->Admit(); !admitted.ok()) return Refuse(admitted);
  if (position_ == end_) return Refuse(absl::OkStatus());  // the end
  std::string& data = *message_.mutable_data();
  data.resize(std::min(kPiece, end_ - position_));
  const absl::StatusOr<size_t> got =
      content_.file->ReadAt(position_, data.data(), data.size());
  if (!got.ok()) return Refuse(got.status());
  if (*got < data.size()) {
    return Refuse(MakeRefusal(absl::StatusCode::kFailedPrecondition, "BG_E_LOCAL_FILE_CHANGED",
                              "the file became shorter while it was read"));
  }
  position_ += *got;
  Write();
}

void ContentReader::Write() {
  if (!Leave(true)) return;
  timer_ = env_.timers->Add(TimerQueue::Clock::now() + env_.options.slow_consumer_timeout,
                            [weak = weak_from_this()] {
                              const auto self = weak.lock();
                              if (self == nullptr) return;
                              MutexLock lock(self->mutex_);
                              // After OnDone there is no context.
                              if (self->self_ != nullptr) self->context_->TryCancel();
                            });
  StartWrite(&message_);
}

void ContentReader::OnWriteDone(bool ok) {
  env_.timers->Cancel(timer_);
  {
    MutexLock lock(mutex_);
    phase_ = Phase::kReading;
  }
  if (!ok) cancelled_ = true;
  Post(&ContentReader::ReadOn);
}

void ContentReader::OnDone() {
  std::shared_ptr<ContentReader> last;  // outlives what follows
  {
    MutexLock lock(mutex_);
    last = std::move(self_);
  }
  on_done_();
}

}  // namespace bits::rpc

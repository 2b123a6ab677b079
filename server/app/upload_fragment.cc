#include "server/app/upload_fragment.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/base/log.h"
#include "server/base/strings.h"
#include "server/domain/error_code.h"
#include "server/domain/upload_target.h"

namespace bits::app {
namespace {

using domain::UploadAnswer;
using domain::UploadNotification;
using domain::UploadSession;
using domain::UploadState;

UploadAnswer Ending() { return domain::UploadUnavailable("the server is busy or ending"); }

UploadAnswer FileAnswer(const absl::Status& status) {
  return domain::UploadFileError(HresultOf(status), Sv(status.message()));
}

// The session's temporary file, if a fragment's bytes are to go there. NOT_FOUND: what was received
// is not there any more.
absl::StatusOr<std::shared_ptr<LocalFile>> OpenPart(FileSystem& files,
                                                    const UploadSession& session) {
  const bool anew = session.identity.empty();
  if (!anew) {
    const auto there = files.Look(session.temporary);
    if (!there.ok()) return there.status();
    if (*there != domain::FileKind::kRegular) return absl::NotFoundError("it was deleted");
  }
  auto file = files.OpenTemporary(session.temporary, anew);
  if (!file.ok()) return file.status();
  if (!anew) {
    const auto identity = (*file)->Identity();
    const auto size = (*file)->Size();
    if (!identity.ok()) return identity.status();
    if (!size.ok()) return size.status();
    if (*identity != session.identity || *size < session.received) {
      return absl::NotFoundError("it was replaced");
    }
  }
  return std::shared_ptr<LocalFile>(*std::move(file));
}

}  // namespace

void UploadManager::BeginFragment(Request request, const domain::UploadPacket& packet,
                                  std::function<void()> make_way, Begun begun) {
  const auto begin = [this, request = std::move(request), packet, begun](const Turn& turn) {
    auto found = Find(request, packet.session_id);
    if (const auto* answer = std::get_if<UploadAnswer>(&found)) return begun(*answer);
    auto& session = std::get<UploadSession>(found);
    const auto refuse = [&session, &begun](UploadAnswer answer) {
      answer.session_id = session.id;
      LogUpload("fragment refused", session, &answer);
      begun(std::move(answer));
    };
    domain::UploadStep step = DecideFragment(session, *request.location, packet.range);
    if (step.answer.has_value()) return refuse(*std::move(step.answer));
    std::shared_ptr<LocalFile> file;
    if (session.state == UploadState::kReceiving && (step.skip < packet.range.length ||
                                                     session.identity.empty())) {
      absl::StatusOr<std::shared_ptr<LocalFile>> opened = OpenPart(*ports_.files, session);
      if (absl::IsNotFound(opened.status()) && !session.identity.empty()) {
        // Somebody deleted it. The client begins anew, as after any loss of a session.
        LogUpload("lost", session);
        return Retire(session, turn, [begun](const absl::Status&) {
          begun(domain::UploadSessionNotFound());
        });
      }
      if (!opened.ok()) return refuse(FileAnswer(opened.status()));
      file = *std::move(opened);
    }
    begun(std::make_shared<UploadFragment>(this, request, std::move(session), packet.range,
                                           step.skip, std::move(file), turn));
  };
  turns_.Take(packet.session_id, std::move(make_way), [this, begin, begun](const Turn& turn) {
    if (turn == nullptr) return begun(Ending());
    Post([begin, turn] { begin(turn); }, [begun] { begun(Ending()); });
  });
}

UploadFragment::UploadFragment(UploadManager* manager, UploadManager::Request request,
                               UploadSession session, domain::UploadRange range, uint64_t skip,
                               std::shared_ptr<LocalFile> file,
                               std::shared_ptr<UploadTurns::Turn> turn)
    : manager_(manager),
      request_(std::move(request)),
      session_(std::move(session)),
      range_(range),
      skip_(skip),
      file_(std::move(file)),
      turn_(std::move(turn)) {}

void UploadFragment::Write(std::string_view data, const std::function<void(bool)>& done) {
  manager_->Post(
      [self = shared_from_this(), data, done] {
        const absl::Status status = self->file_->WriteAt(self->session_.received + self->written_, data);
        if (status.ok()) {
          self->written_ += data.size();
        } else {
          self->failure_ = FileAnswer(status);
        }
        done(status.ok());
      },
      [self = shared_from_this(), done] {
        self->failure_ = Ending();
        done(false);
      });
}

void UploadFragment::Finish(const UploadManager::Done& done) {
  manager_->Post([self = shared_from_this(), done] { self->FinishNow(done); },
                 [self = shared_from_this(), done] { self->Answer(done, Ending()); });
}

void UploadFragment::FinishNow(const UploadManager::Done& done) {
  if (failure_.has_value()) {
    LogUpload("fragment failed", session_, &*failure_);
    return Answer(done, *failure_);
  }
  const bool delivered = session_.state == UploadState::kDelivered;
  if (file_ != nullptr) {
    domain::UploadSession next = session_;
    AcceptFragment(next, range_);
    absl::Status status;
    if (next.whole()) {
      // Longer by what a crash has left of a fragment that was never acknowledged.
      const absl::StatusOr<uint64_t> size = file_->Size();
      status = size.status();
      if (size.ok() && *size != next.received) status = file_->Truncate(next.received);
    }
    status.Update(file_->Sync());
    const absl::StatusOr<std::string> identity = file_->Identity();
    status.Update(identity.status());
    if (!status.ok()) {
      const UploadAnswer answer = FileAnswer(status);
      LogUpload("fragment failed", session_, &answer);
      return Answer(done, answer);
    }
    next.identity = *identity;
    session_ = std::move(next);
    file_ = nullptr;
  }
  session_.expire_time = manager_->ports_.clock->Now() + request_.location->session_timeout;
  manager_->Put(session_, [self = shared_from_this(), done, delivered](const absl::Status& status) {
    if (!status.ok()) {
      return self->Answer(done, domain::UploadUnavailable("the fragment cannot be recorded"));
    }
    if (delivered || !self->session_.whole()) {
      return self->Answer(done, FragmentAck(self->session_));
    }
    self->manager_->Post([self, done] { self->Deliver(done); },
                         [self, done] { self->Answer(done, Ending()); });
  });
}

void UploadFragment::Deliver(const UploadManager::Done& done) {
  const domain::UploadLocation& location = *request_.location;
  if (location.notification == UploadNotification::kNone) {
    domain::ApplicationAnswer none;
    none.status = 200;
    none.copy = true;
    return OnApplication(none, done);
  }
  if (session_.refused) {
    domain::ApplicationAnswer refused;
    refused.status = 403;
    return OnApplication(refused, done);
  }
  ApplicationRequest request;
  request.url = domain::AppendQuery(location.notification_url, request_.query);
  request.original_url = request_.url;
  request.session_id = session_.id;
  request.idempotency_key = session_.id.substr(1, session_.id.size() - 2);
  request.by_value = location.notification == UploadNotification::kByValue;
  request.data_path = session_.temporary;
  request.size = session_.received;
  request.reply_path = session_.reply;
  // What an earlier try has left is no answer to this one.
  const absl::Status removed = manager_->ports_.files->Remove(session_.reply);
  if (!removed.ok()) return Answer(done, FileAnswer(removed));
  LogUpload("told to the application", session_);
  manager_->ports_.application->Notify(
      std::move(request),
      [self = shared_from_this(), done](const domain::ApplicationAnswer& answer) {
        self->manager_->Post([self, answer, done] { self->OnApplication(answer, done); },
                             [self, done] { self->Answer(done, Ending()); });
      });
}

void UploadFragment::OnApplication(const domain::ApplicationAnswer& answer,
                                   const UploadManager::Done& done) {
  std::optional<UploadAnswer> failure = ApplicationRefusal(answer);
  if (failure.has_value()) {
    failure->session_id = session_.id;
    LogUpload("refused by the application", session_, &*failure);
    if (answer.status != 403 || session_.refused) return Answer(done, *failure);
    session_.refused = true;
    return Record(done, *failure);
  }
  failure = TakeReply(answer);
  if (!failure.has_value() && answer.copy) failure = Publish();
  if (failure.has_value()) {
    failure->session_id = session_.id;
    LogUpload("cannot be delivered", session_, &*failure);
    return Answer(done, *failure);
  }
  session_.state = UploadState::kDelivered;
  session_.expire_time = manager_->ports_.clock->Now() + request_.location->session_timeout;
  LogUpload("delivered", session_);
  Record(done, FragmentAck(session_));
}

std::optional<UploadAnswer> UploadFragment::TakeReply(const domain::ApplicationAnswer& answer) {
  session_.reply_url = answer.static_url;
  session_.has_reply = false;
  if (!answer.static_url.empty()) return std::nullopt;
  uint64_t size = answer.reply_size;
  if (request_.location->notification == UploadNotification::kByReference) {
    auto file = manager_->ports_.files->OpenSource(session_.reply);
    if (absl::IsNotFound(file.status())) return std::nullopt;
    if (!file.ok()) return FileAnswer(file.status());
    // Another program wrote it: it must be durable before its URL is told.
    const absl::Status synced = (*file)->Sync();
    const absl::StatusOr<uint64_t> found = (*file)->Size();
    if (!synced.ok()) return FileAnswer(synced);
    if (!found.ok()) return FileAnswer(found.status());
    size = *found;
  }
  if (size == 0) return std::nullopt;
  session_.has_reply = true;
  session_.reply_size = size;
  session_.reply_time = manager_->ports_.clock->Now();
  session_.reply_url = domain::ReplyPath(request_.location->path, session_.id);
  return std::nullopt;
}

std::optional<UploadAnswer> UploadFragment::Publish() {
  Publication publication;
  publication.from = session_.temporary;
  publication.to = session_.destination;
  publication.size = session_.received;
  publication.identity = session_.identity;
  publication.replace = request_.location->overwrite;
  size_t published = 0;
  const absl::Status status = manager_->ports_.files->Publish({publication}, &published);
  if (absl::IsAlreadyExists(status)) {
    return RefuseUpload(*request_.location, domain::FileKind::kRegular);
  }
  if (!status.ok()) return FileAnswer(status);
  session_.published = true;
  return std::nullopt;
}

void UploadFragment::Record(const UploadManager::Done& done, const UploadAnswer& answer) {
  manager_->Put(session_, [self = shared_from_this(), done, answer](const absl::Status& status) {
    if (!status.ok()) {
      return self->Answer(done, domain::UploadUnavailable("the delivery cannot be recorded"));
    }
    self->Answer(done, answer);
  });
}

void UploadFragment::Abandon() {
  // Whoever waits for the turn comes when this is recorded, or when there is nothing to record.
  manager_->Post(
      [self = shared_from_this()] {
        if (self->failure_.has_value() || self->file_ == nullptr || self->written_ == 0) return;
        UploadSession next = self->session_;
        next.total = self->range_.total;
        next.received += self->written_;
        const absl::Status status = self->file_->Sync();
        const absl::StatusOr<std::string> identity = self->file_->Identity();
        self->file_ = nullptr;
        if (!status.ok() || !identity.ok()) return;
        next.identity = *identity;
        LogUpload("fragment broken off", next);
        self->manager_->Put(next, [self](const absl::Status&) { self->turn_ = nullptr; });
      },
      [] {});
}

void UploadFragment::Answer(const UploadManager::Done& done, const UploadAnswer& answer) {
  turn_ = nullptr;
  done(answer);
}

}  // namespace bits::app

#include "server/app/upload_manager.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "server/app/ids.h"
#include "server/app/upload_fragment.h"
#include "server/base/log.h"
#include "server/base/status_macros.h"
#include "server/base/strings.h"
#include "server/domain/error_code.h"

namespace bits::app {
namespace {

using domain::UploadAnswer;
using domain::UploadSession;
using domain::UploadState;

constexpr uint32_t kSweptAtOnce = 256;
// When files that could not be deleted, or a session that was busy, are looked at again.
constexpr absl::Duration kSweepAgain = absl::Minutes(10);

UploadAnswer Unavailable() { return domain::UploadUnavailable("the server is busy or ending"); }

// The temporary file's path: beside the destination.
std::string Beside(const std::string& destination, std::string_view name) {
  return absl::StrCat(destination.substr(0, destination.rfind('/') + 1), std::string(name));
}

// Its rules are the ones of where it was created, whatever other location holds the same name.
bool IsOf(const UploadSession& session, const domain::UploadLocation& location) {
  return session.location.empty() || session.location == location.path;
}

}  // namespace

void LogUpload(std::string_view event, const UploadSession& session, const UploadAnswer* error) {
  const std::string message = "upload " + std::string(event);
  if (error == nullptr) {
    BITS_LOG(kInfo, message,
             {{"session", session.id},
              {"file", session.destination},
              {"client", session.client},
              {"received", session.received}});
    return;
  }
  BITS_LOG(kWarning, message,
           {{"session", session.id},
            {"file", session.destination},
            {"client", session.client},
            {"received", session.received},
            {"status", error->status},
            {"hresult", absl::StrFormat("0x%08X", error->hresult)},
            {"detail", error->detail}});
}

void UploadManager::Post(std::function<void()> task, const std::function<void()>& refused) {
  if (!ports_.executor->TryPost(std::move(task)).ok()) refused();
}

absl::StatusOr<std::string> UploadManager::DestinationOf(const Request& request) const {
  return ports_.files->Resolve(absl::StrCat(request.location->root, "/", request.name));
}

void UploadManager::Create(Request request, const Done& done) {
  Post([this, request = std::move(request), done] { CreateNow(request, done); },
       [done] { done(Unavailable()); });
}

void UploadManager::CreateNow(const Request& request, const Done& done) {
  UploadSession session;
  session.client = request.client;
  session.location = request.location->path;
  const auto refuse = [&session, &done](const UploadAnswer& answer) {
    LogUpload("refused", session, &answer);
    done(answer);
  };
  const domain::UploadLocation& location = *request.location;
  if (!location.enabled) return refuse(*RefuseUpload(location, domain::FileKind::kNothing));
  if (request.name.empty() || request.name.ends_with('/')) {
    return refuse(*RefuseUpload(location, domain::FileKind::kDirectory));
  }
  absl::StatusOr<std::string> destination = DestinationOf(request);
  if (!destination.ok()) {
    return refuse(domain::UploadFileError(HresultOf(destination.status()), "no name for a file"));
  }
  session.destination = *std::move(destination);
  const auto there = ports_.files->Look(session.destination);
  if (!there.ok()) {
    return refuse(domain::UploadFileError(HresultOf(there.status()), Sv(there.status().message())));
  }
  if (const auto refusal = RefuseUpload(location, *there)) return refuse(*refusal);
  if (location.notification_url.size() + 1 + request.query.size() > domain::kLongestUploadUrl) {
    return refuse(domain::UploadError(400, domain::kInvalidArgument,
                                      "the notification's URL would be too long"));
  }
  const std::string uuid = NewUuid();
  session.id = absl::StrCat("{", uuid, "}");
  session.temporary = Beside(session.destination, absl::StrCat(".BIT-up-", uuid));
  session.reply = Beside(session.destination, absl::StrCat(".BIT-re-", uuid));
  session.create_time = ports_.clock->Now();
  session.expire_time = session.create_time + location.session_timeout;
  ports_.store->Commit(
      [session, &location](Transaction& transaction) -> absl::Status {
        const uint32_t most = location.max_sessions_per_client;
        if (most != 0) {
          BITS_ASSIGN_OR_RETURN(const uint32_t count,
                                transaction.CountUploadSessions(session.client, most));
          if (RefuseAnotherUpload(location, count).has_value()) {
            return absl::ResourceExhaustedError("sessions");
          }
        }
        return transaction.PutUploadSession(session);
      },
      [this, session, done, &location](const absl::Status& status) {
        if (!status.ok()) {
          // The store says RESOURCE_EXHAUSTED too, when too many changes wait: as passing a state.
          const UploadAnswer answer =
              RefuseAnotherUpload(location, absl::IsResourceExhausted(status) ? UINT32_MAX : 0)
                  .value_or(domain::UploadUnavailable("the session cannot be stored"));
          LogUpload("refused", session, &answer);
          return done(answer);
        }
        SweepBy(session.expire_time);
        LogUpload("session created", session);
        UploadAnswer ack;
        ack.session_id = session.id;
        ack.created = true;
        done(ack);
      });
}

std::variant<UploadAnswer, UploadSession> UploadManager::Find(const Request& request,
                                                              const std::string& session_id) {
  absl::StatusOr<UploadSession> session = ports_.store->GetUploadSession(session_id);
  if (absl::IsNotFound(session.status())) return domain::UploadSessionNotFound();
  if (!session.ok()) return domain::UploadUnavailable("the session cannot be read");
  const absl::StatusOr<std::string> destination = DestinationOf(request);
  // One without a user may come from another address than before; a user is the same for good.
  const bool anonymous = session->client.starts_with("address:");
  if (session->state == UploadState::kEnded || !destination.ok() ||
      *destination != session->destination || !IsOf(*session, *request.location) ||
      (!anonymous && session->client != request.client)) {
    return domain::UploadSessionNotFound();
  }
  return *std::move(session);
}

void UploadManager::Close(const Request& request, const std::string& session_id, const Done& done) {
  End(request, session_id, false, done);
}

void UploadManager::Cancel(const Request& request, const std::string& session_id, const Done& done) {
  End(request, session_id, true, done);
}

void UploadManager::End(const Request& request, const std::string& session_id, bool cancel, const Done& done) {
  turns_.Take(session_id, nullptr, [this, request, session_id, cancel, done](const Turn& turn) {
    if (turn == nullptr) return done(Unavailable());
    Post([this, request, session_id, cancel, turn,
          done] { EndNow(request, session_id, cancel, turn, done); },
         [done] { done(Unavailable()); });
  });
}

void UploadManager::EndNow(const Request& request, const std::string& session_id, bool cancel,
                           const Turn& turn, const Done& done) {
  auto found = Find(request, session_id);
  if (const auto* answer = std::get_if<UploadAnswer>(&found)) return done(*answer);
  auto& session = std::get<UploadSession>(found);
  // What the application has, but was not to be published, must be here until now.
  bool vanished = false;
  if (!cancel && session.state == UploadState::kDelivered && !session.published) {
    const auto there = ports_.files->Look(session.temporary);
    vanished = there.ok() && *there == domain::FileKind::kNothing;
  }
  const std::string id = session.id;
  LogUpload(cancel ? "cancelled" : "session closed", session);
  Retire(std::move(session), turn, [id, vanished, done](const absl::Status& status) {
    if (!status.ok()) return done(domain::UploadUnavailable("the session cannot be stored"));
    UploadAnswer answer;
    if (vanished) answer = domain::UploadError(404, domain::kFileNotFound, "the upload is gone");
    answer.session_id = id;
    done(answer);
  });
}

void UploadManager::Retire(UploadSession session, Turn turn,
                           std::function<void(absl::Status)> done) {
  session.state = UploadState::kEnded;
  session.expire_time = ports_.clock->Now();
  Put(session, [this, session, turn = std::move(turn), done = std::move(done)](const absl::Status& status) {
    done(status);
    if (!status.ok()) return;
    Post([this, session, turn] { DeleteFiles(session, turn); }, [] {});
  });
}

void UploadManager::DeleteFiles(UploadSession session, Turn turn) {
  absl::Status status = ports_.files->Remove(session.temporary);
  status.Update(ports_.files->Remove(session.reply));
  if (!status.ok()) {
    BITS_LOG(kWarning, "an upload's temporary files could not be deleted",
             {{"session", session.id}, {"status", status}});
    session.expire_time = ports_.clock->Now() + kSweepAgain;
    return Put(std::move(session), [turn = std::move(turn)](const absl::Status&) {});
  }
  ports_.store->Commit(
      [id = session.id](Transaction& transaction) { return transaction.DeleteUploadSession(id); },
      [turn = std::move(turn)](const absl::Status&) {});
}

void UploadManager::Put(UploadSession session, std::function<void(absl::Status)> done) {
  const absl::Time time = session.expire_time;
  ports_.store->Commit(
      [session = std::move(session)](Transaction& transaction) {
        return transaction.PutUploadSession(session);
      },
      [this, time, done = std::move(done)](absl::Status status) {
        if (status.ok()) SweepBy(time);
        done(std::move(status));
      });
}

void UploadManager::OpenReply(Request request, const std::string& session_id,
                              const std::function<void(absl::StatusOr<Reply>)>& done) {
  const auto open = [this, request = std::move(request), session_id, done] {
    const absl::StatusOr<UploadSession> session = ports_.store->GetUploadSession(session_id);
    const bool anonymous = session.ok() && session->client.starts_with("address:");
    if (!session.ok() && !absl::IsNotFound(session.status())) return done(session.status());
    if (!session.ok() || !IsOf(*session, *request.location) || session->state != UploadState::kDelivered || !session->has_reply ||
        (!anonymous && session->client != request.client)) {
      return done(absl::NotFoundError("no such reply"));
    }
    auto file = ports_.files->OpenSource(session->reply);
    if (absl::IsNotFound(file.status())) return done(absl::NotFoundError("the reply is gone"));
    if (!file.ok()) return done(file.status());
    Reply reply;
    reply.file = *std::move(file);
    reply.size = session->reply_size;
    reply.time = session->reply_time;
    reply.etag = absl::StrCat("\"", session->id.substr(1, session->id.size() - 2), "-",
                              absl::ToUnixMicros(session->reply_time), "\"");
    done(std::move(reply));
  };
  Post(open, [done] { done(absl::UnavailableError("ending")); });
}

void UploadManager::SweepBy(absl::Time time) {
  {
    MutexLock lock(mutex_);
    if (time >= next_sweep_) return;
    next_sweep_ = time;
  }
  if (sweep_listener_) sweep_listener_(time);
}

void UploadManager::Sweep(const std::function<void(absl::Time)>& done) {
  Post([this, done] { SweepNow(done); }, [] {});
}

void UploadManager::SweepNow(const std::function<void(absl::Time)>& done) {
  {
    MutexLock lock(mutex_);
    next_sweep_ = absl::InfiniteFuture();  // whoever is put from now on says so
  }
  const absl::Time now = ports_.clock->Now();
  absl::Time next = now + kSweepAgain;
  const absl::StatusOr<std::vector<std::string>> ids =
      ports_.store->ListExpiredUploads(now, kSweptAtOnce);
  const absl::StatusOr<absl::Time> later = ports_.store->NextUploadExpiry(now);
  if (ids.ok() && later.ok()) {
    next = *later;
    if (ids->size() == kSweptAtOnce) next = now + absl::Seconds(1);
    for (const std::string& id : *ids) {
      Turn turn = turns_.TryTake(id);
      if (turn == nullptr) {
        next = std::min(next, now + kSweepAgain);
        continue;
      }
      absl::StatusOr<UploadSession> session = ports_.store->GetUploadSession(id);
      if (!session.ok() || session->expire_time > now) continue;
      if (session->state == UploadState::kEnded) {
        DeleteFiles(*std::move(session), std::move(turn));
        continue;
      }
      LogUpload("session expired", *session);
      Retire(*std::move(session), std::move(turn), [](const absl::Status&) {});
    }
  }
  {
    MutexLock lock(mutex_);
    next_sweep_ = next = std::min(next, next_sweep_);
  }
  done(next);
}

}  // namespace bits::app

#include "server/receive/connection.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/base/log.h"
#include "server/base/redact.h"
#include "server/base/strings.h"
#include "server/domain/error_code.h"
#include "server/domain/upload_packet.h"
#include "server/domain/upload_target.h"

namespace bits::receive {
namespace {

using domain::UploadAnswer;

constexpr size_t kHeadPiece = 2048;
// A body that is of no use is read to its end up to here, so that the connection can go on; it is
// as much as Windows sends at once.
constexpr uint64_t kMostDiscarded = uint64_t{16} << 20;
constexpr size_t kDiscardPiece = size_t{32} << 10;
// After the last answer of a connection: what still comes is read, so that the answer is not lost to a reset.
constexpr size_t kMostLingered = size_t{1} << 20;
constexpr absl::Duration kLinger = absl::Seconds(5);

UploadAnswer HttpError(uint32_t status, std::string_view detail) {
  return domain::UploadError(status, domain::FromHttpStatus(status), detail);
}

UploadAnswer BadRequest(std::string_view detail) {
  return domain::UploadError(400, domain::kInvalidArgument, detail);
}

}  // namespace

Connection::Connection(const Service& service, std::shared_ptr<Transport> transport,
                       std::function<void()> ended)
    : service_(service),
      transport_(std::move(transport)),
      ended_(std::move(ended)),
      timer_(*service.loop) {}

Connection::~Connection() = default;

std::function<void()> Connection::OnLoop(std::function<void(Connection&)> task) {
  return [self = shared_from_this(), task = std::move(task)] {
    self->service_.loop->Post([self, task] { task(*self); });
  };
}

template <typename Answer>
std::function<void(Answer)> Connection::OnLoop(void (Connection::*method)(Answer)) {
  return [self = shared_from_this(), method](Answer answer) {
    self->service_.loop->Post([self, method, answer = std::move(answer)]() mutable {
      ((*self).*method)(std::move(answer));
    });
  };
}

void Connection::Arm(absl::Duration delay) {
  timer_.Set(delay, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->transport_->Close();
  });
}

void Connection::Start() {
  Arm(service_.options->header_timeout);
  transport_->Handshake([self = shared_from_this()](bool ok) {
    if (!ok || self->closed_) return self->End();
    self->ReadHead();
  });
}

void Connection::Close() {
  closed_ = true;
  transport_->Close();
}

void Connection::End() {
  closed_ = true;
  timer_.Cancel();
  transport_->Close();
  if (ended_) std::exchange(ended_, nullptr)();
}

void Connection::ReadHead() {
  if (TakeRequest()) return;
  if (buffer_.empty()) {
    in_head_ = false;
    Arm(service_.options->idle_timeout);
  } else if (!std::exchange(in_head_, true)) {
    Arm(service_.options->header_timeout);  // for all of it
  }
  const size_t before = buffer_.size();
  buffer_.resize(before + kHeadPiece);
  transport_->Read(buffer_.data() + before, kHeadPiece, [self = shared_from_this(), before](size_t n) {
    self->buffer_.resize(before + n);
    if (n == 0 || self->closed_) return self->End();
    self->ReadHead();
  });
}

bool Connection::TakeRequest() {
  const HeadState state = TakeHead(buffer_, head_);
  if (state == HeadState::kMore) return false;
  in_head_ = false;
  timer_.Cancel();
  location_ = nullptr;
  fragment_ = nullptr;
  body_left_ = 0;
  challenge_ = failed_ = reading_body_ = superseded_ = false;
  ++request_;
  if (state == HeadState::kDone) {
    body_left_ = head_.content_length.value_or(0);
    OnRequest();
  } else {
    head_ = RequestHead();
    head_.keep_alive = false;
    Respond(BadRequest(state == HeadState::kTooLong ? "the header is too long" : "not HTTP"));
  }
  return true;
}

void Connection::OnRequest() {
  if (!head_.http11) {
    head_.keep_alive = false;
    return Respond(HttpError(505, "HTTP/1.1 only"));
  }
  if (head_.chunked) {
    head_.keep_alive = false;  // where it ends is not looked for
    return Respond(domain::UploadError(411, domain::kInvalidArgument, "Content-Length is missing"));
  }
  const auto target = domain::ParseUploadTarget(head_.target);
  if (!target.has_value()) return Respond(BadRequest("the URL's path is none"));
  if (!head_.Find("host").has_value()) return Respond(BadRequest("Host is missing"));
  for (const Location& location : service_.options->locations) {
    const auto name = domain::WithinLocation(location.rules.path, target->path);
    if (!name.has_value()) continue;
    if (location_ != nullptr && location_->rules.path.size() > location.rules.path.size()) continue;
    location_ = &location;
    name_ = *name;
  }
  if (location_ == nullptr) return Respond(HttpError(404, "no uploads here"));
  query_ = target->query;
  client_ = absl::StrCat("address:", transport_->PeerAddress());
  const std::string certificate = transport_->CertificateName();
  if (!certificate.empty()) client_ = absl::StrCat("certificate:", certificate);
  if (location_->users.empty()) return Dispatch();
  auto credentials = ParseBasic(head_.Find("authorization").value_or(""));
  if (!credentials.has_value()) return OnUser(false);
  client_ = absl::StrCat("user:", credentials->user);
  if (service_.passwords->IsKnown(location_->users, *credentials)) return OnUser(true);
  const auto held = std::make_shared<BasicCredentials>(*std::move(credentials));
  const std::function<void(bool)> done = OnLoop(&Connection::OnUser);
  // The disk's threads work it out: a few at a time, so that guessing does not take them from uploads.
  if (!service_.passwords->TryEnter()) {
    return Respond(domain::UploadUnavailable("too many passwords are being checked"));
  }
  service_.uploads->Post(
      [passwords = service_.passwords, users = &location_->users, held, done] {
        const bool known = passwords->Check(*users, *held);
        passwords->Leave();
        done(known);
      },
      OnLoop([](Connection& self) {
        self.service_.passwords->Leave();
        self.Respond(domain::UploadUnavailable("the server is busy or ending"));
      }));
}

void Connection::OnUser(bool known) {
  if (known) return Dispatch();
  if (head_.Find("authorization").has_value()) {
    BITS_LOG(kWarning, "an upload is refused: wrong user or password",
             {{"address", transport_->PeerAddress()}});
  }
  challenge_ = true;
  Respond(domain::UploadError(401, domain::kAccessDenied, "no user and password that are known"));
}

void Connection::Dispatch() {
  if (head_.method == domain::kUploadVerb) return OnPost();
  if (head_.method != "GET" && head_.method != "HEAD") {
    return Respond(HttpError(405, "no such method here"));
  }
  const auto session = domain::ReplySession(name_);
  if (!session.has_value()) return Respond(HttpError(404, "only replies can be fetched"));
  OnGet(*session);
}

void Connection::OnPost() {
  domain::UploadFields fields;
  fields.packet_type = head_.Find("bits-packet-type");
  fields.session_id = head_.Find("bits-session-id");
  fields.protocols = head_.Find("bits-supported-protocols");
  fields.content_range = head_.Find("content-range");
  fields.content_length = head_.content_length;
  const auto parsed = domain::ParseUploadPacket(fields);
  if (const auto* wrong = std::get_if<UploadAnswer>(&parsed)) return Respond(*wrong);
  const auto& packet = std::get<domain::UploadPacket>(parsed);
  app::UploadManager::Request request;
  request.location = &location_->rules;
  request.client = client_;
  request.name = name_;
  request.query = query_;
  request.url = head_.target.starts_with('/')
                    ? absl::StrCat(transport_->secure() ? "https://" : "http://",
                                   Av(*head_.Find("host")), head_.target)
                    : head_.target;
  const std::function<void(UploadAnswer)> done = OnLoop(&Connection::Respond);
  switch (packet.type) {
    case domain::UploadPacketType::kPing:
      return Respond({});
    case domain::UploadPacketType::kCreate:
      return service_.uploads->Create(std::move(request), done);
    case domain::UploadPacketType::kClose:
      return service_.uploads->Close(request, packet.session_id, done);
    case domain::UploadPacketType::kCancel:
      return service_.uploads->Cancel(request, packet.session_id, done);
    case domain::UploadPacketType::kFragment:
      break;
  }
  // Weak: whoever waits for this one's turn does not keep it.
  auto make_way = [weak = weak_from_this(), loop = service_.loop, number = request_] {
    loop->Post([weak, number] {
      if (const auto self = weak.lock()) self->MakeWay(number);
    });
  };
  service_.uploads->BeginFragment(std::move(request), packet, std::move(make_way),
                                  OnLoop(&Connection::OnBegun));
}

void Connection::Respond(UploadAnswer answer) {
  fragment_ = nullptr;
  chunk_ = nullptr;
  if (!answer.ok() && location_ == nullptr) {
    BITS_LOG(kDebug, "a request is refused",
             {{"status", answer.status}, {"detail", answer.detail}, {"url", RedactUrl(head_.target)}});
  }
  answer_ = std::move(answer);
  if (closed_) return End();
  // Who expects 100 has not sent the body, and may never.
  if (body_left_ > 0 && (head_.expects_continue || body_left_ > kMostDiscarded)) {
    head_.keep_alive = false;
  } else if (body_left_ > 0 && head_.keep_alive) {
    return Discard();
  }
  Send();
}

void Connection::Discard() {
  const auto here = std::min<uint64_t>(buffer_.size(), body_left_);
  buffer_.erase(0, here);
  body_left_ -= here;
  if (body_left_ == 0) {
    chunk_ = nullptr;
    return Send();
  }
  if (chunk_ == nullptr) chunk_ = std::make_unique<char[]>(kDiscardPiece);
  Arm(service_.options->idle_timeout);
  transport_->Read(chunk_.get(), std::min<uint64_t>(kDiscardPiece, body_left_),
                   [self = shared_from_this()](size_t n) {
                     if (n == 0 || self->closed_) return self->End();
                     self->body_left_ -= n;
                     self->Discard();
                   });
}

void Connection::Send() {
  ResponseOptions options;
  options.keep_alive = head_.keep_alive;
  options.location = location_ == nullptr ? nullptr : &location_->rules;
  options.challenge = challenge_;
  options.allow = answer_.status == 405;
  out_ = AckText(answer_, options, absl::Now());
  Arm(service_.options->idle_timeout);
  transport_->Write(out_, [self = shared_from_this()](bool ok) {
    if (!ok || self->closed_) return self->End();
    self->NextRequest();
  });
}

void Connection::NextRequest() {
  out_.clear();
  if (head_.keep_alive) return ReadHead();
  transport_->EndWriting();
  buffer_.resize(kHeadPiece);
  Arm(kLinger);
  Linger(kMostLingered);
}

void Connection::Linger(size_t left) {
  transport_->Read(buffer_.data(), buffer_.size(), [self = shared_from_this(), left](size_t n) {
    if (n == 0 || n >= left || self->closed_) return self->End();
    self->Linger(left - n);
  });
}

}  // namespace bits::receive

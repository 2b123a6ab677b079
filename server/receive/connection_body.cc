// The bytes that a connection carries: those of a fragment to the disk, those of a reply from there.
#include <algorithm>
#include <utility>
#include <variant>

#include "absl/time/clock.h"
#include "server/domain/error_code.h"
#include "server/receive/connection.h"

namespace bits::receive {
namespace {

// Of each body under way, so much is in memory.
constexpr uint64_t kChunk = uint64_t{32} << 10;

}  // namespace

void Connection::OnBegun(
    std::variant<domain::UploadAnswer, std::shared_ptr<app::UploadFragment>> begun) {
  if (auto* answer = std::get_if<domain::UploadAnswer>(&begun)) return Respond(std::move(*answer));
  fragment_ = std::move(std::get<std::shared_ptr<app::UploadFragment>>(begun));
  skip_left_ = fragment_->skip();
  chunk_filled_ = 0;
  if (closed_) return Broken();
  chunk_size_ = std::min(body_left_, kChunk);
  chunk_ = std::make_unique<char[]>(chunk_size_);
  reading_body_ = true;
  if (head_.expects_continue) {
    head_.expects_continue = false;
    out_ = "HTTP/1.1 100 Continue\r\n\r\n";
    Arm(service_.options->idle_timeout);
    transport_->Write(out_, [self = shared_from_this()](bool ok) {
      if (!ok || self->closed_) return self->Broken();
      self->ReadBody();
    });
  } else {
    ReadBody();
  }
  if (superseded_ && reading_body_) Close();
}

void Connection::ReadBody() {
  const auto here =
      std::min<uint64_t>({buffer_.size(), body_left_, chunk_size_ - chunk_filled_});
  if (here > 0) {
    std::copy_n(buffer_.data(), here, chunk_.get() + chunk_filled_);
    buffer_.erase(0, here);
    chunk_filled_ += here;
    body_left_ -= here;
  }
  if (chunk_filled_ == chunk_size_ || body_left_ == 0) return FlushBody();
  Arm(service_.options->idle_timeout);
  transport_->Read(chunk_.get() + chunk_filled_,
                   std::min<uint64_t>(chunk_size_ - chunk_filled_, body_left_),
                   [self = shared_from_this()](size_t n) {
                     if (n == 0 || self->closed_) return self->Broken();
                     self->chunk_filled_ += n;
                     self->body_left_ -= n;
                     self->ReadBody();
                   });
}

void Connection::FlushBody() {
  timer_.Cancel();
  const auto skipped = static_cast<size_t>(std::min<uint64_t>(skip_left_, chunk_filled_));
  const std::string_view data(chunk_.get() + skipped, chunk_filled_ - skipped);
  skip_left_ -= skipped;
  chunk_filled_ = 0;
  const auto go_on = [](Connection& self) {
    if (self.body_left_ > 0) {
      if (self.closed_) return self.Broken();
      return self.ReadBody();
    }
    self.reading_body_ = false;
    self.chunk_ = nullptr;
    self.fragment_->Finish(self.OnLoop(&Connection::Respond));
  };
  if (data.empty() || failed_) return go_on(*this);
  fragment_->Write(data, [self = shared_from_this(), go_on](bool ok) {
    self->service_.loop->Post([self, go_on, ok] {
      self->failed_ = !ok;
      go_on(*self);
    });
  });
}

void Connection::Broken() {
  reading_body_ = false;
  const auto skipped = static_cast<size_t>(std::min<uint64_t>(skip_left_, chunk_filled_));
  const std::string_view rest(chunk_.get() + skipped, chunk_filled_ - skipped);
  auto fragment = std::exchange(fragment_, nullptr);
  if (rest.empty() || failed_) {
    fragment->Abandon();
  } else {
    // `this` has what is written.
    fragment->Write(rest, [self = shared_from_this(), fragment](bool) { fragment->Abandon(); });
  }
  End();
}

void Connection::MakeWay(uint64_t request) {
  if (request != request_) return;
  // A body that has come whole is past that: its answer will be the next one's too.
  if (reading_body_) Close();
  superseded_ = true;  // it may not have begun
}

void Connection::OnGet(const std::string& session_id) {
  if (body_left_ > 0) {
    return Respond(
        domain::UploadError(400, domain::kInvalidArgument, "a request for a reply has no body"));
  }
  app::UploadManager::Request request;
  request.location = &location_->rules;
  request.client = client_;
  service_.uploads->OpenReply(
      std::move(request), session_id,
      [self = shared_from_this()](absl::StatusOr<app::UploadManager::Reply> reply) {
        self->service_.loop->Post([self, reply = std::move(reply)]() mutable {
          if (reply.ok()) return self->OnReply(*std::move(reply));
          const uint32_t status = absl::IsNotFound(reply.status()) ? 404 : 503;
          self->Respond(
              domain::UploadError(status, domain::FromHttpStatus(status), "no such reply"));
        });
      });
}

void Connection::OnReply(app::UploadManager::Reply reply) {
  if (closed_) return End();
  reply_ = std::move(reply);
  const std::string modified = HttpDate(reply_.time);
  const ReplyPart part = ChoosePart(head_.Find("range"), head_.Find("if-range"), reply_.etag,
                                    modified, reply_.size);
  reply_offset_ = part.first;
  reply_left_ = head_.method == "HEAD" ? 0 : part.length;
  out_ = ReplyHead(part, reply_.etag, modified, reply_.size, head_.keep_alive, absl::Now());
  Arm(service_.options->idle_timeout);
  transport_->Write(out_, [self = shared_from_this()](bool ok) {
    if (!ok) self->closed_ = true;
    self->SendReply();
  });
}

void Connection::SendReply() {
  timer_.Cancel();
  if (reply_left_ == 0 || closed_) {
    chunk_ = nullptr;
    // Closing a file may block.
    service_.uploads->Post([file = std::exchange(reply_.file, nullptr)] {}, [] {});
    return closed_ ? End() : NextRequest();
  }
  if (chunk_ == nullptr) chunk_ = std::make_unique<char[]>(kChunk);
  const auto size = static_cast<size_t>(std::min(reply_left_, kChunk));
  const auto sent = [self = shared_from_this(), size](bool ok) {
    self->reply_offset_ += size;
    self->reply_left_ -= size;
    if (!ok) self->closed_ = true;
    self->SendReply();
  };
  const auto read = [self = shared_from_this(), size, sent](bool ok) {
    self->service_.loop->Post([self, size, sent, ok] {
      if (!ok || self->closed_) return sent(false);
      self->Arm(self->service_.options->idle_timeout);
      self->transport_->Write({self->chunk_.get(), size}, sent);
    });
  };
  service_.uploads->Post(
      [file = reply_.file, offset = reply_offset_, buffer = chunk_.get(), size, read] {
        const absl::StatusOr<size_t> n = file->ReadAt(offset, buffer, size);
        read(n.ok() && *n == size);
      },
      [read] { read(false); });
}

}  // namespace bits::receive

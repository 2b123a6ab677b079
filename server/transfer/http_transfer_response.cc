// What comes in answer to a request; all of it is called from within libcurl.
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/base/strings.h"
#include "server/domain/error_code.h"
#include "server/transfer/close_notify.h"
#include "server/transfer/failure.h"
#include "server/transfer/http_transfer.h"

namespace bits::transfer {
namespace {

// A body of no interest is read to its end, to keep the connection, if it is no longer than this.
constexpr uint64_t kMostDiscarded = uint64_t{64} * 1024;
// Of the head of an answer, for whom it interests.
constexpr size_t kMostHeadKept = size_t{16} * 1024;

}  // namespace

size_t HttpTransfer::OnHeader(char* data, size_t size, size_t count, void* self) {
  auto* transfer = static_cast<HttpTransfer*>(self);
  transfer->active_time_ = transfer->context_->loop->now();
  const size_t bytes = size * count;
  const std::string_view line(data, bytes);
  if (transfer->plan_) {
    // libcurl asks again by itself where a scheme takes several requests.
    const uint32_t status = transfer->parser_.head().status;
    const bool again = (status == 401 || status == 407) && line.starts_with("HTTP/");
    if (!again) return bytes;  // a trailer
    transfer->plan_.reset();
    transfer->mode_ = Mode::kHead;
    transfer->discarded_ = 0;
  }
  transfer->KeepLine(line);
  if (!transfer->parser_.Add(line)) return bytes;
  return transfer->TakeHead() ? bytes : 0;
}

// Without what is between the server and us.
void HttpTransfer::KeepLine(std::string_view line) {
  if (line.starts_with("HTTP/")) return lines_.clear();
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = Sv(absl::StripAsciiWhitespace(Av(line.substr(colon + 1))));
  for (std::string_view secret :
       {"Set-Cookie", "Set-Cookie2", "Authentication-Info", "Proxy-Authentication-Info",
        "WWW-Authenticate", "Proxy-Authenticate"}) {
    if (absl::EqualsIgnoreCase(Av(name), Av(secret))) return;
  }
  if (lines_.size() + name.size() + value.size() + 4 > kMostHeadKept) return;
  absl::StrAppend(&lines_, Av(name), ": ", Av(value), "\r\n");
}

bool HttpTransfer::TakeHead() {
  if (parser_.head().status / 100 == 1) return true;
  if (parser_.head().status == 401) ++server_asked_;
  if (parser_.head().status == 407) ++proxy_asked_;
  plan_ = CheckResponse(request_, parser_.head(), context_->clock->Now());
  if (plan_->verdict == Verdict::kPart && plan_->total &&
      !domain::LieWithin(ranges(), *plan_->total)) {
    plan_->verdict = Verdict::kFail;
    plan_->failure = RemoteFailure(
        domain::kInvalidRange,
        absl::StrCat("a range does not lie within the remote file of ", *plan_->total, " bytes"),
        parser_.head().status);
  }
  HoldAgainstSource();
  const bool gives = plan_->verdict == Verdict::kWhole || plan_->verdict == Verdict::kPart ||
                     plan_->verdict == Verdict::kRestartHere;
  const std::optional<uint64_t> size =
      ranges().empty() ? plan_->total : domain::LengthOf(ranges(), plan_->total);
  if (gives && size && IsTooLarge(*size)) {
    plan_->verdict = Verdict::kFail;
    plan_->failure = TooLarge();
  }
  const bool until_close = !plan_->body_size && !parser_.head().chunked;
  tls_connection_ = until_close ? TlsConnectionOf(easy_.get()) : nullptr;
  if (plan_->verdict != Verdict::kRedirect && plan_->verdict != Verdict::kRestartAnew) {
    delivery_->SetResponseHeaders(lines_);
    const bool reports = setup_.http().redirects == domain::RedirectPolicy::kReport &&
                         redirects_ > 0 && url_.text.size() <= kLongestName;
    if (reports && plan_->verdict != Verdict::kFail) delivery_->SetFinalName(url_.text);
  }
  switch (plan_->verdict) {
    case Verdict::kWhole:
    case Verdict::kPart:
      mode_ = Mode::kReceive;
      Accept();
      return true;
    case Verdict::kRestartHere:
      mode_ = Mode::kHold;
      context_->loop->Post([this, alive = std::weak_ptr(alive_)] {
        if (!alive.expired()) RestartHere();
      });
      return true;
    case Verdict::kRestartAnew:
      return false;  // the rest is not worth reading
    case Verdict::kRedirect:
    case Verdict::kComplete:
    case Verdict::kFail:
      mode_ = Mode::kDiscard;
      return true;
  }
  return false;
}

// What is here came from another source, and may not be joined with what this one gives.
void HttpTransfer::HoldAgainstSource() {
  if (request_.basis != Basis::kNone || delivery_->position() == 0) return;
  const Verdict verdict = plan_->verdict;
  const bool gives = verdict == Verdict::kWhole || verdict == Verdict::kPart ||
                     verdict == Verdict::kRestartHere || verdict == Verdict::kComplete;
  if (!gives) return;
  const std::optional<uint64_t> known =
      ranges().empty() ? delivery_->total() : delivery_->validators().remote_size;
  const bool differs = known && plan_->total && *known != *plan_->total;
  if (differs || verdict == Verdict::kComplete) {
    plan_->verdict = Verdict::kFail;
    plan_->failure = RemoteFailure(
        domain::kRemoteFileChanged,
        absl::StrCat("this source has ", plan_->total.value_or(0), " bytes, the one before ",
                     known ? absl::StrCat(*known) : "others"),
        parser_.head().status);
    return;
  }
  plan_->verdict = Verdict::kRestartHere;
  plan_->reason = app::RestartReason::kSource;
}

void HttpTransfer::Accept() {
  domain::Validators validators = plan_->validators;
  if (plan_->verdict == Verdict::kPart || plan_->verdict == Verdict::kComplete) {
    validators.joined = request_.basis == Basis::kSize || request_.validators.joined;
  }
  validators.source = delivery_->spec().file.mirrors.source;
  if (ranges().empty()) {
    return delivery_->Accept(plan_->total, std::move(validators), plan_->last_modified);
  }
  if (plan_->total) validators.remote_size = plan_->total;
  const std::optional<uint64_t> length = domain::LengthOf(ranges(), validators.remote_size);
  // Several requests of one try go without proof no more than those of several tries.
  unproven_parts_ = !ProvesVersion(validators);
  delivery_->Accept(length, std::move(validators), plan_->last_modified);
}

size_t HttpTransfer::OnBody(char* data, size_t size, size_t count, void* self) {
  auto* transfer = static_cast<HttpTransfer*>(self);
  transfer->active_time_ = transfer->context_->loop->now();
  return transfer->TakeBody({data, size * count});
}

size_t HttpTransfer::TakeBody(std::string_view data) {
  switch (mode_) {
    case Mode::kHead:  // a body without a head is none of HTTP/1
      return 0;
    case Mode::kHold:
      paused_ = true;
      return CURL_WRITEFUNC_PAUSE;
    case Mode::kDiscard:
      discarded_ += data.size();
      return discarded_ > kMostDiscarded ? 0 : data.size();
    case Mode::kReceive:
      break;
  }
  if (too_much_ || (plan_->body_size && received_ + data.size() > *plan_->body_size)) {
    too_much_ = true;
    return 0;
  }
  if (IsTooLarge(delivery_->position() + data.size())) {
    too_large_ = true;
    return 0;
  }
  if (!delivery_->Append(data)) {
    paused_ = true;
    return CURL_WRITEFUNC_PAUSE;
  }
  received_ += data.size();
  if (parser_.head().identity_coding && received_ == plan_->body_size) EndHere();
  return data.size();
}

void HttpTransfer::EndHere() {
  context_->loop->Post([this, alive = std::weak_ptr(alive_)] {
    if (alive.expired() || easy_ == nullptr) return;
    multi_->Cancel(easy_.get());
    OnDone({.code = CURLE_OK});
  });
}

}  // namespace bits::transfer

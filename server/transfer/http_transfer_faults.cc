// What a try over HTTP fails for, in words and codes.
#include "absl/strings/str_cat.h"
#include "server/base/redact.h"
#include "server/domain/error_code.h"
#include "server/transfer/failure.h"
#include "server/transfer/http_transfer.h"

namespace bits::transfer {
namespace {

std::string Of(uint64_t part, std::optional<uint64_t> whole) {
  return whole ? absl::StrCat(part, " of ", *whole) : absl::StrCat(part);
}

}  // namespace

bool HttpTransfer::IsTooLarge(uint64_t size) const {
  return size > delivery_->spec().max_size.value_or(size);
}

domain::Failure HttpTransfer::TooLarge() const {
  return RemoteFailure(domain::kMaxDownloadSizeReached,
                       "the file is larger than what is left of the job's max_download_size",
                       parser_.head().status);
}

domain::Failure HttpTransfer::UnprovenParts() const {
  return RemoteFailure(domain::kInsufficientRangeSupport,
                       "the server gives neither an ETag nor a Last-Modified that would prove its "
                       "ranges to be of one version");
}

domain::Failure HttpTransfer::Explain(const MultiDriver::Outcome& outcome) const {
  std::string text;
  int code = outcome.code;
  // libcurl says CURLE_RECV_ERROR of a tunnel that is refused.
  const bool tunnel_lost =
      connect_status_ == 407 && setup_.AnswersItself(407) && code != CURLE_RECV_ERROR;
  if (!plan_ && connect_status_ >= 300 && !tunnel_lost) {
    return RemoteFailure(domain::FromHttpStatus(static_cast<uint32_t>(connect_status_)),
                         absl::StrCat("the proxy answered with status ", connect_status_),
                         static_cast<uint32_t>(connect_status_));
  }
  if (code == CURLE_OK || code == CURLE_WRITE_ERROR) code = CURLE_WEIRD_SERVER_REPLY;
  if (plan_) {
    text = absl::StrCat("the connection ended after ", Of(received_, plan_->body_size), " bytes: ");
  }
  absl::StrAppend(&text, error_text_[0] != '\0' ? error_text_.data()
                                                : curl_easy_strerror(static_cast<CURLcode>(code)));
  if (redirects_ > 0) absl::StrAppend(&text, " (redirected to ", RedactUrl(url_.text), ")");
  domain::Failure failure =
      CurlFailure(code, os_error_, std::move(text), plan_ ? parser_.head().status : 0);
  failure.contact = contact();
  return failure;
}

domain::Contact HttpTransfer::contact() const {
  return connected_ || plan_ || redirects_ > 0 ? domain::Contact::kMade : domain::Contact::kFailed;
}

void HttpTransfer::ArmStallTimer(absl::Duration delay) {
  stall_timer_ = context_->loop->After(absl::ToChronoNanoseconds(delay), [this] {
    stall_timer_ = 0;
    OnStallTimer();
  });
}

// Looks at the clock once in a while, so that bytes that arrive cost nothing here.
void HttpTransfer::OnStallTimer() {
  const absl::Duration timeout = context_->options.stall_timeout;
  const bool waits_for_us = paused_ || mode_ == Mode::kHold;
  const absl::Duration idle =
      waits_for_us ? absl::ZeroDuration() : absl::FromChrono(context_->loop->now() - active_time_);
  if (idle < timeout) return ArmStallTimer(timeout - idle);
  if (IsBetweenRequests()) {
    plan_.reset();
  } else if (mode_ == Mode::kDiscard) {  // what matters was in the head
    multi_->Cancel(easy_.get());
    return OnDone({.code = CURLE_WRITE_ERROR});
  }
  domain::Failure failure = RemoteFailure(
      domain::kConnectTimeout,
      absl::StrCat("nothing came for ", absl::FormatDuration(timeout),
                   plan_ ? absl::StrCat(" after ", Of(received_, plan_->body_size), " bytes") : ""),
      plan_ ? parser_.head().status : 0);
  failure.contact = contact();
  delivery_->Fail(failure);
}

}  // namespace bits::transfer

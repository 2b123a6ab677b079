#include "server/transfer/http_transfer.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <variant>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/base/redact.h"
#include "server/base/strings.h"
#include "server/domain/error_code.h"
#include "server/transfer/checksum.h"
#include "server/transfer/close_notify.h"
#include "server/transfer/failure.h"

namespace bits::transfer {
namespace {

constexpr long kReceiveBuffer = 256L * 1024;
// A body of no interest is read to its end, to keep the connection, if it is no longer than this.
constexpr uint64_t kMostDiscarded = uint64_t{64} * 1024;
// Of the head of an answer, for whom it interests.
constexpr size_t kMostHeadKept = size_t{16} * 1024;
// A remote name's, in bytes.
constexpr size_t kLongestName = 2200;

// A limited transfer is read in pieces of a sixteenth of a second, and no more than about a second's
// worth of it waits in the kernel: what came is then about what was counted.
constexpr uint64_t kPiecesPerSecond = 16;
constexpr uint64_t kLeastReceiveBuffer = 1024;  // libcurl's
constexpr size_t kLeastWindow = size_t{64} * 1024;
constexpr size_t kMostWindow = size_t{1} << 30;

// Whom the job's secrets are for; no host if nobody can tell.
Url SecretsOrigin(const domain::File& file, const Url& origin) {
  if (file.given_name.empty()) return origin;
  std::variant<Url, domain::Hresult> given = ParseUrl(file.given_name);
  return std::holds_alternative<Url>(given) ? std::get<Url>(std::move(given)) : Url();
}

std::string Of(uint64_t part, std::optional<uint64_t> whole) {
  return whole ? absl::StrCat(part, " of ", *whole) : absl::StrCat(part);
}

}  // namespace

HttpTransfer::HttpTransfer(Context* context, MultiDriver* multi, Gate* lookups, Delivery* delivery,
                           Url url)
    : context_(context),
      multi_(multi),
      lookups_(lookups),
      delivery_(delivery),
      origin_(std::move(url)),
      setup_(&context->options, delivery->spec().request,
             SecretsOrigin(delivery->spec().file, origin_)) {}

HttpTransfer::~HttpTransfer() { Abandon(); }

// --- The request -------------------------------------------------------------------------------

void HttpTransfer::Fetch() {
  if (std::optional<domain::Failure> fault = setup_.Fault()) {
    return delivery_->Fail(*std::move(fault));
  }
  const bool custom = domain::HasCustomMethod(setup_.http());
  const bool goes_on = !std::exchange(begun_, true) && delivery_->position() > 0;
  if (custom && goes_on) {
    // The rest may not be had by asking again.
    return delivery_->Restart(app::RestartReason::kNoRanges, [this] { Fetch(); });
  }
  url_ = origin_;
  method_ = custom ? setup_.http().method : "";
  redirects_ = 0;
  request_ = RangeRequest();
  request_.offset = delivery_->position();
  request_.require_ranges = delivery_->spec().require_ranges && !custom;
  request_.ranged = request_.offset > 0 || request_.require_ranges;
  fresh_ = false;
  if (request_.offset > 0) {
    request_.validators = delivery_->validators();
    request_.total = ranges().empty() ? delivery_->total() : request_.validators.remote_size;
    if (!ProvesVersion(request_.validators)) {
      if (unproven_parts_) return delivery_->Fail(UnprovenParts());
      return delivery_->Restart(app::RestartReason::kUnproven, [this] { Fetch(); });
    }
  }
  if (!ranges().empty() && !AskForPart()) {
    if (!goes_on) return delivery_->Finish();
    // All parts are here, but of another resource (IsWholeOf), and there is none to ask for.
    return delivery_->Restart(app::RestartReason::kUnproven, [this] { Fetch(); });
  }
  Send();
}

bool HttpTransfer::IsWholeOf(const domain::Validators& validators) const {
  return validators.resource == Fingerprint(origin_.text);
}

bool HttpTransfer::AskForPart() {
  const std::optional<domain::FileRange> next =
      domain::Following(ranges(), delivery_->validators().remote_size, request_.offset);
  if (!next) return false;
  request_.ranged = request_.require_ranges = true;
  PartRequest& part = request_.part.emplace();
  part.first = next->offset;
  if (next->length) part.last = next->offset + *next->length - 1;
  return true;
}

void HttpTransfer::Send() {
  alive_ = std::make_shared<int>();
  mode_ = Mode::kHead;
  parser_ = ResponseHeadParser();
  plan_.reset();
  outcome_.reset();
  received_ = discarded_ = 0;
  server_asked_ = proxy_asked_ = 0;
  connect_status_ = server_schemes_ = proxy_schemes_ = 0;
  too_much_ = too_large_ = paused_ = spoilt_ = connected_ = false;
  request_.resource = Fingerprint(url_.text);
  delivery_->SetHost(url_.host);
  error_text_[0] = '\0';
  os_error_ = 0;
  easy_ = multi_->Acquire();
  SetOptions();
  const auto start = [this, alive = std::weak_ptr(alive_)] {
    if (alive.expired()) return;
    active_time_ = context_->loop->now();
    ArmStallTimer(context_->options.stall_timeout);
    multi_->Start(easy_.get(), this);
  };
  if (url_.HostIsAddress()) {
    start();
  } else {
    lookup_ = lookups_->Enter(start);
  }
}

void HttpTransfer::SetOptions() {
  CURL* easy = easy_.get();
  const EngineOptions& options = context_->options;
  headers_ = Append(nullptr, "Accept-Encoding: identity");
  if (request_.ranged) {
    headers_ = Append(std::move(headers_), absl::StrCat("Range: ", RangeValue(request_)));
  }
  if (request_.offset > 0) {
    headers_ = Append(std::move(headers_), "If-Range: " + IfRangeValue(request_.validators));
  }
  curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, fresh_ ? 1L : 0L);
  headers_ = setup_.Apply(easy, url_, method_, std::move(headers_));
  curl_easy_setopt(easy, CURLOPT_URL, url_.text.c_str());
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers_.get());
  curl_easy_setopt(easy, CURLOPT_HEADEROPT, static_cast<long>(CURLHEADER_SEPARATE));
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  // Before 8.1 libcurl takes some truncated bodies over HTTP/2 for whole ones.
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  // Else a request that ends waits for the thread that looks its name up, and all others with it.
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  const uint64_t share = delivery_->share().value_or(std::numeric_limits<uint64_t>::max());
  curl_easy_setopt(easy, CURLOPT_BUFFERSIZE,
                   static_cast<long>(std::clamp<uint64_t>(share / kPiecesPerSecond,
                                                          kLeastReceiveBuffer, kReceiveBuffer)));
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(absl::ToInt64Milliseconds(options.connect_timeout)));
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error_text_.data());
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &HttpTransfer::OnHeader);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &HttpTransfer::OnBody);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, &HttpTransfer::OnConnected);
  curl_easy_setopt(easy, CURLOPT_PREREQDATA, this);
  if (!options.ca_file.empty()) {
    curl_easy_setopt(easy, CURLOPT_CAINFO, options.ca_file.c_str());
    curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
    curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, options.ca_file.c_str());
    curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, nullptr);
  }
}

void HttpTransfer::Abandon() {
  alive_.reset();
  context_->loop->CancelTimer(std::exchange(stall_timer_, 0));
  LookedUp();
  if (easy_ == nullptr) return;
  multi_->Cancel(easy_.get());
  easy_.reset();
}

// libcurl takes an idle connection on which something came for a live one, and would take that (a
// 408 for being idle, or what a broken or hostile server sent after its answer) for the answer.
int HttpTransfer::OnConnected(void* self, char* /*remote*/, char* /*local*/, int remote_port,
                              int local_port) {
  auto* transfer = static_cast<HttpTransfer*>(self);
  transfer->LookedUp();
  transfer->connected_ = true;
  long connects = 0;
  curl_easy_getinfo(transfer->easy_.get(), CURLINFO_NUM_CONNECTS, &connects);
  const bool used_before = connects == 0;
  transfer->spoilt_ = used_before && transfer->multi_->HasInput(local_port, remote_port);
  transfer->local_port_ = local_port;
  transfer->remote_port_ = remote_port;
  // Of a connection that was used before nothing is known.
  transfer->window_ = used_before ? std::nullopt : std::optional(kMostWindow);
  transfer->LimitWindow();
  return transfer->spoilt_ ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

void HttpTransfer::LimitWindow() {
  const std::optional<domain::Rate> share = delivery_->share();
  const size_t wanted = share ? std::clamp<size_t>(*share, kLeastWindow, kMostWindow) : kMostWindow;
  // A share that changes a little is not worth a system call.
  if (window_ && wanted <= 2 * *window_ && *window_ <= 2 * wanted) return;
  window_ = wanted;
  multi_->LimitWindow(local_port_, remote_port_, wanted);
}

void HttpTransfer::LookedUp() {
  // Whoever comes in then starts a request, which libcurl allows only when it is not running.
  if (const Gate::Ticket ticket = std::exchange(lookup_, 0); ticket != 0) {
    context_->loop->Post([lookups = lookups_, ticket] { lookups->Leave(ticket); });
  }
}

// --- The response; within libcurl --------------------------------------------------------------

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

void HttpTransfer::Accept() {
  if (ranges().empty()) {
    return delivery_->Accept(plan_->total, plan_->validators, plan_->last_modified);
  }
  domain::Validators validators = plan_->validators;
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

// --- Outside of libcurl again ------------------------------------------------------------------

void HttpTransfer::OnRoom() {
  if (easy_ == nullptr || !std::exchange(paused_, false)) return;
  active_time_ = context_->loop->now();
  LimitWindow();
  multi_->Unpause(easy_.get());
}

void HttpTransfer::RestartHere() {
  delivery_->Restart(plan_->reason, [this, alive = std::weak_ptr(alive_)] {
    if (alive.expired()) return;
    mode_ = Mode::kReceive;
    Accept();
    if (outcome_) return Conclude(*outcome_);
    OnRoom();
  });
}

void HttpTransfer::OnDone(const MultiDriver::Outcome& outcome) {
  context_->loop->CancelTimer(std::exchange(stall_timer_, 0));
  LookedUp();
  if (spoilt_ && outcome.code == CURLE_ABORTED_BY_CALLBACK) {
    fresh_ = true;
    easy_.reset();
    return Send();
  }
  curl_easy_getinfo(easy_.get(), CURLINFO_OS_ERRNO, &os_error_);
  curl_easy_getinfo(easy_.get(), CURLINFO_HTTP_CONNECTCODE, &connect_status_);
  curl_easy_getinfo(easy_.get(), CURLINFO_HTTPAUTH_AVAIL, &server_schemes_);
  curl_easy_getinfo(easy_.get(), CURLINFO_PROXYAUTH_AVAIL, &proxy_schemes_);
  if (outcome.code == CURLE_OK && !setup_.is_private()) multi_->Recycle(std::move(easy_));
  easy_.reset();
  if (mode_ == Mode::kHold) {
    outcome_ = outcome;
  } else {
    Conclude(outcome);
  }
}

bool HttpTransfer::IsBetweenRequests() const {
  if (!plan_) return false;
  const uint32_t status = parser_.head().status;
  return setup_.AnswersItself(status) && (status == 401 ? server_asked_ : proxy_asked_) == 1;
}

bool HttpTransfer::AskAgain(const MultiDriver::Outcome& outcome) {
  const bool tunnel_refused = !plan_ && connect_status_ == 407;
  const uint32_t status = plan_ ? parser_.head().status : 0;
  if ((status == 401 && setup_.AnswerServer(url_, server_schemes_)) ||
      ((status == 407 || tunnel_refused) && setup_.AnswerProxy(url_, tunnel_refused, proxy_schemes_))) {
    Send();
    return true;
  }
  const bool unreachable = !plan_ && (outcome.code == CURLE_COULDNT_CONNECT ||
                                      outcome.code == CURLE_COULDNT_RESOLVE_PROXY ||
                                      outcome.code == CURLE_OPERATION_TIMEDOUT);
  if (!unreachable || !setup_.TryNextProxy()) return false;
  Send();
  return true;
}

void HttpTransfer::Conclude(const MultiDriver::Outcome& outcome) {
  const bool in_the_network = outcome.code != CURLE_OK && outcome.code != CURLE_WRITE_ERROR;
  if (in_the_network && IsBetweenRequests()) plan_.reset();
  if (AskAgain(outcome)) return;
  if (!plan_) return delivery_->Fail(Explain(outcome));
  switch (plan_->verdict) {
    case Verdict::kWhole:
    case Verdict::kPart:
    case Verdict::kRestartHere:
      return ConcludeBody(outcome);
    case Verdict::kRestartAnew:
      return delivery_->Restart(plan_->reason, [this] { Fetch(); });
    case Verdict::kComplete:
      Accept();
      return delivery_->Finish();
    case Verdict::kRedirect:
      return Redirect();
    case Verdict::kFail:
      return delivery_->Fail(plan_->failure);
  }
}

void HttpTransfer::ConcludeBody(const MultiDriver::Outcome& outcome) {
  // libcurl gives no more than Content-Length says, and closes a connection on which more came: what
  // that is belongs to no body.
  if (too_much_) {
    return delivery_->Fail(
        RemoteFailure(domain::kInvalidHttpResponse,
                      absl::StrCat("the server sent more than the ", plan_->body_size.value_or(0),
                                   " bytes that it promised"),
                      parser_.head().status),
        false);
  }
  if (too_large_) return delivery_->Fail(TooLarge());
  if (outcome.code != CURLE_OK) return delivery_->Fail(Explain(outcome));
  if (plan_->body_size && received_ < *plan_->body_size) {
    return delivery_->Fail(Explain({.code = CURLE_PARTIAL_FILE}));
  }
  if (tls_connection_ != nullptr && !CloseNotifySeen(tls_connection_) &&
      !delivery_->spec().file.checksum) {
    return delivery_->Fail(Explain({.code = CURLE_PARTIAL_FILE}));
  }
  // A 206 may give less than was asked for, if it says so; one that does not tell the whole leaves
  // it to the next answer whether this was the end.
  const std::optional<uint64_t> total = delivery_->total();
  const bool was_end =
      total ? delivery_->position() >= *total : plan_->verdict != Verdict::kPart;
  if (!was_end) return Fetch();
  delivery_->Finish();
}

void HttpTransfer::Redirect() {
  const uint32_t status = parser_.head().status;
  if (++redirects_ > context_->options.max_redirects) {
    return delivery_->Fail(RemoteFailure(
        domain::kRedirectFailed,
        absl::StrCat("more than ", context_->options.max_redirects, " redirects"), status));
  }
  const std::string& location = parser_.head().location;
  std::variant<Url, domain::Hresult> target =
      FollowRedirect(url_, location, setup_.http().allow_https_to_http);
  if (setup_.http().redirects == domain::RedirectPolicy::kDisallow) {
    const auto* led_to = std::get_if<Url>(&target);
    const bool fits = led_to != nullptr && led_to->text.size() <= kLongestName;
    delivery_->SetResponseHeaders(lines_);
    delivery_->SetFinalName(fits ? led_to->text : "");
    return delivery_->Fail(
        RemoteFailure(domain::FromHttpStatus(status),
                      absl::StrCat("a redirect leads to ", RedactUrl(location)), status));
  }
  if (const auto* refused = std::get_if<domain::Hresult>(&target)) {
    return delivery_->Fail(
        RemoteFailure(*refused, absl::StrCat("a redirect leads to ", RedactUrl(location)), status));
  }
  url_ = std::get<Url>(std::move(target));
  if (status == 303 || (method_ == "POST" && (status == 301 || status == 302))) method_.clear();
  Send();
}

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

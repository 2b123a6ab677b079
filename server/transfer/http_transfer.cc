#include "server/transfer/http_transfer.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "server/base/redact.h"
#include "server/domain/error_code.h"
#include "server/transfer/close_notify.h"
#include "server/transfer/failure.h"

namespace bits::transfer {
namespace {

constexpr long kReceiveBuffer = 256L * 1024;

// A limited transfer is read in pieces of a sixteenth of a second, and no more than about a second's
// worth of it waits in the kernel: what came is then about what was counted.
constexpr uint64_t kPiecesPerSecond = 16;
constexpr uint64_t kLeastReceiveBuffer = 1024;  // libcurl's
constexpr size_t kLeastWindow = size_t{64} * 1024;
constexpr size_t kMostWindow = size_t{1} << 30;

// Whom the job's secrets are for, whichever source is asked; no host if nobody can tell.
Url SecretsOrigin(const domain::File& file) {
  std::variant<Url, domain::Hresult> given =
      ParseUrl(file.given_name.empty() ? file.remote_name : file.given_name);
  return std::holds_alternative<Url>(given) ? std::get<Url>(std::move(given)) : Url();
}

}  // namespace

HttpTransfer::HttpTransfer(Context* context, MultiDriver* multi, Gate* lookups, ByteTaker* delivery,
                           Url url)
    : context_(context),
      multi_(multi),
      lookups_(lookups),
      delivery_(delivery),
      origin_(std::move(url)),
      setup_(&context->options, delivery->spec().request,
             SecretsOrigin(delivery->spec().file)) {}

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
  if (delivery_->HoldsOtherSource()) {
    request_.basis = JoinsSources() ? Basis::kSize : Basis::kNone;
    const bool is_part = !ranges().empty() || request_.require_ranges;
    if (request_.basis == Basis::kNone && is_part) {
      request_.offset = 0;  // what is here stays until it answers well: HoldAgainstSource
    } else {
      request_.ranged = request_.basis == Basis::kSize;
      if (request_.ranged) request_.total = delivery_->total();
    }
  } else if (request_.offset > 0) {
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

bool HttpTransfer::JoinsSources() const {
  return domain::MayJoinSources(delivery_->spec().file) && delivery_->total().has_value();
}

bool HttpTransfer::AskForPart() {
  const std::optional<uint64_t> size = request_.basis == Basis::kNone
                                           ? std::nullopt
                                           : delivery_->validators().remote_size;
  const std::optional<domain::FileRange> next =
      domain::Following(ranges(), size, request_.offset);
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
  if (request_.offset > 0 && request_.basis == Basis::kVersion) {
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
  // The one of a checksum file goes with its delivery, which may be after the engine.
  if (stall_timer_ != 0) context_->loop->CancelTimer(std::exchange(stall_timer_, 0));
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

}  // namespace bits::transfer

#include "server/transfer/webhook_sender.h"

#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/base/executor.h"
#include "server/base/status_macros.h"
#include "server/domain/error_code.h"
#include "server/transfer/curl_handle.h"
#include "server/transfer/failure.h"
#include "server/transfer/webhook_signature.h"

namespace bits::transfer {
namespace {

constexpr size_t kMostOfAnAnswer = 64 << 10;  // then it is cut off; its status counts

}  // namespace

class CurlWebhookSender::Post final : public MultiDriver::Request {
 public:
  Post(CurlWebhookSender* sender, app::WebhookRequest request, Done done)
      : sender_(sender), request_(std::move(request)), done_(std::move(done)) {}

  void Start() {
    easy_ = sender_->multi_->Acquire();
    SetOptions();
    sender_->multi_->Start(easy_.get(), this);
  }
  void Cancel() { sender_->multi_->Cancel(easy_.get()); }

  void OnDone(const MultiDriver::Outcome& outcome) override {
    std::optional<domain::Failure> failure = FailureOf(outcome.code);
    const Done done = std::move(done_);
    sender_->Forget(this);  // `this` is gone
    done(std::move(failure));
  }

 private:
  void SetOptions();
  std::optional<domain::Failure> FailureOf(CURLcode code) const;

  static size_t OnBody(char* /*data*/, size_t size, size_t count, void* self) {
    auto* post = static_cast<Post*>(self);
    post->received_ += size * count;
    return post->received_ > kMostOfAnAnswer ? 0 : size * count;
  }
  static size_t OnHeader(char* /*data*/, size_t size, size_t count, void* /*self*/) {
    return size * count;
  }

  CurlWebhookSender* const sender_;
  const app::WebhookRequest request_;
  Done done_;
  CurlList headers_;
  CurlEasy easy_;
  size_t received_ = 0;
  std::array<char, CURL_ERROR_SIZE> error_text_{};
};

void CurlWebhookSender::Post::SetOptions() {
  const Options& options = sender_->options_;
  // The wall's time, which receivers compare with theirs: that of the rest of bitsd does not follow it.
  const int64_t timestamp = absl::ToUnixSeconds(absl::Now());
  const std::string signature =
      WebhookSignature(request_.key, request_.id, timestamp, request_.body);
  headers_ = Append(nullptr, "Content-Type: " + request_.content_type);
  headers_ = Append(std::move(headers_), "webhook-id: " + request_.id);
  headers_ = Append(std::move(headers_), absl::StrCat("webhook-timestamp: ", timestamp));
  headers_ = Append(std::move(headers_), "webhook-signature: " + signature);
  headers_ = Append(std::move(headers_), "Expect:");
  CURL* easy = easy_.get();
  curl_easy_setopt(easy, CURLOPT_URL, request_.uri.c_str());
  curl_easy_setopt(easy, CURLOPT_POST, 1L);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request_.body.data());
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                   static_cast<curl_off_t>(request_.body.size()));
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers_.get());
  curl_easy_setopt(easy, CURLOPT_HEADEROPT, static_cast<long>(CURLHEADER_SEPARATE));
  curl_easy_setopt(easy, CURLOPT_USERAGENT, options.user_agent.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  // Else a request that ends waits for the thread that looks its name up, and all others with it.
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
  curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
  curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
  const auto timeout = static_cast<long>(absl::ToInt64Milliseconds(options.timeout));
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, timeout);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error_text_.data());
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &Post::OnHeader);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Post::OnBody);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
  if (options.proxy.has_value()) curl_easy_setopt(easy, CURLOPT_PROXY, options.proxy->c_str());
  if (!options.ca_file.empty()) {
    curl_easy_setopt(easy, CURLOPT_CAINFO, options.ca_file.c_str());
    curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
  }
}

std::optional<domain::Failure> CurlWebhookSender::Post::FailureOf(CURLcode code) const {
  CURL* easy = easy_.get();
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  // Its body does not matter, nor whether all of that came.
  const bool cut_off = code == CURLE_WRITE_ERROR && received_ > kMostOfAnAnswer;
  if (code != CURLE_OK && !cut_off) {
    long os_error = 0;
    curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &os_error);
    return CurlFailure(code, os_error, error_text_.data(), 0);
  }
  if (status >= 200 && status <= 299) return std::nullopt;
  const auto http_status = static_cast<uint32_t>(status);
  domain::Failure failure = RemoteFailure(
      domain::FromHttpStatus(http_status),
      absl::StrCat("the receiver answered ", http_status), http_status);
  curl_off_t seconds = 0;
  curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &seconds);
  if (seconds > 0) failure.retry_after = absl::Seconds(seconds);
  return failure;
}

absl::StatusOr<std::unique_ptr<CurlWebhookSender>> CurlWebhookSender::Create(Options options) {
  BITS_RETURN_IF_ERROR(InitCurl());
  BITS_ASSIGN_OR_RETURN(std::unique_ptr<EventLoop> loop, EventLoop::Create());
  std::unique_ptr<CurlWebhookSender> sender(
      new CurlWebhookSender(std::move(options), std::move(loop)));
  MutexLock lock(sender->join_mutex_);
  sender->thread_ = std::thread([loop_of_sender = sender->loop_.get()] {
    SetThreadName("bits-hooks");
    loop_of_sender->Run();
  });
  return sender;
}

CurlWebhookSender::CurlWebhookSender(Options options, std::unique_ptr<EventLoop> loop)
    : options_(std::move(options)),
      loop_(std::move(loop)),
      multi_(std::make_unique<MultiDriver>(loop_.get())) {}

CurlWebhookSender::~CurlWebhookSender() { Shutdown(); }

void CurlWebhookSender::Send(app::WebhookRequest request, Done done) {
  auto held = std::make_shared<app::WebhookRequest>(std::move(request));
  loop_->Post([this, held, done = std::move(done)]() mutable {
    Begin(std::move(*held), std::move(done));
  });
}

void CurlWebhookSender::Shutdown() {
  MutexLock lock(join_mutex_);
  if (!thread_.joinable()) return;
  loop_->Post([this] {
    for (const auto& [key, post] : posts_) post->Cancel();
    posts_.clear();
    multi_ = nullptr;
  });
  loop_->Stop();
  thread_.join();
}

void CurlWebhookSender::Begin(app::WebhookRequest request, Done done) {
  if (multi_ == nullptr) return;
  auto post = std::make_unique<Post>(this, std::move(request), std::move(done));
  Post* const begun = post.get();
  posts_.emplace(begun, std::move(post));
  begun->Start();
}

void CurlWebhookSender::Forget(const Post* post) { posts_.erase(post); }

}  // namespace bits::transfer

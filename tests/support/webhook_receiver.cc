#include "tests/support/webhook_receiver.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/support/listener.h"

namespace bits::testing {
namespace {

// Reads a request; false if the sender went away before it was all there.
bool ReadRequest(OriginStream& stream, ReceivedWebhook& request) {
  std::string text;
  size_t head = std::string::npos;
  while ((head = text.find("\r\n\r\n")) == std::string::npos) {
    if (!stream.Read(text)) return false;
  }
  const std::vector<std::string> lines = absl::StrSplit(text.substr(0, head), "\r\n");
  const std::vector<std::string> words = absl::StrSplit(lines.front(), ' ');
  request.method = words.front();
  request.target = words.size() > 1 ? words[1] : "";
  for (size_t i = 1; i < lines.size(); ++i) {
    const std::pair<std::string, std::string> field =
        absl::StrSplit(lines[i], absl::MaxSplits(':', 1));
    request.headers[absl::AsciiStrToLower(field.first)] =
        std::string(absl::StripAsciiWhitespace(field.second));
  }
  size_t length = 0;
  (void)absl::SimpleAtoi(request.Header("content-length"), &length);
  while (text.size() < head + 4 + length) {
    if (!stream.Read(text)) return false;
  }
  request.body = text.substr(head + 4, length);
  return true;
}

}  // namespace

std::string ReceivedWebhook::Header(const std::string& lower_case_name) const {
  const auto it = headers.find(lower_case_name);
  return it == headers.end() ? "" : it->second;
}

bool ReceivedWebhook::IsSignedWith(const std::string& secret) const {
  std::string key;
  if (!absl::Base64Unescape(secret.substr(6), &key)) return false;
  const std::string content = absl::StrCat(id(), ".", Header("webhook-timestamp"), ".", body);
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(content.data()), content.size(), digest, &size);
  const std::string expected = absl::Base64Escape(
      absl::string_view(reinterpret_cast<const char*>(digest), size));
  return Header("webhook-signature") == "v1," + expected;
}

WebhookReceiver::WebhookReceiver() : answer_([] { return WebhookAnswer(); }) {
  absl::StatusOr<Listener> listener = ListenOnLoopback();
  stop_.reset(::eventfd(0, EFD_CLOEXEC));
  if (!listener.ok() || !stop_) {
    std::fprintf(stderr, "no receiver of webhooks\n");
    std::abort();
  }
  listener_ = std::move(listener->fd);
  port_ = listener->port;
  acceptor_ = std::thread([this] { Accept(); });
}

WebhookReceiver::~WebhookReceiver() {
  const uint64_t one = 1;
  (void)!::write(stop_.get(), &one, sizeof(one));
  acceptor_.join();
  std::list<Connection> connections;
  {
    MutexLock lock(mutex_);
    for (Connection& connection : connections_) connection.stream->Shutdown();
    connections.swap(connections_);
  }
  for (Connection& connection : connections) connection.thread.join();
}

std::string WebhookReceiver::Url(std::string_view path) const {
  return absl::StrCat("http://127.0.0.1:", port_, std::string(path));
}

void WebhookReceiver::Script(std::vector<WebhookAnswer> answers) {
  MutexLock lock(mutex_);
  for (WebhookAnswer& answer : answers) script_.push_back(std::move(answer));
}

void WebhookReceiver::SetAnswer(std::function<WebhookAnswer()> answer) {
  MutexLock lock(mutex_);
  answer_ = std::move(answer);
}

void WebhookReceiver::SetOnRequest(std::function<void(const ReceivedWebhook&)> on_request) {
  MutexLock lock(mutex_);
  on_request_ = std::move(on_request);
}

std::vector<ReceivedWebhook> WebhookReceiver::Received(std::string_view target) const {
  MutexLock lock(mutex_);
  std::vector<ReceivedWebhook> received = received_;
  std::erase_if(received, [target](const ReceivedWebhook& webhook) {
    return !target.empty() && webhook.target != target;
  });
  return received;
}

size_t WebhookReceiver::Count(std::string_view target) const {
  return static_cast<size_t>(
      std::count_if(received_.begin(), received_.end(), [target](const ReceivedWebhook& webhook) {
        return target.empty() || webhook.target == target;
      }));
}

bool WebhookReceiver::WaitFor(size_t count, absl::Duration timeout,
                              std::string_view target) const {
  MutexLock lock(mutex_);
  return changed_.WaitFor(mutex_, absl::ToChronoNanoseconds(timeout), [&] {
    mutex_.AssertHeld();
    return Count(target) >= count;
  });
}

WebhookAnswer WebhookReceiver::NextAnswer() {
  MutexLock lock(mutex_);
  if (script_.empty()) return answer_();
  WebhookAnswer answer = std::move(script_.front());
  script_.pop_front();
  return answer;
}

void WebhookReceiver::Accept() {
  while (true) {
    pollfd polled[] = {{listener_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
    if (::poll(polled, 2, -1) < 0) continue;
    if (polled[1].revents != 0) return;
    UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!fd) continue;
    MutexLock lock(mutex_);
    Connection& connection = connections_.emplace_back();
    connection.stream = std::make_unique<OriginStream>(std::move(fd), nullptr);
    connection.thread = std::thread([this, stream = connection.stream.get()] { Serve(*stream); });
  }
}

void WebhookReceiver::Serve(OriginStream& stream) {
  if (!stream.Accept()) return;
  using How = WebhookAnswer::How;
  const WebhookAnswer answer = NextAnswer();
  if (answer.how == How::kDieInRequest) {
    std::string some;
    (void)stream.Read(some);
    return stream.Shutdown();
  }
  ReceivedWebhook request;
  if (!ReadRequest(stream, request)) return;
  {
    MutexLock lock(mutex_);
    if (on_request_) on_request_(request);
    received_.push_back(std::move(request));
    changed_.SignalAll();
  }
  if (answer.how == How::kDie) return stream.Shutdown();
  if (answer.how != How::kAnswer) {
    std::string rest;
    while (stream.Read(rest)) {
    }
    if (answer.how == How::kStall) return;
  }
  std::string head = absl::StrCat("HTTP/1.1 ", answer.status, " Told\r\nConnection: close\r\n");
  for (const std::string& header : answer.headers) absl::StrAppend(&head, header, "\r\n");
  if (answer.status != 204) absl::StrAppend(&head, "Content-Length: ", answer.body, "\r\n");
  (void)stream.Write(head + "\r\n" + std::string(answer.body, 'x'));
  stream.Close();
}

}  // namespace bits::testing

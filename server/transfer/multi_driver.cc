#include "server/transfer/multi_driver.h"

#include <sys/epoll.h>

#include <chrono>
#include <utility>

#include "server/base/log.h"

namespace bits::transfer {
namespace {

constexpr size_t kMostSpareHandles = 256;
constexpr long kMostIdleConnections = 256;

}  // namespace

MultiDriver::MultiDriver(EventLoop* loop) : loop_(loop) { Open(); }

MultiDriver::~MultiDriver() {
  for (const auto& [easy, request] : requests_) curl_multi_remove_handle(multi_.get(), easy);
  multi_ = nullptr;  // closes connections, and so unwatches their sockets
  loop_->CancelTimer(timer_);
}

void MultiDriver::Open() {
  multi_.reset(curl_multi_init());
  CURLM* multi = multi_.get();
  curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, &MultiDriver::OnSocket);
  curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, &MultiDriver::OnTimer);
  curl_multi_setopt(multi, CURLMOPT_TIMERDATA, this);
  curl_multi_setopt(multi, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_NOTHING));
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, kMostIdleConnections);
}

CurlEasy MultiDriver::Acquire() {
  CurlEasy easy;
  if (spare_.empty()) {
    easy.reset(curl_easy_init());
  } else {
    easy = std::move(spare_.back());
    spare_.pop_back();
  }
  sockets_.Attach(easy.get());
  return easy;
}

void MultiDriver::Recycle(CurlEasy easy) {
  if (easy == nullptr || spare_.size() >= kMostSpareHandles) return;
  curl_easy_reset(easy.get());
  spare_.push_back(std::move(easy));
}

void MultiDriver::Start(CURL* easy, Request* request) {
  requests_[easy] = request;
  const CURLMcode code = curl_multi_add_handle(multi_.get(), easy);
  if (code == CURLM_OK) return;
  BITS_LOG(kError, "libcurl takes no more requests", {{"error", curl_multi_strerror(code)}});
  loop_->After(std::chrono::seconds(0), [this, easy, request] {
    auto it = requests_.find(easy);
    if (it == requests_.end() || it->second != request) return;
    requests_.erase(it);
    request->OnDone({.code = CURLE_OUT_OF_MEMORY});
  });
}

void MultiDriver::Cancel(CURL* easy) {
  if (requests_.erase(easy) != 0) curl_multi_remove_handle(multi_.get(), easy);
}

void MultiDriver::Unpause(CURL* easy) {
  const CURLcode code = curl_easy_pause(easy, CURLPAUSE_CONT);
  if (code == CURLE_WRITE_ERROR) {
    // The write callback wants no more; libcurl would drop what it refused, and go on.
    auto it = requests_.find(easy);
    if (it == requests_.end()) return;
    Request* request = it->second;
    Cancel(easy);
    return request->OnDone({.code = code});
  }
  // What it read along with the head may be all there is: no socket will tell of it.
  Act(CURL_SOCKET_TIMEOUT, 0);
}

int MultiDriver::OnSocket(CURL* /*easy*/, curl_socket_t socket, int what, void* self,
                          void* /*known*/) {
  auto* driver = static_cast<MultiDriver*>(self);
  uint32_t events = 0;
  if (what == CURL_POLL_IN || what == CURL_POLL_INOUT) events |= EPOLLIN;
  if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT) events |= EPOLLOUT;
  if (events == 0) {
    driver->loop_->Unwatch(socket);
    return 0;
  }
  driver->loop_->Watch(socket, events, [driver, socket](uint32_t ready) {
    int flags = 0;
    if ((ready & (EPOLLIN | EPOLLHUP)) != 0) flags |= CURL_CSELECT_IN;
    if ((ready & EPOLLOUT) != 0) flags |= CURL_CSELECT_OUT;
    if ((ready & EPOLLERR) != 0) flags |= CURL_CSELECT_ERR;
    driver->Act(socket, flags);
  });
  return 0;
}

int MultiDriver::OnTimer(CURLM* /*multi*/, long milliseconds, void* self) {
  auto* driver = static_cast<MultiDriver*>(self);
  driver->loop_->CancelTimer(std::exchange(driver->timer_, 0));
  if (milliseconds < 0) return 0;
  // Never at once: libcurl is running.
  driver->timer_ = driver->loop_->After(std::chrono::milliseconds(milliseconds), [driver] {
    driver->timer_ = 0;
    driver->Act(CURL_SOCKET_TIMEOUT, 0);
  });
  return 0;
}

void MultiDriver::Act(curl_socket_t socket, int events) {
  int running = 0;
  const CURLMcode code = curl_multi_socket_action(multi_.get(), socket, events, &running);
  if (code != CURLM_OK && code != CURLM_BAD_SOCKET) {
    BITS_LOG(kError, "libcurl is out of order: all requests are given up",
             {{"error", curl_multi_strerror(code)}});
    return StartOver();
  }
  CheckDone();
}

void MultiDriver::CheckDone() {
  int left = 0;
  while (CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CURL* easy = message->easy_handle;
    Outcome outcome;
    outcome.code = message->data.result;
    curl_multi_remove_handle(multi_.get(), easy);  // `message` is gone with it
    auto it = requests_.find(easy);
    if (it == requests_.end()) continue;
    Request* request = it->second;
    requests_.erase(it);
    request->OnDone(outcome);
  }
}

void MultiDriver::StartOver() {
  std::unordered_map<CURL*, Request*> requests = std::exchange(requests_, {});
  for (const auto& [easy, request] : requests) curl_multi_remove_handle(multi_.get(), easy);
  Open();
  for (const auto& [easy, request] : requests) request->OnDone({.code = CURLE_RECV_ERROR});
}

}  // namespace bits::transfer

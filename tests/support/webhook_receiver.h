// A receiver of webhooks on the loopback interface that can be told to misbehave, and remembers what
// it was sent.
#ifndef BITS_TESTS_SUPPORT_WEBHOOK_RECEIVER_H_
#define BITS_TESTS_SUPPORT_WEBHOOK_RECEIVER_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "server/base/mutex.h"
#include "server/base/unique_fd.h"
#include "tests/support/origin_stream.h"

namespace bits::testing {

struct ReceivedWebhook {
  std::string method;
  std::string target;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;

  std::string Header(const std::string& lower_case_name) const;
  std::string id() const { return Header("webhook-id"); }
  // Whether webhook-signature is that of Standard Webhooks with this `whsec_` secret.
  bool IsSignedWith(const std::string& secret) const;
};

// What it does with a request, once it has read (and remembered) it.
struct WebhookAnswer {
  enum class How : uint8_t {
    kAnswer,
    kStall,         // never
    kLate,          // when the sender has gone
    kDie,           // ends the connection instead
    kDieInRequest,  // the same, having read and remembered nothing
  };
  How how = How::kAnswer;
  int status = 204;
  std::vector<std::string> headers = {};  // "Retry-After: 1"
  size_t body = 0;                        // so many bytes
};

// Thread-safe. A thread for each connection, which takes one request. A failure to start ends the
// program.
class WebhookReceiver {
 public:
  WebhookReceiver();
  ~WebhookReceiver();
  WebhookReceiver(const WebhookReceiver&) = delete;
  WebhookReceiver& operator=(const WebhookReceiver&) = delete;

  std::string Url(std::string_view path = "/hook") const;
  // How the next ones are answered, one each; then by what SetAnswer said, 204 at first.
  void Script(std::vector<WebhookAnswer> answers);
  void SetAnswer(std::function<WebhookAnswer()> answer);

  // Sees each request when it is all there, before it is answered.
  void SetOnRequest(std::function<void(const ReceivedWebhook&)> on_request);

  // In the order of arrival; those to this target, if it is said.
  std::vector<ReceivedWebhook> Received(std::string_view target = {}) const;
  // False if there are not so many after `timeout`.
  bool WaitFor(size_t count, absl::Duration timeout, std::string_view target = {}) const;

 private:
  struct Connection {
    std::unique_ptr<OriginStream> stream;
    std::thread thread;
  };
  void Accept();
  void Serve(OriginStream& stream);
  WebhookAnswer NextAnswer();
  size_t Count(std::string_view target) const BITS_REQUIRES(mutex_);

  UniqueFd listener_;
  UniqueFd stop_;
  uint16_t port_ = 0;
  mutable Mutex mutex_;
  mutable CondVar changed_;
  std::deque<WebhookAnswer> script_ BITS_GUARDED_BY(mutex_);
  std::function<WebhookAnswer()> answer_ BITS_GUARDED_BY(mutex_);
  std::function<void(const ReceivedWebhook&)> on_request_ BITS_GUARDED_BY(mutex_);
  std::vector<ReceivedWebhook> received_ BITS_GUARDED_BY(mutex_);
  std::list<Connection> connections_ BITS_GUARDED_BY(mutex_);
  std::thread acceptor_;
};

}  // namespace bits::testing

#endif  // BITS_TESTS_SUPPORT_WEBHOOK_RECEIVER_H_

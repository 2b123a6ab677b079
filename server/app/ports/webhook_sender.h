// How a notification gets to a receiver over HTTP.
#ifndef BITS_SERVER_APP_PORTS_WEBHOOK_SENDER_H_
#define BITS_SERVER_APP_PORTS_WEBHOOK_SENDER_H_

#include <functional>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "server/base/secret.h"
#include "server/domain/error.h"

namespace bits::app {

struct WebhookRequest {
  std::string uri;  // http or https
  std::string id;   // the same for every try at one notification
  std::string content_type;
  std::string body;
  Secret key;  // what it is signed with (domain::WebhookKey)
};

// Thread-safe; nothing here blocks but Shutdown.
class WebhookSender {
 public:
  // Nullopt: the receiver has answered with a 2xx. Else why it is not delivered, as far as can be
  // told: it may have arrived all the same.
  using Done = std::function<void(std::optional<domain::Failure>)>;
  virtual ~WebhookSender() = default;
  // `done` is called once, on a thread of the sender's or before this returns; it must not block.
  virtual void Send(WebhookRequest request, Done done) = 0;
  // What is under way is dropped: its `done` is not called once this has returned, nor is that of
  // what comes after. Idempotent. Not from a `done`.
  virtual void Shutdown() = 0;
};

}  // namespace bits::app

#endif  // BITS_SERVER_APP_PORTS_WEBHOOK_SENDER_H_

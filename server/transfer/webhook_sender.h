// Webhooks over libcurl, on a loop of their own: a receiver that stalls holds up no transfer.
#ifndef BITS_SERVER_TRANSFER_WEBHOOK_SENDER_H_
#define BITS_SERVER_TRANSFER_WEBHOOK_SENDER_H_

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/app/ports/webhook_sender.h"
#include "server/base/mutex.h"
#include "server/transfer/event_loop.h"
#include "server/transfer/multi_driver.h"

namespace bits::transfer {

// A POST each, on a connection of its own; redirects are not followed.
class CurlWebhookSender final : public app::WebhookSender {
 public:
  struct Options {
    absl::Duration timeout = absl::Seconds(15);  // of all of it
    std::string ca_file = {};                    // as of EngineOptions
    std::string user_agent = "bitsd";
    std::optional<std::string> proxy = {};
  };

  // As Engine::Create: the first call that initialises libcurl is made before there are other
  // threads.
  static absl::StatusOr<std::unique_ptr<CurlWebhookSender>> Create(Options options);
  ~CurlWebhookSender() override;  // Shutdown()

  void Send(app::WebhookRequest request, Done done) override;
  void Shutdown() override;

 private:
  class Post;

  CurlWebhookSender(Options options, std::unique_ptr<EventLoop> loop);
  // On the loop.
  void Begin(app::WebhookRequest request, Done done);
  void Forget(const Post* post);

  const Options options_;
  const std::unique_ptr<EventLoop> loop_;
  // The loop's.
  std::unique_ptr<MultiDriver> multi_;
  std::unordered_map<const Post*, std::unique_ptr<Post>> posts_;

  Mutex join_mutex_;
  std::thread thread_ BITS_GUARDED_BY(join_mutex_);
};

}  // namespace bits::transfer

#endif  // BITS_SERVER_TRANSFER_WEBHOOK_SENDER_H_

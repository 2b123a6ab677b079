// How the server application hears of an upload (notification of [MC-BUP] and of BITS's IIS extension).
#ifndef BITS_SERVER_APP_PORTS_APPLICATION_NOTIFIER_H_
#define BITS_SERVER_APP_PORTS_APPLICATION_NOTIFIER_H_

#include <cstdint>
#include <functional>
#include <string>

#include "server/domain/upload_session.h"

namespace bits::app {

struct ApplicationRequest {
  std::string url;           // http or https, with the query of the upload's URL; may hold secrets
  std::string original_url;  // of the upload, whole
  std::string session_id;
  std::string idempotency_key;  // the same each time the application hears of this upload
  bool by_value = false;        // the upload is the body; else its path is told
  std::string data_path;
  uint64_t size = 0;
  // By value the reply is written here, durably, replacing what is there; else its path is told.
  std::string reply_path;
};

// Thread-safe; nothing here blocks but Shutdown.
class ApplicationNotifier {
 public:
  // `reply_size` is said by value only.
  using Done = std::function<void(domain::ApplicationAnswer)>;
  virtual ~ApplicationNotifier() = default;
  // `done` is called once, on a thread of the notifier's; it must not block.
  virtual void Notify(ApplicationRequest request, Done done) = 0;
  // What is under way is dropped: its `done` is not called once this has returned, nor is that of what
  // comes after. Idempotent. Not from a `done`.
  virtual void Shutdown() = 0;
};

}  // namespace bits::app

#endif  // BITS_SERVER_APP_PORTS_APPLICATION_NOTIFIER_H_

// How a connection calls the server.
#ifndef BITS_OPTIONS_H_
#define BITS_OPTIONS_H_

#include <grpcpp/security/credentials.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace bits {
inline namespace client_0 {

// When a call that found the server UNAVAILABLE is tried again. No other code is
// retried: every other answer is an answer.
struct RetryOptions {
  // The first wait. Each wait is drawn at random from the upper half of
  // [0, backoff], and the backoff grows by `multiplier` up to `max_backoff`. A
  // server that says how long to wait (google.rpc.RetryInfo) is given at least that.
  std::chrono::milliseconds initial_backoff{100};
  std::chrono::milliseconds max_backoff{5'000};
  double multiplier = 2.0;
  // How long after the start of the call another try may begin. 0: one try only.
  std::chrono::milliseconds max_elapsed{30'000};
};

struct ConnectionOptions {
  // Null: no encryption.
  std::shared_ptr<grpc::ChannelCredentials> credentials;
  // The deadline of a call, all its tries together. A watch has none.
  std::chrono::milliseconds timeout{60'000};
  RetryOptions retry;
  // Sent with every call. Keys in lower case.
  std::vector<std::pair<std::string, std::string>> metadata;
  // What the server's log shows in front of this library's name: `my-service/1.2`.
  std::string user_agent;
};

// What may differ from call to call.
struct CallOptions {
  // In place of ConnectionOptions::timeout.
  std::optional<std::chrono::milliseconds> timeout;
};

}  // namespace client_0
}  // namespace bits

#endif  // BITS_OPTIONS_H_

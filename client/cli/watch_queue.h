// A watch whose events wait in a queue, so that the one who takes them can also wake
// by the clock and by the user.
#ifndef BITS_CLIENT_CLI_WATCH_QUEUE_H_
#define BITS_CLIENT_CLI_WATCH_QUEUE_H_

#include <absl/status/status.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <variant>

#include "bits/client.h"
#include "client/cli/interrupts.h"

namespace bits::cli {

class WatchQueue {
 public:
  struct Tick {};  // nothing came in the time
  struct Interrupted {};
  struct Reconnect {
    absl::Status why;
    std::chrono::milliseconds delay;
  };
  struct End {
    absl::Status status;
  };
  using Item = std::variant<Tick, Interrupted, Reconnect, End, WatchEvent>;

  // Begins to watch at once. `interrupts` outlives this.
  WatchQueue(const Client& client, WatchOptions options, Interrupts& interrupts);
  ~WatchQueue();
  WatchQueue(const WatchQueue&) = delete;
  WatchQueue& operator=(const WatchQueue&) = delete;

  // The next item; Tick after `patience`. An interruption overtakes all else.
  Item Take(std::chrono::milliseconds patience);

 private:
  static constexpr std::size_t kMostItems = 1'000;  // then the server's flow control works

  void Run();
  void Put(Item item);

  Interrupts& interrupts_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Item> items_;
  bool interrupted_ = false;
  bool stopping_ = false;
  std::unique_ptr<WatchSession> session_;
  std::thread thread_;
};

}  // namespace bits::cli

#endif  // BITS_CLIENT_CLI_WATCH_QUEUE_H_

// The one thread of the receiver that waits for sockets.
#ifndef BITS_SERVER_RECEIVE_IO_LOOP_H_
#define BITS_SERVER_RECEIVE_IO_LOOP_H_

#include <functional>
#include <memory>
#include <thread>

#include "absl/time/time.h"

namespace boost::asio {
class io_context;  // NOLINT(readability-identifier-naming): Boost's
}

namespace bits::receive {

class IoLoop {
 public:
  IoLoop();
  ~IoLoop();  // Stop()

  void Run();  // starts the thread
  // Runs the task on the loop's thread, later; never once it has stopped. Any thread.
  void Post(std::function<void()> task);
  // Waits until nothing on the loop is under way any more: whoever calls it has closed all that could
  // go on. Joins. Idempotent; one thread.
  void Stop();

  boost::asio::io_context& context() { return *context_; }

 private:
  struct Work;
  const std::unique_ptr<boost::asio::io_context> context_;
  std::unique_ptr<Work> work_;  // keeps it running
  std::thread thread_;
};

// One time-out. On the loop's thread, and not beyond the loop.
class IoTimer {
 public:
  explicit IoTimer(IoLoop& loop);
  ~IoTimer();
  // `fire` is called once, unless Set or Cancel come first.
  void Set(absl::Duration delay, std::function<void()> fire);
  void Cancel();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace bits::receive

#endif  // BITS_SERVER_RECEIVE_IO_LOOP_H_

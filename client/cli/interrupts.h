// Ctrl-C, as an event instead of an end.
#ifndef BITS_CLIENT_CLI_INTERRUPTS_H_
#define BITS_CLIENT_CLI_INTERRUPTS_H_

#include <functional>
#include <mutex>
#include <thread>

namespace bits::cli {

// Thread-safe.
class Interrupts {
 public:
  virtual ~Interrupts() = default;

  // Calls `react` on the interrupting thread when the user interrupts, at once if that
  // has happened. Null: nobody reacts; waits for a `react` that is running.
  void Watch(std::function<void()> react);
  void Raise();
  bool raised() const;

 private:
  mutable std::mutex mutex_;
  std::function<void()> react_;
  bool raised_ = false;
};

// Raised by SIGINT and SIGTERM; the second one ends the process with 130. Construct
// it before any other thread begins: those inherit that the signals are blocked.
class SignalInterrupts final : public Interrupts {
 public:
  SignalInterrupts();
  ~SignalInterrupts() override;
  SignalInterrupts(const SignalInterrupts&) = delete;
  SignalInterrupts& operator=(const SignalInterrupts&) = delete;

 private:
  void Run();

  int signals_ = -1;  // signalfd
  int stop_ = -1;     // eventfd
  std::thread thread_;
};

}  // namespace bits::cli

#endif  // BITS_CLIENT_CLI_INTERRUPTS_H_

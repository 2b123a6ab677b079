#include "client/cli/interrupts.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <utility>

#include "client/cli/exit_code.h"

namespace bits::cli {

void Interrupts::Watch(std::function<void()> react) {
  const std::lock_guard lock(mutex_);
  react_ = std::move(react);
  if (raised_ && react_) react_();
}

void Interrupts::Raise() {
  const std::lock_guard lock(mutex_);
  raised_ = true;
  if (react_) react_();
}

bool Interrupts::raised() const {
  const std::lock_guard lock(mutex_);
  return raised_;
}

SignalInterrupts::SignalInterrupts() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  signals_ = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  stop_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  // Without descriptors a signal ends the process as ever.
  if (signals_ < 0 || stop_ < 0) return;
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  thread_ = std::thread([this] { Run(); });
}

SignalInterrupts::~SignalInterrupts() {
  if (thread_.joinable()) {
    const std::uint64_t one = 1;
    while (write(stop_, &one, sizeof one) < 0 && errno == EINTR) {
    }
    thread_.join();
  }
  if (signals_ >= 0) close(signals_);
  if (stop_ >= 0) close(stop_);
}

void SignalInterrupts::Run() {
  while (true) {
    pollfd fds[] = {{signals_, POLLIN, 0}, {stop_, POLLIN, 0}};
    if (poll(fds, 2, -1) < 0) continue;
    if (fds[1].revents != 0) return;
    signalfd_siginfo info;
    if (read(signals_, &info, sizeof info) != sizeof info) continue;
    if (raised()) _exit(static_cast<int>(ExitCode::kInterrupted));
    Raise();
  }
}

}  // namespace bits::cli

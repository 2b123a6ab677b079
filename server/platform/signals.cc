#include "server/platform/signals.h"

#include <unistd.h>

#include <csignal>
#include <thread>

#include "server/base/log.h"

namespace bits::platform {
namespace {

sigset_t StopSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

}  // namespace

void BlockSignals() {
  const sigset_t set = StopSignals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

int WaitForSignal() {
  const sigset_t set = StopSignals();
  int signal_number = 0;
  while (sigwait(&set, &signal_number) != 0) {
  }
  return signal_number;
}

void ExitOnNextSignal() {
  std::thread([] {
    const int signal_number = WaitForSignal();
    BITS_LOG(kWarning, "ended at once by a second signal", {{"signal", signal_number}});
    _exit(1);
  }).detach();
}

}  // namespace bits::platform

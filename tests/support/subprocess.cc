#include "tests/support/subprocess.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>

#include "absl/time/clock.h"
#include "server/base/unique_fd.h"

namespace bits::testing {
namespace {

constexpr int kInheritedFd = 3;

// Between fork and exec only what is safe in a signal handler may be called.
[[noreturn]] void Exec(char* const* argv, char* const* environment, int output, int inherited,
                       int end_signal) {
  ::prctl(PR_SET_PDEATHSIG, end_signal);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  if (inherited == kInheritedFd) {
    ::fcntl(inherited, F_SETFD, 0);
  } else if (inherited >= 0) {
    ::dup2(inherited, kInheritedFd);
  }
  // What others opened without O_CLOEXEC is none of its business.
  ::syscall(SYS_close_range, inherited >= 0 ? kInheritedFd + 1 : kInheritedFd, ~0U, 0);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  ::execvpe(argv[0], argv, environment);
  ::_exit(127);
}

std::vector<char*> Pointers(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (std::string& s : strings) pointers.push_back(s.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> Environment(
    const std::vector<std::pair<std::string, std::string>>& added) {
  std::vector<std::string> all;
  for (const auto& [name, value] : added) all.push_back(name + "=" + value);
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    bool replaced = false;
    for (const auto& [name, value] : added) {
      replaced = replaced || (text.starts_with(name) && text.substr(name.size()).starts_with('='));
    }
    if (!replaced) all.emplace_back(text);
  }
  return all;
}

}  // namespace

Subprocess::Subprocess(Options options) : options_(std::move(options)) {}

absl::StatusOr<std::unique_ptr<Subprocess>> Subprocess::Start(Options options) {
  std::unique_ptr<Subprocess> process(new Subprocess(std::move(options)));
  // The thread that forks must outlive the program: PR_SET_PDEATHSIG goes by it.
  process->thread_ = std::thread([p = process.get()] { p->Run(); });
  MutexLock lock(process->mutex_);
  process->changed_.Wait(process->mutex_, [&] {
    process->mutex_.AssertHeld();
    return process->forked_ || process->fork_error_ != 0;
  });
  if (!process->forked_) return absl::ErrnoToStatus(process->fork_error_, "fork");
  return process;
}

Subprocess::~Subprocess() {
  Signal(options_.end_signal);
  if (options_.end_signal != SIGKILL && !Wait(absl::Seconds(10))) Signal(SIGKILL);
  thread_.join();
}

void Subprocess::Signal(int signal) {
  MutexLock lock(mutex_);
  if (forked_ && !reaped_) ::kill(pid_, signal);
}

std::optional<int> Subprocess::Wait(absl::Duration timeout) {
  MutexLock lock(mutex_);
  changed_.WaitFor(mutex_, absl::ToChronoNanoseconds(timeout), [this] {
    mutex_.AssertHeld();
    return status_.has_value();
  });
  return status_;
}

void Subprocess::Run() {
  std::vector<std::string> argv = options_.argv;
  std::vector<std::string> environment = Environment(options_.environment);
  const std::vector<char*> argv_pointers = Pointers(argv);
  const std::vector<char*> environment_pointers = Pointers(environment);

  std::array<int, 2> ends{-1, -1};
  int error = ::pipe2(ends.data(), O_CLOEXEC) == 0 ? 0 : errno;
  UniqueFd in(ends[0]);
  UniqueFd out(ends[1]);
  pid_t pid = -1;
  if (error == 0) {
    pid = ::fork();
    if (pid == 0) {
      Exec(argv_pointers.data(), environment_pointers.data(), out.get(), options_.inherited_fd,
           options_.end_signal);
    }
    if (pid < 0) error = errno;
  }
  out.reset();
  {
    MutexLock lock(mutex_);
    fork_error_ = error;
    forked_ = error == 0;
    pid_ = pid;
  }
  changed_.SignalAll();
  if (error != 0) return;

  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  const int status = Read(pidfd.get(), in.get());
  {
    MutexLock lock(mutex_);
    status_ = status;
  }
  changed_.SignalAll();
}

int Subprocess::Read(int pidfd, int pipe) {
  UniqueFd log;
  if (!options_.log_path.empty()) {
    log.reset(::open(options_.log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  }
  std::string line;
  std::array<char, 4096> buffer{};
  bool ended = false;
  ::fcntl(pipe, F_SETFL, O_NONBLOCK);
  while (true) {
    std::array<pollfd, 2> fds{{{pipe, POLLIN, 0}, {pidfd, POLLIN, 0}}};
    if (!ended) ::poll(fds.data(), fds.size(), -1);
    ended = ended || fds[1].revents != 0;
    const ssize_t n = ::read(pipe, buffer.data(), buffer.size());
    if (n > 0) {
      if (log) (void)!::write(log.get(), buffer.data(), static_cast<size_t>(n));
      for (char c : std::string_view(buffer.data(), static_cast<size_t>(n))) {
        if (c != '\n') {
          line += c;
          continue;
        }
        if (options_.on_line) options_.on_line(line);
        line.clear();
      }
    } else if (n == 0 || ended) {
      break;  // All is read; what a grandchild may still print is not waited for.
    }
  }
  siginfo_t info;
  while (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT) != 0 &&
         errno == EINTR) {
  }
  MutexLock lock(mutex_);  // No signal goes to the pid once it may be another's.
  int status = 0;
  ::waitpid(pid_, &status, 0);
  reaped_ = true;
  return status;
}

std::string DescribeWaitStatus(int status) {
  if (WIFEXITED(status)) return "exited with " + std::to_string(WEXITSTATUS(status));
  return "killed by signal " + std::to_string(WTERMSIG(status));
}

}  // namespace bits::testing

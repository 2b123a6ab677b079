#include "server/platform/process_runner.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "server/base/executor.h"
#include "server/domain/error_code.h"

namespace bits::platform {
namespace {

constexpr char kPath[] = "PATH=/usr/local/bin:/usr/bin:/bin";

domain::Failure CommandFailure(std::string detail) {
  domain::Failure failure;
  failure.hresult = domain::kUnexpected;
  failure.detail = std::move(detail);
  return failure;
}

// What the child begins with.
class SpawnSetup {
 public:
  SpawnSetup() {
    posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
                                               POSIX_SPAWN_SETSIGDEF);
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions_, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions_, STDOUT_FILENO, STDERR_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
    posix_spawn_file_actions_addchdir_np(&actions_, "/");
  }
  ~SpawnSetup() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnSetup(const SpawnSetup&) = delete;
  SpawnSetup& operator=(const SpawnSetup&) = delete;

  // 0, or an errno.
  int Spawn(app::CommandRequest& request, pid_t& pid) const {
    std::string path = kPath;
    std::vector<char*> arguments{request.program.data()};
    for (std::string& argument : request.arguments) arguments.push_back(argument.data());
    arguments.push_back(nullptr);
    std::vector<char*> environment{path.data()};
    for (std::string& variable : request.environment) environment.push_back(variable.data());
    environment.push_back(nullptr);
    return posix_spawn(&pid, request.program.c_str(), &actions_, &attributes_, arguments.data(),
                       environment.data());
  }

 private:
  posix_spawnattr_t attributes_{};
  posix_spawn_file_actions_t actions_{};
};

std::optional<domain::Failure> FailureOf(const siginfo_t& end, bool out_of_time) {
  if (out_of_time) return CommandFailure("the program was killed: its time was over");
  if (end.si_code == CLD_EXITED && end.si_status == 0) return std::nullopt;
  if (end.si_code == CLD_EXITED) {
    return CommandFailure(absl::StrCat("the program ended with ", end.si_status));
  }
  return CommandFailure(absl::StrCat("the program was ended by signal ", end.si_status));
}

}  // namespace

absl::StatusOr<std::unique_ptr<ProcessRunner>> ProcessRunner::Create(absl::Duration time_limit) {
  UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) return absl::ErrnoToStatus(errno, "eventfd");
  std::unique_ptr<ProcessRunner> runner(new ProcessRunner(time_limit, std::move(wake)));
  MutexLock lock(runner->join_mutex_);
  runner->thread_ = std::thread([self = runner.get()] { self->Loop(); });
  return runner;
}

ProcessRunner::~ProcessRunner() { Shutdown(); }

void ProcessRunner::Run(app::CommandRequest request, Done done) {
  {
    MutexLock lock(mutex_);
    if (stopping_) return;
    new_.emplace_back(std::move(request), std::move(done));
  }
  const uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof(one));
}

void ProcessRunner::Shutdown() {
  MutexLock join(join_mutex_);
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    new_.clear();
  }
  const uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof(one));
  if (thread_.joinable()) thread_.join();
}

void ProcessRunner::Loop() {
  SetThreadName("commands");
  while (true) {
    {
      MutexLock lock(mutex_);
      if (stopping_) break;
    }
    StartNew();
    Wait();
    KillLate();
    ReapEnded();
  }
  for (Child& child : children_) {
    ::kill(-child.pid, SIGKILL);
    siginfo_t end{};
    ::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(child.pidfd.get()), &end, WEXITED);
  }
  children_.clear();
}

void ProcessRunner::StartNew() {
  std::vector<std::pair<app::CommandRequest, Done>> requests;
  {
    MutexLock lock(mutex_);
    requests.swap(new_);
  }
  const SpawnSetup setup;
  for (auto& [request, done] : requests) {
    Child child;
    const int error = setup.Spawn(request, child.pid);
    if (error != 0) {
      done(CommandFailure(absl::StrCat("the program cannot be run: ", std::strerror(error))));
      continue;
    }
    child.pidfd.reset(static_cast<int>(::syscall(SYS_pidfd_open, child.pid, 0)));
    if (!child.pidfd) {  // no descriptors are left
      ::kill(-child.pid, SIGKILL);
      (void)::waitpid(child.pid, nullptr, 0);
      done(CommandFailure("the program cannot be watched"));
      continue;
    }
    child.deadline = Clock::now() + absl::ToChronoMilliseconds(time_limit_);
    child.done = std::move(done);
    children_.push_back(std::move(child));
  }
}

void ProcessRunner::Wait() {
  std::vector<pollfd> polled{{wake_.get(), POLLIN, 0}};
  Clock::time_point next = Clock::time_point::max();
  for (const Child& child : children_) {
    polled.push_back({child.pidfd.get(), POLLIN, 0});
    if (!child.out_of_time) next = std::min(next, child.deadline);
  }
  int timeout = -1;
  if (next != Clock::time_point::max()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - Clock::now()).count();
    timeout = static_cast<int>(std::clamp<int64_t>(left, 0, 3'600'000));
  }
  (void)::poll(polled.data(), polled.size(), timeout);
  uint64_t count = 0;
  (void)!::read(wake_.get(), &count, sizeof(count));
}

void ProcessRunner::KillLate() {
  const Clock::time_point now = Clock::now();
  for (Child& child : children_) {
    if (child.out_of_time || child.deadline > now) continue;
    child.out_of_time = true;
    ::kill(-child.pid, SIGKILL);
  }
}

void ProcessRunner::ReapEnded() {
  for (auto it = children_.begin(); it != children_.end();) {
    siginfo_t end{};
    const auto id = static_cast<id_t>(it->pidfd.get());
    // Not reaped yet: its number, and that of its group, cannot be another's.
    const int result = ::waitid(static_cast<idtype_t>(P_PIDFD), id, &end, WEXITED | WNOHANG | WNOWAIT);
    if (result == 0 && end.si_pid == 0) {
      ++it;
      continue;
    }
    ::kill(-it->pid, SIGKILL);  // what it left behind
    ::waitid(static_cast<idtype_t>(P_PIDFD), id, &end, WEXITED | WNOHANG);
    const Done done = std::move(it->done);
    const bool out_of_time = it->out_of_time;
    it = children_.erase(it);
    done(FailureOf(end, out_of_time));
  }
}

}  // namespace bits::platform

// bench_measure REPORT PROGRAM [ARGUMENT ..]: runs a program and writes into the file REPORT
// what it took. A process of its own, and a small one: the peak memory that the kernel
// counts for a child begins with that of the process that forked it.
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <ctime>

namespace {

double Now() {
  timespec t{};
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

double Seconds(const timeval& t) {
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const double begin = Now();
  pid_t pid = -1;
  const int error = ::posix_spawnp(&pid, argv[2], nullptr, nullptr, argv + 2, environ);
  if (error != 0) {
    std::fprintf(stderr, "cannot run %s: error %d\n", argv[2], error);
    return 127;
  }
  int status = 0;
  rusage usage{};
  while (::wait4(pid, &status, 0, &usage) < 0) {
    if (errno != EINTR) return 2;
  }
  const double end = Now();
  std::FILE* report = std::fopen(argv[1], "w");
  if (report == nullptr) return 2;
  std::fprintf(report, "%.9f %.6f %ld\n", end - begin,
               Seconds(usage.ru_utime) + Seconds(usage.ru_stime), usage.ru_maxrss);
  if (std::fclose(report) != 0) return 2;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

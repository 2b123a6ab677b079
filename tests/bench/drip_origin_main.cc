// bench_drip_origin: an HTTP/1.1 origin that sends every response slowly, thousands at once
// on one thread. Says "listening HOST:PORT".
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "server/base/unique_fd.h"
#include "tests/support/listener.h"

ABSL_FLAG(uint32_t, bytes_per_second, 1024, "what each response brings");
ABSL_FLAG(uint64_t, size, 1 << 20, "the length of each response");

namespace bits::bench {
namespace {

// Each connection gets its bytes once a second, at a tick of its own.
constexpr size_t kTicks = 100;
constexpr long kTickNanoseconds = 10'000'000;

class DripOrigin {
 public:
  DripOrigin(testing::Listener listener, uint32_t chunk, uint64_t size)
      : listener_(std::move(listener)),
        size_(size),
        chunk_(chunk, 'x'),
        epoll_(::epoll_create1(EPOLL_CLOEXEC)),
        timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)) {}

  bool Run() {
    const itimerspec tick{{0, kTickNanoseconds}, {0, kTickNanoseconds}};
    if (::listen(listener_.fd.get(), SOMAXCONN) != 0 ||
        ::timerfd_settime(timer_.get(), 0, &tick, nullptr) != 0) {
      return false;
    }
    ::fcntl(listener_.fd.get(), F_SETFL, O_NONBLOCK);
    Add(listener_.fd.get());
    Add(timer_.get());
    std::array<epoll_event, 256> events{};
    while (true) {
      const int n = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), -1);
      if (n < 0 && errno != EINTR) return false;
      for (int i = 0; i < n; ++i) {
        const int fd = events[static_cast<size_t>(i)].data.fd;
        if (fd == listener_.fd.get()) {
          Accept();
        } else if (fd == timer_.get()) {
          Tick();
        } else {
          Read(fd);
        }
      }
    }
  }

 private:
  struct Connection {
    UniqueFd fd;
    std::string request;
    uint64_t left = 0;  // of the body under way
    size_t tick = 0;
  };

  void Add(int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
  }

  void Accept() {
    while (true) {
      UniqueFd fd(::accept4(listener_.fd.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (!fd) return;
      const int on = 1;
      ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      const int number = fd.get();
      Add(number);
      connections_[number].fd = std::move(fd);
    }
  }

  void Close(int fd) {
    Connection& connection = connections_[fd];
    std::vector<int>& due = due_[connection.tick];
    due.erase(std::remove(due.begin(), due.end(), fd), due.end());
    connections_.erase(fd);
  }

  void Read(int fd) {
    Connection& connection = connections_[fd];
    std::array<char, 4096> buffer{};
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) return Close(fd);
    connection.request.append(buffer.data(), static_cast<size_t>(n));
    if (connection.request.find("\r\n\r\n") == std::string::npos) return;
    const bool body = connection.request.rfind("GET ", 0) == 0;
    connection.request.clear();
    const std::string head =
        "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(size_) +
        "\r\nETag: \"drip\"\r\nLast-Modified: Wed, 21 Oct 2015 07:28:00 GMT\r\n"
        "Accept-Ranges: bytes\r\n\r\n";
    if (::send(fd, head.data(), head.size(), MSG_NOSIGNAL) < 0) return Close(fd);
    if (!body) return;
    connection.left = size_;
    connection.tick = next_tick_++ % kTicks;
    due_[connection.tick].push_back(fd);
  }

  void Tick() {
    uint64_t ticks = 0;
    if (::read(timer_.get(), &ticks, sizeof ticks) != sizeof ticks) return;
    for (; ticks > 0; --ticks) {
      now_ = (now_ + 1) % kTicks;
      for (int fd : std::vector<int>(due_[now_])) Drip(fd);
    }
  }

  void Drip(int fd) {
    Connection& connection = connections_[fd];
    const size_t bytes = std::min<uint64_t>(chunk_.size(), connection.left);
    const ssize_t n = ::send(fd, chunk_.data(), bytes, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN) return Close(fd);
    if (n > 0) connection.left -= static_cast<uint64_t>(n);
    if (connection.left == 0) {
      std::vector<int>& due = due_[connection.tick];
      due.erase(std::remove(due.begin(), due.end(), fd), due.end());
    }
  }

  testing::Listener listener_;
  const uint64_t size_;
  const std::string chunk_;
  UniqueFd epoll_;
  UniqueFd timer_;
  std::unordered_map<int, Connection> connections_;
  std::array<std::vector<int>, kTicks> due_;
  size_t next_tick_ = 0;
  size_t now_ = 0;
};

int Main() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  absl::StatusOr<testing::Listener> listener = testing::ListenOnLoopback();
  if (!listener.ok()) {
    std::cerr << listener.status() << "\n";
    return 1;
  }
  std::cout << "listening 127.0.0.1:" << listener->port << std::endl;
  DripOrigin origin(*std::move(listener), absl::GetFlag(FLAGS_bytes_per_second),
                    absl::GetFlag(FLAGS_size));
  return origin.Run() ? 0 : 1;
}

}  // namespace
}  // namespace bits::bench

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  return bits::bench::Main();
}

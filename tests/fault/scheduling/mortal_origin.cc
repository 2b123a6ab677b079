#include "tests/fault/scheduling/mortal_origin.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string_view>
#include <utility>

namespace bits::testing {

MortalOrigin::MortalOrigin() { Bind(); }

void MortalOrigin::Bind() {
  socket_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port_);
  socklen_t size = sizeof(address);
  EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
  EXPECT_EQ(::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  port_ = ntohs(address.sin_port);
}

void MortalOrigin::Live(bool silent) {
  ASSERT_EQ(::listen(socket_.get(), SOMAXCONN), 0);
  thread_ = std::thread([this, silent, listener = socket_.get()] { Serve(listener, silent); });
}

void MortalOrigin::Die() {
  ::shutdown(socket_.get(), SHUT_RDWR);  // ends the accept()
  if (thread_.joinable()) thread_.join();
  {
    MutexLock lock(mutex_);
    silenced_.clear();
  }
  Bind();
}

void MortalOrigin::Serve(int listener, bool silent) {
  constexpr std::string_view kAnswer =
      "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nETag: \"v\"\r\nConnection: close\r\n\r\ncontent";
  while (true) {
    UniqueFd connection(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
    if (!connection) return;
    if (silent) {
      MutexLock lock(mutex_);
      silenced_.push_back(std::move(connection));
      continue;
    }
    std::string request;
    char buffer[4096];
    while (request.find("\r\n\r\n") == std::string::npos) {
      const ssize_t n = ::recv(connection.get(), buffer, sizeof(buffer), 0);
      if (n <= 0) break;
      request.append(buffer, static_cast<size_t>(n));
    }
    (void)::send(connection.get(), kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL);
  }
}

}  // namespace bits::testing

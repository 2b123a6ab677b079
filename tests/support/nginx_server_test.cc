#include "tests/support/nginx_server.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/support/listener.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace bits::testing {
namespace {

TEST(NginxServerTest, ServesItsDocroot) {
  if (!HaveNginx()) GTEST_SKIP() << "nginx is not installed";
  TempDir docroot;
  WriteFile(docroot / "file", "content");
  auto server = NginxServer::Start({.docroot = docroot.path(), .access_log = true});
  BITS_ASSERT_OK(server);
  auto fd = ConnectToLoopback((*server)->port());
  BITS_ASSERT_OK(fd);
  const std::string request = "GET /file HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  ASSERT_EQ(::write(fd->get(), request.data(), request.size()),
            static_cast<ssize_t>(request.size()));
  std::string response;
  char buffer[4096];
  for (ssize_t n; (n = ::read(fd->get(), buffer, sizeof(buffer))) > 0;) {
    response.append(buffer, static_cast<size_t>(n));
  }
  EXPECT_TRUE(response.starts_with("HTTP/1.1 200 OK\r\n")) << response;
  EXPECT_TRUE(response.ends_with("\r\n\r\ncontent")) << response;
  EXPECT_NE((*server)->AccessLog().find("GET /file 200 7"), std::string::npos)
      << (*server)->AccessLog();
}

}  // namespace
}  // namespace bits::testing

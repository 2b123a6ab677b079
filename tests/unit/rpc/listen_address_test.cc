#include "server/rpc/listen_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstring>
#include <fstream>
#include <string>

#include "server/base/unique_fd.h"
#include "tests/support/listener.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace bits::rpc {
namespace {

using ::bits::testing::HasCode;
using ::testing::HasSubstr;

TEST(ListenAddressTest, ThereAndBack) {
  for (const char* text : {"127.0.0.1:7878", "0.0.0.0:0", "localhost:65535", "[::1]:1", "[::]:80",
                           "my-host.example:5", "unix:/run/bitsd.sock", "unix:relative"}) {
    const auto address = ParseListenAddress(text);
    BITS_ASSERT_OK(address) << text;
    EXPECT_EQ(address->ToString(), text);
  }
  EXPECT_EQ(ParseListenAddress("[::1]:7")->host, "::1");
  EXPECT_EQ(ParseListenAddress("unix:/x")->path, "/x");
}

TEST(ListenAddressTest, WrongOnes) {
  for (const std::string& text :
       {std::string(), std::string("localhost"), std::string(":80"), std::string("localhost:"),
        std::string("localhost:x"), std::string("localhost:65536"), std::string("localhost:-1"),
        std::string("localhost: 1"), std::string("::1:80"), std::string("[::1]"),
        std::string("[nonsense]:80"), std::string("[127.0.0.1]:80"), std::string("a b:80"),
        std::string("dns:///x:80"), std::string("unix:"), std::string("unix-abstract:x"),
        "unix:" + std::string(108, 'p')}) {
    EXPECT_THAT(ParseListenAddress(text), HasCode(absl::StatusCode::kInvalidArgument)) << text;
  }
}

TEST(ListenAddressTest, WhatOnlyThisMachineCanReach) {
  for (const char* host : {"127.0.0.1", "127.1.2.3", "::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1",
                           "localhost", "LOCALHOST"}) {
    EXPECT_TRUE(IsLoopbackAddress(host)) << host;
  }
  for (const char* host :
       {"0.0.0.0", "::", "", "10.0.0.1", "128.0.0.1", "192.168.0.1", "::ffff:10.0.0.1", "fe80::1",
        "2001:db8::1", "example.com", "localhost.example.com", "127.0.0.1.example.com", "127.1",
        "0", "2130706433", "*", "::1%lo"}) {
    EXPECT_FALSE(IsLoopbackAddress(host)) << host;
  }
}

class StaleSocketTest : public ::testing::Test {
 protected:
  std::string Path() const { return dir_ / "s"; }

  // A socket bound to Path(), listening or not.
  UniqueFd Bind(bool listen) {
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, Path().c_str(), sizeof(address.sun_path) - 1);
    EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    if (listen) {
      EXPECT_EQ(::listen(fd.get(), 1), 0);
    }
    return fd;
  }
  bool IsThere() const {
    struct stat found {};
    return ::lstat(Path().c_str(), &found) == 0;
  }

  testing::TempDir dir_;
};

TEST_F(StaleSocketTest, NothingThere) { BITS_EXPECT_OK(RemoveStaleSocket(Path())); }

TEST_F(StaleSocketTest, OneThatNobodyAnswersAtIsRemoved) {
  Bind(/*listen=*/true).reset();
  ASSERT_TRUE(IsThere());
  BITS_EXPECT_OK(RemoveStaleSocket(Path()));
  EXPECT_FALSE(IsThere());
}

TEST_F(StaleSocketTest, OneThatIsInUseStays) {
  const UniqueFd fd = Bind(/*listen=*/true);
  const absl::Status status = RemoveStaleSocket(Path());
  EXPECT_THAT(status, HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(std::string(status.message()), HasSubstr("another process"));
  EXPECT_TRUE(IsThere());
}

TEST_F(StaleSocketTest, WhatIsNoSocketStays) {
  std::ofstream(Path()) << "precious";
  EXPECT_THAT(RemoveStaleSocket(Path()), HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_TRUE(IsThere());
}

TEST(WhyNotListeningTest, SaysThatAPortIsTaken) {
  const auto taken = testing::ListenOnLoopback();
  BITS_ASSERT_OK(taken);
  ListenAddress address;
  address.host = "127.0.0.1";
  address.port = taken->port;
  EXPECT_THAT(WhyNotListening(address).value_or(""), HasSubstr("in use"));
  address.port = 0;
  EXPECT_EQ(WhyNotListening(address), std::nullopt);
}

}  // namespace
}  // namespace bits::rpc

#include "server/base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "server/base/unique_fd.h"

namespace bits {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

// Catches what is logged while it lives, in a file without a name.
class LogTest : public testing::Test {
 protected:
  LogTest() {
    std::string path = testing::TempDir() + "/log_test.XXXXXX";
    fd_.reset(::mkstemp(path.data()));
    ::unlink(path.c_str());
    old_ = SetLogFd(fd_.get());
  }
  ~LogTest() override {
    SetLogFd(old_);
    SetLogLevel(LogLevel::kInfo);
    SetLogFormat(LogFormat::kText);
  }

  std::string Read() {
    std::string text;
    std::array<char, 4096> buffer{};
    ::lseek(fd_.get(), 0, SEEK_SET);
    for (ssize_t n = 0; (n = ::read(fd_.get(), buffer.data(), buffer.size())) > 0;) {
      text.append(buffer.data(), static_cast<size_t>(n));
    }
    return text;
  }

 private:
  UniqueFd fd_;
  int old_ = -1;
};

TEST_F(LogTest, TextLine) {
  const std::string id = "1b2c";
  BITS_LOG(kInfo, "job created", {{"job", id}, {"files", 3}, {"start", true}, {"note", "a b"}});
  const std::string line = Read();
  EXPECT_THAT(line, ContainsRegex("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\.[0-9]{6}Z INFO  job "
                                  "created job=1b2c files=3 start=true note=\"a b\" "
                                  "\\(log_test.cc:[0-9]+\\)\n$"));
}

TEST_F(LogTest, JsonLine) {
  SetLogFormat(LogFormat::kJson);
  BITS_LOG(kWarning, "say \"hi\"\n", {{"n", -5}, {"r", 0.5}, {"b", false}, {"s", "\\"}});
  EXPECT_THAT(Read(), ContainsRegex("^\\{\"time\":\"[^\"]+Z\",\"severity\":\"WARNING\","
                                    "\"message\":\"say \\\\\"hi\\\\\"\\\\n\","
                                    "\"source\":\"log_test.cc:[0-9]+\","
                                    "\"n\":-5,\"r\":0.5,\"b\":false,\"s\":\"\\\\\\\\\"\\}\n$"));
}

TEST_F(LogTest, JsonHasNoNumberForInfinity) {
  SetLogFormat(LogFormat::kJson);
  BITS_LOG(kInfo, "x", {{"r", std::numeric_limits<double>::infinity()}});
  EXPECT_THAT(Read(), HasSubstr("\"r\":\"inf\""));
}

TEST_F(LogTest, ALineStaysOneLineAndATerminalIsNotDriven) {
  BITS_LOG(kInfo, "a\nb", {{"k", "c\nd\x1b[31m\x7f\xc2\x9b"}});
  const std::string text = Read();
  EXPECT_THAT(text, HasSubstr(R"(a\nb k="c\nd\u001b[31m\u007f\u009b")"));
  EXPECT_EQ(text.find('\n'), text.size() - 1);
}

TEST_F(LogTest, BytesThatAreNotUtf8AreReplaced) {
  BITS_LOG(kInfo, "x", {{"bad", "a\xff\xc3"}, {"surrogate", "\xed\xa0\x80"}, {"good", "é€😀"}});
  EXPECT_THAT(Read(), HasSubstr("bad=\"a\xef\xbf\xbd\xef\xbf\xbd\" "
                                "surrogate=\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\" "
                                "good=\"é€😀\""));
}

TEST_F(LogTest, AStatusIsWrittenWithItsCode) {
  BITS_LOG(kError, "x", {{"error", absl::NotFoundError("gone")}});
  EXPECT_THAT(Read(), HasSubstr("ERROR x error=\"NOT_FOUND: gone\""));
}

TEST_F(LogTest, DroppedLinesCostNothing) {
  SetLogLevel(LogLevel::kWarning);
  int evaluated = 0;
  BITS_LOG(kInfo, "dropped", {{"n", ++evaluated}});
  BITS_LOG(kWarning, "kept", {{"n", ++evaluated}});
  EXPECT_EQ(evaluated, 1);
  EXPECT_THAT(Read(), testing::AllOf(Not(HasSubstr("dropped")), HasSubstr("kept")));
}

TEST_F(LogTest, KeepsErrno) {
  SetLogFd(-1);  // write(2) fails.
  errno = ENOSPC;
  BITS_LOG(kInfo, "x");
  EXPECT_EQ(errno, ENOSPC);
}

TEST_F(LogTest, LinesOfSeveralThreadsDoNotMix) {
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      const std::string filler(500, static_cast<char>('a' + t));
      for (int i = 0; i < 200; ++i) BITS_LOG(kInfo, "x", {{"filler", filler}});
    });
  }
  for (std::thread& thread : threads) thread.join();
  const std::string text = Read();
  size_t lines = 0;
  for (size_t at = 0; at < text.size(); ++lines) {
    const size_t end = text.find('\n', at);
    ASSERT_NE(end, std::string::npos);
    const size_t filler = text.find("filler=", at) + 7;
    ASSERT_LT(filler, end);
    EXPECT_EQ(text.find_first_not_of(text[filler], filler), filler + 500);
    at = end + 1;
  }
  EXPECT_EQ(lines, 800U);
}

TEST(ParseLog, KnowsItsNamesOnly) {
  EXPECT_EQ(ParseLogLevel("debug"), LogLevel::kDebug);
  EXPECT_EQ(ParseLogLevel("error"), LogLevel::kError);
  EXPECT_EQ(ParseLogLevel("INFO"), std::nullopt);
  EXPECT_EQ(ParseLogFormat("json"), LogFormat::kJson);
  EXPECT_EQ(ParseLogFormat(""), std::nullopt);
}

}  // namespace
}  // namespace bits

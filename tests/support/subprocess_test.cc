#include "tests/support/subprocess.h"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <csignal>

#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace bits::testing {
namespace {

constexpr absl::Duration kLongWait = absl::Seconds(20);

TEST(SubprocessTest, PassesOnOutputAndStatus) {
  TempDir dir;
  std::vector<std::string> lines;
  Subprocess::Options options;
  options.argv = {"sh", "-c", "echo \"$GREETING\"; echo two >&2; exit 3"};
  options.environment = {{"GREETING", "one"}};
  options.log_path = dir / "log";
  options.on_line = [&](std::string_view line) { lines.emplace_back(line); };
  auto process = Subprocess::Start(options);
  BITS_ASSERT_OK(process);
  std::optional<int> status = (*process)->Wait(kLongWait);
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(WEXITSTATUS(*status), 3);
  EXPECT_EQ(lines, (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(ReadFile(dir / "log"), "one\ntwo\n");
}

TEST(SubprocessTest, IsKilledWhenItGoes) {
  Subprocess::Options options;
  options.argv = {"sleep", "1000"};
  auto process = Subprocess::Start(options);
  BITS_ASSERT_OK(process);
  const pid_t pid = (*process)->pid();
  EXPECT_EQ(::kill(pid, 0), 0);
  EXPECT_EQ((*process)->Wait(absl::ZeroDuration()), std::nullopt);
  process->reset();
  EXPECT_EQ(::kill(pid, 0), -1);
}

TEST(SubprocessTest, AProgramThatIsNotThere) {
  Subprocess::Options options;
  options.argv = {"/nowhere/at/all"};
  auto process = Subprocess::Start(options);
  BITS_ASSERT_OK(process);
  std::optional<int> status = (*process)->Wait(kLongWait);
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(DescribeWaitStatus(*status), "exited with 127");
}

}  // namespace
}  // namespace bits::testing

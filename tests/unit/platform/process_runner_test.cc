#include "server/platform/process_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <future>
#include <iterator>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace bits::platform {
namespace {

using ::bits::testing::ReadFile;
using ::bits::testing::TempDir;
using ::bits::testing::WriteFile;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

// Waits for somebody to open it for writing, then for the last of them to close it.
std::string ReadPipe(const std::string& path) {
  std::ifstream in(path);
  return std::string((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
}

class ProcessRunnerTest : public ::testing::Test {
 protected:
  ProcessRunnerTest() { Make(absl::Minutes(1)); }

  void Make(absl::Duration time_limit) {
    auto runner = ProcessRunner::Create(time_limit);
    ASSERT_TRUE(runner.ok()) << runner.status();
    runner_ = *std::move(runner);
  }
  std::string Script(const std::string& text) {
    const std::string path = dir_ / absl::StrCat("script-", ++scripts_);
    WriteFile(path, "#!/bin/sh\n" + text);
    EXPECT_EQ(::chmod(path.c_str(), 0755), 0);
    return path;
  }
  std::optional<domain::Failure> Run(const app::CommandRequest& request) {
    std::promise<std::optional<domain::Failure>> ended;
    runner_->Run(request, [&ended](std::optional<domain::Failure> failure) {
      ended.set_value(std::move(failure));
    });
    return ended.get_future().get();
  }

  TempDir dir_;
  int scripts_ = 0;
  std::unique_ptr<ProcessRunner> runner_;
};

TEST_F(ProcessRunnerTest, TellsHowItEnded) {
  EXPECT_EQ(Run({.program = Script("exit 0")}), std::nullopt);
  EXPECT_EQ(Run({.program = Script("exit 3")})->detail, "the program ended with 3");
  EXPECT_EQ(Run({.program = Script("kill -TERM $$")})->detail,
            "the program was ended by signal 15");
  EXPECT_THAT(Run({.program = dir_ / "missing"})->detail, HasSubstr("cannot be run"));
}

TEST_F(ProcessRunnerTest, ArgumentsGoAsTheyAreToNoShell) {
  const std::string out = dir_ / "out";
  EXPECT_EQ(Run({.program = Script("printf '%s|' \"$0\" \"$@\" > " + out),
                 .arguments = {"$(id) ; `id`", "", "a b"}}),
            std::nullopt);
  EXPECT_EQ(ReadFile(out), dir_ / "script-1" + "|$(id) ; `id`||a b|");
}

TEST_F(ProcessRunnerTest, NothingIsInherited) {
  const std::string out = dir_ / "out";
  ::setenv("BITS_TEST_SECRET", "x", 1);
  EXPECT_EQ(Run({.program = Script("exec > " + out + "; cat /proc/self/environ | tr '\\0' '\\n'"),
                 .environment = {"BITS_JOB=jobs/1"}}),
            std::nullopt);
  std::vector<std::string> variables = absl::StrSplit(ReadFile(out), '\n', absl::SkipEmpty());
  std::erase_if(variables, [](const std::string& v) { return v.starts_with("PWD="); });  // the shell's
  EXPECT_THAT(variables,
              UnorderedElementsAre("PATH=/usr/local/bin:/usr/bin:/bin", "BITS_JOB=jobs/1"));
  EXPECT_EQ(Run({.program = Script(absl::StrCat(
                     "for fd in 0 1 2; do readlink /proc/$$/fd/$fd; done > ", out, "; pwd >> ", out,
                     "; ls /proc/self/fd | wc -l >> ", out, "; cut -d' ' -f6 /proc/$$/stat >> ", out,
                     "; echo $$ >> ", out, "; grep SigBlk /proc/self/status >> ", out))}),
            std::nullopt);
  const std::vector<std::string> lines = absl::StrSplit(ReadFile(out), '\n');
  ASSERT_GE(lines.size(), 8u) << ReadFile(out);
  EXPECT_EQ(lines[0], "/dev/null");
  EXPECT_EQ(lines[2], "/dev/null");
  EXPECT_EQ(lines[3], "/");
  EXPECT_LE(lines[4], "4") << "three, and the directory that ls reads";
  EXPECT_EQ(lines[5], lines[6]) << "a session of its own";
  EXPECT_THAT(lines[7], HasSubstr("0000000000000000"));
}

TEST_F(ProcessRunnerTest, IsKilledWithAllThatItBeganWhenItsTimeIsOver) {
  Make(absl::Milliseconds(300));
  const std::string pipe = dir_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  std::promise<std::optional<domain::Failure>> ended;
  runner_->Run({.program = Script("exec 3> " + pipe + "; sleep 1000 & echo begun >&3; wait")},
               [&ended](std::optional<domain::Failure> failure) {
                 ended.set_value(std::move(failure));
               });
  // To the end, which comes when nobody has the pipe open any more: not `sleep` either.
  EXPECT_EQ(ReadPipe(pipe), "begun\n");
  const auto failure = ended.get_future().get();
  ASSERT_TRUE(failure.has_value());
  EXPECT_THAT(failure->detail, HasSubstr("its time was over"));
}

TEST_F(ProcessRunnerTest, OneDoesNotWaitForAnother) {
  std::promise<void> ended;
  const std::string pipe = dir_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  runner_->Run({.program = Script("read line < " + pipe)},
               [&ended](std::optional<domain::Failure>) { ended.set_value(); });
  EXPECT_EQ(Run({.program = Script("echo go > " + pipe)}), std::nullopt);
  ended.get_future().wait();
}

TEST_F(ProcessRunnerTest, ShutdownKillsWhatRunsAndSaysNothing) {
  bool told = false;
  const std::string pipe = dir_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  runner_->Run({.program = Script("echo begun > " + pipe + "; sleep 1000")},
               [&told](std::optional<domain::Failure>) { told = true; });
  std::ifstream in(pipe);
  std::string line;
  std::getline(in, line);
  EXPECT_EQ(line, "begun");
  runner_->Shutdown();
  EXPECT_FALSE(told);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "no child is left";
}

}  // namespace
}  // namespace bits::platform

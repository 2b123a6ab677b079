// bitsctl transfer, as a user sees it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>

#include "bits/v1/error.pb.h"
#include "tests/integration/client/bitsctl_run.h"

namespace bits::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

using BitsctlTransferTest = BitsctlTest;

TEST_F(BitsctlTransferTest, FetchesAFile) {
  const std::string content = MakeContent(3'000'000, 1);
  origin_->Put("/pub/a%20b.bin", content);
  const Ran ran = Run({"transfer", origin_->Url("/pub/a%20b.bin")});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(Local("a b.bin"), content);
  EXPECT_THAT(ran.out, MatchesRegex("Saved /[^\n]*/a b.bin: 2.9 MiB in [^\n]*\n"));
  EXPECT_THAT(ran.err, Not(HasSubstr("\x1b")));
  struct stat info {};
  ASSERT_EQ(stat((root_ / "a b.bin").c_str(), &info), 0);
  EXPECT_EQ(info.st_mtime, 1'445'412'480);  // the origin's Last-Modified
  const v1::Job job = OnlyJob(true);
  EXPECT_EQ(job.state(), v1::Job::STATE_ACKNOWLEDGED);
  EXPECT_EQ(job.priority(), v1::Job::PRIORITY_FOREGROUND);
}

TEST_F(BitsctlTransferTest, FetchesSeveralFilesWithChecksums) {
  origin_->Put("/1", std::string("123456789"));
  origin_->Put("/2", std::string("second"));
  const Ran ran =
      Run({"transfer", origin_->Url("/1"), "dir/one", origin_->Url("/2"), "dir/two",
           "--checksum=crc32c:e3069283", "--checksum=md5:a9f0e61a137d86aa9db53465e0801612"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(Local("dir/one"), "123456789");
  EXPECT_EQ(Local("dir/two"), "second");
  EXPECT_THAT(ran.out, HasSubstr("Saved 2 files"));
}

TEST_F(BitsctlTransferTest, AFileThatIsNotThereIsAnErrorThatCanBeMended) {
  const Ran failed = Run({"transfer", origin_->Url("/missing.bin?token=secret"), "a.bin"});
  EXPECT_EQ(failed.code, 3);
  EXPECT_THAT(failed.err, AllOf(HasSubstr("BG_E_HTTP_ERROR_404 (0x80190194)"),
                                HasSubstr("REMOTE_FILE"), HasSubstr("HTTP status: 404"),
                                HasSubstr("set-remote"), Not(HasSubstr("secret"))));
  EXPECT_EQ(failed.out, "");
  const v1::Job job = OnlyJob();
  EXPECT_EQ(job.state(), v1::Job::STATE_ERROR);
  const std::string id = job.name().substr(5);

  const auto error = RunForJson<v1::Error>({"error", id.substr(0, 8)});
  EXPECT_EQ(error.hresult(), 0x80190194U);
  EXPECT_EQ(error.file(), job.name() + "/files/1");
  EXPECT_THAT(Run({"errors", id}).out, HasSubstr("1 in all"));

  origin_->Put("/there.bin", std::string("there"));
  EXPECT_EQ(Run({"set-remote", id, "1", origin_->Url("/there.bin")}).code, 0);
  const Ran resumed = Run({"transfer", "--resume", id});
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_EQ(Local("a.bin"), "there");
  const Ran no_error = Run({"error", id});
  EXPECT_EQ(no_error.code, 2);
  EXPECT_THAT(no_error.err, HasSubstr("BG_E_ERROR_INFORMATION_UNAVAILABLE, 0x8020000F"));
}

TEST_F(BitsctlTransferTest, AWrongChecksumIsAnError) {
  origin_->Put("/a", std::string("content"));
  const Ran ran = Run({"transfer", origin_->Url("/a"), "--checksum=crc32c:00000000"});
  EXPECT_EQ(ran.code, 3) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("BG_E_VALIDATION_FAILED"));
  EXPECT_EQ(Local("a"), "(none)");
}

TEST_F(BitsctlTransferTest, CtrlCLeavesTheJobRunning) {
  const std::string content = MakeContent(1'000'000, 2);
  Behavior behavior;
  behavior.stall_after = 100'000;
  origin_->Put("/a", content, behavior);
  const auto running = Start({"transfer", origin_->Url("/a")});
  ASSERT_TRUE(origin_->WaitForBytes("/a", 100'000, absl::Seconds(30)));
  running->Signal(SIGINT);
  const Ran ran = running->Wait();
  EXPECT_EQ(ran.code, 130);
  const std::string id = OnlyJob().name().substr(5);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("goes on without bitsctl"),
                             HasSubstr("bitsctl transfer --resume " + id)));
  origin_->Release();
  const Ran resumed = Run({"transfer", "--resume", id});
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_EQ(Local("a"), content);
}

TEST_F(BitsctlTransferTest, GoesOnWhenTheServerDiesAndComesBack) {
  const std::string content = MakeContent(4'000'000, 3);
  Behavior behavior;
  behavior.stall_after = 2'000'000;
  origin_->Put("/a", content, behavior);
  const auto running = Start({"transfer", origin_->Url("/a")});
  ASSERT_TRUE(origin_->WaitForBytes("/a", 2'000'000, absl::Seconds(30)));
  // Only then is there a watch that breaks.
  ASSERT_TRUE(running->WaitForErr("TRANSFERRING")) << running->err();
  bitsd_->Kill();
  ASSERT_TRUE(running->WaitForErr("bitsd is away")) << running->err();
  origin_->Release();
  ASSERT_TRUE(bitsd_->Restart().ok());
  const Ran ran = running->Wait();
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(Local("a"), content);
}

TEST_F(BitsctlTransferTest, WaitsThroughATransientErrorAndSaysWhenItTriesAgain) {
  origin_->Put("/a", std::string("content"));
  Behavior busy;
  busy.status = 503;
  origin_->Script("/a", {busy});
  const Ran ran = Run({"transfer", origin_->Url("/a"), "--retry-delay=5s"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.err, AllOf(HasSubstr("Trouble: BG_E_HTTP_ERROR_503 (0x801901F7)"),
                             HasSubstr("next try at ")));
  EXPECT_EQ(Local("a"), "content");
}

TEST_F(BitsctlTransferTest, CancelledByAnother) {
  Behavior behavior;
  behavior.stall_before_head = true;
  origin_->Put("/a", std::string("content"), behavior);
  const auto running = Start({"transfer", origin_->Url("/a"), "--name=nightly"});
  ASSERT_TRUE(origin_->WaitForRequests("/a", 1, absl::Seconds(30)));
  EXPECT_EQ(Run({"cancel", "nightly"}).code, 0);
  const Ran ran = running->Wait();
  EXPECT_EQ(ran.code, 4);
  EXPECT_THAT(ran.err, HasSubstr("cancelled"));
}

TEST_F(BitsctlTransferTest, ARefusalNamesFieldAndRule) {
  const Ran ran = Run({"transfer", "gopher://example.com/a"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("files[0].remote_name"), HasSubstr("0x80070057")));
  EXPECT_EQ(Run({"transfer", origin_->Url("/a"), "../a"}).code, 2);
}

TEST_F(BitsctlTransferTest, JsonIsTheJobAsItEnded) {
  origin_->Put("/a", std::string("content"));
  const auto job = RunForJson<v1::Job>({"transfer", origin_->Url("/a")});
  EXPECT_EQ(job.state(), v1::Job::STATE_ACKNOWLEDGED);
  EXPECT_EQ(job.result(), v1::Job::RESULT_OK);
  EXPECT_EQ(job.progress().bytes_transferred(), 7U);
}

// On a terminal, which `script` gives it.
TEST_F(BitsctlTransferTest, DrawsABarInColourOnATerminalOnly) {
  Behavior behavior;
  behavior.bytes_per_second = 1'000'000;
  origin_->Put("/a.bin", MakeContent(1'500'000, 4), behavior);
  const auto on_terminal = [this](const std::string& local) {
    const std::string command = "stty cols 100; " + Program() + " transfer " +
                                origin_->Url("/a.bin") + " " + local + "; " + Program() +
                                " list --final";
    return Running({"script", "-qec", command, "/dev/null"}, state_.path(), environment_).Wait();
  };
  environment_.push_back({"TERM", "xterm"});
  const Ran coloured = on_terminal("a");
  EXPECT_EQ(coloured.code, 0) << coloured.out;
  EXPECT_THAT(coloured.out, AllOf(HasSubstr("\r\x1b[K"), HasSubstr(">"), HasSubstr("% "),
                                  HasSubstr(" of 1.4 MiB"), HasSubstr("/s"), HasSubstr("left"),
                                  HasSubstr("\x1b[32mACKNOWLEDGED\x1b[0m")));
  environment_.push_back({"NO_COLOR", "1"});
  const Ran plain = on_terminal("b");
  EXPECT_THAT(plain.out, AllOf(HasSubstr("\r\x1b[K"), Not(HasSubstr("\x1b[32m"))));
}

TEST_F(BitsctlTransferTest, GetCopiesWhatIsThereAndGoesOn) {
  const std::string content = MakeContent(3'000'000, 1);
  origin_->Put("/a.bin", content);
  ASSERT_EQ(Run({"transfer", origin_->Url("/a.bin")}).code, 0);
  const std::string id = OnlyJob(true).name().substr(5);
  TempDir here;
  const std::string local = here / "copy.bin";
  const Ran got = Run({"get", id, local});
  EXPECT_EQ(got.code, 0) << got.err;
  EXPECT_THAT(got.out, HasSubstr("copy.bin: 2.9 MiB"));
  EXPECT_TRUE(ReadFileOr(local, "") == content);
  EXPECT_EQ(Run({"get", id, local}).code, 1);  // it is there

  const std::string part = local + "." + id.substr(0, 8) + "-1-0.part";
  WriteFile(part, content.substr(0, 2'000'000));
  WriteFile(local + ".00000000-1-0.part", "of another job");
  const Ran more = Run({"get", id, local, "--continue", "--force"});
  EXPECT_EQ(more.code, 0) << more.err;
  EXPECT_TRUE(ReadFileOr(local, "") == content);
  EXPECT_FALSE(FileExists(part));
  EXPECT_TRUE(Run({"get", id, "-", "--quiet"}).out == content);
  EXPECT_EQ(Run({"get", id, here.path()}).code, 0);  // a directory
  EXPECT_TRUE(ReadFileOr(here / "a.bin", "") == content);

  std::filesystem::remove(root_ / "a.bin");
  const Ran gone = Run({"get", id, here / "gone"});
  EXPECT_EQ(gone.code, 2);
  EXPECT_THAT(gone.err, HasSubstr("BG_E_LOCAL_FILE_CHANGED"));
  EXPECT_FALSE(FileExists(here / "gone." + id.substr(0, 8) + "-1-0.part"));
}

}  // namespace
}  // namespace bits::testing

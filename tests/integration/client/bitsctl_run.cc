#include "tests/integration/client/bitsctl_run.h"

#include <poll.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "absl/time/clock.h"
#include "bits/v1/job_service.pb.h"

namespace bits::testing {

Running::Running(std::vector<std::string> argv, const std::string& directory,
                 std::vector<std::pair<std::string, std::string>> environment)
    : out_path_(own_ / "out"), err_path_(own_ / "err"), err_changes_(::inotify_init1(IN_CLOEXEC)) {
  WriteFile(err_path_, "");
  EXPECT_GE(::inotify_add_watch(err_changes_.get(), err_path_.c_str(), IN_MODIFY), 0);
  Subprocess::Options options;
  options.argv = {
      "/bin/sh", "-c",      "cd \"$1\"; out=$2; err=$3; shift 3; exec \"$@\" >$out 2>$err",
      "sh",      directory, out_path_,
      err_path_};
  options.argv.insert(options.argv.end(), argv.begin(), argv.end());
  options.environment = std::move(environment);
  auto process = Subprocess::Start(std::move(options));
  if (!process.ok()) ADD_FAILURE() << process.status();
  process_ = *std::move(process);
}

Ran Running::Wait(absl::Duration timeout) {
  const auto status = process_->Wait(timeout);
  if (!status) {
    ADD_FAILURE() << "it still runs; so far:\n" << out() << err();
    return {};
  }
  return {WIFEXITED(*status) ? WEXITSTATUS(*status) : -1, out(), err()};
}

bool Running::WaitForErr(const std::string& text, absl::Duration timeout) const {
  const absl::Time deadline = absl::Now() + timeout;
  while (err().find(text) == std::string::npos) {
    pollfd change = {err_changes_.get(), POLLIN, 0};
    const int64_t left = absl::ToInt64Milliseconds(deadline - absl::Now());
    if (left <= 0 || ::poll(&change, 1, static_cast<int>(left)) <= 0) break;
    std::array<char, 4096> events{};
    (void)!::read(err_changes_.get(), events.data(), events.size());
  }
  return err().find(text) != std::string::npos;
}

void BitsctlTest::SetUp() {
  auto origin = OriginServer::Start();
  ASSERT_TRUE(origin.ok()) << origin.status();
  origin_ = *std::move(origin);
  BitsdProcess::Options options;
  options.state_dir = state_.path();
  options.roots = {root_.path()};
  options.log_path = state_ / "bitsd.log";
  auto bitsd = BitsdProcess::Start(std::move(options));
  ASSERT_TRUE(bitsd.ok()) << bitsd.status();
  bitsd_ = *std::move(bitsd);
  environment_ = {{"BITS_SERVER", bitsd_->address()}, {"TZ", "UTC"}};
}

std::string BitsctlTest::Program() { return BITS_BITSCTL_PATH; }

std::unique_ptr<Running> BitsctlTest::Start(const std::vector<std::string>& words) const {
  std::vector<std::string> argv = {Program()};
  argv.insert(argv.end(), words.begin(), words.end());
  return std::make_unique<Running>(std::move(argv), state_.path(), environment_);
}

v1::Job BitsctlTest::OnlyJob(bool final) const {
  std::vector<std::string> words = {"list"};
  if (final) words.push_back("--final");
  const auto jobs = RunForJson<v1::ListJobsResponse>(std::move(words));
  if (jobs.jobs_size() != 1) {
    ADD_FAILURE() << "jobs: " << jobs.DebugString();
    return {};
  }
  return jobs.jobs(0);
}

}  // namespace bits::testing

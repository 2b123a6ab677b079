// bitsctl as a process, with a bitsd and an origin to use it on.
#ifndef BITS_TESTS_INTEGRATION_CLIENT_BITSCTL_RUN_H_
#define BITS_TESTS_INTEGRATION_CLIENT_BITSCTL_RUN_H_

#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bits/v1/job.pb.h"
#include "server/base/unique_fd.h"
#include "tests/support/bitsd_process.h"
#include "tests/support/origin_server.h"
#include "tests/support/subprocess.h"
#include "tests/support/temp_dir.h"

namespace bits::testing {

struct Ran {
  int code = -1;  // -1: a signal ended it
  std::string out;
  std::string err;
};

// A program that runs, its two outputs kept apart.
class Running {
 public:
  Running(std::vector<std::string> argv, const std::string& directory,
          std::vector<std::pair<std::string, std::string>> environment);
  void Signal(int signal) { process_->Signal(signal); }
  // Fails the test if it does not end in time.
  Ran Wait(absl::Duration timeout = absl::Seconds(120));
  // What it has written so far.
  std::string out() const { return ReadFileOr(out_path_, ""); }
  std::string err() const { return ReadFileOr(err_path_, ""); }
  // Whether standard error has `text` within `timeout`.
  bool WaitForErr(const std::string& text, absl::Duration timeout = absl::Seconds(30)) const;

 private:
  TempDir own_;
  std::string out_path_;
  std::string err_path_;
  UniqueFd err_changes_;  // inotify's, of err_path_
  std::unique_ptr<Subprocess> process_;
};

class BitsctlTest : public ::testing::Test {
 protected:
  void SetUp() override;

  static std::string Program();  // the path of bitsctl
  std::unique_ptr<Running> Start(const std::vector<std::string>& words) const;
  Ran Run(const std::vector<std::string>& words) const { return Start(words)->Wait(); }
  // Runs with --json and reads what is printed; fails the test unless the exit code is 0.
  template <typename Message>
  Message RunForJson(std::vector<std::string> words) const {
    words.push_back("--json");
    const Ran ran = Run(words);
    Message message;
    EXPECT_EQ(ran.code, 0) << ran.err;
    const auto status = google::protobuf::util::JsonStringToMessage(ran.out, &message);
    EXPECT_TRUE(status.ok()) << status.ToString() << ": " << ran.out;
    return message;
  }
  // The one job there is; with `final` also one that has ended.
  v1::Job OnlyJob(bool final = false) const;
  // What bitsd has written under its root.
  std::string Local(const std::string& name) const { return ReadFileOr(root_ / name, "(none)"); }

  TempDir state_;
  TempDir root_;
  std::unique_ptr<OriginServer> origin_;
  std::unique_ptr<BitsdProcess> bitsd_;
  std::vector<std::pair<std::string, std::string>> environment_;
};

}  // namespace bits::testing

#endif  // BITS_TESTS_INTEGRATION_CLIENT_BITSCTL_RUN_H_

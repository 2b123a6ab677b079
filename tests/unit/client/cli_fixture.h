// Runs bitsctl inside the test, against a FakeBitsd.
#ifndef BITS_TESTS_UNIT_CLIENT_CLI_FIXTURE_H_
#define BITS_TESTS_UNIT_CLIENT_CLI_FIXTURE_H_

#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "client/cli/app.h"
#include "tests/unit/client/fake_bitsd.h"

namespace bits::testing {

// An id that begins with `number`, of a job in that state.
inline std::string IdOf(int number) {
  std::string id = std::to_string(number);
  if (id.size() < 4) id.insert(0, 4 - id.size(), '0');
  id.resize(8, '0');
  return id + "-0000-4000-8000-000000000000";
}

inline v1::Job MakeJob(int number, v1::Job::State state,
                       const std::string& display_name = "a.iso") {
  v1::Job job;
  job.set_name("jobs/" + IdOf(number));
  job.set_display_name(display_name);
  job.set_state(state);
  job.set_priority(v1::Job::PRIORITY_NORMAL);
  job.mutable_create_time()->set_seconds(1'700'000'000 + number);
  job.mutable_progress()->set_files_total(1);
  return job;
}

inline grpc::Status NotFound() {
  return Refusal(grpc::StatusCode::NOT_FOUND, "BG_E_NOT_FOUND", "There is no such job.",
                 {{"hresult", "0x80200001"}});
}

// A job or whatever else a line of JSON holds.
template <typename Message>
Message FromJson(const std::string& json) {
  Message message;
  const auto status = google::protobuf::util::JsonStringToMessage(json, &message);
  EXPECT_TRUE(status.ok()) << status.ToString() << "\n" << json;
  return message;
}

// Calls `on_flush` with all that was written.
class ObservedBuffer : public std::stringbuf {
 public:
  explicit ObservedBuffer(std::function<void(const std::string&)> on_flush)
      : on_flush_(std::move(on_flush)) {}

 private:
  int sync() override {
    if (on_flush_) on_flush_(str());
    return 0;
  }
  const std::function<void(const std::string&)> on_flush_;
};

class CliTest : public ::testing::Test {
 protected:
  struct Ran {
    cli::ExitCode code;
    std::string out;
    std::string err;
  };

  // Starts the server that the handlers describe; later changes of them do nothing.
  void Serve() { server_ = std::make_unique<FakeBitsd>(handlers_); }

  Ran Run(const std::vector<std::string>& words) {
    ObservedBuffer out_buffer(on_output_);
    std::ostream out(&out_buffer);
    std::ostringstream err;
    cli::Console console{{out}, {err}};
    console.out.interactive = interactive_;
    console.err.interactive = interactive_;
    auto interrupts = std::make_unique<cli::Interrupts>();
    interrupts_ = interrupts.get();
    const cli::Environment environment{
        console,
        [this](const std::string& name) -> std::optional<std::string> {
          const auto found = variables_.find(name);
          if (found == variables_.end()) return std::nullopt;
          return found->second;
        },
        [&interrupts] { return std::move(interrupts); }};
    if (server_) variables_["BITS_SERVER"] = server_->address();
    const auto code = cli::RunBitsctl(words, environment);
    interrupts_ = nullptr;
    return {code, out_buffer.str(), err.str()};
  }

  FakeHandlers handlers_;
  std::unique_ptr<FakeBitsd> server_;
  std::map<std::string, std::string> variables_;
  bool interactive_ = false;
  // Told of standard output whenever it is flushed, on the command's thread.
  std::function<void(const std::string&)> on_output_;
  cli::Interrupts* interrupts_ = nullptr;  // while a command runs that waits
};

}  // namespace bits::testing

#endif  // BITS_TESTS_UNIT_CLIENT_CLI_FIXTURE_H_

// Shows a transfer while it runs: a bar on a terminal, plain lines elsewhere.
#ifndef BITS_CLIENT_CLI_PROGRESS_DISPLAY_H_
#define BITS_CLIENT_CLI_PROGRESS_DISPLAY_H_

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "client/cli/console.h"
#include "client/cli/follow.h"
#include "client/cli/progress_bar.h"

namespace bits::cli {

class ProgressDisplay final : public FollowListener {
 public:
  using SteadyNow = std::function<std::chrono::steady_clock::time_point()>;

  // `label` is what the bar is called, `retry_command` what the user can type to make a
  // job that waits for its next try do so now. Writes to `terminal` until it is destroyed,
  // and leaves nothing half drawn.
  ProgressDisplay(
      const Terminal& terminal, std::string label, std::string retry_command,
      SteadyNow now = [] { return std::chrono::steady_clock::now(); });
  ~ProgressDisplay() override;

  void OnJob(const v1::Job& job) override;
  void OnTransientError(const v1::Error& error) override;
  void OnFileRestarted(const std::string& file) override;
  void OnReconnect(const absl::Status& why, std::chrono::milliseconds delay) override;
  void OnTick() override;

 private:
  void Note(const std::string& text);
  void Draw();
  void PrintLine();
  std::string StateWords() const;
  int Percent() const;

  const Terminal& terminal_;
  const std::string label_;
  const std::string retry_command_;
  const SteadyNow now_;
  v1::Job job_;
  ProgressView view_;
  RateEstimator rate_;
  bool drawn_ = false;  // a bar stands on the last line
  bool away_ = false;   // the server is, and that was said
  std::chrono::steady_clock::time_point drawn_at_{};
  // Of plain lines: what the last one told.
  int told_percent_ = 0;
  std::chrono::steady_clock::time_point told_at_{};
};

}  // namespace bits::cli

#endif  // BITS_CLIENT_CLI_PROGRESS_DISPLAY_H_

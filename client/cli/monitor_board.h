// The live table of `bitsctl monitor`. Pure but for the terminal it draws on.
#ifndef BITS_CLIENT_CLI_MONITOR_BOARD_H_
#define BITS_CLIENT_CLI_MONITOR_BOARD_H_

#include <absl/time/time.h>

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "bits/v1/event.pb.h"
#include "bits/v1/job.pb.h"
#include "client/cli/console.h"

namespace bits::cli {

class MonitorBoard {
 public:
  explicit MonitorBoard(const Terminal& terminal) : terminal_(terminal) {}

  // A job as it is now. With `keep_final` one that has ended stays on the board.
  void Put(const v1::Job& job, bool keep_final);
  void Remove(const std::string& name) { jobs_.erase(name); }
  void Clear() { jobs_.clear(); }

  // The lines for a terminal of this size: jobs that move first, then those in
  // trouble, then the others; what does not fit is counted.
  std::vector<std::string> Lines(int width, int height) const;

  // Draws over what it drew before.
  void Draw();

 private:
  const Terminal& terminal_;
  std::map<std::string, v1::Job> jobs_;  // by name
  std::size_t drawn_lines_ = 0;
};

// One event as a line of a log: "12:29:03  1f2e3d4c  nightly  ERROR  BG_E_...". Empty for
// those that tell a person nothing.
std::string EventLine(const v1::JobEvent& event, absl::TimeZone zone, const Terminal& terminal);

}  // namespace bits::cli

#endif  // BITS_CLIENT_CLI_MONITOR_BOARD_H_

// How a program is run that the operator has allowed for notifications.
#ifndef BITS_SERVER_APP_PORTS_COMMAND_RUNNER_H_
#define BITS_SERVER_APP_PORTS_COMMAND_RUNNER_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "server/domain/error.h"

namespace bits::app {

struct CommandRequest {
  std::string program;                        // an absolute path, which is argv[0] too
  std::vector<std::string> arguments = {};    // argv[1] and so on, as they are
  std::vector<std::string> environment = {};  // NAME=value, and nothing else but PATH
};

// Thread-safe; nothing here blocks but Shutdown.
class CommandRunner {
 public:
  // Nullopt: it has ended with 0. Else why it has not.
  using Done = std::function<void(std::optional<domain::Failure>)>;
  virtual ~CommandRunner() = default;
  // `done` is called once, on a thread of the runner's or before this returns; it must not block.
  virtual void Run(CommandRequest request, Done done) = 0;
  // Kills what runs: its `done` is not called once this has returned, nor is that of what comes
  // after. Idempotent. Not from a `done`.
  virtual void Shutdown() = 0;
};

}  // namespace bits::app

#endif  // BITS_SERVER_APP_PORTS_COMMAND_RUNNER_H_

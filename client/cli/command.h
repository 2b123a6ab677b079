// The commands of bitsctl.
#ifndef BITS_CLIENT_CLI_COMMAND_H_
#define BITS_CLIENT_CLI_COMMAND_H_

#include <absl/status/status.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "bits/client.h"
#include "client/cli/arguments.h"
#include "client/cli/console.h"
#include "client/cli/exit_code.h"
#include "client/cli/interrupts.h"

namespace bits::cli {

// What a command runs with.
struct Context {
  Client client;
  Console& console;
  Interrupts& interrupts;
  std::string address;  // of the server, for messages
  std::string program;  // how the user calls this, with the server: for advice
  bool json = false;
  // A variable of the environment; unset if it is not there.
  std::function<std::optional<std::string>(const std::string&)> variable = {};

  // Tells the user why `doing` ("resume the job x") came to nothing.
  ExitCode Fail(const std::string& doing, const absl::Status& status) const;
  // The same for a command line that is wrong.
  ExitCode Misused(const std::string& why) const;
  // One document on standard output.
  void PrintJson(const google::protobuf::Message& message) const;
};

struct Command {
  std::string name;
  std::string arguments;  // "JOB URL LOCAL [URL LOCAL ...]"
  std::string summary;    // one line
  std::string help;       // what else is to be known, ending in a line end
  std::vector<OptionSpec> options;
  // The command waits for jobs, and reacts to Context::interrupts itself.
  bool waits = false;
  std::function<ExitCode(const Arguments& arguments, Context& context)> run;
};

// All, in the order of the help.
const std::vector<Command>& Commands();
const Command* FindCommandNamed(const std::string& name);

Command TransferCommand();
Command CreateCommand();
Command AddCommand();
Command SetCommand();
Command SetRemoteCommand();
Command ReplacePrefixCommand();
Command ValidateCommand();
Command SetCredentialsCommand();
Command RemoveCredentialsCommand();
Command ListCommand();
Command InfoCommand();
Command FilesCommand();
Command GetCommand();
Command ErrorCommand();
Command ErrorsCommand();
Command DescribeCommand();
Command MonitorCommand();
Command NotificationsCommand();
Command ReplayCommand();
Command PolicyCommand();
// resume, suspend, complete, cancel, take, reset.
std::vector<Command> VerbCommands();

}  // namespace bits::cli

#endif  // BITS_CLIENT_CLI_COMMAND_H_

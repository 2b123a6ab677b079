#include "client/cli/command.h"

#include <iostream>

#include "client/cli/error_text.h"
#include "client/cli/json.h"

namespace bits::cli {

ExitCode Context::Fail(const std::string& doing, const absl::Status& status) const {
  std::ostream& err = console.err.stream;
  if (json) {
    err << StatusToJson(status) << std::endl;
  } else {
    err << console.err.Paint(Style::kRed, "bitsctl:") << " cannot " << doing << ": "
        << FailureText(status, address) << std::endl;
  }
  return ExitCodeFor(status);
}

ExitCode Context::Misused(const std::string& why) const {
  if (json) {
    console.err.stream << StatusToJson(absl::InvalidArgumentError(why)) << std::endl;
  } else {
    console.err.stream << console.err.Paint(Style::kRed, "bitsctl:") << " " << why << std::endl;
  }
  return ExitCode::kUsage;
}

void Context::PrintJson(const google::protobuf::Message& message) const {
  console.out.stream << ToJson(message) << std::endl;
}

const std::vector<Command>& Commands() {
  static const std::vector<Command> commands = [] {
    std::vector<Command> all = {TransferCommand(), CreateCommand(), AddCommand()};
    for (auto& verb : VerbCommands()) all.push_back(std::move(verb));
    for (auto& command :
         {SetCommand(), SetRemoteCommand(), ReplacePrefixCommand(), ValidateCommand(),
          SetCredentialsCommand(), RemoveCredentialsCommand(), ListCommand(), InfoCommand(),
          FilesCommand(), GetCommand(), ErrorCommand(), ErrorsCommand(), DescribeCommand(), MonitorCommand(),
          NotificationsCommand(), ReplayCommand(), PolicyCommand()}) {
      all.push_back(command);
    }
    return all;
  }();
  return commands;
}

const Command* FindCommandNamed(const std::string& name) {
  for (const auto& command : Commands()) {
    if (command.name == name) return &command;
  }
  return nullptr;
}

}  // namespace bits::cli

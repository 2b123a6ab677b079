#include "client/cli/app.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/time/time.h>

#include <algorithm>
#include <iostream>

#include "client/cli/command.h"
#include "client/cli/json.h"
#include "client/cli/text.h"
#include "client/cli/units.h"

namespace bits::cli {

const char kDefaultServer[] = "127.0.0.1:7310";

namespace {

const std::vector<OptionSpec>& GlobalOptions() {
  static const std::vector<OptionSpec> options = {
      {"server", "ADDRESS",
       absl::StrCat("HOST:PORT or unix:PATH (default: BITS_SERVER, or ", kDefaultServer, ")")},
      {"wait", "DURATION", "how long to wait for a server that is away (default 3s)"},
      {"json", "", "print JSON: one document, or one a line for streams and several jobs"},
      {"help", "", "show help"},
      {"version", "", "show the version"},
  };
  return options;
}

std::string OptionLines(const std::vector<OptionSpec>& options) {
  constexpr std::size_t kColumn = 32;
  std::string text;
  for (const auto& option : options) {
    std::string line =
        absl::StrCat("  --", option.name, option.value.empty() ? "" : "=", option.value);
    if (line.size() >= kColumn) line += "\n" + std::string(kColumn, ' ');
    line.resize(std::max(line.size(), kColumn), ' ');
    absl::StrAppend(&text, line, " ", option.help, option.repeated ? "; may be repeated" : "",
                    "\n");
  }
  return text;
}

std::string MainHelp() {
  std::string text =
      "bitsctl: background transfers by a bitsd\n\n"
      "Usage: bitsctl [OPTIONS] COMMAND [ARGUMENTS]\n\n"
      "Commands:\n";
  for (const auto& command : Commands()) {
    absl::StrAppendFormat(&text, "  %-18s %s\n", command.name, command.summary);
  }
  absl::StrAppend(
      &text, "  help               show what a command does: bitsctl help COMMAND\n\nOptions:\n",
      OptionLines(GlobalOptions()),
      "\nJOB is jobs/ID, an id, the beginning of one (4 characters or more) if no other\n"
      "begins so, or a display name that no other job has.\n\n",
      ExitCodeHelp());
  return text;
}

std::string CommandHelp(const Command& command) {
  std::string text =
      absl::StrCat("bitsctl ", command.name, ": ", command.summary, "\n\nUsage: bitsctl ",
                   command.name, command.options.empty() ? "" : " [OPTIONS]",
                   command.arguments.empty() ? "" : " ", command.arguments, "\n");
  if (!command.help.empty()) absl::StrAppend(&text, "\n", command.help);
  if (!command.options.empty()) {
    absl::StrAppend(&text, "\nOptions:\n", OptionLines(command.options));
  }
  absl::StrAppend(&text, "\nFor all commands:\n", OptionLines(GlobalOptions()), "\n",
                  ExitCodeHelp());
  return text;
}

class App {
 public:
  App(const std::vector<std::string>& words, const Environment& environment)
      : words_(words), environment_(environment), console_(environment.console) {}

  ExitCode Run() {
    for (std::size_t i = 0; i < words_.size(); ++i) {
      // Not repeated: no terminal can show it.
      if (!IsUtf8(words_[i])) return Misused(absl::StrCat("argument ", i + 1, " is not UTF-8"));
    }
    const std::size_t at = FindCommand(words_, GlobalOptions());
    if (at == words_.size()) return WithoutCommand();
    std::vector<std::string> others = words_;
    others.erase(others.begin() + static_cast<std::ptrdiff_t>(at));
    if (words_[at] == "help") return Help(others);

    const Command* command = FindCommandNamed(words_[at]);
    if (command == nullptr) return Misused(UnknownCommand(words_[at]));
    std::vector<OptionSpec> specs = GlobalOptions();
    specs.insert(specs.end(), command->options.begin(), command->options.end());
    const auto arguments = ParseArguments(others, specs);
    if (!arguments.ok()) return Misused(std::string(arguments.status().message()), command);
    if (arguments->Has("help")) return Print(CommandHelp(*command));
    return RunCommand(*command, *arguments);
  }

 private:
  ExitCode WithoutCommand() {
    const auto arguments = ParseArguments(words_, GlobalOptions());
    if (!arguments.ok()) return Misused(std::string(arguments.status().message()));
    if (arguments->Has("version")) return Print("bitsctl " BITS_VERSION "\n");
    if (arguments->Has("help")) return Print(MainHelp());
    console_.err.stream << MainHelp() << std::flush;
    return ExitCode::kUsage;
  }

  ExitCode Help(const std::vector<std::string>& others) {
    const auto arguments = ParseArguments(others, GlobalOptions());
    if (!arguments.ok()) return Misused(std::string(arguments.status().message()));
    if (arguments->rest().empty()) return Print(MainHelp());
    const Command* command = FindCommandNamed(arguments->rest()[0]);
    if (command == nullptr) return Misused(UnknownCommand(arguments->rest()[0]));
    return Print(CommandHelp(*command));
  }

  ExitCode RunCommand(const Command& command, const Arguments& arguments) {
    ConnectionOptions options;
    options.user_agent = "bitsctl";
    options.retry.max_elapsed = std::chrono::seconds(3);
    options.retry.max_backoff = std::chrono::seconds(1);  // somebody waits and looks
    if (const auto text = arguments.Get("wait")) {
      const auto wait = ParseDuration(*text);
      if (!wait.ok()) {
        return Misused(absl::StrCat("--wait: ", std::string(wait.status().message())), &command);
      }
      options.retry.max_elapsed = absl::ToChronoMilliseconds(*wait);
      options.timeout = std::max(options.timeout, options.retry.max_elapsed);
    }
    const auto given = arguments.Get("server");
    const auto set = environment_.variable("BITS_SERVER");
    const std::string address = given ? *given : set && !set->empty() ? *set : kDefaultServer;

    // Before the connection, whose threads must inherit what is blocked.
    auto interrupts =
        command.waits ? environment_.make_interrupts() : std::make_unique<Interrupts>();
    const auto connection = MakeConnection(address, options);
    if (!connection.ok()) return Misused(std::string(connection.status().message()));
    Context context{Client(*connection),
                    console_,
                    *interrupts,
                    address,
                    given ? absl::StrCat("bitsctl --server=", *given) : "bitsctl",
                    arguments.Has("json"),
                    environment_.variable};
    const ExitCode code = command.run(arguments, context);
    if (code == ExitCode::kUsage && !context.json) Hint(&command);
    if (!console_.out.stream.flush()) {
      console_.err.stream << "bitsctl: the output could not be written" << std::endl;
      return Combine(code, ExitCode::kUsage);
    }
    return code;
  }

  static std::string UnknownCommand(const std::string& word) {
    std::vector<std::string> names = {"help"};
    for (const auto& command : Commands()) names.push_back(command.name);
    const std::string nearest = Nearest(word, names);
    return absl::StrCat("there is no command \"", Printable(word), "\"",
                        nearest.empty() ? "" : absl::StrCat(" (did you mean ", nearest, "?)"));
  }

  ExitCode Print(const std::string& text) {
    console_.out.stream << text << std::flush;
    return ExitCode::kOk;
  }

  ExitCode Misused(const std::string& why, const Command* command = nullptr) {
    if (std::find(words_.begin(), words_.end(), "--json") != words_.end()) {
      console_.err.stream << StatusToJson(absl::InvalidArgumentError(why)) << std::endl;
      return ExitCode::kUsage;
    }
    console_.err.stream << console_.err.Paint(Style::kRed, "bitsctl:") << " " << why << std::endl;
    Hint(command);
    return ExitCode::kUsage;
  }

  void Hint(const Command* command) {
    console_.err.stream << "See `bitsctl help" << (command == nullptr ? "" : " " + command->name)
                        << "`." << std::endl;
  }

  const std::vector<std::string>& words_;
  const Environment& environment_;
  Console& console_;
};

}  // namespace

ExitCode RunBitsctl(const std::vector<std::string>& words, const Environment& environment) {
  return App(words, environment).Run();
}

}  // namespace bits::cli

// bitsctl, from its words to its exit code.
#ifndef BITS_CLIENT_CLI_APP_H_
#define BITS_CLIENT_CLI_APP_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/cli/console.h"
#include "client/cli/exit_code.h"
#include "client/cli/interrupts.h"

namespace bits::cli {

// What bitsctl needs of the process that it runs in; a test brings its own.
struct Environment {
  Console& console;
  // A variable of the environment; unset if it is not there.
  std::function<std::optional<std::string>(const std::string&)> variable;
  // Called once, for a command that waits, before any thread is begun.
  std::function<std::unique_ptr<Interrupts>()> make_interrupts;
};

// `words` are those after the name of the program.
ExitCode RunBitsctl(const std::vector<std::string>& words, const Environment& environment);

// Where bitsd is unless --server or BITS_SERVER says otherwise.
extern const char kDefaultServer[];

}  // namespace bits::cli

#endif  // BITS_CLIENT_CLI_APP_H_

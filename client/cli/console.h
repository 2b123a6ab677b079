// Where bitsctl writes, and what it may do there.
#ifndef BITS_CLIENT_CLI_CONSOLE_H_
#define BITS_CLIENT_CLI_CONSOLE_H_

#include <functional>
#include <ostream>
#include <string>

namespace bits::cli {

enum class Style { kBold, kDim, kRed, kGreen, kYellow, kCyan };

// One of the two streams.
struct Terminal {
  std::ostream& stream;
  // False: a file or a pipe; nothing is drawn over, nothing coloured.
  bool interactive = false;
  bool colour = false;
  // In columns and rows, as it is now.
  std::function<int()> width = [] { return 80; };
  std::function<int()> height = [] { return 24; };

  // `text` in that style where colours are on.
  std::string Paint(Style style, const std::string& text) const;
};

// Results go to `out`; progress, notes and failures to `err`.
struct Console {
  Terminal out;
  Terminal err;
};

// The process's standard output and error. Colours on a terminal unless NO_COLOR is
// set or TERM is `dumb`.
Console ProcessConsole();

}  // namespace bits::cli

#endif  // BITS_CLIENT_CLI_CONSOLE_H_

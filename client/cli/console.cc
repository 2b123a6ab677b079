#include "client/cli/console.h"

#include <absl/strings/str_cat.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <iostream>

namespace bits::cli {
namespace {

Terminal ForDescriptor(std::ostream& stream, int fd) {
  Terminal terminal{stream};
  const char* term = std::getenv("TERM");
  const char* no_color = std::getenv("NO_COLOR");
  const bool dumb = term == nullptr || std::strcmp(term, "dumb") == 0;
  terminal.interactive = isatty(fd) == 1 && !dumb;
  terminal.colour = terminal.interactive && (no_color == nullptr || *no_color == '\0');
  terminal.width = [fd] {
    winsize size{};
    return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
  };
  terminal.height = [fd] {
    winsize size{};
    return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 ? size.ws_row : 24;
  };
  return terminal;
}

const char* Code(Style style) {
  switch (style) {
    case Style::kBold:
      return "1";
    case Style::kDim:
      return "2";
    case Style::kRed:
      return "31";
    case Style::kGreen:
      return "32";
    case Style::kYellow:
      return "33";
    case Style::kCyan:
      return "36";
  }
  return "0";
}

}  // namespace

std::string Terminal::Paint(Style style, const std::string& text) const {
  return colour ? absl::StrCat("\x1b[", Code(style), "m", text, "\x1b[0m") : text;
}

Console ProcessConsole() {
  return {ForDescriptor(std::cout, STDOUT_FILENO), ForDescriptor(std::cerr, STDERR_FILENO)};
}

}  // namespace bits::cli

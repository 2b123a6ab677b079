// Text from the server on a terminal. Pure.
#ifndef BITS_CLIENT_CLI_TEXT_H_
#define BITS_CLIENT_CLI_TEXT_H_

#include <string>

namespace bits::cli {

// `text` fit for a terminal: control characters, which could move the cursor or
// change colours, become `?`.
std::string Printable(const std::string& text);

// Whether it is UTF-8, as every string of the API must be.
bool IsUtf8(const std::string& text);

// How many columns `text` (UTF-8) takes: 2 for a wide character, none for a sequence
// that sets a colour.
int Columns(const std::string& text);

// The beginning of `text` that fits into `columns`; sequences that set colours are
// all kept.
std::string Cut(const std::string& text, int columns);

// `text`, or as much of it as fits with an ellipsis.
std::string Shorten(const std::string& text, int columns);

}  // namespace bits::cli

#endif  // BITS_CLIENT_CLI_TEXT_H_

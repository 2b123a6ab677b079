// UTF-8 as the protos count it. Pure; any thread.
#ifndef BITS_SERVER_RPC_UTF8_H_
#define BITS_SERVER_RPC_UTF8_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace bits::rpc {

// How many characters (code points) the text has; nullopt if it is not valid UTF-8: no
// overlong form, no surrogate, nothing above U+10FFFF.
std::optional<size_t> CountCharacters(std::string_view text);

// The text with each byte that is not part of valid UTF-8 replaced by `?`, cut to at most
// `max_bytes` (3 or more) at a character's edge; what was cut ends in `…`.
std::string CleanUtf8(std::string_view text, size_t max_bytes);

}  // namespace bits::rpc

#endif  // BITS_SERVER_RPC_UTF8_H_

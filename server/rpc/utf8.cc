#include "server/rpc/utf8.h"

#include <cstdint>

namespace bits::rpc {
namespace {

// The length of the character that the text begins with; 0 if it is not valid.
size_t CharacterLength(std::string_view text) {
  const auto byte = [text](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(0);
  if (first < 0x80) return 1;
  const size_t length = first < 0xC2   ? 0
                        : first < 0xE0 ? 2
                        : first < 0xF0 ? 3
                        : first < 0xF5 ? 4
                                       : 0;
  if (length == 0 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  const uint8_t second = byte(1);
  const bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
  const bool surrogate = first == 0xED && second >= 0xA0;
  const bool too_high = first == 0xF4 && second >= 0x90;
  return overlong || surrogate || too_high ? 0 : length;
}

}  // namespace

std::optional<size_t> CountCharacters(std::string_view text) {
  size_t count = 0;
  while (!text.empty()) {
    const size_t length = CharacterLength(text);
    if (length == 0) return std::nullopt;
    text.remove_prefix(length);
    ++count;
  }
  return count;
}

std::string CleanUtf8(std::string_view text, size_t max_bytes) {
  constexpr std::string_view kCut = "…";
  std::string clean;
  size_t fits = 0;  // The longest prefix of `clean` that leaves room for kCut.
  while (!text.empty()) {
    const size_t length = CharacterLength(text);
    const std::string_view next = length == 0 ? "?" : text.substr(0, length);
    if (clean.size() + next.size() > max_bytes) {
      clean.resize(fits);
      return clean.append(kCut);
    }
    clean.append(next);
    if (clean.size() + kCut.size() <= max_bytes) fits = clean.size();
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return clean;
}

}  // namespace bits::rpc

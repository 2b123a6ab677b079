#include "client/cli/text.h"

#include <cstdint>

namespace bits::cli {
namespace {

// One character or colour sequence of a text: where it ends, and its columns.
struct Piece {
  std::size_t end;
  int columns;
};

bool IsWide(std::uint32_t code_point) {
  struct Range {
    std::uint32_t first, last;
  };
  // Near enough to Unicode's East Asian Width: a name must not wrap a progress bar.
  constexpr Range kWide[] = {{0x1100, 0x115f}, {0x2e80, 0xa4cf},   {0xac00, 0xd7a3},
                             {0xf900, 0xfaff}, {0xfe30, 0xfe6f},   {0xff00, 0xff60},
                             {0xffe0, 0xffe6}, {0x1f300, 0x1faff}, {0x20000, 0x3fffd}};
  for (const auto& range : kWide) {
    if (code_point >= range.first && code_point <= range.last) return true;
  }
  return false;
}

Piece PieceAt(const std::string& text, std::size_t at) {
  const auto first = static_cast<unsigned char>(text[at]);
  if (first == 0x1b) {
    const auto end = text.find('m', at);
    return {end == std::string::npos ? text.size() : end + 1, 0};
  }
  const std::size_t length = first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  std::uint32_t code_point = length == 1 ? first : first & (0xffU >> (length + 1));
  std::size_t end = at + 1;
  while (end < text.size() && end < at + length &&
         (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) {
    code_point = code_point << 6 | (static_cast<unsigned char>(text[end++]) & 0x3f);
  }
  return {end, IsWide(code_point) ? 2 : 1};
}

}  // namespace

std::string Printable(const std::string& text) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    // C0 and DEL; and C1, which UTF-8 writes as C2 80 to C2 9F.
    const bool c1 = byte == 0xc2 && i + 1 < text.size() &&
                    static_cast<unsigned char>(text[i + 1]) >= 0x80 &&
                    static_cast<unsigned char>(text[i + 1]) <= 0x9f;
    if (c1) ++i;
    result += byte < 0x20 || byte == 0x7f || c1 ? '?' : text[i];
  }
  return result;
}

bool IsUtf8(const std::string& text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto first = static_cast<unsigned char>(text[at]);
    const std::size_t more = first < 0x80 ? 0 : first < 0xc2 ? 4 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    if (more > 3 || first > 0xf4 || at + more >= text.size()) return false;
    for (std::size_t i = 1; i <= more; ++i) {
      const auto next = static_cast<unsigned char>(text[at + i]);
      // What is too long for what it says, a surrogate, or beyond U+10FFFF.
      const unsigned least = i > 1 ? 0x80 : first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
      const unsigned most = i > 1 ? 0xbf : first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
      if (next < least || next > most) return false;
    }
    at += more + 1;
  }
  return true;
}

int Columns(const std::string& text) {
  int columns = 0;
  for (std::size_t at = 0; at < text.size();) {
    const Piece piece = PieceAt(text, at);
    columns += piece.columns;
    at = piece.end;
  }
  return columns;
}

std::string Cut(const std::string& text, int columns) {
  std::string result;
  int used = 0;
  for (std::size_t at = 0; at < text.size();) {
    const Piece piece = PieceAt(text, at);
    used += piece.columns;
    if (piece.columns == 0 || used <= columns) result += text.substr(at, piece.end - at);
    at = piece.end;
  }
  return result;
}

std::string Shorten(const std::string& text, int columns) {
  return Columns(text) <= columns ? text : Cut(text, columns - 1) + "…";
}

}  // namespace bits::cli

#include "server/store/job_id.h"

#include <cstddef>
#include <cstdint>

namespace bits::store {
namespace {

constexpr size_t kPackedSize = 16;
constexpr size_t kTextSize = 36;

constexpr bool IsDashAt(size_t i) { return i == 8 || i == 13 || i == 18 || i == 23; }

constexpr int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

std::optional<std::string> PackJobId(std::string_view id) {
  if (id.size() != kTextSize) return std::nullopt;
  std::string packed;
  packed.reserve(kPackedSize);
  for (size_t i = 0; i < kTextSize;) {
    if (IsDashAt(i)) {
      if (id[i] != '-') return std::nullopt;
      ++i;
      continue;
    }
    const int high = HexDigit(id[i]);
    const int low = HexDigit(id[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    packed.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return packed;
}

std::optional<domain::JobId> UnpackJobId(std::string_view packed) {
  if (packed.size() != kPackedSize) return std::nullopt;
  constexpr char kDigits[] = "0123456789abcdef";
  domain::JobId id;
  id.reserve(kTextSize);
  for (const char c : packed) {
    if (IsDashAt(id.size())) id.push_back('-');
    const auto byte = static_cast<uint8_t>(c);
    id.push_back(kDigits[byte >> 4]);
    id.push_back(kDigits[byte & 15]);
  }
  return id;
}

}  // namespace bits::store

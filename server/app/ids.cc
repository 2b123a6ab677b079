#include "server/app/ids.h"

#include <sys/random.h>

#include <array>
#include <cstdint>
#include <cstdlib>

namespace bits::app {

namespace {

template <size_t N>
std::array<uint8_t, N> RandomBytes() {
  std::array<uint8_t, N> bytes;
  size_t filled = 0;
  while (filled < bytes.size()) {
    const ssize_t n = getrandom(bytes.data() + filled, bytes.size() - filled, 0);
    if (n < 0) {
      if (errno == EINTR) continue;
      std::abort();  // no randomness: no id could be trusted to be new
    }
    filled += static_cast<size_t>(n);
  }
  return bytes;
}

}  // namespace

double RandomFraction() {
  uint32_t number = 0;
  for (const uint8_t byte : RandomBytes<4>()) number = number << 8 | byte;
  return static_cast<double>(number) / 4294967296.0;
}

std::string NewUuid() {
  std::array<uint8_t, 16> bytes = RandomBytes<16>();
  bytes[6] = static_cast<uint8_t>((bytes[6] & 0x0F) | 0x40);
  bytes[8] = static_cast<uint8_t>((bytes[8] & 0x3F) | 0x80);
  static constexpr char kHex[] = "0123456789abcdef";
  std::string uuid;
  uuid.reserve(36);
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) uuid += '-';
    uuid += kHex[bytes[i] >> 4];
    uuid += kHex[bytes[i] & 0x0F];
  }
  return uuid;
}

}  // namespace bits::app

#include "client/src/uuid.h"

#include <array>
#include <cstdint>
#include <random>

namespace bits::client_internal {

std::string NewUuid() {
  // libstdc++'s random_device asks the kernel or the CPU; it has no state that a
  // fork() could double.
  std::random_device device;
  std::array<std::uint32_t, 4> words;
  for (auto& word : words) word = device();
  words[1] = (words[1] & 0xffff0fffU) | 0x00004000U;  // version 4
  words[2] = (words[2] & 0x3fffffffU) | 0x80000000U;  // variant 1

  static constexpr char kHex[] = "0123456789abcdef";
  std::string uuid;
  uuid.reserve(36);
  for (int nibble = 0; nibble < 32; ++nibble) {
    if (nibble == 8 || nibble == 12 || nibble == 16 || nibble == 20) uuid += '-';
    uuid += kHex[(words[nibble / 8] >> (28 - 4 * (nibble % 8))) & 0xf];
  }
  return uuid;
}

}  // namespace bits::client_internal

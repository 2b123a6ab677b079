// CRC-32C (Castagnoli), as iSCSI, ext4 and cloud stores use it. Pure.
#ifndef BITS_SERVER_TRANSFER_CRC32C_H_
#define BITS_SERVER_TRANSFER_CRC32C_H_

#include <cstdint>
#include <string_view>

namespace bits::transfer {

// The CRC of what `crc` is the CRC of, followed by `data`; 0 is that of nothing.
uint32_t ExtendCrc32c(uint32_t crc, std::string_view data);

// The same without the processor's instructions, for machines that have none, and for tests.
uint32_t ExtendCrc32cPortable(uint32_t crc, std::string_view data);

}  // namespace bits::transfer

#endif  // BITS_SERVER_TRANSFER_CRC32C_H_

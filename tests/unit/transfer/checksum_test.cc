#include "server/transfer/checksum.h"

#include <gtest/gtest.h>

#include "server/transfer/crc32c.h"
#include "tests/support/origin_server.h"

namespace bits::transfer {
namespace {

using enum domain::ChecksumAlgorithm;

std::string Of(domain::ChecksumAlgorithm algorithm, std::string_view data, size_t piece) {
  auto digest = MakeDigest(algorithm);
  for (size_t at = 0; at < data.size(); at += piece) digest->Update(data.substr(at, piece));
  return digest->Finish();
}

TEST(ChecksumTest, KnownValues) {
  for (size_t piece : {1u, 3u, 9u}) {
    EXPECT_EQ(Of(kMd5, "123456789", piece), "25f9e794323b453885f5181f1b624d0b");
    EXPECT_EQ(Of(kSha256, "123456789", piece),
              "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225");
    EXPECT_EQ(Of(kSha512, "123456789", piece).substr(0, 32), "d9e6762dd1c8eaf6d61b3c6192fc408d");
    EXPECT_EQ(Of(kCrc32c, "123456789", piece), "e3069283");
  }
  EXPECT_EQ(Of(kCrc32c, "", 1), "00000000");
  EXPECT_EQ(Of(kSha512, "", 1).size(), 128u);
}

// RFC 3720, B.4.
TEST(Crc32cTest, Rfc3720) {
  EXPECT_EQ(ExtendCrc32c(0, std::string(32, '\0')), 0x8A9136AAu);
  EXPECT_EQ(ExtendCrc32c(0, std::string(32, '\xFF')), 0x62A8AB43u);
  std::string ascending;
  for (char c = 0; c < 32; ++c) ascending += c;
  EXPECT_EQ(ExtendCrc32c(0, ascending), 0x46DD794Eu);
}

TEST(Crc32cTest, BothWaysAgree) {
  const std::string data = bits::testing::MakeContent(1000, 7);
  for (size_t size = 0; size <= data.size(); size += 13) {
    for (size_t offset = 0; offset < 9 && offset <= size; ++offset) {
      const std::string_view view = std::string_view(data).substr(offset, size - offset);
      EXPECT_EQ(ExtendCrc32c(123, view), ExtendCrc32cPortable(123, view));
    }
  }
  EXPECT_EQ(ExtendCrc32c(ExtendCrc32c(0, data.substr(0, 77)), data.substr(77)),
            ExtendCrc32c(0, data));
}

}  // namespace
}  // namespace bits::transfer

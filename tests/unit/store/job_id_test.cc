#include "server/store/job_id.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/contract/samples.h"

namespace bits::store {
namespace {

TEST(JobId, PacksToSixteenBytesAndBack) {
  EXPECT_EQ(*PackJobId("00112233-4455-6677-8899-aabbccddeeff"),
            std::string("\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff", 16));
  testing::Samples samples(1);
  for (int i = 0; i < 200; ++i) {
    const domain::JobId id = samples.Id();
    EXPECT_EQ(UnpackJobId(*PackJobId(id)), id);
  }
}

TEST(JobId, SortsAlikePackedAndNot) {
  testing::Samples samples(2);
  std::vector<domain::JobId> ids;
  for (int i = 0; i < 200; ++i) ids.push_back(samples.Id());
  std::sort(ids.begin(), ids.end());
  for (size_t i = 1; i < ids.size(); ++i) EXPECT_LT(*PackJobId(ids[i - 1]), *PackJobId(ids[i]));
}

TEST(JobId, RefusesWhatIsNone) {
  for (const char* id :
       {"", "00112233-4455-6677-8899-aabbccddeef", "00112233445566778899aabbccddeeff",
        "00112233-4455-6677-8899-aabbccddeeff0", "00112233-4455-6677-8899-AABBCCDDEEFF",
        "00112233-4455-6677-8899-aabbccddee-f", "0011223-34455-6677-8899-aabbccddeeff",
        "00112233-4455-6677-8899_aabbccddeeff", "{0112233-4455-6677-8899-aabbccddeef}"}) {
    EXPECT_EQ(PackJobId(id), std::nullopt) << id;
  }
  EXPECT_EQ(UnpackJobId(""), std::nullopt);
  EXPECT_EQ(UnpackJobId(std::string(15, 'x')), std::nullopt);
  EXPECT_EQ(UnpackJobId(std::string(17, 'x')), std::nullopt);
}

}  // namespace
}  // namespace bits::store

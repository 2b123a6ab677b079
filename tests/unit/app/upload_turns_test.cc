#include "server/app/upload_turns.h"

#include <gtest/gtest.h>

namespace bits::app {
namespace {

TEST(UploadTurns, OneAtATimeAndTheNewestNext) {
  UploadTurns turns;
  using Turn = std::shared_ptr<UploadTurns::Turn>;
  Turn first = turns.TryTake("a");
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(turns.TryTake("a"), nullptr);
  EXPECT_NE(turns.TryTake("b"), nullptr);
  first = nullptr;

  int ways = 0;
  turns.Take("a", [&ways] { ++ways; }, [&first](Turn turn) { first = std::move(turn); });
  ASSERT_NE(first, nullptr);
  int superseded = 0;
  Turn third;
  turns.Take("a", nullptr, [&superseded](const Turn& turn) { superseded += turn == nullptr; });
  EXPECT_EQ(ways, 1);
  turns.Take("a", nullptr, [&third](Turn turn) { third = std::move(turn); });
  EXPECT_EQ(ways, 1);  // it has been told
  EXPECT_EQ(superseded, 1);
  EXPECT_EQ(third, nullptr);
  first = nullptr;
  EXPECT_NE(third, nullptr);
  EXPECT_EQ(turns.TryTake("a"), nullptr);
  third = nullptr;
  EXPECT_NE(turns.TryTake("a"), nullptr);
}

}  // namespace
}  // namespace bits::app

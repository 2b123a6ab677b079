#include "server/domain/file_range.h"

#include <gtest/gtest.h>

#include <limits>

#include "server/domain/error_code.h"

namespace bits::domain {
namespace {

constexpr uint64_t kMostNumber = std::numeric_limits<uint64_t>::max();

uint32_t FaultCode(const FileRanges& ranges) {
  const auto fault = FaultOf(ranges);
  return fault ? fault->hresult : 0;
}

TEST(FileRangeTest, EveryRangeIsSomethingAndNoneOverlapsAnother) {
  EXPECT_EQ(FaultCode({}), 0u);
  EXPECT_EQ(FaultCode({{100, 5}, {0, 100}, {105, std::nullopt}}), 0u);
  EXPECT_EQ(FaultCode({{kMostNumber - 1, std::nullopt}}), 0u);
  EXPECT_EQ(FaultCode({{0, 0}}), kInvalidRange);
  EXPECT_EQ(FaultCode({{kMostNumber, std::nullopt}}), kInvalidRange);
  EXPECT_EQ(FaultCode({{kMostNumber - 10, 10}}), kInvalidRange);
  EXPECT_EQ(FaultCode({{100, 5}, {0, 101}}), kOverlappingRanges);
  EXPECT_EQ(FaultCode({{100, 5}, {100, 5}}), kOverlappingRanges);
  EXPECT_EQ(FaultCode({{50, std::nullopt}, {60, 1}}), kOverlappingRanges);
  EXPECT_EQ(FaultCode({{60, std::nullopt}, {50, std::nullopt}}), kOverlappingRanges);
}

TEST(FileRangeTest, TheyLieWithinTheFile) {
  EXPECT_TRUE(LieWithin({}, 0));
  EXPECT_TRUE(LieWithin({{0, 10}, {10, std::nullopt}}, 11));
  EXPECT_FALSE(LieWithin({{0, 10}, {10, std::nullopt}}, 10));
  EXPECT_FALSE(LieWithin({{5, 6}}, 10));
}

TEST(FileRangeTest, LengthIsTheSumAndKnownWhenTheEndIs) {
  EXPECT_EQ(LengthOf({{0, 10}, {20, 5}}, std::nullopt), 15u);
  EXPECT_EQ(LengthOf({{90, std::nullopt}, {20, 5}}, std::nullopt), std::nullopt);
  EXPECT_EQ(LengthOf({{90, std::nullopt}, {20, 5}}, 100), 15u);
}

TEST(FileRangeTest, WhatFollowsGoesOverTheRangesInTheirOrder) {
  const FileRanges ranges = {{90, std::nullopt}, {20, 5}};
  EXPECT_EQ(Following(ranges, std::nullopt, 0), (FileRange{90, std::nullopt}));
  EXPECT_EQ(Following(ranges, 100, 0), (FileRange{90, 10}));
  EXPECT_EQ(Following(ranges, 100, 9), (FileRange{99, 1}));
  EXPECT_EQ(Following(ranges, 100, 10), (FileRange{20, 5}));
  EXPECT_EQ(Following(ranges, 100, 14), (FileRange{24, 1}));
  EXPECT_EQ(Following(ranges, 100, 15), std::nullopt);
}

}  // namespace
}  // namespace bits::domain

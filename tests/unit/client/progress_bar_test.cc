#include "client/cli/progress_bar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/cli/text.h"

namespace bits::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::uint64_t kMiB = 1 << 20;

ProgressView Half() {
  ProgressView view;
  view.label = "a.iso";
  view.bytes = 50 * kMiB;
  view.total = 100 * kMiB;
  view.rate = 2.0 * kMiB;
  return view;
}

TEST(ProgressBarTest, EverythingOnAWideTerminal) {
  EXPECT_EQ(RenderProgressBar(Half(), 100),
            "a.iso [======================>                      ]   50%  50 MiB of 100 MiB  "
            "2.0 MiB/s  0:25 left");
}

TEST(ProgressBarTest, BeginningAndEnd) {
  ProgressView view = Half();
  view.rate.reset();
  view.bytes = 0;
  EXPECT_EQ(RenderProgressBar(view, 60),
            "a.iso [>                             ]    0%  0 B of 100 MiB");
  view.bytes = 100 * kMiB;
  EXPECT_EQ(RenderProgressBar(view, 60),
            "a.iso [==========================]  100%  100 MiB of 100 MiB");
  // 100% only when all is there.
  view.bytes = 100 * kMiB - 1;
  EXPECT_THAT(RenderProgressBar(view, 60), HasSubstr("99%"));
}

TEST(ProgressBarTest, ATotalOfNothingIsAllThere) {
  ProgressView view;
  view.label = "empty";
  view.total = 0;
  EXPECT_THAT(RenderProgressBar(view, 60), EndsWith("100%  0 B of 0 B"));
}

TEST(ProgressBarTest, MoreThanTheTotalIsStillOneHundredPercent) {
  ProgressView view = Half();
  view.bytes = 300 * kMiB;
  EXPECT_THAT(RenderProgressBar(view, 80), HasSubstr("100%"));
  EXPECT_EQ(TimeLeft(view), std::nullopt);
}

TEST(ProgressBarTest, AnUnknownTotalHasNoBarAndNoTimeLeft) {
  ProgressView view = Half();
  view.total.reset();
  EXPECT_EQ(RenderProgressBar(view, 80), "a.iso  50 MiB  2.0 MiB/s");
}

TEST(ProgressBarTest, CountsFilesWhereThereAreSeveral) {
  ProgressView view = Half();
  view.files_done = 3;
  view.files_total = 12;
  EXPECT_THAT(RenderProgressBar(view, 120), HasSubstr("50 MiB of 100 MiB  3/12 files  2.0 MiB/s"));
}

TEST(ProgressBarTest, NeverWiderThanTheTerminal) {
  ProgressView view = Half();
  view.files_total = 12;
  view.label = "世界 an image with a long name, Grüße.iso";
  for (int width = 0; width <= 140; ++width) {
    const std::string line = RenderProgressBar(view, width);
    EXPECT_LE(Columns(line), width) << line;
    if (width >= 4) {
      EXPECT_THAT(line, HasSubstr("50%")) << width;
    }
    if (width >= 18) {
      EXPECT_THAT(line, StartsWith("世界 an"));
    }
  }
  EXPECT_THAT(RenderProgressBar(view, 40), Not(HasSubstr("[")));
  EXPECT_THAT(RenderProgressBar(view, 140), HasSubstr("["));
}

TEST(ProgressBarTest, ALabelCannotMoveTheCursor) {
  ProgressView view = Half();
  view.label = "a\x1b[2J\n";
  EXPECT_THAT(RenderProgressBar(view, 100), StartsWith("a?[2J? ["));
}

TEST(ProgressTextTest, ForALog) {
  EXPECT_EQ(RenderProgressText(Half()), "50%, 50 MiB of 100 MiB, 2.0 MiB/s, 0:25 left");
  ProgressView view = Half();
  view.total.reset();
  view.rate.reset();
  EXPECT_EQ(RenderProgressText(view), "50 MiB");
}

TEST(TimeLeftTest, OnlyWhereItCanBeSaid) {
  ProgressView view = Half();
  EXPECT_EQ(TimeLeft(view), seconds(25));
  view.bytes -= 1;
  EXPECT_EQ(TimeLeft(view), seconds(26));  // rounded up
  view.rate = 0;
  EXPECT_EQ(TimeLeft(view), std::nullopt);
  view.rate = 1.0;
  view.total = UINT64_MAX;
  EXPECT_EQ(TimeLeft(view), std::nullopt);
  view.rate.reset();
  EXPECT_EQ(TimeLeft(view), std::nullopt);
}

class RateEstimatorTest : public ::testing::Test {
 protected:
  RateEstimator::TimePoint At(milliseconds time) { return RateEstimator::TimePoint() + time; }
  RateEstimator rate_;
};

TEST_F(RateEstimatorTest, NeedsTwoMoments) {
  EXPECT_EQ(rate_.Rate(At(seconds(1))), std::nullopt);
  rate_.Add(At(seconds(1)), 500 * kMiB);
  EXPECT_EQ(rate_.Rate(At(seconds(9))), std::nullopt);
  rate_.Add(At(seconds(1)), 501 * kMiB);
  EXPECT_EQ(rate_.Rate(At(seconds(1))), std::nullopt);
}

TEST_F(RateEstimatorTest, ABurstIsNoRate) {
  rate_.Add(At(milliseconds(0)), 0);
  rate_.Add(At(milliseconds(1)), 100 * kMiB);
  EXPECT_EQ(rate_.Rate(At(milliseconds(1))), std::nullopt);
  EXPECT_DOUBLE_EQ(*rate_.Rate(At(milliseconds(500))), 200.0 * kMiB);
}

TEST_F(RateEstimatorTest, WhatWasThereBeforeDoesNotCount) {
  rate_.Add(At(seconds(1)), 500 * kMiB);
  rate_.Add(At(seconds(3)), 504 * kMiB);
  EXPECT_DOUBLE_EQ(*rate_.Rate(At(seconds(3))), 2.0 * kMiB);
}

TEST_F(RateEstimatorTest, ForgetsWhatIsLongAgo) {
  for (int second = 0; second <= 60; ++second) rate_.Add(At(seconds(second)), second * 100 * kMiB);
  for (int second = 61; second <= 70; ++second) {
    rate_.Add(At(seconds(second)), 6'000 * kMiB + (second - 60) * kMiB);
  }
  EXPECT_DOUBLE_EQ(*rate_.Rate(At(seconds(70))), 1.0 * kMiB);
}

TEST_F(RateEstimatorTest, GoesDownWhenNothingComes) {
  rate_.Add(At(seconds(0)), 0);
  rate_.Add(At(seconds(1)), 10 * kMiB);
  EXPECT_DOUBLE_EQ(*rate_.Rate(At(seconds(1))), 10.0 * kMiB);
  EXPECT_DOUBLE_EQ(*rate_.Rate(At(seconds(10))), 1.0 * kMiB);
}

TEST_F(RateEstimatorTest, StartsOverWhenTheFileDoes) {
  rate_.Add(At(seconds(0)), 0);
  rate_.Add(At(seconds(1)), 10 * kMiB);
  rate_.Add(At(seconds(2)), 1 * kMiB);
  EXPECT_EQ(rate_.Rate(At(seconds(2))), std::nullopt);
}

}  // namespace
}  // namespace bits::cli

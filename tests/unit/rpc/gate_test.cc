#include "server/rpc/gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace bits::rpc {
namespace {

using ::bits::testing::HasCode;
using ::bits::testing::HasReason;
using ::testing::AllOf;

TEST(GateTest, StartsClosedOpensDrainsForGood) {
  Gate gate;
  EXPECT_THAT(gate.Admit(), AllOf(HasCode(absl::StatusCode::kUnavailable), HasReason("STARTING")));
  gate.Open();
  BITS_EXPECT_OK(gate.Admit());
  gate.Drain();
  EXPECT_THAT(gate.Admit(), AllOf(HasCode(absl::StatusCode::kUnavailable), HasReason("DRAINING")));
  gate.Open();
  EXPECT_THAT(gate.Admit(), HasReason("DRAINING"));
}

}  // namespace
}  // namespace bits::rpc

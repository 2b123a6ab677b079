#include "server/base/status_macros.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>

namespace bits {
namespace {

absl::Status ReturnIfError(const absl::Status& status, int& calls) {
  BITS_RETURN_IF_ERROR((++calls, status));
  ++calls;
  return absl::OkStatus();
}

TEST(ReturnIfError, GoesOnWhenOk) {
  int calls = 0;
  EXPECT_TRUE(ReturnIfError(absl::OkStatus(), calls).ok());
  EXPECT_EQ(calls, 2);
}

TEST(ReturnIfError, ReturnsTheErrorAndEvaluatesOnce) {
  int calls = 0;
  EXPECT_EQ(ReturnIfError(absl::AbortedError("x"), calls), absl::AbortedError("x"));
  EXPECT_EQ(calls, 1);
}

TEST(ReturnIfError, IsOneStatementInAnIfWithoutBraces) {
  auto f = [](bool b) -> absl::Status {
    if (b)
      BITS_RETURN_IF_ERROR(absl::AbortedError("then"));
    else
      BITS_RETURN_IF_ERROR(absl::AbortedError("else"));
    return absl::OkStatus();
  };
  EXPECT_EQ(f(true).message(), "then");
  EXPECT_EQ(f(false).message(), "else");
}

absl::StatusOr<size_t> TwiceTheLength(absl::StatusOr<std::unique_ptr<std::string>> in) {
  BITS_ASSIGN_OR_RETURN(std::unique_ptr<std::string> text, std::move(in));
  size_t length = 0;
  BITS_ASSIGN_OR_RETURN(length, absl::StatusOr<size_t>(text->size()));
  return 2 * length;
}

TEST(AssignOrReturn, MovesTheValueOut) {
  EXPECT_EQ(*TwiceTheLength(std::make_unique<std::string>("abc")), 6U);
}

TEST(AssignOrReturn, ReturnsTheError) {
  EXPECT_EQ(TwiceTheLength(absl::NotFoundError("x")).status(), absl::NotFoundError("x"));
}

TEST(AssignOrReturn, TakesAnExpressionWithCommas) {
  auto f = []() -> absl::StatusOr<int> {
    BITS_ASSIGN_OR_RETURN(auto map, absl::StatusOr<std::map<int, int>>(std::map<int, int>{{1, 2}}));
    return map[1];
  };
  EXPECT_EQ(*f(), 2);
}

}  // namespace
}  // namespace bits

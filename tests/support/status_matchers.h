// Matchers for absl::Status and absl::StatusOr.
#ifndef BITS_TESTS_SUPPORT_STATUS_MATCHERS_H_
#define BITS_TESTS_SUPPORT_STATUS_MATCHERS_H_

#include <gmock/gmock.h>

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/base/error_info.h"

namespace bits::testing {

inline const absl::Status& StatusOf(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& value) {
  return value.status();
}

MATCHER(IsOk, negation ? "is an error" : "is OK") {
  *result_listener << StatusOf(arg).ToString();
  return StatusOf(arg).ok();
}

MATCHER_P(HasCode, code, std::string("has the code ") + absl::StatusCodeToString(code)) {
  *result_listener << StatusOf(arg).ToString();
  return StatusOf(arg).code() == code;
}

// The reason of its ErrorInfo.
MATCHER_P(HasReason, reason, std::string("has the reason ") + reason) {
  *result_listener << StatusOf(arg).ToString() << ", reason " << GetReason(StatusOf(arg));
  return GetReason(StatusOf(arg)) == reason;
}

}  // namespace bits::testing

#define BITS_ASSERT_OK(expr) ASSERT_THAT((expr), ::bits::testing::IsOk())
#define BITS_EXPECT_OK(expr) EXPECT_THAT((expr), ::bits::testing::IsOk())

// Assigns the value of an absl::StatusOr to `lhs`, which may declare a variable; ends the test
// if it is an error.
#define BITS_ASSERT_OK_AND_ASSIGN(lhs, ...) \
  BITS_ASSERT_OK_AND_ASSIGN_(BITS_TEST_CONCAT_(bits_status_or_, __LINE__), lhs, (__VA_ARGS__))
#define BITS_ASSERT_OK_AND_ASSIGN_(holder, lhs, expr) \
  auto holder = expr;                                 \
  BITS_ASSERT_OK(holder);                             \
  lhs = *std::move(holder)
#define BITS_TEST_CONCAT_(a, b) BITS_TEST_CONCAT_AGAIN_(a, b)
#define BITS_TEST_CONCAT_AGAIN_(a, b) a##b

#endif  // BITS_TESTS_SUPPORT_STATUS_MATCHERS_H_

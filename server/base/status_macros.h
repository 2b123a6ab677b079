// Early returns for functions that give absl::Status or absl::StatusOr.

#ifndef BITS_SERVER_BASE_STATUS_MACROS_H_
#define BITS_SERVER_BASE_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// Returns from the enclosing function if `expr`, an absl::Status, is an error.
#define BITS_RETURN_IF_ERROR(expr)         \
  do {                                     \
    absl::Status bits_status_ = (expr);    \
    if (!bits_status_.ok()) [[unlikely]] { \
      return bits_status_;                 \
    }                                      \
  } while (false)

// Assigns the value of `expr`, an absl::StatusOr, to `lhs`, which may declare a
// variable; returns from the enclosing function if it is an error. A type with
// a comma in it needs an alias. Not for the body of an `if` without braces.
// NOLINTBEGIN(bugprone-macro-parentheses): lhs may be a declaration.
#define BITS_ASSIGN_OR_RETURN(lhs, ...) \
  BITS_ASSIGN_OR_RETURN_(BITS_CONCAT_(bits_status_or_, __LINE__), lhs, (__VA_ARGS__))

#define BITS_ASSIGN_OR_RETURN_(holder, lhs, expr) \
  auto holder = expr;                             \
  if (!holder.ok()) [[unlikely]] {                \
    return std::move(holder).status();            \
  }                                               \
  lhs = *std::move(holder)
// NOLINTEND(bugprone-macro-parentheses)

#define BITS_CONCAT_(a, b) BITS_CONCAT_AGAIN_(a, b)
#define BITS_CONCAT_AGAIN_(a, b) a##b

#endif  // BITS_SERVER_BASE_STATUS_MACROS_H_

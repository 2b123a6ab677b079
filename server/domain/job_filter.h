// Which jobs a list or a watch is about: the meaning of a filter, whatever its text.
// rpc/ parses it, stores may turn it into SQL. Pure; any thread.
#ifndef BITS_SERVER_DOMAIN_JOB_FILTER_H_
#define BITS_SERVER_DOMAIN_JOB_FILTER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "absl/time/time.h"
#include "server/domain/job.h"

namespace bits::domain {

enum class FilterField : uint8_t {
  kState, kType, kPriority, kOwner, kDisplayName, kLabel, kCreateTime, kUpdateTime, kErrorCount
};
enum class FilterOp : uint8_t { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual, kHas };

// One comparison. The alternatives of `value` by field: int64_t the enum's number or the
// count; string owner, display_name, label value; Time the times.
struct Comparison {
  FilterField field = FilterField::kState;
  FilterOp op = FilterOp::kEqual;
  std::string label_key;  // of kLabel
  std::variant<int64_t, std::string, absl::Time> value;
  // Of strings with kEqual and kNotEqual: `*` stood at that end of the literal.
  bool any_prefix = false;  // "*x": ends with
  bool any_suffix = false;  // "x*": begins with; both: contains
};

struct JobFilter {
  enum class Kind : uint8_t { kAll, kComparison, kAnd, kOr, kNot };
  Kind kind = Kind::kAll;
  Comparison comparison;            // of kComparison
  std::vector<JobFilter> operands;  // of kAnd, kOr (1 or more), kNot (1)
};

// A label that is absent equals no value and differs from every value.
bool Matches(const JobFilter& filter, const Job& job);

}  // namespace bits::domain

#endif  // BITS_SERVER_DOMAIN_JOB_FILTER_H_

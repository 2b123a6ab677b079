#include "server/domain/job_filter.h"

#include <algorithm>
#include <string_view>

namespace bits::domain {
namespace {

template <typename T>
bool Compare(const T& left, FilterOp op, const T& right) {
  switch (op) {
    case FilterOp::kEqual:
      return left == right;
    case FilterOp::kNotEqual:
      return left != right;
    case FilterOp::kLess:
      return left < right;
    case FilterOp::kLessEqual:
      return left <= right;
    case FilterOp::kGreater:
      return left > right;
    case FilterOp::kGreaterEqual:
      return left >= right;
    case FilterOp::kHas:
      return false;  // asked of labels alone
  }
  return false;
}

bool HasPattern(std::string_view text, const Comparison& c, std::string_view literal) {
  if (c.any_prefix && c.any_suffix) return text.find(literal) != std::string_view::npos;
  if (c.any_prefix) return text.ends_with(literal);
  if (c.any_suffix) return text.starts_with(literal);
  return text == literal;
}

bool MatchesText(std::string_view text, const Comparison& c) {
  const auto* literal = std::get_if<std::string>(&c.value);
  if (literal == nullptr) return false;
  if (c.op == FilterOp::kEqual) return HasPattern(text, c, *literal);
  if (c.op == FilterOp::kNotEqual) return !HasPattern(text, c, *literal);
  return Compare(text, c.op, std::string_view(*literal));
}

bool MatchesNumber(int64_t number, const Comparison& c) {
  const auto* literal = std::get_if<int64_t>(&c.value);
  return literal != nullptr && Compare(number, c.op, *literal);
}

bool MatchesTime(absl::Time time, const Comparison& c) {
  const auto* literal = std::get_if<absl::Time>(&c.value);
  return literal != nullptr && Compare(time, c.op, *literal);
}

bool MatchesLabel(const Job& job, const Comparison& c) {
  const auto it = job.labels.find(c.label_key);
  if (c.op == FilterOp::kHas) return it != job.labels.end();
  if (it == job.labels.end()) return c.op == FilterOp::kNotEqual;
  return MatchesText(it->second, c);
}

bool MatchesComparison(const Comparison& c, const Job& job) {
  switch (c.field) {
    case FilterField::kState:
      return MatchesNumber(static_cast<int64_t>(job.state), c);
    case FilterField::kType:
      return MatchesNumber(static_cast<int64_t>(job.type), c);
    case FilterField::kPriority:
      return MatchesNumber(static_cast<int64_t>(job.priority), c);
    case FilterField::kOwner:
      return MatchesText(job.owner, c);
    case FilterField::kDisplayName:
      return MatchesText(job.display_name, c);
    case FilterField::kLabel:
      return MatchesLabel(job, c);
    case FilterField::kCreateTime:
      return MatchesTime(job.create_time, c);
    case FilterField::kUpdateTime:
      return MatchesTime(job.update_time, c);
    case FilterField::kErrorCount:
      return MatchesNumber(job.error_count, c);
  }
  return false;
}

}  // namespace

bool Matches(const JobFilter& filter, const Job& job) {
  const auto matches = [&job](const JobFilter& operand) { return Matches(operand, job); };
  switch (filter.kind) {
    case JobFilter::Kind::kAll:
      return true;
    case JobFilter::Kind::kComparison:
      return MatchesComparison(filter.comparison, job);
    case JobFilter::Kind::kAnd:
      return std::all_of(filter.operands.begin(), filter.operands.end(), matches);
    case JobFilter::Kind::kOr:
      return std::any_of(filter.operands.begin(), filter.operands.end(), matches);
    case JobFilter::Kind::kNot:
      return std::none_of(filter.operands.begin(), filter.operands.end(), matches);
  }
  return false;
}

}  // namespace bits::domain

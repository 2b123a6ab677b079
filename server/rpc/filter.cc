#include "server/rpc/filter.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/time/time.h"
#include "bits/v1/job.pb.h"
#include "server/base/error_info.h"
#include "server/base/status_macros.h"
#include "server/base/strings.h"
#include "server/rpc/convert.h"
#include "server/rpc/filter_lexer.h"
#include "server/rpc/utf8.h"
#include "server/rpc/validate.h"

namespace bits::rpc {
namespace {

using domain::Comparison;
using domain::FilterField;
using domain::FilterOp;
using domain::JobFilter;
using Kind = FilterToken::Kind;

constexpr std::string_view kLabels = "labels.";
constexpr std::string_view kEquality = "= and !=";
constexpr std::string_view kOrder = "= != < <= > and >=";

absl::Status Wrong(size_t position, std::string_view what) {
  std::string text = "at byte " + std::to_string(position) + ": ";
  return InvalidField("filter", text.append(what));
}

std::optional<FilterField> FieldOf(std::string_view name) {
  struct Name {
    std::string_view name;
    FilterField field;
  };
  static constexpr Name kNames[] = {
      {"state", FilterField::kState},
      {"type", FilterField::kType},
      {"priority", FilterField::kPriority},
      {"owner", FilterField::kOwner},
      {"display_name", FilterField::kDisplayName},
      {"create_time", FilterField::kCreateTime},
      {"update_time", FilterField::kUpdateTime},
      {"error_count", FilterField::kErrorCount},
  };
  for (const Name& candidate : kNames) {
    if (candidate.name == name) return candidate.field;
  }
  if (name.starts_with(kLabels)) return FilterField::kLabel;
  return std::nullopt;
}

std::optional<FilterOp> OpOf(std::string_view op) {
  if (op == "=") return FilterOp::kEqual;
  if (op == "!=") return FilterOp::kNotEqual;
  if (op == "<") return FilterOp::kLess;
  if (op == "<=") return FilterOp::kLessEqual;
  if (op == ">") return FilterOp::kGreater;
  if (op == ">=") return FilterOp::kGreaterEqual;
  if (op == ":") return FilterOp::kHas;
  return std::nullopt;
}

bool IsOrdered(FilterField field) {
  return field == FilterField::kCreateTime || field == FilterField::kUpdateTime ||
         field == FilterField::kErrorCount;
}

// The number of an enum's value by its name.
std::optional<int64_t> EnumNumber(FilterField field, const std::string& name) {
  const auto number = [](auto value) -> std::optional<int64_t> {
    if (!value) return std::nullopt;
    return static_cast<int64_t>(*value);
  };
  v1::Job::State state;
  v1::Job::Type type;
  v1::Job::Priority priority;
  if (field == FilterField::kState && v1::Job::State_Parse(name, &state)) {
    return number(StateFrom(state));
  }
  if (field == FilterField::kType && v1::Job::Type_Parse(name, &type)) {
    return number(TypeFrom(type));
  }
  if (field == FilterField::kPriority && v1::Job::Priority_Parse(name, &priority)) {
    return number(PriorityFrom(priority));
  }
  return std::nullopt;
}

// RFC 3339 and nothing else: absl alone would take blanks, years of other lengths and
// "infinite-future".
std::optional<absl::Time> ParseTime(std::string_view text) {
  constexpr std::string_view kShape = "dddd-dd-ddTdd:dd:dd";
  if (text.size() <= kShape.size()) return std::nullopt;
  for (size_t i = 0; i < kShape.size(); ++i) {
    const bool fits = kShape[i] == 'd' ? absl::ascii_isdigit(static_cast<unsigned char>(text[i]))
                                       : text[i] == kShape[i];
    if (!fits) return std::nullopt;
  }
  if (text.find(' ') != std::string_view::npos) return std::nullopt;
  absl::Time time;
  if (!absl::ParseTime(absl::RFC3339_full, Av(text), &time, nullptr)) return std::nullopt;
  return time;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : lexer_(text) { Advance(); }

  absl::StatusOr<JobFilter> Parse() {
    if (token_.kind == Kind::kEnd) return JobFilter{};
    BITS_ASSIGN_OR_RETURN(JobFilter filter, Expression());
    if (token_.kind != Kind::kEnd) return Unexpected("AND, OR or the end");
    return filter;
  }

 private:
  void Advance() { token_ = lexer_.Next(); }

  absl::Status Unexpected(std::string_view wanted) const {
    if (token_.kind == Kind::kBad) return Wrong(token_.position, token_.text);
    return Wrong(token_.position, std::string("there must be ").append(wanted));
  }

  absl::StatusOr<JobFilter> Expression() {
    return Joined("AND", JobFilter::Kind::kAnd, &Parser::Factor);
  }

  absl::StatusOr<JobFilter> Factor() { return Joined("OR", JobFilter::Kind::kOr, &Parser::Term); }

  // One or more operands with `word` between them.
  absl::StatusOr<JobFilter> Joined(std::string_view word, JobFilter::Kind kind,
                                   absl::StatusOr<JobFilter> (Parser::*operand)()) {
    JobFilter joined;
    joined.kind = kind;
    while (true) {
      BITS_ASSIGN_OR_RETURN(JobFilter next, (this->*operand)());
      joined.operands.push_back(std::move(next));
      if (!token_.IsWord(word)) break;
      Advance();
    }
    if (joined.operands.size() > 1) return joined;
    JobFilter only = std::move(joined.operands.front());
    return only;
  }

  absl::StatusOr<JobFilter> Term() {
    if (!token_.IsWord("NOT")) return Simple();
    Advance();
    JobFilter negated;
    negated.kind = JobFilter::Kind::kNot;
    BITS_ASSIGN_OR_RETURN(JobFilter operand, Simple());
    negated.operands.push_back(std::move(operand));
    return negated;
  }

  absl::StatusOr<JobFilter> Simple() {
    if (token_.kind != Kind::kOpen) return ParseComparison();
    if (++level_ > kFilterMaxLevels) {
      return Wrong(token_.position,
                   "more than " + std::to_string(kFilterMaxLevels) + " levels of parentheses");
    }
    Advance();
    BITS_ASSIGN_OR_RETURN(JobFilter inner, Expression());
    if (token_.kind != Kind::kClose) return Unexpected("AND, OR or a closing parenthesis");
    Advance();
    --level_;
    return inner;
  }

  absl::StatusOr<JobFilter> ParseComparison() {
    if (token_.kind != Kind::kWord) return Unexpected("a field");
    const std::string name = token_.text;
    const std::optional<FilterField> field = FieldOf(name);
    if (!field) {
      return Wrong(token_.position,
                   "there is no such field; there are state, type, priority, owner, display_name, "
                   "labels.KEY, create_time, update_time and error_count");
    }
    JobFilter filter;
    filter.kind = JobFilter::Kind::kComparison;
    filter.comparison.field = *field;
    if (*field == FilterField::kLabel) {
      filter.comparison.label_key = name.substr(kLabels.size());
      if (!IsLabelKey(filter.comparison.label_key)) {
        return Wrong(token_.position, "the key of a label is 1 to 63 characters of [a-z0-9._/-]");
      }
    }
    Advance();

    const std::optional<FilterOp> op =
        token_.kind == Kind::kOperator ? OpOf(token_.text) : std::nullopt;
    if (!op) return Unexpected("an operator");
    filter.comparison.op = *op;
    const bool equality = *op == FilterOp::kEqual || *op == FilterOp::kNotEqual;
    const bool has = *op == FilterOp::kHas;
    if (has ? *field != FilterField::kLabel : !equality && !IsOrdered(*field)) {
      return Wrong(token_.position, name + " takes " +
                                        std::string(IsOrdered(*field) ? kOrder : kEquality) +
                                        (*field == FilterField::kLabel ? " and :*" : ""));
    }
    Advance();

    const bool keyword = token_.IsWord("AND") || token_.IsWord("OR") || token_.IsWord("NOT");
    if ((token_.kind != Kind::kWord && token_.kind != Kind::kQuoted) || keyword) {
      return Unexpected("a literal");
    }
    BITS_RETURN_IF_ERROR(Literal(&filter.comparison));
    Advance();
    return filter;
  }

  // Fills the comparison's value from the present token.
  absl::Status Literal(Comparison* comparison) const {
    switch (comparison->field) {
      case FilterField::kState:
      case FilterField::kType:
      case FilterField::kPriority: {
        const std::optional<int64_t> number = EnumNumber(comparison->field, token_.text);
        if (!number) {
          return Wrong(token_.position,
                       "there is no such value, write it as in the proto, such as "
                       "STATE_QUEUED");
        }
        comparison->value = *number;
        return absl::OkStatus();
      }
      case FilterField::kOwner:
      case FilterField::kDisplayName:
        return Pattern(comparison);
      case FilterField::kLabel:
        if (comparison->op == FilterOp::kHas && !token_.IsWord("*")) {
          return Wrong(token_.position, "after `:` there must be `*`");
        }
        comparison->value = token_.text;
        return absl::OkStatus();
      case FilterField::kCreateTime:
      case FilterField::kUpdateTime: {
        const std::optional<absl::Time> time =
            token_.kind == Kind::kQuoted ? ParseTime(token_.text) : std::nullopt;
        if (!time) {
          return Wrong(token_.position,
                       "there must be a time of RFC 3339 in quotes, such as "
                       "\"2026-01-31T12:00:00Z\"");
        }
        comparison->value = *time;
        return absl::OkStatus();
      }
      case FilterField::kErrorCount: {
        int64_t number = 0;
        if (!absl::SimpleAtoi(token_.text, &number)) {
          return Wrong(token_.position, "there must be a number");
        }
        comparison->value = number;
        return absl::OkStatus();
      }
    }
    return Wrong(token_.position, "there must be a literal");
  }

  absl::Status Pattern(Comparison* comparison) const {
    std::string_view text = token_.text;
    comparison->any_prefix = token_.star_first;
    comparison->any_suffix = token_.star_last;
    if (token_.star_first) text.remove_prefix(1);
    if (token_.star_last && !text.empty()) text.remove_suffix(1);
    comparison->value = std::string(text);
    return absl::OkStatus();
  }

  FilterLexer lexer_;
  FilterToken token_;
  int level_ = 0;
};

}  // namespace

absl::StatusOr<JobFilter> ParseFilter(std::string_view text) {
  if (text.size() > kFilterMaxBytes) {
    return InvalidField("filter", "must be at most 2,048 bytes");
  }
  if (!CountCharacters(text)) return InvalidField("filter", "must be UTF-8");
  return Parser(text).Parse();
}

}  // namespace bits::rpc

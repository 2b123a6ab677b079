#include "server/store/sqlite/filter_sql.h"

#include <string_view>
#include <utility>

namespace bits::store {
namespace {

using domain::Comparison;
using domain::FilterField;
using domain::FilterOp;
using domain::JobFilter;

constexpr char kFalse[] = "0";
constexpr char kTrue[] = "1";
constexpr uint32_t kAllStates = (1u << domain::kJobStateCount) - 1;

const char* Operator(FilterOp op) {
  switch (op) {
    case FilterOp::kEqual:
      return " = ";
    case FilterOp::kNotEqual:
      return " <> ";
    case FilterOp::kLess:
      return " < ";
    case FilterOp::kLessEqual:
      return " <= ";
    case FilterOp::kGreater:
      return " > ";
    case FilterOp::kGreaterEqual:
      return " >= ";
    case FilterOp::kHas:
      break;
  }
  return nullptr;
}

const char* NumberColumn(FilterField field) {
  switch (field) {
    case FilterField::kState:
      return "state";
    case FilterField::kType:
      return "type";
    case FilterField::kPriority:
      return "priority";
    case FilterField::kErrorCount:
      return "error_count";
    default:
      return nullptr;
  }
}

const char* TimeColumnName(FilterField field) {
  switch (field) {
    case FilterField::kCreateTime:
      return "create_time";
    case FilterField::kUpdateTime:
      return "update_time";
    default:
      return nullptr;
  }
}

class Compiler {
 public:
  explicit Compiler(int first_parameter) : first_(first_parameter) {}

  void Compile(const JobFilter& filter) {
    switch (filter.kind) {
      case JobFilter::Kind::kAll:
        out_.condition += kTrue;
        return;
      case JobFilter::Kind::kComparison:
        Compare(filter.comparison);
        return;
      case JobFilter::Kind::kAnd:
        return Join(filter.operands, " AND ", kTrue);
      case JobFilter::Kind::kOr:
        return Join(filter.operands, " OR ", kFalse);
      case JobFilter::Kind::kNot:
        out_.condition += "NOT ";
        return Join(filter.operands, " OR ", kFalse);
    }
  }

  FilterSql Take() { return std::move(out_); }

 private:
  void Join(const std::vector<JobFilter>& operands, const char* joint, const char* none) {
    if (operands.empty()) {
      out_.condition += none;
      return;
    }
    out_.condition += '(';
    for (size_t i = 0; i < operands.size(); ++i) {
      if (i > 0) out_.condition += joint;
      Compile(operands[i]);
    }
    out_.condition += ')';
  }

  void Compare(const Comparison& c) {
    if (c.field == FilterField::kLabel) return CompareLabel(c);
    if (c.op == FilterOp::kHas) {
      out_.condition += kFalse;  // asked of labels alone
      return;
    }
    if (c.field == FilterField::kOwner) {
      CompareText("CAST(owner AS BLOB)", c);
    } else if (c.field == FilterField::kDisplayName) {
      CompareText("CAST(display_name AS BLOB)", c);
    } else if (const char* number = NumberColumn(c.field)) {
      const auto* literal = std::get_if<int64_t>(&c.value);
      out_.condition += literal == nullptr ? kFalse : number + (Operator(c.op) + Add(*literal));
    } else if (const char* time = TimeColumnName(c.field)) {
      const auto* literal = std::get_if<absl::Time>(&c.value);
      out_.condition +=
          literal == nullptr ? kFalse : time + (Operator(c.op) + Add(TimeColumn(*literal)));
    } else {
      out_.condition += kFalse;
    }
  }

  void CompareLabel(const Comparison& c) {
    // As Matches: from what is no text only an absent label differs.
    const bool is_text = std::holds_alternative<std::string>(c.value);
    if (c.op != FilterOp::kHas && c.op != FilterOp::kNotEqual && !is_text) {
      out_.condition += kFalse;
      return;
    }
    const std::string label = "bits_label(labels, " + Add(c.label_key) + ")";
    if (c.op == FilterOp::kHas) {
      out_.condition += "(" + label + " IS NOT NULL)";
    } else if (!is_text) {
      out_.condition += "(" + label + " IS NULL)";
    } else {
      CompareText(label, c);
    }
  }

  // `text` is an expression that gives a blob, or NULL for a label that is absent. Functions
  // of SQLite give NULL for an empty blob too, which no literal here (not empty) equals.
  void CompareText(const std::string& text, const Comparison& c) {
    const auto* literal = std::get_if<std::string>(&c.value);
    if (literal == nullptr) {
      out_.condition += kFalse;
      return;
    }
    if (c.op == FilterOp::kEqual) {
      out_.condition += "coalesce(" + Pattern(text, *literal, c) + ", 0)";
    } else if (c.op == FilterOp::kNotEqual) {
      out_.condition += "coalesce(NOT (" + Pattern(text, *literal, c) + "), 1)";
    } else {
      out_.condition += "coalesce(" + text + Operator(c.op) + Add(*literal) + ", 0)";
    }
  }

  std::string Pattern(const std::string& text, const std::string& literal, const Comparison& c) {
    const bool any = c.any_prefix || c.any_suffix;
    if (any && literal.empty()) return "nullif(" + text + " IS NOT NULL, 0)";
    const std::string p = Add(literal);
    if (!any) return text + " = " + p;
    if (c.any_prefix && c.any_suffix) return "instr(" + text + ", " + p + ") > 0";
    if (c.any_prefix) return "substr(" + text + ", -length(" + p + ")) = " + p;
    return "substr(" + text + ", 1, length(" + p + ")) = " + p;
  }

  // Gives the parameter's name.
  std::string Add(std::variant<int64_t, std::string> value) {
    out_.parameters.push_back(std::move(value));
    return "?" + std::to_string(first_ + static_cast<int>(out_.parameters.size()) - 1);
  }

  const int first_;
  FilterSql out_;
};

struct States {
  uint32_t mask;
  bool exact;  // the filter matches every job in these states
};

bool StateMatches(int64_t state, FilterOp op, int64_t literal) {
  switch (op) {
    case FilterOp::kEqual:
      return state == literal;
    case FilterOp::kNotEqual:
      return state != literal;
    case FilterOp::kLess:
      return state < literal;
    case FilterOp::kLessEqual:
      return state <= literal;
    case FilterOp::kGreater:
      return state > literal;
    case FilterOp::kGreaterEqual:
      return state >= literal;
    case FilterOp::kHas:
      break;
  }
  return false;
}

States StatesOf(const JobFilter& filter) {
  States states{kAllStates, false};
  switch (filter.kind) {
    case JobFilter::Kind::kAll:
      states.exact = true;
      break;
    case JobFilter::Kind::kComparison: {
      const Comparison& c = filter.comparison;
      const auto* literal = std::get_if<int64_t>(&c.value);
      if (c.field != FilterField::kState || literal == nullptr) break;
      states = {0, true};
      for (int state = 0; state < domain::kJobStateCount; ++state) {
        if (StateMatches(state, c.op, *literal)) states.mask |= 1u << state;
      }
      break;
    }
    case JobFilter::Kind::kAnd:
      states.exact = true;
      for (const JobFilter& operand : filter.operands) {
        const States other = StatesOf(operand);
        states = {states.mask & other.mask, states.exact && other.exact};
      }
      break;
    case JobFilter::Kind::kOr:
    case JobFilter::Kind::kNot:
      states = {0, true};
      for (const JobFilter& operand : filter.operands) {
        const States other = StatesOf(operand);
        states = {states.mask | other.mask, states.exact && other.exact};
      }
      if (filter.kind == JobFilter::Kind::kNot) {
        states.mask = states.exact ? kAllStates & ~states.mask : kAllStates;
      }
      break;
  }
  return states;
}

}  // namespace

FilterSql CompileFilter(const JobFilter& filter, int first_parameter) {
  Compiler compiler(first_parameter);
  compiler.Compile(filter);
  return compiler.Take();
}

void BindFilter(const FilterSql& filter, int first_parameter, Statement& statement) {
  int index = first_parameter;
  for (const auto& parameter : filter.parameters) {
    if (const auto* number = std::get_if<int64_t>(&parameter)) {
      statement.BindInt(index++, *number);
    } else {
      statement.BindBlob(index++, std::get<std::string>(parameter));
    }
  }
}

uint32_t PossibleStates(const JobFilter& filter) { return StatesOf(filter).mask; }

std::optional<std::string> OnlyOwner(const JobFilter& filter) {
  if (filter.kind == JobFilter::Kind::kAnd) {
    for (const JobFilter& operand : filter.operands) {
      if (std::optional<std::string> owner = OnlyOwner(operand)) return owner;
    }
    return std::nullopt;
  }
  const Comparison& c = filter.comparison;
  if (filter.kind != JobFilter::Kind::kComparison || c.field != FilterField::kOwner ||
      c.op != FilterOp::kEqual || c.any_prefix || c.any_suffix ||
      !std::holds_alternative<std::string>(c.value)) {
    return std::nullopt;
  }
  return std::get<std::string>(c.value);
}

int64_t TimeColumn(absl::Time time) { return absl::ToUnixNanos(time); }

}  // namespace bits::store

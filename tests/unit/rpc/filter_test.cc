#include "server/rpc/filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "server/base/error_info.h"
#include "server/domain/job.h"
#include "tests/support/status_matchers.h"

namespace bits::rpc {
namespace {

using ::bits::testing::HasCode;
using ::bits::testing::HasReason;
using ::testing::AllOf;
using ::testing::HasSubstr;

// What was parsed, fully parenthesised.
std::string Show(const domain::JobFilter& filter) {
  using Kind = domain::JobFilter::Kind;
  const auto joined = [&filter](const char* word) {
    std::string text = "(";
    for (const domain::JobFilter& operand : filter.operands) {
      if (text.size() > 1) text += word;
      text += Show(operand);
    }
    return text + ")";
  };
  switch (filter.kind) {
    case Kind::kAll:
      return "all";
    case Kind::kAnd:
      return joined("&");
    case Kind::kOr:
      return joined("|");
    case Kind::kNot:
      return "!" + Show(filter.operands.at(0));
    case Kind::kComparison:
      break;
  }
  const domain::Comparison& c = filter.comparison;
  static const char* const kFields[] = {"state", "type",   "priority", "owner", "name",
                                        "label", "create", "update",   "errors"};
  static const char* const kOps[] = {"=", "!=", "<", "<=", ">", ">=", ":"};
  std::string text = kFields[static_cast<int>(c.field)];
  if (!c.label_key.empty()) text += "." + c.label_key;
  text += kOps[static_cast<int>(c.op)];
  if (c.any_prefix) text += "*";
  if (const auto* number = std::get_if<int64_t>(&c.value)) text += std::to_string(*number);
  if (const auto* string = std::get_if<std::string>(&c.value)) text += *string;
  if (const auto* time = std::get_if<absl::Time>(&c.value)) {
    text += std::to_string(absl::ToUnixMillis(*time));
  }
  if (c.any_suffix) text += "*";
  return text;
}

struct Good {
  const char* text;
  const char* shown;
};

TEST(FilterTest, WhatIsUnderstood) {
  for (const Good& good : std::vector<Good>{
           {"", "all"},
           {"  \t\n ", "all"},
           {"state = STATE_QUEUED", "state=0"},
           {"state=STATE_CANCELLED", "state=8"},
           {"state != \"STATE_ERROR\"", "state!=4"},
           {"type = TYPE_DOWNLOAD", "type=0"},
           {"priority = PRIORITY_FOREGROUND", "priority=0"},
           {"priority != PRIORITY_LOW", "priority!=3"},
           {"owner = anna", "owner=anna"},
           {"owner = 'a b'", "owner=a b"},
           {"display_name = \"a*b\"", "name=a*b"},
           {"display_name = \"backup*\"", "name=backup*"},
           {"display_name = *nightly", "name=*nightly"},
           {"display_name != *x*", "name!=*x*"},
           {"display_name = *", "name=**"},
           {"display_name = '**'", "name=**"},
           {"display_name = '***'", "name=***"},
           {"display_name = ''", "name="},
           {R"(display_name = "\*x\*")", "name=*x*"},
           {R"(display_name = "say \"hi\" \\ \'")", R"(name=say "hi" \ ')"},
           {"display_name = 'AND'", "name=AND"},
           {"labels.team = infra", "label.team=infra"},
           {"labels.team = 'in*'", "label.team=in*"},
           {"labels.a.b/c-d_e != x", "label.a.b/c-d_e!=x"},
           {"labels.team:*", "label.team:*"},
           {"labels.team : *", "label.team:*"},
           {"create_time >= \"2026-01-31T12:00:00Z\"", "create>=1769860800000"},
           {"update_time < '2026-01-31T13:00:00.250+01:00'", "update<1769860800250"},
           {"create_time != \"1969-12-31T23:59:59Z\"", "create!=-1000"},
           {"error_count > 3", "errors>3"},
           {"error_count <= -1", "errors<=-1"},
           {"(state = STATE_ERROR)", "state=4"},
           {"NOT state = STATE_ERROR", "!state=4"},
           {"NOT (state = STATE_ERROR)", "!state=4"},
           {"owner = a AND owner = b AND owner = c", "(owner=a&owner=b&owner=c)"},
           {"owner = a OR owner = b", "(owner=a|owner=b)"},
           // OR binds tighter than AND, as AIP-160 has it.
           {"owner = a AND owner = b OR owner = c", "(owner=a&(owner=b|owner=c))"},
           {"owner = a OR owner = b AND owner = c", "((owner=a|owner=b)&owner=c)"},
           {"(owner = a AND owner = b) OR owner = c", "((owner=a&owner=b)|owner=c)"},
           {"NOT owner = a OR NOT owner = b", "(!owner=a|!owner=b)"},
           {"NOT(owner=a)AND(owner=b)", "(!owner=a&owner=b)"},
           {"((((owner = a))))", "owner=a"},
       }) {
    const auto filter = ParseFilter(good.text);
    BITS_ASSERT_OK(filter) << good.text;
    EXPECT_EQ(Show(*filter), good.shown) << good.text;
  }
}

// "*" shows the same, escaped or not; what it means differs.
TEST(FilterTest, AnEscapedStarIsAStar) {
  const auto wildcard = ParseFilter("display_name = '*x*'");
  const auto literal = ParseFilter(R"(display_name = '\*x\*')");
  domain::Job job;
  job.display_name = "axa";
  EXPECT_TRUE(domain::Matches(*wildcard, job));
  EXPECT_FALSE(domain::Matches(*literal, job));
  job.display_name = "*x*";
  EXPECT_TRUE(domain::Matches(*literal, job));
}

struct Bad {
  std::string text;
  const char* what;  // in the message
};

TEST(FilterTest, WhatIsNotUnderstood) {
  for (const Bad& bad : std::vector<Bad>{
           {"colour = red", "at byte 1: there is no such field"},
           {"State = STATE_ERROR", "no such field"},
           {"-state = STATE_ERROR", "no such field"},
           {"labels = x", "no such field"},
           {"labels. = x", "the key of a label"},
           {"labels.Team = x", "the key of a label"},
           {"labels." + std::string(64, 'k') + " = x", "the key of a label"},
           {"state", "at byte 6: there must be an operator"},
           {"state =", "at byte 8: there must be a literal"},
           {"state = AND", "at byte 9: there must be a literal"},
           {"state = = x", "there must be a literal"},
           {"state ! STATE_ERROR", "`!` stands only in `!=`"},
           {"state < STATE_ERROR", "state takes = and !="},
           {"state : *", "state takes = and !="},
           {"owner > a", "owner takes = and !="},
           {"labels.team < x", "labels.team takes = and != and :*"},
           {"labels.team:x", "after `:` there must be `*`"},
           {"labels.team:'*'", "after `:` there must be `*`"},
           {"create_time : *", "create_time takes = != < <= > and >="},
           {"state = STATE_UNSPECIFIED", "at byte 9: there is no such value"},
           {"state = QUEUED", "no such value"},
           {"state = state_queued", "no such value"},
           {"state = 1", "no such value"},
           {"type = STATE_QUEUED", "no such value"},
           {"priority = PRIORITY_UNSPECIFIED", "no such value"},
           {"create_time > 2026", "RFC 3339 in quotes"},
           {"create_time > \"2026-01-31\"", "RFC 3339"},
           {"create_time > \"infinite-future\"", "RFC 3339"},
           {"create_time > \" 2026-01-31T12:00:00Z\"", "RFC 3339"},
           {"create_time > \"2026-01-31T12:00:00\"", "RFC 3339"},
           {"create_time > \"2026-13-31T12:00:00Z\"", "RFC 3339"},
           {"create_time > \"12026-01-31T12:00:00Z\"", "RFC 3339"},
           {"error_count > many", "there must be a number"},
           {"error_count > 99999999999999999999", "there must be a number"},
           {"error_count > 1.5", "there must be a number"},
           {"owner = a owner = b", "at byte 11: there must be AND, OR or the end"},
           {"owner = a and owner = b", "AND, OR or the end"},
           {"owner = a AND", "at byte 14: there must be a field"},
           {"AND owner = a", "no such field"},
           {"NOT", "there must be a field"},
           {"NOT NOT owner = a", "no such field"},
           {"(owner = a", "at byte 11: there must be AND, OR or a closing parenthesis"},
           {"owner = a)", "at byte 10: there must be AND, OR or the end"},
           {"()", "at byte 2: there must be a field"},
           {"owner = \"a", "at byte 9: the quote is not closed"},
           {"owner = \"a\\", "the quote is not closed"},
           {"\"owner\" = a", "there must be a field"},
           {"owner = \"\xFF\"", "UTF-8"},
           {"owner = " + std::string(2048, 'a'), "at most 2,048 bytes"},
       }) {
    const auto filter = ParseFilter(bad.text);
    ASSERT_THAT(filter,
                AllOf(HasCode(absl::StatusCode::kInvalidArgument), HasReason("E_INVALIDARG")))
        << bad.text;
    const auto violations = GetFieldViolations(filter.status());
    ASSERT_EQ(violations.size(), 1u);
    EXPECT_EQ(violations[0].field, "filter");
    EXPECT_THAT(violations[0].description, HasSubstr(bad.what)) << bad.text;
  }
}

std::string Nested(int levels) {
  return std::string(levels, '(') + "owner = a" + std::string(levels, ')');
}

TEST(FilterTest, DepthIsBounded) {
  BITS_EXPECT_OK(ParseFilter(Nested(kFilterMaxLevels)));
  EXPECT_THAT(ParseFilter(Nested(kFilterMaxLevels + 1)),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ParseFilter(std::string(2000, '(')), HasCode(absl::StatusCode::kInvalidArgument));
  // Beside each other they are no deeper.
  std::string wide = Nested(10);
  for (int i = 0; i < 20; ++i) wide += " AND " + Nested(10);
  BITS_EXPECT_OK(ParseFilter(wide));
}

TEST(FilterTest, LengthIsBounded) {
  const std::string longest = "owner = " + std::string(kFilterMaxBytes - 8, 'a');
  BITS_EXPECT_OK(ParseFilter(longest));
}

// No text makes it fail in another way than by a status.
TEST(FilterTest, MangledTexts) {
  const std::string text =
      R"(NOT (state != STATE_ERROR OR labels.a:*) AND create_time >= "2026-01-31T12:00:00Z")";
  const std::string pieces = "()<>=!:\"'\\* \tA0";
  for (size_t i = 0; i < text.size(); ++i) {
    for (const char c : pieces) {
      std::string mangled = text;
      mangled[i] = c;
      (void)ParseFilter(mangled);
      mangled.insert(i, 1, c);
      (void)ParseFilter(mangled);
    }
    (void)ParseFilter(text.substr(i));
    (void)ParseFilter(text.substr(0, i));
  }
}

}  // namespace
}  // namespace bits::rpc

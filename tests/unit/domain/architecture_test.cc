// Holds ARCHITECTURE.md to the table that the code follows.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "server/domain/transition_table.h"

namespace bits::domain {
namespace {

constexpr std::string_view kBegin = "<!-- transition-table:begin -->\n";
constexpr std::string_view kEnd = "<!-- transition-table:end -->\n";

std::string Trimmed(std::string text) {
  text.erase(0, text.find_first_not_of('\n'));
  text.erase(text.find_last_not_of('\n') + 1);
  return text;
}

TEST(Architecture, ShowsTheTransitionTable) {
  std::ifstream in(BITS_ARCHITECTURE);
  ASSERT_TRUE(in) << "cannot read ARCHITECTURE.md";
  std::ostringstream text;
  text << in.rdbuf();
  const std::string page = text.str();
  const size_t begin = page.find(kBegin);
  ASSERT_NE(begin, std::string::npos) << "no line " << kBegin;
  const size_t end = page.find(kEnd, begin);
  ASSERT_NE(end, std::string::npos) << "no line " << kEnd;
  const size_t first = begin + kBegin.size();
  EXPECT_EQ(Trimmed(page.substr(first, end - first)), Trimmed(TransitionTableMarkdown()))
      << "put the output of bits_transition_table between the two lines";
}

}  // namespace
}  // namespace bits::domain

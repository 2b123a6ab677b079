#include "server/rpc/utf8.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace bits::rpc {
namespace {

using ::testing::Eq;
using ::testing::Optional;

TEST(CountCharactersTest, CountsCodePointsNotBytes) {
  EXPECT_THAT(CountCharacters(""), Optional(Eq(0u)));
  EXPECT_THAT(CountCharacters("abc"), Optional(Eq(3u)));
  EXPECT_THAT(CountCharacters("äöü"), Optional(Eq(3u)));
  EXPECT_THAT(CountCharacters("€"), Optional(Eq(1u)));
  EXPECT_THAT(CountCharacters("😀a"), Optional(Eq(2u)));
  EXPECT_THAT(CountCharacters(std::string_view("\0x", 2)), Optional(Eq(2u)));
  EXPECT_THAT(CountCharacters("\xF4\x8F\xBF\xBF"), Optional(Eq(1u)));  // U+10FFFF
}

TEST(CountCharactersTest, RefusesWhatIsNotUtf8) {
  for (const char* text : {
           "\x80",              // continuation without a start
           "\xC3",              // cut short
           "\xE2\x82",          // cut short
           "\xC0\xAF",          // overlong
           "\xC1\xBF",          // overlong
           "\xE0\x80\xAF",      // overlong
           "\xF0\x80\x80\xAF",  // overlong
           "\xED\xA0\x80",      // surrogate
           "\xF4\x90\x80\x80",  // above U+10FFFF
           "\xF5\x80\x80\x80",
           "\xFF",
           "a\xE2(\xA1",
       }) {
    EXPECT_EQ(CountCharacters(text), std::nullopt) << ::testing::PrintToString(text);
  }
}

TEST(CleanUtf8Test, KeepsGoodTextThatFits) {
  EXPECT_EQ(CleanUtf8("", 10), "");
  EXPECT_EQ(CleanUtf8("grün", 5), "grün");
}

TEST(CleanUtf8Test, ReplacesBadBytes) {
  EXPECT_EQ(CleanUtf8("a\xFF\xC3(b", 100),
            "a?"
            "?(b");
}

TEST(CleanUtf8Test, CutsAtACharactersEdge) {
  EXPECT_EQ(CleanUtf8("abcdefgh", 8), "abcdefgh");
  EXPECT_EQ(CleanUtf8("abcdefghi", 8), "abcde…");
  EXPECT_EQ(CleanUtf8("äääää", 8), "ää…");
  EXPECT_EQ(CleanUtf8("äääää", 3), "…");
  for (size_t limit = 3; limit < 40; ++limit) {
    const std::string cut = CleanUtf8("x€😀ä x€😀ä x€😀ä x€😀ä", limit);
    EXPECT_LE(cut.size(), limit);
    EXPECT_TRUE(CountCharacters(cut).has_value()) << limit;
  }
}

}  // namespace
}  // namespace bits::rpc

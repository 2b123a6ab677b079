#include "client/cli/text.h"

#include <gtest/gtest.h>

namespace bits::cli {
namespace {

TEST(PrintableTest, NothingReachesTheTerminalButText) {
  EXPECT_EQ(Printable("Grüße, 世界.iso"), "Grüße, 世界.iso");
  EXPECT_EQ(Printable("a\x1b[31mred\r\n\x7f"), "a?[31mred???");
  EXPECT_EQ(Printable("csi \xc2\x9b 2J"), "csi ? 2J");
  EXPECT_EQ(Printable("nbsp \xc2\xa0"), "nbsp \xc2\xa0");
}

TEST(IsUtf8Test, WhatIsAndWhatIsNot) {
  for (const char* text : {"", "a", "Grüße, 世界", "\xf0\x9f\x98\x80", "\xed\x9f\xbf", "\xee\x80\x80",
                           "\xf4\x8f\xbf\xbf", "\xc2\x80", "\xe0\xa0\x80", "\xf0\x90\x80\x80"}) {
    EXPECT_TRUE(IsUtf8(text)) << text;
  }
  for (const char* text :
       {"\x80", "a\xff", "\xc2", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe4\xb8", "\xe4\xb8z", "\xc3\xc3"}) {
    EXPECT_FALSE(IsUtf8(text)) << text;
  }
  EXPECT_TRUE(IsUtf8(std::string(1, '\0')));
}

TEST(ColumnsTest, WideCharactersTakeTwo) {
  EXPECT_EQ(Columns(""), 0);
  EXPECT_EQ(Columns("Grüße"), 5);
  EXPECT_EQ(Columns("世界.iso"), 8);
  EXPECT_EQ(Columns("\xf0\x9f\x98\x80"), 2);
  EXPECT_EQ(Columns("\x1b[31mred\x1b[0m"), 3);
}

TEST(CutTest, AtTheBoundaryOfACharacter) {
  EXPECT_EQ(Cut("Grüße", 3), "Grü");
  EXPECT_EQ(Cut("世界", 3), "世");
  EXPECT_EQ(Cut("世界", 0), "");
  EXPECT_EQ(Cut("abc", 9), "abc");
  EXPECT_EQ(Cut("\x1b[31mred\x1b[0m!", 2), "\x1b[31mre\x1b[0m");
}

TEST(CutTest, WhatIsNotUtf8IsStillText) {
  EXPECT_EQ(Columns("\xff\xfe\x80"), 2);  // the last continues the one before it
  EXPECT_EQ(Cut("\xe4\xb8", 1), "\xe4\xb8");
  EXPECT_EQ(Cut("a\xe4", 1), "a");
}

TEST(ShortenTest, SaysThatItDid) {
  EXPECT_EQ(Shorten("abcdef", 6), "abcdef");
  EXPECT_EQ(Shorten("abcdefg", 6), "abcde…");
}

}  // namespace
}  // namespace bits::cli

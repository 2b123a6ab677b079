#include "server/base/strings.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"

namespace bits {
namespace {

TEST(Strings, ConvertsBothWaysWithoutCopying) {
  const std::string text = std::string("a\0b", 3);
  const absl::string_view av = Av(text);
  const std::string_view sv = Sv(av);
  EXPECT_EQ(sv, text);
  EXPECT_EQ(sv.data(), text.data());
  EXPECT_EQ(absl::StrCat(Av(std::string_view("x")), 1), "x1");
}

TEST(Strings, EmptyStaysEmpty) {
  EXPECT_TRUE(Sv(absl::string_view()).empty());
  EXPECT_TRUE(Av(std::string_view()).empty());
}

}  // namespace
}  // namespace bits

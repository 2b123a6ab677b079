#include "server/rpc/sealed_token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <string>

#include "tests/support/status_matchers.h"

namespace bits::rpc {
namespace {

using ::bits::testing::HasCode;
using ::bits::testing::HasReason;
using ::testing::AllOf;

const std::string kKey(32, 'k');  // NOLINT(cert-err58-cpp)

auto IsRefused() {
  return AllOf(HasCode(absl::StatusCode::kInvalidArgument), HasReason("E_INVALIDARG"));
}

TEST(SealedTokenTest, ThereAndBack) {
  const TokenSealer sealer(kKey);
  for (const uint64_t value : {uint64_t{0}, uint64_t{1}, uint64_t{255}, UINT64_MAX}) {
    EXPECT_EQ(sealer.OpenPage(sealer.SealPage(value, "b"), "b").value(), value);
    EXPECT_EQ(sealer.OpenCursor(sealer.SealCursor(value)).value(), value);
  }
}

TEST(SealedTokenTest, AnEmptyPageTokenIsTheFirstPage) {
  EXPECT_EQ(TokenSealer(kKey).OpenPage("", "b").value(), 0u);
  EXPECT_THAT(TokenSealer(kKey).OpenCursor(""), IsRefused());
}

TEST(SealedTokenTest, IsUrlSafe) {
  const TokenSealer sealer(kKey);
  for (uint64_t i = 0; i < 100; ++i) {
    const std::string token = sealer.SealCursor(i * 7919);
    EXPECT_EQ(token.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                      "0123456789_-"),
              std::string::npos);
    EXPECT_EQ(token.size(), 35u);
  }
}

TEST(SealedTokenTest, AnyOtherTextIsRefused) {
  const TokenSealer sealer(kKey);
  const std::string token = sealer.SealCursor(42);
  for (size_t i = 0; i < token.size(); ++i) {
    for (const char c : {'A', 'B', 'z', '_', '=', ' ', '\n', '!'}) {
      std::string altered = token;
      if (altered[i] == c) continue;
      altered[i] = c;
      EXPECT_THAT(sealer.OpenCursor(altered), IsRefused()) << altered;
    }
  }
  for (const std::string& text : {std::string("x"), token + "=", token + "A", token.substr(1),
                                  " " + token, std::string(10'000, 'A'), std::string("42")}) {
    EXPECT_THAT(sealer.OpenCursor(text), IsRefused()) << text.substr(0, 50);
  }
}

TEST(SealedTokenTest, IsOfOnePurposeOneBindingAndOneState) {
  const TokenSealer sealer(kKey);
  EXPECT_THAT(sealer.OpenCursor(sealer.SealPage(1, "")), IsRefused());
  EXPECT_THAT(sealer.OpenPage(sealer.SealCursor(1), ""), IsRefused());
  EXPECT_THAT(sealer.OpenPage(sealer.SealPage(1, "a"), "b"), IsRefused());
  const TokenSealer other(std::string(32, 'o'));
  EXPECT_THAT(other.OpenCursor(sealer.SealCursor(1)), IsRefused());
}

TEST(SealedTokenTest, NamesTheField) {
  const TokenSealer sealer(kKey);
  EXPECT_EQ(GetFieldViolations(sealer.OpenPage("x", "").status())[0].field, "page_token");
  EXPECT_EQ(GetFieldViolations(sealer.OpenCursor("x").status())[0].field, "cursor");
}

TEST(SealedTokenTest, KeysDiffer) {
  std::set<std::string> keys;
  for (int i = 0; i < 10; ++i) keys.insert(TokenSealer::NewKey());
  EXPECT_EQ(keys.size(), 10u);
  EXPECT_EQ(keys.begin()->size(), 32u);
}

}  // namespace
}  // namespace bits::rpc

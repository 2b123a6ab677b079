#include "server/receive/passwords.h"

#include <gtest/gtest.h>

#include "absl/strings/escaping.h"

namespace bits::receive {
namespace {

// openssl passwd -6 -salt saltsaltsalt 'open sesame'
constexpr char kSesame[] =
    "$6$saltsaltsalt$VQCHS9jZgaZl0Mz8sqN5nA3FDB2mZS2FVgYEe0e4sFYq/"
    "qRvjoS1fr5tPcf7bV5VL3IUbzNg9QpxpMaPXE2jT1";

TEST(Passwords, OnlyTheRightOneOfTheRightUser) {
  const std::vector<User> users = {{"ali", kSesame}, {"other", "$6$x$y"}};
  Passwords passwords;
  for (int i = 0; i < 3; ++i) {  // also once it is known
    EXPECT_TRUE(passwords.Check(users, {"ali", Secret("open sesame")}));
    EXPECT_FALSE(passwords.Check(users, {"ali", Secret("open sesam")}));
    EXPECT_FALSE(passwords.Check(users, {"ali", Secret("")}));
    EXPECT_FALSE(passwords.Check(users, {"other", Secret("open sesame")}));
    EXPECT_FALSE(passwords.Check(users, {"nobody", Secret("open sesame")}));
  }
}

TEST(Passwords, BasicIsParsed) {
  const auto parse = [](const std::string& text) {
    return ParseBasic("bAsIc " + std::string(absl::Base64Escape(text)));
  };
  EXPECT_EQ(parse("ali:open:sesame")->user, "ali");
  EXPECT_EQ(parse("ali:open:sesame")->password.Reveal(), "open:sesame");
  EXPECT_EQ(parse("ali:")->password.Reveal(), "");
  EXPECT_FALSE(parse("ali").has_value());
  EXPECT_FALSE(parse(std::string("ali:\0x", 6)).has_value());
  EXPECT_FALSE(ParseBasic("").has_value());
  EXPECT_FALSE(ParseBasic("Basic %%").has_value());
  EXPECT_FALSE(ParseBasic("Bearer YWxpOng=").has_value());
}

TEST(Passwords, HashesMustBeOfAKnownKind) {
  EXPECT_TRUE(IsPasswordHash(kSesame));
  EXPECT_FALSE(IsPasswordHash("sesame"));
  EXPECT_FALSE(IsPasswordHash("$99$salt$hash"));
  EXPECT_FALSE(IsPasswordHash("$6$saltsaltsalt$tooshort"));
  EXPECT_FALSE(IsPasswordHash(""));
}

}  // namespace
}  // namespace bits::receive

#include "server/rpc/locale.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace bits::rpc {
namespace {

using ::bits::testing::HasCode;
using ::bits::testing::HasReason;
using ::testing::AllOf;

TEST(LocaleTest, EnglishOfEveryKind) {
  for (const char* code :
       {"", "en", "EN", "en-GB", "en-Latn-US", "en-x-pirate", "en-US-u-ca-gregory"}) {
    const absl::StatusOr<domain::Language> language = LanguageFrom(code, "language_code");
    BITS_ASSERT_OK(language.status()) << code;
    EXPECT_EQ(*language, domain::Language::kEnglish) << code;
  }
}

TEST(LocaleTest, GermanOfEveryKind) {
  for (const char* code : {"de", "DE", "de-AT", "de-Latn-CH-1996"}) {
    const absl::StatusOr<domain::Language> language = LanguageFrom(code, "language_code");
    BITS_ASSERT_OK(language.status()) << code;
    EXPECT_EQ(*language, domain::Language::kGerman) << code;
  }
}

TEST(LocaleTest, OtherLanguagesAreNotThere) {
  for (const char* code : {"fr", "fr-CA", "zh-Hant-TW", "eng", "enx", "deu", "dea"}) {
    EXPECT_THAT(LanguageFrom(code, "language_code").status(),
                AllOf(HasCode(absl::StatusCode::kFailedPrecondition),
                      HasReason("ERROR_RESOURCE_LANG_NOT_FOUND")))
        << code;
  }
}

TEST(LocaleTest, MalformedCodes) {
  for (const char* code : {"e", "en_US", "en-", "-en", "en--US", "123", "e1", "en US", "äö",
                           "en-toolongsubtag", "englishlanguage", " en",
                           "en-aaaaaaaa-aaaaaaaa-aaaaaaaa-aaaaaaaa-aaaaaaaa-aaaaaaaa-aaaaaaaa"}) {
    EXPECT_THAT(LanguageFrom(code, "language_code").status(),
                AllOf(HasCode(absl::StatusCode::kInvalidArgument), HasReason("E_INVALIDARG")))
        << code;
  }
}

}  // namespace
}  // namespace bits::rpc

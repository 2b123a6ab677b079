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
    BITS_EXPECT_OK(CheckLanguage(code, "language_code")) << code;
  }
}

TEST(LocaleTest, OtherLanguagesAreNotThere) {
  for (const char* code : {"de", "de-AT", "zh-Hant-TW", "eng", "enx"}) {
    EXPECT_THAT(CheckLanguage(code, "language_code"),
                AllOf(HasCode(absl::StatusCode::kFailedPrecondition),
                      HasReason("ERROR_RESOURCE_LANG_NOT_FOUND")))
        << code;
  }
}

TEST(LocaleTest, MalformedCodes) {
  for (const char* code : {"e", "en_US", "en-", "-en", "en--US", "123", "e1", "en US", "äö",
                           "en-toolongsubtag", "englishlanguage", " en",
                           "en-aaaaaaaa-aaaaaaaa-aaaaaaaa-aaaaaaaa-aaaaaaaa-aaaaaaaa-aaaaaaaa"}) {
    EXPECT_THAT(CheckLanguage(code, "language_code"),
                AllOf(HasCode(absl::StatusCode::kInvalidArgument), HasReason("E_INVALIDARG")))
        << code;
  }
}

}  // namespace
}  // namespace bits::rpc

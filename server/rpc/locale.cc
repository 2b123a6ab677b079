#include "server/rpc/locale.h"

#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "server/base/error_info.h"
#include "server/base/strings.h"

namespace bits::rpc {
namespace {

constexpr size_t kLongestCode = 64;

bool IsAlpha(char c) { return absl::ascii_isalpha(static_cast<unsigned char>(c)); }
bool IsAlnum(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)); }

// The outer form of RFC 5646: subtags of 1 to 8 letters and digits, the first a language
// of 2 to 8 letters. Which subtags exist is not looked up.
bool IsWellFormed(std::string_view code) {
  if (code.size() > kLongestCode) return false;
  for (bool first = true;; first = false) {
    const size_t dash = code.find('-');
    const std::string_view subtag = code.substr(0, dash);
    if (subtag.empty() || subtag.size() > 8) return false;
    if (!std::all_of(subtag.begin(), subtag.end(), IsAlnum)) return false;
    if (first && (subtag.size() < 2 || !std::all_of(subtag.begin(), subtag.end(), IsAlpha))) {
      return false;
    }
    if (dash == std::string_view::npos) return true;
    code.remove_prefix(dash + 1);
  }
}

}  // namespace

absl::StatusOr<domain::Language> LanguageFrom(std::string_view code, std::string_view field) {
  if (code.empty()) return domain::Language::kEnglish;
  if (!IsWellFormed(code)) {
    return InvalidField(field, "must be a BCP 47 code, such as en or de-AT");
  }
  const std::string_view language = code.substr(0, code.find('-'));
  if (absl::EqualsIgnoreCase(Av(language), "en")) return domain::Language::kEnglish;
  if (absl::EqualsIgnoreCase(Av(language), "de")) return domain::Language::kGerman;
  return MakeRefusal(absl::StatusCode::kFailedPrecondition, "ERROR_RESOURCE_LANG_NOT_FOUND",
                     "there are no texts in the language " + std::string(code) + ", only in en and de",
                     {{"language_code", std::string(code)}});
}

}  // namespace bits::rpc

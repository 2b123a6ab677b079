#include "server/domain/error_code.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <iterator>

#include "absl/strings/str_format.h"
#include "server/domain/error_code_german.h"
#include "server/domain/error_code_table.h"

namespace bits::domain {
namespace {

constexpr std::string_view kHttpSymbolPrefix = "BG_E_HTTP_ERROR_";

constexpr bool Ascends() {
  for (size_t i = 1; i < std::size(kErrorCodes); ++i) {
    if (kErrorCodes[i - 1].hresult >= kErrorCodes[i].hresult) return false;
  }
  return true;
}

constexpr bool SymbolsDiffer() {
  for (size_t i = 1; i < std::size(kErrorCodes); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (kErrorCodes[i].symbol == kErrorCodes[j].symbol) return false;
    }
  }
  return true;
}

constexpr bool TextsAreSentences() {
  for (const ErrorCode& code : kErrorCodes) {
    if (code.symbol.empty() || code.text.empty() || code.text.back() != '.') return false;
  }
  return true;
}

constexpr bool EachIsTranslated() {
  if (std::size(kGermanTexts) != std::size(kErrorCodes)) return false;
  for (size_t i = 0; i < std::size(kErrorCodes); ++i) {
    const Translation& german = kGermanTexts[i];
    if (german.hresult != kErrorCodes[i].hresult || german.text.back() != '.') return false;
  }
  return true;
}

static_assert(EachIsTranslated(), "error_code_german.h has the rows of the table, in its order");
static_assert(Ascends(), "found by binary search; a code stands there once");
static_assert(SymbolsDiffer(), "a symbol means one code");
static_assert(TextsAreSentences());

const ErrorCode* Find(Hresult hresult) {
  const auto* it =
      std::lower_bound(std::begin(kErrorCodes), std::end(kErrorCodes), hresult,
                       [](const ErrorCode& code, Hresult value) { return code.hresult < value; });
  return it != std::end(kErrorCodes) && it->hresult == hresult ? it : nullptr;
}

bool IsHttp(Hresult hresult) {
  return hresult >= FromHttpStatus(100) && hresult <= FromHttpStatus(599);
}

std::string_view TextOf(const ErrorCode& code, Language language) {
  switch (language) {
    case Language::kGerman:
      return kGermanTexts[&code - std::begin(kErrorCodes)].text;
    case Language::kEnglish:
      break;
  }
  return code.text;
}

// Of the statuses that have no row of their own.
std::string_view HttpClassText(uint32_t status, Language language) {
  const bool german = language == Language::kGerman;
  switch (status / 100) {
    case 1:
      return german ? "Der Server hat eine vorläufige Antwort gegeben, wo eine endgültige fällig war"
                    : "the server sent a provisional answer where a final one was due";
    case 2:
      return german ? "Der Server hatte auf unerwartete Weise Erfolg"
                    : "the server succeeded in a way that was not expected";
    case 3:
      return german ? "Der Server leitet so um, dass dem nicht gefolgt wird"
                    : "the server redirects in a way that is not followed";
    case 4:
      return german ? "Der Server hat die Anfrage abgelehnt" : "the server refused the request";
    default:
      return german ? "Der Server hat versagt" : "the server failed";
  }
}

// The code that BITS keeps the context's text under.
Hresult MessageOf(ErrorContext context) {
  switch (context) {
    case ErrorContext::kNone:
      return 0x00200006;
    case ErrorContext::kUnknown:
      break;
    case ErrorContext::kGeneralQueueManager:
      return 0x80200008;
    case ErrorContext::kQueueManagerNotification:
      return 0x8020000C;
    case ErrorContext::kLocalFile:
      return 0x80200009;
    case ErrorContext::kRemoteFile:
      return 0x8020000A;
    case ErrorContext::kGeneralTransport:
      return 0x8020000B;
    case ErrorContext::kRemoteApplication:
      return 0x8020001E;
    case ErrorContext::kServerCertificateCallback:
      return 0x80200076;
  }
  return 0x80200007;
}

}  // namespace

std::span<const ErrorCode> AllErrorCodes() { return kErrorCodes; }

std::string SymbolOf(Hresult hresult) {
  if (const ErrorCode* code = Find(hresult)) return std::string(code->symbol);
  if (IsHttp(hresult)) {
    return absl::StrFormat("%s%d", kHttpSymbolPrefix, hresult - FromHttpStatus(0));
  }
  return absl::StrFormat("HRESULT_0x%08X", hresult);
}

std::optional<std::string> DescriptionOf(Hresult hresult, Language language) {
  if (const ErrorCode* code = Find(hresult)) return std::string(TextOf(*code, language));
  if (IsHttp(hresult)) {
    const uint32_t status = hresult - FromHttpStatus(0);
    return absl::StrFormat("HTTP %d: %s.", status, HttpClassText(status, language));
  }
  return std::nullopt;
}

std::optional<Hresult> CodeOf(std::string_view symbol) {
  if (symbol.starts_with(kHttpSymbolPrefix)) {
    const std::string_view digits = symbol.substr(kHttpSymbolPrefix.size());
    if (digits.size() != 3) return std::nullopt;
    uint32_t status = 0;
    for (char c : digits) {
      if (c < '0' || c > '9') return std::nullopt;
      status = status * 10 + static_cast<uint32_t>(c - '0');
    }
    const Hresult hresult = FromHttpStatus(status);
    return IsHttp(hresult) ? std::optional(hresult) : std::nullopt;
  }
  for (const ErrorCode& code : kErrorCodes) {
    if (code.symbol == symbol) return code.hresult;
  }
  return std::nullopt;
}

std::string_view ContextDescription(ErrorContext context, Language language) {
  const ErrorCode* code = Find(MessageOf(context));
  return code != nullptr ? TextOf(*code, language) : std::string_view();
}

Hresult FromErrno(int error_number) {
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
      return kDiskFull;
    case EROFS:
      return kWriteProtect;
    case EACCES:
    case EPERM:
    case ELOOP:
    case EXDEV:
    case EISDIR:  // what CreateFile says of a directory
      return kAccessDenied;
    case ENOENT:
      return FromWin32(2);  // ERROR_FILE_NOT_FOUND
    case ENOTDIR:
      return FromWin32(267);  // ERROR_DIRECTORY
    case EMFILE:
    case ENFILE:
      return FromWin32(4);  // ERROR_TOO_MANY_OPEN_FILES
    case ENOMEM:
      return FromWin32(14);  // E_OUTOFMEMORY
    case EBADF:
      return FromWin32(6);  // E_HANDLE
    case EBUSY:
    case ETXTBSY:
      return kSharingViolation;
    case EAGAIN:
      return FromWin32(33);  // ERROR_LOCK_VIOLATION
    case EEXIST:
      return FromWin32(183);  // ERROR_ALREADY_EXISTS
    case ENOTEMPTY:
      return FromWin32(145);  // ERROR_DIR_NOT_EMPTY
    case ENAMETOOLONG:
      return FromWin32(206);  // ERROR_FILENAME_EXCED_RANGE
    case EILSEQ:
      return FromWin32(123);  // ERROR_INVALID_NAME
    case EFBIG:
      return FromWin32(223);  // ERROR_FILE_TOO_LARGE
    case ESTALE:
      return FromWin32(1006);  // ERROR_FILE_INVALID
    case EINVAL:
      return kInvalidArgument;
    case EOPNOTSUPP:
    case ENOSYS:
      return FromWin32(50);  // ERROR_NOT_SUPPORTED
    case ETIMEDOUT:
      return FromWin32(1460);  // ERROR_TIMEOUT
    default:
      return kIoDevice;
  }
}

}  // namespace bits::domain

#include "server/platform/file_error.h"

#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "server/base/error_info.h"
#include "server/base/strings.h"
#include "server/domain/error_code.h"

namespace bits::platform {
namespace {

absl::StatusCode CodeFor(int error_number, domain::Hresult hresult) {
  if (error_number == ENOENT) return absl::StatusCode::kNotFound;
  if (hresult == domain::kAccessDenied) return absl::StatusCode::kPermissionDenied;
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return absl::StatusCode::kResourceExhausted;
    default:
      return absl::StatusCode::kFailedPrecondition;
  }
}

}  // namespace

absl::Status FileRefusal(absl::StatusCode code, domain::Hresult hresult, std::string_view message) {
  return MakeRefusal(code, domain::SymbolOf(hresult), message,
                     {{"hresult", absl::StrFormat("0x%08X", hresult)}});
}

absl::Status FileError(int error_number, std::string_view what, std::string_view path) {
  const domain::Hresult hresult = domain::FromErrno(error_number);
  return FileRefusal(CodeFor(error_number, hresult), hresult,
                     absl::StrCat("cannot ", Av(what), " ", Av(path), ": ",
                                  std::generic_category().message(error_number)));
}

}  // namespace bits::platform

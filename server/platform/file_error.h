// Failures of system calls on files, as the FileSystem port tells them.
#ifndef BITS_SERVER_PLATFORM_FILE_ERROR_H_
#define BITS_SERVER_PLATFORM_FILE_ERROR_H_

#include <string_view>

#include "absl/status/status.h"
#include "server/domain/error.h"

namespace bits::platform {

// NOT_FOUND, PERMISSION_DENIED, RESOURCE_EXHAUSTED or FAILED_PRECONDITION, with the code of
// domain::FromErrno. `what` was tried on `path`.
absl::Status FileError(int error_number, std::string_view what, std::string_view path);

// The same where the kernel did not refuse, but we do.
absl::Status FileRefusal(absl::StatusCode code, domain::Hresult hresult, std::string_view message);

}  // namespace bits::platform

#endif  // BITS_SERVER_PLATFORM_FILE_ERROR_H_

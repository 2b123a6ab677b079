// The HRESULTs that bitsd gives, their symbols and texts. Pure data; any thread.
#ifndef BITS_SERVER_DOMAIN_ERROR_CODE_H_
#define BITS_SERVER_DOMAIN_ERROR_CODE_H_

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "server/domain/error.h"
// Before what follows: GCC 12 takes JobResult::kOk, declared later, to shadow kOk.
#include "server/domain/job.h"
#include "server/domain/language.h"

namespace bits::domain {

// Codes that the code itself speaks of. The whole list is AllErrorCodes().
inline constexpr Hresult kSuccess = 0;                                 // S_OK
inline constexpr Hresult kSuccessPartialComplete = 0x00200017;         // BG_S_PARTIAL_COMPLETE
inline constexpr Hresult kSuccessUnableToDeleteFiles = 0x0020001A;     // BG_S_UNABLE_TO_DELETE_FILES
inline constexpr Hresult kNotFound = 0x80200001;                     // BG_E_NOT_FOUND
inline constexpr Hresult kInvalidState = 0x80200002;                 // BG_E_INVALID_STATE
inline constexpr Hresult kEmpty = 0x80200003;                        // BG_E_EMPTY
inline constexpr Hresult kErrorInformationUnavailable = 0x8020000F;  // BG_E_ERROR_INFORMATION_UNAVAILABLE
inline constexpr Hresult kMissingFileSize = 0x80200011;              // BG_E_MISSING_FILE_SIZE
inline constexpr Hresult kInsufficientRangeSupport = 0x80200013;     // BG_E_INSUFFICIENT_RANGE_SUPPORT
inline constexpr Hresult kLocalFileChanged = 0x8020001D;              // BG_E_LOCAL_FILE_CHANGED
inline constexpr Hresult kInvalidServerResponse = 0x8020001B;        // BG_E_INVALID_SERVER_RESPONSE
inline constexpr Hresult kInvalidRange = 0x8020002B;                 // BG_E_INVALID_RANGE
inline constexpr Hresult kOverlappingRanges = 0x8020002C;            // BG_E_OVERLAPPING_RANGES
inline constexpr Hresult kPending = 0x8000000A;                      // E_PENDING
inline constexpr Hresult kSessionNotFound = 0x8020001F;              // BG_E_SESSION_NOT_FOUND
inline constexpr Hresult kFileTooLarge = 0x80200020;                 // BG_E_TOO_LARGE
inline constexpr Hresult kFileNotFound = 0x80200029;                 // BG_E_FILE_NOT_FOUND
inline constexpr Hresult kBlockedByPolicy = 0x8020003E;              // BG_E_BLOCKED_BY_POLICY
inline constexpr Hresult kTooManyJobsPerUser = 0x80200049;           // BG_E_TOO_MANY_JOBS_PER_USER
inline constexpr Hresult kTooManyJobsPerMachine = 0x80200050;        // BG_E_TOO_MANY_JOBS_PER_MACHINE
inline constexpr Hresult kTooManyFilesInJob = 0x80200051;            // BG_E_TOO_MANY_FILES_IN_JOB
inline constexpr Hresult kTooManyRangesInFile = 0x80200052;          // BG_E_TOO_MANY_RANGES_IN_FILE
inline constexpr Hresult kValidationFailed = 0x80200053;             // BG_E_VALIDATION_FAILED
inline constexpr Hresult kMaxDownloadTimeout = 0x80200054;           // BG_E_MAXDOWNLOAD_TIMEOUT
inline constexpr Hresult kInvalidProxyInfo = 0x8020003F;             // BG_E_INVALID_PROXY_INFO
inline constexpr Hresult kInvalidCredentials = 0x80200040;           // BG_E_INVALID_CREDENTIALS
inline constexpr Hresult kMaxDownloadSizeReached = 0x80200064;       // BG_E_MAX_DOWNLOAD_SIZE_LIMIT_REACHED
inline constexpr Hresult kRemoteFileChanged = 0x80200073;            // BG_E_REMOTE_FILE_CHANGED
inline constexpr Hresult kNotImplemented = 0x80004001;               // E_NOTIMPL
inline constexpr Hresult kUnexpected = 0x8000FFFF;                   // E_UNEXPECTED
inline constexpr Hresult kAccessDenied = 0x80070005;                 // E_ACCESSDENIED
inline constexpr Hresult kInvalidArgument = 0x80070057;              // E_INVALIDARG
inline constexpr Hresult kDiskFull = 0x80070070;                     // ERROR_DISK_FULL
inline constexpr Hresult kWriteProtect = 0x80070013;                 // ERROR_WRITE_PROTECT
inline constexpr Hresult kSharingViolation = 0x80070020;             // ERROR_SHARING_VIOLATION
inline constexpr Hresult kTimeout = 0x800705B4;                      // ERROR_TIMEOUT
inline constexpr Hresult kIoDevice = 0x8007045D;                     // ERROR_IO_DEVICE
inline constexpr Hresult kConnectTimeout = 0x80072EE2;               // ERROR_WINHTTP_TIMEOUT
inline constexpr Hresult kInvalidUrl = 0x80072EE5;                   // ERROR_WINHTTP_INVALID_URL
inline constexpr Hresult kUnrecognizedScheme = 0x80072EE6;           // ERROR_WINHTTP_UNRECOGNIZED_SCHEME
inline constexpr Hresult kNameNotResolved = 0x80072EE7;              // ERROR_WINHTTP_NAME_NOT_RESOLVED
inline constexpr Hresult kCannotConnect = 0x80072EFD;                // ERROR_WINHTTP_CANNOT_CONNECT
inline constexpr Hresult kConnectionError = 0x80072EFE;              // ERROR_WINHTTP_CONNECTION_ERROR
inline constexpr Hresult kHttpsToHttpRedirect = 0x80072F08;          // ERROR_INTERNET_HTTPS_TO_HTTP_ON_REDIR
inline constexpr Hresult kInvalidHttpResponse = 0x80072F78;          // ERROR_WINHTTP_INVALID_SERVER_RESPONSE
inline constexpr Hresult kRedirectFailed = 0x80072F7C;               // ERROR_WINHTTP_REDIRECT_FAILED
inline constexpr Hresult kSecureFailure = 0x80072F8F;                // ERROR_WINHTTP_SECURE_FAILURE

// HRESULT_FROM_WIN32.
constexpr Hresult FromWin32(uint32_t win32) { return 0x80070000u | win32; }
// BG_E_HTTP_ERROR_nnn; `status` is 100 to 599.
constexpr Hresult FromHttpStatus(uint32_t status) { return 0x80190000u + status; }

struct ErrorCode {
  Hresult hresult;
  std::string_view symbol;
  std::string_view text;  // English
};

// All that have a name of their own, by ascending hresult.
std::span<const ErrorCode> AllErrorCodes();

// Its symbol. A code that has none gives "HRESULT_0x%08X"; HTTP statuses without a
// BITS name give BG_E_HTTP_ERROR_nnn all the same.
std::string SymbolOf(Hresult hresult);

// Its text; nullopt if the code is not known.
std::optional<std::string> DescriptionOf(Hresult hresult, Language language = Language::kEnglish);

// The code of a symbol; nullopt if there is none.
std::optional<Hresult> CodeOf(std::string_view symbol);

// The text of each context.
std::string_view ContextDescription(ErrorContext context, Language language = Language::kEnglish);

// The code for an errno of the local file system: ENOSPC and EDQUOT are
// ERROR_DISK_FULL, EROFS ERROR_WRITE_PROTECT,
// EACCES/EPERM/ELOOP/EXDEV E_ACCESSDENIED, ENOENT
// ERROR_FILE_NOT_FOUND, others as Windows would say; else ERROR_IO_DEVICE.
Hresult FromErrno(int error_number);

}  // namespace bits::domain

#endif  // BITS_SERVER_DOMAIN_ERROR_CODE_H_

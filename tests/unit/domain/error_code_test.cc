#include "server/domain/error_code.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>
#include <sstream>
#include <string>

namespace bits::domain {
namespace {

// bits.md 2.5, facility 0x20: the last two digits, and the symbol less BG_E_.
constexpr const char* kBits =
    "01 NOT_FOUND 02 INVALID_STATE 03 EMPTY 04 FILE_NOT_AVAILABLE 05 PROTOCOL_NOT_AVAILABLE "
    "07 ERROR_CONTEXT_UNKNOWN 08 ERROR_CONTEXT_GENERAL_QUEUE_MANAGER "
    "09 ERROR_CONTEXT_LOCAL_FILE 0A ERROR_CONTEXT_REMOTE_FILE "
    "0B ERROR_CONTEXT_GENERAL_TRANSPORT 0C ERROR_CONTEXT_QUEUE_MANAGER_NOTIFICATION "
    "0D DESTINATION_LOCKED 0E VOLUME_CHANGED 0F ERROR_INFORMATION_UNAVAILABLE "
    "10 NETWORK_DISCONNECTED 11 MISSING_FILE_SIZE 12 INSUFFICIENT_HTTP_SUPPORT "
    "13 INSUFFICIENT_RANGE_SUPPORT 14 REMOTE_NOT_SUPPORTED 15 NEW_OWNER_DIFF_MAPPING "
    "16 NEW_OWNER_NO_FILE_ACCESS 18 PROXY_LIST_TOO_LARGE 19 PROXY_BYPASS_LIST_TOO_LARGE "
    "1B INVALID_SERVER_RESPONSE 1C TOO_MANY_FILES 1D LOCAL_FILE_CHANGED "
    "1E ERROR_CONTEXT_REMOTE_APPLICATION 1F SESSION_NOT_FOUND 20 TOO_LARGE 21 STRING_TOO_LONG "
    "22 CLIENT_SERVER_PROTOCOL_MISMATCH 23 SERVER_EXECUTE_ENABLE 24 NO_PROGRESS "
    "25 USERNAME_TOO_LARGE 26 PASSWORD_TOO_LARGE 27 INVALID_AUTH_TARGET 28 INVALID_AUTH_SCHEME "
    "29 FILE_NOT_FOUND 2B INVALID_RANGE 2C OVERLAPPING_RANGES 2D CONNECT_FAILURE "
    "2E CONNECTION_CLOSED 3E BLOCKED_BY_POLICY 3F INVALID_PROXY_INFO 40 INVALID_CREDENTIALS "
    "41 INVALID_HASH_ALGORITHM 42 RECORD_DELETED 43 COMMIT_IN_PROGRESS 44 DISCOVERY_IN_PROGRESS "
    "45 UPNP_ERROR 46 TEST_OPTION_BLOCKED_DOWNLOAD 47 PEERCACHING_DISABLED 48 BUSYCACHERECORD "
    "49 TOO_MANY_JOBS_PER_USER 50 TOO_MANY_JOBS_PER_MACHINE 51 TOO_MANY_FILES_IN_JOB "
    "52 TOO_MANY_RANGES_IN_FILE 53 VALIDATION_FAILED 54 MAXDOWNLOAD_TIMEOUT 56 TOKEN_REQUIRED "
    "57 UNKNOWN_PROPERTY_ID 58 READ_ONLY_PROPERTY 59 BLOCKED_BY_COST_TRANSFER_POLICY "
    "60 PROPERTY_SUPPORTED_FOR_DOWNLOAD_JOBS_ONLY 61 READ_ONLY_PROPERTY_AFTER_ADDFILE "
    "62 READ_ONLY_PROPERTY_AFTER_RESUME 63 MAX_DOWNLOAD_SIZE_INVALID_VALUE "
    "64 MAX_DOWNLOAD_SIZE_LIMIT_REACHED 65 STANDBY_MODE 66 USE_STORED_CREDENTIALS_NOT_SUPPORTED "
    "67 BLOCKED_BY_BATTERY_POLICY 68 BLOCKED_BY_BATTERY_SAVER 69 WATCHDOG_TIMEOUT "
    "6A APP_PACKAGE_NOT_FOUND 6B APP_PACKAGE_SCENARIO_NOT_SUPPORTED 6C DATABASE_CORRUPT "
    "6D RANDOM_ACCESS_NOT_SUPPORTED 6E BLOCKED_BY_BACKGROUND_ACCESS_POLICY "
    "6F BLOCKED_BY_GAME_MODE 70 BLOCKED_BY_SYSTEM_POLICY 71 NOT_SUPPORTED_WITH_CUSTOM_HTTP_METHOD "
    "72 UNSUPPORTED_JOB_CONFIGURATION 73 REMOTE_FILE_CHANGED "
    "74 SERVER_CERT_VALIDATION_INTERFACE_REQUIRED 75 READ_ONLY_WHEN_JOB_ACTIVE "
    "76 ERROR_CONTEXT_SERVER_CERTIFICATE_CALLBACK";

TEST(ErrorCode, KnowsEveryCodeOfBits) {
  std::istringstream in(kBits);
  std::string digits, name;
  size_t count = 0;
  while (in >> digits >> name) {
    const Hresult hresult = 0x80200000u + static_cast<Hresult>(std::stoul(digits, nullptr, 16));
    EXPECT_EQ(SymbolOf(hresult), "BG_E_" + name);
    EXPECT_EQ(CodeOf("BG_E_" + name), hresult) << name;
    EXPECT_TRUE(DescriptionOf(hresult).has_value()) << name;
    ++count;
  }
  size_t known = 0;
  for (const ErrorCode& code : AllErrorCodes()) {
    known += (code.hresult & 0xFFFF0000u) == 0x80200000u ? 1u : 0u;
  }
  EXPECT_EQ(count, known) << "none but those";
}

TEST(ErrorCode, KnowsTheOthersByTheirWindowsValues) {
  const struct {
    Hresult hresult;
    const char* symbol;
  } kCases[] = {
      {0x00000000, "S_OK"},
      {0x00000001, "S_FALSE"},
      {0x00200006, "BG_S_ERROR_CONTEXT_NONE"},
      {0x00200017, "BG_S_PARTIAL_COMPLETE"},
      {0x0020001A, "BG_S_UNABLE_TO_DELETE_FILES"},
      {0x0020002A, "BG_S_PROXY_CHANGED"},
      {0x00200055, "BG_S_OVERRIDDEN_BY_POLICY"},
      {0x80004001, "E_NOTIMPL"},
      {0x8000000A, "E_PENDING"},
      {0x8000FFFF, "E_UNEXPECTED"},
      {0x80070002, "ERROR_FILE_NOT_FOUND"},
      {0x80070003, "ERROR_PATH_NOT_FOUND"},
      {0x80070004, "ERROR_TOO_MANY_OPEN_FILES"},
      {0x80070005, "E_ACCESSDENIED"},
      {0x8007000E, "E_OUTOFMEMORY"},
      {0x80070020, "ERROR_SHARING_VIOLATION"},
      {0x80070057, "E_INVALIDARG"},
      {0x80070070, "ERROR_DISK_FULL"},
      {0x800700B7, "ERROR_ALREADY_EXISTS"},
      {0x800700CE, "ERROR_FILENAME_EXCED_RANGE"},
      {0x8007010B, "ERROR_DIRECTORY"},
      {0x8007013D, "ERROR_MR_MID_NOT_FOUND"},
      {0x800703EB, "ERROR_CAN_NOT_COMPLETE"},
      {0x8007045D, "ERROR_IO_DEVICE"},
      {0x800704DD, "ERROR_NOT_LOGGED_ON"},
      {0x80070717, "ERROR_RESOURCE_LANG_NOT_FOUND"},
      {0x80072EE2, "ERROR_WINHTTP_TIMEOUT"},
      {0x80072EE5, "ERROR_WINHTTP_INVALID_URL"},
      {0x80072EE6, "ERROR_WINHTTP_UNRECOGNIZED_SCHEME"},
      {0x80072EE7, "ERROR_WINHTTP_NAME_NOT_RESOLVED"},
      {0x80072EFD, "ERROR_WINHTTP_CANNOT_CONNECT"},
      {0x80072EFE, "ERROR_WINHTTP_CONNECTION_ERROR"},
      {0x80072F08, "ERROR_INTERNET_HTTPS_TO_HTTP_ON_REDIR"},
      {0x80072F78, "ERROR_WINHTTP_INVALID_SERVER_RESPONSE"},
      {0x80072F7C, "ERROR_WINHTTP_REDIRECT_FAILED"},
      {0x80072F8F, "ERROR_WINHTTP_SECURE_FAILURE"},
      {0x80194000, "BITS_MC_JOB_CANCELLED"},
      {0x80194005, "BITS_MC_JOB_SCAVENGED"},
      {0x8019400B, "BITS_MC_WSD_PORT"},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(SymbolOf(c.hresult), c.symbol);
    EXPECT_EQ(CodeOf(c.symbol), c.hresult) << c.symbol;
    EXPECT_TRUE(DescriptionOf(c.hresult).has_value()) << c.symbol;
  }
}

// error_code.h says of each in a comment which symbol it is.
TEST(ErrorCode, ConstantsAreWhatTheirCommentsSay) {
  EXPECT_EQ(SymbolOf(kSuccessPartialComplete), "BG_S_PARTIAL_COMPLETE");
  EXPECT_EQ(SymbolOf(kSuccessUnableToDeleteFiles), "BG_S_UNABLE_TO_DELETE_FILES");
  EXPECT_EQ(SymbolOf(kNotFound), "BG_E_NOT_FOUND");
  EXPECT_EQ(SymbolOf(kInvalidState), "BG_E_INVALID_STATE");
  EXPECT_EQ(SymbolOf(kEmpty), "BG_E_EMPTY");
  EXPECT_EQ(SymbolOf(kErrorInformationUnavailable), "BG_E_ERROR_INFORMATION_UNAVAILABLE");
  EXPECT_EQ(SymbolOf(kMissingFileSize), "BG_E_MISSING_FILE_SIZE");
  EXPECT_EQ(SymbolOf(kInsufficientRangeSupport), "BG_E_INSUFFICIENT_RANGE_SUPPORT");
  EXPECT_EQ(SymbolOf(kInvalidServerResponse), "BG_E_INVALID_SERVER_RESPONSE");
  EXPECT_EQ(SymbolOf(kFileNotFound), "BG_E_FILE_NOT_FOUND");
  EXPECT_EQ(SymbolOf(kValidationFailed), "BG_E_VALIDATION_FAILED");
  EXPECT_EQ(SymbolOf(kMaxDownloadTimeout), "BG_E_MAXDOWNLOAD_TIMEOUT");
  EXPECT_EQ(SymbolOf(kRemoteFileChanged), "BG_E_REMOTE_FILE_CHANGED");
  EXPECT_EQ(SymbolOf(kNotImplemented), "E_NOTIMPL");
  EXPECT_EQ(SymbolOf(kUnexpected), "E_UNEXPECTED");
  EXPECT_EQ(SymbolOf(kAccessDenied), "E_ACCESSDENIED");
  EXPECT_EQ(SymbolOf(kInvalidArgument), "E_INVALIDARG");
  EXPECT_EQ(SymbolOf(kDiskFull), "ERROR_DISK_FULL");
  EXPECT_EQ(SymbolOf(kSharingViolation), "ERROR_SHARING_VIOLATION");
  EXPECT_EQ(SymbolOf(kIoDevice), "ERROR_IO_DEVICE");
  EXPECT_EQ(SymbolOf(kConnectTimeout), "ERROR_WINHTTP_TIMEOUT");
  EXPECT_EQ(SymbolOf(kInvalidUrl), "ERROR_WINHTTP_INVALID_URL");
  EXPECT_EQ(SymbolOf(kUnrecognizedScheme), "ERROR_WINHTTP_UNRECOGNIZED_SCHEME");
  EXPECT_EQ(SymbolOf(kNameNotResolved), "ERROR_WINHTTP_NAME_NOT_RESOLVED");
  EXPECT_EQ(SymbolOf(kCannotConnect), "ERROR_WINHTTP_CANNOT_CONNECT");
  EXPECT_EQ(SymbolOf(kConnectionError), "ERROR_WINHTTP_CONNECTION_ERROR");
  EXPECT_EQ(SymbolOf(kHttpsToHttpRedirect), "ERROR_INTERNET_HTTPS_TO_HTTP_ON_REDIR");
  EXPECT_EQ(SymbolOf(kInvalidHttpResponse), "ERROR_WINHTTP_INVALID_SERVER_RESPONSE");
  EXPECT_EQ(SymbolOf(kRedirectFailed), "ERROR_WINHTTP_REDIRECT_FAILED");
  EXPECT_EQ(SymbolOf(kSecureFailure), "ERROR_WINHTTP_SECURE_FAILURE");
}

TEST(ErrorCode, EveryHttpStatusHasASymbolAndAText) {
  for (uint32_t status = 100; status <= 599; ++status) {
    const Hresult hresult = FromHttpStatus(status);
    const std::string symbol = "BG_E_HTTP_ERROR_" + std::to_string(status);
    EXPECT_EQ(SymbolOf(hresult), symbol);
    EXPECT_EQ(CodeOf(symbol), hresult);
    const std::optional<std::string> text = DescriptionOf(hresult);
    ASSERT_TRUE(text.has_value()) << status;
    EXPECT_EQ(text->find("HTTP " + std::to_string(status) + ": "), 0u) << *text;
    EXPECT_EQ(text->back(), '.');
  }
  EXPECT_EQ(FromHttpStatus(404), 0x80190194u);
  EXPECT_EQ(FromHttpStatus(403), 0x80190193u);
  EXPECT_EQ(FromHttpStatus(503), 0x801901F7u);
  // Those that bitsmsg.h names are in the list too.
  std::set<uint32_t> named;
  for (const ErrorCode& code : AllErrorCodes()) {
    if (code.symbol.starts_with("BG_E_HTTP_ERROR_")) named.insert(code.hresult - 0x80190000u);
  }
  std::set<uint32_t> expected = {100, 101, 307, 449};
  const std::pair<uint32_t, uint32_t> kRanges[] = {{200, 206}, {300, 305}, {400, 417}, {500, 505}};
  for (const auto& [first, last] : kRanges) {
    for (uint32_t status = first; status <= last; ++status) expected.insert(status);
  }
  EXPECT_EQ(named, expected);
}

TEST(ErrorCode, UnknownOnes) {
  EXPECT_EQ(SymbolOf(0x8020004A), "HRESULT_0x8020004A") << "49 is followed by 50";
  EXPECT_EQ(SymbolOf(0x8020005A), "HRESULT_0x8020005A") << "59 is followed by 60";
  EXPECT_EQ(SymbolOf(0xDEADBEEF), "HRESULT_0xDEADBEEF");
  EXPECT_EQ(SymbolOf(0x2), "HRESULT_0x00000002");
  EXPECT_EQ(SymbolOf(FromHttpStatus(99)), "HRESULT_0x80190063");
  EXPECT_EQ(SymbolOf(FromHttpStatus(600)), "HRESULT_0x80190258");
  EXPECT_FALSE(DescriptionOf(0x8020004A).has_value());
  EXPECT_FALSE(DescriptionOf(FromHttpStatus(600)).has_value());
  for (const char* symbol : {"", "BG_E_", "bg_e_not_found", "BG_E_NOT_FOUND ", "BG_E_HTTP_ERROR_",
                             "BG_E_HTTP_ERROR_99", "BG_E_HTTP_ERROR_600", "BG_E_HTTP_ERROR_0404",
                             "BG_E_HTTP_ERROR_4o4", "BG_E_HTTP_ERROR_-04", "HRESULT_0xDEADBEEF"}) {
    EXPECT_FALSE(CodeOf(symbol).has_value()) << symbol;
  }
}

TEST(ErrorCode, TextsAreOneSentenceEach) {
  std::set<std::string_view> texts;
  for (const ErrorCode& code : AllErrorCodes()) {
    EXPECT_EQ(DescriptionOf(code.hresult), code.text);
    EXPECT_LE(code.text.size(), 120u) << code.symbol;
    EXPECT_EQ(code.text.find('\n'), std::string_view::npos);
    EXPECT_EQ(code.text.find(". "), std::string_view::npos) << code.text;
    EXPECT_TRUE(texts.insert(code.text).second) << "said twice: " << code.text;
  }
}

TEST(ErrorCode, EachContextHasATextThatItsMessageShares) {
  const std::pair<ErrorContext, const char*> kMessages[] = {
      {ErrorContext::kNone, "BG_S_ERROR_CONTEXT_NONE"},
      {ErrorContext::kUnknown, "BG_E_ERROR_CONTEXT_UNKNOWN"},
      {ErrorContext::kGeneralQueueManager, "BG_E_ERROR_CONTEXT_GENERAL_QUEUE_MANAGER"},
      {ErrorContext::kQueueManagerNotification, "BG_E_ERROR_CONTEXT_QUEUE_MANAGER_NOTIFICATION"},
      {ErrorContext::kLocalFile, "BG_E_ERROR_CONTEXT_LOCAL_FILE"},
      {ErrorContext::kRemoteFile, "BG_E_ERROR_CONTEXT_REMOTE_FILE"},
      {ErrorContext::kGeneralTransport, "BG_E_ERROR_CONTEXT_GENERAL_TRANSPORT"},
      {ErrorContext::kRemoteApplication, "BG_E_ERROR_CONTEXT_REMOTE_APPLICATION"},
      {ErrorContext::kServerCertificateCallback, "BG_E_ERROR_CONTEXT_SERVER_CERTIFICATE_CALLBACK"},
  };
  std::set<std::string_view> texts;
  int number = 0;
  for (const auto& [context, symbol] : kMessages) {
    EXPECT_EQ(static_cast<int>(context), number++) << "BITS's numbers";
    EXPECT_EQ(ContextDescription(context), DescriptionOf(*CodeOf(symbol)));
    texts.insert(ContextDescription(context));
  }
  EXPECT_EQ(texts.size(), std::size(kMessages));
  EXPECT_EQ(ContextDescription(static_cast<ErrorContext>(99)),
            ContextDescription(ErrorContext::kUnknown));
}

TEST(ErrorCode, FromErrno) {
  const std::pair<int, const char*> kCases[] = {
      {ENOSPC, "ERROR_DISK_FULL"},
      {EDQUOT, "ERROR_DISK_FULL"},
      {EACCES, "E_ACCESSDENIED"},
      {EPERM, "E_ACCESSDENIED"},
      {EROFS, "ERROR_WRITE_PROTECT"},
      {ELOOP, "E_ACCESSDENIED"},
      {EXDEV, "E_ACCESSDENIED"},
      {EISDIR, "E_ACCESSDENIED"},
      {ENOENT, "ERROR_FILE_NOT_FOUND"},
      {ENOTDIR, "ERROR_DIRECTORY"},
      {EMFILE, "ERROR_TOO_MANY_OPEN_FILES"},
      {ENFILE, "ERROR_TOO_MANY_OPEN_FILES"},
      {ENOMEM, "E_OUTOFMEMORY"},
      {EBADF, "E_HANDLE"},
      {EBUSY, "ERROR_SHARING_VIOLATION"},
      {ETXTBSY, "ERROR_SHARING_VIOLATION"},
      {EAGAIN, "ERROR_LOCK_VIOLATION"},
      {EEXIST, "ERROR_ALREADY_EXISTS"},
      {ENOTEMPTY, "ERROR_DIR_NOT_EMPTY"},
      {ENAMETOOLONG, "ERROR_FILENAME_EXCED_RANGE"},
      {EILSEQ, "ERROR_INVALID_NAME"},
      {EFBIG, "ERROR_FILE_TOO_LARGE"},
      {ESTALE, "ERROR_FILE_INVALID"},
      {EINVAL, "E_INVALIDARG"},
      {EOPNOTSUPP, "ERROR_NOT_SUPPORTED"},
      {ENOSYS, "ERROR_NOT_SUPPORTED"},
      {ETIMEDOUT, "ERROR_TIMEOUT"},
      {EIO, "ERROR_IO_DEVICE"},
      {0, "ERROR_IO_DEVICE"},
      {99999, "ERROR_IO_DEVICE"},
  };
  for (const auto& [number, symbol] : kCases) {
    EXPECT_EQ(SymbolOf(FromErrno(number)), symbol) << number;
  }
}

TEST(ErrorCode, EveryCodeAndContextHasAGermanTextOfItsOwn) {
  for (const ErrorCode& code : AllErrorCodes()) {
    const std::optional<std::string> german = DescriptionOf(code.hresult, Language::kGerman);
    ASSERT_TRUE(german.has_value()) << code.symbol;
    EXPECT_NE(*german, code.text) << code.symbol;
  }
  EXPECT_EQ(DescriptionOf(FromHttpStatus(404), Language::kGerman),
            "HTTP 404: Der Server hat keine solche Datei.");
  EXPECT_EQ(DescriptionOf(FromHttpStatus(418), Language::kGerman),
            "HTTP 418: Der Server hat die Anfrage abgelehnt.");
  EXPECT_EQ(DescriptionOf(0x8020004A, Language::kGerman), std::nullopt);
  EXPECT_EQ(ContextDescription(ErrorContext::kLocalFile, Language::kGerman),
            "Der Fehler ist bei der Arbeit an der lokalen Datei aufgetreten.");
}

}  // namespace
}  // namespace bits::domain

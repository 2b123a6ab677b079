// What went wrong: BITS's error context and IBackgroundCopyError as values.
#ifndef BITS_SERVER_DOMAIN_ERROR_H_
#define BITS_SERVER_DOMAIN_ERROR_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/time/time.h"

namespace bits::domain {

// A 32-bit HRESULT. See error_code.h for those that bitsd knows.
using Hresult = uint32_t;

// BG_ERROR_CONTEXT; the numbers are BITS's.
enum class ErrorContext : uint8_t {
  kNone = 0,
  kUnknown = 1,
  kGeneralQueueManager = 2,
  kQueueManagerNotification = 3,
  kLocalFile = 4,
  kRemoteFile = 5,
  kGeneralTransport = 6,
  kRemoteApplication = 7,
  kServerCertificateCallback = 8,
};

// Whether the attempt reached the host of the remote name.
enum class Contact : uint8_t {
  kNone = 0,    // it was not tried, or that is not known
  kFailed = 1,  // no connection to it came about
  kMade = 2,    // it was there
};

// Why one attempt at a file failed, as whoever made the attempt saw it.
struct Failure {
  Hresult hresult = 0;
  ErrorContext context = ErrorContext::kUnknown;
  // What the origin answered with; 0 where it gave no status.
  uint32_t http_status = 0;
  Contact contact = Contact::kNone;
  // What the origin asked for by Retry-After. Bounded by domain/retry.h before use.
  std::optional<absl::Duration> retry_after;
  // What a person should know beyond the code's own text; no secrets, no query strings.
  std::string detail;
  // Of the answer, as in File; empty: there was none.
  std::string response_headers = {};
  // Where a redirect led that is to be reported: the file's remote name from now on.
  std::string final_name = {};
  // It was the file's checksum file (Checksum::uri) that could not be had, or used: no source of the
  // file's, and nothing of its host.
  bool of_sidecar = false;
};

// The error that a job keeps. Made by Decide() alone.
struct Error {
  Hresult hresult = 0;
  ErrorContext context = ErrorContext::kNone;
  std::string detail;
  // The file's ordinal; 0 where no file is concerned (BG_E_FILE_NOT_AVAILABLE).
  uint32_t file = 0;
  // Already redacted. Empty where no file is concerned.
  std::string remote_name;
  std::string local_name;
  // "http", "https", "file", or empty (BG_E_PROTOCOL_NOT_AVAILABLE).
  std::string protocol;
  uint32_t http_status = 0;
  bool transient = false;
  // Which attempt of the job failed, from 1.
  uint32_t attempt = 0;
  absl::Time occur_time;
  std::optional<absl::Time> retry_time;

  bool operator==(const Error&) const = default;
};

// Of a job's errors the first kErrorsKeptFirst and the last kErrorsKeptLast are kept.
inline constexpr uint32_t kErrorsKeptFirst = 10;
inline constexpr uint32_t kErrorsKeptLast = 90;

}  // namespace bits::domain

#endif  // BITS_SERVER_DOMAIN_ERROR_H_

// What went wrong, and what to do about it, in words for people. Pure.
#ifndef BITS_CLIENT_CLI_ERROR_TEXT_H_
#define BITS_CLIENT_CLI_ERROR_TEXT_H_

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <cstdint>
#include <string>

#include "bits/v1/error.pb.h"

namespace bits::cli {

// "0x80190194".
std::string HresultText(std::uint32_t hresult);

// Two to six lines: code, description, context, file, HTTP status, times.
std::string ErrorDetails(const v1::Error& error, absl::TimeZone zone);

// "BG_E_HTTP_ERROR_404 (0x80190194): description", on one line.
std::string ErrorSummary(const v1::Error& error);

// What the owner of the job can do: a line or two of advice, then commands. Of a transient
// error: that it is retried, and how to do so now.
// `bitsctl` is how this program was called, `job` how to name the job.
std::string ErrorAdvice(const v1::Error& error, const std::string& bitsctl, const std::string& job);

// Why a call came to nothing, for the user: the server's words with reason and code,
// the fields that are wrong, or that no bitsd answers at `address`.
std::string FailureText(const absl::Status& status, const std::string& address);

}  // namespace bits::cli

#endif  // BITS_CLIENT_CLI_ERROR_TEXT_H_

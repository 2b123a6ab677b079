#include "server/domain/retry.h"

#include <algorithm>
#include <cmath>

#include "server/base/error_info.h"
#include "server/domain/error_code.h"

namespace bits::domain {
namespace {

// What passes without anybody doing anything, statuses of HTTP apart.
bool IsTransientCode(Hresult hresult) {
  switch (hresult) {
    // The origin, the way there, or the network as a whole.
    case kConnectTimeout:
    case kNameNotResolved:
    case kCannotConnect:
    case kConnectionError:
    case kInvalidHttpResponse:
    case 0x8020002D:        // BG_E_CONNECT_FAILURE
    case 0x8020002E:        // BG_E_CONNECTION_CLOSED
    case 0x80200010:        // BG_E_NETWORK_DISCONNECTED
    case FromWin32(1003):   // ERROR_CAN_NOT_COMPLETE
    case FromWin32(1225):   // ERROR_CONNECTION_REFUSED
    case FromWin32(1231):   // ERROR_NETWORK_UNREACHABLE
    case FromWin32(1232):   // ERROR_HOST_UNREACHABLE
    case FromWin32(1236):   // ERROR_CONNECTION_ABORTED
    case FromWin32(12031):  // ERROR_INTERNET_CONNECTION_RESET
    case FromWin32(12163):  // ERROR_INTERNET_DISCONNECTED
    case FromWin32(12164):  // ERROR_INTERNET_SERVER_UNREACHABLE
    case FromWin32(12165):  // ERROR_INTERNET_PROXY_SERVER_UNREACHABLE
    // Policies that hold for a while, and a locked disk.
    case 0x8020000D:  // BG_E_DESTINATION_LOCKED
    case kBlockedByPolicy:
    case 0x80200059:  // BG_E_BLOCKED_BY_COST_TRANSFER_POLICY
    case 0x80200065:  // BG_E_STANDBY_MODE
    case 0x80200067:  // BG_E_BLOCKED_BY_BATTERY_POLICY
    case 0x80200068:  // BG_E_BLOCKED_BY_BATTERY_SAVER
    case 0x8020006E:  // BG_E_BLOCKED_BY_BACKGROUND_ACCESS_POLICY
    case 0x8020006F:  // BG_E_BLOCKED_BY_GAME_MODE
    case 0x80200070:  // BG_E_BLOCKED_BY_SYSTEM_POLICY
    // The server's own shortage, no fault of the job.
    case FromWin32(4):      // ERROR_TOO_MANY_OPEN_FILES
    case FromWin32(14):     // E_OUTOFMEMORY
    case FromWin32(1450):   // ERROR_NO_SYSTEM_RESOURCES
    case FromWin32(12001):  // ERROR_WINHTTP_OUT_OF_HANDLES
      return true;
    default:
      return false;
  }
}

absl::Duration LeastDelay(const Job& job) {
  return std::max(job.minimum_retry_delay, kLeastRetryDelay);
}

// 0 to 1, without 1: by SplitMix64 over FNV-1a. Not to be secret, only to differ.
double Fraction(const Job& job) {
  uint64_t hash = 0xCBF29CE484222325;
  for (const char c : job.id) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3;
  hash += (uint64_t{job.attempt_count} + 1) * 0x9E3779B97F4A7C15;
  hash = (hash ^ (hash >> 30)) * 0xBF58476D1CE4E5B9;
  hash = (hash ^ (hash >> 27)) * 0x94D049BB133111EB;
  hash ^= hash >> 31;
  return static_cast<double>(hash >> 11) / 9007199254740992.0;  // 2^53
}

}  // namespace

absl::Duration RetryDelay(const Job& job) {
  const absl::Duration least = LeastDelay(job);
  if (job.retry.maximum_delay <= least) return least;
  // Beyond all bounds it is infinite, and the maximum holds.
  const double grown = std::pow(job.retry.multiplier, uint64_t{job.retry_count} + 1);
  const absl::Duration most = std::min(least * grown, job.retry.maximum_delay);
  return least + absl::Floor((most - least) * Fraction(job), absl::Milliseconds(1));
}

absl::Status CheckRetryOptions(const RetryOptions& options, absl::Duration minimum_retry_delay) {
  if (options.maximum_delay == absl::ZeroDuration() ||
      options.maximum_delay >= std::max(minimum_retry_delay, kLeastRetryDelay)) {
    return absl::OkStatus();
  }
  return InvalidField("job.retry_options.maximum_retry_delay",
                      "must be at least minimum_retry_delay");
}

bool IsTransientHttpStatus(uint32_t status) {
  if ((status >= 300 && status <= 305) || status == 307 || status == 308) return false;
  if (status >= 400 && status <= 499) {
    return status == 408 || status == 409 || status == 425 || status == 429;
  }
  return status != 501 && status != 505;
}

bool IsTransient(const Failure& failure) {
  if (failure.context == ErrorContext::kServerCertificateCallback) return true;
  if (failure.hresult >= FromHttpStatus(100) && failure.hresult <= FromHttpStatus(599)) {
    return IsTransientHttpStatus(failure.hresult - FromHttpStatus(0));
  }
  return IsTransientCode(failure.hresult);
}

absl::Time RetryTime(const Job& job, const Failure& failure, absl::Time now) {
  absl::Duration delay = RetryDelay(job);
  if (failure.retry_after.has_value()) {
    delay = std::max(delay, std::min(*failure.retry_after, kLongestRetryAfter));
  }
  return now + delay;
}

bool MayRetry(const Job& job, const Failure& failure, absl::Time now, bool another) {
  // What it asks for may not be asked for twice.
  if (HasCustomMethod(job.http)) return false;
  if (!another && !IsTransient(failure)) return false;
  if (failure.hresult == kBlockedByPolicy) return true;  // whatever the job says of its own errors
  const absl::Duration timeout = job.no_progress_timeout;
  if (timeout <= absl::ZeroDuration() || LeastDelay(job) > timeout) return false;
  return !job.stalled_since.has_value() || now - *job.stalled_since < timeout;
}

}  // namespace bits::domain

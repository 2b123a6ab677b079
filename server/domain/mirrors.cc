#include "server/domain/mirrors.h"

#include "server/domain/error_code.h"
#include "server/domain/job.h"
#include "server/domain/retry.h"

namespace bits::domain {
namespace {

constexpr uint32_t BitOf(uint32_t source) { return uint32_t{1} << source; }

}  // namespace

const std::string& SourceName(const File& file, uint32_t source) {
  const std::vector<std::string>& names = file.mirrors.names;
  return source == 0 || source > names.size() ? file.remote_name : names[source - 1];
}

const std::string& SourceName(const File& file) { return SourceName(file, file.mirrors.source); }

bool AnotherSourceMayMend(const Failure& failure) {
  if (failure.of_sidecar) return false;
  switch (failure.hresult) {
    case kValidationFailed:
      return true;
    case kMaxDownloadSizeReached:
    case kInvalidProxyInfo:
    case kBlockedByPolicy:
      return false;
    default:
      return failure.context == ErrorContext::kRemoteFile ||
             failure.context == ErrorContext::kServerCertificateCallback;
  }
}

std::optional<uint32_t> NextSource(const Mirrors& mirrors, uint32_t source) {
  const auto count = static_cast<uint32_t>(mirrors.names.size() + 1);
  for (uint32_t step = 1; step < count; ++step) {
    const uint32_t next = (source + step) % count;
    if ((mirrors.failed & BitOf(next)) == 0) return next;
  }
  return std::nullopt;
}

std::optional<uint32_t> SourceAfter(const Job& job, const File& file, uint32_t failed,
                                    const Failure& failure) {
  if (file.mirrors.names.empty() || !AnotherSourceMayMend(failure)) return std::nullopt;
  const bool from_it = file.bytes_transferred > 0 && file.validators.source == failed &&
                       (file.bytes_transferred >= kWorthKeeping || file.restarts > 0);
  const bool joinable = MayJoinSources(file) && file.bytes_total.has_value();
  const bool first = !job.stalled_since.has_value();
  if (from_it && !joinable && first && IsTransient(failure)) return std::nullopt;
  if (failure.hresult == kValidationFailed && file.validators.joined) return failed;
  return NextSource(file.mirrors, failed);
}

bool AllFailed(const Mirrors& mirrors, uint32_t failed) {
  const uint32_t all = BitOf(static_cast<uint32_t>(mirrors.names.size() + 1)) - 1;
  return (mirrors.failed | BitOf(failed)) == all;
}

void TurnTo(Mirrors& mirrors, uint32_t next, uint32_t failed, bool transient) {
  mirrors.source = next;
  if (next == failed) return;
  mirrors.failed |= BitOf(failed);
  mirrors.transient = mirrors.transient || transient;
}

void BeginRound(File& file) {
  file.mirrors.failed = 0;
  file.mirrors.transient = false;
  file.mirrors.source = file.bytes_transferred > 0 ? file.validators.source : 0;
}

bool MayAnotherBeRetried(const File& file, const Failure& failure) {
  return file.mirrors.transient && AnotherSourceMayMend(failure);
}

bool MayJoinSources(const File& file) { return file.checksum.has_value() && file.ranges.empty(); }

}  // namespace bits::domain

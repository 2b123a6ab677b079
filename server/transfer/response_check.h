// What a response is good for: the rules that keep bytes of two versions of a file apart. Pure.
#ifndef BITS_SERVER_TRANSFER_RESPONSE_CHECK_H_
#define BITS_SERVER_TRANSFER_RESPONSE_CHECK_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "server/app/ports/transfer_engine.h"
#include "server/domain/error.h"
#include "server/domain/job.h"
#include "server/transfer/response_head.h"

namespace bits::transfer {

// Whether anything proves which version the bytes are of: a strong ETag, or a Last-Modified.
bool ProvesVersion(const domain::Validators& validators);
// What If-Range says: a strong ETag, else the Last-Modified; empty if neither proves anything.
std::string IfRangeValue(const domain::Validators& validators);

enum class VersionMatch : uint8_t { kSame, kDifferent, kUnproven };
// What is known of the version that is here, against what a response says of its own. Any of ETag,
// Last-Modified and total that both name and that differs proves another version. The same
// version is proven by the strong ETag if one is known, else by Last-Modified; a weak ETag
// proves nothing. An ETag says something of its own resource only: of two resources, all three must
// be the same (BITS, after SetRemoteName: size and time).
VersionMatch CompareVersions(const domain::Validators& known, std::optional<uint64_t> known_total,
                             const domain::Validators& given, std::optional<uint64_t> given_total);

// What is asked for of a file with ranges.
struct PartRequest {
  uint64_t first = 0;              // of the remote file
  std::optional<uint64_t> last = {};  // none: to its end
};

// What is here before, and what proves that a response goes on with the same content.
enum class Basis : uint8_t {
  kVersion,  // the validators
  kSize,     // it is of another source of the file: the total, and in the end the checksum
  kNone,     // likewise, and nothing does: it stays until the response gives all of it (`ranged` is false)
};

// What was asked for.
struct RangeRequest {
  uint64_t offset = 0;  // bytes here before: without `part` also where the body is to begin
  // Of the version that they belong to. Only where offset is not 0; of kVersion.
  domain::Validators validators = {};
  std::optional<uint64_t> total = {};  // of the remote file, as in the plan
  // A Range header was sent: where offset is not 0, or require_ranges, or a part is wanted.
  bool ranged = false;
  bool require_ranges = false;
  std::optional<PartRequest> part = {};  // of a file with ranges; require_ranges is set too
  std::string resource = {};  // as in domain::Validators
  Basis basis = Basis::kVersion;
};

enum class Verdict : uint8_t {
  kWhole,        // the body is all of the file, and nothing was here
  kPart,         // the body goes on at `offset`
  kRestartHere,  // the body is all of the file; what is here must go first
  kRestartAnew,  // the body is of no use; what is here must go, then ask anew without Range
  kComplete,     // nothing is missing
  kRedirect,
  kFail,
};

struct ResponsePlan {
  Verdict verdict = Verdict::kFail;
  app::RestartReason reason = app::RestartReason::kChanged;  // of kRestart...
  std::optional<uint64_t> body_size = {};                    // what the body must come to
  std::optional<uint64_t> total = {};                        // of the remote file
  // Of the version that is here from now on. Last-Modified only where it tells versions apart (RFC
  // 9110, 8.8.2.2: it is older than the Date of the response).
  domain::Validators validators = {};
  std::optional<absl::Time> last_modified = {};
  domain::Failure failure = {};  // of kFail
};

// The value of the request's Range header.
std::string RangeValue(const RangeRequest& request);

// The plan for a final response (not 1xx). `now` is for Retry-After.
ResponsePlan CheckResponse(const RangeRequest& request, const ResponseHead& head, absl::Time now);

}  // namespace bits::transfer

#endif  // BITS_SERVER_TRANSFER_RESPONSE_CHECK_H_

#include "server/transfer/response_check.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/base/strings.h"
#include "server/domain/error_code.h"
#include "server/transfer/failure.h"
#include "server/transfer/http_date.h"

namespace bits::transfer {
namespace {

using app::RestartReason;
using domain::Validators;

bool IsStrong(const std::string& etag) { return !etag.empty() && !etag.starts_with("W/"); }

// The validators to keep: without a Last-Modified that may stand for two versions of one second.
Validators ValidatorsToKeep(const ResponseHead& head, const std::string& resource,
                            absl::Time now) {
  Validators validators{head.etag, head.last_modified, resource};
  if (head.last_modified.empty() || head.date.empty()) return validators;
  const std::optional<absl::Time> modified = ParseHttpDate(head.last_modified, now);
  const std::optional<absl::Time> date = ParseHttpDate(head.date, now);
  if (modified && date && *modified > *date - absl::Seconds(1)) validators.last_modified.clear();
  return validators;
}

class Checker {
 public:
  Checker(const RangeRequest& request, const ResponseHead& head, absl::Time now)
      : request_(request), head_(head), now_(now), given_{head.etag, head.last_modified, request.resource} {}

  ResponsePlan Check() {
    switch (head_.status) {
      case 200:
      case 203:
        return Whole();
      case 206:
        return Part();
      case 301:
      case 302:
      case 303:
      case 307:
      case 308:
        if (!head_.location.empty()) return Plan(Verdict::kRedirect);
        break;
      case 412:
        if (request_.offset > 0) return Anew(RestartReason::kChanged);
        break;
      case 416:
        if (request_.ranged) return Unsatisfied();
        break;
      default:
        break;
    }
    return FailStatus();
  }

 private:
  static ResponsePlan Plan(Verdict verdict) {
    ResponsePlan plan;
    plan.verdict = verdict;
    return plan;
  }

  static ResponsePlan Anew(RestartReason reason) {
    ResponsePlan plan = Plan(Verdict::kRestartAnew);
    plan.reason = reason;
    return plan;
  }

  ResponsePlan Fail(domain::Hresult hresult, std::string detail) const {
    ResponsePlan plan = Plan(Verdict::kFail);
    plan.failure = RemoteFailure(hresult, std::move(detail), head_.status);
    return plan;
  }

  ResponsePlan FailStatus() const {
    if (head_.status < 100 || head_.status > 599) {
      return Fail(domain::kInvalidHttpResponse,
                  absl::StrCat("the server answered with status ", head_.status));
    }
    ResponsePlan plan = Fail(domain::FromHttpStatus(head_.status),
                             absl::StrCat("the server answered with status ", head_.status));
    if (!head_.retry_after.empty()) {
      plan.failure.retry_after = ParseRetryAfter(head_.retry_after, now_);
    }
    return plan;
  }

  // What makes a body useless whatever it is of.
  std::optional<ResponsePlan> BadBody() const {
    if (!head_.content_encoding.empty() &&
        !absl::EqualsIgnoreCase(head_.content_encoding, "identity")) {
      return Fail(domain::kInvalidServerResponse,
                  "the server sent a coded body (Content-Encoding) that was not asked for");
    }
    if (head_.unknown_coding) {
      return Fail(domain::kInvalidServerResponse,
                  "the server sent a coded body (Transfer-Encoding) that was not asked for");
    }
    if (head_.bad_length) {
      return Fail(domain::kInvalidHttpResponse, "Content-Length is no number, or says two things");
    }
    return std::nullopt;
  }

  std::optional<uint64_t> Length() const {
    return head_.chunked ? std::nullopt : head_.content_length;
  }

  ResponsePlan WithNewVersion(Verdict verdict) const {
    ResponsePlan plan = Plan(verdict);
    plan.body_size = plan.total = Length();
    plan.validators = ValidatorsToKeep(head_, request_.resource, now_);
    plan.last_modified = ParseHttpDate(head_.last_modified, now_);
    return plan;
  }

  // Whether the response proves that what is here is of another version.
  bool OfAnotherVersion(std::optional<uint64_t> total) const {
    if (request_.basis != Basis::kVersion) return CompareSizes(total) == VersionMatch::kDifferent;
    return request_.offset > 0 && CompareVersions(request_.validators, request_.total, given_,
                                                  total) == VersionMatch::kDifferent;
  }

  ResponsePlan Whole() const {
    if (std::optional<ResponsePlan> bad = BadBody()) return *std::move(bad);
    const std::optional<uint64_t> length = Length();
    if (request_.part && !OfAnotherVersion(length)) {
      return Fail(domain::kInsufficientRangeSupport,
                  "the server answered a request for a range with the whole file");
    }
    if (request_.part) return Anew(RestartReason::kChanged);
    if (request_.require_ranges && !length) {
      return Fail(domain::kMissingFileSize, "the server does not say how long the file is");
    }
    if (request_.offset == 0) {
      const bool gives_parts = absl::EqualsIgnoreCase(head_.accept_ranges, "bytes");
      if (request_.require_ranges && !gives_parts && *length != 0) {
        return Fail(domain::kInsufficientRangeSupport,
                    "the server answered a request for a range with the whole file");
      }
      return WithNewVersion(Verdict::kWhole);
    }
    const bool changed = OfAnotherVersion(length);
    if (request_.require_ranges && !changed) {
      return Fail(domain::kInsufficientRangeSupport,
                  "the server answered a request for a range with the whole file");
    }
    ResponsePlan plan = WithNewVersion(Verdict::kRestartHere);
    plan.reason = changed ? RestartReason::kChanged : RestartReason::kNoRanges;
    if (request_.basis == Basis::kNone) plan.reason = RestartReason::kSource;
    return plan;
  }

  // Of a total of another source.
  VersionMatch CompareSizes(std::optional<uint64_t> total) const {
    if (!total || !request_.total) return VersionMatch::kUnproven;
    return total == request_.total ? VersionMatch::kSame : VersionMatch::kDifferent;
  }

  VersionMatch Compare(std::optional<uint64_t> total) const {
    if (request_.basis != Basis::kVersion) return CompareSizes(total);
    return CompareVersions(request_.validators, request_.total, given_, total);
  }

  // A 206 that is not what was asked for.
  ResponsePlan WrongPart(std::string_view what) const {
    if (request_.require_ranges || request_.offset == 0) {
      return Fail(domain::kInvalidServerResponse, std::string(what));
    }
    return Anew(RestartReason::kNoRanges);
  }

  ResponsePlan Part() const {
    if (!request_.ranged) {
      return Fail(domain::kInvalidHttpResponse, "the server sent a part that was not asked for");
    }
    if (std::optional<ResponsePlan> bad = BadBody()) return *std::move(bad);
    const std::optional<ContentRange> range = ParseContentRange(head_.content_range);
    if (!range) return WrongPart("the server sent a part without a valid Content-Range");
    if (range->first != (request_.part ? request_.part->first : request_.offset) ||
        (request_.part && request_.part->last && range->last > *request_.part->last)) {
      return WrongPart("the server sent another part than was asked for");
    }
    const uint64_t size = range->last - range->first + 1;
    if (Length().value_or(size) != size) {
      return Fail(domain::kInvalidHttpResponse, "Content-Length and Content-Range do not agree");
    }
    const bool needs_total = request_.part ? !request_.part->last : request_.require_ranges;
    if (needs_total && !range->total && !request_.total) {
      return Fail(domain::kMissingFileSize, "the server does not say how long the file is");
    }
    ResponsePlan plan = WithNewVersion(Verdict::kPart);
    plan.body_size = size;
    plan.total = range->total;
    if (request_.offset > 0) {
      switch (Compare(range->total)) {
        case VersionMatch::kDifferent:
          return Anew(RestartReason::kChanged);
        case VersionMatch::kUnproven:
          return Anew(RestartReason::kUnproven);
        case VersionMatch::kSame:
          break;
      }
      // The version is what it was, and is known by what it was known by; the other source's by its own.
      if (request_.basis == Basis::kVersion) plan.validators = request_.validators;
      if (!plan.total) plan.total = request_.total;
      if (plan.total && *plan.total <= range->last) return Anew(RestartReason::kChanged);
    }
    return plan;
  }

  // 416: there is nothing from `offset` on.
  ResponsePlan Unsatisfied() const {
    const std::optional<uint64_t> total = ParseUnsatisfiedRange(head_.content_range);
    if (request_.part) {
      if (OfAnotherVersion(total)) return Anew(RestartReason::kChanged);
      return Fail(domain::kInvalidRange, "a range does not lie within the remote file");
    }
    if (request_.offset == 0) {
      if (total != 0u) return FailStatus();
      ResponsePlan plan = WithNewVersion(Verdict::kComplete);
      plan.body_size.reset();
      plan.total = 0;
      return plan;
    }
    const VersionMatch match = Compare(total);
    if (match == VersionMatch::kDifferent || (total && *total < request_.offset)) {
      return Anew(RestartReason::kChanged);
    }
    if (match == VersionMatch::kSame && total == request_.offset) {
      ResponsePlan plan = Plan(Verdict::kComplete);
      plan.total = total;
      plan.validators = request_.basis == Basis::kVersion
                            ? request_.validators
                            : ValidatorsToKeep(head_, request_.resource, now_);
      plan.last_modified = ParseHttpDate(head_.last_modified, now_);
      return plan;
    }
    return Anew(RestartReason::kUnproven);
  }

  const RangeRequest& request_;
  const ResponseHead& head_;
  const absl::Time now_;
  const Validators given_;
};

}  // namespace

bool ProvesVersion(const Validators& validators) {
  return IsStrong(validators.etag) || !validators.last_modified.empty();
}

std::string RangeValue(const RangeRequest& request) {
  const uint64_t first = request.part ? request.part->first : request.offset;
  std::string value = absl::StrCat("bytes=", first, "-");
  if (request.part && request.part->last) absl::StrAppend(&value, *request.part->last);
  return value;
}

std::string IfRangeValue(const Validators& validators) {
  return IsStrong(validators.etag) ? validators.etag : validators.last_modified;
}

VersionMatch CompareVersions(const Validators& known, std::optional<uint64_t> known_total,
                             const Validators& given, std::optional<uint64_t> given_total) {
  const auto differ = [](const std::string& a, const std::string& b) {
    return !a.empty() && !b.empty() && a != b;
  };
  if (differ(known.etag, given.etag) || differ(known.last_modified, given.last_modified) ||
      (known_total && given_total && *known_total != *given_total)) {
    return VersionMatch::kDifferent;
  }
  if (known.resource != given.resource) {
    const bool all_known = !known.last_modified.empty() && known_total && given_total;
    return all_known && known.last_modified == given.last_modified && known.etag == given.etag
               ? VersionMatch::kSame
               : VersionMatch::kUnproven;
  }
  if (IsStrong(known.etag)) {
    return given.etag.empty() ? VersionMatch::kUnproven : VersionMatch::kSame;
  }
  return known.last_modified.empty() || given.last_modified.empty() ? VersionMatch::kUnproven
                                                                    : VersionMatch::kSame;
}

ResponsePlan CheckResponse(const RangeRequest& request, const ResponseHead& head, absl::Time now) {
  return Checker(request, head, now).Check();
}

}  // namespace bits::transfer

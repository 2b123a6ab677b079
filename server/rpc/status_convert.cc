#include "server/rpc/status_convert.h"

#include <algorithm>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/types/optional.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "server/base/error_info.h"
#include "server/base/strings.h"
#include "server/domain/error_code.h"
#include "server/rpc/utf8.h"

namespace bits::rpc {
namespace {

constexpr std::string_view kDomain = "bits.v1";
constexpr std::string_view kRetryDelayUrl = "bits/retry_delay";
constexpr absl::Duration kDefaultRetryDelay = absl::Seconds(1);

// gRPC refuses more than 8 KiB of trailers. The message travels twice, once with up to three
// bytes for one (percent-encoded), once with the details in base64, four bytes for three.
constexpr size_t kMessageBytes = 768;
constexpr size_t kReasonBytes = 63;
constexpr size_t kMetadataBytes = 768;
constexpr size_t kViolationBytes = 1024;

struct Nearest {
  std::string_view symbol;
  domain::Hresult hresult;
};

// The Windows code that comes nearest to a gRPC code.
Nearest NearestOf(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kCancelled:
      return {"ERROR_CANCELLED", domain::FromWin32(1223)};
    case absl::StatusCode::kInvalidArgument:
      return {"E_INVALIDARG", domain::kInvalidArgument};
    case absl::StatusCode::kDeadlineExceeded:
      return {"ERROR_TIMEOUT", domain::FromWin32(1460)};
    case absl::StatusCode::kNotFound:
      return {"BG_E_NOT_FOUND", domain::kNotFound};
    case absl::StatusCode::kAlreadyExists:
      return {"ERROR_ALREADY_EXISTS", domain::FromWin32(183)};
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
      return {"E_ACCESSDENIED", domain::kAccessDenied};
    case absl::StatusCode::kResourceExhausted:
      return {"ERROR_BUSY", domain::FromWin32(170)};
    case absl::StatusCode::kFailedPrecondition:
      return {"BG_E_INVALID_STATE", domain::kInvalidState};
    case absl::StatusCode::kAborted:
      return {"E_ABORT", 0x80004004};
    case absl::StatusCode::kOutOfRange:
      return {"E_BOUNDS", 0x8000000B};
    case absl::StatusCode::kUnimplemented:
      return {"E_NOTIMPL", domain::kNotImplemented};
    case absl::StatusCode::kUnavailable:
      return {"ERROR_SERVICE_NOT_ACTIVE", domain::FromWin32(1062)};
    case absl::StatusCode::kDataLoss:
      return {"ERROR_FILE_CORRUPT", domain::FromWin32(1392)};
    default:
      return {"E_UNEXPECTED", domain::kUnexpected};
  }
}

std::string Hex(domain::Hresult hresult) {
  char text[16];
  std::snprintf(text, sizeof(text), "0x%08X", hresult);
  return text;
}

void FillErrorInfo(const absl::Status& status, google::rpc::ErrorInfo* to) {
  const Nearest nearest = NearestOf(status.code());
  const std::optional<ErrorInfo> info = GetErrorInfo(status);
  to->set_reason(info && !info->reason.empty() ? CleanUtf8(info->reason, kReasonBytes)
                                               : std::string(nearest.symbol));
  to->set_domain(std::string(kDomain));
  auto& metadata = *to->mutable_metadata();
  metadata["hresult"] = Hex(domain::CodeOf(to->reason()).value_or(nearest.hresult));
  if (!info) return;
  size_t room = kMetadataBytes;
  for (const auto& [key, value] : info->metadata) {
    // A key never disappears: rather its value is cut.
    const std::string text = CleanUtf8(value, std::max<size_t>(room, 3));
    room -= std::min(room, key.size() + text.size());
    metadata[CleanUtf8(key, kReasonBytes)] = text;
  }
}

void FillBadRequest(const std::vector<FieldViolation>& violations, google::rpc::BadRequest* to) {
  size_t room = kViolationBytes;
  for (const FieldViolation& violation : violations) {
    auto* filled = to->add_field_violations();
    filled->set_field(CleanUtf8(violation.field, 256));
    filled->set_description(CleanUtf8(violation.description, 512));
    const size_t size = filled->ByteSizeLong();
    if (size > room && to->field_violations_size() > 1) {
      to->mutable_field_violations()->RemoveLast();
      return;
    }
    room -= std::min(room, size);
  }
}

absl::Duration RetryDelay(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(Av(kRetryDelayUrl));
  int64_t milliseconds = 0;
  if (!payload || !absl::SimpleAtoi(std::string(*payload), &milliseconds)) {
    return kDefaultRetryDelay;
  }
  return absl::Milliseconds(milliseconds);
}

}  // namespace

void SetRetryDelay(absl::Status& status, absl::Duration delay) {
  status.SetPayload(Av(kRetryDelayUrl),
                    absl::Cord(std::to_string(absl::ToInt64Milliseconds(delay))));
}

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  google::rpc::Status details;
  details.set_code(static_cast<int>(status.code()));
  details.set_message(CleanUtf8(Sv(status.message()), kMessageBytes));

  google::rpc::ErrorInfo info;
  FillErrorInfo(status, &info);
  details.add_details()->PackFrom(info);

  if (const auto violations = GetFieldViolations(status); !violations.empty()) {
    google::rpc::BadRequest bad_request;
    FillBadRequest(violations, &bad_request);
    details.add_details()->PackFrom(bad_request);
  }
  if (absl::IsResourceExhausted(status) || absl::IsUnavailable(status)) {
    google::rpc::RetryInfo retry;
    const absl::Duration delay = RetryDelay(status);
    retry.mutable_retry_delay()->set_seconds(absl::ToInt64Seconds(delay));
    retry.mutable_retry_delay()->set_nanos(static_cast<int32_t>(
        absl::ToInt64Nanoseconds(delay - absl::Seconds(absl::ToInt64Seconds(delay)))));
    details.add_details()->PackFrom(retry);
  }
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), details.message(),
                      details.SerializeAsString());
}

}  // namespace bits::rpc

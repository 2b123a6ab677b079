#include "tests/conformance/harness/calls.h"

#include <algorithm>
#include <cstdio>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace bits::testing {
namespace {

struct Known {
  std::string_view symbol;
  uint32_t hresult;
};

// From bits.md, section 2.5, and not from bitsd's own table.
constexpr Known kKnown[] = {
    {"BG_E_NOT_FOUND", 0x80200001},
    {"BG_E_INVALID_STATE", 0x80200002},
    {"BG_E_EMPTY", 0x80200003},
    {"BG_E_ERROR_INFORMATION_UNAVAILABLE", 0x8020000F},
    {"BG_E_PROXY_LIST_TOO_LARGE", 0x80200018},
    {"BG_E_PROXY_BYPASS_LIST_TOO_LARGE", 0x80200019},
    {"BG_E_STRING_TOO_LONG", 0x80200021},
    {"BG_E_USERNAME_TOO_LARGE", 0x80200025},
    {"BG_E_PASSWORD_TOO_LARGE", 0x80200026},
    {"BG_E_INVALID_AUTH_TARGET", 0x80200027},
    {"BG_E_INVALID_AUTH_SCHEME", 0x80200028},
    {"BG_E_FILE_NOT_FOUND", 0x80200029},
    {"BG_E_READ_ONLY_PROPERTY", 0x80200058},
    {"BG_E_READ_ONLY_PROPERTY_AFTER_RESUME", 0x80200062},
    {"BG_E_NOT_SUPPORTED_WITH_CUSTOM_HTTP_METHOD", 0x80200071},
    {"E_INVALIDARG", 0x80070057},
    {"E_ACCESSDENIED", 0x80070005},
    {"E_NOTIMPL", 0x80004001},
    {"ERROR_SHARING_VIOLATION", 0x80070020},
    {"ERROR_DISK_FULL", 0x80070070},
    {"ERROR_RESOURCE_LANG_NOT_FOUND", 0x80070717},
    {"ERROR_MR_MID_NOT_FOUND", 0x8007013D},
};

bool MayComeAgain(grpc::StatusCode code) {
  return code == grpc::StatusCode::UNAVAILABLE || code == grpc::StatusCode::RESOURCE_EXHAUSTED;
}

}  // namespace

Refusal RefusalOf(const grpc::Status& status) {
  Refusal refusal;
  google::rpc::Status details;
  if (!details.ParseFromString(status.error_details())) return refusal;
  refusal.well_formed =
      details.code() == status.error_code() && details.message() == status.error_message();
  for (const auto& any : details.details()) {
    google::rpc::ErrorInfo info;
    google::rpc::BadRequest bad_request;
    google::rpc::RetryInfo retry;
    if (any.UnpackTo(&info)) {
      ++refusal.error_infos;
      refusal.reason = info.reason();
      refusal.domain = info.domain();
      refusal.metadata.insert(info.metadata().begin(), info.metadata().end());
    } else if (any.UnpackTo(&bad_request)) {
      for (const auto& violation : bad_request.field_violations()) {
        refusal.fields.push_back(violation.field());
      }
    } else if (any.UnpackTo(&retry)) {
      refusal.retry_info = retry.has_retry_delay();
    }
  }
  return refusal;
}

std::optional<uint32_t> HresultOf(std::string_view symbol) {
  for (const Known& known : kKnown) {
    if (known.symbol == symbol) return known.hresult;
  }
  return std::nullopt;
}

std::string FaultOfRefusal(const grpc::Status& status, grpc::StatusCode code,
                           std::string_view reason) {
  if (status.error_code() != code) return "another code";
  if (status.error_message().empty()) return "no message";
  const Refusal refusal = RefusalOf(status);
  if (!refusal.well_formed) return "the details do not repeat the status";
  if (refusal.error_infos != 1) return std::to_string(refusal.error_infos) + " ErrorInfo";
  if (refusal.reason != reason) return "another reason";
  if (refusal.domain != "bits.v1") return "another domain";
  const auto hresult = refusal.metadata.find("hresult");
  if (hresult == refusal.metadata.end()) return "no hresult";
  char expected[16] = "";
  if (const auto known = HresultOf(reason)) {
    std::snprintf(expected, sizeof(expected), "0x%08X", *known);
    if (hresult->second != expected) return "hresult is not " + std::string(expected);
  }
  if (hresult->second.size() != 10 || hresult->second.substr(0, 2) != "0x") {
    return "hresult has another form";
  }
  const bool names_fields = !refusal.fields.empty();
  if (names_fields != (code == grpc::StatusCode::INVALID_ARGUMENT)) {
    return names_fields ? "BadRequest where no field is wrong" : "BadRequest is missing";
  }
  if (MayComeAgain(code) && !refusal.retry_info) return "RetryInfo is missing";
  return "";
}

std::string Describe(const grpc::Status& status) {
  if (status.ok()) return "OK";
  const Refusal refusal = RefusalOf(status);
  std::string text = "code " + std::to_string(status.error_code()) + " \"" +
                     status.error_message() + "\" reason " +
                     (refusal.reason.empty() ? "-" : refusal.reason);
  for (const auto& [key, value] : refusal.metadata) text += " " + key + "=" + value;
  for (const std::string& field : refusal.fields) text += " field " + field;
  return text;
}

}  // namespace bits::testing

#include "server/base/error_info.h"

#include "absl/strings/cord.h"
#include "absl/types/optional.h"
#include "server/base/strings.h"

namespace bits {
namespace {

constexpr std::string_view kErrorInfoUrl = "bits/error_info";
constexpr std::string_view kFieldViolationsUrl = "bits/field_violations";

// A list of strings as "<length>:<bytes>" each.
void AppendPiece(std::string_view piece, std::string& to) {
  to += std::to_string(piece.size());
  to += ':';
  to += piece;
}

std::optional<std::vector<std::string>> ReadPieces(std::string_view from) {
  std::vector<std::string> pieces;
  while (!from.empty()) {
    size_t length = 0;
    size_t i = 0;
    while (i < from.size() && from[i] >= '0' && from[i] <= '9') {
      length = length * 10 + static_cast<size_t>(from[i] - '0');
      if (length > from.size()) return std::nullopt;
      ++i;
    }
    if (i == 0 || i == from.size() || from[i] != ':') return std::nullopt;
    from.remove_prefix(i + 1);
    if (length > from.size()) return std::nullopt;
    pieces.emplace_back(from.substr(0, length));
    from.remove_prefix(length);
  }
  return pieces;
}

std::optional<std::vector<std::string>> ReadPayload(const absl::Status& status,
                                                    std::string_view url) {
  absl::optional<absl::Cord> payload = status.GetPayload(Av(url));
  if (!payload.has_value()) return std::nullopt;
  return ReadPieces(std::string(*payload));
}

}  // namespace

absl::Status MakeRefusal(absl::StatusCode code, std::string_view reason, std::string_view message,
                         std::vector<std::pair<std::string, std::string>> metadata) {
  absl::Status status(code, Av(message));
  SetErrorInfo(status, {std::string(reason), std::move(metadata)});
  return status;
}

absl::Status InvalidField(std::string_view field, std::string_view description,
                          std::string_view reason) {
  std::string message(field);
  message += ": ";
  message += description;
  absl::Status status = MakeRefusal(absl::StatusCode::kInvalidArgument, reason, message);
  SetFieldViolations(status, {{std::string(field), std::string(description)}});
  return status;
}

void SetErrorInfo(absl::Status& status, const ErrorInfo& info) {
  std::string payload;
  AppendPiece(info.reason, payload);
  for (const auto& [key, value] : info.metadata) {
    AppendPiece(key, payload);
    AppendPiece(value, payload);
  }
  status.SetPayload(Av(kErrorInfoUrl), absl::Cord(std::move(payload)));
}

void SetFieldViolations(absl::Status& status, const std::vector<FieldViolation>& violations) {
  std::string payload;
  for (const FieldViolation& violation : violations) {
    AppendPiece(violation.field, payload);
    AppendPiece(violation.description, payload);
  }
  status.SetPayload(Av(kFieldViolationsUrl), absl::Cord(std::move(payload)));
}

std::optional<ErrorInfo> GetErrorInfo(const absl::Status& status) {
  std::optional<std::vector<std::string>> pieces = ReadPayload(status, kErrorInfoUrl);
  if (!pieces || pieces->size() % 2 != 1) return std::nullopt;
  ErrorInfo info;
  info.reason = std::move(pieces->front());
  for (size_t i = 1; i < pieces->size(); i += 2) {
    info.metadata.emplace_back(std::move((*pieces)[i]), std::move((*pieces)[i + 1]));
  }
  return info;
}

std::vector<FieldViolation> GetFieldViolations(const absl::Status& status) {
  std::vector<FieldViolation> violations;
  std::optional<std::vector<std::string>> pieces = ReadPayload(status, kFieldViolationsUrl);
  if (!pieces || pieces->size() % 2 != 0) return violations;
  for (size_t i = 0; i < pieces->size(); i += 2) {
    violations.push_back({std::move((*pieces)[i]), std::move((*pieces)[i + 1])});
  }
  return violations;
}

std::string GetReason(const absl::Status& status) {
  std::optional<ErrorInfo> info = GetErrorInfo(status);
  return info ? std::move(info->reason) : std::string();
}

}  // namespace bits

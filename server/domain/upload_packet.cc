#include "server/domain/upload_packet.h"

#include <limits>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "server/base/strings.h"
#include "server/domain/error_code.h"

namespace bits::domain {
namespace {

constexpr size_t kMostProtocols = 100;
constexpr size_t kLongestSessionId = 100;

UploadAnswer BadPacket(std::string_view detail) { return UploadError(400, kInvalidArgument, detail); }

// Digits only, without a sign; at most that of a file's size.
std::optional<uint64_t> DecimalSize(std::string_view text) {
  constexpr uint64_t kMost = std::numeric_limits<int64_t>::max();
  if (text.empty() || text.size() > 19) return std::nullopt;
  uint64_t number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + static_cast<uint64_t>(c - '0');
  }
  return number <= kMost ? std::optional(number) : std::nullopt;
}

// `bytes a-b/total`, or `bytes */0`.
std::optional<UploadRange> ParseRange(std::string_view text) {
  constexpr std::string_view kUnit = "bytes ";
  if (!absl::StartsWithIgnoreCase(Av(text), Av(kUnit))) return std::nullopt;
  text.remove_prefix(kUnit.size());
  while (text.starts_with(' ')) text.remove_prefix(1);
  if (text == "*/0") return UploadRange{};
  const size_t dash = text.find('-');
  const size_t slash = text.find('/');
  if (dash == std::string_view::npos || slash == std::string_view::npos || dash > slash) {
    return std::nullopt;
  }
  const auto first = DecimalSize(text.substr(0, dash));
  const auto last = DecimalSize(text.substr(dash + 1, slash - dash - 1));
  const auto total = DecimalSize(text.substr(slash + 1));
  if (!first || !last || !total || *last < *first || *last >= *total) return std::nullopt;
  return UploadRange{*first, *last - *first + 1, *total};
}

std::optional<UploadPacketType> TypeOf(std::string_view name) {
  const auto is = [name](std::string_view other) {
    return absl::EqualsIgnoreCase(Av(name), Av(other));
  };
  if (is("Create-Session")) return UploadPacketType::kCreate;
  if (is("Ping")) return UploadPacketType::kPing;
  if (is("Fragment")) return UploadPacketType::kFragment;
  if (is("Close-Session")) return UploadPacketType::kClose;
  if (is("Cancel-Session")) return UploadPacketType::kCancel;
  return std::nullopt;
}

// Nullopt: ours is among them.
std::optional<UploadAnswer> CheckProtocols(const UploadFields& fields) {
  if (!fields.protocols.has_value()) return BadPacket("BITS-Supported-Protocols is missing");
  size_t count = 0;
  bool ours = false;
  for (const absl::string_view protocol :
       absl::StrSplit(Av(*fields.protocols), absl::ByAnyChar(" ,\t"), absl::SkipEmpty())) {
    if (++count > kMostProtocols) return BadPacket("more than 100 protocols");
    ours = ours || absl::EqualsIgnoreCase(protocol, Av(kUploadProtocol));
  }
  if (!ours) return BadPacket("none of the protocols is known");
  return std::nullopt;
}

}  // namespace

std::variant<UploadPacket, UploadAnswer> ParseUploadPacket(const UploadFields& fields) {
  if (!fields.packet_type.has_value()) return BadPacket("BITS-Packet-Type is missing");
  const auto type = TypeOf(*fields.packet_type);
  if (!type.has_value()) return BadPacket("BITS-Packet-Type is unknown");
  if (!fields.content_length.has_value()) {
    return UploadError(411, kInvalidArgument, "Content-Length is missing");
  }
  UploadPacket packet;
  packet.type = *type;
  if (*type != UploadPacketType::kFragment && *fields.content_length != 0) {
    return BadPacket("a packet other than Fragment has a body");
  }
  if (*type == UploadPacketType::kPing) return packet;
  if (*type == UploadPacketType::kCreate) {
    if (const auto wrong = CheckProtocols(fields)) return *wrong;
    return packet;
  }
  if (!fields.session_id.has_value() || fields.session_id->empty()) {
    return BadPacket("BITS-Session-Id is missing");
  }
  if (fields.session_id->size() > kLongestSessionId) return UploadSessionNotFound();
  packet.session_id = *fields.session_id;
  if (*type != UploadPacketType::kFragment) return packet;
  if (!fields.content_range.has_value()) return BadPacket("Content-Range is missing");
  const auto range = ParseRange(*fields.content_range);
  if (!range.has_value()) return BadPacket("Content-Range is none");
  if (range->length != *fields.content_length) {
    return BadPacket("Content-Range and Content-Length do not agree");
  }
  packet.range = *range;
  return packet;
}

}  // namespace bits::domain

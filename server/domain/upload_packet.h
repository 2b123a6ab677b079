// The packets of the BITS upload protocol, as a request's header tells them. Pure; any thread.
#ifndef BITS_SERVER_DOMAIN_UPLOAD_PACKET_H_
#define BITS_SERVER_DOMAIN_UPLOAD_PACKET_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "server/domain/upload_session.h"

namespace bits::domain {

// The one protocol there is.
inline constexpr std::string_view kUploadProtocol = "{7df0354d-249b-430f-820d-3d2a9bef4931}";
inline constexpr std::string_view kUploadVerb = "BITS_POST";

enum class UploadPacketType : uint8_t { kCreate, kPing, kFragment, kClose, kCancel };

struct UploadPacket {
  UploadPacketType type = UploadPacketType::kPing;
  std::string session_id = {};  // of all but Create-Session and Ping
  UploadRange range = {};       // of Fragment
  bool operator==(const UploadPacket&) const = default;
};

// The header fields that say what a packet is; nullopt: not there.
struct UploadFields {
  std::optional<std::string_view> packet_type = {};
  std::optional<std::string_view> session_id = {};
  std::optional<std::string_view> protocols = {};
  std::optional<std::string_view> content_range = {};
  std::optional<uint64_t> content_length = {};  // of the body that comes; chunked bodies have none
};

// Else the error: 411 without a length, 400 for all else.
std::variant<UploadPacket, UploadAnswer> ParseUploadPacket(const UploadFields& fields);

}  // namespace bits::domain

#endif  // BITS_SERVER_DOMAIN_UPLOAD_PACKET_H_

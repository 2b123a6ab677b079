#include "server/platform/receive_config.h"

#include <fstream>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "bits/config/v1/config.pb.h"
#include "server/base/status_macros.h"
#include "server/base/strings.h"
#include "server/platform/config_fields.h"

namespace bits::platform {
namespace {

using ListenerProto = bits::config::v1::Config::Listener;
using LocationProto = bits::config::v1::Config::Location;

// Scheme, host and port.
absl::Status SetAddress(std::string_view field, std::string_view text, ReceiveListener& out) {
  const auto wrong = [field] {
    return Wrong(field, "must be HOST:PORT, http://HOST:PORT or https://HOST:PORT, HOST an IP address");
  };
  if (text.starts_with("https://")) {
    out.https = true;
    text.remove_prefix(8);
  } else if (text.starts_with("http://")) {
    text.remove_prefix(7);
  }
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon + 1 == text.size()) return wrong();
  out.port = text.substr(colon + 1);
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return wrong();
  }
  if (host.empty()) return wrong();
  out.host = host;
  return absl::OkStatus();
}

absl::Status Readable(std::string_view field, const std::string& file) {
  if (file.empty() || std::ifstream(file)) return absl::OkStatus();
  return Wrong(field, absl::StrCat("cannot read ", file));
}

absl::StatusOr<ReceiveListener> ListenerFrom(const ListenerProto& proto, const std::string& field) {
  ReceiveListener listener;
  BITS_RETURN_IF_ERROR(SetAddress(field + ".address", proto.address(), listener));
  listener.certificate_file = proto.certificate_file();
  listener.key_file = proto.key_file();
  listener.client_ca_file = proto.client_ca_file();
  if (listener.https && (listener.certificate_file.empty() || listener.key_file.empty())) {
    return Wrong(field, "https needs certificate_file and key_file");
  }
  if (!listener.https && !(listener.certificate_file + listener.key_file + listener.client_ca_file).empty()) {
    return Wrong(field, "only https has certificate_file, key_file and client_ca_file");
  }
  BITS_RETURN_IF_ERROR(Readable(field + ".certificate_file", listener.certificate_file));
  BITS_RETURN_IF_ERROR(Readable(field + ".key_file", listener.key_file));
  BITS_RETURN_IF_ERROR(Readable(field + ".client_ca_file", listener.client_ca_file));
  return listener;
}

bool IsPlainPath(std::string_view path) {
  if (!path.starts_with('/') || !path.ends_with('/')) return false;
  for (const char c : path) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) &&
        std::string_view("/-._~").find(c) == std::string_view::npos) {
      return false;
    }
  }
  return path.find("//") == std::string_view::npos && path.find("/./") == std::string_view::npos &&
         path.find("/../") == std::string_view::npos;
}

absl::Status SetNotification(const LocationProto& proto, const std::string& field,
                             domain::UploadLocation& rules) {
  using domain::UploadNotification;
  switch (proto.notification()) {
    case LocationProto::NOTIFICATION_UNSPECIFIED:
      if (proto.notification_url().empty()) return absl::OkStatus();
      return Wrong(field + ".notification_url", "needs notification");
    case LocationProto::NOTIFICATION_BY_REFERENCE:
      rules.notification = UploadNotification::kByReference;
      break;
    case LocationProto::NOTIFICATION_BY_VALUE:
      rules.notification = UploadNotification::kByValue;
      break;
    default:
      return Wrong(field + ".notification", "is not known");
  }
  rules.notification_url = proto.notification_url();
  if ((!absl::StartsWithIgnoreCase(rules.notification_url, "http://") &&
       !absl::StartsWithIgnoreCase(rules.notification_url, "https://")) ||
      rules.notification_url.find('#') != std::string::npos ||
      rules.notification_url.size() > domain::kLongestUploadUrl) {
    return Wrong(field + ".notification_url",
                 "must be http or https, without a fragment, at most 2,200 bytes");
  }
  return absl::OkStatus();
}

absl::StatusOr<ReceiveLocation> LocationFrom(const LocationProto& proto, const std::string& field) {
  ReceiveLocation location;
  domain::UploadLocation& rules = location.rules;
  if (!IsPlainPath(proto.path())) {
    return Wrong(field + ".path",
                 "must begin and end with a slash, with letters, digits and -._~ between slashes");
  }
  rules.path = proto.path();
  rules.root = proto.root();
  rules.enabled = !proto.disabled();
  BITS_RETURN_IF_ERROR(
      SetNumber(field + ".max_size", proto.max_size(), 1, rules.max_size, rules.max_size));
  rules.overwrite = proto.overwrite();
  if (proto.has_session_timeout()) {
    BITS_RETURN_IF_ERROR(SetDuration(field + ".session_timeout", proto.session_timeout(),
                                     absl::Seconds(1), absl::Hours(366 * 24),
                                     rules.session_timeout));
  }
  BITS_RETURN_IF_ERROR(SetNumber(field + ".max_sessions_per_client",
                                 proto.max_sessions_per_client(), 1, 1'000'000,
                                 rules.max_sessions_per_client));
  BITS_RETURN_IF_ERROR(SetNotification(proto, field, rules));
  rules.host_id = proto.host_id();
  for (const char c : rules.host_id) {
    if (!absl::ascii_isgraph(static_cast<unsigned char>(c))) {
      return Wrong(field + ".host_id", "must be a host's name or address");
    }
  }
  if (proto.has_host_id_fallback_timeout()) {
    BITS_RETURN_IF_ERROR(SetDuration(field + ".host_id_fallback_timeout",
                                     proto.host_id_fallback_timeout(), absl::ZeroDuration(),
                                     absl::Hours(49'710 * 24), rules.host_id_fallback_timeout));
  }
  std::set<std::string> names;
  for (const auto& user : proto.user()) {
    if (user.name().empty() || user.name().find(':') != std::string::npos) {
      return Wrong(field + ".user.name", "must not be empty, nor hold a colon");
    }
    if (!names.insert(user.name()).second) return Wrong(field + ".user.name", "must not come twice");
    if (!user.password_hash().starts_with('$')) {
      return Wrong(field + ".user.password_hash", "must be what `openssl passwd -6` prints");
    }
    location.users.emplace_back(user.name(), user.password_hash());
  }
  return location;
}

}  // namespace

absl::Status ReceiveFromProto(const bits::config::v1::Config_Receive& proto,
                              ReceiveConfig& config) {
  for (int i = 0; i < proto.listener_size(); ++i) {
    BITS_ASSIGN_OR_RETURN(
        ReceiveListener listener,
        ListenerFrom(proto.listener(i), absl::StrCat("receive.listener[", i, "]")));
    config.listeners.push_back(std::move(listener));
  }
  std::set<std::string> paths;
  for (int i = 0; i < proto.location_size(); ++i) {
    const std::string field = absl::StrCat("receive.location[", i, "]");
    BITS_ASSIGN_OR_RETURN(ReceiveLocation location, LocationFrom(proto.location(i), field));
    if (!paths.insert(location.rules.path).second) {
      return Wrong(field + ".path", "must not come twice");
    }
    config.locations.push_back(std::move(location));
  }
  if (proto.has_idle_timeout()) {
    BITS_RETURN_IF_ERROR(SetDuration("receive.idle_timeout", proto.idle_timeout(), absl::Seconds(1),
                                     absl::Hours(1), config.idle_timeout));
  }
  if (proto.has_header_timeout()) {
    BITS_RETURN_IF_ERROR(SetDuration("receive.header_timeout", proto.header_timeout(),
                                     absl::Milliseconds(100), absl::Minutes(5),
                                     config.header_timeout));
  }
  BITS_RETURN_IF_ERROR(SetNumber("receive.max_connections", proto.max_connections(), 1, 1'000'000,
                                 config.max_connections));
  BITS_RETURN_IF_ERROR(
      SetNumber("receive.io_threads", proto.io_threads(), 1, 64, config.io_threads));
  if (!proto.has_application_timeout()) return absl::OkStatus();
  return SetDuration("receive.application_timeout", proto.application_timeout(), absl::Seconds(1),
                     absl::Hours(1), config.application_timeout);
}

absl::Status AddReceiveAddress(std::string_view address, ReceiveConfig& config) {
  ReceiveListener listener;
  BITS_RETURN_IF_ERROR(SetAddress("--receive", address, listener));
  if (listener.https) return Wrong("--receive", "https takes a configuration file (receive.listener)");
  config.listeners.push_back(std::move(listener));
  return absl::OkStatus();
}

}  // namespace bits::platform

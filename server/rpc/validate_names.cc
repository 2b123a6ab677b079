// The names of files: RemoteNameFault and LocalNameFault of validate.h.
#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "server/base/strings.h"
#include "server/rpc/utf8.h"
#include "server/rpc/validate.h"

namespace bits::rpc {
namespace {

bool IsSpaceOrControl(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c <= 0x20 || c == 0x7F) return true;
    // U+0080 to U+009F.
    if (c == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0) {
      return true;
    }
  }
  return false;
}

bool IsHostCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.' || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

bool IsIpv6Literal(std::string_view host) {
  if (host.size() < 4 || host.back() != ']') return false;
  const std::string address(host.substr(
      1, host.find('%') == std::string_view::npos ? host.size() - 2 : host.find('%') - 1));
  in6_addr parsed;
  return inet_pton(AF_INET6, address.c_str(), &parsed) == 1;
}

std::optional<std::string> AuthorityFault(std::string_view authority) {
  const size_t userinfo = authority.rfind('@');
  std::string_view host =
      userinfo == std::string_view::npos ? authority : authority.substr(userinfo + 1);
  // The colon of a port comes after an IPv6 address's bracket.
  const size_t colon = host.find(':', host.starts_with('[') ? host.find(']') : 0);
  if (colon != std::string_view::npos) {
    const std::string_view port = host.substr(colon + 1);
    uint16_t number = 0;
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
    if (error != std::errc() || end != port.data() + port.size() || number == 0) {
      return "the port must be a number from 1 to 65535";
    }
    host = host.substr(0, colon);
  }
  if (host.empty()) return "must name a host";
  if (host.starts_with('[')) {
    if (!IsIpv6Literal(host)) return "the host in brackets must be an IPv6 address";
  } else if (host.size() > 255 || !std::all_of(host.begin(), host.end(), IsHostCharacter)) {
    return "the host must be a name or an address";
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> RemoteNameFault(std::string_view name) {
  if (name.empty()) return "is required";
  if (name.size() > kRemoteNameBytes) return "must be at most 2,200 bytes";
  if (!CountCharacters(name)) return "must be UTF-8";
  if (IsSpaceOrControl(name)) {
    return "must not hold spaces and control characters; write them as %XX";
  }
  if (name.find('\\') != std::string_view::npos) return "must not hold a backslash; write %5C";
  const size_t scheme_end = name.find("://");
  const std::string_view scheme = name.substr(0, scheme_end);
  const bool file = absl::EqualsIgnoreCase(Av(scheme), "file");
  if (scheme_end == std::string_view::npos ||
      !(file || absl::EqualsIgnoreCase(Av(scheme), "http") ||
        absl::EqualsIgnoreCase(Av(scheme), "https"))) {
    return "must be an absolute URL that begins with http://, https:// or file://";
  }
  const std::string_view rest = name.substr(scheme_end + 3);
  const size_t authority_end = std::min(rest.find_first_of("/?#"), rest.size());
  const std::string_view authority = rest.substr(0, authority_end);
  if (!file) return AuthorityFault(authority);

  if (!authority.empty() && !absl::EqualsIgnoreCase(Av(authority), "localhost")) {
    return "a file URL must name no host but localhost";
  }
  const std::string_view path = rest.substr(authority_end);
  if (path.size() < 2 || path[0] != '/' || path.back() == '/') {
    return "a file URL must name a file by its absolute path";
  }
  return std::nullopt;
}

std::optional<std::string> LocalNameFault(std::string_view name) {
  if (name.empty()) return "is required";
  if (name.size() > kLocalNameBytes) return "must be at most 4,096 bytes";
  if (!CountCharacters(name)) return "must be UTF-8";
  if (name.find('\0') != std::string_view::npos) return "must not hold a NUL";
  if (name.back() == '/') return "must name a file: it ends in a slash";
  while (!name.empty()) {
    const size_t slash = std::min(name.find('/'), name.size());
    const std::string_view component = name.substr(0, slash);
    if (component == "." || component == "..") return "must not hold `.` or `..` components";
    if (component.size() > kLocalNameComponentBytes) {
      return "each component must be at most 255 bytes";
    }
    name.remove_prefix(std::min(slash + 1, name.size()));
  }
  return std::nullopt;
}

}  // namespace bits::rpc

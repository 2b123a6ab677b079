#include "server/base/redact.h"

#include <algorithm>
#include <string>

#include "absl/strings/match.h"
#include "server/base/strings.h"

namespace bits {
namespace {

constexpr std::string_view kSlashes = "/\\";  // curl and browsers take either.
constexpr std::string_view kMark = "…";

// Whether the host, or host:port, could be that: a password of an URL that does
// not parse, "https://user:pa/ss@host", looks like a port that is no number.
bool IsPlausibleHost(std::string_view host) {
  size_t colon = host.find(':');
  if (host.starts_with('[')) {
    size_t bracket = host.find(']');
    if (bracket == std::string_view::npos) return false;
    colon = host.find(':', bracket);
  }
  return colon == std::string_view::npos ||
         host.find_first_not_of("0123456789", colon + 1) == std::string_view::npos;
}

}  // namespace

std::string RedactUrl(std::string_view url) {
  const std::string_view shown = url.substr(0, url.find_first_of("?#"));
  const bool cut = shown.size() < url.size();

  size_t authority = 0;
  if (size_t colon = shown.find(':');
      colon != std::string_view::npos && shown.find_first_of(kSlashes, colon) == colon + 1) {
    authority = std::min(shown.find_first_not_of(kSlashes, colon + 1), shown.size());
  }
  const std::string_view scheme = shown.substr(0, authority);
  std::string_view rest = shown.substr(authority);
  std::string redacted(scheme);

  if (!absl::StartsWithIgnoreCase(Av(scheme), "file:")) {
    const std::string_view host = rest.substr(0, rest.find_first_of(kSlashes));
    // The last '@' ends the userinfo: a password may hold an unescaped one.
    const size_t userinfo = host.rfind('@') + 1;  // 0 if there is none.
    if (!IsPlausibleHost(host.substr(userinfo))) return redacted.append(kMark);
    rest.remove_prefix(userinfo);
  }
  redacted += rest;
  if (cut) redacted.append("?").append(kMark);
  return redacted;
}

}  // namespace bits

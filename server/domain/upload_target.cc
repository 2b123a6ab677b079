#include "server/domain/upload_target.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "server/base/strings.h"

namespace bits::domain {
namespace {

constexpr std::string_view kReplies = ".BIT-reply/";

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = absl::ascii_tolower(static_cast<unsigned char>(c));
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// An absolute URL without its scheme and host.
std::string_view OriginForm(std::string_view target) {
  for (const std::string_view scheme : {std::string_view("http://"), std::string_view("https://")}) {
    if (!absl::StartsWithIgnoreCase(Av(target), Av(scheme))) continue;
    const size_t slash = target.find('/', scheme.size());
    return slash == std::string_view::npos ? "/" : target.substr(slash);
  }
  return target;
}

}  // namespace

std::optional<UploadTarget> ParseUploadTarget(std::string_view target) {
  target = OriginForm(target);
  if (!target.starts_with('/')) return std::nullopt;
  UploadTarget parsed;
  const size_t mark = target.find('?');
  if (mark != std::string_view::npos) parsed.query = target.substr(mark + 1);
  const std::string_view path = target.substr(0, mark);
  for (size_t i = 0; i < path.size(); ++i) {
    char c = path[i];
    if (c == '%') {
      const int high = i + 2 < path.size() ? HexDigit(path[i + 1]) : -1;
      const int low = high < 0 ? -1 : HexDigit(path[i + 2]);
      if (low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      if (c == '/') return std::nullopt;
      i += 2;
    }
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) return std::nullopt;
    // An empty component is none to a file system: it would lead past the location of the path.
    if (c == '/' && parsed.path.ends_with('/')) return std::nullopt;
    parsed.path += c;
  }
  return parsed;
}

std::optional<std::string_view> WithinLocation(std::string_view location, std::string_view path) {
  if (path.starts_with(location)) return path.substr(location.size());
  if (path == location.substr(0, location.size() - 1)) return "";
  return std::nullopt;
}

std::string ReplyPath(std::string_view location, std::string_view session_id) {
  std::string path(location);
  path += kReplies;
  path += session_id.substr(1, session_id.size() - 2);
  return path;
}

std::optional<std::string> ReplySession(std::string_view name) {
  if (!name.starts_with(kReplies)) return std::nullopt;
  return "{" + std::string(name.substr(kReplies.size())) + "}";
}

std::string AppendQuery(std::string_view url, std::string_view query) {
  std::string whole(url);
  if (query.empty()) return whole;
  whole += url.find('?') == std::string_view::npos ? '?' : '&';
  whole += query;
  return whole;
}

}  // namespace bits::domain

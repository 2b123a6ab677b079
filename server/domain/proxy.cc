#include "server/domain/proxy.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "server/base/strings.h"

namespace bits::domain {
namespace {

constexpr std::string_view kSeparators = " \t;,";

std::vector<std::string> Entries(std::string_view list) {
  std::vector<std::string> entries;
  while (true) {
    const size_t first = list.find_first_not_of(kSeparators);
    if (first == std::string_view::npos) return entries;
    list.remove_prefix(first);
    const size_t size = std::min(list.find_first_of(kSeparators), list.size());
    entries.push_back(absl::AsciiStrToLower(Av(list.substr(0, size))));
    list.remove_prefix(size);
  }
}

bool IsUrlScheme(std::string_view scheme) { return scheme == "http" || scheme == "https"; }

// The port that a proxy of this scheme has if none is given; 0: there is no such scheme.
int DefaultPort(std::string_view scheme) {
  if (scheme == "http") return 80;
  if (scheme == "https") return 443;
  if (scheme == "socks4" || scheme == "socks4a" || scheme == "socks5" || scheme == "socks5h") {
    return 1080;
  }
  return 0;
}

// A name or an address, IPv6 in brackets.
bool IsHost(std::string_view host) {
  const auto all_of = [](std::string_view text, std::string_view also) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [also](char c) {
      return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
             also.find(c) != std::string_view::npos;
    });
  };
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    return all_of(host.substr(1, host.size() - 2), ":.");
  }
  return all_of(host, "-._");
}

bool IsPort(std::string_view text) {
  int port = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, port);
  return error == std::errc() && at == end && port >= 1 && port <= 65535;
}

// `host[:port]`; the port is empty if there is none. False: it is none.
bool TakeApart(std::string_view text, std::string_view& host, std::string_view& port) {
  const size_t bracket = text.rfind(']');
  const size_t colon = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
  host = text.substr(0, colon);
  port = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
  return colon == std::string_view::npos || IsPort(port);
}

// Takes `scheme://` off the text.
std::string TakeScheme(std::string_view& text) {
  const size_t end = text.find("://");
  if (end == std::string_view::npos) return "";
  std::string scheme(text.substr(0, end));
  text.remove_prefix(end + 3);
  return scheme;
}

}  // namespace

std::optional<std::vector<Proxy>> ParseProxyList(std::string_view list) {
  std::vector<Proxy> proxies;
  for (const std::string& entry : Entries(list)) {
    std::string_view text = entry;
    Proxy proxy;
    if (const size_t equals = text.find('='); equals != std::string_view::npos) {
      proxy.of = text.substr(0, equals);
      text.remove_prefix(equals + 1);
      if (!IsUrlScheme(proxy.of)) return std::nullopt;
    }
    std::string scheme = TakeScheme(text);
    if (scheme.empty()) scheme = "http";
    if (text.ends_with('/')) text.remove_suffix(1);
    std::string_view host;
    std::string_view port;
    const int default_port = DefaultPort(scheme);
    if (default_port == 0 || !TakeApart(text, host, port) || !IsHost(host)) return std::nullopt;
    proxy.url = absl::StrCat(scheme, "://", Av(host), ":",
                             port.empty() ? absl::StrCat(default_port) : std::string(port));
    proxies.push_back(std::move(proxy));
  }
  if (proxies.empty()) return std::nullopt;
  return proxies;
}

std::optional<bool> Bypasses(std::string_view bypass, std::string_view scheme,
                             std::string_view host, std::string_view port) {
  bool bypasses = false;
  for (const std::string& entry : Entries(bypass)) {
    if (entry == "<local>") {
      if (host.find_first_of(".:") == std::string_view::npos) bypasses = true;
      continue;
    }
    std::string_view text = entry;
    const std::string of = TakeScheme(text);
    if (!of.empty() && !IsUrlScheme(of)) return std::nullopt;
    std::string_view wanted;
    std::string_view of_port;
    if (!TakeApart(text, wanted, of_port)) return std::nullopt;
    bool fits = false;
    if (wanted.starts_with('*')) {
      const std::string_view end = wanted.substr(1);
      if (!end.empty() && !IsHost(end)) return std::nullopt;
      fits = host.ends_with(end);
    } else {
      if (!IsHost(wanted)) return std::nullopt;
      fits = host == wanted;
    }
    if (fits && (of.empty() || of == scheme) && (of_port.empty() || of_port == port)) {
      bypasses = true;
    }
  }
  return bypasses;
}

}  // namespace bits::domain

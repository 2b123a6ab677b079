// Through which proxy a job goes: BITS's BG_JOB_PROXY_USAGE and its two lists. Pure; any thread.
#ifndef BITS_SERVER_DOMAIN_PROXY_H_
#define BITS_SERVER_DOMAIN_PROXY_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bits::domain {

inline constexpr size_t kProxyListCharacters = 4'000;

// The numbers are BITS's, and stored. 3 is AUTODETECT, which no job can have.
enum class ProxyUsage : uint8_t { kPreconfigured = 0, kNone = 1, kOverride = 2 };

struct ProxySettings {
  ProxyUsage usage = ProxyUsage::kPreconfigured;
  std::string list;    // of kOverride: as the client gave it
  std::string bypass;  // of kOverride: as the client gave it
  bool operator==(const ProxySettings&) const = default;
};

// One of a proxy list: `[proto=][proto://]host[:port]`.
struct Proxy {
  std::string of;   // the scheme of the URLs that go through it; empty: all
  std::string url;  // "http://proxy:80"; also https, socks4, socks5
  bool operator==(const Proxy&) const = default;
};

// The list, in its order; nullopt if any of it is no proxy. Separated by spaces, semicolons or
// commas. A port left out is 80 for http, 443 for https, 1080 for socks. Credentials in it are a
// fault.
std::optional<std::vector<Proxy>> ParseProxyList(std::string_view list);

// Whether requests for this host go past all proxies. Entries are separated by spaces, semicolons or
// commas: `[proto://]host[:port]`, where the host may begin with `*`, or `<local>`: names without a
// dot. Nullopt: something is none of these. `host` and `scheme` in lower case, `port` decimal.
std::optional<bool> Bypasses(std::string_view bypass, std::string_view scheme,
                             std::string_view host, std::string_view port);

}  // namespace bits::domain

#endif  // BITS_SERVER_DOMAIN_PROXY_H_

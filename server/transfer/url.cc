#include "server/transfer/url.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>

#include <array>
#include <memory>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/str_replace.h"
#include "server/base/strings.h"
#include "server/domain/error_code.h"
#include "server/transfer/curl_handle.h"

namespace bits::transfer {
namespace {

struct CurlFree {
  void operator()(char* p) const { curl_free(p); }
};

std::optional<std::string> Part(CURLU* url, CURLUPart part, unsigned int flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return std::nullopt;
  const std::unique_ptr<char, CurlFree> owner(text);
  return std::string(text);
}

// Takes a CURLU of http, https or file apart.
std::variant<Url, domain::Hresult> TakeApart(CURLU* parsed) {
  curl_url_set(parsed, CURLUPART_FRAGMENT, nullptr, 0);
  Url url;
  url.scheme = absl::AsciiStrToLower(Part(parsed, CURLUPART_SCHEME).value_or(""));
  if (url.scheme != "http" && url.scheme != "https" && url.scheme != "file") {
    return domain::kUnrecognizedScheme;
  }
  if (url.scheme == "file") {
    // libcurl lets only "", "localhost" and "127.0.0.1" through as hosts, and drops them.
    std::optional<std::string> path = Part(parsed, CURLUPART_PATH, CURLU_URLDECODE);
    if (!path) return domain::kInvalidUrl;
    url.path = *std::move(path);
  } else {
    url.host = absl::AsciiStrToLower(Part(parsed, CURLUPART_HOST).value_or(""));
    url.port = Part(parsed, CURLUPART_PORT, CURLU_DEFAULT_PORT).value_or("");
    if (url.host.empty()) return domain::kInvalidUrl;
    url.has_user = Part(parsed, CURLUPART_USER).has_value();
  }
  std::optional<std::string> text = Part(parsed, CURLUPART_URL);
  if (!text) return domain::kInvalidUrl;
  url.text = *std::move(text);
  return url;
}

}  // namespace

bool Url::HostIsAddress() const {
  std::array<unsigned char, sizeof(in6_addr)> address{};
  return host.starts_with('[') || ::inet_pton(AF_INET, host.c_str(), address.data()) == 1;
}

std::variant<Url, domain::Hresult> ParseUrl(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return domain::kInvalidUrl;
  const CurlUrl parsed(curl_url());
  const std::string copy(text);
  switch (curl_url_set(parsed.get(), CURLUPART_URL, copy.c_str(), CURLU_NON_SUPPORT_SCHEME)) {
    case CURLUE_OK:
      return TakeApart(parsed.get());
    case CURLUE_UNSUPPORTED_SCHEME:
      return domain::kUnrecognizedScheme;
    default:
      return domain::kInvalidUrl;
  }
}

std::variant<Url, domain::Hresult> FollowRedirect(const Url& from, std::string_view location,
                                                  bool allow_https_to_http) {
  // Spaces are common there, and libcurl strict.
  const std::string copy = absl::StrReplaceAll(Av(location), {{" ", "%20"}});
  const CurlUrl target(curl_url());
  // Without credentials a relative location cannot inherit any.
  if (location.find('\0') != std::string_view::npos ||
      curl_url_set(target.get(), CURLUPART_URL, from.text.c_str(), 0) != CURLUE_OK) {
    return domain::kRedirectFailed;
  }
  const std::optional<std::string> user = Part(target.get(), CURLUPART_USER);
  const std::optional<std::string> password = Part(target.get(), CURLUPART_PASSWORD);
  curl_url_set(target.get(), CURLUPART_USER, nullptr, 0);
  curl_url_set(target.get(), CURLUPART_PASSWORD, nullptr, 0);
  if (curl_url_set(target.get(), CURLUPART_URL, copy.c_str(), CURLU_NON_SUPPORT_SCHEME) !=
      CURLUE_OK) {
    return domain::kRedirectFailed;
  }
  curl_url_set(target.get(), CURLUPART_USER, nullptr, 0);
  curl_url_set(target.get(), CURLUPART_PASSWORD, nullptr, 0);
  std::variant<Url, domain::Hresult> url = TakeApart(target.get());
  if (!std::holds_alternative<Url>(url)) return domain::kRedirectFailed;
  const Url& to = std::get<Url>(url);
  if (to.scheme == "file") return domain::kRedirectFailed;
  if (from.scheme == "https" && to.scheme == "http" && !allow_https_to_http) {
    return domain::kHttpsToHttpRedirect;
  }
  if (!to.SameOrigin(from) || !user) return url;
  curl_url_set(target.get(), CURLUPART_USER, user->c_str(), 0);
  if (password) curl_url_set(target.get(), CURLUPART_PASSWORD, password->c_str(), 0);
  return TakeApart(target.get());
}

}  // namespace bits::transfer

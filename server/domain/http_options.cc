#include "server/domain/http_options.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/base/strings.h"

namespace bits::domain {
namespace {

bool SameName(std::string_view a, std::string_view b) {
  return absl::EqualsIgnoreCase(Av(a), Av(b));
}

bool IsOneOf(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::any_of(names.begin(), names.end(),
                     [name](std::string_view other) { return SameName(name, other); });
}

// RFC 9110, 5.6.2.
bool IsToken(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

// RFC 9110, 5.5: what may stand in a field's value.
bool IsFieldValue(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto u = static_cast<unsigned char>(c);
    return c == '\t' || (u >= 0x20 && u != 0x7F);
  });
}

// What the transfer itself depends on.
bool IsOurs(std::string_view name) {
  return absl::StartsWithIgnoreCase(Av(name), "If-") ||
         absl::StartsWithIgnoreCase(Av(name), "Proxy-") ||
         IsOneOf(name, {"Range", "Host", "Accept-Encoding", "Connection", "Keep-Alive",
                        "Transfer-Encoding", "Content-Length", "Content-Range", "TE", "Trailer",
                        "Upgrade", "HTTP2-Settings", "Expect"});
}

template <typename T>
void Set(const std::optional<T>& from, T& to) {
  if (from.has_value()) to = *from;
}

}  // namespace

bool IsAlwaysSecret(std::string_view header_name) {
  return IsOneOf(header_name, {"Authorization", "Cookie"});
}

std::vector<HttpHeader> TakeSecretHeaders(HttpOptions& options) {
  std::vector<HttpHeader> secret;
  std::vector<HttpHeader> shown;
  for (HttpHeader& header : options.headers) {
    if (options.headers_write_only || IsAlwaysSecret(header.name)) {
      options.secret_headers.push_back(header.name);
      secret.push_back(std::move(header));
    } else {
      shown.push_back(std::move(header));
    }
  }
  options.headers = std::move(shown);
  return secret;
}

void Apply(const HttpUpdate& update, HttpOptions& options) {
  Set(update.headers_write_only, options.headers_write_only);
  if (update.headers.has_value()) {
    options.headers = *update.headers;
    options.secret_headers.clear();
  }
  TakeSecretHeaders(options);
  Set(update.method, options.method);
  Set(update.check_revocation, options.tls.check_revocation);
  Set(update.ignore_common_name, options.tls.ignore_common_name);
  Set(update.ignore_date, options.tls.ignore_date);
  Set(update.ignore_unknown_authority, options.tls.ignore_unknown_authority);
  Set(update.ignore_wrong_usage, options.tls.ignore_wrong_usage);
  Set(update.minimum_version, options.tls.minimum_version);
  Set(update.client_certificate, options.tls.client_certificate);
  Set(update.redirects, options.redirects);
  Set(update.allow_https_to_http, options.allow_https_to_http);
  Set(update.user_agent, options.user_agent);
}

std::optional<std::string> HeaderFault(const HttpHeader& header) {
  if (!IsToken(header.name)) return "the name must be a token: letters, digits, !#$%&'*+-.^_`|~";
  if (SameName(header.name, "User-Agent")) return "User-Agent is set by http_options.user_agent";
  if (IsOurs(header.name)) return absl::StrCat(header.name, " is the transfer's own");
  if (!IsFieldValue(header.value)) return "the value must hold no line ends and no other controls";
  return std::nullopt;
}

std::optional<std::string> HeadersFault(const std::vector<HttpHeader>& headers) {
  size_t characters = 0;
  for (size_t i = 0; i < headers.size(); ++i) {
    characters += headers[i].name.size() + headers[i].value.size() + std::string_view(": \r\n").size();
    for (size_t j = 0; j < i; ++j) {
      if (SameName(headers[i].name, headers[j].name)) return "no name may stand twice";
    }
    if (characters > kHeaderCharacters) return "must be at most 16,384 characters in all";
  }
  return std::nullopt;
}

std::optional<std::string> MethodFault(std::string_view method) {
  if (method.empty()) return std::nullopt;
  const bool upper = std::none_of(method.begin(), method.end(), [](char c) {
    return absl::ascii_islower(static_cast<unsigned char>(c));
  });
  if (!IsToken(method) || !upper || method.size() > kMethodCharacters) {
    return "must be an HTTP method in capitals, at most 32 characters";
  }
  if (IsOneOf(method, {"HEAD", "CONNECT", "TRACE"})) return "must be one that gives the content";
  return std::nullopt;
}

std::optional<std::string> UserAgentFault(std::string_view user_agent) {
  if (user_agent.size() > kUserAgentCharacters) return "must be at most 512 characters";
  if (!IsFieldValue(user_agent)) return "must hold no line ends and no other controls";
  return std::nullopt;
}

std::optional<std::string> CertificateNameFault(std::string_view name) {
  if (name.empty()) return std::nullopt;
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-';
  });
  if (!plain || name.front() == '.' || name.size() > kCertificateNameCharacters) {
    return "must be 1 to 128 characters of [A-Za-z0-9._-], the first no dot";
  }
  return std::nullopt;
}

}  // namespace bits::domain

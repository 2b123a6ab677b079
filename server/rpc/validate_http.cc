#include "server/rpc/validate_http.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "server/base/error_info.h"
#include "server/base/status_macros.h"
#include "server/rpc/utf8.h"

namespace bits::rpc {
namespace {

constexpr std::string_view kHttp = "http_options";
constexpr std::string_view kChecks = "http_options.certificate_checks";

std::string FieldOf(std::string_view of_http) {
  return "job.http_options." + std::string(of_http);
}

absl::StatusOr<std::vector<domain::HttpHeader>> HeadersFrom(const v1::HttpOptions& options) {
  std::vector<domain::HttpHeader> headers;
  for (int i = 0; i < options.headers_size(); ++i) {
    const v1::HttpHeader& from = options.headers(i);
    const std::string field = FieldOf("headers[" + std::to_string(i) + "]");
    if (from.value_hidden()) {
      return InvalidField(field, "its value is hidden: give it anew or leave the header out");
    }
    domain::HttpHeader header{from.name(), from.value()};
    if (const auto fault = domain::HeaderFault(header)) return InvalidField(field, *fault);
    headers.push_back(std::move(header));
    // At once, so that a long list costs little.
    if (const auto fault = domain::HeadersFault(headers)) {
      return InvalidField(FieldOf("headers"), *fault);
    }
  }
  return headers;
}

absl::StatusOr<std::string> MethodFrom(const v1::HttpOptions& options) {
  if (const auto fault = domain::MethodFault(options.method())) {
    return InvalidField(FieldOf("method"), *fault);
  }
  return options.method() == "GET" ? std::string() : options.method();
}

absl::StatusOr<std::string> UserAgentFrom(const v1::HttpOptions& options) {
  if (const auto fault = domain::UserAgentFault(options.user_agent())) {
    return InvalidField(FieldOf("user_agent"), *fault);
  }
  return options.user_agent();
}

absl::StatusOr<std::string> CertificateFrom(const v1::HttpOptions& options) {
  if (const auto fault = domain::CertificateNameFault(options.client_certificate())) {
    return InvalidField(FieldOf("client_certificate"), *fault);
  }
  return options.client_certificate();
}

absl::StatusOr<domain::RedirectPolicy> RedirectsFrom(const v1::HttpOptions& options) {
  switch (options.redirect_policy()) {
    case v1::HttpOptions::REDIRECT_POLICY_UNSPECIFIED:
    case v1::HttpOptions::REDIRECT_POLICY_ALLOW:
      return domain::RedirectPolicy::kAllow;
    case v1::HttpOptions::REDIRECT_POLICY_REPORT:
      return domain::RedirectPolicy::kReport;
    case v1::HttpOptions::REDIRECT_POLICY_DISALLOW:
      return domain::RedirectPolicy::kDisallow;
    default:
      return InvalidField(FieldOf("redirect_policy"), "must be a value of RedirectPolicy");
  }
}

absl::StatusOr<domain::TlsVersion> TlsVersionFrom(const v1::HttpOptions& options) {
  switch (options.minimum_tls_version()) {
    case v1::HttpOptions::TLS_VERSION_UNSPECIFIED:
      return domain::TlsVersion::kDefault;
    case v1::HttpOptions::TLS_VERSION_1_2:
      return domain::TlsVersion::kTls12;
    case v1::HttpOptions::TLS_VERSION_1_3:
      return domain::TlsVersion::kTls13;
    default:
      return InvalidField(FieldOf("minimum_tls_version"), "must be a value of TlsVersion");
  }
}

// The paths that can be written, and how each comes into the update.
using Write = absl::Status (*)(const v1::HttpOptions&, domain::HttpUpdate&);
struct Path {
  std::string_view name;
  bool (*populated)(const v1::HttpOptions&);
  Write write;
};

template <typename T, typename Value>
absl::Status Into(absl::StatusOr<Value> value, std::optional<T>& to) {
  BITS_RETURN_IF_ERROR(value.status());
  to = *std::move(value);
  return absl::OkStatus();
}

constexpr Path kHttpPaths[] = {
    {"http_options.headers", [](const v1::HttpOptions& o) { return o.headers_size() != 0; },
     [](const v1::HttpOptions& o, domain::HttpUpdate& u) { return Into(HeadersFrom(o), u.headers); }},
    {"http_options.headers_write_only",
     [](const v1::HttpOptions& o) { return o.headers_write_only(); },
     [](const v1::HttpOptions& o, domain::HttpUpdate& u) {
       u.headers_write_only = o.headers_write_only();
       return absl::OkStatus();
     }},
    {"http_options.method", [](const v1::HttpOptions& o) { return !o.method().empty(); },
     [](const v1::HttpOptions& o, domain::HttpUpdate& u) { return Into(MethodFrom(o), u.method); }},
    {"http_options.certificate_checks.check_revocation",
     [](const v1::HttpOptions& o) { return o.certificate_checks().check_revocation(); },
     [](const v1::HttpOptions& o, domain::HttpUpdate& u) {
       u.check_revocation = o.certificate_checks().check_revocation();
       return absl::OkStatus();
     }},
    {"http_options.certificate_checks.ignore_common_name",
     [](const v1::HttpOptions& o) { return o.certificate_checks().ignore_common_name(); },
     [](const v1::HttpOptions& o, domain::HttpUpdate& u) {
       u.ignore_common_name = o.certificate_checks().ignore_common_name();
       return absl::OkStatus();
     }},
    {"http_options.certificate_checks.ignore_date",
     [](const v1::HttpOptions& o) { return o.certificate_checks().ignore_date(); },
     [](const v1::HttpOptions& o, domain::HttpUpdate& u) {
       u.ignore_date = o.certificate_checks().ignore_date();
       return absl::OkStatus();
     }},
    {"http_options.certificate_checks.ignore_unknown_authority",
     [](const v1::HttpOptions& o) { return o.certificate_checks().ignore_unknown_authority(); },
     [](const v1::HttpOptions& o, domain::HttpUpdate& u) {
       u.ignore_unknown_authority = o.certificate_checks().ignore_unknown_authority();
       return absl::OkStatus();
     }},
    {"http_options.certificate_checks.ignore_wrong_usage",
     [](const v1::HttpOptions& o) { return o.certificate_checks().ignore_wrong_usage(); },
     [](const v1::HttpOptions& o, domain::HttpUpdate& u) {
       u.ignore_wrong_usage = o.certificate_checks().ignore_wrong_usage();
       return absl::OkStatus();
     }},
    {"http_options.redirect_policy", [](const v1::HttpOptions& o) { return o.redirect_policy() != 0; },
     [](const v1::HttpOptions& o, domain::HttpUpdate& u) {
       return Into(RedirectsFrom(o), u.redirects);
     }},
    {"http_options.allow_https_to_http",
     [](const v1::HttpOptions& o) { return o.allow_https_to_http(); },
     [](const v1::HttpOptions& o, domain::HttpUpdate& u) {
       u.allow_https_to_http = o.allow_https_to_http();
       return absl::OkStatus();
     }},
    {"http_options.client_certificate",
     [](const v1::HttpOptions& o) { return !o.client_certificate().empty(); },
     [](const v1::HttpOptions& o, domain::HttpUpdate& u) {
       return Into(CertificateFrom(o), u.client_certificate);
     }},
    {"http_options.minimum_tls_version",
     [](const v1::HttpOptions& o) { return o.minimum_tls_version() != 0; },
     [](const v1::HttpOptions& o, domain::HttpUpdate& u) {
       return Into(TlsVersionFrom(o), u.minimum_version);
     }},
    {"http_options.user_agent", [](const v1::HttpOptions& o) { return !o.user_agent().empty(); },
     [](const v1::HttpOptions& o, domain::HttpUpdate& u) {
       return Into(UserAgentFrom(o), u.user_agent);
     }},
};

// Whether the mask's path means this one: itself, or a message around it.
bool Names(std::string_view path, std::string_view leaf) {
  return path == leaf || path == "*" || (path == kHttp && leaf.starts_with(kHttp)) ||
         (path == kChecks && leaf.starts_with(kChecks));
}

absl::StatusOr<std::string> ListFrom(const std::string& list, std::string_view field,
                                     std::string_view too_large) {
  const std::optional<size_t> characters = CountCharacters(list);
  if (!characters) return InvalidField(field, "must be UTF-8");
  if (*characters > domain::kProxyListCharacters) {
    return InvalidField(field, "must be at most 4,000 characters", too_large);
  }
  if (list.find('@') != std::string::npos) {
    return InvalidField(field, "must hold no credentials: see SetCredentials");
  }
  return list;
}

}  // namespace

absl::StatusOr<domain::HttpOptions> HttpOptionsFrom(const v1::Job& job) {
  domain::HttpUpdate all;
  for (const Path& path : kHttpPaths) BITS_RETURN_IF_ERROR(path.write(job.http_options(), all));
  // Applied without the headers, of which it would drop the secret values.
  std::vector<domain::HttpHeader> headers = *std::exchange(all.headers, std::nullopt);
  domain::HttpOptions to;
  domain::Apply(all, to);
  to.headers = std::move(headers);
  return to;
}

absl::StatusOr<domain::ProxySettings> ProxyFrom(const v1::Job& job) {
  const v1::ProxySettings& from = job.proxy_settings();
  domain::ProxySettings to;
  switch (from.usage()) {
    case v1::ProxySettings::USAGE_UNSPECIFIED:
    case v1::ProxySettings::USAGE_PRECONFIGURED:
      break;
    case v1::ProxySettings::USAGE_NONE:
      to.usage = domain::ProxyUsage::kNone;
      break;
    case v1::ProxySettings::USAGE_OVERRIDE:
      to.usage = domain::ProxyUsage::kOverride;
      break;
    case v1::ProxySettings::USAGE_AUTODETECT:
      return MakeRefusal(absl::StatusCode::kUnimplemented, "E_NOTIMPL",
                         "job.proxy_settings.usage: proxies are not detected by themselves here");
    default:
      return InvalidField("job.proxy_settings.usage", "must be a value of ProxySettings.Usage");
  }
  BITS_ASSIGN_OR_RETURN(to.list, ListFrom(from.list(), "job.proxy_settings.list",
                                          "BG_E_PROXY_LIST_TOO_LARGE"));
  BITS_ASSIGN_OR_RETURN(to.bypass, ListFrom(from.bypass(), "job.proxy_settings.bypass",
                                            "BG_E_PROXY_BYPASS_LIST_TOO_LARGE"));
  if (to.usage == domain::ProxyUsage::kOverride) {
    if (to.list.empty()) {
      return InvalidField("job.proxy_settings.list", "is required with USAGE_OVERRIDE");
    }
    return to;
  }
  if (!to.list.empty()) {
    return InvalidField("job.proxy_settings.list", "must be empty but with USAGE_OVERRIDE");
  }
  if (!to.bypass.empty()) {
    return InvalidField("job.proxy_settings.bypass", "must be empty but with USAGE_OVERRIDE");
  }
  return to;
}

bool IsHttpPath(std::string_view path) {
  if (path == "proxy_settings") return true;
  if (path == "*") return false;
  return std::any_of(std::begin(kHttpPaths), std::end(kHttpPaths),
                     [path](const Path& known) { return Names(path, known.name); });
}

absl::StatusOr<std::optional<domain::HttpUpdate>> HttpUpdateFrom(
    const v1::UpdateJobRequest& request) {
  const v1::HttpOptions& from = request.job().http_options();
  const auto& paths = request.update_mask().paths();
  std::optional<domain::HttpUpdate> update;
  for (const Path& known : kHttpPaths) {
    const bool selected =
        paths.empty() ? known.populated(from)
                      : std::any_of(paths.begin(), paths.end(), [&known](const std::string& path) {
                          return Names(path, known.name);
                        });
    if (!selected) continue;
    if (!update.has_value()) update.emplace();
    BITS_RETURN_IF_ERROR(known.write(from, *update));
  }
  return update;
}

bool SelectsProxy(const v1::UpdateJobRequest& request) {
  const auto& paths = request.update_mask().paths();
  if (paths.empty()) return request.job().proxy_settings().ByteSizeLong() != 0;
  return std::any_of(paths.begin(), paths.end(), [](const std::string& path) {
    return path == "*" || path == "proxy_settings";
  });
}

absl::StatusOr<domain::CredentialSlot> SlotFrom(v1::AuthTarget target, v1::AuthScheme scheme) {
  constexpr std::string_view kWrongScheme = "BG_E_INVALID_AUTH_SCHEME";
  domain::CredentialSlot slot;
  if (target != v1::AUTH_TARGET_SERVER && target != v1::AUTH_TARGET_PROXY) {
    return InvalidField("target", "must be AUTH_TARGET_SERVER or AUTH_TARGET_PROXY",
                        "BG_E_INVALID_AUTH_TARGET");
  }
  slot.target = static_cast<domain::AuthTarget>(target);
  switch (scheme) {
    case v1::AUTH_SCHEME_BASIC:
    case v1::AUTH_SCHEME_DIGEST:
    case v1::AUTH_SCHEME_NTLM:
      break;
    case v1::AUTH_SCHEME_BEARER:
      if (target == v1::AUTH_TARGET_SERVER) break;
      return InvalidField("scheme", "AUTH_SCHEME_BEARER is for the server only", kWrongScheme);
    case v1::AUTH_SCHEME_NEGOTIATE:
    case v1::AUTH_SCHEME_PASSPORT:
      return InvalidField("scheme", "is a scheme that bitsd does not have", kWrongScheme);
    default:
      return InvalidField("scheme", "must be a value of AuthScheme", kWrongScheme);
  }
  slot.scheme = static_cast<domain::AuthScheme>(scheme);
  return slot;
}

absl::StatusOr<app::Credentials> CredentialsFrom(const v1::SetCredentialsRequest& request) {
  app::Credentials credentials;
  BITS_ASSIGN_OR_RETURN(credentials.slot, SlotFrom(request.target(), request.scheme()));
  const std::optional<size_t> user_size = CountCharacters(request.user_name());
  const std::optional<size_t> password_size = CountCharacters(request.password());
  if (!user_size) return InvalidField("user_name", "must be UTF-8");
  if (!password_size) return InvalidField("password", "must be UTF-8");
  if (*user_size > domain::kUserNameCharacters) {
    return InvalidField("user_name", "must be at most 300 characters", "BG_E_USERNAME_TOO_LARGE");
  }
  if (*password_size > domain::kPasswordCharacters) {
    return InvalidField("password", "must be at most 65,536 characters", "BG_E_PASSWORD_TOO_LARGE");
  }
  const auto has_controls = [](const std::string& text) {
    return std::any_of(text.begin(), text.end(), [](char c) {
      const auto u = static_cast<unsigned char>(c);
      return u < 0x20 || u == 0x7F;
    });
  };
  if (has_controls(request.user_name())) {
    return InvalidField("user_name", "must hold no control characters");
  }
  if (has_controls(request.password())) {
    return InvalidField("password", "must hold no control characters");
  }
  if (credentials.slot.scheme == domain::AuthScheme::kBearer) {
    if (!request.user_name().empty()) {
      return InvalidField("user_name", "must be empty with AUTH_SCHEME_BEARER");
    }
  } else if (request.user_name().empty()) {
    return InvalidField("user_name", "is required: bitsd has no log-on of yours to use instead");
  }
  if (credentials.slot.scheme == domain::AuthScheme::kBasic &&
      request.user_name().find(':') != std::string::npos) {
    return InvalidField("user_name", "must hold no colon with AUTH_SCHEME_BASIC");
  }
  if (request.password().empty()) return InvalidField("password", "is required");
  credentials.user_name = Secret(request.user_name());
  credentials.password = Secret(request.password());
  return credentials;
}

}  // namespace bits::rpc

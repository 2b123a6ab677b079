#include "server/transfer/request_setup.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/base/strings.h"
#include "server/domain/error_code.h"
#include "server/transfer/tls_checks.h"

namespace bits::transfer {
namespace {

// The strongest first.
struct KnownScheme {
  domain::AuthScheme scheme;
  unsigned long curl;
};
constexpr std::array<KnownScheme, 4> kSchemes{{{domain::AuthScheme::kBearer, CURLAUTH_BEARER},
                                               {domain::AuthScheme::kDigest, CURLAUTH_DIGEST},
                                               {domain::AuthScheme::kNtlm, CURLAUTH_NTLM},
                                               {domain::AuthScheme::kBasic, CURLAUTH_BASIC}}};

long CurlScheme(domain::AuthScheme scheme) {
  for (const KnownScheme& known : kSchemes) {
    if (known.scheme == scheme) return static_cast<long>(known.curl);
  }
  return 0;
}

bool SameHeader(std::string_view a, std::string_view b) {
  return absl::EqualsIgnoreCase(Av(a), Av(b));
}

// libcurl takes a name and a colon alone for a header to leave out.
std::string Line(const std::string& name, const std::string& value) {
  return value.empty() ? name + ";" : absl::StrCat(name, ": ", value);
}

// Schemes that authenticate the connection rather than the request.
bool BindsConnection(const std::string& authorization) {
  return absl::StartsWithIgnoreCase(authorization, "NTLM") ||
         absl::StartsWithIgnoreCase(authorization, "Negotiate");
}

bool IsTlsProxy(std::string_view proxy) { return absl::StartsWithIgnoreCase(Av(proxy), "https:"); }

// Of those that libcurl takes from the environment. Nobody changes that.
bool EnvironmentHasTlsProxy() {
  static const bool has = [] {
    bool any = false;
    for (const char* name : {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"}) {
      const char* proxy = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
      any = any || (proxy != nullptr && IsTlsProxy(proxy));
    }
    return any;
  }();
  return has;
}

bool TakesSeveralRequests(domain::AuthScheme scheme) {
  return scheme == domain::AuthScheme::kDigest || scheme == domain::AuthScheme::kNtlm;
}

domain::Failure ProxyFault(std::string detail) {
  domain::Failure failure;
  failure.hresult = domain::kInvalidProxyInfo;
  failure.context = domain::ErrorContext::kGeneralTransport;
  failure.detail = std::move(detail);
  return failure;
}

}  // namespace

RequestSetup::RequestSetup(const EngineOptions* options,
                           std::shared_ptr<const app::RequestOptions> request, Url origin)
    : options_(options),
      request_(request != nullptr ? std::move(request)
                                  : std::make_shared<const app::RequestOptions>()),
      origin_(std::move(origin)) {
  if (request_->proxy.usage == domain::ProxyUsage::kOverride) {
    proxies_ = domain::ParseProxyList(request_->proxy.list);
  }
}

std::optional<domain::Failure> RequestSetup::Fault() const {
  if (request_->proxy.usage == domain::ProxyUsage::kOverride) {
    if (!proxies_.has_value()) return ProxyFault("the list of proxies is not valid");
    if (!domain::Bypasses(request_->proxy.bypass, "", "", "").has_value()) {
      return ProxyFault("the bypass list is not valid");
    }
  }
  if (OverlooksFaults(request_->http.tls) && MayUseTlsProxy()) {
    return ProxyFault(
        "a job that ignores faults of certificates cannot use a proxy that is spoken to by https: "
        "the proxy's own would not be checked either");
  }
  return std::nullopt;
}

bool RequestSetup::MayUseTlsProxy() const {
  switch (request_->proxy.usage) {
    case domain::ProxyUsage::kPreconfigured:
      return options_->proxy.has_value() ? IsTlsProxy(*options_->proxy) : EnvironmentHasTlsProxy();
    case domain::ProxyUsage::kNone:
      return false;
    case domain::ProxyUsage::kOverride:
      return std::any_of(proxies_->begin(), proxies_->end(),
                         [](const domain::Proxy& proxy) { return IsTlsProxy(proxy.url); });
  }
  return false;
}

CurlList RequestSetup::Apply(CURL* easy, const Url& url, std::string_view method,
                             CurlList headers) {
  const domain::HttpOptions& http = request_->http;
  const bool at_origin = url.SameOrigin(origin_);
  private_ = http.tls != domain::TlsOptions();
  curl_easy_setopt(
      easy, CURLOPT_USERAGENT,
      http.user_agent.empty() ? options_->user_agent.c_str() : http.user_agent.c_str());
  if (!method.empty()) {
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, std::string(method).c_str());
  }
  SetTlsChecks(easy, http.tls, options_->crl_file);
  if (at_origin && !http.tls.client_certificate.empty()) {
    certificate_ = absl::StrCat(options_->client_certificates_dir, "/",
                                http.tls.client_certificate, ".pem");
    curl_easy_setopt(easy, CURLOPT_SSLCERT, certificate_.c_str());
    curl_easy_setopt(easy, CURLOPT_SSLKEY, certificate_.c_str());
  }
  SetProxy(easy, url);
  server_auth_sent_ = at_origin && server_ != nullptr;
  if (server_auth_sent_) {
    SetServerAuth(easy);
    if (server_->slot.scheme == domain::AuthScheme::kNtlm) private_ = true;
  }
  if (at_origin) {
    for (const app::SecretHeader& header : request_->secrets.headers) {
      if (SameHeader(header.name, "Authorization") && BindsConnection(header.value.Reveal())) {
        private_ = true;
      }
    }
  }
  if (private_) {
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
  }
  return AddHeaders(std::move(headers), method, at_origin);
}

CurlList RequestSetup::AddHeaders(CurlList headers, std::string_view method,
                                  bool at_origin) const {
  if (method == "POST" || method == "PUT" || method == "PATCH") {
    headers = Append(std::move(headers), "Content-Length: 0");
  }
  for (const domain::HttpHeader& header : request_->http.headers) {
    headers = Append(std::move(headers), Line(header.name, header.value));
  }
  if (!at_origin) return headers;
  for (const app::SecretHeader& header : request_->secrets.headers) {
    // What the server asked for is shown in its place.
    if (server_ != nullptr && SameHeader(header.name, "Authorization")) continue;
    std::string line = Line(header.name, header.value.Reveal());
    headers = Append(std::move(headers), line);
    WipeText(line);
  }
  return headers;
}

void RequestSetup::SetServerAuth(CURL* easy) const {
  curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CurlScheme(server_->slot.scheme));
  if (server_->slot.scheme == domain::AuthScheme::kBearer) {
    curl_easy_setopt(easy, CURLOPT_XOAUTH2_BEARER, server_->password.Reveal().c_str());
    return;
  }
  curl_easy_setopt(easy, CURLOPT_USERNAME, server_->user_name.Reveal().c_str());
  curl_easy_setopt(easy, CURLOPT_PASSWORD, server_->password.Reveal().c_str());
}

void RequestSetup::SetProxyAuth(CURL* easy) const {
  curl_easy_setopt(easy, CURLOPT_PROXYAUTH, CurlScheme(proxy_->slot.scheme));
  curl_easy_setopt(easy, CURLOPT_PROXYUSERNAME, proxy_->user_name.Reveal().c_str());
  curl_easy_setopt(easy, CURLOPT_PROXYPASSWORD, proxy_->password.Reveal().c_str());
  // A SOCKS proxy asks by no 407: that was the server's.
  curl_easy_setopt(easy, CURLOPT_SOCKS5_AUTH, 0L);
}

void RequestSetup::SetProxy(CURL* easy, const Url& url) {
  std::string in_use;
  switch (request_->proxy.usage) {
    case domain::ProxyUsage::kPreconfigured:
      if (options_->proxy.has_value()) {
        curl_easy_setopt(easy, CURLOPT_PROXY, options_->proxy->c_str());
      }
      // Which it is, and whether there is one for the host, libcurl finds in the environment.
      if (!options_->proxy.has_value() || !options_->proxy->empty()) {
        in_use = absl::StrCat("for ", url.scheme, "://", url.HostAndPort());
      }
      break;
    case domain::ProxyUsage::kNone:
      curl_easy_setopt(easy, CURLOPT_PROXY, "");
      break;
    case domain::ProxyUsage::kOverride: {
      std::vector<std::string> fitting;
      if (!domain::Bypasses(request_->proxy.bypass, url.scheme, url.host, url.port)
               .value_or(false)) {
        for (const domain::Proxy& proxy : *proxies_) {
          if (proxy.of.empty() || proxy.of == url.scheme) fitting.push_back(proxy.url);
        }
      }
      // A redirect may lead to where others are to be used: those that failed say nothing of them.
      if (fitting != fitting_) next_proxy_ = 0;
      fitting_ = std::move(fitting);
      if (!fitting_.empty()) in_use = fitting_.at(next_proxy_);
      curl_easy_setopt(easy, CURLOPT_PROXY, in_use.c_str());
      curl_easy_setopt(easy, CURLOPT_NOPROXY, "");  // the environment's does not count
      break;
    }
  }
  if (in_use != proxy_in_use_) proxy_ = nullptr;  // this one has not asked
  proxy_in_use_ = std::move(in_use);
  if (proxy_ == nullptr) return;
  SetProxyAuth(easy);
  private_ = true;  // a tunnel stands for whoever opened it
}

const app::Credentials* RequestSetup::Choose(domain::AuthTarget target, long schemes) const {
  for (const KnownScheme& known : kSchemes) {
    if ((static_cast<unsigned long>(schemes) & known.curl) == 0) continue;
    for (const app::Credentials& credentials : request_->secrets.credentials) {
      if (credentials.slot == domain::CredentialSlot{target, known.scheme}) return &credentials;
    }
  }
  return nullptr;
}

bool RequestSetup::AnswerServer(const Url& url, long schemes) {
  if (server_ != nullptr || !url.SameOrigin(origin_) || url.has_user) return false;
  server_ = Choose(domain::AuthTarget::kServer, schemes);
  return server_ != nullptr;
}

bool RequestSetup::AnswerProxy(const Url& url, bool tunnel, long schemes) {
  if (proxy_ != nullptr || proxy_in_use_.empty()) return false;
  if (!tunnel && (url.scheme != "http" || proxy_in_use_.starts_with("socks"))) return false;
  proxy_ = Choose(domain::AuthTarget::kProxy, schemes);
  return proxy_ != nullptr;
}

bool RequestSetup::AnswersItself(uint32_t status) const {
  return (status == 401 && server_auth_sent_ && TakesSeveralRequests(server_->slot.scheme)) ||
         (status == 407 && proxy_ != nullptr && TakesSeveralRequests(proxy_->slot.scheme));
}

bool RequestSetup::TryNextProxy() {
  if (next_proxy_ + 1 >= fitting_.size()) return false;
  ++next_proxy_;
  return true;
}

}  // namespace bits::transfer

#include "server/store/record_http.h"

#include <cstdint>
#include <utility>

namespace bits::store {
namespace {

template <typename Enum>
bool ToEnumUpTo(uint32_t number, Enum last, Enum& to) {
  if (number > static_cast<uint32_t>(last)) return false;
  to = static_cast<Enum>(number);
  return true;
}

bool ToSlot(const v1::CredentialSlot& from, domain::CredentialSlot& to) {
  to.target = static_cast<domain::AuthTarget>(from.target());
  to.scheme = static_cast<domain::AuthScheme>(from.scheme());
  switch (to.target) {
    case domain::AuthTarget::kServer:
    case domain::AuthTarget::kProxy:
      break;
    default:
      return false;
  }
  switch (to.scheme) {
    case domain::AuthScheme::kBasic:
    case domain::AuthScheme::kDigest:
    case domain::AuthScheme::kNtlm:
    case domain::AuthScheme::kBearer:
      return from.scheme() <= UINT8_MAX && from.target() <= UINT8_MAX;
  }
  return false;
}

void OptionsToRecord(const domain::HttpOptions& options, v1::HttpOptions& to) {
  for (const domain::HttpHeader& header : options.headers) {
    v1::HttpHeader& added = *to.add_headers();
    added.set_name(header.name);
    added.set_value(header.value);
  }
  for (const std::string& name : options.secret_headers) to.add_secret_headers(name);
  to.set_headers_write_only(options.headers_write_only);
  to.set_method(options.method);
  to.set_check_revocation(options.tls.check_revocation);
  to.set_ignore_common_name(options.tls.ignore_common_name);
  to.set_ignore_date(options.tls.ignore_date);
  to.set_ignore_unknown_authority(options.tls.ignore_unknown_authority);
  to.set_ignore_wrong_usage(options.tls.ignore_wrong_usage);
  to.set_minimum_version(static_cast<uint32_t>(options.tls.minimum_version));
  to.set_client_certificate(options.tls.client_certificate);
  to.set_redirects(static_cast<uint32_t>(options.redirects));
  to.set_allow_https_to_http(options.allow_https_to_http);
  to.set_user_agent(options.user_agent);
}

bool OptionsFromRecord(v1::HttpOptions& from, domain::HttpOptions& to) {
  for (v1::HttpHeader& header : *from.mutable_headers()) {
    to.headers.push_back(
        {std::move(*header.mutable_name()), std::move(*header.mutable_value())});
  }
  for (std::string& name : *from.mutable_secret_headers()) {
    to.secret_headers.push_back(std::move(name));
  }
  to.headers_write_only = from.headers_write_only();
  to.method = std::move(*from.mutable_method());
  to.tls.check_revocation = from.check_revocation();
  to.tls.ignore_common_name = from.ignore_common_name();
  to.tls.ignore_date = from.ignore_date();
  to.tls.ignore_unknown_authority = from.ignore_unknown_authority();
  to.tls.ignore_wrong_usage = from.ignore_wrong_usage();
  to.tls.client_certificate = std::move(*from.mutable_client_certificate());
  to.allow_https_to_http = from.allow_https_to_http();
  to.user_agent = std::move(*from.mutable_user_agent());
  return ToEnumUpTo(from.minimum_version(), domain::TlsVersion::kTls13, to.tls.minimum_version) &&
         ToEnumUpTo(from.redirects(), domain::RedirectPolicy::kDisallow, to.redirects);
}

}  // namespace

void HttpToRecord(const domain::Job& job, v1::JobRecord& to) {
  if (job.http != domain::HttpOptions()) OptionsToRecord(job.http, *to.mutable_http());
  if (job.proxy != domain::ProxySettings()) {
    to.mutable_proxy()->set_usage(static_cast<uint32_t>(job.proxy.usage));
    to.mutable_proxy()->set_list(job.proxy.list);
    to.mutable_proxy()->set_bypass(job.proxy.bypass);
  }
  for (const domain::CredentialSlot& slot : job.credentials) {
    v1::CredentialSlot& added = *to.add_credentials();
    added.set_target(static_cast<uint32_t>(slot.target));
    added.set_scheme(static_cast<uint32_t>(slot.scheme));
  }
  to.set_secrets_volatile(job.secrets_volatile);
  to.set_resumed(job.resumed);
}

bool HttpFromRecord(v1::JobRecord& from, domain::Job& to) {
  if (from.has_http() && !OptionsFromRecord(*from.mutable_http(), to.http)) return false;
  to.proxy.list = std::move(*from.mutable_proxy()->mutable_list());
  to.proxy.bypass = std::move(*from.mutable_proxy()->mutable_bypass());
  for (const v1::CredentialSlot& slot : from.credentials()) {
    if (!ToSlot(slot, to.credentials.emplace_back())) return false;
  }
  to.secrets_volatile = from.secrets_volatile();
  to.resumed = from.resumed();
  return ToEnumUpTo(from.proxy().usage(), domain::ProxyUsage::kOverride, to.proxy.usage);
}

}  // namespace bits::store

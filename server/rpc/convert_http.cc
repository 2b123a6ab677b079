#include "server/base/redact.h"
#include "server/rpc/convert_http.h"

#include "server/rpc/utf8.h"

namespace bits::rpc {
namespace {

v1::HttpOptions::RedirectPolicy RedirectPolicyOf(domain::RedirectPolicy policy) {
  switch (policy) {
    case domain::RedirectPolicy::kAllow:
      return v1::HttpOptions::REDIRECT_POLICY_ALLOW;
    case domain::RedirectPolicy::kReport:
      return v1::HttpOptions::REDIRECT_POLICY_REPORT;
    case domain::RedirectPolicy::kDisallow:
      return v1::HttpOptions::REDIRECT_POLICY_DISALLOW;
  }
  return v1::HttpOptions::REDIRECT_POLICY_UNSPECIFIED;
}

v1::HttpOptions::TlsVersion TlsVersionOf(domain::TlsVersion version) {
  switch (version) {
    case domain::TlsVersion::kDefault:
      break;
    case domain::TlsVersion::kTls12:
      return v1::HttpOptions::TLS_VERSION_1_2;
    case domain::TlsVersion::kTls13:
      return v1::HttpOptions::TLS_VERSION_1_3;
  }
  return v1::HttpOptions::TLS_VERSION_UNSPECIFIED;
}

v1::ProxySettings::Usage UsageOf(domain::ProxyUsage usage) {
  switch (usage) {
    case domain::ProxyUsage::kPreconfigured:
      return v1::ProxySettings::USAGE_PRECONFIGURED;
    case domain::ProxyUsage::kNone:
      return v1::ProxySettings::USAGE_NONE;
    case domain::ProxyUsage::kOverride:
      return v1::ProxySettings::USAGE_OVERRIDE;
  }
  return v1::ProxySettings::USAGE_UNSPECIFIED;
}

}  // namespace

void FillHttp(const domain::Job& job, v1::Job* to) {
  v1::HttpOptions* options = to->mutable_http_options();
  for (const domain::HttpHeader& header : job.http.headers) {
    v1::HttpHeader* added = options->add_headers();
    added->set_name(header.name);
    added->set_value(header.value);
  }
  for (const std::string& name : job.http.secret_headers) {
    v1::HttpHeader* added = options->add_headers();
    added->set_name(name);
    added->set_value_hidden(true);
  }
  options->set_headers_write_only(job.http.headers_write_only);
  options->set_method(job.http.method);
  v1::CertificateChecks* checks = options->mutable_certificate_checks();
  checks->set_check_revocation(job.http.tls.check_revocation);
  checks->set_ignore_common_name(job.http.tls.ignore_common_name);
  checks->set_ignore_date(job.http.tls.ignore_date);
  checks->set_ignore_unknown_authority(job.http.tls.ignore_unknown_authority);
  checks->set_ignore_wrong_usage(job.http.tls.ignore_wrong_usage);
  options->set_redirect_policy(RedirectPolicyOf(job.http.redirects));
  options->set_allow_https_to_http(job.http.allow_https_to_http);
  options->set_client_certificate(job.http.tls.client_certificate);
  options->set_minimum_tls_version(TlsVersionOf(job.http.tls.minimum_version));
  options->set_user_agent(job.http.user_agent);
  to->mutable_proxy_settings()->set_usage(UsageOf(job.proxy.usage));
  to->mutable_proxy_settings()->set_list(job.proxy.list);
  to->mutable_proxy_settings()->set_bypass(job.proxy.bypass);
  for (const domain::CredentialSlot& slot : job.credentials) {
    v1::CredentialsKey* key = to->mutable_secrets()->add_credentials();
    key->set_target(static_cast<v1::AuthTarget>(slot.target));
    key->set_scheme(static_cast<v1::AuthScheme>(slot.scheme));
  }
  if (job.secrets_volatile) to->mutable_secrets()->set_in_memory_only(true);
}

void HideFromEvents(v1::Job* job) {
  for (v1::HttpHeader& header : *job->mutable_http_options()->mutable_headers()) {
    header.clear_value();
    header.set_value_hidden(true);
  }
  if (!job->has_notifications()) return;
  v1::NotificationOptions& notifications = *job->mutable_notifications();
  if (notifications.has_webhook()) {
    v1::Webhook& webhook = *notifications.mutable_webhook();
    webhook.set_uri(RedactUrl(webhook.uri()));
  }
  if (notifications.has_command_line()) notifications.mutable_command_line()->clear_arguments();
}

void FillResponseHeaders(std::string_view lines, v1::File* to) {
  while (!lines.empty()) {
    const size_t end = lines.find("\r\n");
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(end == std::string_view::npos ? lines.size() : end + 2);
    const size_t colon = line.find(": ");
    if (colon == std::string_view::npos) continue;
    v1::HttpHeader* header = to->add_response_headers();
    // An origin may send any bytes; a proto string holds UTF-8 only.
    header->set_name(CleanUtf8(line.substr(0, colon), 3 * line.size()));
    header->set_value(CleanUtf8(line.substr(colon + 2), 3 * line.size()));
  }
}

}  // namespace bits::rpc

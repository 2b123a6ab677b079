#include "client/cli/http_args.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>

#include <fstream>

#include "client/cli/text.h"

namespace bits::cli {
namespace {

absl::Status AddHeader(const std::string& text, v1::HttpOptions& options) {
  const auto colon = text.find(':');
  if (colon == std::string::npos || colon == 0) {
    return absl::InvalidArgumentError("a header wants NAME: VALUE");  // it may be a secret
  }
  auto* header = options.add_headers();
  header->set_name(text.substr(0, colon));
  header->set_value(std::string(absl::StripAsciiWhitespace(text.substr(colon + 1))));
  return absl::OkStatus();
}

absl::Status ApplyHeaders(const Arguments& arguments, v1::Job& job,
                          std::vector<std::string>& mask) {
  v1::HttpOptions& options = *job.mutable_http_options();
  options.clear_headers();
  for (const auto& text : arguments.GetAll("header")) {
    if (auto status = AddHeader(text, options); !status.ok()) return status;
  }
  if (const auto path = arguments.Get("header-file")) {
    std::ifstream in(*path);
    if (!in) return absl::InvalidArgumentError(absl::StrCat("cannot read ", Printable(*path)));
    for (std::string line; std::getline(in, line);) {
      if (absl::StripAsciiWhitespace(line).empty()) continue;
      if (auto status = AddHeader(line, options); !status.ok()) return status;
    }
  }
  const bool given = arguments.Has("header") || arguments.Has("header-file");
  if (given && arguments.Has("no-headers")) {
    return absl::InvalidArgumentError("--header and --no-headers exclude each other");
  }
  if (given || arguments.Has("no-headers")) mask.emplace_back("http_options.headers");
  if (arguments.Has("write-only-headers")) {
    options.set_headers_write_only(true);
    mask.emplace_back("http_options.headers_write_only");
  }
  return absl::OkStatus();
}

absl::Status ApplyRedirects(const Arguments& arguments, v1::Job& job,
                            std::vector<std::string>& mask) {
  v1::HttpOptions& options = *job.mutable_http_options();
  if (const auto text = arguments.Get("redirects")) {
    v1::HttpOptions::RedirectPolicy policy = v1::HttpOptions::REDIRECT_POLICY_UNSPECIFIED;
    if (!v1::HttpOptions::RedirectPolicy_Parse(
            absl::StrCat("REDIRECT_POLICY_", absl::AsciiStrToUpper(*text)), &policy)) {
      return absl::InvalidArgumentError("--redirects wants allow, report or disallow");
    }
    options.set_redirect_policy(policy);
    mask.emplace_back("http_options.redirect_policy");
  }
  if (const auto text = arguments.Get("https-to-http")) {
    if (*text != "allow" && *text != "refuse") {
      return absl::InvalidArgumentError("--https-to-http wants allow or refuse");
    }
    options.set_allow_https_to_http(*text == "allow");
    mask.emplace_back("http_options.allow_https_to_http");
  }
  return absl::OkStatus();
}

absl::Status ApplyTls(const Arguments& arguments, v1::Job& job, std::vector<std::string>& mask) {
  v1::HttpOptions& options = *job.mutable_http_options();
  if (const auto text = arguments.Get("certificate-checks")) {
    v1::CertificateChecks& checks = *options.mutable_certificate_checks();
    checks.Clear();
    for (const absl::string_view word : absl::StrSplit(*text, ',')) {
      if (word == "revocation") {
        checks.set_check_revocation(true);
      } else if (word == "no-name") {
        checks.set_ignore_common_name(true);
      } else if (word == "no-date") {
        checks.set_ignore_date(true);
      } else if (word == "no-authority") {
        checks.set_ignore_unknown_authority(true);
      } else if (word == "no-usage") {
        checks.set_ignore_wrong_usage(true);
      } else if (word != "default") {
        return absl::InvalidArgumentError(
            "--certificate-checks wants some of revocation, no-name, no-date, no-authority, "
            "no-usage, with commas between, or default");
      }
    }
    mask.emplace_back("http_options.certificate_checks");
  }
  if (const auto text = arguments.Get("min-tls")) {
    if (*text != "1.2" && *text != "1.3") return absl::InvalidArgumentError("--min-tls wants 1.2 or 1.3");
    options.set_minimum_tls_version(*text == "1.2" ? v1::HttpOptions::TLS_VERSION_1_2
                                                   : v1::HttpOptions::TLS_VERSION_1_3);
    mask.emplace_back("http_options.minimum_tls_version");
  }
  if (const auto text = arguments.Get("client-certificate")) {
    options.set_client_certificate(*text);
    mask.emplace_back("http_options.client_certificate");
  }
  return absl::OkStatus();
}

absl::Status ApplyProxy(const Arguments& arguments, v1::Job& job, std::vector<std::string>& mask) {
  const auto text = arguments.Get("proxy");
  const auto bypass = arguments.Get("proxy-bypass");
  if (!text && bypass) return absl::InvalidArgumentError("--proxy-bypass needs --proxy");
  if (!text) return absl::OkStatus();
  v1::ProxySettings& proxy = *job.mutable_proxy_settings();
  proxy.Clear();
  // Also in bitsadmin's words.
  const std::string word = absl::AsciiStrToLower(*text);
  if (word == "preconfigured" || word == "preconfig") {
    proxy.set_usage(v1::ProxySettings::USAGE_PRECONFIGURED);
  } else if (word == "none" || word == "no_proxy") {
    proxy.set_usage(v1::ProxySettings::USAGE_NONE);
  } else if (word == "autodetect") {
    proxy.set_usage(v1::ProxySettings::USAGE_AUTODETECT);
  } else if (word == "override") {
    return absl::InvalidArgumentError("--proxy wants the list of proxies itself");
  } else {
    proxy.set_usage(v1::ProxySettings::USAGE_OVERRIDE);
    proxy.set_list(*text);
  }
  if (bypass) proxy.set_bypass(*bypass);
  mask.emplace_back("proxy_settings");
  return absl::OkStatus();
}

}  // namespace

const std::vector<OptionSpec>& HttpOptionSpecs() {
  static const std::vector<OptionSpec> specs = {
      {"header", "NAME: VALUE", "a header to send; those of before are replaced", true},
      {"header-file", "FILE", "headers, one a line: where others cannot read secrets, as they can "
                              "on a command line"},
      {"no-headers", "", "send no headers of your own"},
      {"write-only-headers", "", "show the values of the job's headers to nobody, for good"},
      {"http-method", "METHOD", "the method in place of GET; before the job first runs"},
      {"user-agent", "TEXT", "the User-Agent to send"},
      {"redirects", "POLICY", "allow, report (the file's URL becomes the one led to) or disallow"},
      {"https-to-http", "POLICY", "allow or refuse redirects from https to http"},
      {"certificate-checks", "LIST",
       "revocation, no-name, no-date, no-authority, no-usage, with commas between; default"},
      {"min-tls", "VERSION", "1.2 or 1.3"},
      {"client-certificate", "NAME", "which of bitsd's certificates to show"},
      {"proxy", "PROXY", "preconfigured, none, or a list such as \"http://proxy:3128\""},
      {"proxy-bypass", "LIST", "what goes past the proxies, such as \"<local> *.example.com\""},
  };
  return specs;
}

absl::Status ApplyHttpOptions(const Arguments& arguments, v1::Job& job,
                              std::vector<std::string>& mask) {
  if (const auto text = arguments.Get("http-method")) {
    job.mutable_http_options()->set_method(absl::AsciiStrToUpper(*text));
    mask.emplace_back("http_options.method");
  }
  if (const auto text = arguments.Get("user-agent")) {
    job.mutable_http_options()->set_user_agent(*text);
    mask.emplace_back("http_options.user_agent");
  }
  for (const auto& status :
       {ApplyHeaders(arguments, job, mask), ApplyRedirects(arguments, job, mask),
        ApplyTls(arguments, job, mask), ApplyProxy(arguments, job, mask)}) {
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

std::string CredentialsText(const v1::CredentialsKey& key) {
  // "AUTH_TARGET_SERVER" and its like; a newer value is a number.
  const auto short_name = [](const std::string& full, std::size_t prefix, int number) {
    return full.size() > prefix ? full.substr(prefix) : absl::StrCat(number);
  };
  return absl::StrCat(short_name(v1::AuthTarget_Name(key.target()), 12, key.target()), " ",
                      short_name(v1::AuthScheme_Name(key.scheme()), 12, key.scheme()));
}

std::vector<std::pair<std::string, std::string>> HttpDetails(const v1::Job& job) {
  std::vector<std::pair<std::string, std::string>> details;
  const v1::HttpOptions& http = job.http_options();
  const auto add = [&details](const char* title, const std::string& value) {
    if (!value.empty()) details.emplace_back(title, value);
  };
  for (const auto& header : http.headers()) {
    add("Header", header.value_hidden() ? absl::StrCat(header.name(), " (value not shown)")
                                        : absl::StrCat(header.name(), ": ", header.value()));
  }
  if (http.headers_write_only()) add("Headers", "write-only");
  add("Method", http.method());
  add("User agent", http.user_agent());
  if (http.redirect_policy() == v1::HttpOptions::REDIRECT_POLICY_REPORT) add("Redirects", "report");
  if (http.redirect_policy() == v1::HttpOptions::REDIRECT_POLICY_DISALLOW) {
    add("Redirects", "disallow");
  }
  if (http.allow_https_to_http()) add("https to http", "allowed");
  std::vector<std::string> checks;
  if (http.certificate_checks().check_revocation()) checks.emplace_back("revocation");
  if (http.certificate_checks().ignore_common_name()) checks.emplace_back("no-name");
  if (http.certificate_checks().ignore_date()) checks.emplace_back("no-date");
  if (http.certificate_checks().ignore_unknown_authority()) checks.emplace_back("no-authority");
  if (http.certificate_checks().ignore_wrong_usage()) checks.emplace_back("no-usage");
  add("Certificate checks", absl::StrJoin(checks, ","));
  if (http.minimum_tls_version() == v1::HttpOptions::TLS_VERSION_1_2) add("Least TLS", "1.2");
  if (http.minimum_tls_version() == v1::HttpOptions::TLS_VERSION_1_3) add("Least TLS", "1.3");
  add("Client certificate", http.client_certificate());
  if (job.proxy_settings().usage() == v1::ProxySettings::USAGE_NONE) add("Proxy", "none");
  add("Proxy", job.proxy_settings().list());
  add("Proxy bypass", job.proxy_settings().bypass());
  for (const auto& key : job.secrets().credentials()) add("Credentials", CredentialsText(key));
  if (job.secrets().in_memory_only()) add("Secrets", "lost when bitsd stops");
  return details;
}

}  // namespace bits::cli

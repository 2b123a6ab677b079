// How a job asks for its files over HTTP: BITS's IBackgroundCopyJobHttpOptions. Pure; any thread.
#ifndef BITS_SERVER_DOMAIN_HTTP_OPTIONS_H_
#define BITS_SERVER_DOMAIN_HTTP_OPTIONS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bits::domain {

// All custom headers of a job together, each as `Name: value` and a line end.
inline constexpr size_t kHeaderCharacters = 16'384;
inline constexpr size_t kMethodCharacters = 32;
inline constexpr size_t kUserAgentCharacters = 512;
inline constexpr size_t kCertificateNameCharacters = 128;

struct HttpHeader {
  std::string name;
  std::string value;
  bool operator==(const HttpHeader&) const = default;
};

// The numbers of the enums below are stored: never renumber, only add.

enum class RedirectPolicy : uint8_t {
  kAllow = 0,
  kReport = 1,    // the remote name becomes the URL that was led to
  kDisallow = 2,  // an error; the remote name becomes the URL that was led to
};

enum class TlsVersion : uint8_t { kDefault = 0, kTls12 = 1, kTls13 = 2 };

// What is asked of the server's certificate, and what it is shown.
struct TlsOptions {
  bool check_revocation = false;
  bool ignore_common_name = false;
  bool ignore_date = false;
  bool ignore_unknown_authority = false;
  bool ignore_wrong_usage = false;
  TlsVersion minimum_version = TlsVersion::kDefault;
  std::string client_certificate;  // a name in the operator's directory; empty: none
  bool operator==(const TlsOptions&) const = default;
};

struct HttpOptions {
  // Those whose values may be shown. No name stands twice, whatever its case.
  std::vector<HttpHeader> headers;
  // The names of the others. Their values are among the job's secrets.
  std::vector<std::string> secret_headers;
  bool headers_write_only = false;  // all of them are secret; never false again
  std::string method;               // empty: GET
  TlsOptions tls;
  RedirectPolicy redirects = RedirectPolicy::kAllow;
  bool allow_https_to_http = false;
  std::string user_agent;  // empty: the server's own
  bool operator==(const HttpOptions&) const = default;
};

// What UpdateJob writes of them, already checked; absent ones stay.
struct HttpUpdate {
  std::optional<std::vector<HttpHeader>> headers;  // secret ones too
  std::optional<bool> headers_write_only;
  std::optional<std::string> method;
  std::optional<bool> check_revocation;
  std::optional<bool> ignore_common_name;
  std::optional<bool> ignore_date;
  std::optional<bool> ignore_unknown_authority;
  std::optional<bool> ignore_wrong_usage;
  std::optional<TlsVersion> minimum_version;
  std::optional<std::string> client_certificate;
  std::optional<RedirectPolicy> redirects;
  std::optional<bool> allow_https_to_http;
  std::optional<std::string> user_agent;
};

// Writes them; secret values are dropped, their names kept.
void Apply(const HttpUpdate& update, HttpOptions& options);

// Takes the headers out that are to be secret, with their values; their names stay.
std::vector<HttpHeader> TakeSecretHeaders(HttpOptions& options);

// Whether a header's value is a secret whatever the job says: Authorization, Cookie.
bool IsAlwaysSecret(std::string_view header_name);

inline bool HasCustomMethod(const HttpOptions& options) {
  return !options.method.empty() && options.method != "GET";
}

// What is wrong, in words that hold nothing of a value; nullopt: nothing.
std::optional<std::string> HeaderFault(const HttpHeader& header);
std::optional<std::string> HeadersFault(const std::vector<HttpHeader>& headers);  // all together
std::optional<std::string> MethodFault(std::string_view method);                  // empty is GET
std::optional<std::string> UserAgentFault(std::string_view user_agent);
std::optional<std::string> CertificateNameFault(std::string_view name);

}  // namespace bits::domain

#endif  // BITS_SERVER_DOMAIN_HTTP_OPTIONS_H_

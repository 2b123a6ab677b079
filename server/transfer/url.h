// Remote names, taken apart. Pure.
#ifndef BITS_SERVER_TRANSFER_URL_H_
#define BITS_SERVER_TRANSFER_URL_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "server/domain/error.h"

namespace bits::transfer {

struct Url {
  std::string text;    // whole, without a fragment; may hold secrets
  std::string scheme;  // "http", "https", "file"
  std::string host;    // lower case; of file: empty
  std::string port;    // the scheme's, if none is given
  std::string path;    // of file: decoded; else empty
  bool has_user = false;  // a user name is in it

  // What may share a connection, and credentials.
  bool SameOrigin(const Url& other) const {
    return scheme == other.scheme && host == other.host && port == other.port;
  }
  std::string HostAndPort() const { return host + ":" + port; }
  // The host is an address: nothing has to be looked up.
  bool HostIsAddress() const;
};

// The URL, or ERROR_WINHTTP_INVALID_URL, ERROR_WINHTTP_UNRECOGNIZED_SCHEME.
std::variant<Url, domain::Hresult> ParseUrl(std::string_view text);

// Where `from` leads when the server says Location: `location`. Credentials go along only to the
// same origin, and never come from a server. A code otherwise: kHttpsToHttpRedirect (unless
// allowed), kRedirectFailed (no URL, or of another scheme).
std::variant<Url, domain::Hresult> FollowRedirect(const Url& from, std::string_view location,
                                                  bool allow_https_to_http = false);

}  // namespace bits::transfer

#endif  // BITS_SERVER_TRANSFER_URL_H_

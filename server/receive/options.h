// How the receiver of uploads is set up.
#ifndef BITS_SERVER_RECEIVE_OPTIONS_H_
#define BITS_SERVER_RECEIVE_OPTIONS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "server/domain/upload_session.h"

namespace bits::receive {

struct ListenOptions {
  std::string address;  // an IP address, without brackets
  std::string port;     // 0: any free one
  // PEM. Empty: plain HTTP.
  std::string certificate_file = {};
  std::string key_file = {};
  // PEM. Clients must show a certificate that one of these authorities has signed.
  std::string client_ca_file = {};
};

struct User {
  std::string name;
  std::string password_hash;  // as crypt(3) writes it
};

struct Location {
  domain::UploadLocation rules;
  std::vector<User> users;  // none: nobody is asked
};

struct Options {
  std::vector<ListenOptions> listen;
  std::vector<Location> locations;  // one at least, no path twice
  // How long a connection may bring or take nothing, between requests too.
  absl::Duration idle_timeout = absl::Minutes(2);
  // How long a request's header may take, from its first byte on, and a TLS handshake.
  absl::Duration header_timeout = absl::Seconds(30);
  size_t max_connections = 10'000;  // then the next ones wait to be accepted
};

}  // namespace bits::receive

#endif  // BITS_SERVER_RECEIVE_OPTIONS_H_

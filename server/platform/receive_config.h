// How the receiver of uploads is set up: a part of Config.
#ifndef BITS_SERVER_PLATFORM_RECEIVE_CONFIG_H_
#define BITS_SERVER_PLATFORM_RECEIVE_CONFIG_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/domain/upload_session.h"

namespace bits::config::v1 {
class Config_Receive;  // NOLINT(readability-identifier-naming): protoc's
}

namespace bits::platform {

// What each means is said in proto/bits/config/v1/config.proto.
struct ReceiveListener {
  bool https = false;
  std::string host;  // without brackets
  std::string port;
  std::string certificate_file;
  std::string key_file;
  std::string client_ca_file;
};

struct ReceiveLocation {
  domain::UploadLocation rules;  // `root` as it is written: not yet resolved
  std::vector<std::pair<std::string, std::string>> users;  // and the hashes of their passwords
};

struct ReceiveConfig {
  std::vector<ReceiveListener> listeners;  // none: nothing is received
  std::vector<ReceiveLocation> locations;
  absl::Duration idle_timeout = absl::Minutes(2);
  absl::Duration header_timeout = absl::Seconds(30);
  uint32_t max_connections = 10'000;
  uint32_t io_threads = 8;
  absl::Duration application_timeout = absl::Minutes(5);
};

// INVALID_ARGUMENT names the field and the rule.
absl::Status ReceiveFromProto(const bits::config::v1::Config_Receive& proto, ReceiveConfig& config);
// `--receive=ADDRESS`: a plain listener more.
absl::Status AddReceiveAddress(std::string_view address, ReceiveConfig& config);

}  // namespace bits::platform

#endif  // BITS_SERVER_PLATFORM_RECEIVE_CONFIG_H_

// How the server is set up: flags, and the file that --config names.
#ifndef BITS_SERVER_PLATFORM_CONFIG_H_
#define BITS_SERVER_PLATFORM_CONFIG_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bits/v1/policy.pb.h"
#include "server/base/log.h"
#include "server/platform/receive_config.h"

namespace bits::platform {

// What each means is said in proto/bits/config/v1/config.proto.
struct Config {
  std::vector<std::string> listen;
  std::string state_dir = "/var/lib/bitsd";
  std::vector<std::string> roots;
  std::string store = "sqlite";
  std::string admin_listen;
  bool insecure = false;
  bool development_principals = false;
  std::string ca_file;
  bits::v1::Policy policy;  // its values are not checked yet
  uint32_t max_transfers = 4096;
  uint32_t max_connections_per_host = 0;
  absl::Duration connect_timeout = absl::Seconds(15);
  absl::Duration stall_timeout = absl::Seconds(60);
  uint32_t io_threads = 16;
  absl::Duration watch_bookmark_interval = absl::Seconds(30);
  absl::Duration drain_timeout = absl::Seconds(20);
  std::vector<std::string> secrets_key_files;
  std::string client_certificates_dir;
  std::string crl_file;
  bool forbid_webhooks = false;
  uint32_t notification_tries = 20;
  absl::Duration notification_retry_delay = absl::Seconds(5);
  absl::Duration notification_timeout = absl::Seconds(15);
  std::vector<std::string> allowed_programs;
  absl::Duration command_timeout = absl::Minutes(1);
  ReceiveConfig receive;
  LogLevel log_level = LogLevel::kInfo;
  LogFormat log_format = LogFormat::kText;

  bool help = false;     // --help
  bool version = false;  // --version
};

// From the command line and the file it names; flags win. INVALID_ARGUMENT names the flag or
// field and the rule; NOT_FOUND: the file cannot be read.
absl::StatusOr<Config> LoadConfig(int argc, const char* const* argv);

// What --help prints.
std::string_view UsageText();

}  // namespace bits::platform

#endif  // BITS_SERVER_PLATFORM_CONFIG_H_

// A real nginx, for what a home-made origin cannot show.
#ifndef BITS_TESTS_SUPPORT_NGINX_SERVER_H_
#define BITS_TESTS_SUPPORT_NGINX_SERVER_H_

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "tests/support/subprocess.h"
#include "tests/support/temp_dir.h"

namespace bits::testing {

// Whether nginx is installed; tests that need it are skipped without.
bool HaveNginx();

// One worker on a free port of 127.0.0.1; its files are in a temporary directory of its own.
class NginxServer {
 public:
  struct Options {
    std::string docroot = {};
    // Goes into the server block: "limit_rate 100k;", "location /x { return 503; }".
    std::string server_config = {};
    // Goes into the http block.
    std::string http_config = {};
    bool access_log = false;
  };

  // Connections are accepted when this returns.
  static absl::StatusOr<std::unique_ptr<NginxServer>> Start(Options options);

  uint16_t port() const { return port_; }
  pid_t pid() const { return process_->pid(); }
  std::string Url(std::string_view path) const;  // path begins with '/'
  std::string ErrorLog() const;
  // One line for each request, with access_log: "GET /x 206 1234 \"bytes=0-\"".
  std::string AccessLog() const;

 private:
  NginxServer() = default;
  TempDir dir_;
  uint16_t port_ = 0;
  std::unique_ptr<Subprocess> process_;
};

}  // namespace bits::testing

#endif  // BITS_TESTS_SUPPORT_NGINX_SERVER_H_

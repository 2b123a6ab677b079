#include "tests/support/nginx_server.h"

#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "server/base/status_macros.h"
#include "server/base/strings.h"
#include "server/base/unique_fd.h"
#include "tests/support/listener.h"

namespace bits::testing {
namespace {

std::string FindNginx() {
  std::stringstream path(std::string(std::getenv("PATH") != nullptr ? std::getenv("PATH") : "") +
                         ":/usr/sbin:/usr/local/sbin");
  for (std::string dir; std::getline(path, dir, ':');) {
    std::string candidate = dir + "/nginx";
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return "";
}

// $0: directory, $1: user, $2: http block, $3: port, $4: docroot, $5: server
// block, $6: access log.
constexpr char kConfig[] = R"(daemon off;
worker_processes 1;
pid $0/nginx.pid;
error_log $0/error.log warn;
$1
worker_rlimit_nofile 20000;
events { worker_connections 8192; }
http {
  client_body_temp_path $0/body;
  proxy_temp_path $0/proxy;
  fastcgi_temp_path $0/fastcgi;
  uwsgi_temp_path $0/uwsgi;
  scgi_temp_path $0/scgi;
  log_format brief '$$request_method $$request_uri $$status $$body_bytes_sent "$$http_range"';
  access_log $6;
  sendfile on;
  tcp_nopush on;
  default_type application/octet-stream;
  keepalive_requests 1000000;
  $2
  server {
    listen 127.0.0.1:$3;
    root $4;
    $5
  }
}
)";

}  // namespace

bool HaveNginx() { return !FindNginx().empty(); }

absl::StatusOr<std::unique_ptr<NginxServer>> NginxServer::Start(Options options) {
  const std::string nginx = FindNginx();
  if (nginx.empty()) return absl::NotFoundError("nginx is not installed");
  std::unique_ptr<NginxServer> server(new NginxServer);
  // nginx takes over sockets that $NGINX names, as in its own upgrades: so the port is
  // free for sure, and open from the start.
  BITS_ASSIGN_OR_RETURN(Listener listener, ListenOnLoopback());
  server->port_ = listener.port;
  const std::string access_log =
      options.access_log ? absl::StrCat(server->dir_ / "access.log", " brief") : "off";
  const std::string config = server->dir_ / "nginx.conf";
  WriteFile(config,
            absl::Substitute(kConfig, server->dir_.path(), ::geteuid() == 0 ? "user root;" : "",
                             options.http_config, server->port_, options.docroot,
                             options.server_config, access_log));
  Subprocess::Options launch;
  launch.argv = {nginx, "-e", server->dir_ / "error.log", "-c", config, "-p", server->dir_.path()};
  launch.environment = {{"NGINX", "3;"}};
  launch.inherited_fd = listener.fd.get();
  launch.end_signal = SIGTERM;  // The master ends its worker.
  launch.log_path = server->dir_ / "output.log";
  BITS_ASSIGN_OR_RETURN(server->process_, Subprocess::Start(std::move(launch)));
  listener.fd.reset();  // nginx's alone: if it dies, connections are refused.
  BITS_ASSIGN_OR_RETURN(UniqueFd probe, ConnectToLoopback(server->port_));
  constexpr std::string_view kProbe = "HEAD / HTTP/1.0\r\n\r\n";
  if (::write(probe.get(), kProbe.data(), kProbe.size()) == static_cast<ssize_t>(kProbe.size())) {
    char byte = 0;
    if (::read(probe.get(), &byte, 1) == 1) return server;
  }
  return absl::InternalError(absl::StrCat("nginx does not answer: ", server->ErrorLog(),
                                          ReadFileOr(server->dir_ / "output.log", "")));
}

std::string NginxServer::Url(std::string_view path) const {
  return absl::StrCat("http://127.0.0.1:", port_, Av(path));
}

std::string NginxServer::ErrorLog() const { return ReadFileOr(dir_ / "error.log", ""); }

std::string NginxServer::AccessLog() const { return ReadFileOr(dir_ / "access.log", ""); }

}  // namespace bits::testing

#include "server/platform/config.h"

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/text_format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bits/config/v1/config.pb.h"
#include "server/base/error_info.h"
#include "server/base/status_macros.h"
#include "server/base/strings.h"
#include "server/platform/config_fields.h"

namespace bits::platform {
namespace {

constexpr std::string_view kDefaultListen = "127.0.0.1:7310";

// Keeps the first thing the parser finds wrong, and where.
class FirstError final : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int line, int column, const std::string& message) override {
    if (text_.empty()) text_ = absl::StrCat("line ", line + 1, ", column ", column + 1, ": ", message);
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

absl::Status ReadFile(const std::string& path, bits::config::v1::Config& proto) {
  std::ifstream in(path);
  if (!in) return absl::NotFoundError(absl::StrCat("--config: cannot read ", path));
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  google::protobuf::TextFormat::Parser parser;
  FirstError error;
  parser.RecordErrorsTo(&error);
  if (!parser.ParseFromString(text, &proto)) {
    return Wrong("--config", absl::StrCat(path, ": ", error.text()));
  }
  return absl::OkStatus();
}

absl::Status NotificationsFromProto(const bits::config::v1::Config::Notifications& proto,
                                    Config& config) {
  config.forbid_webhooks = proto.forbid_webhooks();
  BITS_RETURN_IF_ERROR(SetNumber("notifications.max_tries", proto.max_tries(), 1, 1000,
                                 config.notification_tries));
  if (proto.has_retry_delay()) {
    BITS_RETURN_IF_ERROR(SetDuration("notifications.retry_delay", proto.retry_delay(),
                                     absl::Milliseconds(10), absl::Hours(1),
                                     config.notification_retry_delay));
  }
  for (const std::string& program : proto.allowed_program()) {
    if (!program.starts_with('/')) {
      return Wrong("notifications.allowed_program", "must be an absolute path");
    }
    config.allowed_programs.push_back(program);
  }
  if (proto.has_command_timeout()) {
    BITS_RETURN_IF_ERROR(SetDuration("notifications.command_timeout", proto.command_timeout(),
                                     absl::Seconds(1), absl::Hours(1), config.command_timeout));
  }
  if (!proto.has_timeout()) return absl::OkStatus();
  return SetDuration("notifications.timeout", proto.timeout(), absl::Milliseconds(100),
                     absl::Minutes(5), config.notification_timeout);
}

absl::Status FromProto(const bits::config::v1::Config& proto, Config& config) {
  config.listen.assign(proto.listen().begin(), proto.listen().end());
  config.roots.assign(proto.root().begin(), proto.root().end());
  if (!proto.state_dir().empty()) config.state_dir = proto.state_dir();
  if (!proto.store().empty()) config.store = proto.store();
  config.admin_listen = proto.admin_listen();
  config.insecure = proto.insecure();
  config.ca_file = proto.ca_file();
  config.policy = proto.policy();
  config.development_principals = proto.development_principals();
  config.secrets_key_files.assign(proto.secrets_key_file().begin(), proto.secrets_key_file().end());
  config.client_certificates_dir = proto.client_certificates_dir();
  config.crl_file = proto.crl_file();
  if (proto.has_watch_bookmark_interval()) {
    BITS_RETURN_IF_ERROR(SetDuration("watch_bookmark_interval", proto.watch_bookmark_interval(),
                                     absl::Milliseconds(100), absl::Hours(1),
                                     config.watch_bookmark_interval));
  }
  if (proto.has_drain_timeout()) {
    BITS_RETURN_IF_ERROR(SetDuration("drain_timeout", proto.drain_timeout(),
                                     absl::ZeroDuration(), absl::Minutes(10),
                                     config.drain_timeout));
  }
  BITS_RETURN_IF_ERROR(NotificationsFromProto(proto.notifications(), config));
  BITS_RETURN_IF_ERROR(ReceiveFromProto(proto.receive(), config.receive));
  const auto& transfer = proto.transfer();
  BITS_RETURN_IF_ERROR(SetNumber("transfer.max_transfers", transfer.max_transfers(), 1, 1'000'000,
                                 config.max_transfers));
  BITS_RETURN_IF_ERROR(SetNumber("transfer.max_connections_per_host",
                                 transfer.max_connections_per_host(), 1, 1'000'000,
                                 config.max_connections_per_host));
  BITS_RETURN_IF_ERROR(
      SetNumber("transfer.io_threads", transfer.io_threads(), 1, 64, config.io_threads));
  if (transfer.has_connect_timeout()) {
    BITS_RETURN_IF_ERROR(SetDuration("transfer.connect_timeout", transfer.connect_timeout(),
                                     absl::Milliseconds(10), absl::Hours(1),
                                     config.connect_timeout));
  }
  if (transfer.has_stall_timeout()) {
    BITS_RETURN_IF_ERROR(SetDuration("transfer.stall_timeout", transfer.stall_timeout(),
                                     absl::Seconds(1), absl::Hours(24), config.stall_timeout));
  }
  if (!proto.log().level().empty()) {
    const std::optional<LogLevel> level = ParseLogLevel(proto.log().level());
    if (!level) return Wrong("log.level", "must be debug, info, warning or error");
    config.log_level = *level;
  }
  if (!proto.log().format().empty()) {
    const std::optional<LogFormat> format = ParseLogFormat(proto.log().format());
    if (!format) return Wrong("log.format", "must be text or json");
    config.log_format = *format;
  }
  return absl::OkStatus();
}

using Flags = std::multimap<std::string, std::string, std::less<>>;

constexpr std::string_view kSwitches[] = {"insecure", "development_principals", "help",
                                          "version"};
constexpr std::string_view kValues[] = {"listen",       "state_dir", "root",      "store",
                                        "admin_listen", "config",    "ca_file",   "log_level",
                                        "log_format",   "secrets_key_file", "receive"};

template <size_t N>
bool Contains(const std::string_view (&names)[N], std::string_view name) {
  for (std::string_view n : names) {
    if (n == name) return true;
  }
  return false;
}

// --name=value, --name value, --switch, --switch=true|false; `-` and `_` are one.
absl::StatusOr<Flags> ParseFlags(int argc, const char* const* argv) {
  Flags flags;
  for (int i = 1; i < argc; ++i) {
    std::string_view arg = argv[i];
    if (arg == "-h") arg = "--help";
    if (!arg.starts_with("--")) {
      return Wrong(arg, "is not a flag; bitsd takes nothing else (see --help)");
    }
    const size_t equals = arg.find('=');
    std::string name(arg.substr(2, equals == std::string_view::npos ? equals : equals - 2));
    for (char& c : name) {
      if (c == '-') c = '_';
    }
    std::optional<std::string> value;
    if (equals != std::string_view::npos) value = arg.substr(equals + 1);
    if (Contains(kSwitches, name)) {
      if (value && *value != "true" && *value != "false") {
        return Wrong(absl::StrCat("--", name), "is true or false");
      }
      flags.emplace(name, value.value_or("true"));
    } else if (Contains(kValues, name)) {
      if (!value && i + 1 < argc) value = argv[++i];
      if (!value || value->empty()) return Wrong(absl::StrCat("--", name), "needs a value");
      flags.emplace(name, *std::move(value));
    } else {
      return Wrong(absl::StrCat("--", name), "is not known (see --help)");
    }
  }
  return flags;
}

std::optional<std::string> Last(const Flags& flags, std::string_view name) {
  const auto [first, last] = flags.equal_range(name);
  if (first == last) return std::nullopt;
  return std::prev(last)->second;
}

std::vector<std::string> AllOf(const Flags& flags, std::string_view name) {
  std::vector<std::string> values;
  const auto [first, last] = flags.equal_range(name);
  for (auto it = first; it != last; ++it) values.push_back(it->second);
  return values;
}

}  // namespace

absl::StatusOr<Config> LoadConfig(int argc, const char* const* argv) {
  BITS_ASSIGN_OR_RETURN(const Flags flags, ParseFlags(argc, argv));
  Config config;
  config.help = Last(flags, "help").value_or("false") == "true";
  config.version = Last(flags, "version").value_or("false") == "true";
  if (config.help || config.version) return config;
  if (const auto path = Last(flags, "config")) {
    bits::config::v1::Config proto;
    BITS_RETURN_IF_ERROR(ReadFile(*path, proto));
    BITS_RETURN_IF_ERROR(FromProto(proto, config));
  }
  if (flags.contains("listen")) config.listen = AllOf(flags, "listen");
  if (flags.contains("secrets_key_file")) {
    config.secrets_key_files = AllOf(flags, "secrets_key_file");
  }
  for (const std::string& address : AllOf(flags, "receive")) {
    BITS_RETURN_IF_ERROR(AddReceiveAddress(address, config.receive));
  }
  if (flags.contains("root")) config.roots = AllOf(flags, "root");
  if (auto v = Last(flags, "state_dir")) config.state_dir = *v;
  if (auto v = Last(flags, "store")) config.store = *v;
  if (auto v = Last(flags, "admin_listen")) config.admin_listen = *v;
  if (auto v = Last(flags, "ca_file")) config.ca_file = *v;
  if (auto v = Last(flags, "insecure")) config.insecure = *v == "true";
  if (auto v = Last(flags, "development_principals")) {
    config.development_principals = *v == "true";
  }
  if (auto v = Last(flags, "log_level")) {
    const std::optional<LogLevel> level = ParseLogLevel(*v);
    if (!level) return Wrong("--log_level", "must be debug, info, warning or error");
    config.log_level = *level;
  }
  if (auto v = Last(flags, "log_format")) {
    const std::optional<LogFormat> format = ParseLogFormat(*v);
    if (!format) return Wrong("--log_format", "must be text or json");
    config.log_format = *format;
  }
  if (config.listen.empty()) config.listen.emplace_back(kDefaultListen);
  if (config.store != "sqlite" && config.store != "memory") {
    return Wrong("--store", "must be sqlite or memory; postgres comes in a later version");
  }
  if (config.roots.empty()) return Wrong("--root", "at least one root is needed (see --help)");
  if (!config.ca_file.empty() && !std::ifstream(config.ca_file)) {
    return Wrong("--ca_file", absl::StrCat("cannot read ", config.ca_file));
  }
  if (!config.crl_file.empty() && !std::ifstream(config.crl_file)) {
    return Wrong("crl_file", absl::StrCat("cannot read ", config.crl_file));
  }
  std::error_code error;
  if (!config.client_certificates_dir.empty() &&
      !std::filesystem::is_directory(config.client_certificates_dir, error)) {
    return Wrong("client_certificates_dir",
                 absl::StrCat(config.client_certificates_dir, " is no directory"));
  }
  return config;
}

std::string_view UsageText() {
  return R"(bitsd: background file transfers over HTTP(S) as a gRPC service.

usage: bitsd --root=DIR [flags]

  --listen=HOST:PORT|unix:PATH  where the services are; may be repeated.
                                Default 127.0.0.1:7310
  --root=DIR                    a directory under which files may be read and
                                written; may be repeated
  --state_dir=DIR               where the state is kept. Default /var/lib/bitsd
  --store=sqlite|memory         memory forgets all at the end. Default sqlite
  --admin_listen=HOST:PORT      health and channelz for operators
  --ca_file=FILE                authorities to trust in https (PEM)
  --secrets_key_file=FILE       the key that jobs' credentials are sealed with at
                                rest; may be repeated, the first one seals.
                                Without: they are lost when bitsd stops
  --receive=HOST:PORT           take uploads there, by BITS's upload protocol over
                                HTTP; may be repeated. The file has the rest: https,
                                directories, users (receive { ... })
  --insecure                    allow an address that is not loopback, without TLS
  --development_principals      for trials: callers say who they are, by the
                                metadata x-bits-principal. Loopback and unix
                                sockets only
  --config=FILE                 the rest: a text proto bits.config.v1.Config;
                                flags win over it
  --log_level=debug|info|warning|error
  --log_format=text|json
  --version  --help

The bound addresses are written to STATE_DIR/listen.addr, one a line.
)";
}

}  // namespace bits::platform

// bitsd: configuration -> wiring -> run -> drain. The only file that knows every type.
#include <curl/curl.h>
#include <fcntl.h>
#include <grpcpp/grpcpp.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "server/app/application.h"
#include "server/app/upload_manager.h"
#include "server/base/executor.h"
#include "server/base/log.h"
#include "server/base/status_macros.h"
#include "server/base/unique_fd.h"
#include "server/platform/certificate_directory.h"
#include "server/platform/config.h"
#include "server/platform/posix_file_system.h"
#include "server/platform/process_runner.h"
#include "server/platform/secret_box.h"
#include "server/platform/signals.h"
#include "server/platform/system_clock.h"
#include "server/receive/receiver.h"
#include "server/rpc/authenticator.h"
#include "server/rpc/cloud_event.h"
#include "server/rpc/policy_convert.h"
#include "server/rpc/sealed_token.h"
#include "server/rpc/server.h"
#include "server/store/memory/memory_job_store.h"
#include "server/store/sqlite/sqlite_job_store.h"
#include "server/store/state_directory.h"
#include "server/transfer/application_caller.h"
#include "server/transfer/engine.h"
#include "server/transfer/webhook_sender.h"

namespace bits {
namespace {

constexpr size_t kUnboundedQueue = size_t{1} << 20;  // bounded by what is put in, not by this

// Until the policy is read.
constexpr uint64_t kAllEvents = uint64_t{1} << 40;

// Thousands of transfers need thousands of descriptors.
void RaiseFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

struct OpenedStore {
  // Of the memory store; the SQLite store holds its own.
  std::unique_ptr<store::StateDirectory> directory;
  std::unique_ptr<app::JobStore> store;
};

absl::StatusOr<OpenedStore> OpenStore(const platform::Config& config) {
  OpenedStore opened;
  if (config.store == "memory") {
    BITS_ASSIGN_OR_RETURN(store::StateDirectory directory,
                          store::StateDirectory::Hold(config.state_dir));
    opened.directory = std::make_unique<store::StateDirectory>(std::move(directory));
    store::MemoryJobStore::Options options;
    options.queue_capacity = kUnboundedQueue;
    options.events_kept = kAllEvents;
    opened.store = std::make_unique<store::MemoryJobStore>(options);
    return opened;
  }
  store::SqliteJobStore::Options options;
  options.state_directory = config.state_dir;
  options.writer.queue_capacity = kUnboundedQueue;
  options.writer.events_kept = kAllEvents;
  BITS_ASSIGN_OR_RETURN(opened.store, store::SqliteJobStore::Open(options));
  return opened;
}

// Replaces a file of the state directory whole, durably.
absl::Status WriteStateFile(const platform::Config& config, const std::string& name, mode_t mode,
                            const std::string& content) {
  const std::string path = absl::StrCat(config.state_dir, "/", name);
  const std::string temporary = path + ".new";
  (void)std::remove(temporary.c_str());
  const UniqueFd file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  const auto size = static_cast<ssize_t>(content.size());
  if (!file || ::write(file.get(), content.data(), content.size()) != size ||
      ::fsync(file.get()) != 0 || std::rename(temporary.c_str(), path.c_str()) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot write ", path));
  }
  const UniqueFd directory(::open(config.state_dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory || ::fsync(directory.get()) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot sync ", config.state_dir));
  }
  return absl::OkStatus();
}

// The key of page tokens and cursors. Those of a memory store end with the process.
absl::StatusOr<std::string> LoadTokenKey(const platform::Config& config) {
  if (config.store == "memory") return rpc::TokenSealer::NewKey();
  std::ifstream in(absl::StrCat(config.state_dir, "/token.key"), std::ios::binary);
  std::string key((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (key.size() == rpc::TokenSealer::NewKey().size()) return key;
  key = rpc::TokenSealer::NewKey();
  BITS_RETURN_IF_ERROR(WriteStateFile(config, "token.key", 0600, key));
  return key;
}

rpc::ServerOptions ServerOptionsOf(const platform::Config& config) {
  rpc::ServerOptions options;
  options.listen = config.listen;
  options.admin_listen = config.admin_listen;
  options.insecure = config.insecure;
  options.development_principals = config.development_principals;
  options.watch.bookmark_interval = absl::ToChronoMilliseconds(config.watch_bookmark_interval);
  return options;
}

transfer::EngineOptions EngineOptionsOf(const platform::Config& config) {
  transfer::EngineOptions options;
  options.max_transfers = config.max_transfers;
  options.max_connections_per_host = config.max_connections_per_host;
  options.connect_timeout = config.connect_timeout;
  options.stall_timeout = config.stall_timeout;
  options.io_threads = config.io_threads;
  options.ca_file = config.ca_file;
  options.crl_file = config.crl_file;
  options.client_certificates_dir = config.client_certificates_dir;
  return options;
}

transfer::CurlWebhookSender::Options WebhookOptionsOf(const platform::Config& config) {
  transfer::CurlWebhookSender::Options options;
  options.timeout = config.notification_timeout;
  options.ca_file = config.ca_file;
  return options;
}

transfer::ApplicationCaller::Options ApplicationOptionsOf(const platform::Config& config) {
  transfer::ApplicationCaller::Options options;
  options.timeout = config.receive.application_timeout;
  options.ca_file = config.ca_file;
  return options;
}

app::Notifier::Options NotificationOptionsOf(const platform::Config& config) {
  app::Notifier::Options options;
  options.delivery.max_tries = config.notification_tries;
  options.delivery.first_delay = config.notification_retry_delay;
  options.permissions.webhooks = !config.forbid_webhooks;
  options.permissions.programs = config.allowed_programs;
  return options;
}

// The directory that a location's root stands for.
absl::StatusOr<std::string> ResolveUploadRoot(const platform::PosixFileSystem& files,
                                              const std::string& root) {
  // The root of the server itself is none of the names that Resolve takes.
  const std::string inside = root.empty() ? "x" : root.ends_with('/') ? root + "x" : root + "/x";
  BITS_ASSIGN_OR_RETURN(const std::string path, files.Resolve(inside));
  return path.substr(0, path.size() - 2);
}

absl::StatusOr<receive::Options> ReceiveOptionsOf(const platform::Config& config,
                                                  const platform::PosixFileSystem& files) {
  receive::Options options;
  options.idle_timeout = config.receive.idle_timeout;
  options.header_timeout = config.receive.header_timeout;
  options.max_connections = config.receive.max_connections;
  std::vector<platform::ReceiveLocation> locations = config.receive.locations;
  if (locations.empty()) locations.emplace_back();
  bool open = false;  // to anybody
  for (platform::ReceiveLocation& from : locations) {
    BITS_ASSIGN_OR_RETURN(from.rules.root, ResolveUploadRoot(files, from.rules.root));
    receive::Location& to = options.locations.emplace_back();
    to.rules = std::move(from.rules);
    for (auto& [name, hash] : from.users) {
      if (!receive::IsPasswordHash(hash)) {
        return absl::InvalidArgumentError(absl::StrCat(
            "receive: the password_hash of ", name, " is of no kind that crypt(3) knows"));
      }
      to.users.push_back({std::move(name), std::move(hash)});
    }
    open = open || to.users.empty();
  }
  for (const platform::ReceiveListener& from : config.receive.listeners) {
    const std::optional<bool> loopback = receive::IsLoopback(from.host);
    if (!loopback.has_value()) {
      return absl::InvalidArgumentError(
          absl::StrCat("receive: no IP address to listen at: ", from.host));
    }
    const bool trusted = from.https && (!open || !from.client_ca_file.empty());
    if (!trusted && !config.insecure && !*loopback) {
      return absl::InvalidArgumentError(absl::StrCat(
          "receive: ", from.host, " can be reached by others: it needs https, and users in every "
          "location or a client_ca_file; or --insecure"));
    }
    options.listen.push_back(
        {from.host, from.port, from.certificate_file, from.key_file, from.client_ca_file});
  }
  return options;
}

std::string HostName() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  return name.data();
}

// Before anything is made there: the nearest directory that is there must not lie beneath a root.
absl::Status CheckStateDirectory(const platform::PosixFileSystem& files,
                                 const std::string& state_dir) {
  std::error_code error;
  std::filesystem::path there = std::filesystem::absolute(state_dir, error);
  while (!std::filesystem::is_directory(there, error) && there.has_relative_path()) {
    there = there.parent_path();
  }
  return files.KeepsOut(there.string());
}

absl::Status Run(const platform::Config& config, const domain::PolicySettings& file_policy) {
  platform::SystemClock clock;
  BITS_ASSIGN_OR_RETURN(const std::unique_ptr<platform::PosixFileSystem> files,
                        platform::PosixFileSystem::Open(config.roots));
  BITS_RETURN_IF_ERROR(CheckStateDirectory(*files, config.state_dir));
  BITS_ASSIGN_OR_RETURN(receive::Options receive_options, ReceiveOptionsOf(config, *files));
  BITS_ASSIGN_OR_RETURN(const std::unique_ptr<platform::SecretBox> sealer,
                        platform::SecretBox::Open(config.secrets_key_files));
  const platform::CertificateDirectory certificates(config.client_certificates_dir);
  BITS_ASSIGN_OR_RETURN(const OpenedStore opened, OpenStore(config));
  app::JobStore& store = *opened.store;
  BITS_ASSIGN_OR_RETURN(std::string token_key, LoadTokenKey(config));
  BITS_ASSIGN_OR_RETURN(const app::Revision last_revision, store.LastRevision());
  BITS_ASSIGN_OR_RETURN(const std::unique_ptr<transfer::Engine> engine,
                        transfer::Engine::Create(EngineOptionsOf(config), files.get(), &clock));
  BITS_ASSIGN_OR_RETURN(const std::unique_ptr<transfer::CurlWebhookSender> webhooks,
                        transfer::CurlWebhookSender::Create(WebhookOptionsOf(config)));
  ThreadPool receivers({"upload", config.receive.io_threads, kUnboundedQueue});
  BITS_ASSIGN_OR_RETURN(const std::unique_ptr<transfer::ApplicationCaller> applications,
                        transfer::ApplicationCaller::Create(ApplicationOptionsOf(config),
                                                            files.get(), &receivers));
  const rpc::CloudEventFormat cloud_events(HostName());
  BITS_ASSIGN_OR_RETURN(const std::unique_ptr<platform::ProcessRunner> commands,
                        platform::ProcessRunner::Create(config.command_timeout));

  ThreadPool finishers({"finish", 2, kUnboundedQueue});
  ThreadPool reads({"read", 4, 4096});
  ThreadPool replies({"reply", 2, kUnboundedQueue});
  ThreadPool contents({"content", 4, kUnboundedQueue});
  app::Application::Options options;
  options.policy = file_policy;
  options.notifications = NotificationOptionsOf(config);
  app::Application application({&store, files.get(), engine.get(), &clock, &finishers,
                                sealer.get(), &certificates, webhooks.get(), &cloud_events,
                                commands.get()},
                               std::move(options), last_revision);

  const rpc::LocalAuthenticator local;
  const rpc::DevelopmentAuthenticator development;
  const rpc::Authenticator* authenticator = &local;
  if (config.development_principals) authenticator = &development;
  BITS_ASSIGN_OR_RETURN(
      const std::unique_ptr<rpc::Server> server,
      rpc::Server::Start(ServerOptionsOf(config),
                         {&application.jobs(), &application.policies(), &store, &application.hub(),
                          &reads, &replies, &contents, authenticator, std::move(token_key)}));
  std::string addresses;
  for (const std::string& address : server->addresses()) {
    BITS_LOG(kInfo, "listening", {{"address", address}});
    absl::StrAppend(&addresses, address, "\n");
  }
  if (!server->admin_address().empty()) {
    BITS_LOG(kInfo, "admin server", {{"address", server->admin_address()}});
  }
  if (config.insecure) {
    BITS_LOG(kWarning, "--insecure: whoever reaches the server is its administrator");
  }
  if (config.development_principals) {
    BITS_LOG(kWarning, "--development_principals: callers say who they are, unproven");
  }

  app::UploadManager uploads({&store, files.get(), &clock, &receivers, applications.get()});
  std::unique_ptr<receive::Receiver> receiver;
  const auto start_receiving = [&]() -> absl::Status {
    if (config.receive.listeners.empty()) return absl::OkStatus();
    BITS_ASSIGN_OR_RETURN(
        receiver, receive::Receiver::Start(std::move(receive_options), &uploads, &clock));
    for (const std::string& address : receiver->addresses()) {
      BITS_LOG(kInfo, "receiving uploads", {{"url", address}});
    }
    return absl::OkStatus();
  };

  std::atomic<bool> ready = false;
  store.SetHealthListener([&](absl::Status health) {
    if (!ready) return;
    server->SetServing(health.ok());
    if (health.ok()) {
      BITS_LOG(kInfo, "the store is in order again");
      application.OnStoreHealthy();
    } else {
      BITS_LOG(kError, "the store is out of order", {{"status", health}});
    }
  });
  absl::Status status = application.Recover();
  if (status.ok()) status = start_receiving();
  if (status.ok()) status = WriteStateFile(config, "listen.addr", 0644, addresses);
  if (status.ok()) {
    application.Start();
    ready = true;
    server->SetServing(store.Health().ok());
    BITS_LOG(kInfo, "serving");
    const int signal_number = platform::WaitForSignal();
    BITS_LOG(kInfo, "draining", {{"signal", signal_number}});
  }

  platform::ExitOnNextSignal();
  ready = false;
  const auto grace = absl::ToChronoMilliseconds(config.drain_timeout);
  const auto deadline = std::chrono::steady_clock::now() + grace;
  if (receiver != nullptr) receiver->Shutdown();
  server->Drain(std::chrono::system_clock::now() + grace / 2);
  application.Drain(deadline);
  webhooks->Shutdown();
  commands->Shutdown();
  const bool transfers_ended = engine->Shutdown(absl::Seconds(5));
  receivers.Shutdown();  // whose last tasks may ask an application
  applications->Shutdown();
  finishers.Shutdown();
  reads.Shutdown();
  contents.Shutdown();
  store.Close();
  replies.Shutdown();
  if (!transfers_ended) {
    // A disk does not answer. Whoever waits for it still would report to what is gone by then.
    BITS_LOG(kError, "stopped, but for transfers whose disk does not answer: they are left behind");
    ::_exit(status.ok() ? 0 : 1);
  }
  BITS_LOG(kInfo, "stopped");
  return status;
}

std::string VersionText() {
  return absl::StrCat("bitsd ", BITS_VERSION, " (gRPC ", grpc::Version(), ", ", curl_version(),
                      ", SQLite ", sqlite3_libversion(), ")\n");
}

int Main(int argc, char** argv) {
  platform::BlockSignals();
  const absl::StatusOr<platform::Config> config = platform::LoadConfig(argc, argv);
  if (!config.ok()) {
    std::fprintf(stderr, "bitsd: %s\n", std::string(config.status().message()).c_str());
    return 2;
  }
  const auto file_policy = rpc::SettingsFrom(config->policy, "policy.");
  if (!file_policy.ok()) {
    std::fprintf(stderr, "bitsd: %s\n", std::string(file_policy.status().message()).c_str());
    return 2;
  }
  if (config->help) {
    std::fputs(platform::UsageText().data(), stdout);  // a literal
    return 0;
  }
  if (config->version) {
    std::fputs(VersionText().c_str(), stdout);
    return 0;
  }
  SetLogLevel(config->log_level);
  SetLogFormat(config->log_format);
  RaiseFileLimit();
  const absl::Status status = Run(*config, *file_policy);
  if (status.ok()) return 0;
  BITS_LOG(kError, "cannot run", {{"status", status}});
  return 1;
}

}  // namespace
}  // namespace bits

int main(int argc, char** argv) { return bits::Main(argc, argv); }

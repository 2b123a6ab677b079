#include "server/rpc/server.h"

#include <grpcpp/ext/channelz_service_plugin.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/impl/server_builder_option.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>
#include <sys/stat.h>

#include <algorithm>
#include <mutex>
#include <utility>

#include "google/protobuf/generated_message_reflection.h"
#include "grpc/health/v1/health.pb.h"
#include "server/base/mutex.h"
#include "server/base/status_macros.h"
#include "server/rpc/byte_stream_service.h"
#include "server/rpc/error_service.h"
#include "server/rpc/gate.h"
#include "server/rpc/grpc_log.h"
#include "server/rpc/job_service.h"
#include "server/rpc/listen_address.h"
#include "server/rpc/notification_service.h"
#include "server/rpc/policy_service.h"
#include "server/rpc/sealed_token.h"
#include "server/rpc/timer_queue.h"
#include "server/rpc/unary_call.h"
#include "server/rpc/watch_registry.h"

namespace bits::rpc {
namespace {

constexpr mode_t kSocketMode = 0660;
constexpr std::chrono::milliseconds kGoodbye{500};
constexpr const char* kServices[] = {"", "bits.v1.JobService", "bits.v1.ErrorService",
                                     "bits.v1.PolicyService", "bits.v1.NotificationService",
                                     "google.bytestream.ByteStream"};

// gRPC's plugins are the process's: each is offered to every server that is built, and taken
// out again where it does not belong. Health is none of them.
class Plugins final : public grpc::ServerBuilderOption {
 public:
  enum class Which { kChannelzOnly, kAllButChannelz };
  explicit Plugins(Which which) : which_(which) {}
  void UpdateArguments(grpc::ChannelArguments* /*arguments*/) override {}
  void UpdatePlugins(std::vector<std::unique_ptr<grpc::ServerBuilderPlugin>>* plugins) override {
    std::erase_if(*plugins, [this](const auto& plugin) {
      const bool channelz = plugin->name() == "channelz_service";
      return channelz != (which_ == Which::kChannelzOnly);
    });
  }

 private:
  const Which which_;
};

void InitPlugins() {
  static std::once_flag once;
  std::call_once(once, [] {
    TakeOverGrpcLog();
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    // gRPC's health has no descriptor; ours, which nothing else needs, is to be linked in.
    google::protobuf::LinkMessageReflection<grpc::health::v1::HealthCheckRequest>();
    grpc::channelz::experimental::InitChannelzService();
  });
}

absl::StatusOr<ListenAddress> CheckedAddress(const std::string& text,
                                             const ServerOptions& options) {
  BITS_ASSIGN_OR_RETURN(ListenAddress address, ParseListenAddress(text));
  if (address.is_unix()) {
    BITS_RETURN_IF_ERROR(RemoveStaleSocket(address.path));
  } else if (IsLoopbackAddress(address.host)) {
    return address;
  } else if (options.development_principals) {
    return absl::InvalidArgumentError(
        "other machines can reach " + text +
        ", where nobody may say who they are: --development_principals goes with 127.0.0.1, [::1] "
        "or unix:PATH only");
  } else if (!options.insecure) {
    return absl::InvalidArgumentError(
        "other machines can reach " + text +
        " and there is no TLS yet: listen at 127.0.0.1, [::1] or unix:PATH, or say --insecure to "
        "serve everybody in the clear");
  }
  return address;
}

// One grpc::Server at some addresses.
struct Endpoint {
  std::unique_ptr<grpc::Server> server;
  std::vector<std::string> addresses;
};

// gRPC takes the addresses in their order, each gets its port, and the first that cannot be had
// ends it. It says why only to its log.
absl::Status ListenFailure(const std::vector<ListenAddress>& addresses,
                           const std::vector<int>& ports, const std::string& log) {
  const auto failed = std::find(ports.begin(), ports.end(), 0);
  if (failed == ports.end()) return absl::UnavailableError("cannot start the server: " + log);
  const ListenAddress& address = addresses[failed - ports.begin()];
  std::string message = "cannot listen at " + address.ToString() + ": ";
  message += WhyNotListening(address).value_or(log);
  return absl::UnavailableError(message);
}

absl::StatusOr<Endpoint> Listen(grpc::ServerBuilder& builder, const std::vector<std::string>& texts,
                                const ServerOptions& options) {
  std::vector<ListenAddress> addresses;
  for (const std::string& text : texts) {
    BITS_ASSIGN_OR_RETURN(ListenAddress address, CheckedAddress(text, options));
    // gRPC gives a socket's path to the last that asks for it.
    const bool any_port = !address.is_unix() && address.port == 0;
    if (!any_port && std::count(texts.begin(), texts.end(), text) > 1) {
      return absl::InvalidArgumentError("the address " + text + " is given twice");
    }
    addresses.push_back(std::move(address));
  }
  // Else a second server at the same port would get half of the calls.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  std::vector<int> ports(addresses.size(), 0);
  for (size_t i = 0; i < addresses.size(); ++i) {
    builder.AddListeningPort(addresses[i].ToString(), grpc::InsecureServerCredentials(), &ports[i]);
  }
  Endpoint endpoint;
  {
    const GrpcLogCapture log;
    endpoint.server = builder.BuildAndStart();
    if (endpoint.server == nullptr) return ListenFailure(addresses, ports, log.text());
  }
  for (size_t i = 0; i < addresses.size(); ++i) {
    if (addresses[i].is_unix()) {
      ::chmod(addresses[i].path.c_str(), kSocketMode);
    } else {
      addresses[i].port = static_cast<uint16_t>(ports[i]);
    }
    endpoint.addresses.push_back(addresses[i].ToString());
  }
  return endpoint;
}

void SetHealth(grpc::Server& server, bool serving) {
  grpc::HealthCheckServiceInterface* health = server.GetHealthCheckService();
  for (const char* service : kServices) health->SetServingStatus(service, serving);
}

// The few threads of what is not callback API: reflection and channelz.
void UseFewThreads(grpc::ServerBuilder& builder) {
  using Option = grpc::ServerBuilder::SyncServerOption;
  builder.SetSyncServerOption(Option::NUM_CQS, 1);
  builder.SetSyncServerOption(Option::MIN_POLLERS, 1);
  builder.SetSyncServerOption(Option::MAX_POLLERS, 2);
}

class ServerImpl final : public Server {
 public:
  ServerImpl(const ServerOptions& options, const ServerDependencies& dependencies)
      : tokens_(dependencies.token_key),
        env_{dependencies.authenticator, &gate_,   dependencies.reads,
             dependencies.replies,       &timers_, options.read_timeout},
        watches_(WatchOptionsOf(options, dependencies),
                 {dependencies.jobs, dependencies.store, dependencies.hub, dependencies.reads,
                  dependencies.replies, &timers_, &tokens_}),
        job_service_(env_, dependencies.jobs, &tokens_, &watches_),
        error_service_(env_, dependencies.jobs),
        policy_service_(env_, dependencies.policies),
        notification_service_(env_, dependencies.jobs, &tokens_),
        byte_stream_service_(env_, dependencies.jobs, dependencies.contents, options.content) {}

  ~ServerImpl() override { Drain(std::chrono::system_clock::now()); }

  absl::Status Listen(const ServerOptions& options) {
    InitPlugins();
    if (options.listen.empty()) {
      return absl::InvalidArgumentError("there is no address to listen at");
    }
    grpc::ServerBuilder builder;
    builder.SetOption(std::make_unique<Plugins>(Plugins::Which::kAllButChannelz));
    builder.RegisterService(&job_service_);
    builder.RegisterService(&error_service_);
    builder.RegisterService(&policy_service_);
    builder.RegisterService(&notification_service_);
    builder.RegisterService(&byte_stream_service_);
    builder.SetMaxReceiveMessageSize(options.max_receive_bytes);
    builder.SetMaxSendMessageSize(-1);
    builder.SetResourceQuota(grpc::ResourceQuota("bits").Resize(options.memory_bytes));
    UseFewThreads(builder);
    const auto argument = [&builder](const char* name, int64_t value) {
      builder.AddChannelArgument(name, static_cast<int>(value));
    };
    argument(GRPC_ARG_MAX_CONCURRENT_STREAMS, options.max_streams_per_connection);
    argument(GRPC_ARG_KEEPALIVE_TIME_MS, options.keepalive_time.count());
    argument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, options.keepalive_timeout.count());
    argument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    argument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
             options.least_ping_interval.count());
    BITS_ASSIGN_OR_RETURN(main_, rpc::Listen(builder, options.listen, options));
    SetHealth(*main_.server, false);

    if (!options.admin_listen.empty()) {
      grpc::ServerBuilder admin;
      admin.SetOption(std::make_unique<Plugins>(Plugins::Which::kChannelzOnly));
      UseFewThreads(admin);
      BITS_ASSIGN_OR_RETURN(admin_, rpc::Listen(admin, {options.admin_listen}, options));
      SetHealth(*admin_.server, false);
      admin_address_ = admin_.addresses.front();
    }
    return absl::OkStatus();
  }

  void SetServing(bool serving) override {
    MutexLock lock(health_mutex_);
    if (drained_) return;
    if (serving) gate_.Open();
    // Who has heard it from one listener finds the other no less.
    if (admin_.server != nullptr) SetHealth(*admin_.server, serving);
    SetHealth(*main_.server, serving);
  }

  const std::vector<std::string>& addresses() const override { return main_.addresses; }
  const std::string& admin_address() const override { return admin_address_; }
  std::shared_ptr<grpc::Channel> InProcessChannel() override {
    return main_.server->InProcessChannel({});
  }

  void Drain(std::chrono::system_clock::time_point deadline) override {
    if (main_.server == nullptr) return;
    {
      MutexLock lock(health_mutex_);
      drained_ = true;
      main_.server->GetHealthCheckService()->Shutdown();
      if (admin_.server != nullptr) admin_.server->GetHealthCheckService()->Shutdown();
    }
    gate_.Drain();
    watches_.EndAll(DrainingStatus());
    const auto patience = deadline - std::chrono::system_clock::now();
    const auto until = std::chrono::steady_clock::now() + patience;
    byte_stream_service_.EndReaders(std::chrono::steady_clock::now() + kGoodbye, until);
    (void)(watches_.WaitUntilEmpty(until) && gate_.WaitUntilEmpty(until));
    // What is left are watches of health and idle connections, whose clients may be slow to hear
    // the good-bye: not worth the wait.
    const auto last = std::min(deadline, std::chrono::system_clock::now() + kGoodbye);
    main_.server->Shutdown(last);
    main_.server.reset();  // Waits for the last reaction of every call.
    if (admin_.server != nullptr) admin_.server->Shutdown(last);
    admin_.server.reset();
  }

 private:
  static WatchOptions WatchOptionsOf(const ServerOptions& options,
                                     const ServerDependencies& dependencies) {
    WatchOptions watch = options.watch;
    watch.feed.policies = dependencies.policies;
    return watch;
  }

  const TokenSealer tokens_;
  Gate gate_;
  TimerQueue timers_;
  const CallEnvironment env_;
  WatchRegistry watches_;
  JobService job_service_;
  ErrorService error_service_;
  PolicyService policy_service_;
  NotificationService notification_service_;
  ByteStreamService byte_stream_service_;
  Mutex health_mutex_;
  bool drained_ BITS_GUARDED_BY(health_mutex_) = false;
  std::string admin_address_;
  Endpoint admin_;
  Endpoint main_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const ServerOptions& options,
                                                      const ServerDependencies& dependencies) {
  auto server = std::make_unique<ServerImpl>(options, dependencies);
  BITS_RETURN_IF_ERROR(server->Listen(options));
  return server;
}

}  // namespace bits::rpc

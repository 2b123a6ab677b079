// The gRPC server of bitsd: its addresses, its services, its start and its end.
#ifndef BITS_SERVER_RPC_SERVER_H_
#define BITS_SERVER_RPC_SERVER_H_

#include <grpcpp/channel.h>
#include <grpcpp/server.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/app/job_manager.h"
#include "server/app/policy_manager.h"
#include "server/app/ports/job_store.h"
#include "server/app/watch_hub.h"
#include "server/base/executor.h"
#include "server/rpc/authenticator.h"
#include "server/rpc/content_reader.h"
#include "server/rpc/watch_reactor.h"

namespace bits::rpc {

struct ServerOptions {
  std::vector<std::string> listen = {"127.0.0.1:7310"};  // ParseListenAddress; one or more
  std::string admin_listen;                              // health and channelz only; empty: none
  // Says that addresses which other machines can reach may be served in the clear.
  bool insecure = false;
  // Callers name themselves (DevelopmentAuthenticator): only at addresses that no other machine
  // reaches, `insecure` or not.
  bool development_principals = false;

  // 10,000 files with the longest names fit.
  int max_receive_bytes = 64 << 20;
  int max_streams_per_connection = 1024;
  size_t memory_bytes = 512 << 20;  // of gRPC's buffers
  std::chrono::milliseconds keepalive_time{60'000};
  std::chrono::milliseconds keepalive_timeout{20'000};
  std::chrono::milliseconds least_ping_interval{10'000};  // what clients may do
  absl::Duration read_timeout = absl::Seconds(30);
  ContentOptions content;
  WatchOptions watch;
};

// All of it outlives the server. `replies` (it converts and sends) is apart from `reads` (it
// waits for the store), so that a slow list holds up no answer.
struct ServerDependencies {
  app::JobManager* jobs = nullptr;
  app::PolicyManager* policies = nullptr;
  app::JobStore* store = nullptr;
  app::WatchHub* hub = nullptr;
  Executor* reads = nullptr;
  Executor* replies = nullptr;
  Executor* contents = nullptr;  // reads local files for ByteStream
  const Authenticator* authenticator = nullptr;
  std::string token_key;  // TokenSealer::NewKey(), kept with the state
};

class Server {
 public:
  // Listens; health says NOT_SERVING and calls are refused as UNAVAILABLE (STARTING) until
  // SetServing(true). INVALID_ARGUMENT: an address is wrong, or reachable by other machines
  // without `insecure`. UNAVAILABLE: an address cannot be had, and why. Blocks for a moment.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const ServerOptions& options,
                                                       const ServerDependencies& dependencies);
  // Drain with no patience, if it was not called.
  virtual ~Server() = default;

  // What health says, of the server and of its services. Once true, calls are taken; false
  // later changes health only. Any thread; does nothing once Drain was called.
  virtual void SetServing(bool serving) = 0;

  // The addresses, with the ports that were found for 0.
  virtual const std::vector<std::string>& addresses() const = 0;
  virtual const std::string& admin_address() const = 0;
  // To this server, without a socket.
  virtual std::shared_ptr<grpc::Channel> InProcessChannel() = 0;

  // Ends it: health says NOT_SERVING for good, watches end and new calls are refused with
  // UNAVAILABLE (DRAINING), calls under way may finish until `deadline`, then they are
  // cancelled. Blocks until gRPC is done with all of them. One thread, never a call's; idempotent.
  virtual void Drain(std::chrono::system_clock::time_point deadline) = 0;
};

}  // namespace bits::rpc

#endif  // BITS_SERVER_RPC_SERVER_H_

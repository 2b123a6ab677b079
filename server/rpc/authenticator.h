// Who is calling.
#ifndef BITS_SERVER_RPC_AUTHENTICATOR_H_
#define BITS_SERVER_RPC_AUTHENTICATOR_H_

#include <grpcpp/server_context.h>

#include "absl/status/statusor.h"
#include "server/app/principal.h"

namespace bits::rpc {

// Thread-safe. Called at the start of every call, on gRPC's threads: must not block.
class Authenticator {
 public:
  virtual ~Authenticator() = default;
  // UNAUTHENTICATED or PERMISSION_DENIED refuses the call.
  virtual absl::StatusOr<app::Principal> Authenticate(
      const grpc::CallbackServerContext& context) const = 0;
};

// Everybody who reaches the server is the one local administrator: the server listens where
// only this machine's users come, or --insecure was said.
class LocalAuthenticator final : public Authenticator {
 public:
  absl::StatusOr<app::Principal> Authenticate(
      const grpc::CallbackServerContext& /*context*/) const override {
    return app::Principal{"local", true};
  }
};

// For trials and tests, until there are identities: whoever calls says who they are. Metadata
// `x-bits-principal` names the principal (1 to 256 characters of printable ASCII), no administrator
// unless `x-bits-administrator` is `true`. A call without either is the local administrator's.
// UNAUTHENTICATED (E_ACCESSDENIED) if one of them is malformed, doubled, or the second comes alone.
class DevelopmentAuthenticator final : public Authenticator {
 public:
  absl::StatusOr<app::Principal> Authenticate(
      const grpc::CallbackServerContext& context) const override;
};

}  // namespace bits::rpc

#endif  // BITS_SERVER_RPC_AUTHENTICATOR_H_

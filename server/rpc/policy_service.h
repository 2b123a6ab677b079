// bits.v1.PolicyService: check and convert the request, call the application, convert back.
#ifndef BITS_SERVER_RPC_POLICY_SERVICE_H_
#define BITS_SERVER_RPC_POLICY_SERVICE_H_

#include "bits/v1/policy_service.grpc.pb.h"
#include "server/app/policy_manager.h"
#include "server/rpc/unary_call.h"

namespace bits::rpc {

// Called by gRPC, on its few threads: nothing here blocks.
class PolicyService final : public v1::PolicyService::CallbackService {
 public:
  // `policies` outlives the service.
  PolicyService(const CallEnvironment& env, app::PolicyManager* policies)
      : env_(env), policies_(policies) {}

  using Context = grpc::CallbackServerContext;
  using Reactor = grpc::ServerUnaryReactor;
  Reactor* GetPolicy(Context* context, const v1::GetPolicyRequest* request,
                     v1::Policy* response) override;
  Reactor* UpdatePolicy(Context* context, const v1::UpdatePolicyRequest* request,
                        v1::Policy* response) override;

 private:
  const CallEnvironment env_;
  app::PolicyManager* const policies_;
};

}  // namespace bits::rpc

#endif  // BITS_SERVER_RPC_POLICY_SERVICE_H_

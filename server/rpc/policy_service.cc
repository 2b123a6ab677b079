#include "server/rpc/policy_service.h"

#include <utility>

#include "server/base/error_info.h"
#include "server/base/status_macros.h"
#include "server/rpc/policy_convert.h"

namespace bits::rpc {

PolicyService::Reactor* PolicyService::GetPolicy(Context* context,
                                                 const v1::GetPolicyRequest* request,
                                                 v1::Policy* response) {
  return StartCall(env_, *context, [&](const app::Principal& principal, const CallPtr& call) {
    if (!request->name().empty() && request->name() != "policy") {
      return InvalidField("name", "must be `policy` or empty");
    }
    call->Answer(policies_->Get(principal),
                 [response](const app::PolicyView& view) { ToProto(view, response); });
    return absl::OkStatus();
  });
}

PolicyService::Reactor* PolicyService::UpdatePolicy(Context* context,
                                                    const v1::UpdatePolicyRequest* request,
                                                    v1::Policy* response) {
  return StartCall(env_, *context, [&](const app::Principal& principal, const CallPtr& call) {
    BITS_RETURN_IF_ERROR(policies_->Get(principal).status());  // who may not ask learns nothing
    // Where it may block: a time zone may have to be read.
    return env_.reads->TryPost([this, principal, call, response, asked = *request] {
      absl::StatusOr<app::PolicyChange> change = PolicyChangeFrom(asked);
      if (!change.ok()) return call->Answer(change.status());
      policies_->Update(principal, *std::move(change),
                        Reply<app::PolicyView>(env_, call, [response](const app::PolicyView& view) {
                          ToProto(view, response);
                        }));
    });
  });
}

}  // namespace bits::rpc

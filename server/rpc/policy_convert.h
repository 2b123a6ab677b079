// The policy as the message of bits.v1, and the form of what is asked of it. The fields are found
// by their names (domain::PolicyFields). Pure; any thread.
#ifndef BITS_SERVER_RPC_POLICY_CONVERT_H_
#define BITS_SERVER_RPC_POLICY_CONVERT_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "bits/v1/policy.pb.h"
#include "bits/v1/policy_service.pb.h"
#include "server/app/policy_manager.h"
#include "server/domain/policy.h"

namespace bits::rpc {

// The fields that are set. INVALID_ARGUMENT names a field whose value is not allowed, as
// `prefix` and its name. Output-only fields are ignored.
absl::StatusOr<domain::PolicySettings> SettingsFrom(const v1::Policy& policy,
                                                    std::string_view prefix);

absl::StatusOr<app::PolicyChange> PolicyChangeFrom(const v1::UpdatePolicyRequest& request);

// Overwrites all of `to`.
void ToProto(const app::PolicyView& view, v1::Policy* to);

}  // namespace bits::rpc

#endif  // BITS_SERVER_RPC_POLICY_CONVERT_H_

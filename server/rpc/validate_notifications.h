// Checks and converts what a request says of notifications. Pure; any thread.
#ifndef BITS_SERVER_RPC_VALIDATE_NOTIFICATIONS_H_
#define BITS_SERVER_RPC_VALIDATE_NOTIFICATIONS_H_

#include <optional>
#include <string_view>

#include "absl/status/statusor.h"
#include "bits/v1/job_service.pb.h"
#include "server/base/secret.h"
#include "server/domain/notification_options.h"

namespace bits::rpc {

// As it stands in a new job; what its webhook is signed with is apart.
absl::StatusOr<domain::NotificationOptions> NotificationsFrom(const v1::Job& job);
// Empty where there is no webhook.
absl::StatusOr<Secret> WebhookKeyFrom(const v1::Job& job);

bool IsNotificationPath(std::string_view path);
// What the mask names of `notifications`; nullopt: nothing.
absl::StatusOr<std::optional<domain::NotificationUpdate>> NotificationUpdateFrom(
    const v1::UpdateJobRequest& request);

}  // namespace bits::rpc

#endif  // BITS_SERVER_RPC_VALIDATE_NOTIFICATIONS_H_

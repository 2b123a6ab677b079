// Notifications as messages of bits.v1. Pure; any thread.
#ifndef BITS_SERVER_RPC_CONVERT_NOTIFICATIONS_H_
#define BITS_SERVER_RPC_CONVERT_NOTIFICATIONS_H_

#include "bits/v1/job.pb.h"
#include "bits/v1/notification.pb.h"
#include "server/app/ports/notification_record.h"
#include "server/domain/job.h"

namespace bits::rpc {

void FillNotifications(const domain::NotificationOptions& options, v1::NotificationOptions* to);
v1::NotifyFlag ToProto(domain::NotifyFlag flag);
// Overwrites all of `to`.
void ToProto(const app::NotificationRecord& notification, v1::Notification* to);

}  // namespace bits::rpc

#endif  // BITS_SERVER_RPC_CONVERT_NOTIFICATIONS_H_

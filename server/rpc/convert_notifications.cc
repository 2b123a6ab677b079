#include "server/rpc/convert_notifications.h"

#include "server/rpc/convert.h"
#include "server/rpc/names.h"

namespace bits::rpc {

void FillNotifications(const domain::NotificationOptions& options, v1::NotificationOptions* to) {
  for (int flag = 1; flag <= domain::kAllNotifyFlags; flag *= 2) {
    if ((options.flags & flag) != 0) to->add_flags(static_cast<v1::NotifyFlag>(flag));
  }
  if (!options.command.program.empty()) {
    to->mutable_command_line()->set_program(options.command.program);
    for (const std::string& argument : options.command.arguments) {
      to->mutable_command_line()->add_arguments(argument);
    }
  }
  if (options.webhook_uri.empty()) return;
  to->mutable_webhook()->set_uri(options.webhook_uri);
  to->mutable_webhook()->set_in_memory_only(options.webhook_volatile);
}

v1::NotifyFlag ToProto(domain::NotifyFlag flag) {
  return static_cast<v1::NotifyFlag>(flag);  // both are BITS's numbers
}

void ToProto(const app::NotificationRecord& notification, v1::Notification* to) {
  to->Clear();
  const domain::JobId& job = notification.event.job.id;
  to->set_name(NotificationName(job, notification.number));
  to->set_flag(ToProto(notification.flag));
  to->set_state(notification.given_up ? v1::Notification::STATE_DEAD
                                      : v1::Notification::STATE_PENDING);
  ToProto(notification.event.time, to->mutable_event_time());
  to->set_tries(notification.tries);
  if (!notification.given_up) ToProto(notification.next_try, to->mutable_next_try_time());
  if (notification.error.has_value()) ToProto(job, *notification.error, to->mutable_error());
}

}  // namespace bits::rpc

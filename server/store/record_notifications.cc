#include "server/store/record_notifications.h"

#include <utility>

namespace bits::store {

void NotificationsToRecord(const domain::Job& job, v1::JobRecord& to) {
  to.set_notification_count(job.notification_count);
  const domain::NotificationOptions& options = job.notifications;
  if (options == domain::NotificationOptions()) return;
  to.mutable_notifications()->set_flags(options.flags);
  to.mutable_notifications()->set_webhook_uri(options.webhook_uri);
  to.mutable_notifications()->set_webhook_volatile(options.webhook_volatile);
  to.mutable_notifications()->set_program(options.command.program);
  for (const std::string& argument : options.command.arguments) {
    to.mutable_notifications()->add_arguments(argument);
  }
}

bool NotificationsFromRecord(v1::JobRecord& from, domain::Job& to) {
  to.notification_count = from.notification_count();
  if (!from.has_notifications()) return true;
  if (from.notifications().flags() > domain::kAllNotifyFlags) return false;
  to.notifications.flags = static_cast<domain::NotifyFlags>(from.notifications().flags());
  to.notifications.webhook_uri = std::move(*from.mutable_notifications()->mutable_webhook_uri());
  to.notifications.webhook_volatile = from.notifications().webhook_volatile();
  to.notifications.command.program = std::move(*from.mutable_notifications()->mutable_program());
  for (std::string& argument : *from.mutable_notifications()->mutable_arguments()) {
    to.notifications.command.arguments.push_back(std::move(argument));
  }
  return true;
}

}  // namespace bits::store

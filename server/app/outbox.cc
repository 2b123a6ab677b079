#include "server/app/outbox.h"

#include <utility>

#include "server/base/log.h"
#include "server/base/status_macros.h"
#include "server/domain/notifications.h"

namespace bits::app {

using domain::NotifyFlag;

absl::StatusOr<std::vector<NotificationRecord>> NotificationsOf(
    Transaction& txn, const std::vector<EventRecord>& events, const domain::Job* before,
    domain::Job& after) {
  std::vector<NotificationRecord> made;
  if (!domain::HasReceiver(after.notifications)) return made;
  const auto make = [&made, &after](NotifyFlag flag, const EventRecord& event) {
    if (flag == NotifyFlag::kNone || !domain::HasReceiverFor(after.notifications, flag)) return;
    NotificationRecord record;
    record.flag = flag;
    record.event = event;
    record.next_try = event.time;
    made.push_back(std::move(record));
  };
  for (const EventRecord& event : events) make(domain::NotificationOf(event.kind, after), event);
  if (before != nullptr && !events.empty()) {
    EventRecord late = events.back();
    late.kind = domain::ChangeKind::kStateChanged;
    if (after.state == domain::JobState::kError) late.error = after.error;
    make(domain::LateNotification(*before, after), late);
  }
  if (made.empty()) return made;
  BITS_ASSIGN_OR_RETURN(uint32_t kept, txn.CountNotifications(after.id));
  std::vector<NotificationRecord> room;
  for (NotificationRecord& record : made) {
    // A job's last words have the room of the news of how it went.
    const NotifyFlag rank =
        domain::IsFinal(after.state) ? NotifyFlag::kJobTransferred : record.flag;
    const uint32_t most = domain::MostKept(rank);
    if (kept >= most) {
      BITS_LOG(kInfo, "a notification is not made: too many of its job wait",
               {{"job", after.id}, {"flag", static_cast<int>(record.flag)}, {"waiting", kept}});
      continue;
    }
    ++kept;
    record.number = ++after.notification_count;
    room.push_back(std::move(record));
  }
  return room;
}

absl::Status ForgetReceivers(Transaction& txn, const domain::Job& before,
                             const domain::Job& after) {
  const domain::NotificationOptions& was = before.notifications;
  const domain::NotificationOptions& is = after.notifications;
  if (!was.webhook_uri.empty() && is.webhook_uri.empty()) {
    BITS_RETURN_IF_ERROR(txn.PutWebhookSecret(before.id, ""));
  }
  if (!domain::HasReceiver(was) || domain::HasReceiver(is)) return absl::OkStatus();
  return txn.DeleteNotifications(before.id);
}

}  // namespace bits::app

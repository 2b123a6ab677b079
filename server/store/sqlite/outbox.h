// The outboxes of jobs in SQLite. Statuses are those of app::Transaction and app::JobStore; a job is
// named by its seq where it is known to be there.
#ifndef BITS_SERVER_STORE_SQLITE_OUTBOX_H_
#define BITS_SERVER_STORE_SQLITE_OUTBOX_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/app/ports/notification_record.h"
#include "server/store/sqlite/database.h"

namespace bits::store {

absl::Status WriteNotification(Database& database, int64_t seq,
                               const app::NotificationRecord& notification);
absl::Status RemoveNotification(Database& database, int64_t seq, uint64_t number);
absl::Status RemoveNotifications(Database& database, int64_t seq);
absl::StatusOr<app::NotificationRecord> ReadNotification(Database& database, int64_t seq,
                                                         uint64_t number);
absl::StatusOr<app::NotificationRecord> ReadFirstPending(Database& database, int64_t seq);
absl::StatusOr<uint32_t> ReadNotificationCount(Database& database, int64_t seq);

absl::StatusOr<std::vector<app::NotificationRecord>> ReadNotifications(Database& database,
                                                                       const domain::JobId& id,
                                                                       uint64_t after,
                                                                       uint32_t limit);
absl::StatusOr<std::vector<app::DueOutbox>> ReadDueOutboxes(Database& database,
                                                            const app::DueQuery& query);
absl::StatusOr<absl::Time> ReadNextOutbox(Database& database, absl::Time after);

}  // namespace bits::store

#endif  // BITS_SERVER_STORE_SQLITE_OUTBOX_H_

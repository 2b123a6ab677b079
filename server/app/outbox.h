// What a change of a job puts into its outbox, in the transaction of the change.
#ifndef BITS_SERVER_APP_OUTBOX_H_
#define BITS_SERVER_APP_OUTBOX_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/app/ports/event_record.h"
#include "server/app/ports/job_store.h"
#include "server/domain/job.h"

namespace bits::app {

// The notifications that these events of one change make; `after` is the job as it is to be written
// and counts them. `before` is null for a new job. None where there is nobody to tell.
absl::StatusOr<std::vector<NotificationRecord>> NotificationsOf(
    Transaction& txn, const std::vector<EventRecord>& events, const domain::Job* before,
    domain::Job& after);

// Once the job is written: what belonged to a receiver that it has no more goes.
absl::Status ForgetReceivers(Transaction& txn, const domain::Job& before, const domain::Job& after);

}  // namespace bits::app

#endif  // BITS_SERVER_APP_OUTBOX_H_

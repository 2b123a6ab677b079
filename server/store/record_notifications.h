// The part of a job's record that says who is told of it. Pure; any thread.
#ifndef BITS_SERVER_STORE_RECORD_NOTIFICATIONS_H_
#define BITS_SERVER_STORE_RECORD_NOTIFICATIONS_H_

#include "server/domain/job.h"
#include "server/store/record.pb.h"

namespace bits::store {

// Only what is not at its default.
void NotificationsToRecord(const domain::Job& job, v1::JobRecord& to);
// Texts are moved out of `from`. False if a number is none that it can be.
bool NotificationsFromRecord(v1::JobRecord& from, domain::Job& to);

}  // namespace bits::store

#endif  // BITS_SERVER_STORE_RECORD_NOTIFICATIONS_H_

// What waits in a job's outbox to be told to whom the job names: written with the change that it tells
// of, and there until it is delivered. Plain values; any thread.
#ifndef BITS_SERVER_APP_PORTS_NOTIFICATION_RECORD_H_
#define BITS_SERVER_APP_PORTS_NOTIFICATION_RECORD_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "server/app/ports/event_record.h"
#include "server/domain/error.h"
#include "server/domain/notification_options.h"

namespace bits::app {

struct NotificationRecord {
  uint64_t number = 0;  // of its job's, from 1 in the order of the changes; never given twice
  domain::NotifyFlag flag = domain::NotifyFlag::kNone;
  EventRecord event;      // the change; the job that it is of
  bool given_up = false;  // true: it is not tried any more
  uint32_t tries = 0;
  absl::Time next_try;
  std::optional<domain::Error> error;  // of the last try; a context of notifications
  bool operator==(const NotificationRecord&) const = default;
};

// Whose outbox has something to deliver now.
struct DueOutbox {
  domain::JobId job;
  std::string owner;
  bool operator==(const DueOutbox&) const = default;
};

struct DueQuery {
  absl::Time now;
  std::string after_owner = {};  // the round goes on behind this owner, as in QueueQuery
  uint32_t owners = 1;           // of whom outboxes are given, at most
  uint32_t per_owner = 1;
};

}  // namespace bits::app

#endif  // BITS_SERVER_APP_PORTS_NOTIFICATION_RECORD_H_

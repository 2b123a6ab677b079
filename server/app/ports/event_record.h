// One committed change, as watchers replay it and notifications tell it. Plain values; any thread.
#ifndef BITS_SERVER_APP_PORTS_EVENT_RECORD_H_
#define BITS_SERVER_APP_PORTS_EVENT_RECORD_H_

#include <cstdint>
#include <optional>

#include "absl/time/time.h"
#include "server/domain/decide.h"
#include "server/domain/error.h"
#include "server/domain/job.h"

namespace bits::app {

// The count of events ever committed; a watcher's cursor. 0: before all.
using Revision = uint64_t;

struct EventRecord {
  Revision revision = 0;
  domain::ChangeKind kind = domain::ChangeKind::kModified;
  absl::Time time;
  domain::Job job;         // right after the change
  uint32_t file = 0;       // ordinal, where one is concerned
  std::optional<domain::Error> error;
  bool operator==(const EventRecord&) const = default;
};

}  // namespace bits::app

#endif  // BITS_SERVER_APP_PORTS_EVENT_RECORD_H_

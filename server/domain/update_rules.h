// What UpdateJob may not do to a job as it is, beyond what its state forbids. Pure; any thread.
#ifndef BITS_SERVER_DOMAIN_UPDATE_RULES_H_
#define BITS_SERVER_DOMAIN_UPDATE_RULES_H_

#include "absl/status/status.h"
#include "server/domain/event.h"
#include "server/domain/job.h"

namespace bits::domain {

// OK, or the refusal with BITS's symbol; of times that are wrong: CheckTiming's.
absl::Status CheckUpdate(const Job& job, const Update& update, absl::Time now);

// Likewise, of files.
absl::Status CheckAddFiles(const Job& job, const AddFiles& added);

// What a new job's properties must not be together; and a custom method makes it FOREGROUND, if
// `priority_given` is false.
absl::Status CheckNew(Job& job, bool priority_given);

}  // namespace bits::domain

#endif  // BITS_SERVER_DOMAIN_UPDATE_RULES_H_

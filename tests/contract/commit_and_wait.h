#ifndef BITS_TESTS_CONTRACT_COMMIT_AND_WAIT_H_
#define BITS_TESTS_CONTRACT_COMMIT_AND_WAIT_H_

#include "absl/status/status.h"
#include "server/app/ports/job_store.h"

namespace bits::testing {

// The store's answer to one Commit. Any thread but the store's.
absl::Status CommitAndWait(app::JobStore& store, app::JobStore::Body body);

}  // namespace bits::testing

#endif  // BITS_TESTS_CONTRACT_COMMIT_AND_WAIT_H_

// ListJobs on SQLite.
#ifndef BITS_SERVER_STORE_SQLITE_JOB_LIST_H_
#define BITS_SERVER_STORE_SQLITE_JOB_LIST_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "server/app/ports/job_store.h"
#include "server/store/sqlite/database.h"

namespace bits::store {

// A page, for which at most `row_limit` (1 or more) rows are looked at. Only rows in states
// and of the owner that the query can be about are, by index; of these the rest of the filter
// picks. UNAVAILABLE if it cannot be read.
absl::StatusOr<app::JobPage> ListJobs(Database& database, const app::JobQuery& query,
                                      uint32_t row_limit);

// The statement that ListJobs runs, for tests of its plan.
std::string ListJobsSql(const app::JobQuery& query);

}  // namespace bits::store

#endif  // BITS_SERVER_STORE_SQLITE_JOB_LIST_H_

// The jobs that wait for their turn, as the scheduler asks for them.
#ifndef BITS_SERVER_STORE_SQLITE_QUEUE_QUERY_H_
#define BITS_SERVER_STORE_SQLITE_QUEUE_QUERY_H_

#include <vector>

#include "absl/status/statusor.h"
#include "server/app/ports/job_store.h"
#include "server/store/sqlite/database.h"

namespace bits::store {

// JobStore::ListQueued. Within a transaction.
absl::StatusOr<std::vector<domain::WaitingJob>> ReadQueued(
    Database& database, const app::QueueQuery& query, const app::JobStore::PassOver& pass_over);

}  // namespace bits::store

#endif  // BITS_SERVER_STORE_SQLITE_QUEUE_QUERY_H_
